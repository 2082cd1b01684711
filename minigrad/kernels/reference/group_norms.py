"""Groups of elements and their norms in NumPy.

A group of x is the elements along its axes first <= axis < last, one group for each element of the other axes, as in
sum. All is computed in float64 and rounded once. A NaN in a group makes the whole group NaN; zeros are +0.
"""

import numpy as np

from .penalty import shrink


def _blocks(x, first, last):
    """x as float64 (outer, group, inner)."""
    outer, inner = (int(np.prod(x.shape[a:b], dtype=np.intp)) for a, b in ((0, first), (last, x.ndim)))
    return x.astype(np.float64).reshape(outer, int(np.prod(x.shape[first:last], dtype=np.intp)), inner)


def _norms(blocks):
    """The norm of each group, with its axis kept. If the squares overflow or vanish, the elements are scaled first."""
    with np.errstate(over="ignore"):
        squares = (blocks * blocks).sum(1, keepdims=True)
    by = np.where(squares < 2.0**-900, 2.0**600, np.where(squares == np.inf, 2.0**-600, 1.0))
    if (by == 1).all():
        return np.sqrt(squares)
    blocks = blocks * by
    return np.sqrt((blocks * blocks).sum(1, keepdims=True)) / by


def _scaled(blocks, factor, out):
    """out = blocks factor."""
    out[...] = np.where(factor == 0, 0.0, blocks * factor + 0.0).reshape(out.shape)


def group_norm(x, out, first, last):
    """out (float64) = the norm of each group."""
    out[...] = _norms(_blocks(x, first, last)).reshape(out.shape)


def group_soft_threshold(v, step, out, first, last, *, l1, strength):
    """out = u max(1 - step strength / ‖u‖, 0) in each group, u = soft(v, step l1): 0 where ‖u‖ <= step strength.

    step >= 0 has one element per group. It is the proximal map of l1 Σ|w| + strength Σ ‖group‖ (Simon et al. 2013).
    """
    blocks = _blocks(v, first, last)
    step = step.astype(np.float64).reshape(len(blocks), 1, blocks.shape[2])
    l1, strength = (np.float64(v.dtype.type(x)) for x in (l1, strength))
    u = shrink(blocks, np.fmax(step * l1, 0), 1.0)
    norm, limit = _norms(u), step * strength
    _scaled(u, np.where(np.isnan(norm), norm, np.where(norm > limit, 1 - limit / norm, 0)), out)


def group_limit(v, out, first, last, *, low, high):
    """out = v, with each group scaled so that its norm lies in [low, high]; a group of zeros stays 0."""
    blocks = _blocks(v, first, last)
    norm = _norms(blocks)
    wanted = np.clip(norm, *(np.float64(v.dtype.type(x)) for x in (low, high)))
    _scaled(blocks, np.where((norm == wanted) | (norm == 0), 1.0, wanted / norm), out)


def group_level(w, before, square, step, first, last, *, lr, root, eps, scale):
    """Give all coordinates of a group one step: an update moved w from `before`, each coordinate by its own step
    lr / metric, and w = (w - before) metric / top + before makes it lr / top, where top is the group's largest metric.

    step (one element per group) = lr / top; metric = (√square root + eps) scale, every operation rounded to the dtype.
    A square that is NaN is ignored in the maximum. root and scale may be float64 arrays of one element, which another
    kernel writes before each call: then root = 1 / √array and scale = array.
    """
    real = w.dtype.type
    root = 1 / np.sqrt(float(root)) if isinstance(root, np.ndarray) else root
    scale = float(scale) if isinstance(scale, np.ndarray) else scale
    shape = w.shape[:first] + (1,) * (last - first) + w.shape[last:]
    most = np.fmax.reduce(square, axis=tuple(range(first, last)), initial=0).reshape(shape)
    metric, top = ((np.sqrt(x) * real(root) + real(eps)) * real(scale) for x in (square, most))
    step[...] = (real(lr) / top).reshape(step.shape)
    w[...] = (w - before) * (metric / top) + before
