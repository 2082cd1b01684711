"""Poisson regression: optimality conditions written out, other forms of one model, what is refused, and R's glmnet."""

import importlib
import warnings

import numpy as np
import pytest

from minigrad import linear_model
from minigrad.linear_model import ConvergenceWarning, GeneralizedModel, Poisson


def rows(m=80, p=6, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((m, p)) * np.linspace(0.5, 2, p) + 1
    offset, weights = draw.uniform(-1, 1, m), draw.uniform(0.5, 2, m)
    y = draw.poisson(np.exp(0.4 * x[:, 0] - 0.3 * x[:, 1] + offset))
    return x, y, weights, offset


def violation(x, y, model, weights, offset, l1, l2):
    """How far the optimality conditions are off, and the slope of the intercept."""
    share = weights / weights.sum()
    left = share * (y - np.exp(x @ model.coefficients + model.intercept + offset))
    g, w = x.T @ left - l2 * model.coefficients, model.coefficients
    return np.where(w != 0, np.abs(g - l1 * np.sign(w)), np.maximum(np.abs(g) - l1, 0)).max(), abs(left.sum())


@pytest.mark.parametrize("shape", [(80, 6), (12, 20)])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_optimality_down_a_path(ratio, shape):
    x, y, weights, offset = rows(*shape)
    solver = Poisson(l1_ratio=ratio).start(x, y, weights, offset)
    top = solver.lambda_max()
    if ratio:
        assert solver.fit(top * (1 + 1e-9)).nonzeros == 0 < solver.fit(top * 0.999).nonzeros
    explained = [0.0]
    for lam in top * max(ratio, 1e-3) * np.geomspace(0.9, 0.01, 6):
        model = solver.fit(lam)
        off, intercept = violation(x, y, model, weights, offset, lam * ratio, lam * (1 - ratio))
        assert off < 1e-10 * top and intercept < 1e-10 and not model.trouble
        assert model.violation == pytest.approx(off, abs=1e-12) and 0 <= model.gap < 1e-10
        explained.append(model.deviance_explained)
    assert (np.diff(explained) > 0).all()


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_the_gap_bounds_the_objective_from_above(ratio):
    x, y, weights, offset = rows()
    solver = Poisson(l1_ratio=ratio).start(x, y, weights, offset)
    lam = 0.05
    best = solver.fit(lam)
    problem, penalty, least = solver.problem, solver.penalty(best.l1, best.l2), solver.v.copy()

    def objective(v):
        return problem.loss(problem.outputs(v)) + penalty.value(v)

    draw = np.random.default_rng(1)
    for size in (1e-6, 1e-3, 0.1, 1.0):
        v = least + size * draw.standard_normal(least.shape)
        residuals = solver.term.residuals(problem.outputs(v))
        gap = problem.gap(v, solver.term.balanced(residuals, problem.share), penalty)
        assert gap >= objective(v) - objective(least) - 1e-12


def test_offset_is_exposure():
    x, y, weights, offset = rows()
    exposure = np.exp(offset)
    one = Poisson().start(x, y, weights, offset).fit(0.05)
    rates = Poisson().start(x, y / exposure, weights * exposure).fit(0.05 * weights.sum() / (weights * exposure).sum())
    assert one.coefficients == pytest.approx(rates.coefficients, abs=1e-9)
    assert one.intercept == pytest.approx(rates.intercept, abs=1e-9)
    assert one.mean(x, offset) == pytest.approx(np.exp(one.output(x, offset)))
    twice = Poisson().start(np.repeat(x, 2, 0), np.repeat(y, 2), offset=np.repeat(offset, 2)).fit(0.05)
    assert twice.coefficients == pytest.approx(Poisson().start(x, y, offset=offset).fit(0.05).coefficients, abs=1e-10)


def test_weights_of_0_leave_rows_out_with_their_offsets():
    x, y, weights, offset = rows()
    weights[::3] = 0
    kept = weights > 0
    one = Poisson().start(x, y, weights, offset).fit(0.02)
    other = Poisson().start(x[kept], y[kept], weights[kept], offset[kept]).fit(0.02)
    assert one.coefficients.tolist() == other.coefficients.tolist() and one.deviance == other.deviance


def test_free_columns_and_factors():
    x, y, weights, offset = rows()
    solver = Poisson(penalty_factor=[0, 0, 2, 1, 1, 1]).start(x, y, weights, offset)
    top = solver.lambda_max()
    model = solver.fit(top * (1 + 1e-9))
    assert model.coefficients[:2].all() and not model.coefficients[2:].any() and np.isnan(model.gap)
    assert solver.fit(0.98 * top).coefficients[2:].any()
    free = Poisson().start(x[:, :2], y, weights, offset).fit(0.0)
    assert model.coefficients[:2] == pytest.approx(free.coefficients, abs=1e-9)
    scaled = Poisson(penalty_factor=[1, 2, 3, 1, 1, 1]).start(x, y).fit(0.03).coefficients
    assert scaled == pytest.approx(
        Poisson().start(x / [1, 2, 3, 1, 1, 1], y).fit(0.03).coefficients / [1, 2, 3, 1, 1, 1], abs=1e-9
    )


def test_standardize_is_a_penalty_on_scaled_columns():
    x, y, *_ = rows()
    model = Poisson(standardize=True).start(x, y).fit(0.1)
    z = Poisson().start((x - x.mean(0)) / x.std(0), y).fit(0.1)
    assert model.coefficients * x.std(0) == pytest.approx(z.coefficients, abs=1e-10)


def test_against_a_search_on_one_coefficient():
    x, y = np.array([[0.0], [1.0], [2.0], [4.0]]), np.array([1.0, 0.0, 2.0, 7.0])
    w, b = np.meshgrid(np.linspace(0, 1, 401), np.linspace(-2, 1, 601))
    eta = b[..., None] + w[..., None] * x[:, 0]
    objective = (np.exp(eta) - y * eta).mean(-1) + 0.3 * np.abs(w)
    at = np.unravel_index(objective.argmin(), objective.shape)
    model = Poisson().start(x, y).fit(0.3)
    assert model.coefficients[0] == pytest.approx(w[at], abs=3e-3) and model.intercept == pytest.approx(b[at], abs=6e-3)


def test_what_is_refused():
    x, y, weights, offset = rows()
    y = y.astype(float)
    y[7] = -1
    with pytest.raises(ValueError, match=r"y: row 7 is -1; Poisson regression needs counts of at least 0"):
        Poisson().start(x, y)
    with pytest.raises(ValueError, match="y is 0 in every row that counts"):
        Poisson().start(x, np.zeros(80))
    assert not Poisson(fit_intercept=False).start(x, np.zeros(80)).fit(1e9).coefficients.any()
    with pytest.raises(ValueError, match=r"offset is \(3,\); need a number for each of 80 rows"):
        Poisson().start(x, np.ones(80), offset=np.zeros(3))
    with pytest.raises(ArithmeticError, match="offset"):
        Poisson().start(x, np.ones(80), offset=np.full(80, np.nan))
    model = Poisson().start(x, rows()[1]).fit(0.01)
    with pytest.raises(ArithmeticError, match=r"log rate of row 1 is .* leaves the range of float64"):
        model.mean(np.vstack([x[0], 1e6 * np.sign(model.coefficients)]))


def test_no_minimum_without_a_penalty():
    x, y = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([2.0, 3.0, 0.0, 0.0])
    with pytest.warns(ConvergenceWarning, match="rows of only 0 counts, their rate falls without end"):
        Poisson(tol=1e-15).start(x, y).fit(0.0)
    assert Poisson(l1_ratio=0).start(x, y).fit(1e-3).violation < 1e-9


@pytest.mark.parametrize("top", [0.0, 700.0])
def test_large_offsets_and_steps(top):
    x, y, _, offset = rows()
    model = Poisson().start(x, y, offset=offset + top).fit(0.01)
    plain = Poisson().start(x, y, offset=offset).fit(0.01)
    assert model.coefficients == pytest.approx(plain.coefficients, abs=1e-7)
    assert model.intercept == pytest.approx(plain.intercept - top, abs=1e-6)
    wild = Poisson().start(x * 1e3, y * 1000).fit(0.0)  # first steps overshoot to rates of inf
    assert wild.deviance < wild.null_deviance and not wild.trouble


def test_a_ridge_in_the_space_of_the_rows_is_the_ridge():
    x, y, weights, offset = rows(20, 50)
    wide = Poisson(l1_ratio=0, penalty_factor=np.linspace(0.5, 2, 50)).start(x, y, weights, offset)
    model = wide.fit(0.1)
    off, intercept = violation(x, y, model, weights, offset, 0.0, 0.1 * np.linspace(0.5, 2, 50))
    assert off < 1e-10 and intercept < 1e-10 and isinstance(model, GeneralizedModel)


@pytest.mark.peers
def test_9_poisson_fits_of_glmnet():
    """R's results that statsmodels ships; its script took the first row for a header (over n - 1, standardized)."""
    module = pytest.importorskip("statsmodels.genmod.tests.results.glmnet_r_results", reason="needs statsmodels")
    data = np.loadtxt(module.__file__.replace("glmnet_r_results.py", "enet_poisson.csv"), delimiter=",")[1:]
    x = (data[:, 1:] - data[:, 1:].mean(0)) / data[:, 1:].std(0, ddof=1)
    for i in range(9):
        ratio, lam, *expected = getattr(module, f"rslt_poisson_{i}")
        model = Poisson(l1_ratio=ratio, fit_intercept=False).start(x, data[:, 0]).fit(lam)
        assert model.coefficients == pytest.approx(expected, abs=1e-5)


@pytest.mark.peers
@pytest.mark.parametrize("alpha", [1.0, 0.01])
def test_scikit_learn(alpha):
    sklearn = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn")
    x, y, weights, _ = rows()
    other = sklearn.PoissonRegressor(alpha=alpha, tol=1e-14, solver="newton-cholesky", max_iter=1000)
    other.fit(x, y, weights)
    model = Poisson(l1_ratio=0).start(x, y, weights).fit(alpha)
    assert model.coefficients == pytest.approx(other.coef_, abs=1e-10)
    assert model.deviance_explained == pytest.approx(other.score(x, y, weights), abs=1e-10)


@pytest.mark.peers
def test_statsmodels():
    sm = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    x, y, weights, offset = rows()
    other = sm.GLM(y, sm.add_constant(x), family=sm.families.Poisson(), offset=offset, freq_weights=weights).fit(
        tol=1e-14
    )
    model = Poisson().start(x, y, weights, offset).fit(0.0)
    assert [model.intercept, *model.coefficients] == pytest.approx(other.params, abs=1e-11)
    assert model.deviance * weights.sum() == pytest.approx(other.deviance, rel=1e-12)
    assert model.null_deviance * weights.sum() == pytest.approx(other.null_deviance, rel=1e-10)


@pytest.mark.peers
def test_skglm():
    pytest.importorskip("skglm", reason="needs skglm")
    datafits, penalties, solvers = (importlib.import_module(f"skglm.{n}") for n in ("datafits", "penalties", "solvers"))
    x, y, *_ = rows()
    x, y = np.asfortranarray(x), y.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w = solvers.ProxNewton(tol=1e-12, fit_intercept=True, max_iter=100).solve(
            x, y, datafits.Poisson(), penalties.L1(0.1)
        )[0]
    model = linear_model.Poisson().start(x, y).fit(0.1)
    assert [*model.coefficients, model.intercept] == pytest.approx(w, abs=1e-8)
