"""sparse: products and coordinate descent on columns; every variant equals the naive twin and the reference, bit for bit."""

import numpy as np
import pytest
from kernels.twins import assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(0, 3), (1, 1), (5, 0), (7, 4), (40, 25), (63, 130), (1000, 33)]


def matrix(rows, columns, dtype, density=0.3, seed=0):
    """(data, indices, indptr) and the dense matrix; every third column is empty."""
    rng = np.random.default_rng(seed + rows + columns)
    dense = np.where(rng.uniform(size=(rows, columns)) < density, rng.standard_normal((rows, columns)), 0).astype(dtype)
    dense[:, 2::3] = 0
    where = dense.T != 0
    indptr = np.concatenate([[0], np.cumsum(where.sum(1))]).astype(np.int64)
    return (dense.T[where], np.nonzero(where)[1].astype(np.int64), indptr), dense


def problem(rows, columns, dtype, centred=True, seed=0):
    """The arguments of sparse_coordinate_descent, its total, and the dense z; a coordinate of five has no curvature."""
    x, dense = matrix(rows, columns, dtype, seed=seed)
    rng = np.random.default_rng(seed + 1)
    weights = rng.uniform(0.5, 1.5, rows) / rows
    total = float(weights.astype(dtype).sum(dtype=np.float64))
    centre = (weights @ dense / total if centred else np.zeros(columns)).astype(dtype)
    scale = rng.uniform(0.5, 2, columns).astype(dtype)
    z = (dense - centre) / scale
    curvature = (weights @ (z * z)).astype(dtype)
    curvature[1::5] = 0
    l1, l2 = rng.uniform(0, 0.2, columns).astype(dtype), rng.uniform(0, 0.1, columns).astype(dtype)
    l2[1::5] = 0
    target = rng.standard_normal(rows)
    target -= weights @ target / total if centred else 0
    w, shift = np.zeros(columns, dtype), np.zeros(1, dtype)
    weights = weights.astype(dtype)
    r = (weights * target).astype(dtype)
    return [*x, weights, centre, scale, curvature, l1, l2, np.arange(columns), w, r, shift], total, z, target


@needs_native
@both
@pytest.mark.parametrize("shape", SHAPES)
def test_products_have_one_answer_which_is_the_reference(shape, dtype):
    x, dense = matrix(*shape, dtype)
    rng = np.random.default_rng(3)
    u, v = rng.standard_normal(shape[1]).astype(dtype), rng.standard_normal(shape[0]).astype(dtype)
    u[::2] = 0

    def compute(kernels=K):
        rows, columns = np.full(shape[0], 7, dtype), np.full(shape[1], 7, dtype)
        kernels.sparse_combine(*x, u, rows)
        kernels.sparse_dots(*x, v, columns)
        return rows, columns

    with K.use_backend("native"):
        naive = assert_one_answer(compute, threads=(1, 2, 3, 4))
    for got, meant, plain in zip(naive, compute(reference), (dense @ u, dense.T @ v)):
        assert bits(got) == bits(meant)
        np.testing.assert_allclose(got, plain, rtol=1e-4, atol=1e-4 if dtype == np.float32 else 1e-12)


@needs_native
def test_many_entries_are_shared_among_threads():
    """Beyond THREAD_WORK, so that threads share the columns."""
    x, _ = matrix(4000, 150, np.float64)
    v = np.random.default_rng(0).standard_normal(4000)
    assert len(x[0]) > 65536

    def compute(kernels=K):
        out = np.empty(150)
        kernels.sparse_dots(*x, v, out)
        return out

    with K.use_backend("native"):
        (naive,) = assert_one_answer(compute, threads=(1, 2, 3, 4))
    assert bits(naive) == bits(compute(reference))


@pytest.mark.usefixtures("backend")
def test_the_order_of_sums_is_that_of_the_entries():
    """1 is lost beside 2⁵³ where it is added to it, and is not where both large numbers have gone."""
    data, rows = np.array([1.0, 2.0**53, -(2.0**53), 1.0]), np.arange(4)
    out = np.empty(1)
    K.sparse_dots(data, rows, np.array([0, 4]), np.ones(4), out)
    assert out[0] == ((1.0 + 2.0**53) - 2.0**53) + 1.0 == 1.0
    K.sparse_combine(data, np.zeros(4, np.int64), np.arange(5), np.ones(4), out)
    assert out[0] == 1.0


@pytest.mark.usefixtures("backend")
def test_columns_and_rows_of_a_matrix_give_the_same_bits():
    x, dense = matrix(200, 90, np.float64)
    where = dense != 0
    by_rows = dense[where], np.nonzero(where)[1], np.concatenate([[0], np.cumsum(where.sum(1))])
    u = np.random.default_rng(1).standard_normal(90)
    a, b = np.empty(200), np.empty(200)
    K.sparse_combine(*x, u, a)
    K.sparse_dots(*by_rows, u, b)
    assert bits(a) == bits(b)


