"""Metrics: functions of (output, target) that give one number, a mean over the rows of a batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import Tensor
from ..errors import ShapeError


def accuracy(output: Tensor, target: Any) -> float:
    """Share of rows whose largest output stands at the target: classes (n,), or one-hot rows (n, classes).

    >>> import minigrad as mg
    >>> accuracy(mg.tensor([[2.0, 1.0], [0.0, 3.0]]), [0, 0])
    0.5
    """
    y, t = output.data, np.asarray(target)
    if y.ndim != 2 or y.shape[1] < 2 or t.shape not in ((len(y),), y.shape):
        advice = "; for one logit per row use binary_accuracy" if y.ndim == 1 or y.shape[-1] == 1 else ""
        raise ShapeError(
            f"accuracy: output {y.shape}, target {t.shape}; need (n, classes) and (n,) or (n, classes){advice}"
        )
    classes = t if t.ndim == 1 else t.argmax(1)
    return float(np.count_nonzero(y.argmax(1) == classes) / len(y)) if len(y) else math.nan


def binary_accuracy(output: Tensor, target: Any) -> float:
    """Share of logits on the side of 0 that the targets, 0 or 1 of the same shape, name.

    >>> import minigrad as mg
    >>> binary_accuracy(mg.tensor([[2.0], [-1.0]]), [[1], [1]])
    0.5
    """
    y, t = _alike("binary_accuracy", output, target)
    return float(np.count_nonzero((y > 0) == (t > 0.5)) / y.size) if y.size else math.nan


def mean_absolute_error(output: Tensor, target: Any) -> float:
    """Mean of |output - target|, of one shape."""
    y, t = _alike("mean_absolute_error", output, target)
    return float(np.abs(y - t).mean(dtype=np.float64))


def _alike(name: str, output: Tensor, target: Any) -> tuple[np.ndarray, np.ndarray]:
    y, t = output.data, np.asarray(target)
    if y.shape != t.shape:
        raise ShapeError(f"{name}: output {y.shape}, target {t.shape}; need the same shape")
    return y, t
