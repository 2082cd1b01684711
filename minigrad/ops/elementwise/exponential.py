"""exp, log, roots, powers, and functions related to them: rounding, erf, logaddexp."""

from __future__ import annotations

from typing import Any

from ... import kernels as K
from ...engine import Tensor, differentiable, flat, full
from ..shape.broadcast import match, sum
from .arithmetic import add, div, mul, neg, square, sub
from .compare import eq, ge, isinf, isnan, logical_and, logical_or
from .fused_activations import relu_grad, sigmoid
from .where import where


def _root_grad(g, y, x):
    z = div(mul(g, 0.5), y)
    return relu_grad(z, y) if _is_sum_of_squares(x) else z


def _is_sum_of_squares(x):
    """Whether x was recorded as Σ a²: √x is then a norm, whose subdifferential at 0 contains 0."""
    if x.op is not sum.op or not x.inputs:
        return False
    s = x.inputs[0]
    return s.op is square.op or (s.op is mul.op and s.inputs and s.inputs[0] is s.inputs[1])


@differentiable(x=_root_grad)
def sqrt(x):
    """y = √x; NaN below 0. The gradient at 0 is infinite, except if x is a sum of squares Σ a²: then it is 0.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.sqrt(mg.tensor([9, -1]))
    tensor([ 3., nan])
    """
    y = K.empty_for(x, 0.0)
    K.sqrt(x, y)
    return y


@differentiable(x=lambda g, y, x: mul(g, y))
def exp(x):
    """y = eˣ, within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.exp(mg.tensor([0, 1]))
    tensor([1.       , 2.7182817])
    """
    y = K.empty_for(x, 0.0)
    K.exp(x, y)
    return y


@differentiable(x=lambda g, y, x: div(g, x))
def log(x):
    """y = ln x, within 2 ulp; -inf at 0, NaN below.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.log(mg.tensor([1, 0, -1]))
    tensor([  0., -inf,  nan])
    """
    y = K.empty_for(x, 0.0)
    K.log(x, y)
    return y


LN2 = 0.6931471805599453

TWO_BY_ROOT_PI = 1.1283791670955126

BY_ROOT_2_PI = 0.3989422804014327


@differentiable(input=lambda g, y, input: mul(g, exp(input)))
def expm1(input):
    """y = eˣ - 1, accurate near 0; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.expm1(mg.tensor([0, 1e-10]))
    tensor([0.e+00, 1.e-10])
    """
    y = K.empty_for(input, 0.0)
    K.expm1(input, y)
    return y


@differentiable(input=lambda g, y, input: div(g, add(1.0, input)))
def log1p(input):
    """y = ln(1 + x), accurate near 0; -inf at -1, NaN below; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.log1p(mg.tensor([0, 1e-10]))
    tensor([0.e+00, 1.e-10])
    """
    y = K.empty_for(input, 0.0)
    K.log1p(input, y)
    return y


@differentiable(input=lambda g, y, input: div(g, mul(LN2, input)))
def log2(input):
    """y = log₂ x; -inf at 0, NaN below; exact for powers of 2; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.log2(mg.tensor([8, 0.5]))
    tensor([ 3., -1.])
    """
    y = K.empty_for(input, 0.0)
    K.log2(input, y)
    return y


def reciprocal(input: Any) -> Tensor:
    """1/x, exactly rounded; an infinity at 0.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.reciprocal(mg.tensor([4, 0.5]))
    tensor([0.25, 2.  ])
    """
    return div(1.0, input)


def rsqrt(input: Any) -> Tensor:
    """1/√x, within 1 ulp; inf at 0, NaN below.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.rsqrt(mg.tensor([4, 0.25]))
    tensor([0.5, 2. ])
    """
    return div(1.0, sqrt(input))


def _is_zero_or_nan(a):
    return logical_or(eq(a, 0.0), isnan(a))


def _base_slope(g, a, b):
    """g b aᵇ⁻¹: 0 for b = 0, also at a = 0 and NaN, where a⁻¹ would make it NaN."""
    if not isinstance(b, Tensor):
        return mul(g, mul(b, pow(a, b - 1))) if b != 0 else flat(g, a)
    return mul(g, mul(b, pow(a, where(logical_and(_is_zero_or_nan(a), eq(b, 0.0)), 0.0, sub(b, 1.0)))))


