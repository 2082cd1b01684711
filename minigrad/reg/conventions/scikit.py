"""scikit-learn's regularizers. Sources are its user guide and the docstrings of the classes named (version 1.9)."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...checks import finite
from .reading import COEFFICIENTS, KERNELS, Convention, Facts, Rule, linear_line, penalty_line

GUIDE = "scikit-learn user guide, "
SOLVING = ("max_iter", "tol", "solver", "random_state", "copy_X", "positive", "warm_start", "n_jobs", "verbose")
SQUARES = "1/(2m) Σ(y - ŷ)²"


def _strength(value: Any, name: str) -> float:
    return finite(value, name, at_least=0.0)


def ridge(facts: Facts, alpha: Any = 1.0, fit_intercept: Any = True) -> Convention:
    alpha, m = _strength(alpha, "Ridge: alpha"), facts.rows
    l2 = alpha / m
    return Convention(
        objective="‖y - Xw‖² + α‖w‖²: a sum over the rows, and no half on either part; over 2m, l2 = α/m",
        l1=0.0,
        l2=l2,
        data=SQUARES,
        touches=COEFFICIENTS,
        line=linear_line(0.0, l2, intercept=bool(fit_intercept)),
        remarks=(
            "in cross-validation the rows are those of a fold's training part: the same α is a stronger l2 there",
        ),
        source=GUIDE + "1.1.2 Ridge regression",
    )


def lasso(facts: Facts, alpha: Any = 1.0, fit_intercept: Any = True) -> Convention:
    return elastic_net(facts, alpha, 1.0, fit_intercept)


def elastic_net(facts: Facts, alpha: Any = 1.0, l1_ratio: Any = 0.5, fit_intercept: Any = True) -> Convention:
    alpha = _strength(alpha, "alpha")
    ratio = finite(l1_ratio, "l1_ratio", 0.0, 1.0)
    l1, l2 = alpha * ratio, alpha * (1 - ratio)
    return Convention(
        objective="1/(2m) ‖y - Xw‖² + α ρ ‖w‖₁ + α (1 - ρ)/2 ‖w‖², with ρ = l1_ratio (1 for the lasso)",
        l1=l1,
        l2=l2,
        data=SQUARES,
        touches=COEFFICIENTS,
        line=linear_line(l1, l2, intercept=bool(fit_intercept)),
        source=GUIDE + "1.1.3 Lasso, 1.1.5 Elastic-Net",
    )


def logistic(
    facts: Facts,
    penalty: Any = "deprecated",
    C: Any = 1.0,
    l1_ratio: Any = 0.0,
    fit_intercept: Any = True,
    solver: Any = "lbfgs",
) -> Convention:
    weight = finite(C, "LogisticRegression: C", at_least=1e-300)
    ratios = {"l1": 1.0, "l2": 0.0, "elasticnet": l1_ratio, "deprecated": l1_ratio}
    if penalty is not None and penalty not in ratios:
        raise ValueError(f"LogisticRegression: penalty is {penalty!r}; need 'l1', 'l2', 'elasticnet' or None")
    ratio = finite(0.0 if penalty is None or ratios[penalty] is None else ratios[penalty], "l1_ratio", 0.0, 1.0)
    total = 0.0 if penalty is None else 1 / (weight * facts.rows)
    liblinear = ("solver='liblinear' penalizes the intercept, too (as a coefficient of a column intercept_scaling)",)
    return Convention(
        objective="C Σ log losses + ρ ‖w‖₁ + (1 - ρ)/2 ‖w‖²: the strength is on the data; over C m, l1 = ρ/(C m), "
        "l2 = (1 - ρ)/(C m)",
        l1=total * ratio,
        l2=total * (1 - ratio),
        data="the mean log loss",
        touches="coefficients and intercept" if solver == "liblinear" else COEFFICIENTS,
        line=linear_line(total * ratio, total * (1 - ratio), "Logistic", intercept=bool(fit_intercept)),
        remarks=liblinear if solver == "liblinear" else (),
        source=GUIDE + "1.1.11 Logistic regression",
    )


def stochastic(
    facts: Facts, loss: Any = "", penalty: Any = "l2", alpha: Any = 1e-4, l1_ratio: Any = 0.15
) -> Convention:
    alpha = _strength(alpha, "alpha")
    ratios = {"l2": 0.0, "l1": 1.0, "elasticnet": l1_ratio, None: 0.0}
    if penalty not in ratios:
        raise ValueError(f"penalty is {penalty!r}; need 'l2', 'l1', 'elasticnet' or None")
    ratio = finite(ratios[penalty], "l1_ratio", 0.0, 1.0)
    alpha = 0.0 if penalty is None else alpha
    l1, l2 = alpha * ratio, alpha * (1 - ratio)
    return Convention(
        objective="1/m Σ loss(yᵢ, xᵢw + b) + α (ρ ‖w‖₁ + (1 - ρ)/2 ‖w‖²)",
        l1=l1,
        l2=l2,
        data="the mean of the loss named (squared_error: ½(y - ŷ)²)",
        touches=COEFFICIENTS,
        line=penalty_line(l1, l2),
        remarks=(
            "L1 acts by a truncated gradient (Tsuruoka et al. 2009), which reaches exact 0, as minigrad's prox= does",
        )
        if l1
        else (),
        source=GUIDE + "1.5.8 Mathematical formulation",
    )


def network(facts: Facts, alpha: Any = 1e-4, batch_size: Any = "auto") -> Convention:
    alpha = _strength(alpha, "alpha")
    if batch_size == "auto":
        batch = facts.known["batch"] or min(200, facts.rows)
    else:
        batch = finite(batch_size, "batch_size", at_least=1.0)
    return Convention(
        objective="mean loss of the batch + α/(2b) ‖W‖², b the rows of the batch ('auto': 200, or all if fewer)",
        l1=0.0,
        l2=alpha / batch,
        data="the mean loss of a batch (regression: ½(y - ŷ)²)",
        touches=KERNELS,
        line=penalty_line(0.0, alpha / batch),
        remarks=("the strength changes with batch_size: half the batch, twice the l2",),
        source="sklearn/neural_network/_multilayer_perceptron.py, _compute_loss_grad",
    )


def generalized(facts: Facts, alpha: Any = 1.0, fit_intercept: Any = True) -> Convention:
    alpha = _strength(alpha, "alpha")
    return Convention(
        objective="1/(2m) Σ deviance(yᵢ, ŷᵢ) + α/2 ‖w‖²",
        l1=0.0,
        l2=alpha,
        data="half the mean deviance, which is the mean negative log-likelihood but for a constant",
        touches=COEFFICIENTS,
        line=penalty_line(0.0, alpha),
        source=GUIDE + "1.1.13 Generalized Linear Models",
    )


def poisson(facts: Facts, alpha: Any = 1.0, fit_intercept: Any = True) -> Convention:
    line = linear_line(0.0, _strength(alpha, "alpha"), "Poisson", intercept=bool(fit_intercept))
    return dataclasses.replace(generalized(facts, alpha), line=line)


def huber(facts: Facts, epsilon: Any = 1.35, alpha: Any = 1e-4) -> Convention:
    alpha = _strength(alpha, "alpha")
    m = facts.rows
    return Convention(
        objective="Σ (σ + H((yᵢ - xᵢw)/σ) σ) + α ‖w‖², with H(z) = z² for |z| < ε, else 2ε|z| - ε²; σ is fitted",
        l1=0.0,
        l2=2 * alpha / m,
        data="the mean of σ + H σ (twice the usual Huber loss, in units of σ)",
        touches=COEFFICIENTS,
        line=penalty_line(0.0, 2 * alpha / m),
        remarks=(
            "one model, with s its scale_: linear_model.Huber(l1_ratio=0, delta=epsilon, scale=s) at λ = alpha s / m",
        ),
        source=GUIDE + "1.1.16.3 Huber Regression",
    )


def quantile(facts: Facts, quantile: Any = 0.5, alpha: Any = 1.0, fit_intercept: Any = True) -> Convention:
    alpha = _strength(alpha, "alpha")
    return Convention(
        objective="1/m Σ pinball loss + α ‖w‖₁",
        l1=alpha,
        l2=0.0,
        data="the mean pinball loss",
        touches=COEFFICIENTS,
        line=penalty_line(alpha, 0.0),
        source=GUIDE + "1.1.17 Quantile Regression",
    )


def margins(facts: Facts, penalty: Any = "l2", loss: Any = "squared_hinge", C: Any = 1.0) -> Convention:
    weight = finite(C, "C", at_least=1e-300)
    if penalty not in ("l1", "l2"):
        raise ValueError(f"LinearSVC: penalty is {penalty!r}; need 'l1' or 'l2'")
    total = 1 / (weight * facts.rows)
    l1, l2 = (total, 0.0) if penalty == "l1" else (0.0, total)
    return Convention(
        objective="C Σ hinge losses + ½ ‖w‖² (or ‖w‖₁); over C m",
        l1=l1,
        l2=l2,
        data="the mean hinge loss (squared by default)",
        touches="coefficients and intercept",
        line=penalty_line(l1, l2, "reg.everything"),
        remarks=("liblinear penalizes the intercept, too (as a coefficient of a column intercept_scaling)",),
        source=GUIDE + "1.4.7.1 SVC; liblinear",
    )


_LINEAR = "sklearn.linear_model."
RULES = [
    Rule(_LINEAR + "Ridge", ridge, SOLVING),
    Rule(_LINEAR + "RidgeClassifier", ridge, (*SOLVING, "class_weight")),
    Rule(_LINEAR + "Lasso", lasso, (*SOLVING, "precompute", "selection")),
    Rule(_LINEAR + "LassoLars", lasso, (*SOLVING, "precompute", "eps", "fit_path", "jitter")),
    Rule(_LINEAR + "ElasticNet", elastic_net, (*SOLVING, "precompute", "selection")),
    Rule(
        _LINEAR + "LogisticRegression",
        logistic,
        (*SOLVING, "dual", "intercept_scaling", "class_weight", "multi_class"),
    ),
    *(
        Rule(
            _LINEAR + name,
            stochastic,
            (
                *(*SOLVING, "fit_intercept", "shuffle", "epsilon", "learning_rate", "eta0", "power_t"),
                *("early_stopping", "validation_fraction", "n_iter_no_change", "class_weight", "average"),
            ),
        )
        for name in ("SGDClassifier", "SGDRegressor")
    ),
    Rule(_LINEAR + "PoissonRegressor", poisson, (*SOLVING, "power", "link")),
    *(
        Rule(_LINEAR + name, generalized, (*SOLVING, "power", "link"))
        for name in ("GammaRegressor", "TweedieRegressor")
    ),
    Rule(_LINEAR + "HuberRegressor", huber, (*SOLVING, "fit_intercept")),
    Rule(_LINEAR + "QuantileRegressor", quantile, (*SOLVING, "solver_options")),
    *(
        Rule(
            "sklearn.neural_network." + name,
            network,
            (
                *(*SOLVING, "hidden_layer_sizes", "activation", "learning_rate", "learning_rate_init", "power_t"),
                *("shuffle", "momentum", "nesterovs_momentum", "early_stopping", "validation_fraction", "beta_1"),
                *("beta_2", "epsilon", "n_iter_no_change", "max_fun", "loss"),
            ),
        )
        for name in ("MLPClassifier", "MLPRegressor")
    ),
    Rule(
        "sklearn.svm.LinearSVC",
        margins,
        (*SOLVING, "dual", "multi_class", "fit_intercept", "intercept_scaling", "class_weight"),
    ),
]
