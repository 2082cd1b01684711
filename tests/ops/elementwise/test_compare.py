"""Comparisons: NaN, integers, operators, and tensors that stay keys of dictionaries."""

import numpy as np
import pytest

import minigrad as mg

X = [1.0, 2.0, np.nan, np.inf, -0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operators_are_elementwise(dtype):
    t, x = mg.tensor(X, dtype=dtype), np.array(X, dtype)
    for got, expected in [
        (t == 2, x == 2),
        (t != 2, x != 2),
        (t < 2, x < 2),
        (t <= 2, x <= 2),
        (t > 2, x > 2),
        (t >= 2, x >= 2),
        (t.gt(2), x > 2),
        (t == t, x == x),
        (t == x, x == x),
        (x < t, x < x),
        (t == X, x == x),
        (t < 0.1, x < 0.1),
        (mg.isnan(t), np.isnan(x)),
        (mg.isinf(t), np.isinf(x)),
        (mg.isfinite(t), np.isfinite(x)),
        ((t > 1) & (t < 5), (x > 1) & (x < 5)),
        ((t < 1) | (t > 2), (x < 1) | (x > 2)),
        (~(t > 1), ~(x > 1)),
        (True & (t > 1), x > 1),
        (mg.logical_not(t), x == 0),
        (mg.logical_or(t, 0), x != 0),
    ]:
        assert got.dtype == bool
        assert not got.requires_grad
        np.testing.assert_array_equal(got.data, expected)


def test_numbers_take_the_tensors_dtype():
    """0.1 beside float32 is the float32 nearest to it; booleans and integers are compared by value."""
    assert (mg.tensor([0.1]) == 0.1).item()
    assert (mg.tensor([0.1], dtype="float64") == 0.1).item()
    assert not (mg.tensor([0.1]) == mg.tensor([0.1], dtype="float64")).item()
    assert (mg.tensor([3], dtype="int64") > 2.5).item()
    assert (mg.tensor([200], dtype="uint8") > -1).item()
    assert mg.tensor([True]).eq(1).item()


def test_results_have_no_gradient_and_broadcast():
    x = mg.tensor([[1.0], [2.0]], requires_grad=True)
    assert (x > mg.tensor([0.0, 1.5])).tolist() == [[True, False], [True, True]]
    assert not (x == x).requires_grad
    with pytest.raises(mg.ShapeError, match=r"lt: the shapes \(2, 1\) and \(3, 2\)"):
        mg.lt(x, np.zeros((3, 2)))


def test_tensors_are_keys_by_identity():
    a, b = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0])
    table = {a: "a", b: "b"}
    assert table[a] == "a"
    assert table[b] == "b"
    assert len({a, b, a}) == 2
    assert hash(a) == hash(a) != hash(b)
    assert a in [a, b]


def test_what_is_no_number():
    t = mg.tensor([1.0, 2.0])
    assert t != None  # noqa: E711
    assert (t == None) is False  # noqa: E711
    assert t != "1"
    with pytest.raises(TypeError):
        t < None  # noqa: B015
    with pytest.raises(TypeError, match="eq: got a str; need a tensor"):
        mg.eq(t, "1")
    with pytest.raises(ValueError, match="only one element is true or false"):
        bool(t == t)
    with pytest.raises(mg.DTypeError, match="&: an operand is float32; need bool"):
        t & (t > 1)
    with pytest.raises(mg.DTypeError, match="~: an operand is int64"):
        ~mg.tensor([1], dtype="int64")


def test_whole_tensors():
    t = mg.tensor(X)
    assert not mg.equal(t, t)  # a NaN
    assert mg.equal(t[:2], [1.0, 2.0])
    assert not mg.equal(t[:2], [[1.0, 2.0]])
    assert mg.allclose(t, X, equal_nan=True)
    assert not mg.allclose(t, X)
    assert mg.allclose(mg.tensor([1.0, 1.0]), 1.0005, atol=1e-3)
    assert not mg.allclose(mg.tensor([1.0]), 1.5, rtol=0.3)  # of the second: 0.45 < 0.5
    with pytest.raises(mg.ShapeError, match=r"allclose: the shapes \(5,\) and \(2,\)"):
        mg.allclose(t, [1.0, 2.0])
