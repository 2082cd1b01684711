"""Where columns outnumber rows: coordinate descent on a few columns at a time, and the space that the rows span.

A quadratic function of p coefficients has p² second derivatives. For 30,000 columns these are 7 GB, while 40 rows of
them are 10 MB. So only the derivatives of some columns are computed: of those that have a coefficient or that pull at
theirs, and of at most BLOCK of these together once they are many.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np

from .. import kernels as K
from .bounds import Bounds, violations
from .column_products import columns_of, dot, product

SWEEPS = 1000  # of coordinate descent in one call of the kernel, so that Ctrl-C is heard in between
WHOLE = 1024  # coefficients whose second derivatives are computed at once: 8 MB
BLOCK = 128  # coefficients of a block, where there are more
LEAST = 64  # columns that are added in a round
DUST = 1e-13  # of a row's length: no more is left of one that depends on those before it


class Quadratic(Protocol):
    """A quadratic function of coefficients (logits, p) of the columns of rows (m, p), at coefficients of its own.

    `columns` below are columns of rows, contiguous (m, k).
    """

    rows: np.ndarray

    def slopes(self, columns: np.ndarray) -> np.ndarray:
        """Minus its gradient for the coefficients of these columns, (logits, k)."""

    def gram(self, columns: np.ndarray) -> np.ndarray:
        """Its second derivatives for the coefficients of these columns, a square of logits · k."""

    def move(self, columns: np.ndarray, step: np.ndarray) -> None:
        """Add step (logits, k) to the coefficients of these columns."""


def descend(
    quadratic: Quadratic,
    v: np.ndarray,
    l1: np.ndarray,
    l2: np.ndarray,
    *,
    sweeps: int,
    tolerance: float,
    bounds: Bounds | None = None,
) -> tuple[int, float]:
    """Minimize the quadratic + Σ l1|v| + l2/2 v² from v (logits, columns), in place; the quadratic stands at v.

    Coordinate descent on a working set of columns. When it has converged, the columns outside that violate their
    optimality condition most join the set, as many as it has, until none does. With bounds, of the shape of v, v stays
    within them. Returns the sweeps, and the largest violation that was met in the last one or stands outside.
    """
    problem = Problem(quadratic, v, l1, l2, bounds)
    inside = (v != 0).any(0) | (l1 == 0).any(0)
    done, largest = 0, math.inf
    while True:
        off = np.where(inside, 0.0, problem.violations().max(0))
        outside = float(off.max())
        if outside <= tolerance and largest <= tolerance:
            return done, max(largest, outside)
        if done >= sweeps or not math.isfinite(outside):
            return done, max(largest, outside)
        joining = np.argsort(-off, kind="stable")[: max(LEAST, int(inside.sum()))]
        inside[joining[off[joining] > tolerance]] = True
        columns = np.flatnonzero(inside)
        if not columns.size:  # nothing pulls, and no column is free
            return done, outside
        goal = max(tolerance, 0.1 * outside)
        spent, largest = _settle(problem, columns, sweeps - done, goal)
        done += spent


class Problem(NamedTuple):
    """A quadratic that stands at v (logits, columns), and the strengths and bounds of its coefficients."""

    quadratic: Quadratic
    v: np.ndarray
    l1: np.ndarray
    l2: np.ndarray
    bounds: Bounds | None

    def violations(self) -> np.ndarray:
        """Those of all coefficients."""
        slopes = self.quadratic.slopes(self.quadratic.rows) - self.l2 * self.v
        return violations(self.v, slopes, self.l1, self.bounds)


def _settle(problem: Problem, columns: np.ndarray, sweeps: int, goal: float) -> tuple[int, float]:
    """Sweeps over these columns until the largest violation met in one is at most `goal`; both."""
    v = problem.v
    width = len(columns) if len(columns) * len(v) <= WHOLE else max(1, BLOCK // len(v))
    blocks = [Block(problem, columns[i : i + width]) for i in range(0, len(columns), width)]
    at_once = SWEEPS if len(blocks) == 1 else 1
    done, largest = 0, math.inf
    while done < sweeps and not largest <= goal:
        largest, most = 0.0, 0
        for block in blocks:
            swept, violation = block.sweep(problem.quadratic, min(at_once, sweeps - done), goal)
            most, largest = max(most, swept), violation if not violation <= largest else largest
        done += most
    for block in blocks:
        v[:, block.index] = block.v
    return done, largest


class Block:
    """Some columns of a quadratic, their coefficients and strengths, and their second derivatives."""

    def __init__(self, problem: Problem, index: np.ndarray) -> None:
        quadratic, v, l1, l2, bounds = problem
        self.index, self.columns = index, columns_of(quadratic.rows, index)
        self.gram = quadratic.gram(self.columns)
        self.v, self.l1, self.l2 = (np.ascontiguousarray(part[:, index]) for part in (v, l1, l2))
        self.bounds = {} if bounds is None else bounds.of(index).flat()

    def sweep(self, quadratic: Quadratic, sweeps: int, goal: float) -> tuple[int, float]:
        """At most so many sweeps; how many, and the largest violation met in the last one."""
        before, r = self.v.copy(), np.ascontiguousarray(quadratic.slopes(self.columns))
        v, r, l1, l2 = (part.reshape(-1) for part in (self.v, r, self.l1, self.l2))
        done, largest = K.coordinate_descent(self.gram, l1, l2, v, r, sweeps=sweeps, tolerance=goal, **self.bounds)
        if (self.v != before).any():  # the last sweep may have moved nothing, and one before it something
            quadratic.move(self.columns, self.v - before)
        return done, largest


def row_space(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(table, basis) with rows (m, p) = table (m, r) @ basis (r, p), the rows of the basis orthonormal, r <= m.

    Gram and Schmidt's steps, each done twice ("twice is enough": Parlett 1980, The symmetric eigenvalue problem,
    section 6.9). A ridge on the coefficients of the rows is one on those of the table: w = basisᵀ u.

    >>> table, basis = row_space(np.array([[3.0, 0.0, 4.0], [6.0, 0.0, 8.0]]))
    >>> table.round(12).tolist(), basis.round(12).tolist()
    ([[5.0], [10.0]], [[0.6, 0.0, 0.8]])
    """
    m = len(rows)
    table, basis, r = np.zeros((m, m)), np.empty((min(m, rows.shape[1]), rows.shape[1])), 0
    for i, row in enumerate(rows):
        left, whole = np.array(row).reshape(1, -1), math.sqrt(dot(row, row))
        for _ in range(2 if r else 0):
            along = product(left, basis[:r], tb=True)
            table[i, :r] += along[0]
            K.matmul(-along, basis[:r], left, accumulate=True)
        length = math.sqrt(dot(left, left))
        if r < len(basis) and length > DUST * whole:
            table[i, r] = length
            basis[r] = left[0] / length
            r += 1
    return np.ascontiguousarray(table[:, :r]), basis[:r]
