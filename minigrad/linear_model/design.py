"""The rows of a linear model as its solvers see them: float64, weighted, columns shifted and scaled."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..data.dataset import as_rows, finite_rows
from ..errors import NonFiniteError, ShapeError

REAL = np.dtype(np.float64)


def product(a: np.ndarray, b: np.ndarray, ta: bool = False, tb: bool = False) -> np.ndarray:
    """op(a) @ op(b) for matrices, by the kernel."""
    out = K.empty((a.shape[1 if ta else 0], b.shape[0 if tb else 1]), REAL)
    K.matmul(a, b, out, ta=ta, tb=tb)
    return out


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Σ a b over all elements of two contiguous arrays of one size."""
    return float(product(a.reshape(1, -1), b.reshape(-1, 1))[0, 0])


class Design:
    """z = (x - centre) / scale, (m, p), and the weights of the rows, 1 each unless given; `total` is their sum.

    centre is the weighted mean of a column, or 0 without an intercept; scale its standard deviation if standardize,
    else 1. A column of one value is shifted to 0 and not scaled. Rows of weight 0 are left out; `kept` marks the rest.

    >>> design = Design([[0.0, 5.0], [4.0, 5.0]], standardize=True)
    >>> design.z.tolist(), design.centre.tolist(), design.scale.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [2.0, 5.0], [2.0, 1.0])
    """

    def __init__(self, x: Any, weights: Any = None, centred: bool = True, standardize: bool = False) -> None:
        x = as_rows(x, "x")
        if x.ndim != 2 or x.size == 0:
            raise ShapeError(f"x is {x.shape}; need rows and columns, at least one of each")
        x = finite_rows(x, "x", REAL)
        weights = np.ones(len(x)) if weights is None else finite_rows(as_rows(weights, "weights"), "weights", REAL)
        if weights.shape != (len(x),) or (weights < 0).any() or not weights.any():
            raise ShapeError(f"weights are {weights.shape}; need one per row, {len(x)}, none negative, not all 0")
        self.kept = weights > 0
        if not self.kept.all():
            x, weights = K.contiguous(x[self.kept]), weights[self.kept]
        self.weights, self.total = weights, dot(weights, np.ones(len(weights)))
        constant = (x == x[0]).all(0)
        mean = np.where(constant, x[0], self.mean(x))  # the mean of equal numbers may be one rounding off
        spread = np.where(constant, 1.0, np.sqrt(self.mean((x - mean) ** 2))) if standardize else np.ones(x.shape[1])
        self.centre, self.scale = (mean if centred else np.zeros(x.shape[1])), spread
        self.z = (x - self.centre) / self.scale
        with np.errstate(over="ignore"):
            squares = self.mean(self.z * self.z)
        if not np.isfinite(squares).all():
            raise NonFiniteError("x: the squares of a column leave the range of float64; scale it first")

    def mean(self, x: np.ndarray) -> np.ndarray:
        """The weighted mean of each column of x (m, n)."""
        return product(self.weights.reshape(1, -1), x)[0] / self.total

    def target(self, y: Any, dtype: Any = REAL) -> np.ndarray:
        """The targets (m,) of the rows that count, checked."""
        y = as_rows(y, "y")
        if y.shape != self.kept.shape:
            raise ShapeError(f"y is {y.shape}; need one target for each of {len(self.kept)} rows")
        return finite_rows(y, "y", np.dtype(dtype))[self.kept]
