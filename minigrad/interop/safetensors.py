"""The safetensors format, written and read: names, dtypes, shapes and numbers; nothing in it can run.

    8 bytes     length n of the header, little-endian
    n bytes     the header, JSON (header.py), padded with spaces
    the rest    the tensors' numbers, little-endian, C order, one behind the other without a gap

A file of minigrad also carries a digest, as the first entry of the header's __metadata__ and so always at the bytes
44 to 108, in hexadecimal:

    digest = SHA-256 of the whole file, with 64 characters "0" in the digest's place

Nothing is believed before it is compared: the header's length with the file's, every tensor's bytes with its shape,
all tensors with the file's end. Only then memory is taken, so it is bounded by a few times the file's size.
"""

from __future__ import annotations

import hashlib
import mmap as memory
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np

from ..atomic import atomic_write
from ..errors import DTypeError
from ..version import __version__
from .header import MAX_HEADER, METADATA, NUMPY, Entry, Header, build_header, parse_header

FORMAT = "1"
OWN = "minigrad."  # what the keys of the metadata begin with that are not the user's
DIGEST, FORMAT_KEY, VERSION_KEY = "minigrad.sha256", "minigrad.format", "minigrad.version"
UNKNOWN = "0" * 64  # in the digest's place while it is computed
BEFORE_DIGEST = f'{{"{METADATA}":{{"{DIGEST}":"'.encode()
PLACE = 8 + len(BEFORE_DIGEST)  # of the digest in the file
CHUNK = 1 << 20  # bytes read, written and hashed at a time
NAMES = {np.dtype(name): code for code, name in NUMPY.items()}


class Loaded(dict[str, np.ndarray]):
    """The tensors of a file, name -> array, in the file's order; `metadata` is what was saved beside them.

    `verified` is True if the digest was compared, None if it was not: there is none, or verify or mmap said so.

    KeyError for a name that is not there, and from part(prefix) if no name begins with it; the message lists those that
    are.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], verified: bool | None) -> None:
        super().__init__(arrays)
        self.metadata, self.verified = dict(metadata), verified

    def part(self, prefix: str) -> Loaded:
        """The tensors below a name: what was saved as {prefix: model}, for that model. KeyError if there is none.

        >>> loaded = Loaded({"model.weight": np.ones(1), "step": np.ones(1)}, {}, None)
        >>> list(loaded.part("model"))
        ['weight']
        """
        below = {name[len(prefix) + 1 :]: array for name, array in self.items() if name.startswith(prefix + ".")}
        if not below:
            groups = dict.fromkeys(name.partition(".")[0] for name in self)
            raise KeyError(f"no tensor's name begins with {prefix + '.'!r}; there are {', '.join(groups) or 'none'}")
        return Loaded(below, self.metadata, self.verified)


@dataclass(frozen=True)
class Contents:
    """What a file holds, as `inspect` tells it.

    `tensors`: name -> (dtype in the words of the format, shape). `metadata`: the user's. `version`: of the minigrad
    that wrote it, or None. `verified`: True if the digest fits the file, False if not, None if it has none; `finding`
    says it in words.
    """

    path: str
    size: int
    tensors: dict[str, tuple[str, tuple[int, ...]]]
    metadata: dict[str, str]
    version: str | None
    verified: bool | None
    finding: str


def inspect(path: str | os.PathLike[str]) -> Contents:
    """What a safetensors file holds, and whether its digest fits; in memory stays only the header.

    ValueError, naming file and reason, if it is no safetensors file; a wrong digest is told, not raised.

    >>> import tempfile
    >>> import minigrad as mg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.save(f"{folder}/a.safetensors", mg.nn.Linear(3, 2), metadata={"data": "houses"})
    ...     contents = inspect(f"{folder}/a.safetensors")
    >>> contents.tensors, contents.metadata
    ({'weight': ('F32', (3, 2)), 'bias': ('F32', (2,))}, {'data': 'houses'})
    >>> contents.finding
    'the digest fits'
    """
    with _opened(path) as source:
        verified: bool | None = None
        finding = "no digest: nothing says whether the numbers are as they were written"
        try:
            digest = _digest(source)
            if digest is not None:
                _compare(source, digest)
                verified, finding = True, "the digest fits"
        except ValueError as error:
            verified, finding = False, str(error)
    said = source.header.metadata
    tensors = {name: (entry.dtype, entry.shape) for name, entry in source.header.tensors.items()}
    return Contents(os.fspath(path), source.size, tensors, _users(said), said.get(VERSION_KEY), verified, finding)


def write(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write arrays as a safetensors file with a digest, whole or not at all; the same arrays give the same bytes.

    The header names the arrays in their order; the numbers stand in the order of falling element size, so that each
    array begins at a multiple of its own. DTypeError for a dtype that the format does not have.
    """
    codes = {name: _code(name, array) for name, array in arrays.items()}
    places, at = {}, 0
    for name in sorted(arrays, key=lambda name: -arrays[name].itemsize):
        places[name] = Entry(codes[name], arrays[name].shape, at, at := at + arrays[name].nbytes)
    own = {DIGEST: UNKNOWN, FORMAT_KEY: FORMAT, VERSION_KEY: __version__}
    header = build_header({**own, **metadata}, ((name, places[name]) for name in arrays))
    with atomic_write(path) as file:
        head = struct.pack("<Q", len(header)) + header
        digest = hashlib.sha256(head)
        file.write(head)
        for name, entry in places.items():
            # asarray first: for an array of the right dtype and order nothing is copied
            numbers = np.asarray(arrays[name], NUMPY[entry.dtype], order="C").reshape(-1).view(np.uint8)
            for i in range(0, len(numbers), CHUNK):
                chunk = numbers[i : i + CHUNK].tobytes()  # one copy for both, should another thread write meanwhile
                digest.update(chunk)
                file.write(chunk)
        file.seek(PLACE)
        file.write(digest.hexdigest().encode())


