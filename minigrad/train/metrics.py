"""Metrics: functions of (output, target) that give one number for some rows; NaN in the output gives NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import Tensor
from ..errors import ShapeError

IGNORED = -100  # the label that cross_entropy ignores


def accuracy(output: Tensor, target: Any) -> float:
    """Share of rows whose largest output stands at the target: classes (n,), or one-hot rows (n, classes).

    Outputs are a tensor or an array. Rows of the label -100, which cross_entropy ignores, are left out; any other
    label that is no class is a ValueError. NaN where an output or a target is NaN, or no row is left.

    >>> import minigrad as mg
    >>> accuracy(mg.tensor([[2.0, 1.0], [0.0, 3.0]]), [0, 0])
    0.5
    """
    y, t = _array(output), _array(target)
    if y.ndim != 2 or y.shape[1] < 2 or t.shape not in ((len(y),), y.shape):
        advice = "; for one logit per row use binary_accuracy" if y.ndim == 1 or y.shape[-1] == 1 else ""
        raise ShapeError(
            f"accuracy: output {y.shape}, target {t.shape}; need (n, classes) and (n,) or (n, classes){advice}"
        )
    if len(y) == 0 or _has_nan(y) or _has_nan(t):
        return math.nan
    right = y.argmax(1) == (t if t.ndim == 1 else t.argmax(1))
    if t.ndim == 1 and not within(t, y.shape[1]):
        kept = t != IGNORED
        wrong = t[kept & ((t < 0) | (t >= y.shape[1]))]
        if wrong.size:
            raise ValueError(f"accuracy: the target holds {wrong[0]}; need classes from 0 to {y.shape[1] - 1}")
        right = right[kept]
    return float(np.count_nonzero(right) / len(right)) if len(right) else math.nan


def binary_accuracy(output: Tensor, target: Any) -> float:
    """Share of logits on the side of 0 that the targets, 0 or 1 of the same shape, name. NaN where one is NaN.

    >>> import minigrad as mg
    >>> binary_accuracy(mg.tensor([[2.0], [-1.0]]), [[1], [1]])
    0.5
    """
    made = output.op if isinstance(output, Tensor) else None
    if made is not None and "sigmoid" in (made.name, (output.options or {}).get("activation")):
        raise ValueError(
            "binary_accuracy: the output was made by a sigmoid, but needs logits, which are above 0 where "
            "it is above 1/2; give it output - 0.5"
        )
    y, t = _alike("binary_accuracy", output, target)
    if y.size == 0 or _has_nan(y) or _has_nan(t):
        return math.nan
    return float(np.count_nonzero((y > 0) == (t > 0.5)) / y.size)


def mean_absolute_error(output: Tensor, target: Any) -> float:
    """Mean of |output - target|, of one shape."""
    y, t = _alike("mean_absolute_error", output, target)
    wide = (np.asarray(a, np.float64) if a.dtype.kind in "iub" else a for a in (y, t))  # 1 - 2 is 255 in uint8
    return float(np.abs(np.subtract(*wide)).mean(dtype=np.float64)) if y.size else math.nan


def _has_nan(a: np.ndarray) -> bool:
    if a.dtype.kind != "f" or math.isfinite(np.vdot(a, a)):  # by far the fastest way to see that there is none
        return False
    return bool(np.isnan(a).any())


def within(labels: np.ndarray, classes: int) -> bool:
    """Whether all labels, at least one, are in [0, classes); in one pass, because every batch asks."""
    if labels.dtype == np.int64:
        return bool(np.maximum.reduce(labels.view(np.uint64)) < classes)  # where those below 0 are the largest
    return bool(labels.min() >= 0 and labels.max() < classes)


def _array(values: Any) -> np.ndarray:
    return values.array if isinstance(values, Tensor) else np.asarray(values)


def _alike(name: str, output: Tensor, target: Any) -> tuple[np.ndarray, np.ndarray]:
    y, t = _array(output), _array(target)
    if y.shape != t.shape:
        raise ShapeError(f"{name}: output {y.shape}, target {t.shape}; need the same shape")
    return y, t
