"""glmnet, statsmodels and XGBoost, and the articles of examples/articles."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...checks import finite
from . import formulas
from .reading import COEFFICIENTS, Convention, Facts, Rule, linear_line, penalty_line

GLMNET = "Friedman, Hastie, Tibshirani 2010, J. Stat. Softw. 33(1), and ?glmnet"


def _strength(value: Any, name: str) -> float:
    return finite(value, name, at_least=0.0)


def glmnet(
    facts: Facts,
    family: Any = "gaussian",
    alpha: Any = 1.0,
    lambda_: Any = None,
    standardize: Any = True,
    intercept: Any = True,
) -> Convention:
    if lambda_ is None:
        raise ValueError("glmnet: which lambda? It fits a whole path: give lambda=..., for instance lambda=0.1")
    lam, ratio = _strength(lambda_, "glmnet: lambda"), finite(alpha, "glmnet: alpha", 0.0, 1.0)
    if family not in ("gaussian", "binomial", "poisson"):
        raise ValueError(f"glmnet: family is {family!r}; known here are gaussian, binomial, poisson")
    l1, l2, remarks = lam * ratio, lam * (1 - ratio), []
    if family == "gaussian" and l2:
        l2 /= facts.sd_y
        remarks.append(
            "y is divided by its standard deviation (over n) before the fit, and only the L1 part is scaled back: "
            "l1 = λα and l2 = λ(1 - α)/sd(y) in the units of y. The manual hardly says so; R's own results do"
        )
    if standardize:
        remarks.append("standardize=TRUE: the penalty is on the coefficients of columns divided by their sd (over n)")
    kind = {"gaussian": "Regression", "binomial": "Logistic", "poisson": "Poisson"}[family]
    return Convention(
        objective="gaussian: 1/(2n) Σ(y - ŷ)²; others: minus the mean log-likelihood; plus λ [(1 - α)/2 ‖w‖² + α ‖w‖₁]",
        l1=l1,
        l2=l2,
        data="1/(2n) Σ(y - ŷ)²" if family == "gaussian" else "the mean negative log-likelihood",
        touches=COEFFICIENTS,
        line=linear_line(l1, l2, kind, bool(standardize), bool(intercept)),
        remarks=tuple(remarks),
        source=GLMNET,
    )


def statsmodels(facts: Facts, alpha: Any = 0.0, L1_wt: Any = 1.0) -> Convention:
    alpha, ratio = _strength(alpha, "fit_regularized: alpha"), finite(L1_wt, "fit_regularized: L1_wt", 0.0, 1.0)
    l1, l2 = alpha * ratio, alpha * (1 - ratio)
    return Convention(
        objective="OLS: RSS/(2n); GLM: minus log-likelihood / n; plus alpha [(1 - L1_wt)/2 ‖w‖² + L1_wt ‖w‖₁]",
        l1=l1,
        l2=l2,
        data="1/(2n) Σ(y - ŷ)², or the mean negative log-likelihood",
        touches="every parameter, the column of ones of add_constant too",
        line=linear_line(l1, l2, intercept=False),
        remarks=("alpha may be a list, one strength per parameter: give the constant 0 there",),
        source="statsmodels.org, OLS.fit_regularized and GLM.fit_regularized",
    )


def statsmodels_discrete(facts: Facts, alpha: Any = 0.0) -> Convention:
    l1 = _strength(alpha, "fit_regularized: alpha") / facts.rows
    return Convention(
        objective="minus log-likelihood (a sum over the rows) + Σ alpha |w|; over m, l1 = alpha/m",
        l1=l1,
        l2=0.0,
        data="the mean negative log-likelihood",
        touches="every parameter, the column of ones of add_constant too",
        line=linear_line(l1, 0.0, "Logistic", intercept=False),
        source="statsmodels.org, Logit.fit_regularized(method='l1')",
    )


def xgboost(
    facts: Facts,
    lambda_: Any = None,
    alpha: Any = 0.0,
    booster: Any = "gbtree",
    reg_lambda: Any = None,
    reg_alpha: Any = None,
) -> Convention:
    if booster not in ("gbtree", "gblinear", "dart"):
        raise ValueError(f"xgboost: booster is {booster!r}; need 'gbtree', 'gblinear' or 'dart'")
    linear = booster == "gblinear"
    given = reg_lambda if reg_lambda is not None else lambda_
    lam = _strength((0.0 if linear else 1.0) if given is None else given, "xgboost: lambda")
    l1 = _strength(alpha if reg_alpha is None else reg_alpha, "xgboost: alpha")
    source = "xgboost.readthedocs.io, parameters; Chen, Guestrin 2016"
    if linear:
        return Convention(
            objective="gblinear: Σ losses + n (λ/2 ‖w‖² + α ‖w‖₁), n the sum of row weights; over n",
            l1=l1,
            l2=lam,
            data="the mean loss (reg:squarederror is ½(y - ŷ)²)",
            touches=COEFFICIENTS,
            line=linear_line(l1, lam) if l1 + lam else linear_line(0.0, 0.0),
            remarks=("a few boosting rounds of coordinate descent are not a converged fit",),
            source=source,
        )
    m = facts.rows
    return Convention(
        objective="Σ losses + Σ over trees (γ T + λ/2 Σ leaf² + α Σ|leaf|): on the values of leaves, beside a sum over "
        "the rows; over m, l1 = α/m, l2 = λ/m",
        l1=l1 / m,
        l2=lam / m,
        data="the mean loss (reg:squarederror is ½(y - ŷ)²)",
        touches="values of leaves; trees have no weights, and no minigrad model is the same",
        line=f"(for a network with as strong a pull on its weights) {penalty_line(l1 / m, lam / m)}",
        source=source,
    )


def _from_formula(function: Callable[..., Any]) -> Rule:
    """The rule of an article: its own formula, as `formulas` has it."""
    needs_rows = "m" in inspect.signature(function).parameters

    def article(facts: Facts, lam: Any = None) -> Convention:
        if lam is None:
            raise ValueError(f"{function.__name__}: which λ? Write {function.__name__}(0.01)")
        term = function(lam, facts.rows) if needs_rows else function(lam)
        return Convention(
            objective=" ".join((function.__doc__ or "").split()),
            l1=term.l1,
            l2=term.l2,
            data="1/(2m) Σ(y - ŷ)² in the linear systems",
            touches="what the article says; with reg.on, weights",
            line=penalty_line(term.l1, term.l2),
            source=f"examples/articles; reg.conventions.{function.__name__}",
        )

    return Rule(f"article.{function.__name__}", article, leading=())


_TREES = (
    *("objective", "eta", "learning_rate", "max_depth", "n_estimators", "num_boost_round", "gamma", "subsample"),
    *("colsample_bytree", "min_child_weight", "tree_method", "updater", "feature_selector", "base_score", "n_jobs"),
    *("random_state", "seed", "nthread"),
)
_FITTING = ("method", "maxiter", "start_params", "profile_scale", "refit", "cnvrg_tol", "trim_mode", "disp")
RULES = [
    Rule(
        "glmnet",
        glmnet,
        ("nlambda", "lambda_min_ratio", "thresh", "dfmax", "pmax", "maxit", "type_gaussian", "standardize_response"),
        ("x", "y"),
    ),
    *(Rule(f"statsmodels.{kind}.fit_regularized", statsmodels, _FITTING) for kind in ("OLS", "WLS", "GLM")),
    Rule("statsmodels.Logit.fit_regularized", statsmodels_discrete, _FITTING),
    *(Rule(name, xgboost, _TREES) for name in ("xgboost", "xgboost.XGBRegressor", "xgboost.XGBClassifier")),
    *(_from_formula(getattr(formulas, name)) for name in sorted(vars(formulas)) if name.startswith("article_")),
]
