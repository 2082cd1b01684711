"""Logistic regression, two classes or more, by proximal Newton steps: quadratic problems for coordinate descent.

With more columns than rows their second derivatives are never formed as a whole: see columns.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..data.prepare.labels import check_labels
from ..errors import ShapeError
from .bounds import Bounds, violations
from .column_products import SparseColumns, dense_columns, dot, gram, product
from .columns import descend, row_space
from .model import HELD, Linear, LinearModel, Solver
from .separation import separated

LARGEST = 20_000  # coefficients: their second derivatives are then 3.2 GB
NEWTON_STEPS, SWEEPS, HALVINGS = 100, 1000, 40
SEPARATED = 1e-9  # a mean log loss that only separated classes have
NEVER = 1e-11  # of the largest slope of the model without inputs: what is left by rounding and the first fit
SEPARABLE = "the classes are separable, so without a penalty there is no minimum: larger coefficients are always better"
MANY = 40  # columns, from which on it pays to leave most of them out of a Newton step
MOST = 10_000_000  # numbers of sparse columns that are made dense to see whether they separate the classes
ROUNDING = 4e-15  # of the objective: what two evaluations of it may differ by


class Logistic(Linear):
    """Σ ωᵢ log loss(yᵢ, b + xᵢ w) + λ (ρ Σ|w| + (1 - ρ)/2 Σw²), ωᵢ = 1/m; scikit-learn's C is 1 / (λ m).

    y holds the classes 0, 1, ... as integers. Two classes have one logit; more have one each, as a softmax takes them.

    >>> import numpy as np
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> model = Logistic(l1_ratio=0.0).start(x, y).fit(0.1)
    >>> model.output(x).round(3).tolist()
    [-2.262, -0.754, 0.754, 2.262]
    """

    score, classifies, takes_bounds, takes_sparse = "log_loss", True, True, True

    def start(
        self, x: Any, y: Any, weights: Any = None, classes: int | None = None, offset: Any = None
    ) -> LogisticSolver:
        """The solver for these rows, as Regression.start.

        classes     how many there are, if y may lack the last ones
        offset      a known part of each logit: (m,) of two classes, (m, classes) of more
        """
        return LogisticSolver(self, x, y, weights, classes, offset)


class LogisticSolver(Solver):
    def __init__(
        self,
        settings: Logistic,
        x: Any,
        y: Any,
        weights: Any = None,
        classes: int | None = None,
        offset: Any = None,
    ) -> None:
        super().__init__(settings, x, weights, offset)
        labels = check_labels(y, classes or (int(np.max(y, initial=0)) + 1))
        y, z = self.design.target(labels, np.int64), self.design.z
        self.share = self.design.weights / self.design.total
        classes = classes or max(2, int(labels.max()) + 1)
        self.onehot = np.zeros((len(y), classes))
        self.onehot[range(len(y)), y] = 1
        shares = self.design.mean(self.onehot)
        if (shares == 0).any():
            absent = int(np.argmin(shares))
            raise ValueError(f"logistic regression: no row is of class {absent}; need each of {classes}")
        self.logits = 1 if classes == 2 else classes
        self.labels = y
        self.target = np.ascontiguousarray(self.onehot[:, 1:]) if classes == 2 else self.onehot
        self.sparse = isinstance(z, SparseColumns)
        self.inputs, self.wide = z.shape[1], self.sparse or z.shape[1] > len(z)
        self.rows = self._with_intercept(z)
        self.v = np.zeros((self.logits, self.rows.shape[1]))
        if not self.wide and self.v.size > LARGEST:
            raise ValueError(
                f"logistic regression: {self.inputs} inputs for {self.logits} logits need a matrix of {self.v.size}² "
                f"numbers, above {LARGEST}²: use a network without hidden layers, or fewer inputs"
            )
        self.known = self._known()
        self.bounds = self._bounds()
        if settings.fit_intercept:
            logs = K.empty_like(shares)
            K.log(shares, logs)
            self.v[:, -1] = logs[1] - logs[0] if classes == 2 else logs
        self._slopes = self._null_slopes()
        self._pull = float(np.abs(self._slopes).max())
        if self.free.size or self.known is not None:
            self._fit_what_is_free()

    def _known(self) -> np.ndarray | None:
        """The offset as (m, logits)."""
        if self.offset is None:
            return None
        if self.offset.size != len(self.labels) * self.logits:
            need = "(m,)" if self.logits == 1 else f"(m, {self.logits}), one for each logit"
            raise ShapeError(f"offset is {self.offset.shape} in {len(self.labels)} rows that count; need {need}")
        return np.ascontiguousarray(self.offset.reshape(-1, self.logits))

    def _bounds(self) -> Bounds | None:
        """The bounds of v; none on the intercept."""
        if self.box is None:
            return None
        sides = self.box.times(self.design.scale)
        found = Bounds(np.full(self.v.shape, -math.inf), np.full(self.v.shape, math.inf))
        found.lower[:, : self.inputs], found.upper[:, : self.inputs] = sides
        return found

    def _fit_what_is_free(self) -> None:
        """Fit the intercept beside an offset, and the columns that are never penalized, with all others at 0."""
        held = np.where(self.factor > 0, HELD, 0.0)
        tolerance = min(self.settings.tol, 1e-12)
        _, trouble = self._newton(self._on_inputs(held), np.zeros(self.v.shape), tolerance)
        if trouble:
            names = ", ".join(map(str, self.free[:8])) + (", ..." if len(self.free) > 8 else "")
            raise ValueError(
                f"logistic regression: the columns {names} of x, which are never penalized: {trouble}; give them a "
                "penalty_factor above 0, or leave out what tells the classes apart"
                if self.free.size
                else f"logistic regression: the intercept beside the offset: {trouble}"
            )
        slopes = self._null_slopes()
        self._slopes = np.where(np.abs(slopes) <= NEVER * self._pull, 0.0, slopes) if self.free.size else slopes

    def _with_intercept(self, z: Any) -> Any:
        """z with a last column of ones, if there is an intercept."""
        if isinstance(z, SparseColumns):
            return z.with_ones() if self.settings.fit_intercept else z
        ones = [np.ones((len(z), 1))] if self.settings.fit_intercept else []
        return np.ascontiguousarray(np.hstack([z, *ones]))

    def _null_slopes(self) -> np.ndarray:
        """The slope of every coefficient of an input, (logits, inputs)."""
        return self._slope(self._probabilities(self.v))[:, : self.inputs]

    def pull(self) -> float:
        return self.over_factor(self.reach(self._slopes) * self.design.units)

    def solve(self, l1: float, l2: float) -> LinearModel:
        l1, l2 = finite(l1, "l1", at_least=0.0), finite(l2, "l2", at_least=0.0)
        by_rows = self.wide and not self.sparse and not self.free.size and self.bounds is None
        if by_rows and l1 == 0 and l2:
            steps, trouble = self._wide_ridge(l2)
        else:
            each_l1, each_l2 = self.strengths(l1, l2)
            steps, trouble = self._newton(self._on_inputs(each_l1), self._on_inputs(each_l2))
        w = np.ascontiguousarray(self.v[:, : self.inputs].T)
        at_centre = self.v[:, -1] if self.settings.fit_intercept else np.zeros(self.logits)
        if self.logits == 1:
            w, at_centre = w[:, 0], at_centre[0]
        else:  # a constant added to all logits of a row changes no probability: of all answers the one of mean 0
            at_centre = at_centre - float(np.mean(at_centre))
        return self.model(w, at_centre, l1, l2, steps, math.nan, trouble)

    def _on_inputs(self, each: np.ndarray) -> np.ndarray:
        """Strengths (inputs,) as those of v, with none on the intercept."""
        found = np.zeros(self.v.shape)
        found[:, : self.inputs] = each
        return found

    def _wide_ridge(self, l2: float) -> tuple[int, str]:
        """The ridge in the space that the rows span, where it has as many coefficients as there are rows.

        There all columns have one unit, the largest, and one factor, 1.
        """
        units = self.design.units
        share = units / float(units.max()) / np.sqrt(self.factor)
        l2 = float(self.design.strengths(0.0, l2)[1][int(np.argmax(units))])
        rows, v, inputs = self.rows, self.v, self.inputs
        table, basis = row_space(self.design.z * share)
        try:
            self.rows, self.inputs, self.wide = self._with_intercept(table), len(basis), False
            self.v = np.zeros((self.logits, self.rows.shape[1]))
            self.v[:, self.inputs :] = v[:, inputs:]
            steps = self._newton(np.zeros(self.v.shape), self._on_inputs(np.full(len(basis), l2)))
            v[:, :inputs] = product(self.v[:, : self.inputs], basis) * share
            v[:, inputs:] = self.v[:, self.inputs :]
        finally:
            self.rows, self.v, self.inputs, self.wide = rows, v, inputs, True
        return steps

    def _newton(self, l1: np.ndarray, l2: np.ndarray, tol: float | None = None) -> tuple[int, str]:
        """Steps to the minimum of the quadratic model plus penalty, shortened until the objective falls.

        Returns how many there were, and what went wrong.
        """
        tolerance = (self.settings.tol if tol is None else tol) * max(self._pull, 1e-300)
        value = self._objective(self.v, l1, l2)
        for step in range(NEWTON_STEPS):
            probabilities = self._probabilities(self.v)
            slope = self._slope(probabilities)
            far = float(violations(self.v, slope - l2 * self.v, l1, self.bounds).max())
            if far <= tolerance:
                return step, self._without_minimum(l1, l2)
            target = self._target(probabilities, slope, l1, l2, max(1e-3 * far, 0.1 * tolerance))
            move = target - self.v
            promised = _penalty(target, l1, l2) - _penalty(self.v, l1, l2) - dot(slope, move)
            size = 1.0
            for _ in range(HALVINGS):
                new = target if size == 1 else self.v + size * move
                now = self._objective(new, l1, l2)
                if now <= value + 1e-4 * size * promised + ROUNDING * abs(value):
                    break
                size *= 0.5
            else:
                break
            self.v, value = new, now
        if far <= 1e-6 * self._pull:  # the objective cannot tell the steps apart any more
            return step + 1, self._without_minimum(l1, l2)
        return step + 1, (
            f"{step + 1} Newton steps left the optimality conditions {far:.2g} off; separable classes need l1 or l2"
        )

    def _without_minimum(self, l1: np.ndarray, l2: np.ndarray) -> str:
        """SEPARABLE if the optimality conditions nearly hold because the loss of some rows falls for ever, else ""."""
        open_ended = (l1 == 0) & (l2 == 0)
        if self.bounds is not None:
            open_ended &= np.isinf(self.bounds.lower) | np.isinf(self.bounds.upper)
        columns = np.flatnonzero(open_ended.any(0))
        if not (columns < self.inputs).any():
            return ""
        nothing = np.zeros(self.v.shape)
        if self.bounds is None and self._objective(self.v, nothing, nothing) < SEPARATED:
            return SEPARABLE
        if self.sparse and len(self.rows) * len(columns) > MOST:
            return ""
        rows = dense_columns(self.rows, columns)
        step = separated(rows, self.onehot, self._probabilities(self.v), self.share)
        if step is None:
            return ""
        if self.bounds is not None:
            ends = self.bounds.of(columns)
            if np.isfinite(np.where(step > 0, ends.upper, ends.lower)[step != 0]).any():
                return ""
        return SEPARABLE

    def _scores(self, v: np.ndarray) -> np.ndarray:
        scores = product(self.rows, v, tb=True)
        return scores if self.known is None else scores + self.known

    def _probabilities(self, v: np.ndarray) -> np.ndarray:
        scores = self._scores(v)
        out = K.empty_like(scores)
        (K.sigmoid if self.logits == 1 else K.softmax)(scores, out)
        return out

    def _slope(self, probabilities: np.ndarray) -> np.ndarray:
        """Minus the gradient of the data term, (logits, columns)."""
        return product((self.target - probabilities) * self.share.reshape(-1, 1), self.rows, ta=True)

    def _target(
        self, probabilities: np.ndarray, slope: np.ndarray, l1: np.ndarray, l2: np.ndarray, tolerance: float
    ) -> np.ndarray:
        """The minimum of the quadratic model at v, plus the penalty, within the bounds."""
        model, v = Newton(self, probabilities), self.v.copy()
        few = 2 * int((v != 0).any(0).sum()) < v.shape[1] and v.shape[1] > MANY
        if self.wide or few:  # most columns stay at 0, and their second derivatives are not needed
            descend(model, v, l1, l2, sweeps=SWEEPS, tolerance=tolerance, bounds=self.bounds)
        else:
            K.coordinate_descent(
                model.gram(self.rows),
                l1.ravel(),
                l2.ravel(),
                v.reshape(-1),
                slope.ravel(),
                sweeps=SWEEPS,
                tolerance=tolerance,
                **({} if self.bounds is None else self.bounds.flat()),
            )
        return v

    def _objective(self, v: np.ndarray, l1: np.ndarray, l2: np.ndarray) -> float:
        scores = self._scores(v)
        if self.logits == 1:
            losses = K.empty_like(scores)
            K.bce_with_logits(scores, self.target, losses, reduction=K.reference.NONE)
        else:
            losses, scratch = K.empty((len(scores),), scores.dtype), K.empty_like(scores)
            K.cross_entropy(scores, self.labels, losses, scratch, reduction=K.reference.NONE)
        return dot(self.share, losses) + _penalty(v, l1, l2)


def _penalty(v: np.ndarray, l1: np.ndarray, l2: np.ndarray) -> float:
    return dot(l1, np.abs(v)) + 0.5 * dot(l2, v * v)


class Newton:
    """The data term as a Quadratic (see columns.py), by its derivatives at these probabilities.

    It keeps the residuals (m, logits): the slope of each row's logits, times its weight.
    """

    def __init__(self, solver: LogisticSolver, probabilities: np.ndarray) -> None:
        self.rows, self.share, self.p = solver.rows, solver.share, probabilities
        self.residuals = (solver.target - probabilities) * self.share.reshape(-1, 1)

    def slopes(self, columns: np.ndarray) -> np.ndarray:
        return product(self.residuals, columns, ta=True)

    def gram(self, columns: np.ndarray) -> np.ndarray:
        """A block columnsᵀ diag(ω pⱼ (δⱼₖ - pₖ)) columns per pair of logits."""
        logits, width = self.p.shape[1], columns.shape[1]
        found = np.empty((logits * width, logits * width))
        for j in range(logits):
            for k in range(j + 1):
                pj, pk = self.p[:, j], self.p[:, k]
                scale = self.share * pj * ((j == k) - pk)
                block = gram(columns, scale)
                found[j * width : (j + 1) * width, k * width : (k + 1) * width] = block
                found[k * width : (k + 1) * width, j * width : (j + 1) * width] = block.T
        return found

    def move(self, columns: np.ndarray, step: np.ndarray) -> None:
        along = self.p * product(columns, step, tb=True)
        total = product(along, np.ones((along.shape[1], 1)))
        self.residuals = self.residuals - (along - self.p * total) * self.share.reshape(-1, 1)
