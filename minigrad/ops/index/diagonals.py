"""Diagonals and triangles of matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...dtypes import REAL
from ...engine import Tensor
from ...errors import ShapeError
from ..elementwise.mask import masked_scale
from ..shape.slices import place, view
from ..shape.views import reshape


def diag(x: Tensor, diagonal: int = 0) -> Tensor:
    """For a vector x, a matrix of zeros with x on a diagonal; for a matrix x, its diagonal as a vector.

    diagonal 0 is the main one, k the one k places above it. ShapeError if x is neither a vector nor a matrix.

    >>> import minigrad as mg
    >>> mg.diag(mg.tensor([[1, 2], [3, 4]]), 1), mg.diag(mg.tensor([5, 6]))
    (tensor([2.]), tensor([[5., 0.],
            [0., 6.]]))
    """
    if x.ndim == 1:
        n = x.size + abs(diagonal)
        return reshape(place(x, index=diagonal_places(n, n, diagonal), shape=(n * n,)), shape=(n, n))
    if x.ndim != 2:
        raise ShapeError(f"diag: got {x.shape}; need a vector or a matrix")
    return view(reshape(x, shape=(-1,)), index=diagonal_places(x.shape[0], x.shape[1], diagonal))


def diagonal_places(m: int, n: int, k: int) -> tuple[slice]:
    """The k-th diagonal of a matrix (m, n), as a slice of the flattened matrix."""
    start, length = (k, min(m, n - k)) if k >= 0 else (-k * n, min(m + k, n))
    return (slice(start, start + max(length, 0) * (n + 1), n + 1),)


def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """x with zeros above a diagonal of its last two dimensions: 0 is the main one, k the one k places above it.

    ShapeError if x has less than two dimensions.

    >>> import minigrad as mg
    >>> mg.tril(mg.tensor([[1, 2], [3, 4]]))
    tensor([[1., 0.],
            [3., 4.]])
    """
    return _masked("tril", x, lambda m, n: np.tri(m, n, diagonal, dtype=bool))


def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """x with zeros below a diagonal of its last two dimensions: 0 is the main one, k the one k places above it.

    ShapeError if x has less than two dimensions.

    >>> import minigrad as mg
    >>> mg.triu(mg.tensor([[1, 2], [3, 4]]))
    tensor([[1., 2.],
            [0., 4.]])
    """
    return _masked("triu", x, lambda m, n: ~np.tri(m, n, diagonal - 1, dtype=bool))


def _masked(op: str, x: Tensor, kept: Callable) -> Tensor:
    if x.ndim < 2:
        raise ShapeError(f"{op}: got {x.shape}; need at least two dimensions")
    mask = np.broadcast_to(kept(*x.shape[-2:]), x.shape)
    if x.dtype not in REAL:
        return Tensor(np.where(mask, x.array, x.dtype.type(0)))
    return masked_scale(x, bits=np.packbits(mask, bitorder="little"), scale=1.0)
