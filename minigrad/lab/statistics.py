"""Means with their spread over seeds, and paired gains with intervals of Student's t."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

# Two-sided 95% points of Student's t for 1 to 30 degrees of freedom.
T95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314,
    2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
)  # fmt: skip
Z95 = 1.959964


def t95(freedom: int) -> float:
    """The number that a t variable exceeds in absolute value once in twenty times.

    Beyond the table by the expansion in 1/freedom around the normal distribution (Abramowitz and Stegun 26.7.5).
    """
    if freedom < 1:
        raise ValueError(f"t95: {freedom} degrees of freedom; need at least 1, that is two seeds")
    if freedom <= len(T95):
        return T95[freedom - 1]
    z = Z95
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    """The standard deviation over seeds (n - 1); NaN of one value."""
    return statistics.stdev(values) if len(values) > 1 else math.nan


class Gain(NamedTuple):
    """A mean difference and the half width of its 95% interval (NaN for one pair)."""

    mean: float
    half: float

    @property
    def verdict(self) -> str:
        """higher or lower where the interval excludes 0, else undecided."""
        if not abs(self.mean) > self.half:
            return "undecided"
        return "higher" if self.mean > 0 else "lower"


def paired_gain(treated: Sequence[float], control: Sequence[float]) -> Gain:
    """Mean of treated - control over pairs (the same seed), with its 95% t interval.

    >>> paired_gain([3.0, 5.0, 4.0], [1.0, 2.0, 3.0]).mean
    2.0
    """
    differences = [a - b for a, b in zip(treated, control, strict=True)]
    n = len(differences)
    return Gain(mean(differences), t95(n - 1) * spread(differences) / math.sqrt(n) if n > 1 else math.nan)
