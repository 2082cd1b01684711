"""The duality gap of least squares with L1, L2, bounds, and columns that are never penalized."""

from __future__ import annotations

import numpy as np

from .bounds import Bounds
from .column_products import dense_columns, dot, product
from .least_squares import solve

ROUNDING = 4e-15  # of l1: what a product that was scaled to l1 may exceed it by


def duality_gap(
    rows: np.ndarray,
    target: np.ndarray,
    total: float,
    u: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    bounds: Bounds | None = None,
) -> float:
    """An upper bound of P(u) minus the minimum of P = 1/2 |c - Z u|² / n + Σ l1|u| + 1/2 Σ l2 u², lower <= u <= upper.

    rows Z (m, p), target c (m,), total n; u, l1, l2 (p,). For any t (m,) and h_j(u) = l1|u| + l2/2 u² within the bounds

        D(t) = c·t / n - 1/2 t·t / n - Σ h_j*(z_j·t / n) <= minimum        h*(v) = max over u of v u - h(u)

    (Fenchel's duality: Rockafellar 1970, Convex analysis, 31). t is k times the residual; of columns without a penalty
    and without a bound h* is infinite unless z_j·t = 0, so the residual is made orthogonal to these first. k is the
    largest number up to 1 with which every h* is finite, or the one that is feasible for the lasso with rows √l2 I
    below Z (Kim, Koh, Lustig, Boyd 2007), whichever bounds better.

    >>> z, c, none = np.eye(2), np.array([3.0, 1.0]), np.zeros(2)
    >>> duality_gap(z, c, 1.0, np.array([2.0, 0.0]), np.ones(2), none)  # the minimum, by soft thresholding
    0.0
    >>> round(duality_gap(z, c, 1.0, none, np.ones(2), none), 3)  # P(0) = 5, the minimum is 3
    2.222
    """
    lower, upper = (np.full(len(u), -np.inf), np.full(len(u), np.inf)) if bounds is None else bounds
    r = target - product(rows, u.reshape(-1, 1))[:, 0]
    t, g = _orthogonal(rows, r, total, (l1 == 0) & (l2 == 0), np.isinf(lower), np.isinf(upper))
    here = 0.5 * (dot(r, r) / total + dot(l2, u * u)) + dot(l1, np.abs(u))
    along, square = dot(target, t) / total, dot(t, t) / total
    below = 0.0  # t = 0
    for k in _scales(g, u, l1, l2, lower, upper):
        conjugates = _conjugates(k * g, k * u, l1, l2, lower, upper)
        below = max(below, k * along - 0.5 * k * k * square - float(conjugates.sum()))
    return max(0.0, here - below)


def _orthogonal(
    rows: np.ndarray, r: np.ndarray, total: float, free: np.ndarray, down: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The residual less its part along free columns, and its products with all columns, 0 for these.

    down and up say which coefficients have no bound below and above. A free column with one bound is left out as long
    as its product says that its coefficient would move towards the bound.
    """
    chosen = free & down & up
    while True:
        columns = dense_columns(rows, np.flatnonzero(chosen))
        t = r - product(columns, solve(columns, r, 0.0).reshape(-1, 1))[:, 0] if chosen.any() else r
        g = np.where(chosen, 0.0, product(rows, t.reshape(-1, 1), ta=True)[:, 0] / total)
        unbounded = free & ((up & (g > 0)) | (down & (g < 0)))
        if not unbounded.any():
            return t, g
        chosen = chosen | unbounded


def _scales(
    g: np.ndarray, u: np.ndarray, l1: np.ndarray, l2: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> tuple[float, float]:
    """Two k in (0, 1]: with every h*(k g) finite, and with |k (g - l2 u)| <= l1 for all columns that have an l1."""
    endless = np.isinf(np.where(g > 0, upper, lower)) & (l2 == 0) & (l1 > 0)
    finite = min(1.0, _least(l1[endless], g[endless]))
    held = l1 > 0
    return finite, min(finite, _least(l1[held], (g - l2 * u)[held]))


def _least(l1: np.ndarray, g: np.ndarray) -> float:
    """The least l1 / |g|, 1 if there is none."""
    return float((l1 / np.maximum(np.abs(g), 1e-300)).min(initial=1.0))


def _conjugates(
    v: np.ndarray, u: np.ndarray, l1: np.ndarray, l2: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """h*(v), or where that is smaller in floating point, its bound l2/2 u² + the h* without l2 of v - l2 u."""
    with np.errstate(all="ignore"):
        best = np.clip(np.where(np.abs(v) > l1, v - l1 * np.sign(v), 0.0) / l2, lower, upper)
        exact = np.where(l2 > 0, v * best - l1 * np.abs(best) - 0.5 * l2 * best * best, np.inf)
        past = np.abs(v - l2 * u) - l1
        end = np.abs(np.where(v - l2 * u > 0, upper, lower))
        split = 0.5 * l2 * u * u + np.where(past > ROUNDING * l1, past * end, 0.0)
    return np.fmin(exact, np.where(np.isnan(split), np.inf, split))
