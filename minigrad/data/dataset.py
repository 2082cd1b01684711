"""Data as arrays: rows x beside targets y, checked once, and gathered by row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..checks import real_dtype
from ..dtypes import INT64, check_numbers, plain_array, tensor_dtype
from ..errors import ShapeError
from ..lazy_rows import CHUNK, LazyRows, is_lazy, lazy, refuse_non_finite, take_rows

__all__ = [
    "Dataset",
    "Weighted",
    "as_rows",
    "check_weight",
    "check_xy",
    "finite_rows",
    "lazy_xy",
    "pair",
    "real_for",
    "take_rows",
]

EXACT = 1 << 24  # float32 holds every integer up to here


class Dataset(NamedTuple):
    """Rows x (n, ...) and their targets y (n, ...). It unpacks: `x, y = load_digits()`.

    >>> rows = Dataset(np.zeros((3, 2)), np.arange(3))
    >>> x, y = rows
    >>> x.shape, y.tolist()
    ((3, 2), [0, 1, 2])
    """

    x: np.ndarray
    y: np.ndarray


class Weighted(NamedTuple):
    """Rows x (n, ...), their targets y (n, ...), and how much each row counts, weight (n,): `x, y, weight = batch`.

    >>> x, y, weight = Weighted(np.zeros((3, 2)), np.arange(3), np.ones(3))
    >>> weight.tolist()
    [1.0, 1.0, 1.0]
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray


def check_xy(x: Any, y: Any, dtype: Any = None, integers: bool = False) -> Dataset:
    """x and y as arrays that a model can train on: one target per row, at least one row, every number finite.

    dtype (float32 or float64) casts x, and y if it is real; with integers=True an x of integers or booleans stays so.
    Without dtype both keep their dtypes, but integers in x of a dtype that no tensor has (int16) become int64. Integer
    and boolean targets become int64. ShapeError, DTypeError, or NonFiniteError naming the first bad row and column.

    >>> check_xy([[1.0, 2.0], [3.0, float("nan")]], [0, 1])
    Traceback (most recent call last):
      ...
    minigrad.errors.NonFiniteError: x: row 1, column 1 is nan; fill or drop such rows first
    """
    return _checked(*pair(x, y), dtype, integers)


def lazy_xy(x: Any, y: Any, dtype: Any = None, integers: bool = False) -> Dataset:
    """check_xy, but rows that lie in a file, and LazyRows, stay there: they are cast and checked as they are read.

    Targets of one number per row are read now: labels, which losses and evaluation want as a whole.
    """
    x, y = (lazy(part, name) if is_lazy(part) else as_rows(part, name) for part, name in ((x, "x"), (y, "y")))
    if isinstance(y, LazyRows) and y.size == len(y):
        y = as_rows(np.asarray(y), "y")
    return _checked(*_alike(x, y), dtype, integers)


def _checked(x: Any, y: Any, dtype: Any, integers: bool) -> Dataset:
    real = None if dtype is None else real_dtype(dtype, "dtype")
    of_x = tensor_dtype("x", x) if real is None or (integers and x.dtype.kind != "f") else real
    if y.dtype.kind != "f":
        tensor_dtype("y", y)  # what int64 does not hold
    of_y = real if y.dtype.kind == "f" else INT64
    return Dataset(finite_rows(x, "x", of_x), finite_rows(y, "y", of_y))


def pair(x: Any, y: Any) -> Dataset:
    """x and y as arrays of numbers with one target per row and at least one row; missing values (NaN) may stay."""
    return _alike(as_rows(x, "x"), as_rows(y, "y"))


def _alike(x: Any, y: Any) -> Dataset:
    if len(x) != len(y):
        raise ShapeError(f"x has {len(x)} rows, y has {len(y)}; need one target per row")
    if x.size == 0:
        raise ShapeError(f"x is {x.shape}; need at least one row and one column")
    return Dataset(x, y)


def check_weight(weight: Any, rows: int, dtype: Any = None, name: str = "weight") -> np.ndarray:
    """weight (rows,) as floats: finite, none below 0, not all 0; in dtype, or in its own (integers: see real_for).

    ShapeError, DTypeError, NonFiniteError or ValueError, which name the argument `name` and the first bad row.

    >>> check_weight([1.0, -2.0], rows=2)
    Traceback (most recent call last):
      ...
    ValueError: weight: row 1 is -2; need weights of at least 0, which leave a row out at 0
    """
    array = as_rows(np.array(weight) if is_lazy(weight) else weight, name)
    if array.shape != (rows,):
        raise ShapeError(f"{name} is {array.shape}; need one number for each row, ({rows},)")
    array = finite_rows(array, name, real_for(array) if dtype is None else real_dtype(dtype, "dtype"))
    below = np.flatnonzero(array < 0)
    if len(below):
        raise ValueError(
            f"{name}: row {below[0]} is {array[below[0]]:g}; need weights of at least 0, which leave a row out at 0"
        )
    if not array.any():
        raise ValueError(f"{name}: all {rows} are 0, so that no row counts; need at least one above 0")
    return array


def as_rows(data: Any, name: str) -> np.ndarray:
    """data as an array of at least one dimension of numbers that minigrad computes or indexes with."""
    try:
        array = plain_array(name, data)
    except ValueError as error:  # rows of different lengths
        raise ShapeError(f"{name}: {error}") from None
    check_numbers(name, array.dtype)
    if array.ndim == 0:
        raise ShapeError(f"{name} is a single number; need rows")
    return array


def finite_rows(array: Any, name: str, dtype: np.dtype | None = None) -> Any:
    """array in dtype (None: its own), contiguous, native byte order; NonFiniteError names the first NaN or infinity.

    LazyRows stay such, and are cast and checked as they are read.
    """
    if isinstance(array, LazyRows):
        return array if dtype is None else array.astype(dtype, copy=False)
    with np.errstate(over="ignore"):  # what overflows in the cast is named below
        cast = np.require(array, dtype if dtype is not None else array.dtype.newbyteorder("="), ["C", "A"])
    if cast.dtype.kind == "f":
        step = max(1, CHUNK * len(cast) // max(1, cast.size))
        for start in range(0, len(cast), step):
            rows = slice(start, start + step)
            refuse_non_finite(cast[rows], array[rows], name, range(start, len(cast)))
    return cast


def real_for(x: np.ndarray) -> np.dtype:
    """The dtype in which numbers of x are computed: its own if they are real; of integers the least that holds them."""
    if x.dtype.kind == "f":
        return x.dtype.newbyteorder("=")
    exact = x.dtype.kind == "b" or x.size == 0 or (int(x.min()) >= -EXACT and int(x.max()) <= EXACT)
    return np.dtype(np.float32 if exact else np.float64)
