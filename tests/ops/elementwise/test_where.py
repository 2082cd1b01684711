"""where, maximum, clamp: ties, bounds, NaN, dtypes, and what they refuse."""

import numpy as np
import pytest
from ops.slopes import check, gradients

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
both = pytest.mark.parametrize("dtype", ["float32", "float64"])
NAN = np.nan


@both
def test_equal_ones_share_the_gradient(dtype):
    a, b = [1.0, 2.0, 3.0, NAN, 0.0], [1.0, 3.0, 2.0, 1.0, -0.0]
    check(gradients(mg.maximum, a, b, dtype=dtype), [1, 3, 3, NAN, 0], [0.5, 0, 1, NAN, 0.5], [0.5, 1, 0, NAN, 0.5])
    check(gradients(mg.minimum, a, b, dtype=dtype), [1, 2, 2, NAN, 0], [0.5, 1, 0, NAN, 0.5], [0.5, 0, 1, NAN, 0.5])
    check(gradients(lambda x: mg.maximum(x, x), a, dtype=dtype), a, [1, 1, 1, NAN, 1])


@both
def test_clamp_at_its_bounds(dtype):
    x = [-2.0, -1.0, 0.0, 1.0, 2.0, NAN, np.inf, -np.inf]
    y = [-1, -1, 0, 1, 1, NAN, 1, -1]
    check(gradients(lambda x: mg.clamp(x, -1, 1), x, dtype=dtype), y, [0, 1, 1, 1, 0, NAN, 0, 0])
    check(gradients(lambda x: x.clamp(max=0), [-1.0, 0.0, 1.0], dtype=dtype), [-1, 0, 0], [1, 1, 0])
    check(gradients(mg.clamp, x[:5], [-1.0], [1.0], dtype=dtype), y[:5], [0, 1, 1, 1, 0], [1], [1])
    check(gradients(mg.clamp, [0.0], [2.0], [1.0], dtype=dtype), [1], [0], [0], [1])  # max wins over min
    with pytest.raises(ValueError, match="both None"):
        mg.clamp(mg.tensor(x))


@both
def test_where_moves_numbers_untouched(dtype):
    c = mg.tensor([True, False, True, False])
    a, b = [NAN, NAN, -0.0, np.inf], [1.0, -0.0, NAN, NAN]
    y, ga, gb = gradients(lambda a, b: mg.where(c, a, b), a, b, dtype=dtype)
    check((y, ga, gb), [NAN, -0.0, -0.0, NAN], [1, 0, 1, 0], [0, 1, 0, 1])
    assert np.signbit(y[1:3]).all()


def test_where_takes_numbers_and_integers():
    c = mg.tensor([[True], [False]])
    assert mg.where(c, 1, mg.tensor([5, 6], dtype="int64")).tolist() == [[1, 1], [5, 6]]
    assert mg.where(c, 1.0, 0.0).dtype == np.float32
    assert mg.where(True, mg.tensor([1.0]), 2.0).tolist() == [1.0]
    assert mg.where(c, mg.tensor([1.0]), mg.tensor([2.0], dtype="float64")).dtype == np.float64
    assert mg.tensor([1.0, 2.0]).where(mg.tensor([True, False]), 0).tolist() == [1, 0]
    for wrong, match in [
        ((c.long(), 1.0, 2.0), "the condition is int64; need bool"),
        ((c, mg.tensor([1], dtype="int64"), 0.5), "float"),
    ]:
        with pytest.raises(mg.DTypeError, match=match):
            mg.where(*wrong)
    with pytest.raises(mg.ShapeError, match=r"where: the shapes \(2, 1\), \(3, 2\)"):
        mg.where(c, np.ones((3, 2)), 0)


def test_masked_fill_keeps_the_gradient_of_the_rest():
    mask = mg.tensor([False, True])
    check(gradients(lambda x: mg.masked_fill(x, mask, -np.inf), [1.0, 2.0]), [1, -np.inf], [1, 0])


@both
def test_lerp_is_exact_at_both_ends(dtype):
    a, b = mg.tensor([0.1, 1e8], dtype=dtype), mg.tensor([0.7, -1.0], dtype=dtype)
    for weight, expected in (0, a), (1, b), (mg.tensor([0.0, 1.0], dtype=dtype), [a.data[0], b.data[1]]):
        np.testing.assert_array_equal(mg.lerp(a, b, weight).data, getattr(expected, "data", expected))


def test_integers_are_refused_with_the_cure():
    whole = mg.tensor([1, 2], dtype="int64")
    for op in mg.maximum, mg.minimum, mg.clamp, mg.pow, mg.atan2:
        with pytest.raises(mg.DTypeError, match=rf"{op.__name__}: .*int64.*\.float\(\)"):
            op(whole, 1)


MIXED = {
    "add": mg.add,
    "sub": mg.sub,
    "mul": mg.mul,
    "div": mg.div,
    "pow": mg.pow,
    "maximum": mg.maximum,
    "minimum": mg.minimum,
    "atan2": mg.atan2,
    "hypot": mg.hypot,
    "logaddexp": mg.logaddexp,
    "where": lambda a, b: mg.where([True, False, True], a, b),
    "clamp": lambda a, b: mg.clamp(a, b),
    "lerp": lambda a, b: mg.lerp(a, b, 0.25),
    "masked_fill": lambda a, b: mg.masked_fill(a, [True, False, True], b),
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["bool", "uint8", "int8", "int16", "int32", "int64"])
def test_integers_beside_floats_take_part_in_their_dtype(name, dtype, kind):
    f, whole = MIXED[name], np.array([1, 0, 1], kind)
    x = np.array([0.5, 1.5, -2.0], dtype)
    for given in (whole, mg.tensor(whole) if kind not in ("int8", "int16") else whole):
        for turned in (False, True):
            a, b = mg.tensor(x, requires_grad=True), mg.tensor(whole.astype(dtype))
            c = mg.tensor(x, requires_grad=True)
            y, expected = (f(given, a), f(b, c)) if turned else (f(a, given), f(c, b))
            assert y.dtype == dtype
            np.testing.assert_array_equal(y.data, expected.data)
            y.sum().backward()
            expected.sum().backward()
            np.testing.assert_array_equal(a.grad.data, c.grad.data)


def test_products_refuse_mixed_floats_and_integers_alone():
    x, d, i = mg.tensor([[1.0]]), mg.tensor([[1.0]], dtype="float64"), mg.tensor([[1]], dtype="int64")
    for call in (lambda: x @ d, lambda: mg.linear(x, d), lambda: x @ i):
        with pytest.raises(mg.DTypeError, match=r"need one dtype|weight"):
            call()
    for call in (lambda: i * i, lambda: i + 1, lambda: i * 0.5, lambda: i + (i > 0), lambda: mg.exp(i)):
        with pytest.raises(mg.DTypeError, match=r"\.float\(\) or \.double\(\), of an array \.astype"):
            call()
    big = mg.tensor([2**24 + 1], dtype="int64")
    assert (mg.tensor([0.0]) + big).item() == 2.0**24  # rounded to float32, as x + big.float()
