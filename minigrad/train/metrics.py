"""Metrics: functions of (output, target) that give one number for some rows; NaN in the output gives NaN.

With sample_weight, a number for each row, rows count by their weights: two rows more of one kind are the weight 3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import whole
from ..engine import Tensor
from ..errors import ShapeError
from .outcomes import (
    IGNORED,
    alike,
    array_of,
    checked_weight,
    has_nan,
    over_all_rows,
    refuse_sigmoid,
    rows_of_classes,
    share,
    total,
    undefined,
    within,
)


def accuracy(output: Tensor, target: Any, sample_weight: Any = None) -> float:
    """Share of rows whose largest output stands at the target: classes (n,), or one-hot rows (n, classes).

    Outputs are a tensor or an array. Rows of the label -100, which cross_entropy ignores, are left out; any other
    label that is no class is a ValueError. NaN where an output or a target is NaN, or no row is left.

    >>> import minigrad as mg
    >>> accuracy(mg.tensor([[2.0, 1.0], [0.0, 3.0]]), [0, 0])
    0.5
    """
    y, t = array_of(output), array_of(target)
    if y.ndim != 2 or y.shape[1] < 2 or t.shape not in ((len(y),), y.shape):
        advice = "; for one logit per row use binary_accuracy" if y.ndim == 1 or y.shape[-1] == 1 else ""
        raise ShapeError(
            f"accuracy: output {y.shape}, target {t.shape}; need (n, classes) and (n,) or (n, classes){advice}"
        )
    weight = None if sample_weight is None else checked_weight("accuracy", sample_weight, len(y))
    if len(y) == 0 or has_nan(y) or has_nan(t):
        return math.nan
    right = y.argmax(1) == (t if t.ndim == 1 else t.argmax(1))
    if t.ndim == 1 and not within(t, y.shape[1]):
        kept = t != IGNORED
        wrong = t[kept & ((t < 0) | (t >= y.shape[1]))]
        if wrong.size:
            raise ValueError(f"accuracy: the target holds {wrong[0]}; need classes from 0 to {y.shape[1] - 1}")
        right, weight = right[kept], None if weight is None else weight[kept]
    return share(right, weight)


def binary_accuracy(output: Tensor, target: Any, sample_weight: Any = None) -> float:
    """Share of logits on the side of 0 that the targets, 0 or 1 of the same shape, name. NaN where one is NaN.

    >>> import minigrad as mg
    >>> binary_accuracy(mg.tensor([[2.0], [-1.0]]), [[1], [1]])
    0.5
    """
    refuse_sigmoid("binary_accuracy", output)
    y, t = alike("binary_accuracy", output, target)
    weight = None if sample_weight is None else checked_weight("binary_accuracy", sample_weight, len(y))
    if y.size == 0 or has_nan(y) or has_nan(t):
        return math.nan
    right = (y > 0) == (t > 0.5)
    if weight is None:
        return float(np.count_nonzero(right) / y.size)
    return share(right.reshape(-1), np.repeat(weight, y.size // len(y)))


def top_k_accuracy(output: Tensor, target: Any, sample_weight: Any = None, *, k: int = 2) -> float:
    """Share of rows whose target is among the k largest outputs (n, classes); of equal outputs the first come first.

    k is at least 1, where it is accuracy, and less than the number of classes, of which all would be right. Labels
    and NaN are those of accuracy. For another k in fit: metrics=[functools.partial(top_k_accuracy, k=5)].

    ShapeError for outputs that are not (n, classes) with at least two classes.

    >>> top_k_accuracy([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], [1, 2], k=2)
    0.5
    """
    y = array_of(output)
    if y.ndim != 2 or y.shape[1] < 2:
        raise ShapeError(f"top_k_accuracy: output {y.shape}; need (n, classes)")
    k = whole(k, "top_k_accuracy: k", 1, y.shape[1])
    rows = rows_of_classes("top_k_accuracy", output, target, sample_weight)
    if rows is None:
        return math.nan
    mine = rows.scores[np.arange(len(rows.truth)), rows.truth][:, None]
    before = np.arange(rows.classes) < rows.truth[:, None]
    rank = np.count_nonzero((rows.scores > mine) | ((rows.scores == mine) & before), axis=1)
    return share(rank < k, rows.weight)


def mean_absolute_error(output: Tensor, target: Any, sample_weight: Any = None) -> float:
    """Mean of |output - target|, of one shape; with weights, of each row's mean. NaN of nothing.

    >>> mean_absolute_error([1.0, 2.0], [2.0, 4.0]), mean_absolute_error([1.0, 2.0], [2.0, 4.0], [3.0, 1.0])
    (1.5, 1.25)
    """
    y, t = alike("mean_absolute_error", output, target)
    weight = checked_weight("mean_absolute_error", sample_weight, len(y)) if y.ndim else None
    if not y.size:
        return math.nan
    wide = (np.asarray(a, np.float64) if a.dtype.kind in "iub" else a for a in (y, t))  # 1 - 2 is 255 in uint8
    errors = np.abs(np.subtract(*wide))
    if weight is None:
        return total(errors) / errors.size
    of = total(weight) * (errors.size // len(errors))
    return total(errors * weight.reshape(-1, *[1] * (errors.ndim - 1))) / of if of else math.nan


@over_all_rows
def r2(output: Tensor, target: Any, sample_weight: Any = None) -> float:
    """1 - Σ (target - output)² / Σ (target - mean)², of one shape; of several columns, the mean of their R².

    1 is perfect and 0 as good as the mean of the targets; a worse output is negative. A column of one number alone
    counts 1 where the output is that number, else 0, as in scikit-learn. NaN where a number is NaN, and, with a
    warning, of fewer than two rows. Weights w stand in both sums and in the mean. In float64.

    ShapeError for single numbers, and for two shapes.

    >>> r2([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]).__round__(4)
    0.9486
    """
    y, t = (np.asarray(a, np.float64) for a in alike("r2", output, target))
    if y.ndim == 0:
        raise ShapeError("r2: output and target are single numbers; need rows")
    y, t = y.reshape(len(y), -1), t.reshape(len(t), -1)
    weight = checked_weight("r2", sample_weight, len(y))
    if has_nan(y) or has_nan(t):
        return math.nan
    if len(y) < 2:
        undefined(f"r2: there is no R² of {len(y)} rows; need at least two")
        return math.nan
    w = np.ones((len(y), 1)) if weight is None else weight[:, None]
    if not total(w):
        return math.nan
    mean = _columns(w * t) / total(w)
    left, around = _columns(w * (t - y) ** 2), _columns(w * (t - mean) ** 2)
    flat = around == 0
    found = np.where(flat, np.where(left == 0, 1.0, 0.0), 1 - left / np.where(flat, 1.0, around))
    return total(found) / len(found)


def _columns(x: np.ndarray) -> np.ndarray:
    """The sum of each column of x (n, p)."""
    out = np.empty(x.shape[1])
    K.sum(np.ascontiguousarray(x), out, 0, 1)
    return out