@needs_native
@both
@pytest.mark.parametrize("bounded", [False, True], ids=["free", "bounded"])
@pytest.mark.parametrize("centred", [False, True], ids=["plain", "centred"])
@pytest.mark.parametrize("shape", SHAPES)
def test_descent_has_one_answer_which_is_the_reference(shape, centred, bounded, dtype):
    def compute(kernels=K):
        arguments, total, _, _ = problem(*shape, dtype, centred)
        arguments[9] = np.arange(shape[1])[::-2].copy() if shape[1] % 2 else np.arange(shape[1])
        sides = {}
        if bounded:
            sides = {"lower": np.full(shape[1], -0.1, dtype), "upper": np.full(shape[1], np.inf, dtype)}
        done, largest = kernels.sparse_coordinate_descent(*arguments, total=total, sweeps=6, tolerance=1e-3, **sides)
        return *arguments[10:], np.array([done, largest])

    with K.use_backend("native"):
        naive = assert_one_answer(compute, threads=(1, 4))
    for got, meant in zip(naive, compute(reference)):
        assert bits(got) == bits(meant)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("centred", [False, True], ids=["plain", "centred"])
def test_the_result_is_optimal(centred):
    """gⱼ of the dense z is l1ⱼ sign(wⱼ), or within ±l1ⱼ; r and shift say the residuals of w."""
    arguments, total, z, target = problem(60, 40, np.float64, centred)
    weights, scale, curvature, l1, l2 = arguments[3], *arguments[5:9]
    w, r, shift = arguments[10:]
    done, largest = K.sparse_coordinate_descent(*arguments, total=total, sweeps=10_000, tolerance=1e-14)
    assert 1 < done < 10_000 and largest <= 1e-14
    left = weights * (target - z @ w)
    np.testing.assert_allclose(r + weights * shift, left, atol=1e-14)
    g, moves = z.T @ left - l2 * w, curvature + l2 > 0
    on, off = moves & (w != 0), moves & (w == 0)
    assert on.any() and off.any() and (w[~moves] == 0).all() and (scale != 1).all()
    np.testing.assert_allclose(g[on], (l1 * np.sign(w))[on], atol=1e-12)
    assert (np.abs(g[off]) <= l1[off] + 1e-13).all()


@pytest.mark.usefixtures("backend")
def test_only_the_listed_columns_move():
    arguments, total, _, _ = problem(60, 40, np.float64)
    arguments[9] = np.array([3, 0, 7])
    K.sparse_coordinate_descent(*arguments, total=total, sweeps=50)
    assert set(np.flatnonzero(arguments[10])) <= {0, 3, 7} and arguments[10].any()


@pytest.mark.usefixtures("backend")
def test_nan_stays_and_does_not_converge():
    arguments, total, _, _ = problem(60, 40, np.float64)
    arguments[11][:] = np.nan
    done, largest = K.sparse_coordinate_descent(*arguments, total=total, sweeps=5, tolerance=1.0)
    assert done == 5 and np.isnan(largest) and np.isnan(arguments[10]).any()


@pytest.mark.usefixtures("backend")
def test_arrays_that_are_no_matrix_are_refused():
    data, rows, places, v, out = np.ones(3), np.array([0, 1, 0]), np.array([0, 2, 3]), np.ones(2), np.zeros(2)
    for kernel in (K.sparse_dots, K.sparse_combine):
        name = "sparse_combine" if kernel is K.sparse_combine else "sparse_dots"
        for bad in (np.array([0, 2, 0]), np.array([0, -1, 0])):
            with pytest.raises(IndexError, match=rf"{name}: indices\[1\] is"):
                kernel(data, bad, places, v, out)
        for bad in (np.array([1, 2, 3]), np.array([0, 2, 2]), np.array([0, 4, 3])):
            with pytest.raises(ValueError, match=f"{name}: indptr"):
                kernel(data, rows, bad, v, out)
        with pytest.raises(ShapeError, match=name):
            kernel(data, rows[:2], places, v, out)
    arguments, total, _, _ = problem(7, 4, np.float64)
    arguments[9] = np.array([0, 4])
    with pytest.raises(IndexError, match=r"columns\[1\] is 4; need 0 <= columns < 4"):
        K.sparse_coordinate_descent(*arguments, total=total, sweeps=1)


@needs_native
def test_native_descent_refuses_what_it_cannot_change():
    arguments, total, _, _ = problem(7, 4, np.float64)
    with K.use_backend("native"):
        wrong = [a if i != 11 else arguments[3] for i, a in enumerate(arguments)]
        with pytest.raises(ValueError, match="share"):
            K.sparse_coordinate_descent(*wrong, total=total, sweeps=1)
        with pytest.raises(ValueError, match="both, lower and upper"):
            K.sparse_coordinate_descent(*arguments, total=total, sweeps=1, lower=np.zeros(4))
        with pytest.raises(DTypeError, match="indices"):
            K.sparse_coordinate_descent(
                arguments[0], arguments[1].astype(np.int32), *arguments[2:], total=total, sweeps=1
            )
