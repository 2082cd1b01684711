"""Allocation, copies and views in NumPy."""

import numpy as np

from ...dtypes import DTYPES, REAL
from ...errors import DTypeError, IntegersBesideFloats, ShapeError


def empty(shape, dtype):
    """A C-contiguous array with arbitrary content."""
    return np.empty(shape, dtype)


def empty_like(x):
    """An empty array of the shape and dtype of x, C-contiguous."""
    return np.empty(x.shape, x.dtype)


def empty_product(a, b, ta=False, tb=False):
    """An empty array of a's dtype for the product of two matrices; ta, tb say which of them is given transposed."""
    if a.ndim != 2 or b.ndim != 2:
        raise ShapeError(f"a product of {a.shape} and {b.shape}; need two matrices, (m, k) and (k, n)")
    return np.empty((a.shape[1 if ta else 0], b.shape[0 if tb else 1]), a.dtype)


def empty_for(a, b):
    """An empty array for the elementwise a ∘ b: the broadcast shape; float64 if either array is, else float32.

    Raises ShapeError if the shapes do not broadcast, DTypeError for an array of integers or booleans, and its kind
    IntegersBesideFloats if the other array holds floats.
    """
    arrays = [x for x in (a, b) if not isinstance(x, (int, float))]
    for x in arrays:
        if not isinstance(x, np.ndarray) or x.dtype not in REAL:
            kind = getattr(x, "dtype", type(x).__name__)
            mixed = kind in DTYPES and [y for y in arrays if getattr(y, "dtype", None) in REAL]
            raise (IntegersBesideFloats if mixed else DTypeError)(
                f"an operand is {kind}; need float32 or float64: use .float() or .double(), of an array "
                ".astype('float32')"
            )
    try:
        return np.empty(np.broadcast(*arrays).shape, np.result_type(*arrays or [REAL[0]]))
    except ValueError:
        raise ShapeError(f"the shapes {a.shape} and {b.shape} do not broadcast") from None


def empty_reduced(x, first, last, keepdim=False):
    """An empty array for a reduction of x over its axes first <= axis < last; keepdim leaves them with size 1."""
    return np.empty(x.shape[:first] + (1,) * (last - first) * keepdim + x.shape[last:], x.dtype)


def alike(a, b):
    """Whether two arrays have one shape and one dtype."""
    return a.shape == b.shape and a.dtype == b.dtype


def contiguous(x):
    """x itself if it is C-contiguous, aligned and of native byte order, else a copy that is."""
    return np.require(x, x.dtype.newbyteorder("="), ["C", "A"])


def broadcast(x, shape, at=0):
    """A read-only view of x in this shape, repeated along axes of size 1 and along new ones, from axis `at` on."""
    new = (1,) * (len(shape) - x.ndim) if at else ()
    return np.broadcast_to(x.reshape(x.shape[:at] + new + x.shape[at:]), shape)


def copy(x, out):
    """out[...] = x, broadcast and rounded to out's dtype."""
    np.copyto(out, x, casting="unsafe")
