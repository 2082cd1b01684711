"""What Poisson, Huber and group models share: offsets, the model without inputs, the path, and what a fit reports."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..errors import NonFiniteError, ShapeError
from .column_products import REAL, dot, product
from .columns import row_space
from .data_terms import DataTerm, exponential
from .design import Design
from .model import HELD, Linear, LinearModel, Solver
from .newton import NEAR, ElasticNet, Outcome, Penalty, Problem

HIGHEST = 709.78  # a log rate whose exp is in the range of float64


@dataclass(frozen=True)
class GeneralizedModel(LinearModel):
    """A LinearModel of which these are known, too; output(x) = x @ coefficients + intercept.

    violation           the largest violation of the optimality conditions at the fit, in units of λ: 0 at the minimum
    deviance            Σ ωᵢ (unit deviance of row i): twice the loss above that of a model that fits every row
    null_deviance       that of the model with the intercept (and the offset) alone
    link                "identity", "log" or "logit": what output(x) is of the mean
    group               the strength of the norms of groups
    gap                 a duality gap: the objective minus a lower bound of its minimum; NaN with unpenalized columns
    """

    violation: float = math.nan
    deviance: float = math.nan
    null_deviance: float = math.nan
    link: str = "identity"
    group: float = 0.0

    @property
    def deviance_explained(self) -> float:
        """1 - deviance / null_deviance of the fitted rows; for squared errors it is R². NaN where the latter is 0."""
        return 1 - self.deviance / self.null_deviance if self.null_deviance else math.nan

    def mean(self, x: Any, offset: Any = None) -> np.ndarray:
        """The expected target (m,): output(x, offset) through the inverse of the link.

        NonFiniteError where exp of a log rate leaves the range of float64.
        """
        return mean_of(self.output(x, offset), self.link)


def mean_of(output: np.ndarray, link: str) -> np.ndarray:
    """exp(output) of a log link, 1 / (1 + exp(-output)) of a logit, output itself of an identity.

    >>> mean_of(np.array([0.0]), "log").tolist(), mean_of(np.array([2.0]), "identity").tolist()
    ([1.0], [2.0])
    """
    if link == "identity":
        return output
    if link == "logit":
        odds = np.ascontiguousarray(output, REAL)
        out = K.empty_like(odds)
        K.sigmoid(odds, out)
        return out
    if (output > HIGHEST).any():
        row = int(np.flatnonzero(output > HIGHEST)[0])
        raise NonFiniteError(
            f"mean: the log rate of row {row} is {output.reshape(-1)[row]:.6g}, and exp of it leaves the range of "
            "float64: its inputs are far from those the model was fitted on. output(x) gives log rates"
        )
    return exponential(np.ascontiguousarray(output, REAL))


class GeneralizedSolver(Solver):
    """One set of rows of a family with a convex loss, and the last solution on it, from which the next fit starts."""

    link = "identity"
    strength = 0.0  # of the norms of groups

    def __init__(self, settings: Linear, x: Any, y: Any, weights: Any = None, offset: Any = None) -> None:
        super().__init__(settings, x, weights, offset)
        design: Design = self.design
        if self.offset is not None and self.offset.ndim != 1:
            raise ShapeError(f"offset is {self.offset.shape}; need one number for each of {len(design.kept)} rows")
        self.known = np.zeros(len(design.z)) if self.offset is None else self.offset
        self.term = self.term_of(y)
        self.inputs, self.intercept = design.z.shape[1], 1 if settings.fit_intercept else 0
        ones = [np.ones((len(design.z), 1))] * self.intercept
        rows = np.ascontiguousarray(np.hstack([design.z, *ones]))
        self.problem = Problem(self.term, design.weights / design.total, rows, self.known)
        self.v = np.zeros((1, rows.shape[1]))
        self._short: tuple[np.ndarray, np.ndarray] | None = None
        if self.intercept:
            self.v[0, -1] = self.start_intercept()
            self._scale = dot(self.problem.share, np.abs(self.term.residuals(self.problem.outputs(self.v))))
            self._hold("there is no model without inputs", np.ones(self.inputs))
        self.null = self._deviance(self.v)
        self._slopes = self._null_slopes()
        self._scale = float(self._slopes.max())  # what tol is relative to
        if self.free.size:
            self._hold("the columns that are never penalized have no best fit", self.factor)
            self._slopes = self._null_slopes()

    @abstractmethod
    def term_of(self, y: Any) -> DataTerm:
        """The data term with the targets of the rows that count, checked."""

    def start_intercept(self) -> float:
        """An intercept to start from; the best one, if it has a formula."""
        return 0.0

    def _null_slopes(self) -> np.ndarray:
        """|slope| of every coefficient of an input, (inputs,)."""
        return np.abs(self.problem.slope(self.problem.outputs(self.v))[0, : self.inputs])

    def _hold(self, what: str, factor: np.ndarray) -> None:
        """Fit what has a factor of 0, and the intercept, with all others held at 0."""
        held = ElasticNet(self._on_inputs(np.where(factor > 0, HELD, 0.0)), np.zeros(self.v.shape), self.intercept)
        done = self._minimize(held)
        if not done.settled:
            raise ValueError(f"{type(self.settings).__name__}: {what}: {self.no_minimum(done)}")

    def _on_inputs(self, each: np.ndarray) -> np.ndarray:
        """Strengths (inputs,) as those of v, with none on the intercept."""
        found = np.zeros(self.v.shape)
        found[0, : self.inputs] = each
        return found

    def pull(self) -> float:
        return self.over_factor(self._slopes * self.design.units)

    def penalty(self, l1: float, l2: float) -> Penalty:
        """The penalty on v."""
        each_l1, each_l2 = self.strengths(l1, l2)
        return ElasticNet(self._on_inputs(each_l1), self._on_inputs(each_l2), self.intercept)

    def solve(self, l1: float, l2: float) -> GeneralizedModel:
        l1, l2 = finite(l1, "l1", at_least=0.0), finite(l2, "l2", at_least=0.0)
        penalty = self.penalty(l1, l2)
        if isinstance(penalty, ElasticNet) and self._is_wide_ridge(l1, l2):
            done = self._wide_ridge(l2)
        else:
            done = self._minimize(penalty)
        trouble = "" if done.settled else self.no_minimum(done)
        t = self.problem.outputs(self.v)
        violation = penalty.violation(self.v, self.problem.slope(t))
        u = self.term.residuals(t)
        u = self.term.balanced(u, self.problem.share) if self.intercept else u
        gap = self.problem.gap(self.v, u, penalty)
        at_centre = float(self.v[0, -1]) if self.intercept else 0.0
        plain = self.model(self.v[0, : self.inputs], at_centre, l1, l2, done.steps, gap, trouble)
        return GeneralizedModel(
            **vars(plain),
            violation=violation,
            deviance=self._deviance(self.v),
            null_deviance=self.null,
            link=self.link,
            group=self.strength,
        )

    def _is_wide_ridge(self, l1: float, l2: float) -> bool:
        """Whether the answer lies in the space of the rows, which is the smaller one."""
        return l1 == 0 and l2 > 0 and self.inputs > len(self.design.z) and not self.free.size

    def _minimize(self, penalty: Penalty) -> Outcome:
        tolerance = self.settings.tol * max(self._scale, 1e-300)
        return self.problem.minimize(self.v, penalty, tolerance, NEAR * self._scale, self.settings.max_rounds)

    def no_minimum(self, done: Outcome) -> str:
        """What to say of a minimization that did not settle."""
        return f"{done.steps} Newton steps left the optimality conditions {done.violation:.2g} off; add some l2"

    def _deviance(self, v: np.ndarray) -> float:
        return dot(self.problem.share, self.term.deviance(self.problem.outputs(v)))

    def _wide_ridge(self, l2: float) -> Outcome:
        """The ridge in the space that the rows span, where it has as many coefficients as there are rows.

        There all columns have one unit, the largest, and one factor, 1.
        """
        units = self.design.units
        share = units / float(units.max()) / np.sqrt(self.factor)
        if self._short is None:
            self._short = row_space(self.design.z * share)
        table, basis = self._short
        ones = [np.ones((len(table), 1))] * self.intercept
        problem = Problem(self.term, self.problem.share, np.ascontiguousarray(np.hstack([table, *ones])), self.known)
        strength = np.zeros((1, problem.rows.shape[1]))
        strength[0, : len(basis)] = self.design.strengths(0.0, l2)[1][int(np.argmax(units))]
        v = np.zeros(strength.shape)
        v[0, : len(basis)] = product(np.ascontiguousarray(self.v[:, : self.inputs] / share), basis, tb=True)[0]
        v[0, len(basis) :] = self.v[0, self.inputs :]
        penalty = ElasticNet(np.zeros(strength.shape), strength, self.intercept)
        tolerance = self.settings.tol * max(self._scale, 1e-300)
        done = problem.minimize(v, penalty, tolerance, NEAR * self._scale, self.settings.max_rounds)
        self.v[0, : self.inputs] = product(np.ascontiguousarray(v[:, : len(basis)]), basis)[0] * share
        self.v[0, self.inputs :] = v[0, len(basis) :]
        return done
