"""Linear regression: by QR without an L1 term, else by coordinate descent on the Gram matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..errors import NonFiniteError
from .design import dot, product
from .least_squares import shortened, solve
from .model import Linear, LinearModel, Solver

SWEEPS = 1000  # between two looks at the clock, so that Ctrl-C is heard


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

    score, classifies = "mse", False

    def start(self, x: Any, y: Any, weights: Any = None) -> RegressionSolver:
        """The solver for these rows: .lambda_max(), .fit(λ), each fit from the last."""
        return RegressionSolver(self, x, y, weights)


class RegressionSolver(Solver):
    def __init__(self, settings: Regression, x: Any, y: Any, weights: Any = None) -> None:
        super().__init__(settings, x, weights)
        y, design = self.design.target(y), self.design
        self.mean = float(design.mean(y.reshape(-1, 1))[0]) if settings.fit_intercept else 0.0
        # √weight on each row, not √(weight/m): rows of weight 1 keep all their digits (NIST's Wampler5: 10 against 5).
        root = np.sqrt(design.weights)
        self.rows, self.target = design.z * root.reshape(-1, 1), (y - self.mean) * root
        self.q = product(self.rows, self.target.reshape(-1, 1), ta=True)[:, 0] / design.total
        if not np.isfinite(self.q).all():
            raise NonFiniteError("y: its products with x leave the range of float64; scale it first")
        self.square = dot(self.target, self.target) / design.total
        self.gram: np.ndarray | None = None
        self.short: tuple[np.ndarray, np.ndarray] | None = None
        self.u = np.zeros(len(self.q))

    def pull(self) -> float:
        return float(np.abs(self.q).max())

    def solve(self, l1: float, l2: float) -> LinearModel:
        l1, l2 = finite(l1, "l1", at_least=0.0), finite(l2, "l2", at_least=0.0)
        if l1 == 0:
            rounds, gap, trouble = 0, math.nan, ""
            self.u = self._ridge(l2)
        else:
            rounds, gap, trouble = self._descend(l1, l2)
        return self.model(self.u, self.mean, l1, l2, rounds, gap, trouble)

    def _ridge(self, l2: float) -> np.ndarray:
        p, l2 = len(self.q), l2 * self.design.total
        if l2 == 0 or len(self.rows) <= p:
            return solve(self.rows, self.target, l2)
        if self.short is None:  # many rows, and perhaps many λ
            self.short = shortened(self.rows, self.target)
        return solve(*self.short, l2)

    def _descend(self, l1: float, l2: float) -> tuple[int, float, str]:
        """Sweep until the optimality conditions hold; the sweeps, the duality gap, and what went wrong."""
        if self.gram is None:
            self.gram = product(self.rows, self.rows, ta=True) / self.design.total
        each_l1, each_l2 = np.full(len(self.q), l1), np.full(len(self.q), l2)
        settings, rounds = self.settings, 0
        tolerance, largest = settings.tol * self.pull(), math.inf
        while rounds < settings.max_rounds and not largest <= tolerance:
            r = self._correlations()
            sweeps = min(SWEEPS, settings.max_rounds - rounds)
            done, largest = K.coordinate_descent(
                self.gram, each_l1, each_l2, self.u, r, sweeps=sweeps, tolerance=tolerance
            )
            rounds += done
        gap, trouble = self.gap(l1, l2), ""
        if largest > tolerance:
            trouble = (
                f"{rounds} sweeps left a duality gap of {gap:.2g}, where w = 0 has {0.5 * self.square:.2g}; "
                "standardize, or add some l2"
            )
        return rounds, gap, trouble

    def _correlations(self) -> np.ndarray:
        """q - gram u."""
        assert self.gram is not None
        return self.q - product(self.gram, self.u.reshape(-1, 1))[:, 0]

    def gap(self, l1: float, l2: float) -> float:
        """Objective minus a lower bound of its minimum: the dual objective at the residual, scaled to be feasible.

        The ridge is a lasso with rows √l2 I below x and zeros below y, so with s its residual, g its correlations and
        θ = k s, k = min(1, l1 / ‖g‖∞): gap = ½ (1 + k²) s·s + l1 ‖u‖₁ - k y·s  (Kim, Koh, Lustig, Boyd 2007).
        """
        r, fitted = self._correlations(), dot(self.q, self.u)
        k = min(1.0, l1 / max(float(np.abs(r - l2 * self.u).max()), 1e-300))
        squares = self.square - fitted - dot(r, self.u) + l2 * dot(self.u, self.u)
        size = dot(np.abs(self.u), np.ones(len(self.u)))
        return max(0.0, 0.5 * (1 + k * k) * squares + l1 * size - k * (self.square - fitted))
