"""Rules for λ without folds against refits, scikit-learn's own, and their formulas written out."""

import math

import numpy as np
import pytest

from minigrad import cli, selection
from minigrad.data import regression
from minigrad.linear_model import Logistic, Regression


def rows(m=40, p=6, seed=3):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((m, p))
    return x, x @ np.array([2.0, -1, 0.5, 0, 0, 0.25])[:p] + 1.5 + draw.standard_normal(m)


def wide(m=15, p=40):
    draw = np.random.default_rng(8)
    x = draw.standard_normal((m, p))
    return x, 2 * x[:, 0] - x[:, 1] + 0.3 * draw.standard_normal(m)


@pytest.mark.parametrize("data", [rows(), wide()], ids=["tall", "wide"])
@pytest.mark.parametrize("intercept", [True, False])
def test_leave_one_out_equals_refits(data, intercept):
    """m refits on m - 1 rows; m l2 is the same number in all of them, so l2 is m / (m - 1) times as large there."""
    x, y = data
    m = len(y)
    family = Regression(l1_ratio=0, fit_intercept=intercept)
    found = selection.criteria(family, x, y, [10.0, 0.3, 0.01])
    for lam, value in zip(found.lambdas, found.loo):
        out = []
        for i in range(m):
            rest = np.arange(m) != i
            model = family.start(x[rest], y[rest]).fit(lam * m / (m - 1))
            out.append((y[i] - model.output(x[i : i + 1])[0]) ** 2)
        assert value == pytest.approx(np.mean(out), rel=1e-10)


def test_leave_one_out_with_weights_equals_refits():
    x, y = rows(20)
    weights = np.random.default_rng(2).uniform(0.5, 2, 20)
    weights[3] = 0  # is left out
    family, lam = Regression(l1_ratio=0), 0.2
    found = selection.criteria(family, x, y, [lam], weights=weights)
    out, total = [], weights.sum()
    for i in np.flatnonzero(weights):
        less = weights.copy()
        less[i] = 0
        model = family.start(x, y, weights=less).fit(lam * total / (total - weights[i]))
        out.append(weights[i] / weights[weights > 0].mean() * (y[i] - model.output(x[i : i + 1])[0]) ** 2)
    assert found.loo[0] == pytest.approx(np.mean(out), rel=1e-10)


