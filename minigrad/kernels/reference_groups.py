"""Groups of elements and their norms in NumPy, part of reference.py.

The groups of x lie along its axes first <= axis < last: there is one for each element of the other axes, as in sum.
‖u‖ is the root of Σu² from float64 accumulators. A NaN in a group makes all of it NaN.
"""

import numpy as np

from .reference_penalty import shrink


def _blocks(x, first, last):
    """x as (outer, group, inner)."""
    outer, inner = (int(np.prod(x.shape[a:b], dtype=np.intp)) for a, b in ((0, first), (last, x.ndim)))
    return x.reshape(outer, int(np.prod(x.shape[first:last], dtype=np.intp)), inner)


def _norms(blocks):
    """The norm of each group, float64, in the place of its axis."""
    wide = blocks.astype(np.float64)
    return np.sqrt((wide * wide).sum(1, keepdims=True))


def _scaled(blocks, factor, out):
    """out = blocks factor, rounded once from float64; zeros are +0."""
    np.copyto(out, (blocks.astype(np.float64) * factor + 0.0).reshape(out.shape), casting="same_kind")


def group_norm(x, out, first, last):
    """out = the norm of each group."""
    np.copyto(out, _norms(_blocks(x, first, last)).reshape(out.shape), casting="same_kind")


def group_soft_threshold(v, step, out, first, last, *, l1, strength):
    """out = u max(1 - step strength / ‖u‖, 0) in each group, u = soft(v, step l1): 0 where ‖u‖ <= step strength.

    step has one element per group. It is the proximal map of l1 Σ|w| + strength Σ ‖group‖ (Simon et al. 2013).
    """
    real = v.dtype.type
    blocks = _blocks(v, first, last)
    step = step.reshape(len(blocks), 1, -1)
    u = shrink(blocks, step * real(l1), real(1)) if real(l1) != 0 else blocks
    norm, limit = _norms(u), (step * real(strength)).astype(np.float64)
    factor = np.where(norm > limit, 1 - limit / norm, 0)
    _scaled(u, np.where(np.isnan(norm), norm, factor), out)


def group_limit(v, out, first, last, *, low, high):
    """out = v, each group scaled to the nearest norm in [low, high]; a group of zeros stays one."""
    real = v.dtype.type
    blocks = _blocks(v, first, last)
    norm = _norms(blocks)
    wanted = np.clip(norm, np.float64(real(low)), np.float64(real(high)))
    _scaled(blocks, np.where((norm == wanted) | (norm == 0), 1.0, wanted / norm), out)
