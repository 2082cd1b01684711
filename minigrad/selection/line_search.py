"""Descent on the logarithms of strengths: limited-memory BFGS directions, bounded steps, backtracking."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..linear_model.column_products import dot

PAIRS = 10  # of (step, change of slope) that a direction is made from
HALVINGS = 20
FIRST, LARGEST = 0.5, 1.0  # of any log λ in the first step, and in every other
DECREASE = 1e-4  # of what the slope promises (Armijo 1966)


class Point(NamedTuple):
    """Where the descent stood: log λ, the mean loss over folds, its slope, and the losses of the folds."""

    theta: np.ndarray
    value: float
    slope: np.ndarray
    folds: list[float]


def descend(
    at: Callable[[np.ndarray], Point],
    start: Point,
    *,
    steps: int,
    tol: float,
    low: np.ndarray,
    high: np.ndarray,
    after: Callable[[], None] = lambda: None,
) -> tuple[list[Point], str]:
    """The points from the start on, each below the last, and why it ended; log λ stay within low and high.

    at(log λ) gives a point, of an infinite value where nothing could be fitted. A step is taken only if the value falls
    by a share of what the slope promises, so no point is worse than the start.

    >>> def at(theta):
    ...     return Point(theta, float((theta * theta).sum()), 2 * theta, [])
    >>> low, high = np.full(2, -5.0), np.full(2, 5.0)
    >>> path, why = descend(at, at(np.array([1.0, -3.0])), steps=50, tol=1e-9, low=low, high=high)
    >>> path[-1].value < 1e-12, why
    (True, 'the slope is 0')
    """
    path, pairs, small = [start], [], 0  # type: list[Point], list[tuple[np.ndarray, np.ndarray]], int
    for _ in range(steps):
        here = path[-1]
        slope = _within(here, low, high)
        if np.abs(slope).max(initial=0.0) <= tol * max(abs(here.value), 1e-300):
            return path, "the slope is 0"
        found = _step(at, here, slope, _direction(slope, pairs, here, low, high), low, high)
        if found is None and pairs:
            pairs.clear()
            found = _step(at, here, slope, _direction(slope, pairs, here, low, high), low, high)
        if found is None:
            return path, "no smaller step goes down: a kink, or the end of what can be computed"
        moved, turned = found.theta - here.theta, found.slope - here.slope
        if dot(moved, turned) > 1e-10 * dot(moved, moved):
            pairs.append((moved, turned))
            del pairs[:-PAIRS]
        path.append(found)
        after()
        small = small + 1 if here.value - found.value <= tol * abs(here.value) else 0
        if small == 2:
            return path, "two steps in a row gained next to nothing"
    return path, f"all {steps} steps were taken"


def _within(here: Point, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The slope, 0 where it leads out of the bounds."""
    out = ((here.theta <= low) & (here.slope > 0)) | ((here.theta >= high) & (here.slope < 0))
    return np.where(out, 0.0, here.slope)


def _direction(
    slope: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]], here: Point, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Downhill: the two loops of L-BFGS (Nocedal 1980); without pairs minus the slope. A log λ moves by at most 1."""
    q, shares = slope.copy(), []
    for moved, turned in reversed(pairs):
        share = dot(moved, q) / dot(moved, turned)
        shares.append(share)
        q -= share * turned
    if pairs:
        moved, turned = pairs[-1]
        q *= dot(moved, turned) / dot(turned, turned)
    for (moved, turned), share in zip(pairs, reversed(shares)):
        q += (share - dot(turned, q) / dot(moved, turned)) * moved
    q = np.where(slope == 0, 0.0, q)
    if not dot(q, slope) > 0:
        q = slope.copy()
        pairs.clear()
    largest = float(np.abs(q).max())
    return -q * (min(1.0, LARGEST / largest) if pairs else FIRST / largest)


def _step(
    at: Callable[[np.ndarray], Point],
    here: Point,
    slope: np.ndarray,
    direction: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Point | None:
    """The first point along the direction, at halving distances, that is low enough; None if there is none."""
    size = 1.0
    for _ in range(HALVINGS):
        theta = np.clip(here.theta + size * direction, low, high)
        promised = dot(slope, theta - here.theta)
        found = at(theta)
        if math.isfinite(found.value) and found.value < here.value + DECREASE * min(promised, 0.0):
            return found
        size *= 0.5
    return None
