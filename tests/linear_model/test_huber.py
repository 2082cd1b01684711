"""Huber's regression: optimality conditions, its two limits, outliers without pull, and other libraries."""

import numpy as np
import pytest

from minigrad import kernels
from minigrad.linear_model import Huber, Regression, robust_scale
from minigrad.linear_model.huber import weighted_median


def rows(m=80, p=6, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((m, p)) * np.linspace(0.5, 2, p) + 1
    y = x[:, 0] - 0.5 * x[:, 1] + draw.standard_t(1.5, m)
    return x, y, draw.uniform(0.5, 2, m)


@pytest.mark.skipif(kernels.runtime is None, reason="tens of thousands of sweeps take NumPy minutes")
@pytest.mark.parametrize("shape", [(80, 6), (12, 20)])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("scale", [0.02, 1.0])
def test_optimality_down_a_path(scale, ratio, shape):
    x, y, weights = rows(*shape)
    solver = Huber(l1_ratio=ratio, delta=1.2, scale=scale).start(x, y, weights)
    top = solver.lambda_max()
    if ratio:
        assert solver.fit(top * (1 + 1e-9)).nonzeros == 0 < solver.fit(top * 0.99).nonzeros
    share, before = weights / weights.sum(), 0.0
    for lam in top * max(ratio, 1e-3) * np.geomspace(0.9, 0.03, 5):
        model = solver.fit(lam)
        w, l1, l2 = model.coefficients, lam * ratio, lam * (1 - ratio)
        left = share * np.clip(y - model.output(x), -1.2 * scale, 1.2 * scale)
        g = x.T @ left - l2 * w
        off = np.where(w != 0, np.abs(g - l1 * np.sign(w)), np.maximum(np.abs(g) - l1, 0)).max()
        assert off < 1e-9 * top and abs(left.sum()) < 1e-9 * top and not model.trouble
        assert 0 <= model.gap < 1e-9 * model.null_deviance
        assert before < model.deviance_explained < 1
        before = model.deviance_explained


def test_a_threshold_above_all_residuals_is_least_squares():
    x, y, weights = rows()
    for ratio in (0.0, 1.0):
        model = Huber(l1_ratio=ratio, scale=1e6).start(x, y, weights).fit(0.1)
        least = Regression(l1_ratio=ratio).start(x, y, weights).fit(0.1)
        assert model.coefficients == pytest.approx(least.coefficients, abs=1e-10)
        assert model.gap == pytest.approx(least.gap if ratio else 0, abs=1e-12)
    ss = (weights * (y - model.output(x)) ** 2).sum() / (weights * (y - np.average(y, weights=weights)) ** 2).sum()
    assert model.deviance_explained == pytest.approx(1 - ss)


def test_a_far_target_has_no_further_pull():
    x, y, _ = rows()
    y[3] = 1e3
    near = Huber().start(x, y).fit(0.05)
    y[3] = 1e9
    far = Huber().start(x, y).fit(0.05)
    assert near.coefficients == pytest.approx(far.coefficients, abs=1e-8)


def test_units_of_y():
    x, y, _ = rows()
    one = Huber(scale=0.7).start(x, y).fit(0.05)
    other = Huber(scale=7e5).start(x, 1e6 * y).fit(0.05e6)
    assert other.coefficients == pytest.approx(1e6 * one.coefficients, rel=1e-8)


def test_against_a_search_on_one_coefficient():
    x, y = np.array([[0.0], [1.0], [2.0], [4.0]]), np.array([1.0, 0.0, 2.0, 17.0])
    w, b = np.meshgrid(np.linspace(0, 2, 401), np.linspace(-2, 2, 801))
    r = np.abs(y - b[..., None] - w[..., None] * x[:, 0])
    objective = np.where(r <= 1, 0.5 * r * r, r - 0.5).mean(-1) + 0.3 * np.abs(w)
    at = np.unravel_index(objective.argmin(), objective.shape)
    model = Huber(delta=1.0).start(x, y).fit(0.3)
    assert model.coefficients[0] == pytest.approx(w[at], abs=6e-3) and model.intercept == pytest.approx(b[at], abs=6e-3)


def test_offset_and_free_columns():
    x, y, weights = rows()
    offset = np.linspace(-3, 3, 80)
    one, other = (Huber().start(x, *args).fit(0.1) for args in ((y, weights, offset), (y - offset, weights)))
    assert one.coefficients == pytest.approx(other.coefficients, abs=1e-10)
    assert one.mean(x, offset) == pytest.approx(one.output(x, offset))
    free = Huber(penalty_factor=[0, 1, 1, 1, 1, 1]).start(x, y)
    assert (free.fit(free.lambda_max() * 1.0001).coefficients != 0).tolist() == [True] + 5 * [False]


def test_what_is_refused():
    x, y, _ = rows()
    with pytest.raises(ValueError, match="Huber: delta is 0"):
        Huber(delta=0)
    with pytest.raises(ValueError, match="Huber: scale is nan"):
        Huber(scale=float("nan"))
    with pytest.warns(UserWarning, match=r"robust_scale\(y\)\) fits the units of y") as caught:
        Huber().start(x, 1e5 * y)
    assert caught[0].filename == __file__
    y[5] = -1e200
    with pytest.raises(ArithmeticError, match=r"y: row 5 is -1e\+200, beyond 1e150"):
        Huber().start(x, y)
    with pytest.raises(TypeError, match="Huber: unknown keyword 'epsilon'"):
        Huber(epsilon=1.35)


def test_robust_scale():
    draw = np.random.default_rng(3)
    values = draw.standard_normal(20_001) * 3 + 5
    assert robust_scale(values) == pytest.approx(3, rel=0.02)
    values[:4000] = 1e9
    assert robust_scale(values) < 4.5
    few, weights = np.array([1.0, 2.0, 4.0, 9.0]), np.array([1.0, 3.0, 2.0, 0.0])
    assert robust_scale(few, weights) == robust_scale(np.repeat(few, weights.astype(int)))
    assert weighted_median(few, np.ones(4)) == np.median(few)
    with pytest.raises(ValueError, match="more than half of the values are equal"):
        robust_scale([1.0, 1.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"weights \(3,\)"):
        robust_scale([1.0, 2.0], [1.0, 1.0, 1.0])


@pytest.mark.peers
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 100.0])
def test_scikit_learn(alpha):
    """At its scale_; it stops a little short of its minimum, so ours is to have the lower objective, too."""
    sklearn = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn")
    x, y, weights = rows()
    other = sklearn.HuberRegressor(epsilon=1.35, alpha=alpha, tol=1e-12, max_iter=100_000).fit(x, y, weights)
    lam = alpha * other.scale_ / weights.sum()
    solver = Huber(l1_ratio=0, delta=1.35, scale=other.scale_).start(x, y, weights)
    model = solver.fit(lam)
    assert model.coefficients == pytest.approx(other.coef_, abs=2e-4)
    objective = [
        solver.problem.loss(x @ w + b) + 0.5 * lam * w @ w
        for w, b in ((model.coefficients, model.intercept), (other.coef_, other.intercept_))
    ]
    assert objective[0] <= objective[1] + 1e-14


@pytest.mark.peers
def test_statsmodels():
    sm = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    x, y, _ = rows()
    other = sm.RLM(y, sm.add_constant(x), M=sm.robust.norms.HuberT(1.345)).fit(tol=1e-14, maxiter=1000)
    model = Huber(delta=1.345, scale=other.scale).start(x, y).fit(0.0)
    assert [model.intercept, *model.coefficients] == pytest.approx(other.params, abs=1e-9)
    assert robust_scale(y) == pytest.approx(sm.robust.mad(y))


@pytest.mark.peers
def test_skglm():
    skglm = pytest.importorskip("skglm", reason="needs skglm")
    from skglm.datafits import Huber as Loss
    from skglm.penalties import L1
    from skglm.solvers import AndersonCD

    x, y, _ = rows()
    x = np.asfortranarray(x - x.mean(0))
    w = AndersonCD(tol=1e-13, fit_intercept=False).solve(x, y, Loss(1.2), L1(0.1))[0]
    model = Huber(delta=1.2, fit_intercept=False).start(x, y).fit(0.1)
    assert skglm and model.coefficients == pytest.approx(w, abs=1e-8)
