"""Ops that reduce dimensions: mean, max, argmax, softmax. (sum stands in shape.py: it undoes a broadcast.)"""

from __future__ import annotations

import numpy as np

from .. import kernels as K
from ..engine import Tensor, differentiable
from ..errors import ShapeError
from .elementwise import exp, mul, neg, sub
from .shape import normalize_dims, reduction, spread, sum


def count(x, dim):
    """How many elements of x a reduction over dim joins."""
    n = 1
    for d in normalize_dims("mean", dim, x.ndim):
        n *= x.shape[d]
    return n


@differentiable(x=lambda g, y, x, *, dim, keepdim: spread(mul(g, 1.0 / count(x, dim)), x, dim, keepdim))
def mean(x, *, dim=None, keepdim=False):
    """y = Σ x / count over dim (an axis, several, or all); integers and booleans average to float32; NaN of nothing.

    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([[1, 2], [3, 4]]), dim=1, keepdim=True)
    tensor([[1.5],
            [3.5]])
    """
    if x.dtype.kind != "f":
        x = x.astype(np.float32)
    shape, x, first, last = reduction("mean", x, dim, keepdim)
    y = K.empty(shape, x.dtype)
    K.mean(x, y, first, last)
    return y


@differentiable(x=lambda g, y, x, *, dim, keepdim: _max_grad(g, index=y.saved, x=x, dim=dim))
def max(x, *, dim=None, keepdim=False):
    """y = the largest element over dim (one axis, or all); NaN if there is one. The gradient goes to the first."""
    dims = normalize_dims("max", dim, x.ndim)
    if 0 in [x.shape[d] for d in dims]:
        raise ShapeError(f"max: {x.shape} has no elements along dim {dim}")
    if len(dims) not in (1, x.ndim):
        raise ShapeError(f"max: dim is {dim}; need one dimension, or None for all")
    shape, x, first, last = reduction("max", x, dim, keepdim)
    y, index = K.empty(shape, x.dtype), np.empty(shape, np.int64)
    K.max(x, y, index, first, last)
    return y, index


def _max_grad(g: Tensor, index: np.ndarray, x: Tensor, dim) -> Tensor:
    onehot, ones = K.empty(x.array.shape, x.array.dtype), K.empty(index.shape, x.array.dtype)
    K.copy(1.0, ones)
    dims = normalize_dims("max", dim, x.ndim)
    first, last = (dims[0], dims[-1] + 1) if dims else (0, 0)
    K.max_grad(ones, index, onehot, first, last)
    return mul(spread(g, x, dim, g.ndim == x.ndim), Tensor(onehot))


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """int64 indices of the largest elements over dim (over the flattened tensor for None); the first among equals.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1, 3, 2], [9, 0, 9]]), dim=1)
    tensor([1, 0], dtype=int64)
    """
    if dim is None:
        return Tensor(np.asarray(np.argmax(x.array)))
    normalize_dims("argmax", dim, x.ndim)
    return Tensor(np.asarray(np.argmax(x.array, axis=dim, keepdims=keepdim)))


def _on_rows(kernel, dim, *arrays):
    """Apply a kernel of (rows, classes) along dim."""
    x = arrays[0]
    if x.ndim == 0:
        raise ShapeError(f"{kernel.__name__}: got a single number; need at least one dimension")
    (d,) = normalize_dims(kernel.__name__, dim, x.ndim)
    last = d == x.ndim - 1
    rows = [K.contiguous(a if last else np.moveaxis(a, d, -1)) for a in arrays]
    y = K.empty(rows[0].shape, x.dtype)
    n = x.shape[d]
    kernel(*[a.reshape(-1, n) if n else a.reshape(0, 0) for a in rows], y.reshape(-1, n) if n else y.reshape(0, 0))
    return y if last else np.moveaxis(y, -1, d)


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
    """y = x - max x - log Σ exp(x - max x) along dim."""
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
