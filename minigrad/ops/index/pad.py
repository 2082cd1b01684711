"""Borders around a tensor: a constant, or its own elements, reflected, repeated, or those of the other side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...engine import Tensor
from ...errors import ShapeError
from ..shape.slices import place, view
from .gather import take

# --- borders --------------------------------------------------------------------------------------------------------

# For each mode: the place in 0 … n - 1 whose element is repeated at place i outside of it, and the largest border.
BORDERS = {
    "reflect": (lambda i, n: n - 1 - np.abs(n - 1 - np.abs(i)), lambda n: n - 1),
    "replicate": (lambda i, n: np.where(i < 0, 0, np.where(i < n, i, n - 1)), lambda n: math.inf if n else 0),
    "circular": (lambda i, n: i % n, lambda n: n),
}


def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """x with borders: pad is (left, right) of the last dimension, then of the one before; negative widths cut off.

    mode: constant (of `value`, 0 if None), reflect (the edge is not repeated), replicate (the edge is), circular.

    ShapeError for widths that are no pairs, leave a negative size, or reach beyond what a mode can repeat; ValueError
    for another mode, or a value beside one that takes none.

    >>> import minigrad as mg
    >>> x = mg.tensor([1, 2, 3])
    >>> mg.pad(x, (1, 2)), mg.pad(x, (2, 1), "reflect")
    (tensor([0., 1., 2., 3., 0., 0.]), tensor([3., 2., 1., 2., 3., 2.]))
    """
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    if len(pad) % 2 or len(widths) > x.ndim or any(min(a, 0) + min(b, 0) < -n for n, (a, b) in zip(x.shape, widths)):
        raise ShapeError(f"pad: {tuple(pad)} for {x.shape}; need pairs, at most {x.ndim}, that leave no size negative")
    if mode == "constant":
        return _bordered(x, widths, value or 0)
    if mode not in BORDERS or value is not None:
        raise ValueError(f"pad: mode {mode!r}, value {value}; need constant, or {', '.join(BORDERS)} without a value")
    source, reach = BORDERS[mode]
    for d, (a, b) in enumerate(widths):
        n = x.shape[d]
        if a == b == 0:
            continue
        if max(a, b) > reach(n):
            raise ShapeError(f"pad: {mode} by {a} and {b} along dim {d} of {x.shape}; need at most {reach(n)}")
        x = take(x, Tensor(source(np.arange(-a, n + b), n)), dim=d)
    return x


def _bordered(x: Tensor, widths: list[tuple[int, int]], value: float) -> Tensor:
    """x with borders of one number: widths (before, behind) per dimension, where a negative one cuts off."""
    if any(a < 0 or b < 0 for a, b in widths):
        x = view(x, index=tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths)))
        widths = [(max(a, 0), max(b, 0)) for a, b in widths]
    inner = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, widths))
    return place(x, index=inner, shape=tuple(a + n + b for n, (a, b) in zip(x.shape, widths)), value=value)
