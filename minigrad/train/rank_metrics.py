"""Metrics of the order in which scores put the rows: areas under curves, over all thresholds.

Of one logit per row, (n,) or (n, 1), the logit is the score of class 1; of two outputs their difference is. Of more
classes each is set against the rest, by its probability: softmax in float64, unless a softmax made the output. Equal
scores are one threshold. NaN in the output, or no row, gives NaN. Without weights counts are whole numbers, and the
area under the ROC curve is their exact quotient, rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor
from .outcomes import Rows, made_by, over_all_rows, rows_of_classes, total, undefined

AVERAGES = ("macro", "weighted")


@over_all_rows
def roc_auc(output: Tensor, target: Any, sample_weight: Any = None, *, average: str = "macro") -> float:
    """The area under the ROC curve: how often a row of class 1 has a higher score than one of class 0, ties half.

    With more classes it is the mean of each against the rest ("ovr"), or with average="weighted" that weighted by the
    rows of the classes. NaN and a warning where a class has no row or all of them, because there is no curve.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    return _averaged("roc_auc", _area, output, target, sample_weight, average)


@over_all_rows
def average_precision(output: Tensor, target: Any, sample_weight: Any = None, *, average: str = "macro") -> float:
    """The area under the curve of precision over recall, as steps: Σ (Rᵢ - Rᵢ₋₁) Pᵢ over falling thresholds ("PR-AUC").

    With more classes it is the mean of each against the rest, or with average="weighted" that weighted by the rows of
    the classes. 0 and a warning for a class without rows, as in scikit-learn.

    >>> average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]).__round__(4)
    0.8333
    """
    return _averaged("average_precision", _steps, output, target, sample_weight, average)


Curve = Callable[[np.ndarray, np.ndarray, Any, str], float]  # (scores, of the class, weights, whose) -> area


def _averaged(who: str, curve: Curve, output: Any, target: Any, sample_weight: Any, average: str) -> float:
    """The area for class 1 of two, or the mean of those of several."""
    if average not in AVERAGES:
        raise ValueError(f"{who}: average is {average!r}; need 'macro' or 'weighted'")
    rows = rows_of_classes(who, output, target, sample_weight)
    if rows is None:
        return math.nan
    if rows.classes == 2:
        return curve(two_classes(rows.scores), rows.truth == 1, rows.weight, f"{who}: class 1")
    scores = rows.scores.astype(np.float64) if made_by(output, "softmax") else probabilities(rows.scores)
    found = [
        curve(np.ascontiguousarray(scores[:, c]), rows.truth == c, rows.weight, f"{who}: class {c}")
        for c in range(rows.classes)
    ]
    weights = (
        np.array([_weight(rows, c) for c in range(rows.classes)]) if average == "weighted" else np.ones(len(found))
    )
    used = [(w, area) for w, area in zip(weights.tolist(), found) if w]
    return total(np.array([w * area for w, area in used])) / total(weights) if used else math.nan


def _weight(rows: Rows, c: int) -> float:
    """How many rows, or what weight, a class has."""
    mine = rows.truth == c
    return float(mine.sum()) if rows.weight is None else total(rows.weight[mine])


def two_classes(scores: np.ndarray) -> np.ndarray:
    """The score of class 1: the one there is, or the second minus the first."""
    wide = scores.astype(np.float64)
    if wide.ndim == 1:
        return wide
    with np.errstate(invalid="ignore"):  # inf - inf
        return wide[:, 1] - wide[:, 0]


def probabilities(logits: np.ndarray) -> np.ndarray:
    """softmax (n, classes) in float64."""
    out = np.empty(logits.shape)
    K.softmax(np.ascontiguousarray(logits, np.float64), out)
    return out


def _above(scores: np.ndarray, positive: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """What of the class and of the rest has each different score or more, from the highest score down, after 0."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    positive = positive[order]
    if weight is None:
        counts = np.cumsum(positive, dtype=np.int64)[ends], np.cumsum(~positive, dtype=np.int64)[ends]
        return np.append(0, counts[0]), np.append(0, counts[1])
    sums = np.empty((2, len(order)))
    w = weight[order]
    K.cumsum(np.stack([np.where(positive, w, 0.0), np.where(positive, 0.0, w)]), sums)
    return np.append(0.0, sums[0][ends]), np.append(0.0, sums[1][ends])


def _area(scores: np.ndarray, positive: np.ndarray, weight: np.ndarray | None, whose: str) -> float:
    """The area under the ROC curve by trapezoids."""
    if np.isnan(scores).any():
        return math.nan
    mine, rest = _above(scores, positive, weight)
    if not mine[-1] or not rest[-1]:
        undefined(f"{whose} has {'no row' if not mine[-1] else 'all rows'}, so that there is no ROC curve of it")
        return math.nan
    twice = np.diff(rest) * (mine[1:] + mine[:-1])
    area = int(twice.sum()) if weight is None else total(twice)
    return area / (2 * mine[-1].item() * rest[-1].item())


def _steps(scores: np.ndarray, positive: np.ndarray, weight: np.ndarray | None, whose: str) -> float:
    """The area under the curve of precision over recall."""
    if np.isnan(scores).any():
        return math.nan
    mine, rest = _above(scores, positive, weight)
    if not mine[-1]:
        undefined(f"{whose} has no row, so that its recall is 0 / 0; 0 stands for the area")
        return 0.0
    said = mine[1:] + rest[1:]
    right = mine[1:] / np.where(said > 0, said, 1)
    return total(np.diff(mine) / mine[-1] * right)
