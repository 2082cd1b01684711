"""Matrix products. One closed family: the gradient of a product is a product with other transpositions, no views."""

from __future__ import annotations

from ... import kernels as K
from ...engine import Tensor, differentiable
from ..elementwise.fused_activations import ACTIVATION_GRADS
from ..shape.axes import as_dtype
from ..shape.broadcast import sum


@differentiable(
    a=lambda g, y, a, b, *, ta, tb: matmul(b, g, ta=tb, tb=True) if ta else matmul(g, b, tb=not tb),
    b=lambda g, y, a, b, *, ta, tb: matmul(g, a, ta=True, tb=ta) if tb else matmul(a, g, ta=not ta),
)
def matmul(a, b, *, ta=False, tb=False):
    """y = op(a) op(b) for matrices (m, k) and (k, n); ta, tb say that an operand is given transposed.

    Each element is a chain of fused multiply-adds in chunks of k: the same bits on every machine (docs/kernels.md).
    `minigrad.matmul` is this for matrices, and takes vectors and batches besides (ops/batches.py).
    """
    y = K.empty_product(a, b, ta, tb)
    K.matmul(a, b, y, ta=ta, tb=tb)
    return y


@differentiable(
    shared=lambda g, y: ACTIVATION_GRADS[y.options["activation"]](g, y) if y.options["activation"] else g,
    x=lambda g, y, x, w, b, *, activation: matmul(g, w, tb=True),
    w=lambda g, y, x, w, b, *, activation: matmul(x if y.saved is None else Tensor(y.saved), g, ta=True),
    b=lambda g, y, x, w, b, *, activation: sum(g, dim=0),
)
def affine(x, w, b=None, *, activation=None):
    """y = activation(x w + b) in one pass: x (m, k), w (k, n), b (n,); activation is None, relu, tanh or sigmoid.

    Integers and booleans in x, counts or pixels for instance, are taken in w's dtype.

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
