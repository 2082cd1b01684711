"""Elementary functions: exact values, and gradients where a formula would divide 0 by 0 or overflow."""

import numpy as np
import pytest
from ops.slopes import check, gradients

import minigrad as mg
from minigrad.insight.gradcheck import gradcheck

pytestmark = pytest.mark.usefixtures("backend")
both = pytest.mark.parametrize("dtype", ["float32", "float64"])
INF, NAN = np.inf, np.nan


@both
@pytest.mark.parametrize(
    ("exponent", "y", "dy"),  # at 0, -2, 2
    [
        (0, [1, 1, 1], [0, 0, 0]),
        (1, [0, -2, 2], [1, 1, 1]),
        (2, [0, 4, 4], [0, -4, 4]),
        (3, [0, -8, 8], [0, 12, 12]),
        (-1, [INF, -0.5, 0.5], [-INF, -0.25, -0.25]),
        (0.5, [0, NAN, 2**0.5], [INF, NAN, 0.5**1.5]),
        (1.5, [0, NAN, 2**1.5], [0, NAN, 1.5 * 2**0.5]),
    ],
)
def test_powers_at_0_and_below(exponent, y, dy, dtype):
    """The same with a number and with a tensor as the exponent."""
    x = [0.0, -2.0, 2.0]
    by_number = gradients(lambda x: x**exponent, x, dtype=dtype)
    by_tensor = gradients(lambda x, e: x**e, x, [exponent] * 3, dtype=dtype)
    for got, expected in zip([*by_number, *by_tensor[:2]], [y, dy, y, dy]):
        np.testing.assert_allclose(got, expected, rtol=1e-6 if dtype == "float32" else 1e-15)


@both
def test_the_exponents_gradient(dtype):
    """x^e ln x: 0 at base 0 for e >= 0, -inf for e < 0, NaN for a negative base; a number as base too."""
    _, _, dy = gradients(mg.pow, [0.0, 0.0, 0.0, -2.0, 2.0], [0.0, 2.0, -1.0, 3.0, 1.0], dtype=dtype)
    np.testing.assert_allclose(dy, [0, 0, -INF, NAN, 2 * np.log(2)], rtol=1e-6)
    check(gradients(lambda e: 0**e, [0.0, 2.0], dtype=dtype), [1, 0], [0, 0])
    np.testing.assert_allclose(gradients(lambda e: 2**e, [3.0], dtype=dtype)[1], [8 * np.log(2)], rtol=1e-6)


def test_second_derivatives_of_powers_at_0():
    x = np.array([0.0, 0.0, 0.0, 2.0])
    e = np.array([2.0, 3.0, 1.0, 0.0])
    t = mg.tensor(x, requires_grad=True)
    for power in e, mg.tensor(e, requires_grad=True):
        (g,) = mg.grad(mg.sum(mg.pow(t, power)), [t], create_graph=True)
        np.testing.assert_array_equal(mg.grad(mg.sum(g), t).data, [2, 0, 0, 0])
    assert gradcheck(mg.pow, [np.array([1.0, 2.0]), np.array([0.0, 1.0])])  # b = 0 away from base 0


def test_powers_of_numbers_and_shapes():
    assert mg.pow(2.0, 3.0).item() == 8
    assert (mg.tensor([[1.0], [2.0]]) ** mg.tensor([1.0, 2.0])).tolist() == [[1, 1], [2, 4]]
    assert (np.array([2.0]) ** mg.tensor([3.0], dtype="float64")).tolist() == [8]
    assert mg.exp(0).item() == 1
    with pytest.raises(mg.ShapeError, match=r"pow: .*\(2,\) and \(3,\)"):
        mg.pow(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match=r"str|'2'"):
        mg.tensor([1.0]) ** "2"


@both
def test_gradients_stay_finite(dtype):
    """At the ends of the range, where a square or an exponential overflows on the way."""
    big = 1e30 if dtype == "float32" else 1e300
    for op, x, expected in [
        (mg.asinh, big, 1 / big),
        (mg.atan, big, 0),
        (mg.erf, big, 0),
        (mg.normal_cdf, -big, 0),
        (mg.floor, big, 0),
        (mg.expm1, -big, 0),
        (mg.log1p, big, 1 / big),
        (lambda x: mg.hypot(x, x), big, 2**0.5),
        (lambda x: mg.atan2(x, 2 * x), big, 0),
        (lambda x: mg.logaddexp(x, -x), big, 1),
    ]:
        np.testing.assert_allclose(gradients(op, [x], dtype=dtype)[1], [expected], rtol=1e-6, atol=1e-38)


@both
def test_subgradients_at_the_origin(dtype):
    check(gradients(mg.hypot, [0.0], [0.0], dtype=dtype), [0], [0], [0])
    check(gradients(mg.atan2, [0.0, -0.0], [-0.0, 0.0], dtype=dtype)[1:], [0, 0], [0, 0])


@both
def test_logaddexp_of_infinities(dtype):
    y, da, db = gradients(mg.logaddexp, [-INF, INF, -INF, 1e4], [-INF, INF, 3.0, -1e4], dtype=dtype)
    check((y, da, db), [-INF, INF, 3, 1e4], [0.5, 0.5, 0, 1], [0.5, 0.5, 1, 0])


@both
@pytest.mark.parametrize(
    "op",
    [
        mg.expm1,
        mg.log1p,
        mg.log2,
        mg.reciprocal,
        mg.rsqrt,
        mg.erf,
        mg.normal_cdf,
        mg.sin,
        mg.cos,
        mg.tan,
        mg.sinh,
        mg.cosh,
        mg.asinh,
        mg.atan,
        lambda x: x**3,
        lambda x: x**1.5,
        lambda x: 2**x,
        lambda x: mg.hypot(x, 1.0),
        lambda x: mg.atan2(1.0, x),
        lambda x: mg.logaddexp(x, 0.0),
    ],
)
def test_nan_shows_in_the_gradient_and_empty_stays_empty(op, dtype):
    y, dy = gradients(op, [NAN, 0.5], dtype=dtype)
    assert np.isnan(y[0]) and np.isnan(dy[0])
    assert np.isfinite(y[1]) and np.isfinite(dy[1])
    empty = op(mg.tensor(np.empty((0, 3), dtype)))
    assert empty.shape == (0, 3)
    assert empty.dtype == dtype
