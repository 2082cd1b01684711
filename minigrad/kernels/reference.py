"""The kernels in NumPy: the definition of correct, and a backend of its own.

Every kernel writes into an array that its caller allocated (K.empty) and never changes its inputs, save the updates,
whose parameters and states change. Elementwise kernels and matmul take any strides and broadcast to `out`; all others
take C-contiguous arrays (K.contiguous). An operand may be a Python number: it is rounded to out's dtype. `out` is
float32 or float64 and, for native kernels, C-contiguous.

The native kernels compute the same in a fixed order of operations, stated in src_c. They agree with these bit for bit
where only exact operations occur (copies, masks, relu, comparisons, penalty gradients), else within a few roundings.
"""

import importlib

import numpy as np

from ..arrays import REAL
from ..errors import DTypeError, ShapeError
from .reference_losses import (
    MEAN,
    NONE,
    SUM,
    bce_with_logits,
    bce_with_logits_grad,
    check_indices,
    cross_entropy,
    cross_entropy_grad,
    log_softmax,
    log_softmax_grad,
    mse,
    mse_grad,
    softmax,
    softmax_grad,
)  # fmt: skip
from .reference_penalty import elastic_net, elastic_net_grad, soft_threshold
from .reference_random import dropout, dropout_bits, masked_scale, random_bits, uniform
from .reference_update import adam_update, segments, sgd_update


def empty(shape, dtype):
    """A C-contiguous array with arbitrary content."""
    return np.empty(shape, dtype)


def empty_like(x):
    """An empty array of the shape and dtype of x, C-contiguous."""
    return np.empty(x.shape, x.dtype)


def empty_product(a, b, ta=False, tb=False):
    """An empty array for the product of two matrices; ta, tb say which are given transposed. a's dtype."""
    if a.ndim != 2 or b.ndim != 2:
        raise ShapeError(f"a product of {a.shape} and {b.shape}; need two matrices, (m, k) and (k, n)")
    return np.empty((a.shape[1 if ta else 0], b.shape[0 if tb else 1]), a.dtype)


def empty_for(a, b):
    """An empty array for the elementwise a ∘ b: the broadcast shape; float64 if either is. Integers are refused.

    Two numbers make a float32.
    """
    arrays = [x for x in (a, b) if not isinstance(x, (int, float))]
    for x in arrays:
        if not isinstance(x, np.ndarray) or x.dtype not in REAL:
            kind = getattr(x, "dtype", type(x).__name__)
            raise DTypeError(f"an operand is {kind}; need float32 or float64: use .float() or .double()")
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
    """x itself if it is C-contiguous, aligned and of native byte order, else such a copy."""
    return np.require(x, x.dtype.newbyteorder("="), ["C", "A"])


def broadcast(x, shape, at=0):
    """A read-only view of x in this shape, repeated along axes of size 1 and along new ones, from axis `at` on."""
    new = (1,) * (len(shape) - x.ndim) if at else ()
    return np.broadcast_to(x.reshape(x.shape[:at] + new + x.shape[at:]), shape)


def copy(x, out):
    """out[...] = x, broadcast and rounded to out's dtype."""
    np.copyto(out, x, casting="unsafe")


# --- elementwise -----------------------------------------------------------------------------------------------------


def add(a, b, out):
    """out = a + b."""
    np.add(a, b, out=out)


def sub(a, b, out):
    """out = a - b."""
    np.subtract(a, b, out=out)


def mul(a, b, out):
    """out = a * b."""
    np.multiply(a, b, out=out)


def div(a, b, out):
    """out = a / b; x/0 is an infinity or NaN, as IEEE 754 says."""
    np.divide(a, b, out=out)


def neg(x, out):
    """out = -x."""
    np.negative(x, out=out)


def abs(x, out):
    """out = |x|."""
    np.abs(x, out=out)


def sign(x, out):
    """out = 1, 0 or -1; NaN for NaN; +0 for either zero."""
    np.sign(x, out=out)


def sqrt(x, out):
    """out = √x, exactly rounded; NaN below 0."""
    np.sqrt(x, out=out)


def exp(x, out):
    """out = eˣ."""
    np.exp(x, out=out)


def log(x, out):
    """out = ln x; -inf at 0, NaN below."""
    np.log(x, out=out)


def tanh(x, out):
    """out = tanh x."""
    np.tanh(x, out=out)


