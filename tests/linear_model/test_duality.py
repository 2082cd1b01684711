"""The duality gap bounds what is left to gain: with penalty factors of 0, bounds, weights, tall and wide."""

import math

import numpy as np
import pytest

from minigrad.linear_model import Regression

pytestmark = [
    pytest.mark.usefixtures("backend"),
    pytest.mark.filterwarnings("ignore::minigrad.linear_model.ConvergenceWarning"),
]


def problem(seed, shape, free):
    """Correlated columns, targets, weights, penalty factors of which so many are 0."""
    draw = np.random.default_rng(seed)
    m, p = shape
    x = draw.standard_normal((m, p)) + draw.standard_normal((m, 1))
    y = x[:, :3] @ [2.0, -1.0, 0.5] + draw.standard_normal(m) + 3
    factor = draw.uniform(0.3, 3, p)
    factor[draw.permutation(p)[:free]] = 0
    return x, y, draw.uniform(0.2, 2, m), factor


def objective(model, x, y, weights, factor):
    w, r = model.coefficients, y - model.output(x)
    return weights @ (r * r) / weights.sum() / 2 + model.l1 * (factor @ np.abs(w)) + model.l2 / 2 * (factor @ (w * w))


@pytest.mark.parametrize("free", [0, 1, 3])
@pytest.mark.parametrize("shape", [(40, 8), (12, 30)])
@pytest.mark.parametrize("ratio", [1.0, 0.4])
@pytest.mark.parametrize("sides", [{}, {"lower": 0.0}, {"lower": -0.1, "upper": 0.3}], ids=["none", "signs", "box"])
def test_the_gap_is_at_least_the_excess(sides, ratio, shape, free):
    """At loose tolerances the excess over the minimum is at most the gap; at a tight one the gap is nearly 0."""
    loosely = 0
    for seed in range(6):
        x, y, weights, factor = problem(seed, shape, free)
        given = {"l1_ratio": ratio, "penalty_factor": factor, **sides}
        lam = 0.1 * Regression(**given).start(x, y, weights).lambda_max()
        best = Regression(**given).start(x, y, weights).fit(lam)
        least = objective(best, x, y, weights, factor)
        assert best.gap < 1e-9
        for tol in (0.3, 0.03):
            model = Regression(**given, tol=tol).start(x, y, weights).fit(lam)
            excess = objective(model, x, y, weights, factor) - least
            assert excess <= model.gap + 1e-14 and model.gap < 2 * objective(model, x, y, weights, factor)
            loosely += excess > 1e-9
    assert loosely > 3


def test_few_sweeps_with_a_column_that_is_never_penalized():
    """After one sweep its residual is far from orthogonal to the free columns."""
    for seed in range(20):
        x, y, weights, factor = problem(seed, (40, 8), 2)
        least = objective(Regression(penalty_factor=factor).start(x, y, weights).fit(0.2), x, y, weights, factor)
        for rounds in (1, 2, 4):
            model = Regression(penalty_factor=factor, max_rounds=rounds).start(x, y, weights).fit(0.2)
            assert objective(model, x, y, weights, factor) - least <= model.gap + 1e-14


@pytest.mark.parametrize("l2", [0.0, 0.2])
@pytest.mark.parametrize("sides", [{"lower": 0.0}, {"upper": 0.2}, {"lower": -0.1, "upper": 0.3}])
def test_bounds_without_an_l1_have_a_gap(sides, l2):
    x, y, weights, _ = problem(1, (40, 8), 0)
    best = Regression(**sides).start(x, y, weights).solve(0.0, l2)
    least = objective(best, x, y, weights, np.ones(8))
    assert 0 <= best.gap < 1e-9
    model = Regression(**sides, max_rounds=2).start(x, y, weights).solve(0.0, l2)
    assert 1e-9 < objective(model, x, y, weights, np.ones(8)) - least <= model.gap
    assert math.isnan(Regression().start(x, y, weights).solve(0.0, l2).gap)
