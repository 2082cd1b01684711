"""IDX, the file format of MNIST: a magic number, the dimensions, then the elements, all big-endian.

    byte 0, 1   0
    byte 2      type of the elements (TYPES)
    byte 3      number of dimensions d
    4 d bytes   the dimensions, uint32 each
    the rest    the elements, last dimension fastest

A gzipped file holds the same bytes packed. Nothing is believed before it is compared: sizes, types, checksums.
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import atomic_write
from ...errors import DTypeError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMENSIONS = 64  # of a NumPy array
DEFLATE_RATIO = 1032  # one byte of gzip unpacks to at most 1032: 258 bytes in a match of two bits


def read_idx(path: str | os.PathLike[str], max_bytes: int = 1 << 31) -> np.ndarray:
    """The array in an IDX file, plain or gzipped (told by content): shape and type as its header says, native bytes.

    ValueError, naming file and reason, if anything but one whole array is there, or more than max_bytes of elements.
    Memory is bounded before anything is unpacked: by the header, by max_bytes, and by what the file's size can hold.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(Path(folder, "a.gz"), np.arange(6, dtype="uint8").reshape(2, 3))
    ...     read_idx(Path(folder, "a.gz")).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    with open(path, "rb") as file:
        try:
            return _unpack(file, os.fstat(file.fileno()).st_size, max_bytes)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from None


def open_idx(path: str | os.PathLike[str]) -> np.memmap:
    """The array in an IDX file that is not packed, in place: mapped into memory, read-only, in the file's byte order.

    Nothing is read but the header; the file's size is compared with it. `Loader`, `fit`, `evaluate` and `predict` turn
    the bytes batch by batch. ValueError, naming file and reason, if anything but one whole array is there, or if it is
    gzipped. The file must not be cut while it is open: see LazyRows.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(Path(folder, "a"), np.arange(6, dtype="int16").reshape(2, 3))
    ...     x = open_idx(Path(folder, "a"))
    >>> x.dtype, x.tolist()
    (dtype('>i2'), [[0, 1, 2], [3, 4, 5]])
    """
    name = os.fspath(path)
    with open(name, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            if file.read(2) == b"\x1f\x8b":
                raise ValueError("it is gzipped; unpack it, gunzip --keep FILE, or read it into memory: read_idx")
            file.seek(0)
            shape, kind, count = _read_header(file, sys.maxsize)
            _compare(count, size - file.tell())
            return np.memmap(file, kind, "r", file.tell(), shape)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def parse_idx(content: bytes, max_bytes: int = 1 << 31) -> np.ndarray:
    """read_idx for the content of a file."""
    return _unpack(io.BytesIO(content), len(content), max_bytes)


def write_idx(path: str | os.PathLike[str], array: Any) -> None:
    """Write an array as IDX, gzipped if the name ends in .gz; the same array gives the same bytes, whole or not at all.

    DTypeError unless its dtype is uint8, int8, int16, int32, float32 or float64.

    >>> write_idx("labels", np.arange(3))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    minigrad.errors.DTypeError: write_idx: IDX has no type for int64; cast to uint8, int8, int16, int32, float32, ...
    """
    array = np.asarray(array)
    header = idx_header(array)
    elements = array.astype(TYPES[header[2]]).tobytes()
    with atomic_write(path) as file:
        if Path(path).suffix == ".gz":
            import gzip

            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:  # no name, no time: the same bytes again
                packed.write(header)
                packed.write(elements)
        else:
            file.write(header)
            file.write(elements)


def idx_header(array: np.ndarray) -> bytes:
    """The bytes in front of an array's elements."""
    code = next((code for code, kind in TYPES.items() if np.dtype(kind) == array.dtype.newbyteorder(">")), None)
    if code is None:
        known = ", ".join(np.dtype(kind).name for kind in TYPES.values())
        raise DTypeError(f"write_idx: IDX has no type for {array.dtype}; cast to {known}")
    if max(array.shape, default=0) >= 1 << 32:
        raise ValueError(f"write_idx: shape is {array.shape}; IDX holds dimensions below 2**32")
    return struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)


def _unpack(file: io.BufferedIOBase, size: int, max_bytes: int) -> np.ndarray:
    """The array in a file of `size` bytes."""
    if file.read(2) != b"\x1f\x8b":
        file.seek(0)
        shape, kind, count = _read_header(file, max_bytes)
        _compare(count, size - file.tell())
        return _read_elements(file, shape, kind, count)
    import gzip
    import zlib

    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            shape, kind, count = _read_header(unpacked, max_bytes)
            if count > DEFLATE_RATIO * size:
                raise ValueError(f"its header promises {count} bytes of elements; a gzip file of {size} holds fewer")
            array = _read_elements(unpacked, shape, kind, count)
            if unpacked.read(1):
                raise ValueError(f"too long: more than the {count} bytes of elements that its header promises")
            return array
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"damaged gzip data: {error}") from None


def _read_header(file: io.BufferedIOBase, max_bytes: int) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape, dtype in the file's byte order, and number of bytes of the elements that follow."""
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"too short: {len(magic)} bytes, not even a magic number")
    if magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise ValueError(f"not an IDX file: it begins with {magic.hex(' ')}, not with 00 00 and a type in 08 ... 0e")
    dimensions = magic[3]
    if dimensions > MAX_DIMENSIONS:
        raise ValueError(f"{dimensions} dimensions; an array has at most {MAX_DIMENSIONS}")
    packed = file.read(4 * dimensions)
    if len(packed) < 4 * dimensions:
        raise ValueError(f"too short: the header ends within its {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", packed)
    kind = np.dtype(TYPES[magic[2]])
    # NumPy refuses a shape whose product without the zeros overflows; such a file holds nothing and is a fault.
    if math.prod(max(n, 1) for n in shape) * kind.itemsize > max_bytes:
        raise ValueError(f"its header promises {shape} elements of {kind.itemsize} bytes: over max_bytes = {max_bytes}")
    return shape, kind, math.prod(shape) * kind.itemsize


def _read_elements(file: io.BufferedIOBase, shape: tuple[int, ...], kind: np.dtype, count: int) -> np.ndarray:
    array = np.empty(shape, kind)
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < count:
        got = file.readinto(view[done:])
        if not got:
            _compare(count, done)
        done += got
    return array.astype(kind.newbyteorder("="), copy=False)


def _compare(count: int, found: int) -> None:
    if found != count:
        word = "short" if found < count else "long"
        raise ValueError(f"too {word}: {found} bytes of elements, its header promises {count}")
