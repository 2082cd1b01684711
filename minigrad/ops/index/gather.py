"""Ops that read and add at indices: gather and scatter_add, masks, embeddings, borders. (x[...] is in getitem.py.)

All are built on two ops along one dimension, whose gradients are computed by each other: `take` reads the slices that
an index names, `add_at` adds to them in the order of the index. Several indices become one, of places in the flattened
dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import DTypeError, ShapeError
from ..shape.axes import check_real, one_dim
from ..shape.broadcast import broadcast_to
from ..shape.slices import view
from ..shape.views import reshape, unsqueeze


@differentiable(
    x=lambda g, y, x, index, *, dim: add_at(0.0, g, index, dim=dim, shape=x.shape),
    index=None,
)
def take(x, index, *, dim):
    """y[i] = x[index[i]] along dim, which is replaced by the dimensions of index (int64, in [0, x.shape[dim]))."""
    y = K.empty(x.shape[:dim] + index.shape + x.shape[dim + 1 :], x.dtype)
    K.take(K.contiguous(x), K.contiguous(index), y, dim)
    return y


@differentiable(
    x=lambda g, y, x, src, index, *, dim, shape: g,
    src=lambda g, y, x, src, index, *, dim, shape: take(g, index, dim=dim),
    index=None,
)
def add_at(x, src, index, *, dim, shape):
    """y = x, a number or a tensor of this shape, then y[index[i]] += src[i] along dim, i rising."""
    y = K.empty(shape, src.dtype)
    K.copy(x, y)
    K.add_at(K.contiguous(src), K.contiguous(index), y, dim)
    return y


def as_index(op: str, index: Any, n: int, negative: bool = False) -> Tensor:
    """index, a tensor, array, list or integer, as int64 in [0, n); negative ones, where allowed, count from the end."""
    given = index.array if isinstance(index, Tensor) else np.asarray(index)
    if given.dtype.kind not in "iu" and (given.size or isinstance(index, Tensor)):
        as_integers = "index.astype('int64') makes them of an array, index.long() of a tensor"
        cure = "masks go into x[mask] or masked_select" if given.dtype == bool else as_integers
        raise DTypeError(f"{op}: the index is {given.dtype}; need integers: {cure}")
    given = K.contiguous(given)  # one number broadcast to an absurd size fails here at once; min() would take years
    low = -n if negative else 0
    if given.size and not (low <= given.min() and given.max() < n):
        first = given[(given < low) | (given >= n)].flat[0]
        raise IndexError(f"{op}: index {first} is outside of {low} <= index < {n}")
    if isinstance(index, Tensor) and given.dtype == np.int64 and not (negative and given.size and given.min() < 0):
        return index
    whole = given.astype(np.int64)  # a copy, which later writes to `index` do not change
    return Tensor(np.where(whole < 0, whole + n, whole))


def flat_places(indices: Sequence[np.ndarray], shape: Sequence[int]) -> Tensor:
    """The places of x[indices] in the flattened x, which has this shape; the indices broadcast."""
    places = np.int64(0)
    for index, n in zip(indices, shape):
        places = places * n + index
    return Tensor(np.asarray(places))


def _in_place_of(op: str, x: Tensor, dim: int, index: Any) -> Tensor:
    """The flat places of x[i, …, index[i, …, k], …, k]: along dim the coordinate is the number in the index, along the
    others the place of this number.
    """
    d = one_dim(op, dim, x.ndim)
    along = as_index(op, index, x.shape[d]).array
    if along.ndim != x.ndim or any(m > n for i, (m, n) in enumerate(zip(along.shape, x.shape)) if i != d):
        raise ShapeError(
            f"{op}: x is {x.shape}, the index {along.shape}; need as many dimensions, and none larger but dim {dim}"
        )
    coordinates: list[np.ndarray] = list(np.indices(along.shape, sparse=True))
    coordinates[d] = along
    return flat_places(coordinates, x.shape)


def index_select(x: Tensor, dim: int, index: Any) -> Tensor:
    """The slices x[index] along dim, for a vector of integers `index`.

    ShapeError for an index with more than one dimension, IndexError for one outside of x.

    >>> import minigrad as mg
    >>> mg.index_select(mg.tensor([[1, 2], [3, 4]]), 1, [1, 1, 0])
    tensor([[2., 2., 1.],
            [4., 4., 3.]])
    """
    d = one_dim("index_select", dim, x.ndim)
    rows = as_index("index_select", index, x.shape[d])
    if rows.ndim > 1:
        raise ShapeError(f"index_select: the index is {rows.shape}; need a vector")
    return take(x, rows if rows.ndim else unsqueeze(rows, 0), dim=d)


def gather(x: Tensor, dim: int, index: Any) -> Tensor:
    """y[i, j] = x[index[i, j], j] for dim 0, x[i, index[i, j]] for dim 1, and so on; y has the shape of the index.

    ShapeError for an index of other dimensions, or of sizes above those of x except along dim; IndexError for a
    number outside of x, DTypeError for numbers that are no integers.

    >>> import minigrad as mg
    >>> mg.gather(mg.tensor([[1, 2], [3, 4]]), 1, [[1], [0]])
    tensor([[2.],
            [3.]])
    """
    return take(reshape(x, shape=(-1,)), _in_place_of("gather", x, dim, index), dim=0)


def scatter_add(x: Tensor, dim: int, index: Any, src: Tensor) -> Tensor:
    """y = x, then y[index[i, j], j] += src[i, j] for dim 0, and so on, for the elements of src in C order.

    If src is larger than the index, only its corner of the index's shape is added. The gradient of scatter_add is a
    gather, and the gradient of gather a scatter_add.

    DTypeError for x and src of two dtypes, ShapeError for a src smaller than the index, IndexError for a place outside
    of x.

    >>> import minigrad as mg
    >>> mg.scatter_add(mg.tensor([0, 0, 0]), 0, [2, 0, 2], mg.tensor([1, 2, 3]))
    tensor([2., 0., 4.])
    """
    check_real("scatter_add", x, src)
    if x.dtype != src.dtype:
        raise DTypeError(f"scatter_add: x is {x.dtype}, src {src.dtype}; need one dtype: use .float() or .double()")
    places = _in_place_of("scatter_add", x, dim, index)
    if src.ndim != x.ndim or any(m > n for m, n in zip(places.shape, src.shape)):
        raise ShapeError(f"scatter_add: src is {src.shape}, the index {places.shape}; need src at least as large")
    if src.shape != places.shape:
        src = view(src, index=tuple(slice(m) for m in places.shape))
    return reshape(add_at(reshape(x, shape=(-1,)), src, places, dim=0, shape=(x.size,)), shape=x.shape)


def take_along_dim(x: Tensor, indices: Any, dim: int | None = None) -> Tensor:
    """gather along dim, after x and the indices are broadcast to each other in all other dimensions.

    Without dim, x and the indices are flattened. ShapeError if the indices have another number of dimensions than x, or
    sizes that do not broadcast; IndexError for an index outside of x.

    >>> import minigrad as mg
    >>> x = mg.tensor([[3, 1], [2, 4]])
    >>> mg.take_along_dim(x, mg.argmax(x, dim=1, keepdim=True), 1)
    tensor([[3.],
            [4.]])
    """
    index = indices.array if isinstance(indices, Tensor) else np.asarray(indices)
    if dim is None:
        return gather(reshape(x, shape=(-1,)), 0, index.reshape(-1))
    d = one_dim("take_along_dim", dim, x.ndim)
    if index.ndim != x.ndim:
        raise ShapeError(f"take_along_dim: x is {x.shape}, the indices {index.shape}; need as many dimensions")
    try:
        shape = np.broadcast_shapes(*((*a.shape[:d], 1, *a.shape[d + 1 :]) for a in (x, index)))
    except ValueError:
        raise ShapeError(f"take_along_dim: x is {x.shape}, the indices {index.shape}; they do not broadcast") from None
    x = broadcast_to(x, shape=shape[:d] + (x.shape[d],) + shape[d + 1 :])
    return gather(x, d, np.broadcast_to(index, shape[:d] + (index.shape[d],) + shape[d + 1 :]))


def masked_select(x: Tensor, mask: Any) -> Tensor:
    """The elements of x where a mask of booleans, broadcast with x, is true: a vector.

    DTypeError for a mask of anything but booleans, ShapeError if it does not broadcast with x.

    >>> import minigrad as mg
    >>> mg.masked_select(mg.tensor([[1, 2], [3, 4]]), [True, False])
    tensor([1., 3.])
    """
    chosen = mask.array if isinstance(mask, Tensor) else np.asarray(mask)
    if chosen.dtype != bool:
        raise DTypeError(f"masked_select: the mask is {chosen.dtype}; need booleans: cast it with to(bool)")
    try:
        shape = np.broadcast_shapes(x.shape, chosen.shape)
    except ValueError:
        raise ShapeError(f"masked_select: x is {x.shape}, the mask {chosen.shape}; they do not broadcast") from None
    places = Tensor(np.flatnonzero(np.broadcast_to(chosen, shape)))
    return take(reshape(broadcast_to(x, shape=shape), shape=(-1,)), places, dim=0)


@differentiable(x=lambda g, y, x, *, index, dim: put_back(g, index=index, shape=x.shape, dim=dim))
def pick(x, *, index, dim):
    """y = x at `index` along dim, one element for each place in the other dimensions; index is int64, in y's shape."""
    outer, inner = math.prod(x.shape[:dim]), math.prod(x.shape[dim + 1 :])
    if inner == 1:
        at = K.empty((outer, 1), np.int64)
        K.class_places(K.contiguous(index).reshape(-1), at.reshape(-1), x.shape[dim])
    else:
        at = (np.arange(outer)[:, None] * x.shape[dim] + index.reshape(outer, inner)) * inner + np.arange(inner)
    y = K.empty(index.shape, x.dtype)
    K.take(K.contiguous(x).reshape(-1), at, y.reshape(outer, inner))
    return y


@differentiable(g=lambda gg, z, g, *, index, shape, dim: pick(gg, index=index, dim=dim))
def put_back(g, *, index, shape, dim):
    """z = g at `index` along dim, and 0 elsewhere: the gradient of pick."""
    z = K.empty(shape, g.dtype)
    K.max_grad(K.contiguous(g), K.contiguous(index), z, dim, dim + 1)
    return z
