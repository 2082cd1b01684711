"""Extremes and counts: the largest, the smallest, their indices, and how many elements are not 0.

The functions take PyTorch's arguments; the ops that they call take dimensions as sorted, non-negative numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import kernels as K
from ...dtypes import REAL
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from ...recording import decided_by_numpy
from ..elementwise.arithmetic import mul
from ..elementwise.where import maximum, minimum
from ..index.gather import put_back
from ..shape.axes import given, normalize_dims, one_dim, reduced_dims, reduced_shape, reduction
from ..shape.broadcast import spread


class Extreme(NamedTuple):
    """What max and min along a dimension return."""

    values: Tensor
    indices: Tensor


def check_not_empty(op: str, x: Tensor, dims: tuple[int, ...]) -> None:
    if 0 in [x.shape[d] for d in dims]:
        raise ShapeError(f"{op}: {x.shape} has no elements along {dims}; there is no extreme of nothing")


@differentiable(x=lambda g, y, x, *, dim, keepdim, least: put_back(g, index=y.saved, shape=x.shape, dim=dim))
def extreme(x, *, dim, keepdim, least):
    """y = the largest element along dim, or the smallest; saved: the first index of it, where the gradient goes."""
    y = K.empty(reduced_shape(x.shape, (dim,), keepdim), x.dtype)
    index = np.empty(y.shape, np.int64)
    (K.min if least else K.max)(K.contiguous(x), y, index, dim, dim + 1)
    return y, index


@differentiable(
    x=lambda g, y, x, *, dims, keepdim, least: mul(spread(g, x, dims, keepdim), _shares(x, y, dims, keepdim))
)
def extremum(x, *, dims, keepdim, least):
    """y = the largest element over dims, or the smallest. The gradient is shared evenly among equals."""
    x, y, first, last = reduction("extremum", x, dims, keepdim)
    (K.min if least else K.max)(x, y, np.empty(y.shape, np.int64), first, last)
    return y


def _shares(x: Tensor, y: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """1 / n at the n elements over dims that equal their extreme y, else 0; NaN where y is NaN. A constant."""
    equal = x.array == spread(y.detach(), x, dims, keepdim).array
    mine, count = K.empty_like(x.array), K.empty(reduced_shape(x.shape, dims, True), x.dtype)
    K.copy(equal, mine)
    K.copy(equal.sum(dims, keepdims=True), count)
    K.div(mine, count, mine)
    return Tensor(mine)


def _extremum(op: str, x: Any, dim: Any, keepdim: bool, least: bool) -> Tensor:
    x = given(x)
    dims = reduced_dims(op, dim, x.ndim)
    check_not_empty(op, x, dims)
    if x.dtype not in REAL:
        return Tensor(np.asarray((np.min if least else np.max)(x.array, axis=dims, keepdims=keepdim)))
    return extremum(x, dims=dims, keepdim=keepdim, least=least)


def _extreme(op: str, x: Any, dim: Any, keepdim: bool, least: bool) -> Any:
    if dim is None:
        return _extremum(op, x, None, keepdim, least)
    if isinstance(dim, Tensor):
        return (minimum if least else maximum)(x, dim)
    x = given(x)
    dims = normalize_dims(op, dim, x.ndim)
    if len(dims) != 1:
        raise ShapeError(f"{op}: dim is {dim}; need one dimension; a{op} takes several")
    check_not_empty(op, x, dims)
    if x.dtype not in REAL:
        index = index_of(op, np.argmin if least else np.argmax, x, dims[0], True).array
        values = np.take_along_axis(x.array, index, dims[0])
        shape = reduced_shape(x.shape, dims, keepdim)
        return Extreme(Tensor(values.reshape(shape)), Tensor(index.reshape(shape)))
    values = extreme(x, dim=dims[0], keepdim=keepdim, least=least)
    return Extreme(values, Tensor(values.saved))


def max(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """y = the largest element of x; along one dim, the named tuple (values, indices). NaN if there is one.

    Without dim the gradient is shared evenly among equal elements; along dim it goes to the first of them, which is in
    indices. keepdim leaves a dimension of size 1. max(a, b) of two tensors is maximum(a, b).

    ShapeError if there are no elements, or for a dim that is not one dimension of x.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1, 3, 2], [9, 0, 9]])
    >>> mg.max(x)
    tensor(9.)
    >>> mg.max(x, dim=1).indices
    tensor([1, 0], dtype=int64)
    """
    return _extreme("max", x, dim, keepdim, False)


def min(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """y = the smallest element of x; along one dim, the named tuple (values, indices), as max gives the largest.

    keepdim leaves a dimension of size 1. ShapeError as for max.

    >>> import minigrad as mg
    >>> values, indices = mg.min(mg.tensor([[1, 3, 2], [9, 0, 0]]), dim=1)
    >>> values, indices
    (tensor([1., 0.]), tensor([0, 1], dtype=int64))
    """
    return _extreme("min", x, dim, keepdim, True)


def amax(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """y = the largest element of x over dim (one, several, or all); the gradient is shared evenly among equals.

    keepdim leaves dimensions of size 1. NaN if there is one. ShapeError if there are no elements.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1, 3, 3]], requires_grad=True)
    >>> mg.amax(x, dim=(0, 1)).backward()
    >>> x.grad
    tensor([[0. , 0.5, 0.5]])
    """
    return _extremum("amax", x, dim, keepdim, False)


def amin(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """y = the smallest element of x over dim (one, several, or all), as amax is the largest; keepdim leaves size 1.

    ShapeError if there are no elements.

    >>> import minigrad as mg
    >>> mg.amin(mg.tensor([[1, 3], [0, 4]]), dim=1)
    tensor([1., 0.])
    """
    return _extremum("amin", x, dim, keepdim, True)


def argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """int64 indices of the smallest elements of x over dim (None: all of it); the first among equals.

    keepdim leaves a dimension of size 1. A NaN counts as smallest. ShapeError if there are no elements.

    >>> import minigrad as mg
    >>> mg.argmin(mg.tensor([[1, 3, 2], [9, 0, 0]]), dim=1)
    tensor([0, 1], dtype=int64)
    """
    return index_of("argmin", np.argmin, given(x), dim, keepdim)


def any(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """y = whether an element of x is not 0, over dim (one, several, or all): booleans. NaN is not 0.

    keepdim leaves dimensions of size 1. False if there are no elements.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.any(mg.tensor([[0, 0], [0, 2]]), dim=1)
    tensor([False,  True], dtype=bool)
    """
    x = given(x)
    decided_by_numpy("any", x.array)
    return Tensor(np.asarray(np.any(x.array, axis=reduced_dims("any", dim, x.ndim), keepdims=keepdim)))


def all(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """y = whether no element of x is 0, over dim (one, several, or all): booleans. True if there are no elements.

    keepdim leaves dimensions of size 1.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.all(mg.tensor([[1, 1], [0, 2]]), dim=1)
    tensor([ True, False], dtype=bool)
    """
    x = given(x)
    decided_by_numpy("all", x.array)
    return Tensor(np.asarray(np.all(x.array, axis=reduced_dims("all", dim, x.ndim), keepdims=keepdim)))


def count_nonzero(x: Any, dim: Any = None) -> Tensor:
    """y = how many elements of x are not 0, over dim (one, several, or all): int64.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.count_nonzero(mg.tensor([[1, 0], [0, 0]]))
    tensor(1, dtype=int64)
    """
    x = given(x)
    decided_by_numpy("count_nonzero", x.array)
    return Tensor(np.asarray(np.count_nonzero(x.array, axis=reduced_dims("count_nonzero", dim, x.ndim)), np.int64))


def index_of(op, find, x, dim, keepdim):
    """int64 indices of what np.argmax or np.argmin finds along dim, or in all of x."""
    decided_by_numpy(op, x.array)
    d = None if dim is None else one_dim(op, dim, x.ndim)
    if x.size == 0 and (d is None or x.shape[d] == 0):
        raise ShapeError(f"{op}: {x.shape} has no elements along dim {dim}")
    return Tensor(np.asarray(find(x.array, axis=d, keepdims=keepdim)))


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """int64 indices of the largest elements of x over dim (None: all of it); the first among equals.

    keepdim leaves a dimension of size 1. A NaN counts as largest. ShapeError if there are no elements.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1, 3, 2], [9, 0, 9]]), dim=1)
    tensor([1, 0], dtype=int64)
    """
    return index_of("argmax", np.argmax, given(x), dim, keepdim)
