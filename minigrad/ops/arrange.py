"""Ops that arrange dimensions: put in, taken out, joined, moved, repeated. Views where possible."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import Tensor, differentiable
from ..errors import ShapeError
from .shape import broadcast_to, normalize_dims, permute, reshape, transpose


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

    >>> import minigrad as mg
    >>> mg.flatten(mg.tensor([[[1, 2], [3, 4]]]), 1).shape
    (1, 4)
    """
    (first,), (last,) = (normalize_dims("flatten", d, max(x.ndim, 1)) for d in (start_dim, end_dim))
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} lies behind end_dim {end_dim} in {x.shape}")
    return reshape(x, shape=(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """x with a new dimension of size 1 at dim of the result. A view.

    >>> import minigrad as mg
    >>> mg.unsqueeze(mg.tensor([1, 2]), -1).shape
    (2, 1)
    """
    return add_dims(x, dims=normalize_dims("unsqueeze", operator.index(dim), x.ndim + 1))


def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """x without its dimensions of size 1, or without those of them that dim names. A view.

    >>> import minigrad as mg
    >>> mg.squeeze(mg.tensor([[[1], [2]]])).shape, mg.squeeze(mg.tensor([[[1], [2]]]), 0).shape
    ((2,), (2, 1))
    """
    return drop_dims(x, dims=tuple(d for d in normalize_dims("squeeze", dim, x.ndim) if x.shape[d] == 1))


def t(x: Tensor) -> Tensor:
    """The transpose of a matrix x; a vector or a number as it is.

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
    """The arguments of f(*sizes), which come one by one, or as one sequence."""
    return tuple(values[0]) if len(values) == 1 and isinstance(values[0], Sequence) else values


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

    >>> import minigrad as mg
    >>> mg.tile(mg.tensor([[1, 2]]), (2,))
    tensor([[1., 2., 1., 2.]])
    """
    times = tuple(dims) if isinstance(dims, Sequence) else (dims,)
    return repeat(x, (1,) * (x.ndim - len(times)) + times)
