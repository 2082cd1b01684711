"""Ops that act on each element alone. Binary ones broadcast as NumPy does.

A Python number is rounded to the dtype of the tensor beside it. A tensor of integers or booleans beside a float tensor
is converted to the float dtype, and gets no gradient; without a float tensor it raises DTypeError.
"""

from __future__ import annotations

from ... import kernels as K
from ...engine import differentiable, flat
from ..shape.broadcast import match


@differentiable(a=lambda g, y, a, b: match(g, a), b=lambda g, y, a, b: match(g, b))
def add(a, b):
    """y = a + b.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.add(mg.tensor([1, 2]), 3)
    tensor([4., 5.])
    """
    y = K.empty_for(a, b)
    K.add(a, b, y)
    return y


@differentiable(a=lambda g, y, a, b: match(g, a), b=lambda g, y, a, b: match(neg(g), b))
def sub(a, b):
    """y = a - b.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.sub(3, mg.tensor([1, 2]))
    tensor([2., 1.])
    """
    y = K.empty_for(a, b)
    K.sub(a, b, y)
    return y


@differentiable(a=lambda g, y, a, b: match(mul(g, b), a), b=lambda g, y, a, b: match(mul(g, a), b))
def mul(a, b):
    """y = a b.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.mul(mg.tensor([1, 2]), mg.tensor([3, 4]))
    tensor([3., 8.])
    """
    y = K.empty_for(a, b)
    K.mul(a, b, y)
    return y


@differentiable(a=lambda g, y, a, b: match(div(g, b), a), b=lambda g, y, a, b: match(neg(mul(g, div(y, b))), b))
def div(a, b):
    """y = a / b; division by 0 gives an infinity or NaN, as IEEE 754 says.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.div(mg.tensor([1, 2]), mg.tensor([4, 0]))
    tensor([0.25,  inf])
    """
    y = K.empty_for(a, b)
    K.div(a, b, y)
    return y


@differentiable(x=lambda g, y, x: neg(g))
def neg(x):
    """y = -x.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.neg(mg.tensor([1, -2]))
    tensor([-1.,  2.])
    """
    y = K.empty_for(x, 0.0)
    K.neg(x, y)
    return y


@differentiable(x=lambda g, y, x: mul(g, sign(x)))
def abs(x):
    """y = |x|; the gradient at 0 is 0.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.abs(mg.tensor([1, -2]))
    tensor([1., 2.])
    """
    y = K.empty_for(x, 0.0)
    K.abs(x, y)
    return y


@differentiable(x=flat)
def sign(x):
    """y = 1, 0 or -1, as x is positive, 0 or negative; NaN for NaN.

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.sign(mg.tensor([3, 0, -2]))
    tensor([ 1.,  0., -1.])
    """
    y = K.empty_for(x, 0.0)
    K.sign(x, y)
    return y


@differentiable(x=lambda g, y, x: mul(g, mul(2.0, x)))
def square(x):
    """y = x².

    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.square(mg.tensor([3, -2]))
    tensor([9., 4.])
    """
    y = K.empty_for(x, 0.0)
    K.mul(x, x, y)
    return y
