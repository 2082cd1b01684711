"""Huber's robust regression: squared errors near 0, absolute ones beyond a threshold."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite
from ..data.dataset import as_rows, finite_rows
from ..errors import NonFiniteError, ShapeError
from .column_products import REAL
from .data_terms import AbsoluteTails, DataTerm
from .generalized import GeneralizedSolver
from .model import Linear

NORMAL_QUARTILE = 0.6744897501960817  # of the standard normal: a deviation is the median absolute one over it
FAR_BELOW = 1e-3  # of the spread of the target: a threshold below it makes all errors absolute ones
LARGEST = 1e150  # of a target: its square is in the range of float64


@dataclass(frozen=True)
class Huber(Linear):
    """Σ ωᵢ H(yᵢ - b - xᵢ w) + λ (ρ Σ|w| + (1 - ρ)/2 Σw²), ωᵢ = 1/m: robust against rows whose target is far off.

        H(r) = r²/2 for |r| <= k, and k |r| - k²/2 beyond, k = delta · scale           (Huber 1964)

    delta   in units of the scale; 1.345 is 95% as efficient as least squares where errors are normal, 1.35 its usual
            rounding
    scale   of the errors, in units of y. It is not estimated, so that every λ, score and fold means one loss:
            robust_scale(residuals) estimates one; robust_scale(y) is a first value, too large by what inputs explain

    statsmodels' RLM(norms.HuberT(t)) is delta = t, with the scale that it ends with. scikit-learn's HuberRegressor
    (epsilon, alpha) minimizes over its scale_, too: at its solution delta = epsilon, scale = scale_, l1_ratio = 0 and
    λ = alpha · scale_ / m. A threshold above all residuals gives Regression.

    >>> import numpy as np
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 1.0, 2.0, 3.0, 90.0])
    >>> Huber(delta=1.0).start(x, y).fit(0.0).output([[4.0]]).round(6).tolist()
    [5.5]
    """

    delta: float = 1.35
    scale: float = 1.0

    score, classifies = "huber", False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("delta", "scale"):
            object.__setattr__(self, name, finite(getattr(self, name), f"Huber: {name}", at_least=1e-150))

    @property
    def threshold(self) -> float:
        """delta · scale, in units of y."""
        return self.delta * self.scale

    @property
    def score_options(self) -> dict[str, float]:
        """What its score takes: all folds are judged by the loss that is minimized."""
        return {"threshold": self.threshold}

    def start(self, x: Any, y: Any, weights: Any = None, offset: Any = None) -> HuberSolver:
        """The solver for these rows, as Regression.start.

        A UserWarning says where the threshold is less than a thousandth of the spread of y: the loss is then that of
        absolute errors. NonFiniteError for targets beyond 1e150.
        """
        return HuberSolver(self, x, y, weights, offset)


class HuberSolver(GeneralizedSolver):
    settings: Huber

    def term_of(self, y: Any) -> DataTerm:
        target, limit = self.design.target(y), self.settings.threshold
        if (np.abs(target) > LARGEST).any():
            row = int(np.argmax(np.abs(y)))
            raise NonFiniteError(f"y: row {row} is {np.asarray(y)[row]:.6g}, beyond 1e150; scale y first")
        spread = spread_of(target, self.design.weights)
        if limit < FAR_BELOW * spread:
            warnings.warn(
                f"Huber: the threshold delta · scale = {limit:.3g} is far below the spread of y, {spread:.3g}: errors "
                f"are taken as absolute ones; Huber(scale=linear_model.robust_scale(y)) fits the units of y",
                stacklevel=4,
            )
        return AbsoluteTails(target, limit)

    def start_intercept(self) -> float:
        return weighted_median(self.term.y - self.known, self.design.weights)


def robust_scale(values: Any, weights: Any = None) -> float:
    """The median of |values - their median| over 0.6745: the standard deviation, where the values are normal.

    values, weights     (m,); of residuals, or of a target. Half of them may be anything without moving it far

    ValueError where it is 0, since more than half of the values are equal. Source: Hampel 1974, JASA 69; statsmodels'
    robust.mad.

    >>> round(robust_scale([1.0, 2.0, 3.0, 4.0, 1000.0]), 6)
    1.482602
    """
    values = finite_rows(as_rows(values, "robust_scale: values"), "robust_scale: values", REAL)
    weights = np.ones(len(values)) if weights is None else finite_rows(as_rows(weights, "weights"), "weights", REAL)
    if values.ndim != 1 or weights.shape != values.shape or (weights < 0).any() or not weights.any():
        raise ShapeError(
            f"robust_scale: values are {values.shape}, weights {weights.shape}; need one number and one weight per row"
        )
    found = spread_of(values, weights)
    if not found:
        raise ValueError("robust_scale: more than half of the values are equal, so that it is 0; give a scale yourself")
    return found


def spread_of(values: np.ndarray, weights: np.ndarray) -> float:
    """robust_scale, 0 where more than half of the values are equal."""
    return weighted_median(np.abs(values - weighted_median(values, weights)), weights) / NORMAL_QUARTILE


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The least value with more than half of the weight at or below it; at exactly half, the mean of it and the next.

    >>> weighted_median(np.array([3.0, 1.0, 2.0]), np.ones(3)), weighted_median(np.array([1.0, 5.0]), np.ones(2))
    (2.0, 3.0)
    """
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    sums = K.empty((1, len(order)), REAL)
    K.cumsum(np.ascontiguousarray(weights[order]).reshape(1, -1), sums)
    half = 0.5 * sums[0, -1]
    i = int(np.searchsorted(sums[0], half))
    if sums[0, i] == half and i + 1 < len(order):
        return float(0.5 * values[order[i]] + 0.5 * values[order[i + 1]])
    return float(values[order[i]])
