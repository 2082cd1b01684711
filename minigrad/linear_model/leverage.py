"""How much a fitted linear model follows each row: leverages, and their sum, its degrees of freedom."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from .column_products import dot, product
from .columns import row_space
from .least_squares import lengths, shortened, triangle


def leverages(rows: np.ndarray, l2: Any) -> np.ndarray:
    """h (m,) of the ridge on these rows: h_i = z_i (ZᵀZ + diag l2)⁻¹ z_i, for rows (m, p) and l2, a number or (p,).

    With R the triangle of the rows and √l2 below them, RᵀR = ZᵀZ + diag l2, so that h_i is the squared length of
    R⁻ᵀ z_i, which forward substitution gives a column at a time (Golub, Van Loan 2013, Matrix computations, 5.3).
    Where columns outnumber rows all l2 must be above 0; the ridge is then one on the space of the rows.

    >>> leverages(np.array([[1.0], [2.0]]), 0.0).round(3).tolist(), leverages(np.array([[1.0], [2.0]]), 5.0).tolist()
    ([0.2, 0.8], [0.1, 0.4])
    """
    if rows.shape[1] > len(rows):
        most = float(np.max(l2))
        rows, l2 = row_space(rows / np.sqrt(l2 / most) if most else rows)[0], most
    m, p = rows.shape
    if p == 0:
        return np.zeros(m)
    scale = lengths(rows, l2)
    few = rows if m <= 2 * p else shortened(rows, np.zeros(m))[0]
    ridge = np.zeros((p, p))
    ridge[range(p), range(p)] = np.sqrt(l2)
    steps, pivots = triangle(np.concatenate([few, ridge]) / scale if np.any(l2) else few / scale, p)
    solved = np.zeros((len(pivots), m))  # R⁻ᵀ zᵀ, a row for each pivot
    columns = np.ascontiguousarray((rows / scale).T)
    for i, column in enumerate(pivots):
        left = columns[column].reshape(1, -1).copy()
        if i:
            K.matmul(-np.ascontiguousarray(steps[:i, column]).reshape(1, -1), solved[:i], left, accumulate=True)
        solved[i] = left[0] / steps[i, column]
    return product(np.ones((1, len(pivots))), solved * solved)[0] if pivots else np.zeros(m)


def total(values: np.ndarray) -> float:
    """Σ of the values, in the order of the kernel.

    >>> total(np.array([1.0, 2.0]))
    3.0
    """
    return dot(values, np.ones(len(values)))
