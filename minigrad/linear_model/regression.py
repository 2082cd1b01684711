"""Linear regression: by QR without an L1 term, else by coordinate descent on the Gram matrix.

With more columns than rows there is no Gram matrix: see columns.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..data.dataset import finite_rows
from ..errors import NonFiniteError, ShapeError
from .column_products import REAL, SparseColumns, columns_of, dense_columns, dot, gram, product, squared_lengths
from .columns import SWEEPS, descend, row_space
from .design import safe_units
from .duality import duality_gap
from .least_squares import DUST, shortened, solve
from .model import HELD, Linear, LinearModel, Solver


class Regression(Linear):
    """1/2 Σ ωᵢ (yᵢ - b - xᵢ w)² + λ (ρ Σ|w| + (1 - ρ)/2 Σw²), ωᵢ = 1/m.

    >>> import numpy as np
    >>> x, y = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0]]), np.array([1.0, 2.0, 3.0, 4.0])
    >>> solver = Regression().start(x, y)
    >>> float(solver.lambda_max())
    1.25
    >>> solver.fit(1.25).nonzeros, solver.fit(0.25).coefficients.round(3).tolist()
    (0, [0.8, 0.0])
    """

    score, classifies, takes_bounds, takes_sparse = "mse", False, True, True

    def start(self, x: Any, y: Any, weights: Any = None, offset: Any = None) -> RegressionSolver:
        """The solver for these rows: .lambda_max(), .fit(λ), each fit from the last.

        x           (m, p): an array, or a sparse matrix, SciPy's CSC or CSR or what has their attributes; never made
                    dense, but for columns that are never penalized, where the gap is computed
        weights     one for each row, at least 0; None: 1
        offset      (m,) a known part of each output, to which b + x w is added: the model of y - offset
        """
        return RegressionSolver(self, x, y, weights, offset)


class RegressionSolver(Solver):
    def __init__(self, settings: Regression, x: Any, y: Any, weights: Any = None, offset: Any = None) -> None:
        super().__init__(settings, x, weights, offset)
        y, design = self._beside_offset(self.design.target(y)), self.design
        self.unit = float(safe_units(np.abs(y).max()))  # of the target: its square is an ordinary number, too
        y = y / self.unit
        self.mean = float(design.mean(y.reshape(-1, 1))[0]) if settings.fit_intercept else 0.0
        # √weight on each row, not √(weight/m): rows of weight 1 keep all their digits (NIST's Wampler5: 10 against 5).
        root = np.sqrt(design.weights)
        self.sparse = isinstance(design.z, SparseColumns)
        self.rows = design.z.times_rows(root) if self.sparse else design.z * root.reshape(-1, 1)
        self.target = (y - self.mean) * root
        self.q = product(self.rows, self.target.reshape(-1, 1), ta=True)[:, 0] / design.total
        self.square = dot(self.target, self.target) / design.total
        self.wide = self.sparse or self.rows.shape[1] > len(self.rows)  # whether there is no Gram matrix of all columns
        self.gram: np.ndarray | None = None
        self.short: tuple[np.ndarray, np.ndarray] | None = None
        self.u = np.zeros(len(self.q))
        self.bounds = None if self.box is None else self.box.times(design.scale / self.unit)

    def _beside_offset(self, y: np.ndarray) -> np.ndarray:
        """What of the target the offset leaves."""
        if self.offset is None:
            return y
        if self.offset.size != len(y):
            raise ShapeError(f"offset is {self.offset.shape}; need one number for each of {len(y)} rows")
        with np.errstate(over="ignore"):
            return finite_rows(y - self.offset.reshape(-1), "y - offset", REAL)

    def _at_zero(self) -> np.ndarray:
        """The slopes (p,) where every coefficient that is penalized is 0, and the others are fitted."""
        if not self.free.size:
            return self.q
        columns = dense_columns(self.rows, self.free)
        if self.bounds is None:
            left = self.target - product(columns, solve(columns, self.target, 0.0).reshape(-1, 1))[:, 0]
        else:
            last, self.u = self.u, np.zeros(len(self.q))
            held = np.where(self.factor > 0, HELD, 0.0)
            self._settle(held, np.zeros(len(held)))
            left = self.target - product(columns, np.ascontiguousarray(self.u[self.free]).reshape(-1, 1))[:, 0]
            self.u = last
        q = product(self.rows, left.reshape(-1, 1), ta=True)[:, 0] / self.design.total
        long = squared_lengths(self.rows) / self.design.total
        return np.where(np.abs(q) <= DUST * np.sqrt(long * self.square), 0.0, q)

    def pull(self) -> float:
        with np.errstate(over="ignore"):
            pull = self.reach(self._at_zero()) * self.design.units * self.unit
        bad = np.flatnonzero(~np.isfinite(pull))
        if bad.size:
            raise NonFiniteError(f"y: its products with column {bad[0]} of x leave the range of float64; scale y first")
        return self.over_factor(pull)

    def solve(self, l1: float, l2: float) -> LinearModel:
        l1, l2 = finite(l1, "l1", at_least=0.0), finite(l2, "l2", at_least=0.0)
        direct = l1 == 0 and self.bounds is None and not self.sparse
        if direct and not (l2 and self.wide and self.free.size):
            rounds, gap, trouble = 0, math.nan, ""
            self.u = self._ridge(l2)
        else:
            rounds, gap, trouble = self._descend(*self.strengths(l1 / self.unit, l2))
        return self.model(self.u, self.mean, l1, l2, rounds, gap, trouble, self.unit)

    def _ridge(self, l2: float) -> np.ndarray:
        if l2 and self.wide:
            return self._wide_ridge(l2)
        each = self.strengths(0.0, l2)[1] * self.design.total
        if l2 == 0 or len(self.rows) <= len(self.q):
            return solve(self.rows, self.target, each)
        if self.short is None:  # many rows, and perhaps many λ
            self.short = shortened(self.rows, self.target)
        return solve(*self.short, each)

    def _wide_ridge(self, l2: float) -> np.ndarray:
        """The ridge in the space of the rows; there all columns have one unit, the largest, and one factor, 1."""
        units = self.design.units
        largest = float(units.max())
        share = units / largest / np.sqrt(self.factor)
        if self.short is None:
            self.short = row_space(self.rows * share)
        table, basis = self.short
        each = np.full(table.shape[1], self.design.strengths(0.0, l2)[1][int(np.argmax(units))] * self.design.total)
        u = solve(table, self.target, each)
        return product(basis, u.reshape(-1, 1), ta=True)[:, 0] * share

    def _descend(self, l1: np.ndarray, l2: np.ndarray) -> tuple[int, float, str]:
        """Sweep until the optimality conditions hold; the sweeps, the duality gap, and what went wrong."""
        rounds, largest, tolerance = self._settle(l1, l2)
        gap, trouble = self.gap(l1, l2), ""
        if largest > tolerance:
            trouble = (
                f"{rounds} sweeps left a duality gap of {gap:.2g}, where w = 0 has "
                f"{0.5 * self.square * self.unit * self.unit:.2g}; standardize, or add some l2"
            )
        return rounds, gap, trouble

    def _settle(self, l1: np.ndarray, l2: np.ndarray) -> tuple[int, float, float]:
        """Sweeps, the largest violation of the optimality conditions in the last one, and what it should be at most."""
        settings = self.settings
        tolerance = settings.tol * float(np.abs(self.q).max())
        if not self.wide:
            return *self._sweep(l1, l2, tolerance), tolerance
        many, (l1, l2) = settings.max_rounds, (l1.reshape(1, -1), l2.reshape(1, -1))
        u = self.u.reshape(1, -1)
        return *descend(Residuals(self), u, l1, l2, sweeps=many, tolerance=tolerance, bounds=self.bounds), tolerance

    def _sweep(self, l1: np.ndarray, l2: np.ndarray, tolerance: float) -> tuple[int, float]:
        """Coordinate descent on the Gram matrix; the sweeps, and the largest violation met in the last one."""
        if self.gram is None:
            self.gram = gram(self.rows) / self.design.total
        within = {} if self.bounds is None else self.bounds.flat()
        rounds, largest, most = 0, math.inf, self.settings.max_rounds
        while rounds < most and not largest <= tolerance:
            r = self._correlations()
            done, largest = K.coordinate_descent(
                self.gram, l1, l2, self.u, r, sweeps=min(SWEEPS, most - rounds), tolerance=tolerance, **within
            )
            rounds += done
        return rounds, largest

    def _correlations(self) -> np.ndarray:
        """q - gram u."""
        if self.gram is None:
            return Residuals(self).slopes(self.rows)[0]
        return self.q - product(self.gram, self.u.reshape(-1, 1))[:, 0]

    def gap(self, l1: np.ndarray, l2: np.ndarray) -> float:
        """Objective minus a lower bound of its minimum: the dual objective at the residual, scaled to be feasible.

        The ridge is a lasso with rows √l2 I below x and zeros below y, so with s its residual, g its correlations and
        θ = k s, k = min(1, l1 / ‖g‖∞): gap = ½ (1 + k²) s·s + l1 ‖u‖₁ - k y·s  (Kim, Koh, Lustig, Boyd 2007).
        l1 and l2 are (p,), one for each coefficient; k is then the least of them. NaN without l1. With bounds, or
        columns that are never penalized: see duality.py.
        """
        if self.free.size or self.bounds is not None:
            parts = self.rows, self.target, self.design.total, self.u, l1, l2, self.bounds
            return duality_gap(*parts) * self.unit * self.unit
        held = l1 > 0
        if not held.any():
            return math.nan
        r, fitted = self._correlations(), dot(self.q, self.u)
        k = min(1.0, float((l1[held] / np.maximum(np.abs(r - l2 * self.u)[held], 1e-300)).min()))
        squares = self.square - fitted - dot(r, self.u) + dot(l2, self.u * self.u)
        size = dot(np.abs(self.u), l1)
        gap = max(0.0, 0.5 * (1 + k * k) * squares + size - k * (self.square - fitted))
        return gap * self.unit * self.unit


class Residuals:
    """The data term as a Quadratic (see columns.py): it keeps the residuals target - rows u, (m, 1)."""

    def __init__(self, solver: RegressionSolver) -> None:
        self.rows, self.total, self.r = solver.rows, solver.design.total, solver.target.reshape(-1, 1)
        moved = np.flatnonzero(solver.u)
        if moved.size:
            self.move(columns_of(self.rows, moved), solver.u[moved].reshape(1, -1))

    def slopes(self, columns: np.ndarray) -> np.ndarray:
        return product(self.r, columns, ta=True) / self.total

    def gram(self, columns: np.ndarray) -> np.ndarray:
        return gram(columns) / self.total

    def move(self, columns: np.ndarray, step: np.ndarray) -> None:
        self.r = self.r - product(columns, step, tb=True)
