"""Least squares with or without a ridge by Householder's reflections: digits are lost to cond(x), not to its square."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import kernels as K
from .column_products import dot, product

DUST = 1e-13  # of a column's length: no more is left of one that depends on those before it


def lengths(a: np.ndarray, l2: Any = 0.0) -> np.ndarray:
    """The lengths of the columns of a, with √l2 below each, as powers of two: dividing by them rounds nothing."""
    squares = np.array([dot(column, column) for column in np.ascontiguousarray(a.T)]) + l2
    return np.where(squares > 0, np.ldexp(1.0, np.frexp(np.sqrt(squares))[1]), 1.0)


def shortened(a: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most p rows with the Gram matrix of a (m, p) and its products with c (m,): the same least squares."""
    scale = lengths(a)
    steps = triangle(np.column_stack([a / scale, c]), a.shape[1])[0]
    return steps[:, :-1] * scale, steps[:, -1]


def triangle(table: np.ndarray, columns: int) -> tuple[np.ndarray, list[int]]:
    """Reflect the rows of `table` until its first columns are a staircase; the steps, and the column each stands on.

    A reflection is x - 2 v (v·x) / (v·v), with v = the column below the steps, its length added to its first element
    with that element's sign. Columns have a length of about 1 at the start; what is below DUST of it later is nothing.

    >>> steps, pivots = triangle(np.array([[0.6, 0.6, 1.0], [0.8, 0.8, 2.0]]), 2)
    >>> pivots, [round(abs(v), 12) for v in steps[0].tolist()]
    ([0], [1.0, 1.0, 2.2])
    """
    pivots: list[int] = []
    table = np.array(table, order="C")
    for column in range(columns):
        below = table[len(pivots) :]
        v = np.array(below[:, column])
        length = math.sqrt(dot(v, v)) if len(v) else 0.0
        if length <= DUST:
            continue
        end = -length if v[0] > 0 else length
        v[0] -= end
        along = product(v.reshape(1, -1), below)
        K.matmul((v * (-2 / dot(v, v))).reshape(-1, 1), along, below, accumulate=True)
        below[:, column] = 0
        below[0, column] = end
        pivots.append(column)
    return table[: len(pivots)], pivots


def solve(a: np.ndarray, c: np.ndarray, l2: Any) -> np.ndarray:
    """The w (p,) with the least ½ ‖c - a w‖² + ½ Σ l2 w², for a (m, p), c (m,) and l2, a number or (p,).

    Without a ridge a column that depends on those before it gets the coefficient 0.
    """
    p = a.shape[1]
    scale = lengths(a, l2)
    table = np.column_stack([a, c])
    if np.any(l2):
        ridge = np.zeros((p, p + 1))
        ridge[range(p), range(p)] = np.sqrt(l2)
        table = np.concatenate([table, ridge])
    table[:, :p] /= scale
    steps, pivots = triangle(table, p)
    w = np.zeros(p)
    for row in reversed(range(len(pivots))):
        w[pivots[row]] = (steps[row, p] - dot(np.array(steps[row, :p]), w)) / steps[row, pivots[row]]
    return w / scale
