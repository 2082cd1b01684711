"""Rows that stay in an array or a file, and are read, cast and checked only when a batch takes them."""

from __future__ import annotations

import mmap
import operator
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import kernels as K
from .checks import real_dtype
from .dtypes import check_numbers, plain_array, tensor_dtype
from .errors import NonFiniteError, ShapeError

CHUNK = 1 << 20  # elements read or checked at a time: 4 MiB of float32, 8 MiB of float64

Prepare = Callable[[np.ndarray], Any]
Check = Callable[
    [np.ndarray, np.ndarray], None
]  # (rows, their numbers in the data); it raises for rows that it refuses


class LazyRows:
    """Rows of an array, cast and checked in each batch that is taken: for data larger than memory.

    array has a row per sample; a numpy.memmap (np.load(path, mmap_mode="r"), data.open_npy, data.open_idx) stays in its
    file. prepare(rows) -> rows is applied to each batch as it is read, in training and in evaluation alike: a scaling,
    for instance. It gets a copy or a read-only view of the rows as they are stored, native byte order, and has to treat
    each row by itself. The result is then cast to dtype (None: its own; integers that no tensor has become int64).

    `Loader`, `fit`, `evaluate` and `predict` take LazyRows as x or y, and make them of memory maps by themselves.
    rows[i], rows[2:5], rows[numbers] and iteration give arrays of NumPy; np.asarray(rows) reads all. A NaN or infinity
    raises NonFiniteError when its batch is read, unless finite is False. A file that became shorter after it was opened
    raises ValueError (see refuse_cut_file). Pickling a memory map of a file keeps the file's name, not the numbers;
    copies share the array.

    >>> pixels = np.array([[0, 255], [51, 102]], np.uint8)
    >>> rows = LazyRows(pixels, prepare=lambda rows: rows / np.float32(255))
    >>> rows
    LazyRows((2, 2) float32)
    >>> rows[1:]
    array([[0.2, 0.4]], dtype=float32)
    """

    def __init__(
        self,
        array: Any,
        dtype: Any = None,
        prepare: Prepare | None = None,
        *,
        name: str = "x",
        finite: bool = True,
    ) -> None:
        if isinstance(array, LazyRows):
            raise TypeError(f"LazyRows: {name} is LazyRows already; take its .array, or .astype(dtype)")
        plain = plain_array(name, array)
        if plain.ndim == 0:
            raise ShapeError(f"LazyRows: {name} is a single number; need rows")
        if prepare is None:
            check_numbers(name, plain.dtype)
        elif not callable(prepare) or isinstance(prepare, type):
            raise TypeError(f"LazyRows: prepare is {prepare!r:.80}; need a function of rows, such as standardizer")
        self.array, self.prepare, self.name, self.finite = plain, prepare, name, finite
        self.checks: tuple[Check, ...] = ()
        self.file = find_map(plain)
        self.refuse_cut_file()
        first = self._prepared(plain[:1]) if prepare is not None else plain[:0]
        self.dtype = tensor_dtype(name, first) if dtype is None else real_dtype(dtype, "LazyRows: dtype")
        self.shape: tuple[int, ...] = (len(plain), *(first.shape[1:] if prepare is not None else plain.shape[1:]))

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=object))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Rows: of a number one row, of a slice, a list or an array of numbers or booleans an array of rows."""
        self.refuse_cut_file()
        if isinstance(index, slice):
            return self._served(self.array[index], np.arange(*index.indices(len(self))))
        if isinstance(index, (np.ndarray, list)):
            numbers = self._numbers(np.asarray(index))
            return self._served(take_rows(self.array, numbers), numbers)
        number = int(self._numbers(np.array([operator.index(index)]))[0])
        return self[number : number + 1][0]

    def _numbers(self, index: np.ndarray) -> np.ndarray:
        """Numbers of rows as int64 in [0, len)."""
        if index.dtype == bool and index.shape == (len(self),):
            return np.flatnonzero(index)
        if index.ndim != 1 or (index.dtype.kind not in "iu" and index.size):
            raise IndexError(
                f"{self.name}: got {index.dtype} {index.shape}; need numbers of rows, (n,), or {len(self)} booleans"
            )
        numbers = index.astype(np.int64, copy=False)
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < len(self)):
            numbers = np.where(numbers < 0, numbers + len(self), numbers)
            outside = numbers[(numbers < 0) | (numbers >= len(self))]
            if outside.size:
                raise IndexError(f"{self.name}: there is no row {outside[0]}; need one below {len(self)}")
        return numbers

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """All rows in order, about CHUNK elements at a time: (the slice, the rows)."""
        step = max(1, CHUNK * len(self) // max(1, self.size))
        for start in range(0, len(self), step):
            rows = slice(start, min(start + step, len(self)))
            yield rows, self[rows]

    def _served(self, rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """`rows` of the array after prepare, cast and checks; `numbers` are the numbers of these rows in the data."""
        made = self._prepared(rows)
        with np.errstate(over="ignore"):  # a number that overflows is named in the error below
            cast = np.require(made, self.dtype, ["C", "A"])
        if self.finite:
            refuse_non_finite(cast, made, self.name, numbers)
        for check in self.checks:
            check(cast, numbers)
        return cast

    def _prepared(self, rows: np.ndarray) -> np.ndarray:
        """The rows after prepare, which must return a row for each row."""
        if rows.dtype.kind == "u" and rows.dtype.itemsize == 8:
            tensor_dtype(self.name, rows)  # raises for uint64 numbers that int64 does not hold
        if self.prepare is None:
            return rows
        native = np.asarray(rows, rows.dtype.newbyteorder("="))
        native.flags.writeable = False
        made = plain_array(f"{self.name}: what prepare returned", self.prepare(native))
        check_numbers(f"{self.name}: what prepare returned", made.dtype)
        shape = getattr(self, "shape", (0, *made.shape[1:]))
        if made.shape != (len(rows), *shape[1:]) or made.ndim == 0:
            raise ShapeError(
                f"{self.name}: prepare made {made.shape} of {rows.shape}; need a row for each row, of one shape"
            )
        return made

    def refuse_cut_file(self) -> None:
        """Raise ValueError if the file that is mapped into memory has become shorter than the map.

        Reading beyond the end of a file ends the process by SIGBUS, which Python cannot catch; so the size is compared
        before each batch. A file that is cut while a batch is read still ends the process.
        """
        if self.file is not None:
            self.file.refuse_cut(self.name)

    def astype(self, dtype: Any, copy: bool = True) -> LazyRows:
        """The same rows, cast to another dtype as they are read; self if the dtype is the same and copy is False."""
        return self if not copy and np.dtype(dtype) == self.dtype else self._like(dtype=np.dtype(dtype))

    def checked(self, check: Check) -> LazyRows:
        """The same rows; check(rows, numbers) is called with each batch after the cast, and raises if it refuses it."""
        return self._like(checks=(*self.checks, check))

    def _like(self, **changed: Any) -> LazyRows:
        other = object.__new__(LazyRows)
        other.__dict__.update(self.__dict__, **changed)
        return other

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"{self.name}: np.asarray reads LazyRows into new memory; copy=False forbids it")
        out = np.empty(self.shape, self.dtype)
        for rows, part in self.chunks():
            out[rows] = part
        return out if dtype is None else out.astype(dtype, copy=False)

    def __copy__(self) -> LazyRows:
        return self

    def __deepcopy__(self, memo: Any) -> LazyRows:
        return self  # nothing in it is ever written

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__, file=None)
        if self.file is not None and self.file.path is not None:
            state["array"] = self.file.place_of(self.array)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(self.array, tuple):
            self.array = reopened(self.name, *self.array)
        self.file = find_map(self.array)

    def __repr__(self) -> str:
        path = "" if self.file is None or self.file.path is None else f" of {os.path.basename(self.file.path)}"
        return f"LazyRows({self.shape} {self.dtype}{path})"


class Map:
    """A file mapped into memory, in which an array lies: Python's map of it, and the numpy.memmap if one made it."""

    def __init__(self, map_: mmap.mmap, root: np.memmap | None) -> None:
        self.map = map_
        self.path: str | None = None
        self.offset = self.start = 0
        if root is not None:
            self.offset = root.offset  # byte in the file of the element at self.address
            self.start = root.offset - root.offset % mmap.ALLOCATIONGRANULARITY  # byte in the file where the map begins
            private = root.mode == "c"  # mode c: writes stay in memory, so the file does not hold all numbers
            self.path = None if root.filename is None or private else os.fspath(root.filename)
            self.address = root.__array_interface__["data"][0]

    def refuse_cut(self, name: str) -> None:
        """Raise ValueError if the file has become shorter than the map."""
        try:
            found, need = self.map.size(), self.start + len(self.map)
        except ValueError:
            return  # made with trackfd=False (Python 3.13): the map has no file descriptor, so the size is unknown
        if found < need:
            path = "" if self.path is None else f" {self.path}"
            raise ValueError(
                f"{name}: the file{path} has {found} bytes, and had at least {need} when it was opened: it was cut "
                "while it is in use. Write a new file and rename it over the old one instead"
            )

    def place_of(self, array: np.ndarray) -> tuple[Any, ...]:
        """The arguments of `reopened` for this array: path, first byte, dtype, shape and strides."""
        first = self.offset + array.__array_interface__["data"][0] - self.address
        return self.path, first, array.dtype.str, array.shape, array.strides


