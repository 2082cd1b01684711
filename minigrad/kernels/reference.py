"""The kernels in NumPy: the definition of correct, and a backend of its own.

Every kernel writes into an array that its caller allocated (K.empty) and never changes its inputs, save the updates,
whose parameters and states change. Elementwise kernels and matmul take any strides and broadcast to `out`; all others
take C-contiguous arrays (K.contiguous). An operand may be a Python number: it is rounded to out's dtype. `out` is
float32 or float64 and, for native kernels, C-contiguous.

The native kernels compute the same in a fixed order of operations, stated in src_c. They agree with these bit for bit
where only exact operations occur (copies, masks, relu, comparisons, penalty gradients), else within a few roundings.
"""


import numpy as np

from ..arrays import REAL
from ..errors import DTypeError, ShapeError
from ..errors import ShapeError
from . import philox
from .quantile import normal_quantile
from .segments import CORRECTION1, CORRECTION2, DECAY, L1, L2, LR, PROX_L1, PROX_L2, Segments

NONE, MEAN, SUM = 0, 1, 2  # reduction of a loss over its rows


def empty(shape, dtype):
    """A C-contiguous array with arbitrary content."""
    return np.empty(shape, dtype)


def empty_for(a, b):
    """An empty array for the elementwise a ∘ b: the broadcast shape; float64 if either is. Integers are refused."""
    arrays = [x for x in (a, b) if not isinstance(x, (int, float))]
    for x in arrays:
        if x.dtype not in REAL:
            raise DTypeError(f"an operand is {x.dtype}; need float32 or float64: use .float() or .double()")
    try:
        return np.empty(np.broadcast_shapes(*(x.shape for x in arrays)), np.result_type(*arrays))
    except ValueError:
        raise ShapeError(f"the shapes {a.shape} and {b.shape} do not broadcast") from None


def contiguous(x):
    """x itself if it is C-contiguous, aligned and of native byte order, else such a copy."""
    return np.require(x, x.dtype.newbyteorder("="), ["C", "A"])


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

    a is (m, k), b is (k, n), out is (m, n); accumulate takes neither bias nor activation.
    """
    if not a.dtype == b.dtype == out.dtype:
        raise DTypeError(f"matmul: a is {a.dtype}, b is {b.dtype}; need one dtype: use .float() or .double()")
    a, b = a.T if ta else a, b.T if tb else b
    if a.shape[1] != b.shape[0]:
        raise ShapeError(f"matmul: a is {a.shape}, b is {b.shape}; need a.shape[1] == b.shape[0]")
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


def _check_indices(kernel, what, index, n):
    """Negative indices would count from the end, so NumPy's own check is not enough."""
    outside = np.flatnonzero((index < 0) | (index >= n))
    if outside.size:
        at = outside[0]
        raise IndexError(f"{kernel}: {what}[{at}] is {index.flat[at]}; need 0 <= {what} < {n}")


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
    blocks = _blocks(x, first, last)
    where = blocks.argmax(1)
    index[...] = where.reshape(index.shape)
    out[...] = np.take_along_axis(blocks, where[:, None], 1).reshape(out.shape)


def max_grad(g, index, out, first, last):
    """out = g at the place that index names along the reduced axes, else 0."""
    blocks = _blocks(out, first, last)
    _check_indices("max_grad", "index", index, blocks.shape[1])
    out[...] = 0
    outer, _, inner = blocks.shape
    np.put_along_axis(blocks, index.reshape(outer, 1, inner), g.reshape(outer, 1, inner), 1)


# --- rows: softmax and losses, x is (rows, classes) ------------------------------------------------------------------


def softmax(x, out):
    """out[i] = exp(x[i] - max x[i]) / Σ exp(x[i] - max x[i]); a row of only -inf is NaN."""
    e = np.exp(x - x.max(1, keepdims=True))
    np.divide(e, e.sum(1, keepdims=True, dtype=np.float64), out=out, casting="same_kind")


def softmax_grad(g, y, out):
    """out[i] = y[i] (g[i] - Σ g[i] y[i]), with 0 where y is 0 unless g is not finite."""
    out[...] = y * (g - (g * y).sum(1, keepdims=True, dtype=np.float64))


def log_softmax(x, out):
    """out[i] = x[i] - max x[i] - log Σ exp(x[i] - max x[i])."""
    z = x - x.max(1, keepdims=True)
    out[...] = z - np.log(np.exp(z).sum(1, keepdims=True, dtype=np.float64))


