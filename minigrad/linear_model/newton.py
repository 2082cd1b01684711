"""Proximal Newton steps for generalized linear models: each minimizes a quadratic model of the data term + the penalty.

Lee, Sun, Saunders 2014, Proximal Newton-type methods for minimizing composite functions, SIAM J. Optim. 24.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np

from .bounds import violations
from .column_products import dot, product
from .columns import SWEEPS, descend
from .data_terms import DataTerm
from .least_squares import solve

NEWTON_STEPS, HALVINGS = 200, 50
DRIFT = 0.1
ROUNDING = 4e-15  # of the objective: what two evaluations of it may differ by
NEAR = 1e-6  # of λ_max: where the objective no longer tells steps apart, so small a violation counts as none


class Penalty(Protocol):
    """A convex penalty of coefficients v (1, columns).

    free    whether a coefficient other than the intercept is not penalized
    """

    free: bool

    def value(self, v: np.ndarray) -> float:
        """What is added to the data term."""

    def violation(self, v: np.ndarray, slope: np.ndarray) -> float:
        """The largest violation of the optimality conditions at v, where minus the gradient of the data is slope."""

    def improve(self, quadratic: Weighted, v: np.ndarray, sweeps: int, tolerance: float) -> int:
        """Minimize the quadratic, which stands at v, + the penalty, in place, to this violation; the sweeps."""

    def room(self, slope: np.ndarray) -> float:
        """The largest k <= 1 for which the conjugate at k slope is finite."""

    def conjugate(self, slope: np.ndarray) -> float:
        """The conjugate of the penalty where it is finite."""


class ElasticNet:
    """Σ l1|v| + ½ Σ l2 v², with a strength of each coefficient, (1, columns); the intercept, if any, is the last.

    >>> net = ElasticNet(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]), 0)
    >>> net.value(np.array([[3.0, -1.0]])), net.room(np.array([[2.0, 9.0]]))
    (7.0, 0.5)
    """

    def __init__(self, l1: np.ndarray, l2: np.ndarray, intercept: int) -> None:
        self.l1, self.l2, self.inputs = l1, l2, l1.shape[1] - intercept
        self.free = bool((l1 + l2 == 0)[0, : self.inputs].any())

    def value(self, v: np.ndarray) -> float:
        return dot(self.l1, np.abs(v)) + 0.5 * dot(self.l2, v * v)

    def violation(self, v: np.ndarray, slope: np.ndarray) -> float:
        return float(violations(v, slope - self.l2 * v, self.l1).max())

    def improve(self, quadratic: Weighted, v: np.ndarray, sweeps: int, tolerance: float) -> int:
        direct = not self.l1.any()
        most = min(sweeps, SWEEPS) if direct else sweeps
        done, largest = descend(quadratic, v, self.l1, self.l2, sweeps=most, tolerance=tolerance)
        if direct and largest > tolerance:  # columns that are nearly dependent
            v[0] = quadratic.least(self.l2)
        return done

    def room(self, slope: np.ndarray) -> float:
        l1, l2, size = (each[0, : self.inputs] for each in (self.l1, self.l2, np.abs(slope)))
        tight = (l2 == 0) & (size > l1)
        return float((l1[tight] / size[tight]).min()) if tight.any() else 1.0

    def conjugate(self, slope: np.ndarray) -> float:
        l1, l2, size = (each[0, : self.inputs] for each in (self.l1, self.l2, np.abs(slope)))
        over = np.maximum(size - l1, 0.0)
        return 0.5 * dot(over, np.where(l2 > 0, over / np.where(l2 > 0, l2, 1.0), 0.0))


class Outcome(NamedTuple):
    """How a minimization ended: Newton steps, the largest violation that is left, and whether it is small enough."""

    steps: int
    violation: float
    settled: bool


class Problem:
    """Σ share f(rows v + offset) of a data term f: share (m,), rows (m, columns), offset (m,), v (1, columns)."""

    def __init__(self, term: DataTerm, share: np.ndarray, rows: np.ndarray, offset: np.ndarray) -> None:
        self.term, self.share, self.rows, self.offset = term, share, rows, offset
        self.grams = Grams() if term.quadratic else None

    def outputs(self, v: np.ndarray) -> np.ndarray:
        """t = rows v + offset, (m,)."""
        moved = np.flatnonzero(v[0])
        if 2 * len(moved) < v.shape[1]:
            t = product(np.ascontiguousarray(self.rows[:, moved]), v[:, moved], tb=True)[:, 0]
        else:
            t = product(self.rows, v, tb=True)[:, 0]
        return t + self.offset

    def loss(self, t: np.ndarray) -> float:
        """Σ share f(t); inf or NaN where it leaves the range of float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            return dot(self.share, self.term.values(t))

    def slope(self, t: np.ndarray) -> np.ndarray:
        """Minus the gradient, (1, columns)."""
        return product((self.term.residuals(t) * self.share).reshape(-1, 1), self.rows, ta=True)

    def minimize(self, v: np.ndarray, penalty: Penalty, tolerance: float, near: float, sweeps: int) -> Outcome:
        """Move v, in place, until the optimality conditions hold to `tolerance`, or no step lowers the objective.

        `near` is the violation at which the latter counts as settled. A step is shortened until the objective falls by
        a ten thousandth of what the quadratic model promises; where its promise is smaller than the rounding of the
        objective, it is taken if it halves the violation.
        """
        t = self.outputs(v)
        value, slope = self.loss(t) + penalty.value(v), self.slope(t)
        far = penalty.violation(v, slope)
        steps = 0
        while far > tolerance and steps < NEWTON_STEPS:
            goal = 0.1 * tolerance if self.term.quadratic else max(1e-3 * far, 0.1 * tolerance)
            moved = self._step(v, t, value, slope, far, penalty, goal, sweeps)
            if moved is None:
                break
            v[...], t, value, slope, far = moved
            steps += 1
        settled = far <= max(tolerance, near) and not (penalty.free and self._drifts(v, t, penalty, far))
        return Outcome(steps, far, settled)

    def _step(
        self,
        v: np.ndarray,
        t: np.ndarray,
        value: float,
        slope: np.ndarray,
        far: float,
        penalty: Penalty,
        goal: float,
        sweeps: int,
    ) -> tuple[np.ndarray, np.ndarray, float, np.ndarray, float] | None:
        """The next v with its outputs, objective, slope and violation; None where no step gets nearer."""
        size_of = dot(self.share, np.abs(self.term.values(t))) + abs(value)
        for curvature in self.term.curvatures(t):
            target = v.copy()
            penalty.improve(Weighted(self, t, curvature), target, sweeps, goal)
            move = target - v
            promised = penalty.value(target) - penalty.value(v) - dot(slope, move)
            along = self.outputs(target) - t
            if not math.isfinite(promised):
                continue
            if -promised <= 10 * ROUNDING * size_of:
                found = self._at(target, penalty)
                if found[-1] <= 0.5 * far:
                    return found
                continue
            size = 1.0
            for _ in range(HALVINGS):
                now = self.loss(t + size * along) + penalty.value(v + size * move)
                if now <= value + 1e-4 * size * promised + ROUNDING * size_of:
                    return self._at(target if size == 1 else v + size * move, penalty)
                size *= 0.5
        return None

    def _drifts(self, v: np.ndarray, t: np.ndarray, penalty: Penalty, far: float) -> bool:
        """Whether one more step would still move an output by more than DRIFT: there is no minimum, only an infimum.

        Slopes vanish where outputs grow without end, so the optimality conditions alone cannot tell.
        """
        target = v.copy()
        penalty.improve(Weighted(self, t, self.term.curvatures(t)[0]), target, SWEEPS, 1e-2 * far)
        return bool(np.abs(self.outputs(target) - t).max() > DRIFT)

    def _at(self, v: np.ndarray, penalty: Penalty) -> tuple[np.ndarray, np.ndarray, float, np.ndarray, float]:
        t = self.outputs(v)
        slope = self.slope(t)
        return v, t, self.loss(t) + penalty.value(v), slope, penalty.violation(v, slope)

    def gap(self, v: np.ndarray, u: np.ndarray, penalty: Penalty) -> float:
        """The objective at v minus the dual objective at residuals u (m,), scaled until they are feasible: at least 0.

        inf_v Σ share f(rows v + offset) + Ω(v) = sup_u -Σ share f*(-u) - Ω*(rowsᵀ(share u)); u must have no slope along
        columns that are not penalized, such as an intercept. NaN where other columns are not penalized either.
        """
        if penalty.free:
            return math.nan
        slope = product((u * self.share).reshape(-1, 1), self.rows, ta=True)
        k = penalty.room(slope)
        t = self.outputs(v)
        primal = self.loss(t) + penalty.value(v)
        return max(0.0, primal - dot(self.share, self.term.dual(k * u, self.offset)) + penalty.conjugate(k * slope))


