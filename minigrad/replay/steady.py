"""Arguments of a step that had the same numbers in both of its recordings.

What is equal in two recordings is taken for constant. But if an index, a label or a mask had the same numbers in both,
an array that NumPy made from it looks like a constant, and a replay would still use it after the argument has changed.
So such arguments are compared before each run, and if one has other numbers, the step is recorded again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Steady:
    """The arguments that were equal in two recordings: (position among the arguments, its numbers)."""

    def __init__(self, before: Sequence[np.ndarray], now: Sequence[np.ndarray]) -> None:
        self.held = [(i, b) for i, (a, b) in enumerate(zip(before, now)) if same(a, b)]

    def broken(self, arrays: Sequence[np.ndarray]) -> str:
        """Which argument has other numbers than in the recordings, in words; "" if none has."""
        for i, held in self.held:
            if not same(arrays[i], held):
                return f"argument {i}, which was the same in both recordings,"
        return ""

    def steps(self, columns: Sequence[np.ndarray], rows: np.ndarray) -> int:
        """How many of the batches rows[0], rows[1], ... come before the first with other numbers in such arguments."""
        count = len(rows)
        for i, held in self.held:
            for step in range(count):
                if not same(columns[i][rows[step]].astype(held.dtype, copy=False), held):
                    count = step
                    break
        return count


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same bits.

    >>> same(np.array([0.0]), np.array([-0.0])), same(np.array([np.nan]), np.array([np.nan]))
    (False, True)
    """
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
