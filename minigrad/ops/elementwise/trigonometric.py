"""Trigonometric and hyperbolic functions, with gradients of every order."""

from __future__ import annotations

from ... import kernels as K
from ...engine import differentiable
from ..shape.broadcast import match
from .arithmetic import add, div, mul, neg, square
from .compare import eq
from .where import where


@differentiable(input=lambda g, y, input: mul(g, cos(input)))
def sin(input):
    """y = sin x, x in radians of any size; NaN of an infinity; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.sin(mg.tensor([0, 1.5707964]))
    tensor([0., 1.])
    """
    y = K.empty_for(input, 0.0)
    K.sin(input, y)
    return y


@differentiable(input=lambda g, y, input: neg(mul(g, sin(input))))
def cos(input):
    """y = cos x, x in radians of any size; NaN of an infinity; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.cos(mg.tensor([0, 3.1415927]))
    tensor([ 1., -1.])
    """
    y = K.empty_for(input, 0.0)
    K.cos(input, y)
    return y


@differentiable(input=lambda g, y, input: mul(g, add(1.0, square(y))))
def tan(input):
    """y = tan x, x in radians of any size; NaN of an infinity; within 3 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.tan(mg.tensor([0, 0.7853982]))
    tensor([0., 1.])
    """
    y = K.empty_for(input, 0.0)
    K.tan(input, y)
    return y


@differentiable(input=lambda g, y, input: mul(g, cosh(input)))
def sinh(input):
    """y = (eˣ - e⁻ˣ) / 2, accurate near 0; within 3 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.sinh(mg.tensor([0, 1]))
    tensor([0.       , 1.1752012])
    """
    y = K.empty_for(input, 0.0)
    K.sinh(input, y)
    return y


@differentiable(input=lambda g, y, input: mul(g, sinh(input)))
def cosh(input):
    """y = (eˣ + e⁻ˣ) / 2; within 3 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.cosh(mg.tensor([0, 1]))
    tensor([1.       , 1.5430807])
    """
    y = K.empty_for(input, 0.0)
    K.cosh(input, y)
    return y


@differentiable(input=lambda g, y, input: div(g, hypot(input, 1.0)))
def asinh(input):
    """y = ln(x + √(x² + 1)), accurate near 0 and without overflow; within 3 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.asinh(mg.tensor([0, 1.1752012]))
    tensor([0., 1.])
    """
    y = K.empty_for(input, 0.0)
    K.asinh(input, y)
    return y


@differentiable(input=lambda g, y, input: div(g, add(1.0, square(input))))
def atan(input):
    """y = the angle in [-π/2, π/2] whose tangent is x; within 2 ulp.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.atan(mg.tensor([0, float("inf")]))
    tensor([0.       , 1.5707964])
    """
    y = K.empty_for(input, 0.0)
    K.atan(input, y)
    return y


def _nonzero(x):
    """x with 1 in place of 0, for use as a denominator: 0/0 then gives 0, which is a subgradient."""
    return where(eq(x, 0.0), 1.0, x)


def _turn(g, along, a, b):
    """g along / (a² + b²), without overflow; 0 at the origin."""
    radius = _nonzero(hypot(a, b))
    return mul(g, div(div(along, radius), radius))


@differentiable(
    input=lambda g, y, input, other: match(_turn(g, other, input, other), input),
    other=lambda g, y, input, other: match(_turn(g, neg(input), input, other), other),
)
def atan2(input, other):
    """y = the angle in [-π, π] of the point (other, input), broadcast; within 2 ulp. Its gradient at the origin is 0.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.atan2(mg.tensor([1, 0]), mg.tensor([0, -1]))
    tensor([1.5707964, 3.1415927])
    """
    y = K.empty_for(input, other)
    K.atan2(input, other, y)
    return y


@differentiable(
    input=lambda g, y, input, other: match(mul(g, div(input, _nonzero(y))), input),
    other=lambda g, y, input, other: match(mul(g, div(other, _nonzero(y))), other),
)
def hypot(input, other):
    """y = √(input² + other²) without overflow, broadcast; within 2 ulp. Its gradient at the origin is 0.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.hypot(mg.tensor([3, 3e30]), mg.tensor([4, 4e30]))
    tensor([5.e+00, 5.e+30])
    """
    y = K.empty_for(input, other)
    K.hypot(input, other, y)
    return y
