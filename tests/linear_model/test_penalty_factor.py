"""Penalty factors: optimality conditions written out, scaled columns as the oracle, and what is never penalized."""

import warnings

import numpy as np
import pytest

from minigrad import cli, selection
from minigrad.commands.choose import factors_of
from minigrad.linear_model import Logistic, Regression, adaptive, relaxed


def rows(m, p, classes=False):
    draw = np.random.default_rng(m)
    x = draw.standard_normal((m, p))
    y = 2 * x[:, 0] - x[:, 1] + 0.3 * x[:, 2] + draw.standard_normal(m)
    return x, (y > 0).astype(int) if classes else y


def factors(p, free):
    found = np.random.default_rng(p).uniform(0.3, 3, p)
    found[:free] = 0
    return found


def violation(g, w, l1, l2):
    return np.where(w != 0, np.abs(g - l2 * w - l1 * np.sign(w)), np.maximum(np.abs(g) - l1, 0)).max()


@pytest.mark.parametrize("free", [0, 2])
@pytest.mark.parametrize("shape", [(60, 8), (20, 50)])
@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("classes", [False, True], ids=["regression", "logistic"])
def test_optimality(classes, ratio, shape, free):
    x, y = rows(*shape, classes)
    f = factors(shape[1], free)
    kind = Logistic if classes else Regression
    solver = kind(l1_ratio=ratio, penalty_factor=f).start(x, y)
    top = solver.lambda_max()
    if ratio:
        at_top = solver.fit(top * (1 + 1e-9)).coefficients
        assert not at_top[f > 0].any() and at_top[f == 0].all()
        assert solver.fit(top * 0.99).coefficients[f > 0].any()
    lam = 0.1 * top * max(ratio, 1e-3)
    model = solver.fit(lam)
    output, w = model.output(x), model.coefficients
    residuals = y - (1 / (1 + np.exp(-output)) if classes else output)
    assert violation(x.T @ residuals / len(y), w, lam * ratio * f, lam * (1 - ratio) * f) < 1e-10
    assert abs(residuals.mean()) < 1e-10
    if ratio and not classes:
        assert 0 <= model.gap < 1e-8


@pytest.mark.parametrize("standardize", [False, True])
def test_a_lasso_with_factors_is_one_on_scaled_columns(standardize):
    x, y = rows(60, 8)
    f = factors(8, 0)
    model = Regression(penalty_factor=f, standardize=standardize).start(x, y).fit(0.2)
    z = x / x.std(0) if standardize else x
    scaled = Regression().start(z / f, y).fit(0.2).coefficients / f / (x.std(0) if standardize else 1)
    assert model.coefficients == pytest.approx(scaled, abs=1e-9)


