"""Outputs and targets as metrics read them: classes, scores, weights of rows; and sums in one fixed order."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import kernels as K
from ..data.dataset import as_rows
from ..engine import Tensor
from ..errors import NonFiniteError, ShapeError

IGNORED = -100  # the label that cross_entropy ignores
Function = TypeVar("Function", bound=Callable[..., Any])


class UndefinedMetricWarning(UserWarning):
    """A metric has no value for these rows, such as an area under a curve of one class; the message says why."""


def undefined(message: str) -> None:
    """Warn that a metric has no value."""
    warnings.warn(message, UndefinedMetricWarning, stacklevel=3)


def over_all_rows(metric: Function) -> Function:
    """Mark a metric (output, target) that is no mean over rows: fit calls it once an epoch, with all rows together.

    Without the mark, the column of the training data is the mean of the metric over the batches, weighted by rows,
    which an F1, an R² or a median is not. With it, fit keeps the outputs of the epoch, each before its update, until
    the metric has seen them: rows times outputs numbers of memory. Of the validation data every metric sees all rows.

    >>> @over_all_rows
    ... def median_error(output, target):
    ...     return np.median(np.abs(output.data - target))
    """
    metric.over_all_rows = True  # type: ignore[attr-defined]
    return metric


class Rows(NamedTuple):
    """What a metric of classes sees: scores (n, classes), or (n,) of class 1 alone, classes (n,) and weights (n,)."""

    scores: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None
    classes: int

    @property
    def said(self) -> np.ndarray:
        """The class that the scores name: that of the first largest, or 1 where the one score is above 0."""
        return self.scores.argmax(1) if self.scores.ndim == 2 else (self.scores > 0).astype(np.int64)


def rows_of_classes(who: str, output: Any, target: Any, sample_weight: Any = None) -> Rows | None:
    """The rows that count, checked; None where an output or a target is NaN, or no row is left.

    output (n, classes) goes with labels (n,) or rows (n, classes), of which the largest is the class; output (n,) or
    (n, 1), one logit per row, with targets 0 and 1 of as many rows. Rows of the label -100 are left out. ShapeError or
    ValueError for what does not fit.
    """
    y, t = array_of(output), array_of(target)
    one = y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1)
    if not (one and t.shape in ((len(y),), (len(y), 1))) and not (y.ndim == 2 and t.shape in ((len(y),), y.shape)):
        raise ShapeError(
            f"{who}: output {y.shape}, target {t.shape}; need (n, classes) and (n,) or (n, classes), or one logit per "
            "row, (n,) or (n, 1), and as many targets 0 and 1"
        )
    weight = checked_weight(who, sample_weight, len(y))
    if len(y) == 0 or has_nan(y) or has_nan(t):
        return None
    if one:
        return Rows(y.reshape(-1), binary_truth(who, t.reshape(-1)), weight, 2)
    if t.ndim == 2:
        return Rows(y, t.argmax(1), weight, y.shape[1])
    return _labelled(who, y, t, weight)


def _labelled(who: str, y: np.ndarray, t: np.ndarray, weight: np.ndarray | None) -> Rows | None:
    """Rows with labels (n,), without those of the label -100; ValueError for one that is no class."""
    kept = t != IGNORED
    if not kept.all():
        y, t, weight = y[kept], t[kept], None if weight is None else weight[kept]
    if not len(t):
        return None
    if not within(t, y.shape[1]):
        wrong = t[(t < 0) | (t >= y.shape[1])]
        raise ValueError(f"{who}: the target holds {wrong[0]}; need classes from 0 to {y.shape[1] - 1}")
    return Rows(y, t.astype(np.int64), weight, y.shape[1])


def binary_truth(who: str, t: np.ndarray) -> np.ndarray:
    """Targets of one logit as 0 and 1; ValueError for any other number."""
    wrong = t[(t != 0) & (t != 1)]
    if wrong.size:
        raise ValueError(f"{who}: the target holds {wrong[0]}; need 0 and 1 for one logit per row")
    return t.astype(np.int64)


def refuse_sigmoid(who: str, output: Any) -> None:
    """ValueError for what a sigmoid made, where logits are due: all of its numbers are above 0."""
    if made_by(output, "sigmoid"):
        raise ValueError(
            f"{who}: the output was made by a sigmoid, but needs logits, which are above 0 where "
            "it is above 1/2; give it output - 0.5"
        )


def made_by(output: Any, kind: str) -> bool:
    """Whether an op or an activation of this name made the output."""
    made = output.op if isinstance(output, Tensor) else None
    return made is not None and kind in (made.name, (output.options or {}).get("activation"))


def checked_weight(who: str, sample_weight: Any, rows: int) -> np.ndarray | None:
    """Weights (rows,) in float64; ShapeError, NonFiniteError or ValueError that names the first that is none."""
    if sample_weight is None:
        return None
    w = as_rows(array_of(sample_weight), f"{who}: sample_weight").astype(np.float64)
    if w.shape != (rows,):
        raise ShapeError(f"{who}: sample_weight is {w.shape}; need one number for each row, ({rows},)")
    bad = np.flatnonzero(~np.isfinite(w))
    if len(bad):
        raise NonFiniteError(f"{who}: sample_weight: row {bad[0]} is {w[bad[0]]}; need finite numbers")
    if (w < 0).any():
        raise ValueError(f"{who}: sample_weight: row {(w < 0).argmax()} is {w[(w < 0).argmax()]}; need at least 0")
    return w


def total(values: np.ndarray) -> float:
    """The sum of an array as float64, in the order that the kernel of sums has for any machine and thread."""
    wide = np.ascontiguousarray(values, np.float64).reshape(-1)
    out = np.empty(())
    K.sum(wide, out, 0, 1)
    return float(out)


def share(right: np.ndarray, weight: np.ndarray | None) -> float:
    """The share of rows where `right` (n,) holds, by number or by weight; NaN of nothing."""
    if weight is None:
        return float(np.count_nonzero(right) / len(right)) if len(right) else math.nan
    of = total(weight)
    return total(np.where(right, weight, 0.0)) / of if of else math.nan


def has_nan(a: np.ndarray) -> bool:
    """Whether a number is NaN."""
    if a.dtype.kind != "f" or math.isfinite(np.vdot(a, a)):  # by far the fastest way to see that there is none
        return False
    return bool(np.isnan(a).any())


def within(labels: np.ndarray, classes: int) -> bool:
    """Whether all labels, at least one, are in [0, classes); in one pass, because every batch asks."""
    if labels.dtype == np.int64:
        return bool(np.maximum.reduce(labels.view(np.uint64)) < classes)  # where those below 0 are the largest
    return bool(labels.min() >= 0 and labels.max() < classes)


def array_of(values: Any) -> np.ndarray:
    """The array of a tensor, or of what NumPy makes one of."""
    return values.array if isinstance(values, Tensor) else np.asarray(values)


def alike(who: str, output: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Output and target as arrays; ShapeError unless they have one shape."""
    y, t = array_of(output), array_of(target)
    if y.shape != t.shape:
        raise ShapeError(f"{who}: output {y.shape}, target {t.shape}; need the same shape")
    return y, t