def read(path: str | os.PathLike[str], mmap: bool = False, verify: bool | None = None) -> Loaded:
    """What minigrad.load gives."""
    with _opened(path) as source:
        _refuse_unreadable(source.header, mmap)
        digest = None if verify is False else _digest(source)
        if verify and digest is None:
            raise ValueError("it has no digest to verify; verify=None loads it as it is")
        compare = digest is not None and (bool(verify) or not mmap)
        if mmap:
            if digest is not None and compare:
                _compare(source, digest)
            arrays = _map(source)
        else:
            arrays = _numbers(source, digest)
    return Loaded(arrays, _users(source.header.metadata), True if compare else None)


class _Source(NamedTuple):
    """An open file whose header fits its size. `head` is all before the tensors' numbers."""

    file: BinaryIO
    size: int
    head: bytes
    header: Header


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[_Source]:
    """The file, with its header read; a ValueError in the block gets the file's name."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"need the path of a file, got a {type(path).__name__}; load(path) gives what load_state_dict takes"
        )
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for somebody to write
            raise ValueError("is a folder, a device or a pipe; need a file")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            if len(start) < 8:
                raise ValueError(f"has {len(start)} bytes; a safetensors file has at least 10")
            length = int.from_bytes(start, "little")
            if length > (most := min(MAX_HEADER, size - 8)):
                raise ValueError(
                    f"its header should have {length} bytes; need at most {most}: the file was cut, or is "
                    "no safetensors file"
                )
            head = start + file.read(length)
            if len(head) < 8 + length:
                raise ValueError("it was cut while it was read")
            yield _Source(file, size, head, parse_header(head[8:], size - 8 - length))
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def _users(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in metadata.items() if not key.startswith(OWN)}


def _refuse_unreadable(header: Header, mmap: bool) -> None:
    foreign = [(name, entry.dtype) for name, entry in header.tensors.items() if entry.dtype not in NUMPY]
    for name, dtype in foreign:
        if dtype != "BF16":
            raise ValueError(f"tensor {name!r:.99} is {dtype}, which NumPy does not have; convert it to F32 first")
        if mmap:
            raise ValueError(
                f"tensor {name!r:.99} is BF16, which NumPy does not have; it can be loaded as float32, "
                "but not with mmap=True"
            )


def _digest(source: _Source) -> str | None:
    """The digest that the file carries, None if it never had one; ValueError if it had one that is damaged."""
    own = {key: text for key, text in source.header.metadata.items() if key.startswith(OWN)}
    if not own:
        return None
    form = own.get(FORMAT_KEY, FORMAT)
    if form != FORMAT:
        writer = own.get(VERSION_KEY, "of an unknown version")
        raise ValueError(
            f"it has the format {form!r:.99}, written by minigrad {writer:.99}; minigrad {__version__} "
            f"reads {FORMAT!r}, and with verify=False the bare tensors"
        )
    digest = own.get(DIGEST)
    if digest is None or source.head[8 : PLACE + 64] != BEFORE_DIGEST + digest.encode():
        raise ValueError(
            "its metadata is minigrad's, and the digest is not at its place: the file is damaged, or "
            "another program wrote it anew; verify=False loads it unchecked"
        )
    return digest


def _hash_of_head(source: _Source) -> hashlib._Hash:
    return hashlib.sha256(source.head[:PLACE] + UNKNOWN.encode() + source.head[PLACE + 64 :])


def _refuse_difference(found: hashlib._Hash, digest: str) -> None:
    if found.hexdigest() != digest:
        raise ValueError(
            "the digest does not fit: the file was damaged or changed after it was written; verify=False "
            "loads it unchecked"
        )


def _compare(source: _Source, digest: str) -> None:
    """Read the whole file, a chunk at a time; ValueError unless its digest is this one."""
    found, buffer = _hash_of_head(source), memoryview(bytearray(CHUNK))
    for _ in range(0, source.size - len(source.head), CHUNK):
        found.update(buffer[: source.file.readinto(buffer)])  # type: ignore[attr-defined]
    _refuse_difference(found, digest)


def _numbers(source: _Source, digest: str | None) -> dict[str, np.ndarray]:
    """All tensors, in memory of their own; hashed on the way if there is a digest to compare."""
    found = None if digest is None else _hash_of_head(source)
    arrays = dict.fromkeys(source.header.tensors, np.empty(0))
    for name, entry in sorted(source.header.tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        array = np.empty(entry.shape, NUMPY.get(entry.dtype, "<u2"))
        numbers = array.reshape(-1).view(np.uint8).data
        for i in range(0, len(numbers), CHUNK):
            chunk = numbers[i : i + CHUNK]
            if source.file.readinto(chunk) != len(chunk):  # type: ignore[attr-defined]
                raise ValueError("it was cut while it was read")
            if found is not None:
                found.update(chunk)
        if entry.dtype == "BF16":  # the upper half of a float32
            array = (array.astype(np.uint32) << 16).view(np.float32)
        _refuse_no_booleans(name, array)
        arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
    if found is not None and digest is not None:
        _refuse_difference(found, digest)
    return arrays


def _map(source: _Source) -> dict[str, np.ndarray]:
    """All tensors as read-only views of the file, which the system reads where they are used."""
    mapped = memory.mmap(source.file.fileno(), source.size, access=memory.ACCESS_READ)
    arrays = {}
    for name, entry in source.header.tensors.items():
        array = np.ndarray(entry.shape, NUMPY[entry.dtype], mapped, len(source.head) + entry.begin)
        _refuse_no_booleans(name, array)
        arrays[name] = array
    return arrays


def _refuse_no_booleans(name: str, array: np.ndarray) -> None:
    """NumPy computes nonsense with a boolean whose byte is neither 0 nor 1."""
    if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError(f"tensor {name!r:.99} is BOOL and has a byte that is neither 0 nor 1")


def _code(name: str, array: np.ndarray) -> str:
    code = NAMES.get(array.dtype.newbyteorder("<") if array.dtype.kind in "biufc" else array.dtype)
    if code is None:
        raise DTypeError(
            f"save: {name!r:.99} is {array.dtype}, which the safetensors format does not have; need one "
            f"of {', '.join(str(dtype.newbyteorder('=')) for dtype in NAMES)}"
        )
    return code
