"""Ops that choose between numbers: where, the larger or the smaller of two, and what is built on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...dtypes import REAL
from ...engine import Tensor, differentiable, flat
from ...errors import DTypeError, IntegersBesideFloats, ShapeError
from ..shape.broadcast import match
from .arithmetic import add, mul, sub
from .compare import lt
from .fused_activations import relu_grad


@differentiable(
    condition=None,
    input=lambda g, y, condition, input, other: match(where(condition, g, 0.0), input),
    other=lambda g, y, condition, input, other: match(where(condition, 0.0, g), other),
)
def where(condition, input, other):
    """y = input where the boolean condition holds, else other; all three broadcast. What is not chosen gets gradient 0.

    Two float tensors give the wider dtype. A number, and a tensor of integers or booleans beside a float tensor, is
    converted to the dtype of the other. Two tensors of integers or booleans are allowed too.

    DTypeError for a condition that is not boolean, or an integer tensor beside a number that it cannot hold; ShapeError
    for shapes that do not broadcast.

    >>> import minigrad as mg
    >>> x = mg.tensor([-1, 2])
    >>> mg.where(x > 0, x, 0.1 * x)
    tensor([-0.1,  2. ])
    """
    condition, arrays = np.asarray(condition), [x for x in (input, other) if isinstance(x, np.ndarray)]
    if condition.dtype != np.bool_:
        raise DTypeError(f"where: the condition is {condition.dtype}; need bool, such as x > 0")
    try:
        shape = np.broadcast_shapes(condition.shape, *(x.shape for x in arrays))
    except ValueError:
        shapes = [condition.shape, *(x.shape for x in arrays)]
        raise ShapeError(f"where: the shapes {', '.join(map(str, shapes))} do not broadcast") from None
    dtype = np.result_type(*arrays) if arrays else REAL[0]
    real = [x.dtype in REAL for x in arrays]
    if arrays and not any(real):
        y = np.where(condition, input, other)
        if y.dtype == dtype:
            return y
    if not all(real):
        raise (IntegersBesideFloats if any(real) else DTypeError)(
            "where: numbers are chosen from integers or booleans and reals; use .float() or .double(), of an array "
            ".astype('float32')"
        )
    y = K.empty(shape, dtype)
    K.where(condition, input, other, y)
    return y


def masked_fill(input: Tensor, mask: Any, value: Any) -> Tensor:
    """input with `value`, a number or a tensor, where the boolean mask holds.

    DTypeError for a mask that is not boolean, ShapeError if the operands do not broadcast.

    >>> import minigrad as mg
    >>> mg.masked_fill(mg.tensor([1, 2, 3]), mg.tensor([False, True, False]), float("-inf"))
    tensor([  1., -inf,   3.])
    """
    return where(mask, value, input)


@differentiable(a=flat, b=flat)
def step(a, b):
    """y = 1 where a > b, 1/2 where a = b, 0 where a < b; NaN if either is."""
    y = K.empty_for(a, b)
    K.step(a, b, y)
    return y


def at_least(g: Any, a: Any, b: Any) -> Tensor:
    """g where a ≥ b, 0 where a < b, NaN where either is."""
    return relu_grad(g, step(a, b))


def above(g: Any, a: Any, b: Any) -> Tensor:
    """g where a > b, 0 where a ≤ b, NaN where either is."""
    return relu_grad(g, sub(step(a, b), 0.5))


@differentiable(
    input=lambda g, y, input, other: match(mul(g, step(input, other)), input),
    other=lambda g, y, input, other: match(mul(g, step(other, input)), other),
)
def maximum(input, other):
    """y = the larger of input and other, broadcast; NaN if either is. Equal ones share the gradient, half each.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.maximum(mg.tensor([1, 5]), 3)
    tensor([3., 5.])
    """
    y = K.empty_for(input, other)
    K.maximum(input, other, y)
    return y


@differentiable(
    input=lambda g, y, input, other: match(mul(g, step(other, input)), input),
    other=lambda g, y, input, other: match(mul(g, step(input, other)), other),
)
def minimum(input, other):
    """y = the smaller of input and other, broadcast; NaN if either is. Equal ones share the gradient, half each.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.minimum(mg.tensor([1, 5]), 3)
    tensor([1., 3.])
    """
    y = K.empty_for(input, other)
    K.minimum(input, other, y)
    return y


def _between(g, x, low, high):
    """g where low ≤ x ≤ high, else 0; a bound may be None."""
    g = g if low is None else at_least(g, x, low)
    return g if high is None else at_least(g, high, x)


@differentiable(
    input=lambda g, y, input, min, max: match(_between(g, input, min, max), input),
    min=lambda g, y, input, min, max: match(above(g if max is None else above(g, max, min), min, input), min),
    max=lambda g, y, input, min, max: match(above(g, input if min is None else maximum(input, min), max), max),
)
def clamp(input, min=None, max=None):
    """y = min(max(input, min), max), with numbers or tensors, which broadcast; one bound may be None.

    If min > max, y is max. The gradient goes to the input where min ≤ input ≤ max, else to the bound that y is.

    ValueError if both bounds are None.

    >>> import minigrad as mg
    >>> mg.clamp(mg.tensor([-2, 0.5, 2]), 0, 1)
    tensor([0. , 0.5, 1. ])
    """
    if min is None and max is None:
        raise ValueError("clamp: min and max are both None; need one of them")
    y = input
    for bound, kernel in ((min, K.maximum), (max, K.minimum)):
        if bound is not None:
            x, y = y, K.empty_for(y, bound)
            kernel(x, bound, y)
    return y


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """input + weight (end - input), broadcast; exactly input at weight 0 and end at weight 1.

    ShapeError if the operands do not broadcast, DTypeError for integers without floats beside them.

    >>> import minigrad as mg
    >>> mg.lerp(mg.tensor([0, 10]), mg.tensor([10, 20]), 0.5)
    tensor([ 5., 15.])
    """
    way = sub(end, input)
    if isinstance(weight, (int, float)):
        return add(input, mul(weight, way)) if weight < 0.5 else sub(end, mul(1.0 - weight, way))
    return where(lt(weight, 0.5), add(input, mul(weight, way)), sub(end, mul(sub(1.0, weight), way)))
