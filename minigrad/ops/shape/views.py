"""The same numbers in another shape: reshape, permute, and the ops that are composed of these two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from .axes import normalize_dims, one_dim


@differentiable(x=lambda g, y, x, *, shape: reshape(g, shape=x.shape))
def reshape(x, *, shape):
    """y = the numbers of x in C order, in another shape; one size may be -1.

    ShapeError if the elements of x do not fill the shape.

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

    ShapeError if dims is no order of the dimensions of x.

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

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.transpose(mg.tensor([[1, 2, 3]]), 0, 1).shape
    (3, 1)
    """
    order = list(range(x.ndim))
    d0, d1 = one_dim("transpose", dim0, x.ndim), one_dim("transpose", dim1, x.ndim)
    order[d0], order[d1] = order[d1], order[d0]
    return permute(x, dims=tuple(order))


@differentiable(x=lambda g, y, x, *, dims: drop_dims(g, dims=dims))
def add_dims(x, *, dims):
    """y = x with new dimensions of size 1 at `dims` of y. A view."""
    return np.expand_dims(x, dims)


@differentiable(x=lambda g, y, x, *, dims: add_dims(g, dims=dims))
def drop_dims(x, *, dims):
    """y = x without its dimensions `dims`, which are of size 1. A view."""
    return x.squeeze(dims)


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """x with the dimensions from start_dim to end_dim joined to one.

    ShapeError if start_dim comes after end_dim.

    >>> import minigrad as mg
    >>> mg.flatten(mg.tensor([[[1, 2], [3, 4]]]), 1).shape
    (1, 4)
    """
    first, last = (one_dim("flatten", d, max(x.ndim, 1)) for d in (start_dim, end_dim))
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} lies behind end_dim {end_dim} in {x.shape}")
    return reshape(x, shape=(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """x with a new dimension of size 1 at dim of the result. A view.

    ShapeError for a dim that the result does not have.

    >>> import minigrad as mg
    >>> mg.unsqueeze(mg.tensor([1, 2]), -1).shape
    (2, 1)
    """
    return add_dims(x, dims=(one_dim("unsqueeze", dim, x.ndim + 1),))


def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """x without its dimensions of size 1, or only without those of them that are in dim. A view.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.squeeze(mg.tensor([[[1], [2]]])).shape, mg.squeeze(mg.tensor([[[1], [2]]]), 0).shape
    ((2,), (2, 1))
    """
    return drop_dims(x, dims=tuple(d for d in normalize_dims("squeeze", dim, x.ndim) if x.shape[d] == 1))


def t(x: Tensor) -> Tensor:
    """The transpose of a matrix x; a vector or a number as it is.

    ShapeError for more than two dimensions.

    >>> import minigrad as mg
    >>> mg.t(mg.tensor([[1, 2]])).shape
    (2, 1)
    """
    if x.ndim > 2:
        raise ShapeError(f"t: got {x.shape}; need at most two dimensions: use transpose or permute")
    return transpose(x, 0, 1) if x.ndim == 2 else x


swapaxes = transpose


def movedim(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """x with its dimensions `source` moved to the places `destination`, the others in order. A view.

    ShapeError for another number of places than of dimensions.

    >>> import minigrad as mg
    >>> mg.movedim(mg.tensor([[[1, 2, 3]]]), -1, 0).shape
    (3, 1, 1)
    """
    sources, targets = (list(d) if isinstance(d, Sequence) else [d] for d in (source, destination))
    for dims in sources, targets:
        normalize_dims("movedim", dims, x.ndim)
    if len(sources) != len(targets):
        raise ShapeError(f"movedim: {len(sources)} dimensions to {len(targets)} places; need as many")
    sources, targets = [d % x.ndim for d in sources], [d % x.ndim for d in targets]
    order = [d for d in range(x.ndim) if d not in sources]
    for target, source in sorted(zip(targets, sources)):
        order.insert(target, source)
    return permute(x, dims=tuple(order))


def as_one(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of f(*sizes), which may be given one by one, or as one sequence."""
    return tuple(values[0]) if len(values) == 1 and isinstance(values[0], Sequence) else values


def joined(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """x with dims as one last dimension."""
    kept = tuple(i for i in range(x.ndim) if i not in dims)
    if kept + dims != tuple(range(x.ndim)):
        x = permute(x, dims=kept + dims)
    if len(dims) == 1:
        return x
    shape = x.shape[: len(kept)]
    return reshape(x, shape=(*shape, math.prod(x.shape[len(kept) :])))


def rows(x: np.ndarray) -> np.ndarray:
    """x as (rows, n), n its last dimension."""
    return K.contiguous(x).reshape(math.prod(x.shape[:-1]), x.shape[-1])