def log_softmax_grad(g, y, out):
    """out[i] = g[i] - exp(y[i]) Σ g[i]."""
    out[...] = g - np.exp(y) * g.sum(1, keepdims=True, dtype=np.float64)


def _reduce(kernel, rows, loss, reduction):
    """loss = the rows, or their mean or sum from float64 accumulators. There is no mean of nothing."""
    if reduction == MEAN and rows.size == 0:
        raise ShapeError(f"{kernel}: there is no mean of no losses; need at least one")
    if reduction == NONE:
        loss[...] = rows
    else:
        loss[...] = rows.sum(dtype=np.float64) / (rows.size if reduction == MEAN else 1)


def _scale(g, rows, reduction):
    """The factor of each row's gradient: g, or g / rows for a mean."""
    return g / rows if reduction == MEAN else g


def cross_entropy(x, target, loss, probs, *, reduction):
    """Row i loses -Σⱼ t[i,j] log softmax(x[i])[j]; probs = softmax(x), for the gradient.

    target is int64 (rows,), each in [0, classes): a one-hot row; or probabilities (rows, classes) in x's dtype,
    where t = 0 adds 0 even against a logit of -inf. loss is (rows,) for NONE, 0-d for MEAN and SUM.
    """
    if target.ndim == 1:
        _check_indices("cross_entropy", "label", target, x.shape[1])
    log_probs = np.empty_like(x)
    log_softmax(x, log_probs)
    softmax(x, probs)
    if target.ndim == 1:
        rows = -log_probs[np.arange(len(x)), target]
    else:
        rows = -np.where(target == 0, 0, target * log_probs).sum(1, dtype=np.float64).astype(x.dtype)
    _reduce(rows, loss, reduction)
        with np.errstate(invalid="ignore"):
            rows = -np.where(target == 0, 0, target * log_probs).sum(1, dtype=np.float64).astype(x.dtype)
    _reduce("cross_entropy", rows, loss, reduction)


def cross_entropy_grad(probs, target, g, out, *, reduction):
    """out[i] = (probs[i] Σⱼ t[i,j] - t[i]) g[i]; g is (rows,) for NONE, else 0-d; divided by rows for MEAN."""
    if target.ndim == 1:
        out[...] = probs
        out[np.arange(len(probs)), target] -= 1
    else:
        out[...] = probs * target.sum(1, keepdims=True, dtype=np.float64) - target
    out *= _scale(g, len(probs), reduction).reshape(-1, 1)


def bce_with_logits(x, t, loss, *, reduction):
    """loss = max(x, 0) - x t + log(1 + exp(-|x|)), elementwise, then reduced: no cancellation at large |x|."""
    _reduce("bce_with_logits", np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))), loss, reduction)


def bce_with_logits_grad(x, t, g, out, *, reduction):
    """out = (sigmoid(x) - t) g, divided by the number of elements for MEAN; a sure and right answer keeps its digits."""
    e = np.exp(-np.abs(x))
    q = e / (1 + e)  # sigmoid(-|x|): for positive x, sigmoid(x) - t = (1 - t) - q rounds no 1 - tiny
    np.multiply(np.where(np.less(x, 0), q - t, (1 - t) - q), _scale(g, x.size, reduction), out=out)


def mse(x, t, loss, *, reduction):
    """loss = (x - t)², elementwise, then reduced."""
    _reduce("mse", (x - t) ** 2, loss, reduction)


def mse_grad(x, t, g, out, *, reduction):
    """out = 2 (x - t) g, divided by the number of elements for MEAN."""
    np.multiply(2 * (x - t), _scale(g, x.size, reduction), out=out)


# --- penalties -------------------------------------------------------------------------------------------------------


def _slope(w, l1, l2):
    """l2 w + l1 sign(w); a term whose coefficient is 0 is left out: 0 times an infinite weight would be NaN."""
    if l2 == 0:
        return l1 * np.sign(w)
    return l2 * w if l1 == 0 else l2 * w + l1 * np.sign(w)


