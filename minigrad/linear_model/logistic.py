"""Logistic regression, two classes or more, by proximal Newton steps: quadratic problems for coordinate descent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..data.prepare.labels import check_labels
from .design import dot, product
from .model import Linear, LinearModel, Solver

LARGEST = 20_000  # coefficients: their second derivatives are then 3.2 GB
NEWTON_STEPS, SWEEPS, HALVINGS = 100, 1000, 40
SEPARATED = 1e-9  # a mean log loss that only separated classes have
SEPARABLE = "the classes are separable, so without a penalty there is no minimum: larger coefficients are always better"
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

    score, classifies = "log_loss", True

    def start(self, x: Any, y: Any, weights: Any = None, classes: int | None = None) -> LogisticSolver:
        """The solver for these rows, as Regression.start; classes: how many there are, if y may lack the last ones."""
        return LogisticSolver(self, x, y, weights, classes)


class LogisticSolver(Solver):
    def __init__(self, settings: Logistic, x: Any, y: Any, weights: Any = None, classes: int | None = None) -> None:
        super().__init__(settings, x, weights)
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
        ones = [np.ones((len(z), 1))] if settings.fit_intercept else []
        self.rows = np.ascontiguousarray(np.hstack([z, *ones]))
        self.inputs = z.shape[1]
        self.v = np.zeros((self.logits, self.rows.shape[1]))
        if self.v.size > LARGEST:
            raise ValueError(
                f"logistic regression: {self.inputs} inputs for {self.logits} logits need a matrix of {self.v.size}² "
                f"numbers, above {LARGEST}²: use a network without hidden layers, or fewer inputs"
            )
        if settings.fit_intercept:
            logs = K.empty_like(shares)
            K.log(shares, logs)
            self.v[:, -1] = logs[1] - logs[0] if classes == 2 else logs
        self._pull = float(np.abs(self._slope(self._probabilities(self.v))[:, : self.inputs]).max())

    def pull(self) -> float:
        return self._pull

    def solve(self, l1: float, l2: float) -> LinearModel:
        l1, l2 = finite(l1, "l1", at_least=0.0), finite(l2, "l2", at_least=0.0)
        penalised = np.zeros(self.v.shape)
        penalised[:, : self.inputs] = 1
        steps, trouble = self._newton(l1 * penalised, l2 * penalised)
        w = np.ascontiguousarray(self.v[:, : self.inputs].T)
        at_centre = self.v[:, -1] if self.settings.fit_intercept else np.zeros(self.logits)
        if self.logits == 1:
            w, at_centre = w[:, 0], at_centre[0]
        return self.model(w, at_centre, l1, l2, steps, math.nan, trouble)

    def _newton(self, l1: np.ndarray, l2: np.ndarray) -> tuple[int, str]:
        """Steps to the minimum of the quadratic model plus penalty, shortened until the objective falls.

        Returns how many there were, and what went wrong.
        """
        tolerance = self.settings.tol * max(self._pull, 1e-300)
        value = self._objective(self.v, l1, l2)
        for step in range(NEWTON_STEPS):
            probabilities = self._probabilities(self.v)
            slope = self._slope(probabilities)
            far = _violation(self.v, slope - l2 * self.v, l1)
            if far <= tolerance:
                free = value < SEPARATED and not l1.any() and not l2.any()
                return step, SEPARABLE if free else ""
            target, r = self.v.copy(), slope.copy()
            K.coordinate_descent(
                self._curvature(probabilities), l1.ravel(), l2.ravel(), target.reshape(-1), r.reshape(-1),
                sweeps=SWEEPS, tolerance=max(1e-3 * far, 0.1 * tolerance),
            )  # fmt: skip
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
            return step + 1, ""
        return step + 1, (
            f"{step + 1} Newton steps left the optimality conditions {far:.2g} off; separable classes need l1 or l2"
        )

    def _scores(self, v: np.ndarray) -> np.ndarray:
        return product(self.rows, v, tb=True)

    def _probabilities(self, v: np.ndarray) -> np.ndarray:
        scores = self._scores(v)
        out = K.empty_like(scores)
        (K.sigmoid if self.logits == 1 else K.softmax)(scores, out)
        return out

    def _slope(self, probabilities: np.ndarray) -> np.ndarray:
        """Minus the gradient of the data term, (logits, columns)."""
        return product((self.target - probabilities) * self.share.reshape(-1, 1), self.rows, ta=True)

    def _curvature(self, probabilities: np.ndarray) -> np.ndarray:
        """The second derivatives of the data term: a block rowsᵀ diag(ω pⱼ (δⱼₖ - pₖ)) rows per pair of logits."""
        columns = self.rows.shape[1]
        gram = np.empty((self.logits * columns, self.logits * columns))
        for j in range(self.logits):
            for k in range(j + 1):
                pj, pk = probabilities[:, j], probabilities[:, k]
                scale = self.share * pj * ((j == k) - pk)
                block = product(self.rows * scale.reshape(-1, 1), self.rows, ta=True)
                gram[j * columns : (j + 1) * columns, k * columns : (k + 1) * columns] = block
                gram[k * columns : (k + 1) * columns, j * columns : (j + 1) * columns] = block.T
        return gram

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


def _violation(v: np.ndarray, g: np.ndarray, l1: np.ndarray) -> float:
    """How far the slopes g are from l1 sign(v), or outside of ±l1 where v is 0."""
    off = np.where(v != 0, np.abs(g - l1 * np.sign(v)), np.maximum(np.abs(g) - l1, 0))
    return float(off.max())
