"""The losses of rows that generalized linear models minimize: their values, slopes, curvatures and conjugates.

A term holds the targets y (m,) and takes t (m,), the output of each row with its offset. Every exp and log is a kernel.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .. import kernels as K
from .column_products import dot

STEADY = 1e-3  # of the curvature of a majorizer, where the loss of a row has none: see AbsoluteTails


def exponential(t: np.ndarray) -> np.ndarray:
    """exp(t) by the kernel; inf beyond 709.78."""
    out = K.empty_like(t)
    with np.errstate(over="ignore"):
        K.exp(t, out)
    return out


def logarithm(x: np.ndarray) -> np.ndarray:
    """log(x) by the kernel; -inf at 0."""
    out = K.empty_like(x)
    with np.errstate(divide="ignore"):
        K.log(x, out)
    return out


def times_log(x: np.ndarray) -> np.ndarray:
    """x log x, 0 at 0.

    >>> times_log(np.array([0.0, 1.0])).tolist()
    [0.0, 0.0]
    """
    return np.where(x > 0, x * logarithm(np.where(x > 0, x, 1.0)), 0.0)


class DataTerm(Protocol):
    """The loss f(t) of each row, convex in t.

    y           the targets, (m,)
    quadratic   whether f is: its curvatures are then the same at any t
    """

    y: np.ndarray
    quadratic: bool

    def values(self, t: np.ndarray) -> np.ndarray:
        """f(t) up to a constant, (m,); inf where it leaves the range of float64."""

    def residuals(self, t: np.ndarray) -> np.ndarray:
        """-f'(t), (m,)."""

    def curvatures(self, t: np.ndarray) -> list[np.ndarray]:
        """f''(t), (m,), and what to take where a step with it does not lower the objective: that of a majorizer."""

    def dual(self, u: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """-f*(-u), (m,), of f as a function of t - offset: the dual objective at residuals u."""

    def balanced(self, u: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Residuals next to u (m,), in the domain of the dual, with Σ share u = 0, as an intercept needs them."""

    def deviance(self, t: np.ndarray) -> np.ndarray:
        """Twice the loss above that of the best t of each row, (m,)."""


class Squares:
    """½ (y - t)²."""

    quadratic = True

    def __init__(self, y: np.ndarray) -> None:
        self.y = y

    def values(self, t: np.ndarray) -> np.ndarray:
        return 0.5 * (self.y - t) ** 2

    def residuals(self, t: np.ndarray) -> np.ndarray:
        return self.y - t

    def curvatures(self, t: np.ndarray) -> list[np.ndarray]:
        return [np.ones(len(t))]

    def dual(self, u: np.ndarray, offset: np.ndarray) -> np.ndarray:
        return u * (self.y - offset) - 0.5 * u * u

    def balanced(self, u: np.ndarray, share: np.ndarray) -> np.ndarray:
        return u - dot(share, u)

    def deviance(self, t: np.ndarray) -> np.ndarray:
        return (self.y - t) ** 2


class AbsoluteTails:
    """Huber's loss of r = y - t: ½ r² for |r| <= limit, limit |r| - ½ limit² beyond (Huber 1964, Ann. Math. Stat. 35).

    Beyond the limit it has no curvature, and Newton's matrix may be singular. There min(1, limit / |r|), the curvature
    of the quadratic that touches the loss at r and lies above it (Huber's weights), takes part with a thousandth.
    """

    quadratic = False

    def __init__(self, y: np.ndarray, limit: float) -> None:
        self.y, self.limit = y, limit

    def values(self, t: np.ndarray) -> np.ndarray:
        size = np.abs(self.y - t)
        inside = np.minimum(size, self.limit)
        return inside * (size - 0.5 * inside)

    def residuals(self, t: np.ndarray) -> np.ndarray:
        return np.clip(self.y - t, -self.limit, self.limit)

    def curvatures(self, t: np.ndarray) -> list[np.ndarray]:
        size = np.abs(self.y - t)
        above = self.limit / np.maximum(size, self.limit)
        return [np.where(size <= self.limit, 1.0, STEADY * above), above]

    def dual(self, u: np.ndarray, offset: np.ndarray) -> np.ndarray:
        return u * (self.y - offset) - 0.5 * u * u

    def balanced(self, u: np.ndarray, share: np.ndarray) -> np.ndarray:
        u = u - dot(share, u)
        return u * min(1.0, self.limit / max(float(np.abs(u).max()), 1e-300))

    def deviance(self, t: np.ndarray) -> np.ndarray:
        return 2 * self.values(t)


class Counts:
    """exp(t) - y t: minus the log likelihood of a Poisson count y of rate exp(t), without log y!."""

    quadratic = False

    def __init__(self, y: np.ndarray) -> None:
        self.y = y

    def values(self, t: np.ndarray) -> np.ndarray:
        return exponential(t) - self.y * t

    def residuals(self, t: np.ndarray) -> np.ndarray:
        return self.y - exponential(t)

    def curvatures(self, t: np.ndarray) -> list[np.ndarray]:
        return [exponential(t)]

    def dual(self, u: np.ndarray, offset: np.ndarray) -> np.ndarray:
        rate = np.maximum(self.y - u, 0.0)
        return rate - times_log(rate) - u * offset

    def balanced(self, u: np.ndarray, share: np.ndarray) -> np.ndarray:
        rate = self.y - u
        return self.y - rate * (dot(share, self.y) / max(dot(share, rate), 1e-300))

    def deviance(self, t: np.ndarray) -> np.ndarray:
        """2 (y log(y / μ) - (y - μ)), 2 μ where y is 0."""
        rate = exponential(t)
        return 2 * np.maximum(times_log(self.y) - self.y * t - (self.y - rate), 0.0)


class TwoClasses:
    """log(1 + exp(t)) - y t: minus the log likelihood of class y, 0 or 1, whose log odds are t."""

    quadratic = False

    def __init__(self, y: np.ndarray) -> None:
        self.y = y

    def values(self, t: np.ndarray) -> np.ndarray:
        losses = K.empty_like(t)
        K.bce_with_logits(t, self.y, losses, reduction=K.reference.NONE)
        return losses

    def residuals(self, t: np.ndarray) -> np.ndarray:
        return self.y - self._probabilities(t)

    def curvatures(self, t: np.ndarray) -> list[np.ndarray]:
        p = self._probabilities(t)
        return [p * (1 - p), np.full(len(t), 0.25)]

    def dual(self, u: np.ndarray, offset: np.ndarray) -> np.ndarray:
        p = np.clip(self.y - u, 0.0, 1.0)
        return -times_log(p) - times_log(1 - p) - u * offset

    def balanced(self, u: np.ndarray, share: np.ndarray) -> np.ndarray:
        ones, zeros = dot(share, np.maximum(u, 0.0)), dot(share, np.maximum(-u, 0.0))
        less = min(ones, zeros)
        return np.where(u > 0, u * (less / max(ones, 1e-300)), u * (less / max(zeros, 1e-300)))

    def deviance(self, t: np.ndarray) -> np.ndarray:
        return 2 * self.values(t)

    @staticmethod
    def _probabilities(t: np.ndarray) -> np.ndarray:
        out = K.empty_like(t)
        K.sigmoid(t, out)
        return out
