"""Sparse inputs: rows that are mostly zeros, in the forms that SciPy calls CSC and CSR, which are never made dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..errors import DTypeError, NonFiniteError, ShapeError
from .column_products import REAL, SparseColumns, dot
from .design import LARGEST, Design, checked_weights, safe_units

FORMS = ("csc", "csr")


class SparseMatrix:
    """A matrix (rows, columns) by its columns: entry e of column j, first[j] <= e < first[j + 1], is x[e] in row[e].

    float64 and int64; within a column the rows rise, and none stands twice. `as_sparse` makes one.

    >>> class CSC:
    ...     format, shape = "csc", (3, 2)
    ...     indptr, indices, data = [0, 2, 3], [2, 0, 1], [6.0, 3.0, 5.0]
    >>> matrix = as_sparse(CSC(), "x")
    >>> matrix.toarray().tolist(), matrix[np.array([2, 0])].toarray().tolist()
    ([[3.0, 0.0], [0.0, 5.0], [6.0, 0.0]], [[6.0, 0.0], [3.0, 0.0]])
    """

    ndim, dtype = 2, REAL

    def __init__(self, first: np.ndarray, row: np.ndarray, x: np.ndarray, rows: int) -> None:
        self.first, self.row, self.x = first, row, x
        self.shape = (rows, len(first) - 1)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"SparseMatrix({self.shape[0]} rows, {self.shape[1]} columns, {len(self.x)} entries)"

    @property
    def size(self) -> int:
        """How many numbers, zeros among them."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, index: Any) -> SparseMatrix:
        """Some of the rows: their numbers, each at most once, or whether each is taken (m,) bool."""
        index = np.asarray(index)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        place = np.full(len(self), -1)
        place[index] = np.arange(len(index))
        if len(np.unique(index)) < len(index):
            raise ValueError("x: a sparse matrix gives each of its rows once; folds that repeat rows need x.toarray()")
        row, column = place[self.row], np.repeat(np.arange(self.shape[1]), np.diff(self.first))
        kept = row >= 0
        return _by_columns(column[kept], row[kept], self.x[kept], (len(index), self.shape[1]))

    def is_constant(self) -> bool:
        """Whether every column has one value in all rows, of which there are at least two."""
        counts, m = np.diff(self.first), len(self)
        if m < 2 or not ((counts == 0) | (counts == m)).all():
            return False
        return all((self.x[a : a + m] == self.x[a]).all() for a in self.first[:-1][counts == m])

    def toarray(self) -> np.ndarray:
        """The matrix as an array."""
        out = np.zeros(self.shape)
        out[self.row, np.repeat(np.arange(self.shape[1]), np.diff(self.first))] = self.x
        return out

    def columns(self) -> SparseColumns:
        """The same as solvers take it: neither centred nor scaled."""
        p = self.shape[1]
        return SparseColumns(self.first, self.row, self.x, np.ones(len(self)), np.zeros(p), np.ones(p))


def is_sparse(x: Any) -> bool:
    """Whether x is a sparse matrix, of any form: SciPy's, or what has its attributes."""
    return isinstance(x, SparseMatrix) or hasattr(x, "tocsc") or (hasattr(x, "indptr") and hasattr(x, "indices"))


def as_sparse(x: Any, name: str) -> SparseMatrix:
    """A SparseMatrix of SciPy's CSC or CSR, or of anything with format, shape, indptr, indices and data.

    Entries that stand twice are added, as SciPy does. DTypeError for another form, or numbers that are not real;
    ShapeError for arrays that do not fit; NonFiniteError for NaN and infinities.
    """
    if isinstance(x, SparseMatrix):
        return x
    form = getattr(x, "format", None)
    if form not in FORMS or not all(hasattr(x, part) for part in ("indptr", "indices", "data", "shape")):
        raise DTypeError(f"{name} is a sparse matrix of the form {form!r}; need {name}.tocsc() or {name}.tocsr()")
    first, inner, values, shape = _checked(x, form, name)
    outer = np.repeat(np.arange(len(first) - 1), np.diff(first))
    row, column = (inner, outer) if form == "csc" else (outer, inner)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise NonFiniteError(f"{name}: row {row[bad[0]]}, column {column[bad[0]]} is {values[bad[0]]}; need numbers")
    return _by_columns(column, row, values, shape)


def _integers(x: np.ndarray, name: str) -> np.ndarray:
    """x as int64. DTypeError for numbers that are not whole by their dtype."""
    if x.dtype.kind not in "iu" and x.size:
        raise DTypeError(f"{name} is {x.dtype}; need integers")
    return x.astype(np.int64)