@pytest.mark.parametrize("data", [rows(), wide()], ids=["tall", "wide"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_formulas_written_out(data, l1_ratio):
    x, y = data
    m = len(y)
    z = x - x.mean(0)
    found = selection.criteria(Regression(l1_ratio=l1_ratio), x, y, [0.5, 0.1])
    for i, lam in enumerate(found.lambdas):
        model = found.path[i]
        a = z if l1_ratio == 0 else z[:, model.coefficients != 0]
        hat = a @ np.linalg.solve(a.T @ a + m * lam * (1 - l1_ratio) * np.eye(a.shape[1]), a.T)
        d = 1 + np.trace(hat)
        rss = ((y - model.output(x)) ** 2).sum()
        assert found.df[i] == pytest.approx(d, rel=1e-9)
        assert found.gcv[i] == pytest.approx(rss / m / (1 - d / m) ** 2, rel=1e-8)
        assert found.aic[i] == pytest.approx(m * math.log(rss / m) + 2 * d, rel=1e-8)
        assert found.bic[i] == pytest.approx(m * math.log(rss / m) + math.log(m) * d, rel=1e-8)
        k = d + 1
        corrected = found.aic[i] + 2 * k * (k + 1) / (m - k - 1) if m > k + 1 else math.inf
        assert found.aicc[i] == pytest.approx(corrected, rel=1e-8)
        if m > x.shape[1] + 1:
            full = np.linalg.lstsq(np.column_stack([np.ones(m), x]), y, rcond=None)[1][0]
            variance = full / (m - x.shape[1] - 1)
            assert found.variance == pytest.approx(variance, rel=1e-9)
            assert found.cp[i] == pytest.approx(rss / variance - m + 2 * d, rel=1e-8)
    if m < x.shape[1]:
        assert np.isnan(found.cp).all() and any("Cp needs the variance" in note for note in found.notes)


def test_degrees_of_freedom_of_the_lasso_are_its_nonzeros():
    x, y = rows()
    found = selection.criteria(Regression(), x, y)
    assert found.df == pytest.approx([1 + model.nonzeros for model in found.path], abs=1e-9)
    assert np.isnan(found.loo).all() and any("ridge only" in note for note in found.notes)
    assert "loo" not in found.picks


def test_standardized_columns_and_units():
    """Columns in other units change nothing where they are standardized."""
    x, y = rows()
    family = Regression(l1_ratio=0.5, standardize=True)
    plain = selection.criteria(family, x, y, [0.3, 0.05])
    other = selection.criteria(family, x * [1e6, 1e-6, 1, 3, 5, 7], y, [0.3, 0.05])
    for name in ("df", "gcv", "aic", "bic", "cp"):
        assert getattr(other, name) == pytest.approx(getattr(plain, name), rel=1e-8)


def test_logistic_rules():
    x, y = rows()
    classes = (y > 1.5).astype(int)
    found = selection.criteria(Logistic(l1_ratio=0.0), x, classes, [0.2])
    p = 1 / (1 + np.exp(-found.path[0].output(x)))
    root = np.sqrt(p * (1 - p)).reshape(-1, 1)
    z = x - x.mean(0)
    hat = np.linalg.solve((z * root).T @ (z * root) + len(y) * 0.2 * np.eye(6), (z * root).T @ (z * root))
    assert found.df[0] == pytest.approx(1 + np.trace(hat), rel=1e-9)
    losses = -np.log(np.where(classes == 1, p, 1 - p)).sum()
    assert found.aic[0] == pytest.approx(2 * losses + 2 * found.df[0], rel=1e-9)
    assert found.loss[0] == pytest.approx(losses / len(y), rel=1e-9)
    assert list(found.picks) == ["aic", "aicc", "bic"]
    three = selection.criteria(Logistic(), x, np.digitize(y, [0.5, 2.5]), count=5)
    assert np.isfinite(three.aic).all() and three.df[0] == 2
    mixed = selection.criteria(Logistic(l1_ratio=0.5), x, np.digitize(y, [0.5, 2.5]), count=3)
    assert mixed.picks == {} and any("l1_ratio=1" in note for note in mixed.notes)


def test_against_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn: pip install minigrad[sklearn]")
    x, y = rows()
    found = selection.criteria(Regression(l1_ratio=0), x, y, count=20)
    theirs = linear.RidgeCV(alphas=found.lambdas * len(y), store_cv_results=True, gcv_mode="svd").fit(x, y)
    assert theirs.cv_results_.mean(0) == pytest.approx(found.loo, rel=1e-10)
    lars = linear.LassoLarsIC("aic").fit(x, y)  # AIC with the variance of least squares: Cp plus a constant
    knots = lars.alphas_[1:-1] * (1 + 1e-9)  # at a knot itself the input that enters is 0 but for rounding
    at = selection.criteria(Regression(), x, y, knots)
    assert np.diff(at.cp) == pytest.approx(np.diff(lars.criterion_[1:-1]), rel=1e-6)


def test_picks_and_table():
    x, y, _ = regression(60, 10, noise=1.0, nonzero=2, dtype="float64")
    found = selection.criteria(Regression(l1_ratio=0), x, y)
    for rule in ("loo", "gcv", "cp", "aic", "aicc", "bic"):
        assert found.picks[rule] == int(np.argmin(getattr(found, rule)))
    assert found.picks["loo_1se"] <= found.picks["loo"]
    result = selection.cross_validate(Regression(l1_ratio=0), x, y, found.lambdas)
    table = found.table(result)
    assert table.splitlines()[1].startswith("cross-validation ") and "Mallows' Cp" in table
    assert found.as_dict()["picks"]["bic"] == found.lambdas[found.picks["bic"]]


def test_what_has_no_degrees_of_freedom():
    with pytest.raises(TypeError, match=r"known of linear_model\.Regression, Logistic and Poisson, not of Network"):
        selection.criteria(selection.Network(lambda inputs: None, loss=None), *rows())
    with pytest.raises(TypeError, match="unknown keyword 'counts'"):
        selection.criteria(Regression(), *rows(), counts=3)


def test_a_saturated_fit_is_doubted():
    x, y = wide()
    found = selection.criteria(Regression(), x, y)
    assert any("more than half as many degrees of freedom as rows" in note for note in found.notes)


def test_on_the_command_line(tmp_path, capsys):
    assert cli.main(["cv", "regression", "--count", "8", "--no-figures", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "what each rule picks, on all rows:" in out and "BIC" in out
    assert '"rules"' in (tmp_path / "cv.json").read_text(encoding="utf-8")
