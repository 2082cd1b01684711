"""Missing values (NaN) filled with the means of their columns, by what the training rows say."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...errors import NonFiniteError, ShapeError
from ...public import described
from ..dataset import as_rows, finite_rows, real_for


class MeanImputer:
    """The map that puts mean[j] in place of each NaN in column j of x (n, p); fitted on training rows only.

    A column without a single number in the training rows is an error: there is no mean to put.

    NonFiniteError for such a column; ShapeError for x of another number of columns than it was fitted on, or without
    rows.

    >>> fill = MeanImputer(np.array([[1.0, 4.0], [3.0, np.nan]]))
    >>> fill.mean, fill(np.array([[np.nan, np.nan]]))
    (array([2., 4.]), array([[2., 4.]]))
    """

    __repr__ = described

    def __init__(self, x: Any) -> None:
        x = self._rows(x)
        there = ~np.isnan(x)
        empty = np.flatnonzero(~there.any(0))
        if empty.size:
            raise NonFiniteError(f"MeanImputer: column {empty[0]} has no number in the training rows")
        # The mean of a column is its sum over rows with 0 for what is missing, divided by how many are there.
        filled = np.where(there, x, 0).astype(np.float64)
        total = K.empty((x.shape[1],), np.float64)
        K.sum(filled, total, 0, 1)
        self.mean = (total / there.sum(0)).astype(x.dtype)

    @classmethod
    def of(cls, mean: Any) -> MeanImputer:
        """The imputer that puts these numbers, (p,), as one that was kept has them."""
        found = cls.__new__(cls)
        mean = as_rows(mean, "MeanImputer: mean")
        if mean.ndim != 1:
            raise ShapeError(f"MeanImputer: mean is {mean.shape}; need a number for each column")
        found.mean = finite_rows(mean, "MeanImputer: mean", real_for(mean))
        return found

    def __call__(self, x: Any) -> np.ndarray:
        """x with its gaps filled, in the fitted dtype."""
        x = self._rows(x)
        if x.shape[1] != len(self.mean):
            raise ShapeError(f"MeanImputer: x is {x.shape}; it was fitted on {len(self.mean)} columns")
        return finite_rows(np.where(np.isnan(x), self.mean, x), "MeanImputer: x", self.mean.dtype)

    @staticmethod
    def _rows(x: Any) -> np.ndarray:
        x = as_rows(x, "MeanImputer: x")
        if x.ndim != 2 or x.size == 0:
            raise ShapeError(f"MeanImputer: x is {x.shape}; need rows and columns")
        return x.astype(real_for(x), copy=False)
