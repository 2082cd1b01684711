"""Matrix products in NumPy."""

import numpy as np

from ...dtypes import REAL
from ...errors import DTypeError, ShapeError
from .elementwise import ACTIVATIONS


def matmul(a, b, out, *, ta=False, tb=False, bias=None, activation=None, accumulate=False):
    """out = activation(op(a) @ op(b) + bias), or out += op(a) @ op(b); ta, tb transpose; bias is (n,), added to rows.

    a is (..., m, k), b is (..., k, n), out is (..., m, n); the dimensions before the last two are a batch of products,
    to which a and b broadcast. accumulate takes neither bias nor activation.
    """
    if not (a.dtype == b.dtype == out.dtype and out.dtype in REAL):
        given = f"matmul: a is {a.dtype}, b is {b.dtype}, out is {out.dtype}"
        raise DTypeError(f"{given}; need one dtype, float32 or float64: use .float() or .double()")
    a, b = a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"matmul: a is {a.shape}, b is {b.shape}; need a.shape[-1] == b.shape[-2]")
    y = np.matmul(a, b)
    if accumulate:
        y += out
    if bias is not None:
        y += bias
    if activation is not None:
        ACTIVATIONS[activation](y, y)
    np.copyto(out, y)
