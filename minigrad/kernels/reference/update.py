"""Optimizer updates in NumPy: one call for a table of parameters (segments.py)."""

import numpy as np

from .penalty import shrink, slope
from .segments import CORRECTION1, CORRECTION2, DECAY, L1, L2, LR, PROX_L1, PROX_L2, Segments


def segments(params, *states):
    """The table that the updates take: lists of flat arrays, one entry per parameter; they are changed in place."""
    return Segments(params, *states)


def _rows(table, grads):
    """(parameter, gradient with its penalty, states, scalars) of every segment to update, after filling its sums.

    sums[i] = (Σ|w|, Σw²) in float64 before the update: each where the row has such a term in the gradient, both where
    it has a proximal map, else 0. Forming them takes up to a fifth of a pass, so they are formed only for
    parameters with a penalty, and only while table.summed is set.
    """
    for i, (w, g) in enumerate(zip(table.params, grads, strict=True)):
        row = table.scalars[i]
        l1, l2, prox = w.dtype.type(row[L1]), w.dtype.type(row[L2]), _has_prox(w, row)
        if table.summed:
            w64 = w.astype(np.float64)
            table.sums[i] = np.abs(w64).sum() if l1 != 0 or prox else 0, (w64 * w64).sum() if l2 != 0 or prox else 0
        if g is not False:
            g = np.zeros_like(w) if g is None else g.reshape(w.shape)
            yield w, g + slope(w, l1, l2) if l1 != 0 or l2 != 0 else g, [state[i] for state in table.states], row


def _has_prox(w, row):
    return w.dtype.type(row[PROX_L1]) != 0 or w.dtype.type(row[PROX_L2]) != 0


def _move(w, move, step, row):
    """w = prox(w (1 - lr decay) - move); `step`, of the proximal map, is one number or one per coordinate."""
    real = w.dtype.type
    y = w * real(1 - row[LR] * row[DECAY]) - move
    w[...] = shrink(y, step * real(row[PROX_L1]), 1 + step * real(row[PROX_L2])) if _has_prox(w, row) else y


def _flushed(x, float32, float64):
    """x, with 0 in place of magnitudes below the limit for its dtype (float32 or float64). NaN stays."""
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


def _advance(table, grads, next_counters, corrections):
    """Advance the counters of every segment that is updated, and compute its corrections from them."""
    for i, g in enumerate(grads if table.counters is not None else ()):
        if g is not False:
            before = table.counters[i].copy()
            table.counters[i] = next_counters(before)
            table.scalars[i, CORRECTION1:] = corrections(before, table.counters[i])


def adam_update(table, grads, *, beta1, beta2, eps, amsgrad=False):
    """For each segment (Kingma and Ba 2015, in PyTorch's form; decay as Loshchilov and Hutter 2019):

    d = g + (l2 w + l1 sign(w)); m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d²;
    root = √v (1 / √correction2) + eps; w = prox(w (1 - lr decay) - (lr / correction1) m / root).
    With amsgrad the root is that of the largest v so far, a third state (Reddi, Kale, Kumar 2018). The prox has each
    coordinate's own step, lr / root. Magnitudes that count as 0: d under 1e-15; the old m and v, and the new w, under
    1e-30 (float64: 1e-150, 1e-290), because a step with denormal numbers takes 10 times as long. grads and table.sums
    are as in sgd_update. If the table has counters (beta1^t, beta2^t), they are advanced first, and
    correction = 1 - beta^t.
    """
    _advance(table, grads, lambda power: power * (beta1, beta2), lambda _, power: 1 - power)
    for w, d, (m, v, *largest), row in _rows(table, grads):
        real = w.dtype.type
        d = _flushed(d, 1e-15, 1e-150)
        m[...] = real(beta1) * _flushed(m, 1e-30, 1e-290) + real(1 - beta1) * d
        v[...] = real(beta2) * _flushed(v, 1e-30, 1e-290) + real(1 - beta2) * (d * d)
        if amsgrad:
            largest[0][...] = v = np.where(largest[0] > v, largest[0], v)
        root = np.sqrt(v) * real(1 / np.sqrt(row[CORRECTION2])) + real(eps)
        _move(w, real(row[LR] / row[CORRECTION1]) * m / root, real(row[LR]) / root, row)
        w[...] = _flushed(w, 1e-30, 1e-290)


def rmsprop_update(table, grads, *, alpha, eps, momentum=0.0, centered=False):
    """For each segment (Tieleman and Hinton 2012, in PyTorch's form; centered: Graves 2013, eq. 38 to 45):

    d as in adam_update; v = alpha v + (1 - alpha) d²; root = √v + eps;
    centered: m = alpha m + (1 - alpha) d, and root = √max(v - m², 0) + eps;
    buf = momentum buf + d / root; w = prox(w (1 - lr decay) - lr buf). The prox has each coordinate's own step,
    lr / root. States: v, then m if centered, then buf if momentum is not 0. Magnitudes that count as 0 are those of
    adam_update, with the limit of m for buf.
    """
    for w, d, (v, *more), row in _rows(table, grads):
        real, lr = w.dtype.type, w.dtype.type(row[LR])
        d = _flushed(d, 1e-15, 1e-150)
        v[...] = real(alpha) * _flushed(v, 1e-30, 1e-290) + real(1 - alpha) * (d * d)
        if centered:
            m = more.pop(0)
            m[...] = real(alpha) * _flushed(m, 1e-30, 1e-290) + real(1 - alpha) * d
            v = np.maximum(v - m * m, 0)
        root = np.sqrt(v) + real(eps)
        move = d / root
        if momentum != 0:
            buf = more[0]
            buf[...] = move = real(momentum) * _flushed(buf, 1e-30, 1e-290) + move
        _move(w, lr * move, lr / root, row)
        w[...] = _flushed(w, 1e-30, 1e-290)


def adagrad_update(table, grads, *, eps, lr_decay=0.0):
    """For each segment (Duchi, Hazan, Singer 2011): v = v + d²; root = √v + eps; w = prox(w - step d / root).

    step = lr / correction1, d as in adam_update; the prox has each coordinate's own step, step / root. If the table has
    counters (t, the number of this step), correction1 = 1 + (t - 1) lr_decay, and t is advanced.
    """
    _advance(table, grads, lambda t: t + (1, 0), lambda t, _: (1 + (t[0] - 1) * lr_decay, 1))
    for w, d, (v, *_), row in _rows(table, grads):
        step = w.dtype.type(row[LR] / row[CORRECTION1])
        d = _flushed(d, 1e-15, 1e-150)
        v += d * d
        root = np.sqrt(v) + w.dtype.type(eps)
        _move(w, step * d / root, step / root, row)
        w[...] = _flushed(w, 1e-30, 1e-290)
