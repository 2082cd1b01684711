"""Means with their spread over seeds, and paired gains with intervals of Student's t."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

# Two-sided 95% points of Student's t for 1 to 30 degrees of freedom.
T95 = (
    12.70620, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.30600, 2.26216, 2.22814,
    2.20099, 2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596,
    2.07961, 2.07387, 2.06866, 2.06390, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227,
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
    z, n = Z95, freedom
    corrections = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(c / n**power for power, c in enumerate(corrections, 1))


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
