"""Norms of vectors along dimensions, and vectors divided by their norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from ...recording import decided_by_numpy
from ..elementwise.arithmetic import abs, div, mul, sign
from ..elementwise.exponential import pow
from ..elementwise.where import clamp, where
from ..shape.axes import check_real, given, reduced_dims, reduced_shape
from ..shape.broadcast import broadcast_to, sum
from ..shape.views import joined, reshape
from .extremes import amax, amin
from .statistics import euclidean


@differentiable(x=lambda g, y, x, *, p: mul(reshape(g, shape=(*g.shape, 1)), _power_slope(x, y, p)))
def power_norm(x, *, p):
    """y = m (Σᵢ (|x[..., i]| / m)ᵖ)^(1/p), m the largest |x| (for p < 0 the smallest), or 1 if that is 0 or inf."""
    y = K.empty(x.shape[:-1], x.dtype)
    if x.shape[-1] == 0:
        K.copy(0.0, y)
        return y
    z, top = K.empty_like(x), K.empty((*y.shape, 1), x.dtype)
    K.abs(x, z)
    (K.max if p > 0 else K.min)(z, top, np.empty(top.shape, np.int64), z.ndim - 1, z.ndim)
    top[(top == 0) | np.isinf(top)] = 1
    K.div(z, top, z)
    K.pow(z, p, z)
    K.sum(z, y, z.ndim - 1, z.ndim)
    K.pow(y, 1 / p, y)
    K.mul(y, top.reshape(y.shape), y)
    return y


def _power_slope(x: Tensor, y: Tensor, p: float) -> Tensor:
    """∂y/∂x = sign(x) (|x| / y)ᵖ⁻¹; 0 where x or y is 0 (for p < 0 a single zero makes y 0)."""
    decided_by_numpy(f"the gradient of norm with p = {p:g}", x.array)
    share = div(abs(x), reshape(where(y.array == 0, 1.0, y), shape=(*y.shape, 1)))
    flat = (x.array == 0) | (y.array == 0)[..., None]
    return mul(where(flat, 0.0, sign(x)), pow(where(flat, 1.0, share), p - 1))


def norm(x: Any, p: float | str | None = "fro", dim: Any = None, keepdim: bool = False) -> Tensor:
    """y = (Σ |x|ᵖ)^(1/p) over dim (one, several, or all); "fro" and None are p = 2.

    p = inf gives the largest |x|, -inf the smallest, 0 the number of elements that are not 0. For p < 0 a single zero
    makes the norm 0. Norms of large and small numbers are computed without overflow. The gradient at 0, and where the
    norm is 0, is 0, an element of the subdifferential. keepdim leaves dimensions of size 1.

    ValueError for a p that is no number; DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> x = mg.tensor([3, -4])
    >>> mg.norm(x), mg.norm(x, 1), mg.norm(x, float("inf")), mg.norm(x, 0)
    (tensor(5.), tensor(7.), tensor(4.), tensor(2.))
    """
    x = given(x)
    check_real("norm", x)
    if p == "fro" or p is None:
        p = 2
    if isinstance(p, (str, bool)) or not isinstance(p, (int, float)) or math.isnan(p):
        raise ValueError(f"norm: p is {p!r}; need a number, inf, -inf, or 'fro'")
    if math.isinf(p):
        return (amax if p > 0 else amin)(abs(x), dim, keepdim)
    if p == 1:
        return sum(abs(x), dim=dim, keepdim=keepdim)
    if p == 0:
        return sum(abs(sign(x)), dim=dim, keepdim=keepdim)
    dims = reduced_dims("norm", dim, x.ndim)
    y = euclidean(joined(x, dims)) if p == 2 else power_norm(joined(x, dims), p=float(p))
    return reshape(y, shape=reduced_shape(x.shape, dims, True)) if keepdim else y


def normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """y = x / max(‖x‖ₚ, eps) along dim: vectors of length 1; 0 stays 0, with gradient g / eps.

    ShapeError for a dim that x does not have, DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.normalize(mg.tensor([[3, 4], [0, 0]]))
    tensor([[0.6, 0.8],
            [0. , 0. ]])
    """
    x = given(x)
    length = norm(x, p, dim, True)
    return div(x, clamp(length, eps))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """y = Σ x1 x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along dim: the cosine of the angle; 0 with a zero vector.

    x1 and x2 broadcast; dim counts in their common shape.

    ShapeError if x1 and x2 do not broadcast.

    >>> import minigrad as mg
    >>> mg.cosine_similarity(mg.tensor([[1, 0], [1, 1]]), mg.tensor([[2, 0], [-2, 2]]))
    tensor([1., 0.])
    """
    x1, x2 = given(x1), given(x2)
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ShapeError(f"cosine_similarity: x1 is {x1.shape}, x2 is {x2.shape}; need shapes that broadcast") from None
    x1, x2 = (normalize(x if x.shape == shape else broadcast_to(x, shape=shape), 2.0, dim, eps) for x in (x1, x2))
    return sum(mul(x1, x2), dim=dim)
