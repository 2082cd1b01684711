"""Penalties in NumPy: the elastic net (value and gradient, gradient alone) and its proximal map."""

import numpy as np

from ...dtypes import REAL
from ...errors import DTypeError


def slope(w, l1, l2):
    """l2 w + l1 sign(w); a term whose coefficient is 0 is left out: 0 times an infinite weight would be NaN."""
    if l2 == 0:
        return l1 * np.sign(w)
    return l2 * w if l1 == 0 else l2 * w + l1 * np.sign(w)


def _check_real(kernel, x):
    """DTypeError for an array of integers, in which a penalty of 0.1 would be rounded to 0."""
    if x.dtype not in REAL:
        raise DTypeError(f"{kernel}: an array is {x.dtype} {x.shape}; need float32 or float64")


def elastic_net(w, value, grad=None, *, l1, l2):
    """value (0-d) = l1 Σ|w| + (l2/2) Σw² from float64 accumulators; grad, if given, as elastic_net_grad with scale 1.

    A term whose coefficient is 0 is left out of both.
    """
    _check_real("elastic_net", w)
    l1, l2, w64 = w.dtype.type(l1), w.dtype.type(l2), w.astype(np.float64)
    first = np.float64(l1) * np.abs(w64).sum() if l1 != 0 else 0.0
    second = 0.5 * np.float64(l2) * (w64 * w64).sum() if l2 != 0 else 0.0
    value[...] = first + second
    if grad is not None:
        grad[...] = slope(w, l1, l2)


def elastic_net_grad(w, out, *, l1, l2, scale=1.0):
    """out = scale (l2 w + l1 sign(w)), sign(0) = 0, rounded after each operation (no fused multiply-add).

    NaN stays NaN; a term whose coefficient is 0 is left out.
    """
    _check_real("elastic_net_grad", w)
    np.multiply(slope(w, w.dtype.type(l1), w.dtype.type(l2)), scale, out=out)


def shrink(v, t, d):
    """sign(v) max(|v| - t, 0) / d: v moved toward 0 by t, then divided by d. Zeros are +0; NaN in v or t gives NaN."""
    return np.where(np.abs(v) <= t, 0, np.copysign(np.abs(v) - t, v) / d)


def soft_threshold(v, out, *, step, l1, l2):
    """out = sign(v) max(|v| - step l1, 0) / (1 + step l2): the proximal map of the elastic net. Zeros are +0."""
    _check_real("soft_threshold", v)
    step, l1, l2 = v.dtype.type(step), v.dtype.type(l1), v.dtype.type(l2)
    np.copyto(out, shrink(v, step * l1, 1 + step * l2))
