"""Where the blocks of a recorded step lie. Blocks that are used only within a step share one array, the arena.

A block is in use from the call that first writes it to the last call that uses it. Blocks that are never in use at the
same time may have the same place. A block that something outside of the step holds (a result, a gradient, a parameter,
an array of a tensor of the user) stays where it is, and so does a block of which a call reads a byte that no call of
the step has written before.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import kernels as K
from .blocks import Block
from .plain import Form, Noted

LINE = 64  # bytes: blocks begin on a cache line
MADE = "made"


class Memory:
    """The addresses of the blocks of a record, by number, and the arena: an array of bytes."""

    def __init__(self, record: Any) -> None:
        blocks: list[Block] = record.blocks
        self.saved = 0  # the sum of the sizes of the blocks that are in the arena
        places: dict[int, int] = {}
        if record.native:
            lives = lives_of(record.calls, [number for number, kind in record.kinds.items() if kind == MADE])
            free = self._free(record, lives)
            places, size = packed({n: lives[n] for n in free}, {n: blocks[n].size for n in free})
            self.saved = sum(blocks[n].size for n in free)
            record.recorder.blocks.drop(free)
        else:
            size = 0
        self.arena = aligned(size)
        base = self.arena.__array_interface__["data"][0]
        self.starts = {b.number: base + places[b.number] if b.number in places else b.start for b in blocks}
        self._blocks, self._places = blocks, places

    @staticmethod
    def _free(record: Any, lives: Mapping[int, tuple[int, int]]) -> list[int]:
        """The blocks that only the record holds: the recorder drops its references, and their arrays are then freed."""
        blocks = record.blocks
        seen = {number: weakref.ref(blocks[number].owner) for number in lives}
        record.recorder.let_go()
        for number in lives:
            blocks[number].owner = None
        for number, ref in seen.items():
            blocks[number].owner = ref()
        return [number for number in lives if blocks[number].owner is None]

    def bytes(self, number: int) -> np.ndarray:
        """The bytes of a block."""
        block = self._blocks[number]
        if number in self._places:
            return self.arena[self._places[number] : self._places[number] + block.size]
        return block.bytes()

    def array(self, form: Form) -> np.ndarray:
        """An array of the record, as a view of its block's memory."""
        return np.ndarray(form.shape, form.dtype, self.bytes(form.block), form.at, form.strides)


def aligned(size: int) -> np.ndarray:
    """An array of `size` bytes that begins on a cache line."""
    whole = K.empty((size + LINE,), np.uint8)
    start = -whole.__array_interface__["data"][0] % LINE
    return whole[start : start + size]


def lives_of(calls: Sequence[Noted], numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The first and the last call that use a block, for blocks whose bytes are all written before they are read."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    filled: dict[int, list[tuple[int, int]]] = {number: [] for number in numbers}
    for i, call in enumerate(calls):
        for form in call.reads:
            if form.block in filled and not covered(filled[form.block], form.bounds):
                del filled[form.block]
        for form in call.writes:
            if form.block in filled and form.nbytes == form.bounds[1] - form.bounds[0]:
                filled[form.block].append(form.bounds)
        used = {place.block for one in call.launches for place in one.places}
        for number in used | {form.block for form in (*call.reads, *call.writes)}:
            first.setdefault(number, i)
            last[number] = i
    return {number: (first[number], last[number]) for number in filled if number in first}


def covered(filled: list[tuple[int, int]], bounds: tuple[int, int]) -> bool:
    """Whether the union of the intervals `filled` contains the interval `bounds`."""
    at, end = bounds
    for low, high in sorted(filled):
        if low > at:
            return False
        at = max(at, high)
        if at >= end:
            return True
    return False


def packed(lives: Mapping[int, tuple[int, int]], sizes: Mapping[int, int]) -> tuple[dict[int, int], int]:
    """A place for each block, and the bytes that are needed: the largest first, each at the lowest place that is free.

    >>> packed({0: (0, 2), 1: (3, 4), 2: (2, 3)}, {0: 100, 1: 64, 2: 10})
    ({0: 0, 1: 0, 2: 128}, 192)
    """
    places: dict[int, int] = {}
    total = 0
    for number in sorted(lives, key=lambda n: (-sizes[n], n)):
        begin, end = lives[number]
        met = [n for n in places if lives[n][0] <= end and begin <= lives[n][1]]
        size, at = -(-sizes[number] // LINE) * LINE, 0
        for n in sorted(met, key=lambda n: places[n]):
            if at + size <= places[n]:
                break
            at = max(at, places[n] + -(-sizes[n] // LINE) * LINE)
        places[number], total = at, max(total, at + size)
    return places, total
