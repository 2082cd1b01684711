"""Products of the columns that solvers move, dense or sparse, each in one order of operations.

Solvers know `rows`, (m, p): an array, or SparseColumns. Here is what they need of it: some columns, and products.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K

REAL = np.dtype(np.float64)


class SparseColumns:
    """The matrix (X - along shiftᵀ) / scale, (m, p), with a sparse X: centred and scaled without being formed.

    first, row, x   column j of X has the entries from first[j] below first[j + 1]: x[e] in row row[e], in rising rows
    along           (m,) of ones, or what the rows were multiplied by
    shift, scale    (p,)

    Centring costs one number for each column: Zᵀ r = (Xᵀ r - shift (along·r)) / scale.

    >>> first, row, x = np.array([0, 2, 3]), np.array([0, 2, 1]), np.array([3.0, 6.0, 5.0])
    >>> z = SparseColumns(first, row, x, np.ones(3), np.array([3.0, 0.0]), np.array([1.0, 5.0]))
    >>> z.dense([0, 1]).tolist()
    [[0.0, 0.0], [-3.0, 1.0], [3.0, 0.0]]
    """

    def __init__(
        self, first: np.ndarray, row: np.ndarray, x: np.ndarray, along: np.ndarray, shift: np.ndarray, scale: np.ndarray
    ) -> None:
        self.entries, self.along, self.shift, self.scale = (first, row, x), along, shift, scale

    def __len__(self) -> int:
        return len(self.along)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.along), len(self.shift)

    def of(self, index: Any) -> SparseColumns:
        """Some of the columns, in this order."""
        index = np.asarray(index)
        first, row, x = self.entries
        counts = first[index + 1] - first[index]
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(starts[-1]) + np.repeat(first[index] - starts[:-1], counts)
        return SparseColumns(starts, row[places], x[places], self.along, self.shift[index], self.scale[index])

    def with_ones(self) -> SparseColumns:
        """These columns and one of ones."""
        first, row, x = self.entries
        m = len(self)
        entries = np.append(first, first[-1] + m), np.concatenate([row, np.arange(m)]), np.concatenate([x, np.ones(m)])
        return SparseColumns(*entries, self.along, np.append(self.shift, 0.0), np.append(self.scale, 1.0))

    def times_rows(self, root: np.ndarray) -> SparseColumns:
        """Every row times a number of root (m,)."""
        first, row, x = self.entries
        return SparseColumns(first, row, x * root[row], self.along * root, self.shift, self.scale)

    def dots(self, r: np.ndarray) -> np.ndarray:
        """rᵀ Z, (k, p), for r (m, k)."""
        out = np.empty((r.shape[1], len(self.shift)))
        for each, column in zip(out, np.ascontiguousarray(r.T)):
            K.sparse_dots(*self.entries, column, each)
            each -= self.shift * dot(self.along, column)
            each /= self.scale
        return out

    def times(self, w: np.ndarray) -> np.ndarray:
        """Z w, (m, k), for w (p, k)."""
        out = np.zeros((w.shape[1], len(self)))
        for each, column in zip(out, np.ascontiguousarray(w.T)):
            column = column / self.scale
            K.sparse_sum(*self.entries, column, each)
            each -= self.along * dot(self.shift, column)
        return np.ascontiguousarray(out.T)

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """Zᵀ diag(weights) Z, (p, p): exactly symmetric."""
        p = len(self.shift)
        out, beside = np.empty((p, p)), np.empty(p)
        K.sparse_gram(*self.entries, weights, out)
        K.sparse_dots(*self.entries, weights * self.along, beside)
        both = beside.reshape(-1, 1) * self.shift
        out += dot(self.along, weights * self.along) * (self.shift.reshape(-1, 1) * self.shift) - (both + both.T)
        return out / (self.scale.reshape(-1, 1) * self.scale)

    def squares(self) -> np.ndarray:
        """The squared length of each column, (p,)."""
        first, row, x = self.entries
        square, beside = np.empty(len(self.shift)), np.empty(len(self.shift))
        K.sparse_dots(first, row, x * x, np.ones(len(self)), square)
        K.sparse_dots(first, row, x, self.along, beside)
        square += self.shift * (self.shift * dot(self.along, self.along) - 2 * beside)
        return np.maximum(square, 0.0) / (self.scale * self.scale)

    def dense(self, index: Any) -> np.ndarray:
        """Some of the columns as an array (m, k)."""
        few = self.of(index)
        return few.times(np.eye(len(few.shift)))


def product(a: Any, b: Any, ta: bool = False, tb: bool = False) -> np.ndarray:
    """op(a) @ op(b), by the kernels; one of both may be SparseColumns: Z @ b, Zᵀ @ b or aᵀ @ Z."""
    if isinstance(a, SparseColumns):
        b = b.T if tb else b
        return np.ascontiguousarray(a.dots(b).T) if ta else a.times(b)
    if isinstance(b, SparseColumns):
        return b.dots(a if ta else a.T)
    out = K.empty((a.shape[1 if ta else 0], b.shape[0 if tb else 1]), REAL)
    K.matmul(a, b, out, ta=ta, tb=tb)
    return out


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Σ a b over all elements of two contiguous arrays of one size."""
    out = K.empty((1, 1), REAL)
    K.matmul(a.reshape(1, -1), b.reshape(-1, 1), out)
    return float(out[0, 0])


def gram(rows: Any, weights: np.ndarray | None = None) -> np.ndarray:
    """rowsᵀ diag(weights) rows; without weights rowsᵀ rows."""
    if isinstance(rows, SparseColumns):
        return rows.gram(np.ones(len(rows)) if weights is None else weights)
    return product(rows if weights is None else rows * weights.reshape(-1, 1), rows, ta=True)


def columns_of(rows: Any, index: Any) -> Any:
    """Some of the columns: contiguous, or sparse as rows are."""
    return rows.of(index) if isinstance(rows, SparseColumns) else np.ascontiguousarray(rows[:, index])


def dense_columns(rows: Any, index: Any) -> np.ndarray:
    """Some of the columns as an array."""
    return rows.dense(index) if isinstance(rows, SparseColumns) else np.ascontiguousarray(rows[:, index])


def squared_lengths(rows: Any) -> np.ndarray:
    """The squared length of each column, (p,)."""
    if isinstance(rows, SparseColumns):
        return rows.squares()
    return product(np.ones((1, len(rows))), rows * rows)[0]