def elastic_net(w, value, grad=None, *, l1, l2):
    """value (0-d) = l1 Σ|w| + (l2/2) Σw² from float64 accumulators; grad, if given, as elastic_net_grad's out."""
    w64 = w.astype(np.float64)
    value[...] = l1 * np.abs(w64).sum() + 0.5 * l2 * (w64 * w64).sum()
    """value (0-d) = l1 Σ|w| + (l2/2) Σw² from float64 accumulators; grad, if given, as elastic_net_grad with scale 1.

    A term whose coefficient is 0 is left out of both.
    """
    l1, l2, w64 = w.dtype.type(l1), w.dtype.type(l2), w.astype(np.float64)
    first = np.float64(l1) * np.abs(w64).sum() if l1 != 0 else 0.0
    second = 0.5 * np.float64(l2) * (w64 * w64).sum() if l2 != 0 else 0.0
    value[...] = first + second
    if grad is not None:
        grad[...] = _slope(w, l1, l2)


def elastic_net_grad(w, out, *, l1, l2, scale=1.0):
    """out = scale (l2 w + l1 sign(w)), sign(0) = 0, every operation rounded. NaN stays NaN; a term of 0 is left out."""
    np.multiply(_slope(w, w.dtype.type(l1), w.dtype.type(l2)), scale, out=out)


def _shrink(v, t, d):
    """sign(v) max(|v| - t, 0) / d; zeros are +0, NaN stays NaN."""
    return np.where(np.isnan(v), v, np.where(np.abs(v) > t, np.copysign(np.abs(v) - t, v) / d, 0))


def soft_threshold(v, out, *, step, l1, l2):
    """out = sign(v) max(|v| - step l1, 0) / (1 + step l2): the proximal map of the elastic net. Zeros are +0."""
    step, l1, l2 = v.dtype.type(step), v.dtype.type(l1), v.dtype.type(l2)
    np.copyto(out, _shrink(v, step * l1, 1 + step * l2))


# --- dropout and random numbers: Philox4x32-10, element offset + i of stream (key, stream) ------------------------


def dropout_bits(bits, n, *, key, stream, offset, p):
    """Bit i of bits (uint8, ceil(n/8), little end first) = keep element offset + i: its 16 bits >= round(65536 p).

    A p within 2⁻¹⁷ of 0 or 1 drops nothing or everything. The bits behind the last element are 0.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout_bits: p is {p}; need 0 <= p <= 1")
    keep = philox.half_words(key, stream, offset, n) >= round(65536 * p)
    bits[...] = np.packbits(keep, bitorder="little")


def masked_scale(x, bits, out, *, scale):
    """out = x * scale where the element's bit is set, else +0 (also for NaN and infinities: dropped is dropped)."""
    keep = np.unpackbits(bits, count=x.size, bitorder="little").reshape(x.shape).astype(bool)
    np.copyto(out, np.where(keep, x * x.dtype.type(scale), 0))


def dropout(x, out, bits, *, key, stream, offset, p, scale):
    """dropout_bits and masked_scale in one pass."""
    dropout_bits(bits, x.size, key=key, stream=stream, offset=offset, p=p)
    masked_scale(x, bits, out, scale=scale)


def random_bits(out, *, key, stream, offset):
    """out (uint64) = 64 random bits each: words 2(e mod 2) (low) and 2(e mod 2) + 1 (high) of block e div 2."""
    out[...] = philox.double_words(key, stream, offset, out.size).reshape(out.shape)


def uniform(out, *, key, stream, offset, low, high):
    """out = low + (high - low) u, u = (upper 53 bits) 2⁻⁵³ in [0, 1): float64, rounded once to out's dtype.

    In float32 the last rounding may give high itself, once in 2²⁵ draws.
    """
    u = (philox.double_words(key, stream, offset, out.size) >> np.uint64(11)) * 2.0**-53
    np.copyto(out, (low + (high - low) * u).reshape(out.shape), casting="same_kind")


def normal(out, *, key, stream, offset, mean, std):
    """out = mean + std Φ⁻¹((k + ½) 2⁻⁵³), k the upper 53 bits: Wichura's AS 241 in float64, rounded once."""
    k = (philox.double_words(key, stream, offset, out.size) >> np.uint64(11)).astype(np.float64)
    z = normal_quantile((k - 2.0**52 + 0.5) * 2.0**-53)
    np.copyto(out, (mean + std * z).reshape(out.shape), casting="same_kind")


# --- updates: one call for a table of parameters (segments.py) -------------------------------------------------------


def segments(params, *states):
    """The table that the updates take: lists of flat arrays, one entry per parameter; they are changed in place."""
    return Segments(params, *states)


