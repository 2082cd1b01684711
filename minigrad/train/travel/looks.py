"""Numbers of every step of a rerun: elements of parameters and gradients, outputs of a layer; replayed steps too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...engine import Tensor
from ...nn.module import Module

if TYPE_CHECKING:
    from ..run import Run


class Untapped(Exception):
    """An array that replayed steps cannot hand out, because it is no contiguous one: the steps run in Python then."""


def unwatch(module: Module, watcher: Any) -> None:
    """End what module.watch(watcher) began."""
    module.__dict__["watchers"].discard(watcher)


class Element(NamedTuple):
    """An element of a parameter after each update, or of its gradient in it; `flat` is its index in the flat array."""

    name: str
    flat: int
    gradient: bool = False


class Taps:
    """Keeps elements of the steps from `first` on: values[i][k] is element i after step first + k; NaN: no gradient."""

    def __init__(self, elements: Sequence[Element], first: int, last: int) -> None:
        self.elements, self.first = list(elements), first
        self.values = np.full((len(self.elements), last - first + 1), np.nan)
        self._parameters: dict[str, Tensor] = {}
        self._there: list[int] = []  # which elements a replay keeps: those that have an array
        self._offset = 0

    def begin(self, run: Run) -> None:
        """fit begins."""
        self._parameters, self._run = dict(run.model.named_parameters()), run

    def end(self, run: Run) -> None:
        """fit ends."""

    def look(self, run: Run, number: int) -> None:
        """After a step that may have run in Python: number counts the batches of the epoch from 1."""
        k = self._step(number)
        for row, element in zip(self.values, self.elements):
            array = self._array(element)
            row[k] = np.nan if array is None else array.reshape(-1)[element.flat]

    def sources(self, gradients: dict[Tensor, Tensor], entry: Any) -> list[np.ndarray]:
        """The arrays that a replay keeps of each step; gradients: of each parameter the one that the replay writes."""
        found, self._there = [], []
        for i, element in enumerate(self.elements):
            array = self._array(element, gradients)
            if array is not None:
                self._there.append(i)
                if not array.flags.c_contiguous:
                    raise Untapped
                found.append(array.reshape(-1)[element.flat : element.flat + 1])
        return found

    def take(self, number: int, done: int, kept: Sequence[np.ndarray]) -> None:
        """What a replay kept of `done` steps, of which the first is batch `number`."""
        k = self._step(number)
        for i, rows in zip(self._there, kept):
            self.values[i, k : k + done] = rows[:done].reshape(done)

    def _step(self, number: int) -> int:
        return len(self._run.history) * self._run.batches + number - self.first

    def _array(self, element: Element, gradients: dict[Tensor, Tensor] | None = None) -> np.ndarray | None:
        p = self._parameters[element.name]
        if not element.gradient:
            return p.array
        g = p.grad if gradients is None else gradients.get(p)
        return None if g is None else g.array


class Outputs:
    """Keeps what `made` gives of the outputs of a layer, once for each step: values[k] of step first + k.

    made: (steps, rows, ...) -> (steps,): of the outputs of some steps a number of each.
    """

    def __init__(self, layer: str, made: Callable[[np.ndarray], np.ndarray], first: int, last: int) -> None:
        self.layer, self.made, self.first = layer, made, first
        self.values = np.full(last - first + 1, np.nan)
        self._of_rows: dict[int, np.ndarray] = {}  # rows of a batch: the last output of a step in Python with so many
        self._rows, self._latest = 0, np.empty(0)

    def begin(self, run: Run) -> None:
        """fit begins: look at each output of the layer."""
        self._run = run
        self._module = dict(run.model.named_modules())[self.layer]
        self._module.watch(self)

    def end(self, run: Run) -> None:
        """fit ends."""
        unwatch(self._module, self)

    def __call__(self, args: Any, output: Any) -> None:
        """What the layer tells of each of its calls."""
        if self._run.model.training:
            self._latest = output.array
            self._of_rows[len(output.array)] = output.array

    def look(self, run: Run, number: int) -> None:
        """As Taps.look."""
        self.values[self._step(number)] = self.made(self._latest[None])[0]

    def sources(self, gradients: Any, entry: Any) -> list[np.ndarray]:
        """As Taps.sources."""
        array = self._of_rows.get(len(entry.inputs[0].array))
        if array is None or not array.flags.c_contiguous:
            raise Untapped
        self._latest = array
        return [array]

    def take(self, number: int, done: int, kept: Sequence[np.ndarray]) -> None:
        """As Taps.take."""
        k = self._step(number)
        self.values[k : k + done] = self.made(kept[0][:done])

    def _step(self, number: int) -> int:
        return len(self._run.history) * self._run.batches + number - self.first
