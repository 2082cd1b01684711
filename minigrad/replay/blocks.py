"""Blocks of memory that the kernels of a step read and write. All views of an array belong to one block."""

from __future__ import annotations

import ctypes
import zlib
from bisect import bisect_right, insort
from collections.abc import Collection
from typing import Any

import numpy as np

try:
    from numpy.lib.array_utils import byte_bounds
except ImportError:  # pragma: no cover
    from numpy import byte_bounds  # type: ignore[attr-defined, no-redef]


class Block:
    """`size` bytes of memory from `start` on, which `owner` keeps alive.

    checksum: that of its content when a kernel last used it; opening: that of its content before the first kernel of
    the step used it. read_first: whether that kernel read it; None before.
    """

    __slots__ = ("checksum", "number", "opening", "owner", "read_first", "size", "start", "written")

    def __init__(self, owner: np.ndarray, number: int) -> None:
        low, high = byte_bounds(owner)
        self.start, self.size, self.number = low, high - low, number
        self.owner: np.ndarray | None = owner  # None: the memory was freed, and the block lies in the arena
        self.checksum = self.opening = checksum(low, self.size)
        self.read_first: bool | None = None
        self.written = False

    def changed(self) -> bool:
        """Whether the content has changed since a kernel last used it."""
        return checksum(self.start, self.size) != self.checksum

    def used(self) -> None:
        """Set the checksum to that of the content now."""
        self.checksum = checksum(self.start, self.size)

    def bytes(self) -> np.ndarray:
        """The memory as an array of bytes."""
        return np.frombuffer(memoryview((ctypes.c_char * self.size).from_address(self.start)), np.uint8)


def checksum(start: int, size: int) -> int:
    """The CRC-32 of `size` bytes from an address on."""
    return zlib.crc32(memoryview((ctypes.c_char * size).from_address(start)))


def root(array: np.ndarray) -> np.ndarray:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Blocks:
    """The blocks of one recording, found by any array on them."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._starts: list[int] = []
        self._at: dict[int, Block] = {}
        self._of: dict[int, tuple[np.ndarray, Block]] = {}  # id -> (the array, held so that its id stays, its block)

    def of(self, array: np.ndarray) -> Block:
        """The block that the array is on; a new one if no array on it was seen."""
        known = self._of.get(id(array))
        if known is not None:
            return known[1]
        low, high = byte_bounds(array)
        block = self.at(low)
        if block is None or high > block.start + block.size:
            block = Block(root(array), len(self.blocks))
            self.blocks.append(block)
            insort(self._starts, block.start)
            self._at[block.start] = block
        self._of[id(array)] = array, block
        return block

    def at(self, address: int) -> Block | None:
        """The block that holds the byte at an address, or None."""
        place = bisect_right(self._starts, address) - 1
        if place < 0:
            return None
        block = self._at[self._starts[place]]
        return block if address < block.start + block.size else None

    def let_go(self) -> None:
        """Drop the references to arrays; from now on blocks are found by address only."""
        self._of = {}

    def drop(self, numbers: Collection[int]) -> None:
        """Remove blocks whose memory was freed, so that `at` does not find them."""
        gone = {self.blocks[number].start for number in numbers}
        self._starts = [start for start in self._starts if start not in gone]
        for start in gone:
            del self._at[start]


def arrays_in(value: Any) -> list[np.ndarray]:
    """The arrays with elements in an argument."""
    if isinstance(value, np.ndarray):
        return [value] if value.size else []
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays_in(item)]
    return []
