"""Poisson regression of counts: a log link, its deviance, and an offset for the exposure of each row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .column_products import dot
from .data_terms import Counts, DataTerm, exponential, logarithm
from .generalized import GeneralizedSolver
from .model import Linear
from .newton import Outcome

NO_COUNTS = (
    "y is 0 in every row that counts, so the best intercept is log 0: a rate of 0, whatever the inputs; there is "
    "nothing to fit"
)


class Poisson(Linear):
    """Σ ωᵢ (exp(ηᵢ) - yᵢ ηᵢ) + λ (ρ Σ|w| + (1 - ρ)/2 Σw²), ηᵢ = b + xᵢ w + offsetᵢ the log rate, ωᵢ = 1/m.

    It is glmnet's family "poisson", and scikit-learn's PoissonRegressor(alpha) at l1_ratio=0, λ = alpha. y holds
    counts, or other numbers of at least 0. An offset is the log of a row's exposure (days, people); rates y / exposure
    with weights = exposure are the same model (McCullagh, Nelder 1989, Generalized linear models, section 6.2).

    model.output(x) is the log rate without offset, model.mean(x, offset) the expected count;
    model.deviance_explained is 1 - deviance / null deviance of the fitted rows.

    >>> import numpy as np
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1, 2, 4, 8])
    >>> model = Poisson().start(x, y).fit(0.0)
    >>> model.mean(x).round(6).tolist(), round(float(model.deviance_explained), 6)
    ([1.0, 2.0, 4.0, 8.0], 1.0)
    """

    score, classifies, link = "poisson_deviance", False, "log"

    def start(self, x: Any, y: Any, weights: Any = None, offset: Any = None) -> PoissonSolver:
        """The solver for these rows: .lambda_max(), .fit(λ), each fit from the last.

        weights and offset have one number for each row. ValueError for a count below 0, by its row, and where all are
        0, as no intercept is then the best.
        """
        return PoissonSolver(self, x, y, weights, offset)


class PoissonSolver(GeneralizedSolver):
    link = "log"

    def term_of(self, y: Any) -> DataTerm:
        return Counts(counts(self.design, y, self.settings.fit_intercept))

    def start_intercept(self) -> float:
        return log_rate(self)

    def no_minimum(self, done: Outcome) -> str:
        return (
            f"{done.steps} Newton steps left the optimality conditions {done.violation:.2g} off; where an input marks "
            "rows of only 0 counts, their rate falls without end, which some l1 or l2 stops"
        )


def counts(design: Any, y: Any, intercept: bool) -> np.ndarray:
    """The counts of the rows that count, (m,), at least 0 and, with an intercept, not all 0."""
    found = design.target(y)
    if (found < 0).any():
        row = int(np.flatnonzero(design.kept)[np.flatnonzero(found < 0)[0]])
        raise ValueError(f"y: row {row} is {np.asarray(y)[row]:g}; Poisson regression needs counts of at least 0")
    if intercept and not found.any():
        raise ValueError(f"Poisson regression: {NO_COUNTS}")
    return found


def log_rate(solver: GeneralizedSolver) -> float:
    """The best intercept without inputs: log (Σ ω y / Σ ω exp(offset))."""
    top = float(solver.known.max())
    sums = np.array([dot(solver.problem.share, y) for y in (solver.term.y, exponential(solver.known - top))])
    both = logarithm(sums)
    rate = float(both[0] - both[1]) - top
    return rate if math.isfinite(rate) else 0.0
