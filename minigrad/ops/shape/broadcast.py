"""Ops that repeat numbers, the sums that are their gradients, and cast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...dtypes import check_dtype
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from .axes import as_dtype, reduced_dims, reduced_shape, reduction
from .views import as_one, reshape


def expand(x: Tensor, *sizes: Any) -> Tensor:
    """x repeated along dimensions of size 1 and new leading ones; -1 keeps a size. A view.

    >>> import minigrad as mg
    >>> mg.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    shape = as_one(sizes)
    new = len(shape) - x.ndim
    if new < 0 or any(n < (-1 if i >= new else 0) for i, n in enumerate(shape)):
        raise ShapeError(f"expand: {x.shape} to {shape}; need at least {x.ndim} sizes, -1 only for old ones")
    return broadcast_to(x, shape=tuple(x.shape[i - new] if n == -1 else n for i, n in enumerate(shape)))


def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """x expanded to the shape of other. A view."""
    return expand(x, other.shape)


def repeat(x: Tensor, *repeats: Any) -> Tensor:
    """x laid side by side repeats[i] times along dimension i, new dimensions first (NumPy's tile).

    >>> import minigrad as mg
    >>> mg.tensor([1, 2]).repeat(2, 2)
    tensor([[1., 2., 1., 2.],
            [1., 2., 1., 2.]])
    """
    times = as_one(repeats)
    if len(times) < x.ndim or any(n < 0 for n in times):
        raise ShapeError(f"repeat: {x.shape} by {times}; need at least {x.ndim} numbers, none negative")
    shape = (1,) * (len(times) - x.ndim) + x.shape
    apart = reshape(x, shape=[size for n in shape for size in (1, n)])
    spread = broadcast_to(apart, shape=[size for n, size in zip(times, shape) for size in (n, size)])
    return reshape(spread, shape=[n * size for n, size in zip(times, shape)])


def tile(x: Tensor, dims: int | Sequence[int]) -> Tensor:
    """x repeated dims[i] times along dimension i; where dims is shorter, its missing leading numbers are 1.

    ShapeError for a negative number in dims.

    >>> import minigrad as mg
    >>> mg.tile(mg.tensor([[1, 2]]), (2,))
    tensor([[1., 2., 1., 2.]])
    """
    times = tuple(dims) if isinstance(dims, Sequence) else (dims,)
    return repeat(x, (1,) * (x.ndim - len(times)) + times)


@differentiable(x=lambda g, y, x, *, shape: match(g, x))
def broadcast_to(x, *, shape):
    """y = x in this shape: repeated along dimensions of size 1 and new leading ones, as NumPy broadcasts. A view.

    ShapeError if x does not broadcast to the shape.

    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.tensor([1, 2]), shape=(2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    try:
        return K.broadcast(x, tuple(shape))
    except ValueError:
        raise ShapeError(f"broadcast_to: {x.shape} does not broadcast to {tuple(shape)}") from None


@differentiable(x=lambda g, y, x, *, dtype: cast(g, dtype=x.dtype))
def cast(x, *, dtype):
    """y = x in another dtype, each number rounded once (floats to integers: towards zero).

    DTypeError for a dtype that tensors do not have.

    >>> import minigrad as mg
    >>> mg.cast(mg.tensor([1.5, -1.5]), dtype="int64")
    tensor([ 1, -1], dtype=int64)
    """
    want = np.dtype(dtype)
    check_dtype("cast", want)
    return as_dtype(x, want)


@differentiable(x=lambda g, y, x, *, dim, keepdim: spread(g, x, dim, keepdim))
def sum(x, *, dim=None, keepdim=False):
    """y = Σ x over dim (an axis, several, or all), from float64 accumulators; integers and booleans sum to int64.

    keepdim leaves dimensions of size 1. ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1, 2], [3, 4]]), dim=0)
    tensor([4., 6.])
    """
    if x.dtype.kind != "f":
        dims = reduced_dims("sum", dim, x.ndim)
        return np.asarray(np.sum(x, axis=dims, dtype=np.int64, keepdims=keepdim))  # exact in any order
    x, y, first, last = reduction("sum", x, dim, keepdim)
    K.sum(x, y, first, last)
    return y


def spread(g: Tensor, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """The gradient g of a sum over dim, back in the shape of x."""
    return repeat_along(g, shape=x.array.shape, dim=dim)


@differentiable(g=lambda gg, z, g, *, shape, dim: reshape(sum(gg, dim=dim), shape=g.shape))
def repeat_along(g, *, shape, dim):
    """z = g repeated along dim (an axis, several, or all), where g has size 1 or no dimension: the gradient of sum."""
    if not 0 < g.ndim < len(shape):
        return K.broadcast(g, shape)
    dims = reduced_dims("sum", dim, len(shape))
    if dims[-1] - dims[0] + 1 == len(dims):
        return K.broadcast(g, shape, dims[0])
    return K.broadcast(g.reshape(reduced_shape(shape, dims, True)), shape)


def match(g: Tensor, x: Tensor) -> Tensor:
    """The gradient g of an x that was broadcast or cast: summed to x's shape, rounded to x's dtype."""
    if K.alike(g.array, x.array):
        return g
    shape, want = g.array.shape, x.array.shape
    if shape != want:
        extra = len(shape) - len(want)
        dims = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(want) if n == 1 and shape[i + extra] != 1)
        g = reshape(sum(g, dim=dims), shape=want)
    return g if g.array.dtype == x.array.dtype else cast(g, dtype=x.array.dtype)