class Grams:
    """Second derivatives that no λ changes, of the columns that were asked for last."""

    def __init__(self) -> None:
        self.index, self.gram = np.zeros(0, np.intp), np.zeros((0, 0))
        self.bounds: dict[int, float] = {}  # of the largest eigenvalue of each group

    def of(self, quadratic: Weighted, index: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """quadratic.gram(columns), whose numbers are index; only pairs with a column that is new are computed."""
        if np.array_equal(index, self.index):
            return self.gram
        place = np.full(quadratic.rows.shape[1], -1)
        place[self.index] = np.arange(len(self.index))
        at = place[index]
        old, new = np.flatnonzero(at >= 0), np.flatnonzero(at < 0)
        gram = np.empty((len(index), len(index)))
        gram[np.ix_(old, old)] = self.gram[np.ix_(at[old], at[old])]
        if new.size:
            pairs = product(columns, columns[:, new] * quadratic.c, ta=True)
            gram[:, new] = pairs
            gram[new] = pairs.T
        self.index, self.gram = index, gram
        return gram


class Weighted:
    """The quadratic model of a problem at outputs t, with these curvatures of its rows: see columns.Quadratic."""

    def __init__(self, problem: Problem, t: np.ndarray, curvature: np.ndarray) -> None:
        self.rows = problem.rows
        self.c = (curvature * problem.share).reshape(-1, 1)
        self.residuals = self.start = (problem.term.residuals(t) * problem.share).reshape(-1, 1)
        self.outputs = t - problem.offset
        self.grams = problem.grams

    def slopes(self, columns: np.ndarray) -> np.ndarray:
        return product(self.residuals, columns, ta=True)

    def gram(self, columns: np.ndarray) -> np.ndarray:
        return product(columns * self.c, columns, ta=True)

    def least(self, l2: np.ndarray) -> np.ndarray:
        """The coefficients (columns,) with the least value + ½ Σ l2 v², by QR."""
        root = np.sqrt(self.c)
        working = root[:, 0] * self.outputs + np.where(root > 0, self.start / np.where(root > 0, root, 1.0), 0.0)[:, 0]
        return solve(self.rows * root, working, l2[0])

    def move(self, columns: np.ndarray, step: np.ndarray) -> None:
        self.residuals = self.residuals - self.c * product(columns, step, tb=True)