def _rows(table, grads):
    """(parameter, gradient with its penalty, states, scalars) of every segment to update, after filling its sums.

    sums[i] = (Σ|w|, Σw²) in float64 before the update: each where the row has such a term in the gradient, both where
    it has a proximal map, else 0. Forming them costs up to a fifth of a pass, so only a penalty pays for them.
    """
    for i, (w, g) in enumerate(zip(table.params, grads, strict=True)):
        row = table.scalars[i]
        l1, l2, prox = w.dtype.type(row[L1]), w.dtype.type(row[L2]), _has_prox(w, row)
        w64 = w.astype(np.float64)
        table.sums[i] = np.abs(w64).sum() if l1 != 0 or prox else 0, (w64 * w64).sum() if l2 != 0 or prox else 0
        if g is not False:
            g = np.zeros_like(w) if g is None else g.reshape(w.shape)
            yield w, g + _slope(w, l1, l2) if l1 != 0 or l2 != 0 else g, [state[i] for state in table.states], row


def _has_prox(w, row):
    return w.dtype.type(row[PROX_L1]) != 0 or w.dtype.type(row[PROX_L2]) != 0


def _move(w, move, step, row):
    """w = prox(w (1 - lr decay) - move), the proximal map with one step or one per coordinate."""
    real = w.dtype.type
    y = w * real(1 - row[LR] * row[DECAY]) - move
    w[...] = _shrink(y, step * real(row[PROX_L1]), 1 + step * real(row[PROX_L2])) if _has_prox(w, row) else y


def _flushed(x, float32, float64):
    """x, with 0 in place of what is smaller than the limit of its precision. NaN stays."""
    return np.where(np.abs(x) < (float32 if x.dtype == np.float32 else float64), x.dtype.type(0), x)


def sgd_update(table, grads, *, momentum=0.0, nesterov=False):
    """For each segment: d = g + l2 w + l1 sign(w); buf = momentum buf + d; w = prox(w (1 - lr decay) - lr buf).

    grads[i] is an array, None for a gradient of zero, or False to leave segment i untouched. nesterov steps along
    d + momentum buf. The prox has step lr. A buf under 1e-30 (float64: 1e-290) counts as 0. table.sums: see _rows.
    """
    for w, d, state, row in _rows(table, grads):
        real, lr = w.dtype.type, w.dtype.type(row[LR])
        if momentum != 0:
            buf = state[0]
            buf[...] = real(momentum) * _flushed(buf, 1e-30, 1e-290) + d
            d = d + real(momentum) * buf if nesterov else buf
        _move(w, lr * d, lr, row)


def adam_update(table, grads, *, beta1, beta2, eps):
    """For each segment (Kingma and Ba 2015, in PyTorch's form; decay as Loshchilov and Hutter 2019):

    d = g + (l2 w + l1 sign(w)); m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d²;
    root = √v (1 / √correction2) + eps; w = prox(w (1 - lr decay) - (lr / correction1) m / root).
    The prox has each coordinate's own step, lr / root. Magnitudes that count as 0: d under 1e-15, m and v under 1e-30
    (float64: 1e-150, 1e-290); denormal numbers would double the time of a step. grads and table.sums as in sgd_update.
    """
    for w, d, (m, v), row in _rows(table, grads):
        real = w.dtype.type
        d = _flushed(d, 1e-15, 1e-150)
        m[...] = real(beta1) * _flushed(m, 1e-30, 1e-290) + real(1 - beta1) * d
        v[...] = real(beta2) * _flushed(v, 1e-30, 1e-290) + real(1 - beta2) * (d * d)
        root = np.sqrt(v) * real(1 / np.sqrt(row[CORRECTION2])) + real(eps)
        _move(w, real(row[LR] / row[CORRECTION1]) * m / root, real(row[LR]) / root, row)


# --- gathers ---------------------------------------------------------------------------------------------------------


def take(x, index, out):
    """out[i] = x[index[i]] along the first axis; index is int64, each in [0, len(x))."""
    np.take(x, index, axis=0, out=out)


# NaN and infinities are answers here, not events: NumPy's warnings about them are off in every kernel.
for _name, _kernel in list(globals().items()):
    if getattr(_kernel, "__module__", None) == __name__ and not _name.startswith("_"):
        globals()[_name] = np.errstate(all="ignore")(_kernel)
