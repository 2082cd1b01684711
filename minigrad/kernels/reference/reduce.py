"""Reductions in NumPy: over the axes first <= axis < last of x; out has the other axes."""

import numpy as np

from ...errors import NonFiniteError
from .gather import check_indices


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


def check_finite(x):
    """NonFiniteError if an element is NaN or infinite; in a replay this ends the run."""
    if not np.isfinite(x).all():
        raise NonFiniteError(f"check_finite: {x.dtype} {x.shape} has a number that is NaN or infinite")
