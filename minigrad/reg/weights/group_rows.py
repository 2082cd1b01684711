"""Groups of slices of several parameters as the rows of one matrix: what the kernels for groups take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...errors import DTypeError

Part = tuple[str, Any]  # the name of a parameter, and an index into it


class Gathered:
    """A row for each group, filled with zeros up to the longest: they change no norm, and stay zeros.

    groups   name -> parts, each a slice of a parameter; no element may be in two groups.
    arrays   name -> array of each parameter, of one dtype; their shapes count, and not what is in them.
    """

    def __init__(self, who: str, groups: Mapping[str, Sequence[Part]], arrays: Mapping[str, np.ndarray]) -> None:
        dtypes = {array.dtype for array in arrays.values()}
        if len(dtypes) > 1:
            raise DTypeError(f"{who}: its parameters are {' and '.join(sorted(map(str, dtypes)))}; need one dtype")
        self.dtype = dtypes.pop()
        starts, end = {}, 1  # element 0 of the joined vector is the zero that rows are filled with
        for name, array in arrays.items():
            starts[name], end = end, end + array.size
        places = {name: np.arange(array.size).reshape(array.shape) for name, array in arrays.items()}
        rows = [
            np.concatenate([starts[name] + places[name][index].reshape(-1) for name, index in parts])
            for parts in groups.values()
        ]
        self.sizes = [len(row) for row in rows]
        self.index = np.zeros((len(rows), max(self.sizes)), np.int64)
        for i, row in enumerate(rows):
            self.index[i, : len(row)] = row
        held = np.bincount(np.concatenate(rows), minlength=end)
        if held.max() > 1:
            twice = np.flatnonzero(held > 1)
            owner = next(name for name in reversed(starts) if starts[name] <= twice[0])
            raise ValueError(
                f"{who}: {len(twice)} elements, the first in {owner}, are in two groups; the proximal map "
                "of groups that overlap has no closed form: use the term in the loss"
            )
        self.joined = np.zeros(end, self.dtype)
        back = np.arange(end) + self.index.size  # where an element comes from: the matrix, else the joined vector
        back[self.index.reshape(-1)] = np.arange(self.index.size)
        self.back = {name: back[start : start + arrays[name].size].copy() for name, start in starts.items()}
        self.both = np.zeros(self.index.size + end, self.dtype)

    def matrix(self) -> np.ndarray:
        """An array for the rows."""
        return K.empty(self.index.shape, self.dtype)

    def factors(self, scaled: bool) -> np.ndarray:
        """s_g of each row: √size, or 1."""
        return np.array([math.sqrt(size) if scaled else 1.0 for size in self.sizes], self.dtype)

    def gather(self, arrays: Mapping[str, np.ndarray], out: np.ndarray) -> np.ndarray:
        """out = the groups of these arrays."""
        at = 1
        for array in arrays.values():
            K.copy(array.reshape(-1), self.joined[at : at + array.size])
            at += array.size
        K.take(self.joined, self.index, out)
        return out

    def scatter(self, rows: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the rows back to the places that they were gathered from; no other number changes."""
        K.copy(rows.reshape(-1), self.both[: rows.size])
        at = 1
        for array in arrays.values():
            K.copy(array.reshape(-1), self.both[rows.size + at : rows.size + at + array.size])
            at += array.size
        for name, array in arrays.items():
            K.take(self.both, self.back[name], array.reshape(-1))
