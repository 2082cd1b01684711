"""The rows of a linear model as its solvers see them: float64, weighted, columns shifted and scaled."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..data.dataset import as_rows, finite_rows
from ..errors import NonFiniteError, ShapeError
from ..public import described
from .column_products import REAL, dot, product

LARGEST = 1e300  # of an input: beyond it a column can't be centred without overflow
SAFE = 300  # numbers from 2⁻³⁰⁰ to 2³⁰⁰ can be squared and summed within the range of float64


def safe_units(largest: Any) -> np.ndarray:
    """1 for each size whose square is an ordinary number, else the power of two next to it: to divide by it is exact.

    >>> safe_units([3.0, 0.0, 5 * 2.0**400]).tolist() == [1.0, 1.0, 2.0**402]
    True
    """
    exponents = np.frexp(largest)[1] - 1
    return np.ldexp(1.0, np.where(np.abs(exponents) > SAFE, exponents, 0))


def checked_weights(weights: Any, rows: int) -> np.ndarray:
    """The weights of the rows, (rows,) float64; None: 1 each. ShapeError unless none is negative, and some above 0."""
    if weights is None:
        return np.ones(rows)
    found = finite_rows(as_rows(weights, "weights"), "weights", REAL)
    if found.shape != (rows,) or (found < 0).any() or not found.any():
        raise ShapeError(f"weights are {found.shape}; need one per row, {rows}, none negative, not all 0")
    return found


class Design:
    """z = (x - centre) / scale, (m, p), and the weights of the rows, 1 each unless given; `total` is their sum.

    centre is the weighted mean of a column, or 0 without an intercept; scale its standard deviation if standardize,
    else its unit. A column of one value is shifted to 0 and not scaled. Rows of weight 0 are left out; `kept` marks the
    rest. The unit of a column is 1, but for columns whose squares would leave the range of float64: see safe_units. A
    penalty of strength l1 on the coefficient of x is one of l1 / unit on that of z, and l2 / unit²; `units` are all 1
    if standardize.

    NonFiniteError for columns that reach beyond 1e300.

    >>> design = Design([[0.0, 5.0], [4.0, 5.0]], standardize=True)
    >>> design.z.tolist(), design.centre.tolist(), design.scale.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [2.0, 5.0], [2.0, 1.0])
    """

    __repr__ = described

    def __init__(self, x: Any, weights: Any = None, centred: bool = True, standardize: bool = False) -> None:
        x = as_rows(x, "x")
        if x.ndim != 2 or x.size == 0:
            raise ShapeError(f"x is {x.shape}; need rows and columns, at least one of each")
        x = finite_rows(x, "x", REAL)
        weights = checked_weights(weights, len(x))
        self.kept = weights > 0
        if not self.kept.all():
            x, weights = K.contiguous(x[self.kept]), weights[self.kept]
        weights = weights / safe_units(weights.max())
        self.weights, self.total = weights, dot(weights, np.ones(len(weights)))
        largest = np.maximum(x.max(0), -x.min(0))
        if (largest > LARGEST).any():
            column = int(np.argmax(largest))
            raise NonFiniteError(
                f"x: column {column} reaches {largest[column]:.6g}, too large for means and squares in the range of "
                "float64; a mark for a missing value? Fill or drop such rows, or scale the column"
            )
        units = safe_units(largest)
        x = x / units if (units != 1).any() else x
        constant = (x == x[0]).all(0)
        mean = np.where(constant, x[0], self.mean(x))  # the mean of equal numbers may be one rounding off
        spread = np.where(constant, 1.0, np.sqrt(self.mean((x - mean) ** 2))) if standardize else np.ones(x.shape[1])
        mean = mean if centred else np.zeros(x.shape[1])
        self.z = x - mean
        if standardize:
            self.z /= spread
        self.centre, self.scale = mean * units, spread * units
        self.units = np.where(constant, units, 1.0) if standardize else units

    def strengths(self, l1: float, l2: float) -> tuple[np.ndarray, np.ndarray]:
        """The strengths on the coefficients of z, (p,) each: l1 / unit and l2 / unit²."""
        with np.errstate(over="ignore"):
            each_l1, each_l2 = l1 / self.units, l2 / self.units / self.units
        bad = np.flatnonzero(~np.isfinite(each_l1 + each_l2))
        if bad.size:
            raise NonFiniteError(
                f"x: column {bad[0]} is so small, about {self.units[bad[0]]:.1g}, that l1 = {l1:.4g}, l2 = {l2:.4g} "
                "beside it leave the range of float64; scale it first, or standardize"
            )
        return each_l1, each_l2

    def mean(self, x: np.ndarray) -> np.ndarray:
        """The weighted mean of each column of x (m, n)."""
        return product(self.weights.reshape(1, -1), x)[0] / self.total

    def offset(self, offset: Any) -> np.ndarray | None:
        """The known parts of the outputs of the rows that count, (m,) or (m, outputs), checked; None without any."""
        if offset is None:
            return None
        found = as_rows(offset, "offset")
        if found.ndim not in (1, 2) or len(found) != len(self.kept):
            raise ShapeError(f"offset is {found.shape}; need a number for each of {len(self.kept)} rows")
        return finite_rows(found, "offset", REAL)[self.kept]

    def target(self, y: Any, dtype: Any = REAL) -> np.ndarray:
        """The targets (m,) of the rows that count, checked."""
        y = as_rows(y, "y")
        if y.shape != self.kept.shape:
            raise ShapeError(f"y is {y.shape}; need one target for each of {len(self.kept)} rows")
        return finite_rows(y, "y", np.dtype(dtype))[self.kept]
