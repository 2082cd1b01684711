"""Arguments of a step that were the same in both of its recordings: nothing says what Python made of them.

Two recordings tell what changes from what does not. Where an index, a label or a mask had the same numbers in both, an
array that NumPy made of it looks like a constant, and a replay would go on with it after the argument had changed. So
such arguments are held to the numbers that they had, and other numbers mean another recording.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Steady:
    """The arguments that two recordings had in common: (place among the arguments, what it held)."""

    def __init__(self, before: Sequence[np.ndarray], now: Sequence[np.ndarray]) -> None:
        self.held = [(i, b) for i, (a, b) in enumerate(zip(before, now)) if same(a, b)]

    def broken(self, arrays: Sequence[np.ndarray]) -> str:
        """Which argument is not as it was, in words; "" where all are."""
        for i, held in self.held:
            if not same(arrays[i], held):
                return f"argument {i}, which was the same in both recordings,"
        return ""

    def steps(self, columns: Sequence[np.ndarray], rows: np.ndarray) -> int:
        """For how many of the batches rows[0], rows[1], ... of the columns all such arguments are as they were."""
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
