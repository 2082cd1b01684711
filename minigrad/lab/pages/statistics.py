"""Means with their spread over seeds, paired gains with intervals of Student's t, and Holm's correction."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

# Two-sided 95% points of Student's t for 1 to 30 degrees of freedom.
T95 = (
    12.70620,
    4.30265,
    3.18245,
    2.77645,
    2.57058,
    2.44691,
    2.36462,
    2.30600,
    2.26216,
    2.22814,
    2.20099,
    2.17881,
    2.16037,
    2.14479,
    2.13145,
    2.11991,
    2.10982,
    2.10092,
    2.09302,
    2.08596,
    2.07961,
    2.07387,
    2.06866,
    2.06390,
    2.05954,
    2.05553,
    2.05183,
    2.04841,
    2.04523,
    2.04227,
)
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


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of a median, two of the sorted values, whatever their distribution; of fewer than 6, all.

    >>> median_interval(range(1, 101))
    (40, 61)
    """
    ordered = sorted(values)
    outside = max(round((len(ordered) - Z95 * math.sqrt(len(ordered))) / 2), 1)  # a binomial number, as normal
    return ordered[outside - 1], ordered[-outside]


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

    def against(self, wanted: str, bound: float = 0.0) -> bool | None:
        """Whether the interval lies on the wanted side of the bound, higher or lower; None where it covers the bound.

        >>> [Gain(mean, 1.0).against("higher") for mean in (2.0, 0.5, -2.0)]
        [True, None, False]
        """
        verdict = Gain(self.mean - bound, self.half).verdict
        return None if verdict == "undecided" else verdict == wanted


def paired_gain(treated: Sequence[float], control: Sequence[float]) -> Gain:
    """Mean of treated - control over pairs (the same seed), with its 95% t interval.

    >>> paired_gain([3.0, 5.0, 4.0], [1.0, 2.0, 3.0]).mean
    2.0
    """
    differences = [a - b for a, b in zip(treated, control, strict=True)]
    n = len(differences)
    return Gain(mean(differences), t95(n - 1) * spread(differences) / math.sqrt(n) if n > 1 else math.nan)


def t_tail(t: float, freedom: int) -> float:
    """The probability that a t variable exceeds |t| in absolute value (Abramowitz and Stegun 26.7.3 and 26.7.4).

    >>> round(t_tail(4.30265, 2), 6), round(t_tail(1.0, 1), 6)
    (0.05, 0.5)
    """
    angle = math.atan(abs(t) / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2
    term, total = math.cos(angle) if odd else 1.0, 0.0
    for i in range(1 + odd, freedom, 2):
        total += term
        term *= square * i / (i + 1)
    inside = math.sin(angle) * total
    return max(0.0, 1 - (2 / math.pi * (angle + inside) if odd else inside))


def paired_p(treated: Sequence[float], control: Sequence[float]) -> float:
    """The two-sided p value of the paired t test."""
    gain, n = paired_gain(treated, control), len(treated)
    error = gain.half / t95(n - 1)
    return t_tail(gain.mean / error, n - 1) if error else float(gain.mean == 0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values: below 0.05, a comparison holds among all of them with a joint error of 0.05.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted, last, count = [0.0] * len(p_values), 0.0, len(p_values)
    for rank, i in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        last = adjusted[i] = min(1.0, max(last, (count - rank) * p_values[i]))
    return adjusted
