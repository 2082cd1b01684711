"""NPY, the file format of NumPy's arrays, in place: mapped into memory instead of read."""

from __future__ import annotations

import math
import os
from typing import Any, BinaryIO

import numpy as np

from ...dtypes import check_numbers


def open_npy(path: str | os.PathLike[str]) -> np.memmap:
    """The array in an NPY file (numpy.save), in place: mapped into memory, read-only, in the file's byte order.

    As numpy.load(path, mmap_mode="r"), and it says what is wrong: the file's size is compared with its header, and
    ValueError names file and reason for an archive (.npz), for a file that is cut or too long, for columns first
    (Fortran order), whose rows lie scattered over the file; DTypeError for what no tensor holds. Nothing is read but
    the header, and nothing is unpickled. The file must not be cut while it is open: see LazyRows.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", np.eye(2, dtype="float32"))
    ...     x = open_npy(f"{folder}/x.npy")
    >>> x.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    name = os.fspath(path)
    with open(name, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            shape, columns_first, dtype = _read_header(file)
            if columns_first and len(shape) > 1:
                raise ValueError(
                    "its columns lie together (Fortran order), so that a row lies scattered over the file; "
                    "np.save(path, np.ascontiguousarray(x)), or read it into memory: np.load(path)"
                )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        check_numbers(name, dtype)
        need = file.tell() + math.prod(shape) * dtype.itemsize
        if size != need:
            word = "short" if size < need else "long"
            raise ValueError(f"{name}: too {word}: {size} bytes; its header promises {shape} {dtype}, {need} bytes")
        return np.memmap(file, dtype, "r", file.tell(), shape)


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and dtype; the file stands at its first element afterwards."""
    begin = file.read(4)
    if begin == b"PK\x03\x04":
        raise ValueError("it is an archive of arrays (.npz); take one out: np.save(path, np.load(archive)[name])")
    file.seek(0)
    readers: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(file)
    except ValueError:
        raise ValueError(f"not an NPY file: it begins with {begin.hex(' ')}, not with 93 4e 55 4d") from None
    if version not in readers:
        raise ValueError(f"NPY version {version[0]}.{version[1]} is for records with names; need an array of numbers")
    try:
        shape, columns_first, dtype = readers[version](file)
    except Exception as error:  # NumPy reads it as Python text, whose parser raises many kinds
        raise ValueError(f"damaged NPY header: {str(error).partition(chr(10))[0]:.200}") from None
    if min(shape, default=0) < 0:
        raise ValueError(f"damaged NPY header: shape is {shape}")
    return shape, columns_first, dtype