def sigmoid(x, out):
    """out = 1 / (1 + e⁻ˣ), without overflow: (1 or e) / (1 + e) with e = exp(-|x|)."""
    e = np.exp(-np.abs(x))
    np.divide(np.where(np.less(x, 0), e, np.ones_like(e)), 1 + e, out=out)


def relu(x, out):
    """out = x if x > 0 else +0; NaN for NaN."""
    np.copyto(out, np.where(np.greater(x, 0) | np.isnan(x), x, 0))


def relu_grad(g, y, out):
    """out = g where y > 0, else +0; NaN where y is NaN."""
    np.copyto(out, np.where(np.greater(y, 0), g, np.where(np.isnan(y), y, 0)))


def tanh_grad(g, y, out):
    """out = g (1 - y²)."""
    np.multiply(g, 1 - y * y, out=out)


def sigmoid_grad(g, y, out):
    """out = g y (1 - y)."""
    np.multiply(g, y * (1 - y), out=out)


# --- products --------------------------------------------------------------------------------------------------------

ACTIVATIONS = {"relu": relu, "tanh": tanh, "sigmoid": sigmoid}


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


# --- reductions: over the axes first <= axis < last of x; out has the other axes ------------------------------------


def _blocks(x, first, last):
    """x as (outer, reduced, inner)."""
    outer = int(np.prod(x.shape[:first], dtype=np.intp))
    inner = int(np.prod(x.shape[last:], dtype=np.intp))
    return x.reshape(outer, int(np.prod(x.shape[first:last], dtype=np.intp)), inner)


def sum(x, out, first, last):
    """out = Σ x, rounded once from float64 accumulators."""
    np.copyto(out, _blocks(x, first, last).sum(1, dtype=np.float64).reshape(out.shape), casting="same_kind")


def mean(x, out, first, last):
    """out = Σ x / count, rounded once from float64 accumulators; NaN of nothing."""
    blocks = _blocks(x, first, last)
    y = blocks.sum(1, dtype=np.float64) / np.float64(blocks.shape[1])
    np.copyto(out, y.reshape(out.shape), casting="same_kind")


def max(x, out, index, first, last):
    """out = the largest element, index (int64) = where it first occurs in the reduced axes; NaN counts as largest."""
    _extreme("argmax", x, out, index, first, last)


def min(x, out, index, first, last):
    """out = the smallest element, index (int64) = where it first occurs in the reduced axes; NaN counts as smallest."""
    _extreme("argmin", x, out, index, first, last)


def _extreme(which, x, out, index, first, last):
    blocks = _blocks(x, first, last)
    found = getattr(blocks, which)(1)
    index[...] = found.reshape(index.shape)
    out[...] = np.take_along_axis(blocks, found[:, None], 1).reshape(out.shape)


def max_grad(g, index, out, first, last):
    """out = g at the place that index names along the reduced axes, else 0."""
    blocks = _blocks(out, first, last)
    check_indices("max_grad", "index", index, blocks.shape[1])
    out[...] = 0
    outer, _, inner = blocks.shape
    np.put_along_axis(blocks, index.reshape(outer, 1, inner), g.reshape(outer, 1, inner), 1)


# --- gathers and scatters ------------------------------------------------------------------------------------------


def take(x, index, out, axis=0):
    """out[i] = x[index[i]] along an axis; index is int64 of any shape, each in [0, x.shape[axis])."""
    np.take(x, index, axis=axis, out=out)


def add_at(x, index, out, axis=0):
    """out[index[i]] += x[i] along an axis, i rising; index is int64 of any shape, each in [0, out.shape[axis])."""
    check_indices("add_at", "row", index, out.shape[axis])
    np.add.at(out, (slice(None),) * axis + (index,), x)


def place(x, out):
    """out[...] = x, of one shape and dtype. out may have any strides, but no element twice."""
    np.copyto(out, x)


_breadth = importlib.import_module(".breadth", __package__)  # kernels beyond the core's
globals().update({name: kernel for name, kernel in vars(_breadth).items() if callable(kernel)})

# NaN and infinities are answers in kernels, not events: NumPy's warnings about them are off.
NAMES = sorted(
    name
    for name, kernel in globals().items()
    if callable(kernel) and kernel.__module__.startswith(__name__) and name[0] != "_" and name != "check_indices"
)
for _name in NAMES:
    globals()[_name] = np.errstate(all="ignore")(globals()[_name])
