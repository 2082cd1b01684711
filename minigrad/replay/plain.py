"""A recorded step as plain data: names, numbers and bytes, without addresses, arrays or functions.

A record that is ready to run is a list of kernel calls and a table of blocks of memory. Each call is the name of a
kernel and the bytes of its struct, in which the words that point to memory are 0; a Place says to which byte of which
block such a word points. So a record can be stored, and run with its blocks at any addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .. import kernels as K

WORD = 8  # bytes of a pointer
FORMAT = 1  # the version of what `written` returns


class Place(NamedTuple):
    """The word at `offset` of a struct points to byte `at` of a block."""

    offset: int
    block: int
    at: int


class Launch(NamedTuple):
    """The name of a kernel, its struct with 0 in place of pointers, and where the pointers point to."""

    kernel: str
    struct: bytes
    places: tuple[Place, ...]


class Form(NamedTuple):
    """An array as a part of a block: its element [0, ..., 0] is at byte `at`."""

    block: int
    at: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str

    @property
    def bounds(self) -> tuple[int, int]:
        """The first byte of the block that the array covers, and the byte after the last."""
        item = int(self.dtype[2:])
        spans = [(n - 1) * stride for n, stride in zip(self.shape, self.strides)]
        low = self.at + sum(min(0, span) for span in spans)
        return low, self.at + sum(max(0, span) for span in spans) + item

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        size = int(self.dtype[2:])
        for n in self.shape:
            size *= n
        return size


class Noted(NamedTuple):
    """A call of the table of kernels: what ran, which arrays it read and wrote, and the user's line."""

    name: str
    launches: tuple[Launch, ...]
    reads: tuple[Form, ...]
    writes: tuple[Form, ...]
    where: tuple[str, int]
    said: str  # what explain() prints in place of shapes, or ""


class Slot(NamedTuple):
    """The random stream of call `call`: it is draw `draw` of the step. In native calls it is written into the struct of
    note `note`, at `offset`.
    """

    call: int
    note: int
    offset: int
    draw: int


def launched(launches: Sequence[Launch], starts: Mapping[int, int]) -> list[tuple[str, bytes, list[tuple[int, int]]]]:
    """Launches as tape.Program takes them, with blocks that begin at these addresses."""
    return [
        (one.kernel, one.struct, [(place.offset, starts[place.block] + place.at) for place in one.places])
        for one in launches
    ]


def written(calls: Sequence[Noted], slots: Sequence[Slot], blocks: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """The record as lists, strings, numbers and bytes: calls, slots, and the size and kind of each block."""
    return {
        "format": FORMAT,
        "blocks": [list(block) for block in blocks],
        "calls": [
            {
                "name": call.name,
                "launches": [[one.kernel, one.struct, [list(place) for place in one.places]] for one in call.launches],
                "reads": [_listed(form) for form in call.reads],
                "writes": [_listed(form) for form in call.writes],
                "where": list(call.where),
                "said": call.said,
            }
            for call in calls
        ],
        "slots": [list(slot) for slot in slots],
    }


def read(data: Mapping[str, Any]) -> tuple[list[Noted], list[Slot]]:
    """Calls and slots from what `written` returned. ValueError for another format, an unknown kernel, a bad pointer."""
    if data.get("format") != FORMAT:
        raise ValueError(f"replay: the record has format {data.get('format')!r}; need {FORMAT}")
    calls = [
        Noted(
            call["name"],
            tuple(Launch(k, bytes(s), tuple(Place(*place) for place in places)) for k, s, places in call["launches"]),
            tuple(_formed(form) for form in call["reads"]),
            tuple(_formed(form) for form in call["writes"]),
            (str(call["where"][0]), int(call["where"][1])),
            call["said"],
        )
        for call in data["calls"]
    ]
    for call in calls:
        for one in call.launches:
            _check(one, [size for size, _ in data["blocks"]])
    return calls, [Slot(*slot) for slot in data["slots"]]


def _check(launch: Launch, sizes: Sequence[int]) -> None:
    """ValueError for an unknown kernel, a pointer outside of the struct, or one that points outside of the blocks."""
    if launch.kernel not in K.tape.known():
        raise ValueError(f"replay: the record calls the kernel {launch.kernel!r}, which is not here")
    for place in launch.places:
        inside = 0 <= place.offset <= len(launch.struct) - WORD
        if not inside or not 0 <= place.block < len(sizes) or not 0 <= place.at < sizes[place.block]:
            raise ValueError(f"replay: {launch.kernel} has a pointer outside of its struct or of the blocks: {place}")


def _listed(form: Form) -> list[Any]:
    return [form.block, form.at, list(form.shape), list(form.strides), form.dtype]


def _formed(form: Sequence[Any]) -> Form:
    block, at, shape, strides, dtype = form
    return Form(block, at, tuple(shape), tuple(strides), dtype)
