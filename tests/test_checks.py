"""arguments: the value in its one type, or an error that names it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks import finite, real_dtype, whole
from minigrad.errors import DTypeError, GraphError


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
    assert finite(mg.tensor(0.5), "p") == 0.5
    with pytest.raises(GraphError, match=r"f: p is a tensor that requires grad.* pass its number, t.item\(\)"):
        finite(nn.Parameter(0.5), "f: p")


def test_real_dtype():
    assert real_dtype("float32", "dtype") == real_dtype(np.float32, "dtype") == np.dtype("float32")
    for dtype in ("float16", "int64", "complex64", ">f4", object):
        with pytest.raises(DTypeError, match=r"f: dtype is .*; need float32 or float64"):
            real_dtype(dtype, "f: dtype")


@pytest.mark.parametrize(
    "use",
    [
        lambda p: mg.linspace(p, 1, 3),
        lambda p: mg.arange(0, p, 0.1),
        lambda p: mg.cross_entropy(np.eye(3), [0, 1, 2], label_smoothing=p),
        lambda p: mg.huber_loss(mg.tensor([1.0]), mg.tensor([2.0]), delta=p),
        lambda p: mg.reg.L1(p),
        lambda p: mg.optim.SGD([nn.Parameter([1.0])], lr=p),
    ],
    ids=["linspace", "arange", "label_smoothing", "delta", "strength", "lr"],
)
def test_a_parameter_as_a_plain_number(backend, use):
    """It would get no gradient, and so would never be trained."""
    use(mg.tensor(0.3))
    with pytest.raises(GraphError, match=r"requires grad; this is a number, .* would not be trained"):
        use(nn.Parameter(0.3))


def test_real_dtype_of_what_is_no_dtype():
    with pytest.raises(DTypeError, match="f: dtype is True; need float32 or float64"):
        real_dtype(True, "f: dtype")