def test_cross_validation_and_criteria_take_them():
    x, y = rows(60, 8)
    family = Regression(penalty_factor=factors(8, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", selection.SelectionWarning)  # a pick at the edge of a short grid
        result = selection.cross_validate(family, x, y, count=12)
    assert all(model.coefficients[:2].all() for model in result.path)
    found = selection.criteria(family, x, y, result.lambdas)
    assert found.df == pytest.approx([1 + model.nonzeros for model in found.path])
    ridge = selection.criteria(Regression(l1_ratio=0, penalty_factor=factors(8, 2)), x, y, [0.3])
    z = x - x.mean(0)
    hat = np.linalg.solve(z.T @ z + 60 * 0.3 * np.diag(factors(8, 2)), z.T @ z)
    assert ridge.df[0] == pytest.approx(1 + np.trace(hat), rel=1e-9)


def test_what_is_refused():
    x, y = rows(20, 5)
    with pytest.raises(ValueError, match=r"penalty_factor has 3 numbers; need one for each of 5 columns"):
        Regression(penalty_factor=[1, 1, 1]).start(x, y)
    with pytest.raises(ValueError, match=r"penalty_factor\[1\] is -1"):
        Regression(penalty_factor=[1, -1])
    with pytest.raises(ValueError, match="0 for every coefficient"):
        Logistic(penalty_factor=[0, 0])
    assert "penalty_factor" not in Regression().settings()


def test_the_adaptive_lasso():
    x, y = rows(60, 8)
    least = np.linalg.lstsq(np.column_stack([np.ones(60), x]), y, rcond=None)[0][1:]
    second = adaptive(Regression(), x, y, power=2.0)
    assert second.penalty_factor == pytest.approx(1 / np.abs(least) ** 2, rel=1e-8)
    kept = adaptive(Regression(), x, y, first=np.array([1.0, 0.5, 0, 0, 0, 0, 0, 0]))
    assert not kept.start(x, y).fit(1e-6).coefficients[2:].any()
    scaled = adaptive(Regression(standardize=True), x * 100, y)
    assert scaled.penalty_factor == pytest.approx(adaptive(Regression(standardize=True), x, y).penalty_factor)
    with pytest.raises(ValueError, match="pass first=, the model of a ridge"):
        adaptive(Regression(), *rows(10, 30))
    with pytest.raises(ValueError, match="every coefficient of the first fit is 0"):
        adaptive(Regression(), x, y, first=np.zeros(8))
    with pytest.raises(ValueError, match="first has 3 coefficients; x has 8 columns"):
        adaptive(Regression(), x, y, first=np.ones(3))
    assert adaptive(Logistic(), *rows(60, 3, True)).penalty_factor is not None


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_relaxed_fits(gamma):
    x, y = rows(60, 8)
    lasso = Regression().start(x, y).fit(0.3)
    support = lasso.coefficients != 0
    assert 0 < support.sum() < 8
    again = relaxed(Regression(), lasso, x, y, gamma)
    least = np.linalg.lstsq(np.column_stack([np.ones(60), x[:, support]]), y, rcond=None)[0]
    expected = gamma * lasso.coefficients[support] + (1 - gamma) * least[1:]
    assert again.coefficients[support] == pytest.approx(expected, rel=1e-9) and not again.coefficients[~support].any()
    assert again.intercept == pytest.approx(gamma * lasso.intercept + (1 - gamma) * least[0], abs=1e-9)
    x, classes = rows(60, 8, True)
    logistic = Logistic().start(x, classes).fit(0.1)
    free = relaxed(Logistic(), logistic, x, classes)
    slopes = x[:, free.coefficients != 0].T @ (classes - 1 / (1 + np.exp(-free.output(x))))
    assert free.nonzeros == logistic.nonzeros and np.abs(slopes).max() < 1e-8


def test_columns_on_the_command_line(tmp_path, capsys):
    assert factors_of([("town", 0.5), ("age", 0.0)], ["age", "town=A", "town=B", "size"]) == [0.0, 0.5, 0.5, 1.0]
    file = tmp_path / "houses.csv"
    x, y = rows(40, 3)
    lines = [f"{a},{b},{c},{'xyz'[i % 3]},{t}" for i, ((a, b, c), t) in enumerate(zip(x.tolist(), y.tolist()))]
    file.write_text("size,age,rooms,town,price\n" + "\n".join(lines))
    told = ["cv", str(file), "--categorical", "town", "--no-figures", "--count", "6", "--out", str(tmp_path / "out")]
    assert cli.main([*told, "--penalty-factor", "age=0,town=2"]) == 0
    capsys.readouterr()
    assert cli.main([*told, "--penalty-factor", "rums=0"]) == 2
    assert "--penalty-factor: there is no input 'rums'; there are size, age, rooms, town=" in capsys.readouterr().err
    assert cli.main([*told, "--model", "mlp", "--penalty-factor", "age=0"]) == 2
    assert "--penalty-factor" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*told, "--penalty-factor", "age"])
    assert "'age': need a column, =, and a number of at least 0" in capsys.readouterr().err
