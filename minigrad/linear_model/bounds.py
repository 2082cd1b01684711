"""Bounds of coefficients: lower <= 0 <= upper, and what they change in slopes and optimality conditions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np


class Bounds(NamedTuple):
    """The least and the largest value of each coefficient, two arrays of one shape; infinite where there is none."""

    lower: np.ndarray
    upper: np.ndarray

    def reach(self, slopes: np.ndarray) -> np.ndarray:
        """|slopes| (..., p), with 0 where a coefficient of 0 cannot move along its slope.

        >>> Bounds(np.array([0.0, -1.0]), np.array([2.0, 0.0])).reach(np.array([[3.0, 4.0], [-3.0, -4.0]])).tolist()
        [[3.0, 0.0], [0.0, 4.0]]
        """
        return np.where(np.where(slopes > 0, self.upper > 0, self.lower < 0), np.abs(slopes), 0.0)

    def times(self, scale: np.ndarray | float) -> Bounds:
        """Both times positive numbers; what leaves the range of float64 is no bound."""
        with np.errstate(over="ignore", under="ignore"):
            return Bounds(self.lower * scale, self.upper * scale)

    def of(self, columns: Any) -> Bounds:
        """Those of some columns, contiguous."""
        return Bounds(*(np.ascontiguousarray(side[..., columns]) for side in self))

    def flat(self) -> dict[str, np.ndarray]:
        """As keywords of the kernel coordinate_descent."""
        return {"lower": self.lower.reshape(-1), "upper": self.upper.reshape(-1)}


def checked(value: Any, name: str, side: str) -> float | tuple[float, ...] | None:
    """A bound for all coefficients, or one for each; None if none of them is finite. ValueError for what is no bound.

    >>> checked(0, "Regression: lower", "lower"), checked([0, -np.inf], "Regression: lower", "lower")
    (0.0, (0.0, -inf))
    >>> checked(1.0, "Regression: lower", "lower")
    Traceback (most recent call last):
      ...
    ValueError: Regression: lower is 1.0; need at most 0, as every path starts at coefficients of 0; -inf: no bound
    """
    if value is None:
        return None
    try:
        given = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        given = np.full((), math.nan)
    if given.ndim > 1:
        raise ValueError(f"{name} is {given.shape}; need one number, or one for each column")
    wrong = ~(given.reshape(-1) <= 0) if side == "lower" else ~(given.reshape(-1) >= 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        where, what = (f"{name}[{at}]", given[at].item()) if given.ndim else (name, value)
        need, none = ("at most 0", "-inf") if side == "lower" else ("at least 0", "inf")
        raise ValueError(f"{where} is {what}; need {need}, as every path starts at coefficients of 0; {none}: no bound")
    if np.isinf(given).all():
        return None
    plain = (given + 0.0).tolist()  # -0.0 becomes 0.0
    return tuple(plain) if given.ndim else plain


def bounds_of(lower: Any, upper: Any, columns: int) -> Bounds | None:
    """The bounds of a family for so many columns of x; None without any. ValueError for another number of them."""
    if lower is None and upper is None:
        return None
    sides = []
    for name, given, none in (("lower", lower, -math.inf), ("upper", upper, math.inf)):
        values = np.asarray(none if given is None else given, np.float64)
        if values.ndim and len(values) != columns:
            raise ValueError(f"{name} has {len(values)} numbers; need one, or one for each of {columns} columns of x")
        sides.append(np.array(np.broadcast_to(values, (columns,))))
    return Bounds(*sides)


def violations(v: np.ndarray, g: np.ndarray, l1: np.ndarray, bounds: Bounds | None = None) -> np.ndarray:
    """How far each slope g is from l1 sign(v), or outside of ±l1 where v is 0.

    At a bound only the direction that leads away from it counts: for v at its upper bound what g lacks of l1 sign(v),
    at its lower bound what it has above.
    """
    if bounds is None:
        return np.where(v != 0, np.abs(g - l1 * np.sign(v)), np.maximum(np.abs(g) - l1, 0))
    rising = np.where(v < bounds.upper, g - np.where(v >= 0, l1, -l1), 0.0)
    falling = np.where(v > bounds.lower, np.where(v > 0, l1, -l1) - g, 0.0)
    return np.maximum(np.maximum(rising, falling), 0.0)
