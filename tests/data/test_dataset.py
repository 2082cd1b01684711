"""arrays: what comes out can be trained on; what cannot is named by row and column."""

import numpy as np
import pytest

import minigrad.kernels as K
from minigrad.data import check_xy, dataset
from minigrad.data.dataset import take_rows
from minigrad.errors import DTypeError, NonFiniteError, ShapeError


def test_dtypes_that_are_kept_and_cast():
    x, y = check_xy(np.ones((2, 3)), np.array([True, False]))
    assert (x.dtype, y.dtype) == (np.float64, np.int64)
    x, y = check_xy(np.ones((2, 3)), np.ones(2), "float32")
    assert (x.dtype, y.dtype) == (np.float32, np.float32)
    x, y = check_xy(np.ones((2, 3), np.uint8), [1, 2])
    assert (x.dtype, y.dtype) == (np.uint8, np.int64)
    assert check_xy(np.ones((2, 3), np.uint8), [1, 2], "float64").x.dtype == np.float64
    assert check_xy(np.ones((2, 3), ">f4"), [1, 2]).x.dtype.isnative


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: a[::-1], lambda a: a.T.copy().T, lambda a: a[:, ::-1]])
def test_any_layout_becomes_contiguous_with_the_same_numbers(layout):
    a = np.arange(12.0).reshape(4, 3)
    x, _ = check_xy(layout(a), np.zeros(4))
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x, layout(a))


def test_good_arrays_are_not_copied():
    a = np.ones((4, 3), np.float32)
    assert np.shares_memory(check_xy(a, np.zeros(4)).x, a)


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("shape", "at", "place"),
    [
        ((50, 4), (33, 2), "row 33, column 2"),
        ((50,), (49,), "row 49"),
        ((9, 1, 2, 3), (4, 0, 1, 2), "row 4, column 0, 1, 2"),
    ],
)
def test_the_first_bad_number_is_named(monkeypatch, chunk, shape, at, place):
    monkeypatch.setattr(dataset, "CHUNK", chunk)
    x = np.ones(shape)
    x[-1] = np.inf
    x[at] = np.nan
    with pytest.raises(NonFiniteError, match=f"x: {place} is nan;"):
        check_xy(x, np.zeros(len(x)))
    with pytest.raises(NonFiniteError, match=f"y: {place} is nan;"):
        check_xy(np.zeros((len(x), 1)), x)


def test_numbers_that_the_dtype_cannot_hold_are_named():
    with pytest.raises(NonFiniteError, match=r"x: row 0, column 1 is 1e\+300, too large for float32"):
        check_xy([[1.0, 1e300]], [0], "float32")
    assert check_xy([[1.0, 1e300]], [0], "float64").x[0, 1] == 1e300


@pytest.mark.parametrize(
    ("x", "y", "error", "words"),
    [
        (np.ones((3, 2)), np.ones(2), ShapeError, "x has 3 rows, y has 2"),
        (np.ones((0, 2)), np.ones(0), ShapeError, r"x is \(0, 2\)"),
        (np.ones((2, 0)), np.ones(2), ShapeError, r"x is \(2, 0\)"),
        (1.0, [1.0], ShapeError, "x is a single number"),
        ([[1.0], [1.0, 2.0]], [0, 1], ShapeError, "x: "),
        ([["a"]], [0], DTypeError, "x is <U1"),
        ([[None]], [0], DTypeError, "x is object"),
        (np.ones((1, 1), np.float16), [0], DTypeError, "x is float16"),
        (np.ones((1, 1)), np.ones(1, complex), DTypeError, "y is complex128"),
    ],
)
def test_what_does_not_fit_is_refused(x, y, error, words):
    with pytest.raises(error, match=words):
        check_xy(x, y)
    with pytest.raises(DTypeError, match="int64"):
        check_xy(np.ones((1, 1)), [1], "int64")


@pytest.mark.parametrize("backend", ["reference", K.backend()])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 2, 3)])
def test_take_rows(backend, dtype, shape):
    x = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    with K.use_backend(backend):
        for index in ([], [4], [0, 0, 3, 1, 4, 2]):
            rows = take_rows(x, np.array(index, np.int64))
            assert rows.dtype == x.dtype
            np.testing.assert_array_equal(rows, x[np.array(index, np.int64)])
            rows[...] = 9
    np.testing.assert_array_equal(x, np.arange(np.prod(shape)).astype(dtype).reshape(shape))


def test_arrays_that_numpy_would_take_for_something_else():
    masked = np.ma.masked_array([[1.0, 2.0], [3.0, 999.0]], mask=[[0, 0], [0, 1]])
    with pytest.raises(DTypeError, match=r"x has masked entries; fill them first: x\.filled"):
        check_xy(masked, [0, 1])
    assert check_xy(np.ma.masked_array([[1.0], [2.0]]), [0, 1]).x.tolist() == [[1.0], [2.0]]

    class Sparse:
        def toarray(self):
            return np.eye(2)

    with pytest.raises(DTypeError, match=r"x is a Sparse; need an array: x\.toarray\(\)"):
        check_xy(Sparse(), [0, 1])