def reopened(
    name: str, path: str, first: int, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...]
) -> np.ndarray:
    """An array in a file, read-only: its element [0, ..., 0] at byte `first`."""
    low = first + sum((n - 1) * step for n, step in zip(shape, strides) if step < 0)
    high = first + sum((n - 1) * step for n, step in zip(shape, strides) if step > 0) + np.dtype(dtype).itemsize
    found = os.path.getsize(path)
    if found < high:
        raise ValueError(f"{name}: the file {path} has {found} bytes; need {high}: it was cut since it was pickled")
    raw = np.memmap(path, np.uint8, "r", low, (high - low,))
    return np.ndarray(shape, dtype, raw, first - low, strides)


def find_map(array: Any) -> Map | None:
    """The map of the file that holds the array's elements, or None if they are in plain memory."""
    root = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            root = array
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return Map(array, root) if isinstance(array, mmap.mmap) else None


def is_lazy(data: Any) -> bool:
    """Whether rows of the data are to be read as they are needed: LazyRows, or an array that lies in a file."""
    return isinstance(data, LazyRows) or find_map(data) is not None


def lazy(data: Any, name: str, finite: bool = True) -> LazyRows:
    """data, for which is_lazy is true, as LazyRows; errors call it `name`."""
    if isinstance(data, LazyRows):
        return data._like(name=name)
    return LazyRows(data, name=name, finite=finite)


def refuse_non_finite(cast: np.ndarray, rows: np.ndarray, name: str, numbers: np.ndarray | range) -> None:
    """NonFiniteError for the first NaN or infinity of `cast`; `numbers` are the numbers of its rows in the data."""
    if cast.dtype.kind != "f":
        return
    ok = np.isfinite(cast)
    if ok.all():
        return
    row, *column = at = tuple(np.argwhere(~ok)[0].tolist())
    value = rows[at]
    place = f"row {numbers[row]}" + (f", column {', '.join(map(str, column))}" if column else "")
    reason = f"{value}, too large for {cast.dtype}" if np.isfinite(value) else f"{value}"
    raise NonFiniteError(f"{name}: {place} is {reason}; fill or drop such rows first")


def take_rows(x: Any, index: np.ndarray) -> np.ndarray:
    """A new array of the rows index (int64, in range) of x: real numbers through the kernel, others through NumPy."""
    if isinstance(x, LazyRows):
        return x[index]
    if x.dtype.kind != "f" or not x.dtype.isnative or not x.flags.c_contiguous or not x.flags.aligned:
        return x[index]
    out = K.empty((len(index), *x.shape[1:]), x.dtype)
    K.take(x, index, out)
    return out