def _checked(x: Any, form: str, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """indptr, indices and data as int64 and float64, and the shape, which fit together."""
    first, inner, values = (np.asarray(part) for part in (x.indptr, x.indices, x.data))
    shape = tuple(int(size) for size in x.shape)
    if len(shape) != 2:
        raise ShapeError(f"{name} is {shape}; need rows and columns")
    if values.dtype.kind not in "fiub":
        raise DTypeError(f"{name} is {values.dtype}; need real numbers")
    outside, inside = (shape[1], shape[0]) if form == "csc" else shape
    first, inner = _integers(first, f"{name}: indptr"), _integers(inner, f"{name}: indices")
    fits = first.shape == (outside + 1,) and first[0] == 0 and (np.diff(first) >= 0).all() and first[-1] <= len(inner)
    if not fits or len(inner) != len(values):
        raise ShapeError(
            f"{name}: indptr {first.shape}, indices {inner.shape} and data {values.shape} are no {form.upper()} matrix "
            f"of {shape[0]} rows and {shape[1]} columns"
        )
    inner, values = inner[: first[-1]], values[: first[-1]]
    if inner.size and not (inner.min() >= 0 and inner.max() < inside):
        raise ShapeError(f"{name}: indices go from {inner.min()} to {inner.max()}; need 0 to {inside - 1}")
    return first, inner, values.astype(REAL), (shape[0], shape[1])


def _by_columns(column: np.ndarray, row: np.ndarray, x: np.ndarray, shape: Any) -> SparseMatrix:
    """Entries in any order, sorted by columns and rows; those of one place are added, in their order."""
    place = column * max(1, shape[0]) + row
    if not (np.diff(place) > 0).all():
        order = np.argsort(place, kind="stable")
        place, x = place[order], x[order]
        new = np.flatnonzero(np.append(True, np.diff(place) > 0)) if len(place) else np.arange(0)
        x = np.add.reduceat(x, new) if len(new) < len(place) else x
        place = place[new]
        column, row = np.divmod(place, max(1, shape[0]))
    first = np.zeros(shape[1] + 1, np.int64)
    np.cumsum(np.bincount(column, minlength=shape[1]), out=first[1:])
    return SparseMatrix(first, np.ascontiguousarray(row), np.ascontiguousarray(x), shape[0])


class SparseDesign(Design):
    """Design of sparse rows: z are SparseColumns; else as Design.

    The standard deviation of a column is that of all its numbers, zeros among them: with W = Σ ω over its entries,
    s² = (Σ ω (x - mean)² + (Σ all ω - W) mean²) / Σ all ω, without cancellation.
    """

    def __init__(self, x: Any, weights: Any = None, centred: bool = True, standardize: bool = False) -> None:
        matrix = as_sparse(x, "x")
        if matrix.size == 0:
            raise ShapeError(f"x is {matrix.shape}; need rows and columns, at least one of each")
        weights = checked_weights(weights, len(matrix))
        self.kept = weights > 0
        if not self.kept.all():
            matrix, weights = matrix[self.kept], weights[self.kept]
        weights = weights / safe_units(weights.max())
        self.weights, self.total = weights, dot(weights, np.ones(len(weights)))
        m, p = matrix.shape
        first, values = matrix.first, matrix.x
        counts = np.diff(first)
        column = np.repeat(np.arange(p), counts)
        largest = np.zeros(p)
        np.maximum.at(largest, column, np.abs(values))
        if (largest > LARGEST).any():
            far = int(np.argmax(largest))
            raise NonFiniteError(
                f"x: column {far} reaches {largest[far]:.6g}, too large for means and squares in the range of float64; "
                "scale the column"
            )
        units = safe_units(largest)
        values = values / units[column] if (units != 1).any() else values
        constant = counts == 0
        full = np.flatnonzero(counts == m)
        constant[full] = [bool((values[first[j] : first[j + 1]] == values[first[j]]).all()) for j in full]
        same = np.zeros(p)
        same[full] = values[first[full]]  # of a column of one value, its value
        mean = np.where(constant, same, self._dots(matrix, values, weights) / self.total)
        spread = np.ones(p)
        if standardize:
            inside = self._dots(matrix, (values - mean[column]) ** 2, weights)
            zeros = self.total - self._dots(matrix, np.ones(len(values)), weights)
            zeros = np.where(counts == m, 0.0, np.maximum(zeros, 0.0))
            spread = np.where(constant, 1.0, np.sqrt((inside + zeros * mean * mean) / self.total))
        mean = mean if centred else np.zeros(p)
        self.z = self._columns(matrix, values, constant if centred else np.zeros(p, bool), mean, spread)
        self.centre, self.scale = mean * units, spread * units
        self.units = np.where(constant, units, 1.0) if standardize else units

    @staticmethod
    def _dots(matrix: SparseMatrix, values: np.ndarray, v: np.ndarray) -> np.ndarray:
        out = np.empty(matrix.shape[1])
        K.sparse_dots(matrix.first, matrix.row, values, v, out)
        return out

    @staticmethod
    def _columns(
        matrix: SparseMatrix, values: np.ndarray, empty: np.ndarray, mean: np.ndarray, spread: np.ndarray
    ) -> SparseColumns:
        """z; a column of one value is exactly 0 when it is centred, so it has no entries."""
        kept = ~np.repeat(empty, np.diff(matrix.first))
        first = np.concatenate([[0], np.cumsum(np.where(empty, 0, np.diff(matrix.first)))])
        shift = np.where(empty, 0.0, mean)
        return SparseColumns(first, matrix.row[kept], values[kept], np.ones(len(matrix)), shift, spread)


def design_of(x: Any, weights: Any, centred: bool, standardize: bool) -> Design:
    """A Design, or of a sparse matrix a SparseDesign."""
    return (SparseDesign if is_sparse(x) else Design)(x, weights, centred, standardize)
