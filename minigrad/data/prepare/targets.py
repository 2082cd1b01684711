"""Targets softened and weighted: label smoothing, balanced class weights, weights of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import finite, real_dtype, whole
from ...errors import ShapeError
from ..dataset import as_rows, finite_rows
from .labels import check_labels, one_hot


def smooth_labels(y: Any, classes: int, smoothing: float = 0.1, dtype: Any = "float32") -> np.ndarray:
    """(n, classes): (1 - smoothing) one-hot + smoothing / classes, for labels y (n,) or rows of probabilities.

    Cross-entropy with such targets is never 0: the network is not driven to infinite logits (Szegedy et al. 2016).

    ShapeError for a y that is neither labels nor rows of this many classes.

    >>> smooth_labels([1], classes=4, smoothing=0.2)
    array([[0.05, 0.85, 0.05, 0.05]], dtype=float32)
    """
    smoothing, rows = finite(smoothing, "smooth_labels: smoothing", 0.0, 1.0), as_rows(y, "y")
    if rows.ndim == 1:
        rows = one_hot(rows, classes, "float64")
    elif rows.shape[1:] != (whole(classes, "smooth_labels: classes", 1),):
        raise ShapeError(f"smooth_labels: y is {rows.shape}; need labels (n,) or rows (n, {classes})")
    smooth = (1 - smoothing) * finite_rows(rows, "y", np.dtype(np.float64)) + smoothing / classes
    return smooth.astype(real_dtype(dtype, "smooth_labels: dtype"))


def class_weights(y: Any, classes: int, dtype: Any = "float32") -> np.ndarray:
    """(classes,): n / (classes count), scikit-learn's "balanced": all classes weigh the same in a mean over y.

    A class that does not occur in y weighs 0. For `mg.cross_entropy(..., weight=)`, or for weighted_targets.

    >>> class_weights([0, 0, 0, 1], classes=2)
    array([0.6666667, 2.       ], dtype=float32)
    """
    labels = check_labels(y, classes)
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (classes * np.maximum(counts, 1).astype(np.float64))
    return np.where(counts > 0, weights, 0.0).astype(real_dtype(dtype, "class_weights: dtype"))


def sample_weights(y: Any, classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """(n,): the balanced weight of each row's class, of so many classes (None: the largest label and one); for
    `fit(model, (x, y, weight), ...)`. Their mean is 1 if every class occurs.

    >>> sample_weights([0, 0, 0, 1]).round(3)
    array([0.667, 0.667, 0.667, 2.   ], dtype=float32)
    """
    if classes is None:
        classes = int(np.max(y)) + 1
    return class_weights(y, classes, dtype)[check_labels(y, classes)]


def weighted_targets(y: Any, weights: Any, classes: int, dtype: Any = "float32") -> np.ndarray:
    """(n, classes): row i is weights[i] at label y[i], 0 elsewhere; or weights[i] times the row y[i] of probabilities.

    Cross-entropy is linear in its target, so a row's loss and gradient are weighted by weights[i]: `fit`, loaders and
    losses need no argument for weights. The mean stays one over rows: weights of mean 1 keep the scale of λ.

    ShapeError for weights that are not one for each row, or below 0.

    >>> weighted_targets([1, 0], [0.5, 2.0], classes=2)
    array([[0. , 0.5],
           [2. , 0. ]], dtype=float32)
    """
    rows = smooth_labels(y, classes, 0.0, dtype)
    w = finite_rows(as_rows(weights, "weights"), "weights", rows.dtype)
    if w.shape != (len(rows),) or (w < 0).any():
        raise ShapeError(f"weighted_targets: weights are {w.shape}; need ({len(rows)},), none below 0")
    return rows * w[:, None]
