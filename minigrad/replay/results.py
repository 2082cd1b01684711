"""What a step returns: tensors in tuples, lists and dicts, taken out of them and put in again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Tensor
from ..errors import ReplayError

PLAIN = (bool, int, float, str, bytes, type(None))


def tensors_of(result: Any) -> list[Tensor]:
    """The tensors of a result, in order; ReplayError for what a replay could not compute again."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, dict):
        return [t for value in result.values() for t in tensors_of(value)]
    if isinstance(result, (tuple, list)):
        return [t for value in result for t in tensors_of(value)]
    if type(result) not in PLAIN:
        raise ReplayError(
            f"compile: the step returns a {type(result).__name__}, which a replay would not compute again; return "
            "tensors, alone or in tuples, lists and dicts"
        )
    return []


def rebuilt(result: Any, make: Callable[[], Any]) -> Any:
    """The same structure with make() in place of each tensor."""
    if isinstance(result, Tensor):
        return make()
    if isinstance(result, dict):
        return {name: rebuilt(value, make) for name, value in result.items()}
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*(rebuilt(value, make) for value in result))
    if isinstance(result, (tuple, list)):
        return type(result)(rebuilt(value, make) for value in result)
    return result


class Kept:
    """The results of several steps: the arrays of each step, in the order of tensors_of."""

    def __init__(self) -> None:
        self.like: Any = None
        self.pieces: list[list[np.ndarray]] = []  # for each tensor: arrays (some steps, ...) in order

    def add(self, like: Any, arrays: Sequence[np.ndarray]) -> None:
        """Add the results of some steps that returned `like`; arrays[i] is (steps, ...) of tensor i."""
        if self.like is None:
            self.like, self.pieces = like, [[] for _ in arrays]
        if len(arrays) != len(self.pieces):
            raise ReplayError("compile: the step returns another number of tensors for another shape of its arguments")
        for piece, array in zip(self.pieces, arrays):
            piece.append(array)

    def together(self) -> Any:
        """For each tensor an array (steps,) if it is one number, else a list of arrays, one for each step."""
        made = iter(
            [
                np.concatenate(piece) if all(p.ndim == 1 for p in piece) else [row for p in piece for row in p]
                for piece in self.pieces
            ]
        )
        return rebuilt(self.like, lambda: next(made))
