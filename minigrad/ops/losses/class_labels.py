"""The classes of rows as losses take them: whole numbers in [0, classes), and rows that are ignored."""

from __future__ import annotations

import numpy as np

from ... import kernels as K
from ...engine import Tensor
from ...errors import DTypeError
from ...kernels.reference.gather import check_indices
from ...recording import mode
from ..elementwise.where import where


class Labels:
    """The classes of rows: index (rows,), which is 0 for ignored rows, and the mask `kept` of the other rows."""

    def __init__(self, op: str, labels: np.ndarray, classes: int, ignore_index: int) -> None:
        if labels.dtype.kind in "USO" and labels.size:
            raise DTypeError(
                f"{op}: the target holds words, such as {str(labels.flat[0])!r:.40}; classes are whole "
                "numbers: np.unique(target, return_inverse=True)[1] numbers the words"
            )
        if labels.dtype.kind not in "iu":
            raise DTypeError(
                f"{op}: classes need an integer dtype, got {labels.dtype}; use "
                "target.astype('int64') for an array, target.long() for a tensor"
            )
        self.op, self.kept = op, labels != ignore_index
        self.all = bool(self.kept.all())
        if mode.step is not None:
            _refuse_ignored(op, ignore_index, self.all)
        self.index = _whole_numbers(labels if self.all else np.where(self.kept, labels, 0))
        check_indices(op, "label", self.index, classes)

    def weights(self, weight: Tensor) -> Tensor:
        """The class weight of each row, 0 for ignored ones. A constant."""
        own = K.empty(self.index.shape, weight.dtype)
        K.take(weight.array, self.index, own)
        return self.without(Tensor(own))

    def places(self, x: Tensor) -> np.ndarray:
        """A mask in the shape of x, (rows, classes): True at the class of each row."""
        if mode.step is not None:
            mode.step.refuse(self.op, "the mask of its classes is made by NumPy, anew in each step")
        return np.arange(x.shape[1]) == self.index[:, None]

    def without(self, x: Tensor) -> Tensor:
        """The rows of x, with 0 for ignored ones, so that a NaN or an infinity in them has no effect."""
        return x if self.all else where(self.kept if x.ndim == 1 else self.kept[:, None], x, 0.0)


def _whole_numbers(labels: np.ndarray) -> np.ndarray:
    """Labels as contiguous int64: a copy, except in a step that mg.compile records, whose replays read the original."""
    if mode.step is None or labels.dtype != np.int64:
        return labels.astype(np.int64, order="C")
    return K.contiguous(labels)


def _refuse_ignored(op: str, ignore_index: int, kept: bool) -> None:
    """Refuse a recording in which labels decide which rows are ignored: a replay would ignore the same rows again."""
    if ignore_index >= 0 or not kept:
        mode.step.refuse(
            op,
            "which rows are ignored is found out in Python, anew in each step. Leave them out of the data, or let "
            "their sample_weight be 0",
        )
