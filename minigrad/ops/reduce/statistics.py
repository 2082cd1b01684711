"""Products, cumulative sums, means, variances and standard deviations.

The functions take PyTorch's arguments; the ops that they call reduce the last dimension, or dims that are sorted,
non-negative numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...dtypes import REAL
from ...engine import Tensor, differentiable, full
from ..elementwise.arithmetic import add, div, mul
from ..elementwise.where import step, where
from ..shape.axes import check_real, given, one_dim, reduced_dims, reduced_shape, reduction
from ..shape.broadcast import spread, sum
from ..shape.views import joined, permute, reshape, rows

# --- products and cumulative sums ------------------------------------------------------------------------------------


@differentiable(x=lambda g, y, x: prod_grad(g, x))
def product(x):
    """y = Πᵢ x[..., i], from float64 accumulators."""
    y = K.empty(x.shape[:-1], x.dtype)
    K.prod(rows(x), y)
    return y


@differentiable(
    g=lambda gg, z, g, x: sum(mul(gg, prod_grad(full(g, 1.0), x)), dim=-1),
    x=lambda gg, z, g, x: _prod_grad_x(gg, g, x),
)
def prod_grad(g, x):
    """z[..., i] = g Πₖ x[..., k] over k ≠ i, without a division: where x has zeros, the product of the others."""
    z = K.empty_like(x)
    K.prod_grad(K.contiguous(g), rows(x), rows(z))
    return z


def _prod_grad_x(gg: Tensor, g: Tensor, x: Tensor) -> Tensor:
    """Σᵢ gg[i] g Πₖ x[k] over k ≠ i, j: row i of a table (n, n) holds x with 1 in place of x[i]. Takes n² numbers."""
    *kept, n = x.shape
    diagonal = np.eye(n, dtype=bool)
    without = where(diagonal, 1.0, reshape(x, shape=(*kept, 1, n)))
    weights = mul(gg, reshape(g, shape=(*kept, 1)))
    return sum(where(diagonal, 0.0, prod_grad(weights, without)), dim=-2)


def prod(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """y = Π x over dim (one, several, or all), from float64 accumulators; 1 if there are no elements.

    Integers give int64. The gradient of an element is the product of the others, computed without a division, so that
    zeros are allowed; second derivatives need n² numbers for n elements. keepdim leaves dimensions of size 1.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> x = mg.tensor([2, 0, 3], requires_grad=True)
    >>> mg.prod(x).backward()
    >>> x.grad
    tensor([0., 6., 0.])
    """
    x = given(x)
    dims = reduced_dims("prod", dim, x.ndim)
    if x.dtype not in REAL:
        return Tensor(np.asarray(np.prod(x.array, axis=dims, dtype=np.int64, keepdims=keepdim)))  # exact in any order
    y = product(joined(x, dims))
    return reshape(y, shape=reduced_shape(x.shape, dims, True)) if keepdim else y


@differentiable(x=lambda g, y, x, *, reverse: running(g, reverse=not reverse))
def running(x, *, reverse):
    """y[..., i] = x[..., 0] + ... + x[..., i]; from the last element down if reverse."""
    y = K.empty_like(x)
    K.cumsum(rows(x), rows(y), reverse=reverse)
    return y


def cumsum(x: Any, dim: int) -> Tensor:
    """y[i] = x[0] + ... + x[i] along dim, added in float64 one after the other from the first, each sum rounded once.

    Integers and booleans give int64. ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([[1, 2, 3], [4, 5, 6]]), dim=1)
    tensor([[ 1.,  3.,  6.],
            [ 4.,  9., 15.]])
    """
    x = given(x)
    d = one_dim("cumsum", dim, x.ndim)
    if x.dtype not in REAL:
        return Tensor(np.cumsum(x.array, axis=d, dtype=np.int64))
    if d == x.ndim - 1:
        return running(x, reverse=False)
    exchanged = list(range(x.ndim))
    exchanged[d], exchanged[-1] = exchanged[-1], exchanged[d]
    return permute(running(permute(x, dims=tuple(exchanged)), reverse=False), dims=tuple(exchanged))


# --- spread ----------------------------------------------------------------------------------------------------------


@differentiable(x=lambda g, y, x: mul(reshape(g, shape=(*g.shape, 1)), unit(x, y)))
def euclidean(x):
    """y = √Σᵢ x[..., i]², without overflow; the gradient at 0 is 0."""
    y = K.empty(x.shape[:-1], x.dtype)
    K.norm(rows(x), y)
    return y


def unit(x: Tensor, norm: Tensor) -> Tensor:
    """x / norm along the last dimension; 0 where the norm is."""
    norm = add(norm, mul(2.0, step(0.0, norm)))  # 1 in place of 0, by kernels only, so that mg.compile can replay it
    return div(x, reshape(norm, shape=(*norm.shape, 1)))


@differentiable(x=lambda g, y, x, *, dims: center(g, dims=dims))
def center(x, *, dims):
    """y = x - mean x over dims, minus the mean of that, which is not 0 because the mean of large numbers is rounded."""
    y = K.empty_like(x)
    for values in (x, y):
        flat, mean, first, last = reduction("center", values, dims, True)
        K.mean(flat, mean, first, last)
        K.sub(values, mean, y)
    return y


def _freedom(op: str, x: Tensor, dim: Any, unbiased: Any, correction: Any) -> tuple[tuple[int, ...], float]:
    """The dimensions, and n - correction, by which the sum of squares is divided."""
    check_real(op, x)
    if unbiased is not None:
        if correction != 1:
            raise TypeError(f"{op}: got unbiased and correction; unbiased=False means correction=0")
        correction = int(unbiased)
    dims = reduced_dims(op, dim, x.ndim)
    freedom = math.prod(x.shape[d] for d in dims) - correction
    return dims, freedom if freedom > 0 else 0.0


def var(
    x: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> Tensor:
    """y = Σ (x - mean x)² / (n - correction) over the n elements of dim (one, several, or all).

    Computed in two passes, so that it is accurate if the mean is large. correction=0, or unbiased=False, gives the
    variance of a population; NaN if n <= correction. keepdim leaves dimensions of size 1.

    TypeError if both unbiased and correction are given; DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1, 2, 3, 4])), mg.var(mg.tensor([1, 2, 3, 4]), correction=0)
    (tensor(1.6666666), tensor(1.25))
    """
    x = given(x)
    dims, freedom = _freedom("var", x, dim, unbiased, correction)
    d = center(x, dims=dims)
    return div(sum(mul(d, d), dim=dims, keepdim=keepdim), freedom)


def std(
    x: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1
) -> Tensor:
    """y = √var(x): √(Σ (x - mean x)² / (n - correction)) over dim (one, several, or all); the gradient at 0 is 0.

    unbiased=False means correction=0; keepdim leaves dimensions of size 1; NaN if n <= correction. Errors as for var.

    >>> import minigrad as mg
    >>> mg.std(mg.tensor([[1, 3], [2, 2]]), dim=1, correction=0)
    tensor([1., 0.])
    """
    x = given(x)
    dims, freedom = _freedom("std", x, dim, unbiased, correction)
    y = div(euclidean(joined(center(x, dims=dims), dims)), math.sqrt(freedom))
    return reshape(y, shape=reduced_shape(x.shape, dims, True)) if keepdim else y


@differentiable(x=lambda g, y, x, *, dim, keepdim: spread(mul(g, y.array.size / max(x.array.size, 1)), x, dim, keepdim))
def mean(x, *, dim=None, keepdim=False):
    """y = Σ x / count over dim (an axis, several, or all); float32 for integers and booleans; NaN of no elements.

    keepdim leaves dimensions of size 1. ShapeError for a dim that x does not have.

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
