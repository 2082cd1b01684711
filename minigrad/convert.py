"""The array of a new tensor: a checked copy of numbers, lists or arrays."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import kernels as K
from .dtypes import DTYPES, check_dtype
from .errors import DTypeError, GraphError, ShapeError


class _Gathering(threading.local):
    """tensors: whether `gathered` runs now, where NumPy calls __array__ of each tensor in a list."""

    tensors = False


gathering = _Gathering()


def owned(data: Any, dtype: Any = None, op: str = "tensor") -> np.ndarray:
    """A C-contiguous copy of data in native byte order. Python numbers become float32, booleans stay boolean.

    Errors begin with `op`. A list in which a tensor requires grad is refused: the copy would lose its graph.

    >>> owned([1, 2]).dtype, owned([True]).dtype, owned(np.array([1, 2])).dtype
    (dtype('float32'), dtype('bool'), dtype('int64'))
    """
    if type(data) is np.ndarray and dtype is None and data.dtype == np.int64 and data.dtype.isnative:
        return data.copy()  # a short way for labels, which are converted in every step
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
    else:
        array = gathered(data, op)
        if dtype is None and array.dtype.kind in "iuf":
            dtype = np.float32
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{op}: got {_no_number(data, array)}; need numbers")
    want = array.dtype if dtype is None else _dtype(op, dtype)
    if not want.isnative:
        want = want.newbyteorder("=")
    check_dtype(op, want)
    if want.kind in "iu" and array.dtype != want:
        _check_range(op, array, want)
    own = K.empty(array.shape, want)
    np.copyto(own, array, casting="unsafe")
    return own


def operand(data: np.ndarray | list, op: str, constant: bool) -> np.ndarray:
    """A copy of an array or a list that was passed to an op where a tensor is expected.

    Integers of dtypes that tensors do not have (int8, int16, uint16, uint32) become int64. A list becomes float32, but
    for a constant argument it keeps its dtype, so that indices stay integers.
    """
    if isinstance(data, np.ndarray):
        small = data.dtype not in DTYPES and np.can_cast(data.dtype, np.int64)
        return owned(data.astype(np.int64) if small else data, op=op)
    return owned(gathered(data, op) if constant and type(data) is list else data, op=op)


def _dtype(op: str, dtype: Any) -> np.dtype:
    try:
        return np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"{op}: dtype is {dtype!r}; need 'float32', 'float64', 'int64', 'int32', 'uint8' or 'bool'"
        ) from None


def _check_range(op: str, array: np.ndarray, want: np.dtype) -> None:
    """Raise for numbers outside the range of the integer dtype `want`, because NumPy would wrap them around."""
    low, high = np.iinfo(want).min, np.iinfo(want).max
    outside = array[~((array >= low) & (array < high + 1 if array.dtype.kind == "f" else array <= high))]
    if outside.size:
        raise DTypeError(f"{op}: got {outside[0]}, and {want} holds integers from {low} to {high}")


def gathered(data: Any, op: str) -> np.ndarray:
    """np.array(data), with errors that name the op and the list that is ragged."""
    before, gathering.tensors = gathering.tensors, True
    try:
        return np.array(data)
    except ValueError as error:
        raise ShapeError(f"{op}: {_uneven(data) or error}") from None
    except GraphError as error:
        raise GraphError(f"{op}: {error}") from None
    finally:
        gathering.tensors = before


def _is_row(x: Any) -> bool:
    return (isinstance(x, Sequence) and not isinstance(x, (str, bytes))) or getattr(x, "ndim", 0) > 0


def _uneven(data: Any, name: str = "data") -> str | None:
    """A sentence that names the first nested list whose length differs from its neighbours'; None if none does."""
    if not _is_row(data) or len(data) == 0:
        return None
    first = data[0]
    for i, x in enumerate(data):
        if _is_row(x) != _is_row(first):
            row, number = (i, 0) if _is_row(x) else (0, i)
            return f"the nested lists are ragged: {name}[{number}] is a number, {name}[{row}] a list"
        if _is_row(x) and len(x) != len(first):
            return f"the nested lists are ragged: {name}[{i}] has {len(x)} elements, {name}[0] has {len(first)}"
    for i, x in enumerate(data):
        found = _uneven(x, f"{name}[{i}]")
        if found:
            return found
    return None


def _no_number(data: Any, array: np.ndarray) -> str:
    """For an error: the first entry of the data that is no number and its place, or the dtype of the array."""
    if isinstance(data, (list, tuple)):
        for place in np.ndindex(array.shape):
            x: Any = data
            try:
                for i in place:
                    x = x[i]
            except (TypeError, IndexError, KeyError):
                break
            if not isinstance(x, (bool, int, float, np.bool_, np.integer, np.floating)):
                return f"{x!r:.80}, a {type(x).__name__}, in data[{']['.join(map(str, place))}]"
            if array.dtype == object and isinstance(x, int) and not -(2**63) <= x < 2**64:
                return f"the integer {x!r:.80} in data[{']['.join(map(str, place))}], too large for int64"
    if isinstance(data, (str, bytes)):
        return f"{data!r:.80}"
    return f"a {type(data).__name__}" if array.ndim == 0 and array.dtype == object else f"an array of {array.dtype}"
