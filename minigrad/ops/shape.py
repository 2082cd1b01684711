"""Ops that move numbers without changing them, and the sum that undoes a broadcast."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import kernels as K
from ..arrays import REAL, check_dtype
from ..engine import Tensor, differentiable
from ..errors import DTypeError, ShapeError
from ..owned import owned


def given(x: Any) -> Tensor:
    """x as a tensor."""
    return x if isinstance(x, Tensor) else Tensor(owned(x))


def as_dtype(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The numbers of x in another dtype, in a new array."""
    y = K.empty(x.shape, dtype)
    K.copy(x, y)
    return y


def normalize_dims(op: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """dim as sorted, distinct, non-negative axes; None is all of them."""
    if dim is None:
        return tuple(range(ndim))
    if type(dim) is int and -ndim <= dim < ndim:  # by far the most frequent
        return (dim % ndim,)
    try:
        dims = (dim,) if isinstance(dim, (int, np.integer)) else tuple(map(operator.index, dim))
    except TypeError:
        raise TypeError(f"{op}: dim is {dim!r}; need an integer, or several") from None
    for d in dims:
        if not -ndim <= d < ndim:
            raise ShapeError(f"{op}: dim {d} is outside of a tensor with {ndim} dimensions")
    found = tuple(sorted(d % ndim for d in dims))
    if len(set(found)) < len(found):
        raise ShapeError(f"{op}: dim {dims} names a dimension twice")
    return found


def reduced_shape(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """The shape that is left when dims are reduced."""
    if keepdim:
        return tuple(1 if i in dims else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in dims)


def reduction(op: str, x: np.ndarray, dim: Any, keepdim: bool) -> tuple[np.ndarray, np.ndarray, int, int]:
    """What a reduction kernel takes for dim: x contiguous, an empty output, and the axes of x, first <= axis < last.

    Axes that do not stand side by side are moved to the end.
    """
    x, ndim = K.contiguous(x), x.ndim
    if type(dim) is int and -ndim <= dim < ndim:  # by far the most frequent
        first = dim % ndim
        return x, K.empty_reduced(x, first, first + 1, keepdim), first, first + 1
    dims = normalize_dims(op, dim, ndim)
    first, last = (dims[0], dims[-1] + 1) if dims else (0, 0)
    if last - first == len(dims):
        return x, K.empty_reduced(x, first, last, keepdim), first, last
    kept = tuple(i for i in range(x.ndim) if i not in dims)
    y = K.empty(reduced_shape(x.shape, dims, keepdim), x.dtype)
    return K.contiguous(x.transpose(kept + dims)), y, len(kept), x.ndim


@differentiable(x=lambda g, y, x, *, shape: reshape(g, shape=x.shape))
def reshape(x, *, shape):
    """y = the numbers of x in C order, in another shape; one size may be -1.

    >>> import minigrad as mg
    >>> mg.reshape(mg.tensor([1, 2, 3, 4]), shape=(2, -1))
    tensor([[1., 2.],
            [3., 4.]])
    """
    try:
        return K.contiguous(x).reshape(shape)
    except ValueError:
        raise ShapeError(f"reshape: {x.shape} has {x.size} elements; they do not fill {tuple(shape)}") from None


@differentiable(x=lambda g, y, x, *, dims: permute(g, dims=tuple(np.argsort([d % g.ndim for d in dims]).tolist())))
def permute(x, *, dims):
    """y = x with its dimensions in the order dims: y.shape[i] = x.shape[dims[i]]. A view.

    >>> import minigrad as mg
    >>> mg.permute(mg.tensor([[1, 2, 3]]), dims=(1, 0)).shape
    (3, 1)
    """
    try:
        return x.transpose(tuple(dims))
    except ValueError:
        raise ShapeError(f"permute: {dims} is not an order of the {x.ndim} dimensions of {x.shape}") from None


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """x with the dimensions dim0 and dim1 exchanged. A view.

    >>> import minigrad as mg
    >>> mg.transpose(mg.tensor([[1, 2, 3]]), 0, 1).shape
    (3, 1)
    """
    order = list(range(x.ndim))
    (d0,), (d1,) = normalize_dims("transpose", dim0, x.ndim), normalize_dims("transpose", dim1, x.ndim)
    order[d0], order[d1] = order[d1], order[d0]
    return permute(x, dims=tuple(order))


@differentiable(x=lambda g, y, x, *, shape: match(g, x))
def broadcast_to(x, *, shape):
    """y = x in this shape: repeated along dimensions of size 1 and new leading ones, as NumPy broadcasts. A view.

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

    keepdim leaves dimensions of size 1.

    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1, 2], [3, 4]]), dim=0)
    tensor([4., 6.])
    """
    if x.dtype.kind != "f":
        dims = normalize_dims("sum", dim, x.ndim)
        return np.asarray(np.sum(x, axis=dims, dtype=np.int64, keepdims=keepdim))  # exact in any order
    x, y, first, last = reduction("sum", x, dim, keepdim)
    K.sum(x, y, first, last)
    return y


def spread(g: Tensor, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """The gradient g of a sum over dim, back in the shape of x."""
    return repeat_along(g, shape=x.array.shape, dim=dim)


@differentiable(g=lambda gg, z, g, *, shape, dim: reshape(sum(gg, dim=dim), shape=g.shape))
def repeat_along(g, *, shape, dim):
    """z = g repeated along dim (an axis, several, or all), which it lacks or where it has size 1: sum's gradient."""
    if not 0 < g.ndim < len(shape):
        return K.broadcast(g, shape)
    dims = normalize_dims("sum", dim, len(shape))
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


def check_real(op: str, *tensors: Any) -> None:
    """Refuse tensors of integers and booleans, with the cure."""
    for t in tensors:
        if isinstance(t, Tensor) and t.array.dtype not in REAL:
            raise DTypeError(f"{op}: a tensor is {t.array.dtype}; need float32 or float64: use .float() or .double()")
