"""sparse: every variant equals the naive twin; the products are those of the dense matrix; bad arrays are refused."""

import numpy as np
import pytest
from kernels.twins import assert_one_answer, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def matrix(rows, n, dtype, seed=0, share=0.3):
    """(first, row, x) and the dense matrix; some columns are empty, some full."""
    rng = np.random.default_rng(seed + 1000 * rows + n)
    there = rng.random((rows, n)) < share
    there[:, 1::5], there[:, 2::7] = False, True
    dense = np.where(there, rng.standard_normal((rows, n)), 0).astype(dtype)
    row = np.concatenate([np.flatnonzero(there[:, j]) for j in range(n)] + [np.zeros(0, np.int64)]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(there.sum(0))]).astype(np.int64)
    return (first, row, np.ascontiguousarray(dense.T[there.T])), dense


@needs_native
@both
@pytest.mark.parametrize(("rows", "n"), [(1, 1), (1, 9), (7, 0), (33, 3), (40, 65), (257, 200)])
def test_one_answer(rows, n, dtype):
    csc, dense = matrix(rows, n, dtype)
    rng = np.random.default_rng(3)
    left, right = rng.standard_normal(rows).astype(dtype), rng.standard_normal(n).astype(dtype)
    right[::3] = 0

    def compute(kernels=K):
        dots, added, gram = np.empty(n, dtype), np.ones(rows, dtype), np.empty((n, n), dtype)
        kernels.sparse_dots(*csc, left, dots)
        kernels.sparse_sum(*csc, right, added)
        kernels.sparse_gram(*csc, left, gram)
        return dots, added, gram

    with K.use_backend("native"):
        naive = assert_one_answer(compute, threads=(1, 2, 3))
    expected = left @ dense, 1 + dense @ right, dense.T @ (left[:, None] * dense)
    for got, same, from_numpy in zip(naive, compute(reference), expected):
        np.testing.assert_allclose(got, from_numpy, rtol=1e-4, atol=40 * np.finfo(dtype).eps * np.sqrt(rows + n))
        np.testing.assert_allclose(got, same, rtol=1e-4, atol=40 * np.finfo(dtype).eps * np.sqrt(rows + n))
    assert naive[2].tobytes() == np.ascontiguousarray(naive[2].T).tobytes()


@needs_native
def test_the_order_of_a_sum():
    """Four chains, entry e in chain e % 4, added as (0 + 1) + (2 + 3): read from numbers that lose one another."""
    big = 2.0**60
    for x in ([big, 1, -big, 1, 1], [big, 1, 0, 0, -big], [big, 1, 1, -big, 1, 1, 1]):
        x, out = np.array(x), np.empty(1)
        K.sparse_dots(np.array([0, len(x)]), np.arange(len(x)), x, np.ones(len(x)), out)
        chains = [sum(x[c::4]) for c in range(4)]
        assert out[0] == (chains[0] + chains[1]) + (chains[2] + chains[3]) != sum(x)


@pytest.mark.usefixtures("backend")
def test_repeated_calls_and_nan():
    csc, _ = matrix(9, 4, np.float64)
    v = np.ones(9)
    v[csc[1][-1]] = np.nan
    out = np.empty(4)
    K.sparse_dots(*csc, v, out)
    column = np.flatnonzero(csc[0] == len(csc[1]))[0] - 1
    assert np.isnan(out[column]) and not np.isnan(out[1])  # column 1 is empty


@needs_native
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"first": np.array([0, 2, 1, 3])}, ValueError, "first falls from 2 to 1"),
        ({"first": np.array([0, 1, 2, 2])}, ValueError, "first goes from 0 to 2; need 0 to 3"),
        ({"first": np.array([0, 1, 2, 3], np.int32)}, DTypeError, "first is int32"),
        ({"row": np.array([0, 1, 5])}, IndexError, r"row\[2\] is 5; need 0 <= row < 4"),
        ({"row": np.array([0, -1, 2])}, IndexError, r"row\[1\] is -1"),
        ({"row": np.array([0, 1])}, ShapeError, "need a row for each number"),
        ({"x": np.ones(3, np.float32)}, DTypeError, "need one dtype"),
    ],
)
def test_bad_arrays(change, error, message):
    given = {"first": np.array([0, 1, 2, 3]), "row": np.array([0, 1, 2]), "x": np.ones(3)} | change
    csc = given["first"], given["row"], given["x"]
    with K.use_backend("native"):
        for name, v, out in (
            ("sparse_dots", np.ones(4), np.zeros(3)),
            ("sparse_gram", np.ones(4), np.zeros((3, 3))),
            ("sparse_sum", np.ones(3), np.zeros(4)),
        ):
            with pytest.raises(error, match=f"{name}: .*{message}"):
                getattr(K, name)(*csc, v, out)
            assert not out.any()
