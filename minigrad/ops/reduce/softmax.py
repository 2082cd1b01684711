"""softmax, log_softmax and logsumexp along dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from ..elementwise.arithmetic import mul, neg, sub
from ..elementwise.exponential import exp
from ..elementwise.where import where
from ..shape.axes import check_real, given, one_dim, reduced_dims, reduced_shape
from ..shape.broadcast import sum
from ..shape.views import joined, reshape


def _on_rows(kernel, dim, *arrays):
    """Apply a kernel of (rows, classes) along dim."""
    x = arrays[0]
    if x.ndim == 2 and (dim == -1 or dim == 1):  # by far the most frequent
        y = K.empty_for(x, 0.0)
        kernel(*map(K.contiguous, arrays), y)
        return y
    if x.ndim == 0:
        raise ShapeError(f"{kernel.__name__}: got a single number; need at least one dimension")
    d = one_dim(kernel.__name__, dim, x.ndim)
    rows = [K.contiguous(np.moveaxis(a, d, -1)) for a in arrays]
    y, n = K.empty(rows[0].shape, x.dtype), x.shape[d]
    kernel(*[a.reshape(-1, n) if n else a.reshape(0, 0) for a in (*rows, y)])
    return y if d == x.ndim - 1 else np.moveaxis(y, -1, d)


@differentiable(x=lambda g, y, x, *, dim: softmax_grad(g, y, dim=dim))
def softmax(x, *, dim=-1):
    """y = exp(x - max x) / Σ exp(x - max x) along dim: positive, sums to 1, finite for any finite x.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([0.0, 0.0]))
    tensor([0.5, 0.5])
    """
    return _on_rows(K.softmax, dim, x)


@differentiable(x=lambda g, y, x, *, dim: log_softmax_grad(g, y, dim=dim))
def log_softmax(x, *, dim=-1):
    """y = x - max x - log Σ exp(x - max x) along dim.

    ShapeError for a dim that x does not have.

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


# --- logarithms of sums ----------------------------------------------------------------------------------------------


@differentiable(x=lambda g, y, x: mul(reshape(g, shape=(*g.shape, 1)), _shares(x, y)))
def log_sum_exp(x):
    """y = m + log Σᵢ exp(x[..., i] - m), m the largest element, or 0 where that is infinite."""
    y = K.empty(x.shape[:-1], x.dtype)
    if x.shape[-1] == 0:
        K.copy(-np.inf, y)
        return y
    top, z = K.empty((*y.shape, 1), x.dtype), K.empty_like(x)
    K.max(K.contiguous(x), top, np.empty(top.shape, np.int64), x.ndim - 1, x.ndim)
    top[np.isinf(top)] = 0
    K.sub(x, top, z)
    K.exp(z, z)
    K.sum(z, y, x.ndim - 1, x.ndim)
    K.log(y, y)
    K.add(y, top.reshape(y.shape), y)
    return y


def _shares(x: Tensor, y: Tensor) -> Tensor:
    """softmax(x). It is not computed as exp(x - y), because in float32 x - y has only three digits for x near 1e4.

    It is 0 if all of x is -inf. If x has an inf, it is 0 for finite elements and NaN for infinite ones, which have no
    defined share.
    """
    infinite = np.isinf(y.array)[..., None]
    shares = np.where(x.array == np.inf, np.nan, 0.0).astype(x.dtype)
    return where(infinite, shares, softmax(where(infinite, 0.0, x)))


def logsumexp(x: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """y = log Σ exp(x) over dim (one or several), finite for any finite x; -inf if no element is above -inf.

    The gradient is softmax(x); 0 if all of x is -inf; if x has an inf, NaN there and 0 elsewhere, as in PyTorch.
    keepdim leaves dimensions of size 1. DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.logsumexp(mg.tensor([[1e30, 1e30], [0.0, 0.0]]), dim=1)
    tensor([1.000000e+30, 6.931472e-01])
    """
    x = given(x)
    check_real("logsumexp", x)
    dims = reduced_dims("logsumexp", dim, x.ndim)
    y = log_sum_exp(joined(x, dims))
    return reshape(y, shape=reduced_shape(x.shape, dims, True)) if keepdim else y
