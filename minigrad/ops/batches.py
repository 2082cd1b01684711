"""matmul: products of vectors, matrices and batches of matrices. Two matrices are the core's product (linalg.py)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor, differentiable
from ..errors import ShapeError
from .linalg.matmul import matmul as product
from .shape.broadcast import match
from .shape.views import reshape


def lift(g: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Matrices for vectors: a is a row, b a column, and g has the dimension that they then have."""
    shape = g.shape
    if b.ndim == 1:
        b, shape = reshape(b, shape=(b.size, 1)), (*shape, 1)
    if a.ndim == 1:
        a, shape = reshape(a, shape=(1, a.size)), (*shape[:-1], 1, shape[-1])
    return reshape(g, shape=shape), a, b


def a_grad(g: Tensor, a: Tensor, b: Tensor, ta: bool, tb: bool) -> Tensor:
    """The gradient of matmul's a."""
    if a.ndim == 1 or b.ndim == 1:
        g, row, b = lift(g, a, b)
        return reshape(a_grad(g, row, b, ta, tb), shape=a.shape)
    return match(matmul(b, g, ta=tb, tb=True) if ta else matmul(g, b, tb=not tb), a)


def b_grad(g: Tensor, a: Tensor, b: Tensor, ta: bool, tb: bool) -> Tensor:
    """The gradient of matmul's b."""
    if a.ndim == 1 or b.ndim == 1:
        g, a, column = lift(g, a, b)
        return reshape(b_grad(g, a, column, ta, tb), shape=b.shape)
    if b.ndim == 2 < a.ndim and not ta:  # a batch that meets one matrix is one product of many rows
        rows = math.prod(a.shape[:-1])
        a, g = reshape(a, shape=(rows, a.shape[-1])), reshape(g, shape=(rows, g.shape[-1]))
    return match(matmul(g, a, ta=True, tb=ta) if tb else matmul(a, g, ta=not ta), b)


@differentiable(
    a=lambda g, y, a, b, *, ta, tb: a_grad(g, a, b, ta, tb), b=lambda g, y, a, b, *, ta, tb: b_grad(g, a, b, ta, tb)
)
def batch_product(a, b, *, ta=False, tb=False):
    """y = op(a) op(b) over batches, as matmul says; also the op of products with vectors."""
    given = f"matmul: a is {a.shape}, b is {b.shape}"
    if min(a.ndim, b.ndim) == 0 or (ta and a.ndim == 1) or (tb and b.ndim == 1):
        raise ShapeError(f"{given}; need vectors, matrices or batches, and only matrices are transposed by ta, tb")
    row, column = a.ndim == 1, b.ndim == 1
    a, b = a[None] if row else a, b[:, None] if column else b
    m, k, n = a.shape[-1 if ta else -2], a.shape[-2 if ta else -1], b.shape[-2 if tb else -1]
    if k != b.shape[-1 if tb else -2]:
        raise ShapeError(f"{given}; they sum over sizes {k} and {b.shape[-1 if tb else -2]}, which need to be equal")
    try:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(f"{given}; the batches {a.shape[:-2]} and {b.shape[:-2]} do not broadcast") from None
    y = K.empty((*batch, m, n), a.dtype)
    K.matmul(a, b, y, ta=ta, tb=tb)
    return y.reshape(batch + (m,) * (not row) + (n,) * (not column))


def matmul(a: Any, b: Any, *, ta: bool = False, tb: bool = False) -> Tensor:
    """y = op(a) op(b) for matrices (..., m, k) and (..., k, n); ta, tb say that an operand is given transposed.

    The dimensions before the last two are a batch of products; they broadcast. A vector a is a row, a vector b a
    column, and y lacks that dimension, so two vectors give a number. Both have one dtype.

    Each element is a chain of fused multiply-adds in chunks of k: the same bits on every machine (docs/kernels.md).

    >>> import minigrad as mg
    >>> mg.matmul(mg.tensor([[1, 2]]), mg.tensor([[3], [4]]))
    tensor([[11.]])
    >>> mg.matmul(mg.tensor([1, 2]), mg.tensor([3, 4]))
    tensor(11.)
    """
    if getattr(a, "ndim", 0) == 2 == getattr(b, "ndim", 0):
        return product(a, b, ta=ta, tb=tb)
    return batch_product(a, b, ta=ta, tb=tb)
