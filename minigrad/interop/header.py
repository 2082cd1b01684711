"""The header of a safetensors file: names, dtypes, shapes and places of its tensors, in a small subset of JSON.

    {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}

It is read by a parser of its own, which knows this form and nothing else: no nesting, no number of more than 20 digits,
no name twice. So its memory is a few times the header's size, whatever the header says.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

# Bits per element of the dtypes of the format, and NumPy's name where it has one.
BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F4": 4,
}
NUMPY = {
    "BOOL": "bool",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "C64": "<c8",
}
METADATA = "__metadata__"
MAX_HEADER = 100_000_000  # bytes, the limit of the format
MAX_DIMENSIONS = 64  # of a NumPy array
SPACES, STRING, NUMBER = (
    re.compile(pattern)
    for pattern in (rb"[ \t\n\r]*", rb'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"', rb"0|[1-9][0-9]{0,19}(?![0-9])")
)


class Entry(NamedTuple):
    """A tensor in a file: its dtype in the words of the format, its shape, and its bytes' place in the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """What the header of a file says, in the order in which it says it."""

    metadata: dict[str, str]
    tensors: dict[str, Entry]


def parse_header(text: bytes, data_size: int) -> Header:
    """The header of a file with `data_size` bytes after it; ValueError unless its tensors are exactly these bytes.

    >>> parse_header(b'{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}', 8).tensors
    {'w': Entry(dtype='F32', shape=(2,), begin=0, end=8)}
    >>> parse_header(b'{"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}', 8)
    Traceback (most recent call last):
      ...
    ValueError: tensor 'w' is F32 (3,), 12 bytes, and has 8 bytes of data
    """
    if text[:1] != b"{":
        raise ValueError(f"the header begins with {text[:1]!r}; need b'{{'")
    cursor = _Cursor(text)
    header = Header({}, {})
    for name in cursor.members("the header"):
        if name == METADATA:
            for key in cursor.members(METADATA):
                header.metadata[key] = cursor.string()
        else:
            header.tensors[name] = _entry(cursor, name)
    cursor.end()
    check_layout(header.tensors, data_size)
    return header


def build_header(metadata: Mapping[str, str], tensors: Iterable[tuple[str, Entry]], multiple: int = 64) -> bytes:
    """The header's text, padded with spaces so that the data begins at a multiple of `multiple` bytes."""
    described = {
        name: {"dtype": entry.dtype, "shape": entry.shape, "data_offsets": (entry.begin, entry.end)}
        for name, entry in tensors
    }
    form = {METADATA: dict(metadata), **described} if metadata else described
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-(8 + len(text)) % multiple)
    if len(text) > MAX_HEADER:
        raise ValueError(
            f"the header would have {len(text)} bytes; the format allows {MAX_HEADER}: fewer tensors, "
            "shorter names, or less metadata"
        )
    return text


def check_layout(tensors: Mapping[str, Entry], data_size: int) -> None:
    """Refuse tensors that do not lie one behind the other, from the first byte of the data to the last."""
    at = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != at or entry.end < entry.begin:
            raise ValueError(
                f"tensor {name!r:.99} has the bytes {entry.begin} to {entry.end} of the data; need a "
                f"begin at {at}, where the tensor before it ends"
            )
        if math.prod(size for size in entry.shape if size) * BITS[entry.dtype] >= 1 << 63:
            raise ValueError(f"tensor {name!r:.99} has the shape {entry.shape}, more than memory can address")
        bits = math.prod(entry.shape) * BITS[entry.dtype]
        if bits != 8 * (entry.end - entry.begin):
            raise ValueError(
                f"tensor {name!r:.99} is {entry.dtype} {entry.shape}, {bits / 8:.15g} bytes, and has "
                f"{entry.end - entry.begin} bytes of data"
            )
        at = entry.end
    if at != data_size:
        raise ValueError(f"the tensors have {at} bytes in all, and {data_size} bytes follow the header")


def _entry(cursor: _Cursor, name: str) -> Entry:
    dtype, shape, offsets = None, None, None
    for field in cursor.members(f"tensor {name!r:.99}"):
        if field == "dtype":
            dtype = cursor.string()
        elif field == "shape":
            shape = cursor.numbers(MAX_DIMENSIONS)
        elif field == "data_offsets":
            offsets = cursor.numbers(2)
        else:
            raise ValueError(f"tensor {name!r:.99} has a field {field!r:.99}; need dtype, shape and data_offsets")
    if dtype is None or shape is None or offsets is None or len(offsets) != 2:
        raise ValueError(f"tensor {name!r:.99} is described by half; need dtype, shape and two data_offsets")
    if dtype not in BITS:
        raise ValueError(f"tensor {name!r:.99} has the dtype {dtype!r:.99}; need one of {', '.join(BITS)}")
    return Entry(dtype, shape, *offsets)


class _Cursor:
    """A place in the header's text. Each method reads one thing there and moves on, or raises a ValueError."""

    def __init__(self, text: bytes) -> None:
        self.text, self.at = text, 0

    def fail(self, need: str) -> ValueError:
        return ValueError(f"the header has {self.text[self.at : self.at + 20]!r} at byte {self.at}; need {need}")

    def match(self, pattern: re.Pattern[bytes], need: str) -> bytes:
        self.skip()
        found = pattern.match(self.text, self.at)
        if not found:
            raise self.fail(need)
        self.at = found.end()
        return found.group()

    def skip(self) -> None:
        self.at = SPACES.match(self.text, self.at).end()  # type: ignore[union-attr]  # it also matches nothing

    def has(self, character: bytes) -> bool:
        """Whether this character is next; if so it is read."""
        self.skip()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def take(self, character: bytes) -> None:
        if not self.has(character):
            raise self.fail(repr(character.decode()))

    def end(self) -> None:
        self.skip()
        if self.at != len(self.text):
            raise self.fail("its end")

    def string(self) -> str:
        literal = self.match(STRING, "a string")
        try:
            text = literal.decode("utf-8")
            text = json.loads(text) if "\\" in text else text[1:-1]
            text.encode("utf-8")  # half of a surrogate pair, written as \ud800, is no text
        except ValueError as error:
            raise ValueError(f"the header has the string {literal[:40]!r}, which is no text: {error}") from None
        return text

    def numbers(self, limit: int) -> tuple[int, ...]:
        """A list of at most `limit` whole numbers below 2^64."""
        found: list[int] = []
        self.take(b"[")
        if self.has(b"]"):
            return ()
        while True:
            found.append(int(self.match(NUMBER, "a whole number below 2^64")))
            if found[-1] >= 1 << 64:
                raise ValueError(f"the header has the number {found[-1]}; need less than 2^64")
            if not self.has(b","):
                break
            if len(found) == limit:
                raise self.fail(f"at most {limit} numbers")
        self.take(b"]")
        return tuple(found)

    def members(self, what: str) -> Iterator[str]:
        """The keys of an object; whoever iterates reads the value of each."""
        seen: set[str] = set()
        self.take(b"{")
        if self.has(b"}"):
            return
        while True:
            key = self.string()
            if key in seen:
                raise ValueError(f"{what} has {key!r:.99} twice")
            seen.add(key)
            self.take(b":")
            yield key
            if not self.has(b","):
                break
        self.take(b"}")
