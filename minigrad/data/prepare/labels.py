"""Class labels: checked, written as one-hot rows, and made wrong on purpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import finite, real_dtype, whole
from ...errors import DTypeError, ShapeError
from ...rng import LABELS, Streams
from ..dataset import as_rows


def check_labels(y: Any, classes: int) -> np.ndarray:
    """y (n,) as int64 labels, each in [0, classes); ShapeError, DTypeError, or ValueError naming the first bad row.

    >>> check_labels([0, 1, 3], classes=3)
    Traceback (most recent call last):
      ...
    ValueError: y: row 2 is 3; need labels from 0 to 2
    """
    y, classes = as_rows(y, "y"), whole(classes, "classes", 1)
    if y.ndim != 1:
        raise ShapeError(f"y is {y.shape}; need one label per row, shape ({len(y)},)")
    if y.dtype.kind == "f":
        raise DTypeError(f"y is {y.dtype}; need integer labels, as y.astype('int64') gives")
    bad = np.flatnonzero((y < 0) | (y >= classes))
    if bad.size:
        raise ValueError(f"y: row {bad[0]} is {y[bad[0]]}; need labels from 0 to {classes - 1}")
    return y.astype(np.int64, copy=False)


def one_hot(y: Any, classes: int, dtype: Any = "float32") -> np.ndarray:
    """(n, classes): row i is 1 at label y[i], 0 elsewhere.

    >>> one_hot([1, 0], classes=3)
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    """
    y = check_labels(y, classes)
    out = np.zeros((len(y), classes), real_dtype(dtype, "one_hot: dtype"))
    out[np.arange(len(y)), y] = 1
    return out


def noisy_labels(y: Any, share: float, classes: int, seed: int = 0) -> np.ndarray:
    """A copy of the labels y (n,) with round(share n) of them replaced, each by another class drawn uniformly.

    Which rows and classes is a function of (n, share, classes, seed); `noisy != y` marks them.

    >>> y = np.arange(10) % 3
    >>> noisy = noisy_labels(y, 0.3, classes=3)
    >>> int((noisy != y).sum()), int(noisy.min()), int(noisy.max())
    (3, 0, 2)
    """
    y, classes = check_labels(y, classes), whole(classes, "noisy_labels: classes", 2)
    rows = round(finite(share, "noisy_labels: share", 0, 1) * len(y))
    streams = Streams(seed)
    chosen = streams.permutation(len(y), LABELS)[:rows]
    steps = 1 + (streams.bits(rows, LABELS) % np.uint64(classes - 1)).astype(np.int64)  # bias below classes / 2⁶⁴
    noisy = y.copy()
    noisy[chosen] = (y[chosen] + steps) % classes
    return noisy
