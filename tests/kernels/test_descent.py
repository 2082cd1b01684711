"""descent: every variant equals the naive twin; the result solves its problem; bad arrays are refused."""

import numpy as np
import pytest
from kernels.twins import EDGES, assert_one_answer, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def problem(n, dtype, seed=0):
    """gram, l1, l2, w, r of a random problem; the third of five coordinates has no curvature."""
    rng = np.random.default_rng(seed + n)
    x = rng.standard_normal((n + 5, n)).astype(dtype)
    x[:, 2::5] = 0
    gram, q = x.T @ x / dtype(n + 5), rng.standard_normal(n).astype(dtype)
    l1, l2 = (rng.uniform(0, 0.3, n).astype(dtype) for _ in range(2))
    l2[2::5] = 0
    w = rng.standard_normal(n).astype(dtype)
    return gram, l1, l2, w, q - gram @ w


def bounds(n, dtype, seed=0):
    """Bounds of which some are infinite, some 0, and most near enough to be reached."""
    rng = np.random.default_rng(seed + n)
    lower, upper = -rng.uniform(0, 0.5, n).astype(dtype), rng.uniform(0, 0.5, n).astype(dtype)
    lower[::3], upper[1::3], lower[1::4], upper[3::7] = -np.inf, np.inf, 0, 0
    return {"lower": lower, "upper": upper}


@needs_native
@both
@pytest.mark.parametrize("bounded", [False, True], ids=["free", "bounded"])
@pytest.mark.parametrize("n", [n for n in EDGES if n <= 129])
def test_one_answer(n, bounded, dtype):
    def compute(kernels=K):
        gram, l1, l2, w, r = problem(n, dtype)
        sides = bounds(n, dtype) if bounded else {}
        done, largest = kernels.coordinate_descent(gram, l1, l2, w, r, sweeps=7, tolerance=1e-3, **sides)
        return w, r, np.array([done, largest])

    with K.use_backend("native"):
        naive = assert_one_answer(compute, threads=(1, 2))
    for got, expected in zip(naive[:2], compute(reference)):
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=20 * np.finfo(dtype).eps * max(n, 1))


@pytest.mark.usefixtures("backend")
def test_the_result_is_optimal():
    """gⱼ = r[j] - l2ⱼ wⱼ is l1ⱼ sign(wⱼ), or within ±l1ⱼ where wⱼ = 0; what has no curvature has not moved."""
    gram, l1, l2, w, r = problem(40, np.float64)
    start, q = w.copy(), r + gram @ w
    done, largest = K.coordinate_descent(gram, l1, l2, w, r, sweeps=10_000, tolerance=1e-12)
    assert 1 < done < 10_000 and largest <= 1e-12
    np.testing.assert_allclose(r, q - gram @ w, atol=1e-12)
    moves, g = np.arange(40) % 5 != 2, r - l2 * w
    assert (w[~moves] == start[~moves]).all()
    on = moves & (w != 0)
    np.testing.assert_allclose(g[on], l1[on] * np.sign(w[on]), atol=1e-11)
    off = moves & (w == 0)
    assert off.any() and (np.abs(g[off]) <= l1[off]).all() and not np.signbit(w[off]).any()


@pytest.mark.usefixtures("backend")
def test_the_result_is_optimal_within_its_bounds():
    """A coefficient at a bound would move past it; all others fulfil the conditions without bounds."""
    gram, l1, l2, w, r = problem(40, np.float64)
    start, sides = w.copy(), bounds(40, np.float64)
    done, largest = K.coordinate_descent(gram, l1, l2, w, r, sweeps=10_000, tolerance=1e-12, **sides)
    assert 1 < done < 10_000 and largest <= 1e-12
    moves, g = np.arange(40) % 5 != 2, r - l2 * w
    assert (w[~moves] == start[~moves]).all()
    low, high = moves & (w == sides["lower"]), moves & (w == sides["upper"])
    assert (low & (w < 0)).any() and (high & (w > 0)).any() and (low & (w == 0)).any() and (high & (w == 0)).any()
    assert (w >= sides["lower"])[moves].all() and (w <= sides["upper"])[moves].all()
    assert (g[low] <= np.where(w < 0, -l1, l1)[low] + 1e-11).all()
    assert (g[high] >= np.where(w > 0, l1, -l1)[high] - 1e-11).all()
    inside = moves & ~low & ~high
    np.testing.assert_allclose(g[inside & (w != 0)], (l1 * np.sign(w))[inside & (w != 0)], atol=1e-11)
    assert (np.abs(g) <= l1 + 1e-11)[inside & (w == 0)].all()


@both
@pytest.mark.usefixtures("backend")
def test_infinite_bounds_change_no_bit(dtype):
    gram, l1, l2, w, r = problem(33, dtype)
    plain, left = w.copy(), r.copy()
    K.coordinate_descent(gram, l1, l2, plain, left, sweeps=5)
    none = np.full(33, np.inf, dtype)
    K.coordinate_descent(gram, l1, l2, w, r, sweeps=5, lower=-none, upper=none)
    assert w.tobytes() == plain.tobytes() and r.tobytes() == left.tobytes()


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("bounded", [False, True])
def test_nan_stays_and_does_not_converge(bounded):
    gram, l1, l2, w, r = problem(6, np.float64)
    r[4] = np.nan
    sides = {"lower": np.full(6, -1.0), "upper": np.full(6, 1.0)} if bounded else {}
    done, largest = K.coordinate_descent(gram, l1, l2, w, r, sweeps=5, tolerance=1.0, **sides)
    assert done == 5 and np.isnan(largest) and np.isnan(w[[0, 1, 3, 4, 5]]).all()


@pytest.mark.usefixtures("backend")
def test_no_sweeps_change_nothing():
    gram, l1, l2, w, r = problem(6, np.float64)
    before = w.copy()
    assert K.coordinate_descent(gram, l1, l2, w, r, sweeps=0) == (0, 0.0)
    assert (w == before).all()


@needs_native
def test_bad_arrays_are_refused():
    gram, l1, l2, w, r = problem(6, np.float64)
    wrong = [
        ((gram[:5], l1, l2, w, r), ShapeError),
        ((gram.ravel(), l1, l2, w, r), ShapeError),
        ((gram, l1[:5], l2, w, r), ShapeError),
        ((gram, l1, l2.astype(np.float32), w, r), ShapeError),
        ((gram[::-1], l1, l2, w, r), ValueError),
        ((gram, l1, l2, w, w), ValueError),
        ((gram, w, l2, w, r), ValueError),
        ((gram, l1, l2, gram[0], r), ValueError),
        (tuple(x.astype(np.int64) for x in (gram, l1, l2, w, r)), DTypeError),
    ]
    sides = [
        ({"lower": w.copy()}, ValueError),
        ({"lower": w.copy(), "upper": w[:5].copy()}, ShapeError),
        ({"lower": w.astype(np.float32), "upper": w.astype(np.float32)}, ShapeError),
        ({"lower": w, "upper": w.copy()}, ValueError),
        ({"lower": np.zeros(12)[::2], "upper": w.copy()}, ValueError),
    ]
    with K.use_backend("native"):
        for given, error in sides:
            with pytest.raises(error, match="coordinate_descent"):
                K.coordinate_descent(gram, l1, l2, w, r, sweeps=1, **given)
        for arguments, error in wrong:
            before = w.tobytes(), r.tobytes()
            with pytest.raises(error):
                K.coordinate_descent(*arguments, sweeps=1)
            assert (w.tobytes(), r.tobytes()) == before
