"""Matrix products. The gradients of a product are products too, in which other operands are given transposed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from ..elementwise.fused_activations import ACTIVATION_GRADS
from ..shape.axes import as_dtype
from ..shape.broadcast import match, sum
from ..shape.views import reshape


def a_grad(g: Tensor, y: Tensor, a: Tensor, b: Tensor, *, ta: bool, tb: bool) -> Tensor:
    """The gradient of matmul's a: g op(b)ᵀ for matrices, op(b) gᵀ if a was given transposed."""
    if a.array.ndim == 1 or b.array.ndim == 1:
        g, row, b = as_matrices(g, a, b)
        return reshape(a_grad(g, y, row, b, ta=ta, tb=tb), shape=a.array.shape)
    return match(matmul(b, g, ta=tb, tb=True) if ta else matmul(g, b, tb=not tb), a)


def b_grad(g: Tensor, y: Tensor, a: Tensor, b: Tensor, *, ta: bool, tb: bool) -> Tensor:
    """The gradient of matmul's b: op(a)ᵀ g for matrices, gᵀ op(a) if b was given transposed."""
    if a.array.ndim == 1 or b.array.ndim == 1:
        g, a, column = as_matrices(g, a, b)
        return reshape(b_grad(g, y, a, column, ta=ta, tb=tb), shape=b.array.shape)
    if b.array.ndim == 2 < a.array.ndim and not ta:
        # b is the same for the whole batch: its gradient is one product over the rows of all matrices of the batch.
        rows = math.prod(a.array.shape[:-1])
        a, g = reshape(a, shape=(rows, a.array.shape[-1])), reshape(g, shape=(rows, g.array.shape[-1]))
    return match(matmul(g, a, ta=True, tb=ta) if tb else matmul(a, g, ta=not ta), b)


def as_matrices(g: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """g, a and b of a product in which a or b is a vector: a as a row, b as a column, g with their dimensions."""
    shape = g.array.shape
    if b.array.ndim == 1:
        b, shape = reshape(b, shape=(b.array.size, 1)), (*shape, 1)
    if a.array.ndim == 1:
        a, shape = reshape(a, shape=(1, a.array.size)), (*shape[:-1], 1, shape[-1])
    return reshape(g, shape=shape), a, b


@differentiable(a=a_grad, b=b_grad)
def matmul(a, b, *, ta=False, tb=False):
    """y = op(a) op(b) for matrices (..., m, k) and (..., k, n); ta, tb say that an operand is given transposed.

    The dimensions before the last two are a batch of products; they broadcast. A vector a is a row, a vector b a
    column, and y lacks that dimension, so two vectors give a number. Both have one dtype.

    Each element is a chain of fused multiply-adds in chunks of k: the same bits on every machine (docs/kernels.md).
    ShapeError if the sizes do not fit, DTypeError unless both are float32 or both float64.

    >>> import minigrad as mg
    >>> mg.matmul(mg.tensor([[1, 2]]), mg.tensor([[3], [4]]))
    tensor([[11.]])
    >>> mg.matmul(mg.tensor([1, 2]), mg.tensor([3, 4]))
    tensor(11.)
    """
    if a.ndim == 2 == b.ndim:
        y = K.empty_product(a, b, ta, tb)
        K.matmul(a, b, y, ta=ta, tb=tb)
        return y
    return of_vectors_or_batches(a, b, ta, tb)


def of_vectors_or_batches(a: Any, b: Any, ta: bool, tb: bool) -> np.ndarray:
    """matmul's y if a or b is no matrix."""
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
    y = K.empty(batch + (m,) * (not row) + (n,) * (not column), a.dtype)
    K.matmul(a, b, y.reshape(*batch, m, n), ta=ta, tb=tb)
    return y  # made in its own shape, because outside of a graph the engine copies results that are views


@differentiable(
    shared=lambda g, y: ACTIVATION_GRADS[y.options["activation"]](g, y) if y.options["activation"] else g,
    x=lambda g, y, x, w, b, *, activation: matmul(g, w, tb=True),
    w=lambda g, y, x, w, b, *, activation: matmul(x if y.saved is None else Tensor(y.saved), g, ta=True),
    b=lambda g, y, x, w, b, *, activation: sum(g, dim=0),
)
def affine(x, w, b=None, *, activation=None):
    """y = activation(x w + b) in one pass: x (m, k), w (k, n), b (n,); activation is None, relu, tanh or sigmoid.

    Integers and booleans in x, such as counts or pixels, are converted to w's dtype.

    ValueError for another activation; ShapeError if the sizes of x, w and b do not fit.

    >>> import minigrad as mg
    >>> mg.affine(mg.tensor([[1, 2]]), mg.tensor([[3], [4]]), mg.tensor([-20]), activation="relu")
    tensor([[0.]])
    """
    if activation is not None and activation not in ACTIVATION_GRADS:
        raise ValueError(f"affine: activation is {activation!r}; need None or one of {', '.join(ACTIVATION_GRADS)}")
    y = K.empty_product(x, w)
    bias = None if b is None else K.contiguous(b)
    if y.dtype.kind != "f" and w.dtype.kind == "f":
        x = as_dtype(x, w.dtype)
        y = K.empty_product(x, w)
        K.matmul(x, w, y, bias=bias, activation=activation)
        return y, x  # the gradient of w is a product with the same numbers
    K.matmul(x, w, y, bias=bias, activation=activation)
    return y
