"""Metrics of the classes that a model names: the table of confusion, and what is computed from it.

Names and meaning are scikit-learn's: a class counts in an average if it occurs among the targets or the answers.
Outputs (n, classes) name their largest, one logit (n,) or (n, 1) names class 1 above 0. Rows of the label -100 are left
out. NaN in the output, or no row, gives NaN.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..checks import whole
from ..engine import Tensor
from .outcomes import Rows, over_all_rows, refuse_sigmoid, rows_of_classes, total, undefined

AVERAGES = ("binary", "macro", "micro", "weighted")


def confusion_matrix(output: Tensor, target: Any, sample_weight: Any = None) -> np.ndarray:
    """(classes, classes): how many rows (int64), or what weight of rows (float64), of class i are said to be class j.

    No metric for fit, which takes one number; for a look at what a model confuses. ValueError where an output is NaN.

    >>> confusion_matrix([[2.0, 1.0], [0.0, 3.0], [1.0, 2.0]], [0, 0, 1])
    array([[1, 1],
           [0, 1]])
    """
    rows = _rows("confusion_matrix", output, target, sample_weight)
    if rows is None:
        raise ValueError("confusion_matrix: an output is NaN, or no row is left")
    return _table(rows)


@over_all_rows
def balanced_accuracy(output: Tensor, target: Any, sample_weight: Any = None) -> float:
    """The mean of the recalls of the classes that occur: accuracy if all classes had as many rows.

    >>> balanced_accuracy([[2.0, 1.0], [3.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 0, 0, 1, 1])
    0.75
    """
    rows = _rows("balanced_accuracy", output, target, sample_weight)
    if rows is None:
        return math.nan
    count = _count(rows)
    there = count.true > 0
    return total(count.right[there] / count.true[there]) / int(there.sum()) if there.any() else math.nan


@over_all_rows
def precision(
    output: Tensor,
    target: Any,
    sample_weight: Any = None,
    *,
    average: str = "binary",
    pos_label: int = 1,
    zero_division: float | str = "warn",
) -> float:
    """Right answers of a class over all answers that name it.

    average: "binary" takes pos_label of two classes; "macro" is the mean over classes; "weighted" weights them by
    their rows; "micro" counts all classes together. Where nothing names a class, zero_division: a number, NaN leaves
    the class out of the mean, "warn" is 0 and warns. In fit: metrics={"precision": partial(precision, average=...)}.

    >>> precision([2.0, 1.0, -1.0, 3.0], [1, 0, 0, 1])
    0.6666666666666666
    """
    return _averaged("precision", output, target, sample_weight, average, pos_label, zero_division)


@over_all_rows
def recall(
    output: Tensor,
    target: Any,
    sample_weight: Any = None,
    *,
    average: str = "binary",
    pos_label: int = 1,
    zero_division: float | str = "warn",
) -> float:
    """Right answers of a class over all rows of it. Options are those of precision.

    >>> recall([2.0, 1.0, -1.0, -3.0], [1, 0, 0, 1])
    0.5
    """
    return _averaged("recall", output, target, sample_weight, average, pos_label, zero_division)


@over_all_rows
def f1(
    output: Tensor,
    target: Any,
    sample_weight: Any = None,
    *,
    average: str = "binary",
    pos_label: int = 1,
    zero_division: float | str = "warn",
) -> float:
    """The harmonic mean of precision and recall: 2 right / (rows of the class + answers that name it).

    average, pos_label and zero_division are those of precision; each class has its own F1 before a mean is taken.

    >>> scores = [[2.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> f1(scores, [0, 1, 0, 2], average="macro").__round__(4)
    0.7778
    """
    return _averaged("f1", output, target, sample_weight, average, pos_label, zero_division)


class Count(NamedTuple):
    """By class: rows that were answered right, rows that are of it, and rows that were said to be."""

    right: np.ndarray
    true: np.ndarray
    said: np.ndarray


def _rows(who: str, output: Any, target: Any, sample_weight: Any) -> Rows | None:
    refuse_sigmoid(who, output)
    return rows_of_classes(who, output, target, sample_weight)


def _table(rows: Rows) -> np.ndarray:
    k = rows.classes
    index = rows.truth * k + rows.said
    if rows.weight is None:
        return np.bincount(index, minlength=k * k).reshape(k, k).astype(np.int64)
    table = np.zeros(k * k)
    K.add_at(rows.weight, index, table)
    return table.reshape(k, k)


def _count(rows: Rows) -> Count:
    table = _table(rows)
    return Count(*(np.array(part, np.float64) for part in (np.diag(table), _along(table), _along(table.T))))


def _along(table: np.ndarray) -> np.ndarray:
    """The sum of each row of a table."""
    return np.array([total(row) for row in table])


def _averaged(
    who: str, output: Any, target: Any, sample_weight: Any, average: str, pos_label: int, zero_division: float | str
) -> float:
    """Precision, recall or F1, by the name `who`."""
    if average not in AVERAGES:
        raise ValueError(f"{who}: average is {average!r}; need one of {', '.join(map(repr, AVERAGES))}")
    if zero_division != "warn" and zero_division not in (0, 1) and zero_division == zero_division:
        raise ValueError(f"{who}: zero_division is {zero_division!r}; need 'warn', 0, 1 or NaN")
    rows = _rows(who, output, target, sample_weight)
    if rows is None:
        return math.nan
    if average == "binary":
        if rows.classes != 2:
            raise ValueError(
                f"{who}: average='binary' is of two classes, and there are {rows.classes}; pass average='macro', "
                "'micro' or 'weighted'"
            )
        pos_label = whole(pos_label, f"{who}: pos_label", 0, 2)
    count = _count(rows)
    there = (count.true > 0) | (count.said > 0)
    if average == "binary":
        count = Count(*(part[pos_label : pos_label + 1] for part in count))
    elif average == "micro":
        count = Count(*(np.array([total(part)]) for part in count))
    else:
        count = Count(*(part[there] for part in count))
    return _mean(who, count, count.true if average == "weighted" else None, zero_division)


def _mean(who: str, count: Count, weights: np.ndarray | None, zero_division: float | str) -> float:
    """The mean over classes, with what stands for a class whose quotient is 0 / 0."""
    over = {"precision": count.said, "recall": count.true, "f1": (count.true + count.said) / 2}[who]
    none = over == 0
    instead = 0.0 if zero_division == "warn" else float(zero_division)
    if none.any() and zero_division == "warn":
        what = {"precision": "no answer names", "recall": "no row is of", "f1": "no row is of and no answer names"}[who]
        undefined(f"{who}: 0 stands for {none.sum()} of {len(none)} classes, which {what}; pass zero_division=")
    values = np.where(none, instead, count.right / np.where(none, 1.0, over))
    kept = ~np.isnan(values)
    if weights is None or not weights[kept].any():  # as scikit-learn: without weights to go by, all count alike
        weights = np.ones(len(values))
    return total(values[kept] * weights[kept]) / total(weights[kept]) if kept.any() else math.nan
