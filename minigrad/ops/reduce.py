"""Ops that reduce dimensions: mean, argmax, softmax. (sum stands in shape.py: it undoes a broadcast.)"""

from __future__ import annotations

import numpy as np

from .. import kernels as K
from ..engine import Tensor, differentiable
from ..errors import ShapeError
from .elementwise import exp, mul, neg, sub
from .shape import given, normalize_dims, reduction, spread, sum


@differentiable(
    x=lambda g, y, x, *, dim, keepdim: spread(mul(g, y.array.size / max(x.array.size, 1)), x, dim, keepdim)
)
def mean(x, *, dim=None, keepdim=False):
    """y = Σ x / count over dim (an axis, several, or all); integers and booleans average to float32; NaN of nothing.

    keepdim leaves dimensions of size 1.

    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([[1, 2], [3, 4]]), dim=1, keepdim=True)
    tensor([[1.5],
            [3.5]])
    """
    if x.dtype.kind != "f":
        x = x.astype(np.float32)
    x, y, first, last = reduction("mean", x, dim, keepdim)
    K.mean(x, y, first, last)
    return y


def index_of(op, find, x, dim, keepdim):
    """int64 indices of what np.argmax or np.argmin finds along dim, or in all of x."""
    normalize_dims(op, dim, x.ndim)
    if x.size == 0 and (dim is None or x.shape[dim] == 0):
        raise ShapeError(f"{op}: {x.shape} has no elements along dim {dim}")
    return Tensor(np.asarray(find(x.array, axis=dim, keepdims=keepdim)))


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """int64 indices of the largest elements of x over dim (None: all of it); the first among equals.

    keepdim leaves a dimension of size 1. A NaN counts as largest.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1, 3, 2], [9, 0, 9]]), dim=1)
    tensor([1, 0], dtype=int64)
    """
    return index_of("argmax", np.argmax, given(x), dim, keepdim)


def _on_rows(kernel, dim, *arrays):
    """Apply a kernel of (rows, classes) along dim."""
    x = arrays[0]
    if x.ndim == 2 and (dim == -1 or dim == 1):  # by far the most frequent
        y = K.empty_for(x, 0.0)
        kernel(*map(K.contiguous, arrays), y)
        return y
    if x.ndim == 0:
        raise ShapeError(f"{kernel.__name__}: got a single number; need at least one dimension")
    (d,) = normalize_dims(kernel.__name__, dim, x.ndim)
    rows = [K.contiguous(np.moveaxis(a, d, -1)) for a in arrays]
    y, n = K.empty(rows[0].shape, x.dtype), x.shape[d]
    kernel(*[a.reshape(-1, n) if n else a.reshape(0, 0) for a in (*rows, y)])
    return y if d == x.ndim - 1 else np.moveaxis(y, -1, d)


@differentiable(x=lambda g, y, x, *, dim: softmax_grad(g, y, dim=dim))
def softmax(x, *, dim=-1):
    """y = exp(x - max x) / Σ exp(x - max x) along dim: positive, sums to 1, finite for any finite x.

    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([0.0, 0.0]))
    tensor([0.5, 0.5])
    """
    return _on_rows(K.softmax, dim, x)


@differentiable(x=lambda g, y, x, *, dim: log_softmax_grad(g, y, dim=dim))
def log_softmax(x, *, dim=-1):
    """y = x - max x - log Σ exp(x - max x) along dim.

    >>> import minigrad as mg
    >>> mg.log_softmax(mg.tensor([0.0, 0.0]))
    tensor([-0.6931472, -0.6931472])
    """
    return _on_rows(K.log_softmax, dim, x)


@differentiable(
    g=lambda gg, z, g, y, *, dim: softmax_grad(gg, y, dim=dim),
    y=lambda gg, z, g, y, *, dim: sub(
        mul(gg, sub(g, sum(mul(g, y), dim=dim, keepdim=True))), mul(g, sum(mul(gg, y), dim=dim, keepdim=True))
    ),
)
def softmax_grad(g, y, *, dim=-1):
    """z = y (g - Σ g y) along dim."""
    return _on_rows(K.softmax_grad, dim, g, y)


@differentiable(
    g=lambda gg, z, g, y, *, dim: sub(gg, sum(mul(gg, exp(y)), dim=dim, keepdim=True)),
    y=lambda gg, z, g, y, *, dim: mul(mul(gg, exp(y)), neg(sum(g, dim=dim, keepdim=True))),
)
def log_softmax_grad(g, y, *, dim=-1):
    """z = g - eʸ Σ g along dim."""
    return _on_rows(K.log_softmax_grad, dim, g, y)
