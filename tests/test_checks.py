"""arguments: the value in its one type, or an error that names it."""

import numpy as np
import pytest

from minigrad.checks import finite, real_dtype, whole
from minigrad.errors import DTypeError


def test_whole():
    assert [whole(value, "n", -1, 6) for value in (-1, 5, np.int8(3), np.uint64(0))] == [-1, 5, 3, 0]
    assert all(type(whole(value, "n", 0)) is int for value in (5, np.int8(3), np.array(2)))
    for value in (1.0, "1", None, True, np.True_, [1]):
        with pytest.raises(TypeError, match=r"f: n is .*; need a whole number"):
            whole(value, "f: n", 0)
    with pytest.raises(ValueError, match="f: n is -2; need at least -1"):
        whole(-2, "f: n", -1)
    with pytest.raises(ValueError, match="f: n is 6; need less than 6"):
        whole(6, "f: n", 0, 6)


def test_finite():
    assert [finite(value, "p", 0, 1) for value in (0, 1, np.float32(0.5), np.int64(1))] == [0.0, 1.0, 0.5, 1.0]
    for value in (float("nan"), float("inf"), "0.5", b"1", None, 10**400, 1j, [1, 2], -0.1, 1.1):
        with pytest.raises(ValueError, match=r"f: p is .*; need a finite number, at least 0, at most 1$"):
            finite(value, "f: p", 0, 1)
    with pytest.raises(ValueError, match=r"need a finite number$"):
        finite(float("inf"), "p")
    assert finite(-1e300, "p") == -1e300


def test_real_dtype():
    assert real_dtype("float32", "dtype") == real_dtype(np.float32, "dtype") == np.dtype("float32")
    for dtype in ("float16", "int64", "complex64", ">f4", object):
        with pytest.raises(DTypeError, match=r"f: dtype is .*; need float32 or float64"):
            real_dtype(dtype, "f: dtype")


def test_real_dtype_of_what_is_no_dtype():
    with pytest.raises(DTypeError, match="f: dtype is True; need float32 or float64"):
        real_dtype(True, "f: dtype")
