"""The dtypes of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError

REAL = (np.dtype(np.float32), np.dtype(np.float64))
INT64 = np.dtype(np.int64)
DTYPES = (*REAL, INT64, np.dtype(np.int32), np.dtype(np.uint8), np.dtype(np.bool_))
CURES = {
    "f": "astype('float32') makes them",
    "O": "astype('float32') makes them, if every entry is a number",
    "U": "words are numbered by np.unique(words, return_inverse=True)[1]",
    "S": "words are numbered by np.unique(words, return_inverse=True)[1]",
}


def check_dtype(op: str, dtype: np.dtype) -> None:
    """Raise DTypeError for a dtype that tensors do not have."""
    if dtype not in DTYPES:
        raise DTypeError(f"{op}: dtype {dtype} is not taken; need one of {', '.join(map(str, DTYPES))}")


def plain_array(name: str, data: Any) -> np.ndarray:
    """np.asarray(data); DTypeError for masked entries, which it would unmask, and for sparse matrices and objects."""
    if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
        raise DTypeError(f"{name} has masked entries; fill them first: x.filled(value)")
    array = np.asarray(data)
    if array.dtype == object and array.ndim == 0:
        cure = ": x.toarray()" if hasattr(data, "toarray") else ""
        raise DTypeError(f"{name} is a {type(data).__name__}; need an array{cure}")
    return array


def check_numbers(name: str, dtype: np.dtype) -> None:
    """Raise DTypeError for other dtypes than float32, float64, integers and booleans; the error says how to convert."""
    if dtype.kind not in "iub" and dtype.newbyteorder("=") not in REAL:
        cure = f"; {CURES[dtype.kind]}" if dtype.kind in CURES else ""
        raise DTypeError(f"{name} is {dtype}; need real numbers (float32, float64) or integers{cure}")


def tensor_dtype(name: str, array: np.ndarray) -> np.dtype:
    """The dtype in which a tensor holds the array's numbers: its own, or int64 for integers of other sizes."""
    dtype = array.dtype.newbyteorder("=")
    if dtype in DTYPES:
        return dtype
    check_numbers(name, dtype)
    if dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise DTypeError(f"{name} is {dtype} and holds {array.max()}; need integers that int64 holds")
    return np.dtype(np.int64)