def _exponent_slope(g, y, a, b):
    """g aᵇ ln a: 0 at a = 0 for b ≥ 0, where ln a is -inf."""
    a = a if isinstance(a, Tensor) else full(b, a)
    return mul(g, mul(y, log(where(logical_and(eq(a, 0.0), ge(b, 0.0)), 1.0, a))))


@differentiable(
    input=lambda g, y, input, exponent: match(_base_slope(g, input, exponent), input),
    exponent=lambda g, y, input, exponent: match(_exponent_slope(g, y, input, exponent), exponent),
)
def pow(input, exponent):
    """y = inputᵉˣᵖᵒⁿᵉⁿᵗ, within 2 ulp; either may be a number, and both broadcast. Also `input ** exponent`.

    x⁰ = 1 for every x; a power of a negative base is NaN unless the exponent is whole. For the numbers 3, 2, 1, 1/2 and
    -1 as exponent x x x, x x, x, √x and 1/x are computed. At base 0 the gradients are finite where the function is
    smooth; the gradient of the exponent is 0 there for an exponent ≥ 0. For a base < 0 it is NaN.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.tensor([-2, 0, 2]) ** 3, 2 ** mg.tensor([0.5, -1])
    (tensor([-8.,  0.,  8.]), tensor([1.4142135, 0.5      ]))
    """
    y = K.empty_for(input, exponent)
    if isinstance(exponent, (int, float)) and exponent in SHORT_POWERS:
        SHORT_POWERS[exponent](input, y)
    else:
        K.pow(input, exponent, y)
    return y


SHORT_POWERS = {  # faster than K.pow, and rounded once (the cube twice); K is read at the call: the backend may change
    2: lambda x, y: K.mul(x, x, y),
    1: lambda x, y: K.copy(x, y),
    0.5: lambda x, y: K.sqrt(x, y),
    -1: lambda x, y: K.div(1.0, x, y),
    3: lambda x, y: (K.mul(x, x, y), K.mul(x, y, y)),
}


@differentiable(input=flat)
def floor(input):
    """y = the largest whole number ≤ x; the gradient is 0.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.floor(mg.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    y = K.empty_for(input, 0.0)
    K.floor(input, y)
    return y


@differentiable(input=flat)
def ceil(input):
    """y = the smallest whole number ≥ x; the gradient is 0.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.ceil(mg.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    y = K.empty_for(input, 0.0)
    K.ceil(input, y)
    return y


@differentiable(input=lambda g, y, input: mul(g, mul(TWO_BY_ROOT_PI, exp(neg(square(input))))))
def erf(input):
    """y = 2/√π ∫₀ˣ exp(-t²) dt; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.erf(mg.tensor([0, 0.5, 10]))
    tensor([0.       , 0.5204999, 1.       ])
    """
    y = K.empty_for(input, 0.0)
    K.erf(input, y)
    return y


@differentiable(input=lambda g, y, input: mul(g, mul(BY_ROOT_2_PI, exp(mul(-0.5, square(input))))))
def normal_cdf(input):
    """y = (1 + erf(x/√2)) / 2, the probability of a standard normal number below x; within 2⁻⁵² (float32: 3 ulp).

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.normal_cdf(mg.tensor([0, 10]))
    tensor([0.5, 1. ])
    """
    y = K.empty_for(input, 0.0)
    K.normal_cdf(input, y)
    return y


def _lead(a, b):
    """a - b; 0 where both are the same infinity."""
    return where(logical_and(eq(a, b), isinf(a)), 0.0, sub(a, b))


@differentiable(
    input=lambda g, y, input, other: match(mul(g, sigmoid(_lead(input, other))), input),
    other=lambda g, y, input, other: match(mul(g, sigmoid(_lead(other, input))), other),
)
def logaddexp(input, other):
    """y = ln(eᵃ + eᵇ) without overflow, broadcast: max(a, b) + ln(1 + exp(-|a - b|)).

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.logaddexp(mg.tensor([0, 1000]), mg.tensor([0, 0]))
    tensor([6.931472e-01, 1.000000e+03])
    """
    y = K.empty_for(input, other)
    K.logaddexp(input, other, y)
    return y
