"""The scalars of a recorded loss: from their numbers in a replayed step come its parts, as fit reads them off a graph.

backward frees the graph of a step, and a replay makes none. So the part of it that Reader reads is copied once: ops,
options and inputs of all scalars, of arrays no more than their shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import Tensor
from .means import COUNTED, READ, Part, Reader, made_by


class _Copied(Reader):
    """A Reader of copies: what it asks of arrays was found out when they were there."""

    def __init__(self, output: list[Tensor], rows: int, size: float) -> None:
        super().__init__(output, rows, size)
        self.known: dict[int, bool] = {}

    def over_rows(self, x: Tensor) -> bool:
        return self.known[id(x)]


class LossGraph:
    """loss, a recorded number, and how it was made of others. output, rows, size: as for Reader.

    `scalars` are the tensors whose numbers are to be kept of each step.
    """

    def __init__(self, loss: Tensor, output: list[Tensor], rows: int, size: float) -> None:
        self.scalars: list[Tensor] = []
        self._copies: list[Tensor] = []
        self._found: dict[int, Tensor] = {}
        self._first, self._reader = Reader(output, rows, size), _Copied(output, rows, size)
        self._loss = self._scalar(loss)
        del self._found, self._first  # with what they hold of the graph

    def parts(self, numbers: Sequence[np.ndarray], size: float) -> list[Part]:
        """The parts of the loss where the scalars are these; size: what the rows of the batch count by their weights.

        They are those of parts_of, which see.
        """
        for copy, number in zip(self._copies, numbers):
            copy.array = number
        self._reader.size = size
        parts = self._reader.parts(self._loss)
        return [parts[0]._replace(value=self._loss.item())] if len(parts) == 1 else parts

    def _scalar(self, y: Tensor) -> Tensor:
        """A copy of y and of the scalars that it was made of."""
        if id(y) in self._found:
            return self._found[id(y)]
        copy = self._found[id(y)] = _alike(y, y.array)
        self.scalars.append(y)
        self._copies.append(copy)
        op = made_by(y)
        if op is not None and not y.ndim and (op in READ or op in COUNTED):
            copy.inputs = tuple(self._input(x) for x in y.inputs or ())
        return copy

    def _input(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if x.ndim == 0:
            return self._scalar(x)
        copy = _alike(x, np.broadcast_to(np.zeros((), x.dtype), x.shape))
        self._reader.known[id(copy)] = self._first.over_rows(x)
        return copy


def _alike(y: Tensor, array: np.ndarray) -> Tensor:
    copy = Tensor(array)
    copy.op, copy.options, copy.tracked = y.op, y.options, y.tracked
    return copy
