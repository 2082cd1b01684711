"""Every convention against the library that it speaks of, where that is installed; a wrong one is found out."""

import dataclasses

import numpy as np
import pytest

from minigrad import linear_model
from minigrad.reg import conventions as c

TEXTS = [
    "sklearn.Ridge(alpha=3)",
    "sklearn.RidgeClassifier(alpha=2)",
    "sklearn.Lasso(alpha=0.1)",
    "sklearn.LassoLars(alpha=0.1)",
    "sklearn.ElasticNet(alpha=1, l1_ratio=0.3)",
    "sklearn.LogisticRegression(C=0.5)",
    "sklearn.LogisticRegression(C=0.5, l1_ratio=0.5, solver='saga')",
    "sklearn.PoissonRegressor(alpha=0.2)",
    "sklearn.GammaRegressor(alpha=0.2)",
    "sklearn.LinearSVC(C=0.3)",
    "sklearn.MLPRegressor(alpha=0.1)",
    *(f"torch {name}(weight_decay=0.3)" for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta")),
    *(f"torch {name}(weight_decay=0.3)" for name in ("Adamax", "ASGD", "NAdam", "RAdam")),
    "torch NAdam(weight_decay=0.3, decoupled_weight_decay=True)",
    "keras l1(0.3)",
    "keras l2(0.01)",
    "keras.regularizers.L1L2(l1=0.1, l2=0.2)",
    *(f"keras {name}(weight_decay=0.2)" for name in ("SGD", "Adam", "AdamW", "RMSprop")),
    "optax adamw(1e-3, weight_decay=0.1)",
    "optax add_decayed_weights(0.1)",
    "statsmodels OLS.fit_regularized(alpha=0.2, L1_wt=0.5)",
    "statsmodels GLM.fit_regularized(alpha=0.2, L1_wt=0.5)",
    "statsmodels Logit.fit_regularized(alpha=3)",
    "xgboost booster=gblinear lambda=0.5 alpha=0.2",
]


@pytest.mark.peers
@pytest.mark.parametrize("text", TEXTS)
def test_the_library_does_what_is_said(text):
    found = c.read(text, rows=60)
    pytest.importorskip(found.text.partition(".")[0].partition("(")[0], reason="this library is not installed")
    assert c.check(found).startswith("tried on ")


@pytest.mark.parametrize("text", ["sklearn.Ridge(alpha=3)", "sklearn.Lasso(alpha=0.1)"])
def test_trials_of_scikit_learn(text):
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install minigrad[sklearn]")
    assert "scikit-learn" in c.check(c.read(text, rows=60))


def test_a_wrong_rule_is_found_out(monkeypatch):
    """Ridge read as if its α stood beside a mean: the minimum is another."""
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install minigrad[sklearn]")
    from minigrad.reg.conventions import lookup

    rule = lookup.RULES["sklearn.linear_model.Ridge"]
    wrong = dataclasses.replace(rule, make=lambda facts, alpha: dataclasses.replace(rule.make(facts, alpha), l2=alpha))
    monkeypatch.setitem(lookup.RULES, rule.name, wrong)
    with pytest.raises(ArithmeticError, match="does not do what is said here"):
        c.check(c.read("sklearn.Ridge(alpha=3)", rows=60))


def test_what_has_no_trial():
    for text, message in (
        ("glmnet lambda=1", "cannot be tried from Python"),
        ("article_002(1)", "no trial"),
    ):
        with pytest.raises(ValueError, match=message):
            c.check(c.read(text, rows=3))
    with pytest.raises(TypeError, match=r"what reg\.conventions\.read gave back"):
        c.check(dataclasses.replace(c.read("keras l2(1)"), call=None))


def test_a_library_that_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="torch, which is not installed: pip install torch"):
        c.check(c.read("torch AdamW"))


def results(path):
    """The results of R that statsmodels ships in its tests: its file is data, and is read as such."""
    module = pytest.importorskip(f"statsmodels.{path}", reason="needs statsmodels")
    return {name: np.array(value) for name, value in vars(module).items() if name.startswith("rslt_")}, module.__file__


@pytest.mark.peers
def test_81_fits_of_glmnet():
    """R's glmnet on 9 tables, α 0, 0.5 and 1, three λ each; y and columns were divided by their sd over n - 1."""
    fits, file = results("regression.tests.results.glmnet_r_results")
    data = np.loadtxt(file.replace("glmnet_r_results.py", "lasso_data.csv"), delimiter=",")
    assert len(fits) == 81
    for rows, columns, alpha, lam, *expected in fits.values():
        y, x = data[: int(rows), 0], data[: int(rows), 1 : int(columns) + 1]
        y, x = (y - y.mean()) / y.std(ddof=1), (x - x.mean(0)) / x.std(0, ddof=1)
        term = c.glmnet(lam, alpha, sd_y=y.std())
        total = term.l1 + term.l2
        model = linear_model.Regression(l1_ratio=term.l1 / total, fit_intercept=False).start(x, y).fit(total)
        assert model.coefficients == pytest.approx(expected, abs=1e-5)


@pytest.mark.peers
def test_9_logistic_fits_of_glmnet():
    """The script that made them took the first row for a header and standardized the columns (over n - 1).

    glmnet stopped at its default threshold, 1e-7 of the deviance, which leaves 2e-5 in a coefficient.
    """
    fits, file = results("genmod.tests.results.glmnet_r_results")
    data = np.loadtxt(file.replace("glmnet_r_results.py", "enet_binomial.csv"), delimiter=",")[1:]
    x = (data[:, 1:] - data[:, 1:].mean(0)) / data[:, 1:].std(0, ddof=1)
    fits = [fit for name, fit in fits.items() if "binomial" in name]
    assert len(fits) == 9
    for alpha, lam, *expected in fits:
        solver = linear_model.Logistic(l1_ratio=alpha, fit_intercept=False).start(x, data[:, 0].astype(int))
        assert solver.fit(lam).coefficients.ravel() == pytest.approx(expected, abs=3e-5)
