"""The descent on log λ: down to the minimum, never up, within its bounds, and honest about why it ended."""

import math
from itertools import pairwise

import numpy as np
import pytest

from minigrad.selection.line_search import Point, descend


def bowl(theta):
    """A narrow valley, as of Rosenbrock."""
    a, b = theta
    value = (1 - a) ** 2 + 100 * (b - a * a) ** 2
    return Point(theta, value, np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]), [value])


def run(at, start, **options):
    start = np.array(start, np.float64)
    bounds = {"low": start - 10, "high": start + 10, "steps": 200, "tol": 1e-12, **options}
    return descend(at, at(start), **bounds)


def test_a_narrow_valley_to_its_end():
    path, _ = run(bowl, [-1.2, 1.0])
    assert path[-1].theta == pytest.approx([1.0, 1.0], abs=1e-4)
    values = [point.value for point in path]
    assert all(b < a for a, b in pairwise(values)) and len(path) < 100


def test_bounds_hold_and_a_slope_out_of_them_ends_it():
    path, why = run(lambda t: Point(t, float(t.sum()), np.ones(2), []), [0.0, 0.0], low=np.full(2, -2.5))
    assert path[-1].theta.tolist() == [-2.5, -2.5] and why == "the slope is 0"


def test_a_wrong_slope_never_goes_up():
    """Its sign is turned: no step is taken."""
    path, why = run(lambda t: bowl(t)._replace(slope=-bowl(t).slope), [-1.2, 1.0])
    assert len(path) == 1 and why.startswith("no smaller step goes down")


def test_where_nothing_can_be_fitted_is_avoided():
    def at(theta):
        return bowl(theta) if theta[0] < 0.5 else Point(theta, math.inf, np.zeros(2), [])

    path, _ = run(at, [-1.2, 1.0])
    assert path[-1].value < path[0].value and path[-1].theta[0] < 0.5


def test_a_kink_is_reached_from_its_side():
    path, _ = run(lambda t: Point(t, float(np.abs(t - 0.3).sum()), np.sign(t - 0.3), []), [2.0], tol=1e-6)
    assert path[-1].theta == pytest.approx([0.3], abs=1e-3)


def test_steps_are_counted_and_short():
    seen = []
    path, why = run(bowl, [-1.2, 1.0], steps=3, after=lambda: seen.append(1))
    assert len(path) == 4 and len(seen) == 3 and why == "all 3 steps were taken"
    assert max(np.abs(b.theta - a.theta).max() for a, b in pairwise(path)) <= 1 + 1e-12
