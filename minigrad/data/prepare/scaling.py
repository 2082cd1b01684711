"""Columns brought to mean 0 and standard deviation 1, by what the training rows say."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...errors import NonFiniteError, ShapeError
from ...public import described
from ..dataset import as_rows, finite_rows, real_for


class Standardizer:
    """Mean and standard deviation of the columns of x (n, ...), and the map x -> (x - mean) / std that they define.

    std divides by n. A column of one value is shifted to 0 and not scaled (std 1). Integers become float32, or float64
    where float32 does not hold them (above 2²⁴: times in seconds, numbers of customers).
    ShapeError, DTypeError or NonFiniteError for rows that do not fit; fit on training rows only.

    >>> scale = Standardizer(np.array([[0.0, 5.0], [2.0, 5.0]]))
    >>> scale.mean, scale.std
    (array([1., 5.]), array([1., 1.]))
    >>> scale(np.array([[4.0, 6.0]]))
    array([[3., 1.]])
    >>> scale.inverse(np.array([[3.0, 1.0]]))
    array([[4., 6.]])
    """

    __repr__ = described

    def __init__(self, x: Any) -> None:
        x = as_rows(x, "Standardizer: x")
        if x.size == 0:
            raise ShapeError(f"Standardizer: x is {x.shape}; need at least one row and one column")
        x = finite_rows(x, "Standardizer: x", real_for(x))
        self.mean, self.std = K.empty(x.shape[1:], x.dtype), K.empty(x.shape[1:], x.dtype)
        constant = (x == x[0]).all(0)
        K.mean(x, self.mean, 0, 1)
        np.copyto(self.mean, x[0], where=constant)  # their mean may be one rounding off, and dust / dust is not 0
        centred = K.empty_like(x)
        K.sub(x, self.mean, centred)
        unit = _safe_units(centred)
        K.div(centred, unit, centred)
        K.mul(centred, centred, centred)
        K.mean(centred, self.std, 0, 1)
        K.sqrt(self.std, self.std)
        K.mul(self.std, unit, self.std)
        np.copyto(self.std, 1, where=constant)
        bad = np.argwhere(~(np.isfinite(self.std) & (self.std > 0)))
        if len(bad):
            column = ", ".join(map(str, bad[0]))
            raise NonFiniteError(f"Standardizer: the squares of column {column} leave the range of {x.dtype}")

    @classmethod
    def of(cls, mean: Any, std: Any) -> Standardizer:
        """The map with these means and deviations, each above 0, as one that was kept has them."""
        found = cls.__new__(cls)
        found.mean, found.std = as_rows(mean, "Standardizer: mean"), as_rows(std, "Standardizer: std")
        if found.mean.shape != found.std.shape or found.mean.dtype != found.std.dtype:
            raise ShapeError(
                f"Standardizer: mean is {found.mean.dtype} {found.mean.shape}, std {found.std.dtype} "
                f"{found.std.shape}; need one dtype and shape"
            )
        finite_rows(found.mean, "Standardizer: mean")
        if not (np.isfinite(found.std) & (found.std > 0)).all():
            raise NonFiniteError("Standardizer: std holds a number that is not above 0, or not finite")
        return found

    def __call__(self, x: Any) -> np.ndarray:
        """(x - mean) / std, in the fitted dtype."""
        return (self._fitting(x) - self.mean) / self.std

    def inverse(self, z: Any) -> np.ndarray:
        """z std + mean: back in the units of the data."""
        return self._fitting(z) * self.std + self.mean

    def _fitting(self, x: Any) -> np.ndarray:
        x = as_rows(x, "Standardizer: x")
        if x.shape[1:] != self.mean.shape:
            raise ShapeError(f"Standardizer: x is {x.shape}; it was fitted on rows of shape {self.mean.shape}")
        return finite_rows(x, "Standardizer: x", self.mean.dtype)


def _safe_units(centred: np.ndarray) -> np.ndarray:
    """1 for each column whose squares are ordinary numbers, else the power of two next to its largest element."""
    with np.errstate(invalid="ignore"):
        exponents = np.frexp(np.maximum(centred.max(0), -centred.min(0)))[1] - 1
    safe = 40 if centred.dtype == np.float32 else 300
    return np.ldexp(np.ones((), centred.dtype), np.where(np.abs(exponents) > safe, exponents, 0))


def standardize(train: Any, *others: Any) -> tuple[np.ndarray, ...]:
    """train and others, shifted and scaled by the means and standard deviations of train's columns.

    >>> train, test = standardize(np.array([[0.0], [2.0]]), np.array([[3.0]]))
    >>> train.tolist(), test.tolist()
    ([[-1.0], [1.0]], [[2.0]])
    """
    scale = Standardizer(train)
    return tuple(scale(x) for x in (train, *others))
