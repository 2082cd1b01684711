"""Taps: arrays of a step, such as weights, activations and gradients, or parts of them, kept at chosen steps."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ..checks import whole
from ..engine import Tensor
from .blocks import Blocks, byte_bounds
from .plain import Noted
from .program import Tap, address
from .record import Record
from .recorder import Call


def names_of(calls: Sequence[Call] | Sequence[Noted]) -> list[str]:
    """The names of calls as explain() prints them: matmul, matmul:2, matmul:3, ..., in the order of the calls."""
    seen: Counter[str] = Counter()
    found = []
    for call in calls:
        seen[call.name] += 1
        found.append(call.name if seen[call.name] == 1 else f"{call.name}:{seen[call.name]}")
    return found


class Tapped:
    """The steps and arrays that a tap of a compiled step has kept; made by `step.tap`.

    steps: the numbers (int64) of the steps that were kept. values: their arrays, as one array (len(steps), ...), or as
    a list of arrays if the shapes differ from step to step.
    """

    def __init__(self, what: Any, every: int, steps: Collection[int] | None, at: Any, output: int, grad: bool) -> None:
        if not isinstance(what, (Tensor, str)):
            raise TypeError(
                f"tap: got a {type(what).__name__}; need a tensor, such as a parameter, or the name of a kernel call "
                "as explain() prints it, such as 'matmul:2'"
            )
        if grad and isinstance(what, str):
            raise ValueError(f"tap: {what!r} is a kernel call, which has no gradient; grad=True goes with a parameter")
        self.what, self.at, self.output, self.grad = what, at, output, grad
        self.every = whole(every, "tap: every", 1)
        self.chosen = None if steps is None else np.array([whole(i, "tap: steps", 0) for i in steps], np.int64)
        self.clear()

    def clear(self) -> None:
        """Drop what was kept; the tap continues."""
        self._steps: list[np.ndarray] = []
        self._values: list[np.ndarray] = []

    @property
    def steps(self) -> np.ndarray:
        """The numbers of the steps that were kept."""
        return np.concatenate([np.empty(0, np.int64), *self._steps])

    @property
    def values(self) -> np.ndarray | list[np.ndarray]:
        """What was kept: an array with a row for each step, or a list if the shapes differ."""
        if not self._values:
            return np.empty(0)
        if all(piece.shape[1:] == self._values[0].shape[1:] for piece in self._values):
            return np.concatenate(self._values)
        return [row for piece in self._values for row in piece]

    def __len__(self) -> int:
        return sum(len(piece) for piece in self._steps)

    def __repr__(self) -> str:
        return f"<tap of {self.name}: {len(self)} steps>"

    @property
    def name(self) -> str:
        """The name of the array that is kept, for messages."""
        if isinstance(self.what, str):
            return self.what
        return f"{'the gradient of ' if self.grad else ''}a tensor {self.what.array.shape}"

    def keeps(self, numbers: np.ndarray) -> np.ndarray:
        """Whether the tap keeps each of these steps, as booleans."""
        kept = numbers % self.every == 0
        return kept if self.chosen is None else kept & np.isin(numbers, self.chosen)

    def add(self, numbers: np.ndarray, values: np.ndarray) -> None:
        """Keep the values (steps, ...) of some steps."""
        if len(numbers):
            self._steps.append(numbers)
            self._values.append(values)

    # --- the array that is kept ----------------------------------------------------------------------------------

    def of_calls(self, calls: Sequence[Any]) -> tuple[int, Any]:
        """The call whose output is kept, and that output: an array, or a Form if the calls are those of a record."""
        names = names_of(calls)
        if self.what not in names:
            raise ValueError(f"tap: the step has no kernel call {self.what!r}; it has {', '.join(names)}")
        call = names.index(str(self.what))
        if not -len(calls[call].writes) <= self.output < len(calls[call].writes):
            raise IndexError(
                f"tap: output={self.output} of {self.what!r}, which writes {len(calls[call].writes)} arrays"
            )
        return call, calls[call].writes[self.output]

    def of_tensor(self, blocks: Blocks) -> np.ndarray:
        """The part of a tensor, or of its gradient, that is kept at the end of a step; `blocks` are those it used."""
        assert isinstance(self.what, Tensor)
        held = self.what.grad if self.grad else self.what
        if held is None or blocks.at(byte_bounds(held.array)[0]) is None:
            why = "is None when the step is over" if held is None else "is used by no kernel of the step"
            raise ValueError(
                f"tap: {self.name} {why}; need a parameter, a buffer, or the name of a kernel call, such as 'matmul:2'"
            )
        return self.part(held.array)

    def part(self, array: np.ndarray) -> np.ndarray:
        """array[at], which must be a view."""
        if self.at is None:
            return array
        index = self.at if isinstance(self.at, tuple) else (self.at,)
        view = array[index if Ellipsis in index else (*index, ...)]
        if not view.size or not np.may_share_memory(view, array):
            raise IndexError(f"tap: at={self.at!r} of {array.shape} is no part of it; need numbers and slices")
        return view


class Taps:
    """The taps of a compiled step, and the number of the step that comes next."""

    def __init__(self) -> None:
        self.number = 0
        self.taps: list[Tapped] = []
        self._calls: list[Call] = []
        self._seen: dict[Tapped, np.ndarray] = {}

    # --- steps in Python -----------------------------------------------------------------------------------------

    def begin(self) -> Callable[[Call], None]:
        """A step in Python begins. Returns the function that must be called with each of its kernel calls."""
        self._calls, self._seen = [], {}
        return self.called

    def called(self, call: Call) -> None:
        """A kernel was called in a step in Python. Copy what is tapped of it, because a later call may write it."""
        self._calls.append(call)
        wanted = [tap for tap in self.taps if isinstance(tap.what, str) and tap.what.partition(":")[0] == call.name]
        if wanted:
            name = names_of(self._calls)[-1]
            self._seen |= {tap: tap.part(tap.of_calls(self._calls)[1]).copy() for tap in wanted if tap.what == name}

    def finish(self, blocks: Blocks) -> None:
        """A step in Python is over."""
        number, self.number = np.array([self.number]), self.number + 1
        calls, self._calls = self._calls, []
        for tap in self.taps:
            if tap.keeps(number)[0]:
                if isinstance(tap.what, str) and tap not in self._seen:
                    tap.of_calls(calls)  # raises, because the step has no such call
                value = self._seen[tap] if isinstance(tap.what, str) else tap.of_tensor(blocks)
                tap.add(number, value.copy()[None])

    # --- steps that are replayed ---------------------------------------------------------------------------------

    def place(self, tap: Tapped, record: Record, gradients: Sequence[Any]) -> tuple[int, np.ndarray]:
        """The call after which a replayed step reads the array of a tap, and the array."""
        if isinstance(tap.what, str):
            call, form = tap.of_calls(record.calls)
            return call, tap.part(record.memory.array(form))
        last = len(record.calls) - 1
        if not tap.grad:
            return last, tap.of_tensor(record.recorder.blocks)
        for p, g in gradients:
            if p is tap.what:
                return last, tap.part(g.array)
        raise ValueError(
            f"tap: {tap.name} is none that an optimizer of the step uses; tap the kernel call that writes it"
        )

    def wanted(self, steps: int, record: Record, gradients: Sequence[Any]) -> list[Wanted]:
        """A Wanted for each tap that keeps some of the next `steps` steps."""
        if not self.taps:
            return []  # returns early, because the code below takes longer than a small step
        numbers = np.arange(self.number, self.number + steps)
        kept = [(tap, np.flatnonzero(tap.keeps(numbers))) for tap in self.taps]
        return [Wanted(tap, rows, steps, *self.place(tap, record, gradients)) for tap, rows in kept if len(rows)]

    def replayed(self, done: int, wanted: Sequence[Wanted]) -> None:
        """`done` steps were replayed: give the taps what was kept of them."""
        for one in wanted:
            one.hand_out(self.number, done)
        self.number += done


class Wanted:
    """The array that a tap keeps in a run, and memory for its content in each of the kept steps."""

    def __init__(self, tap: Tapped, kept: np.ndarray, steps: int, call: int, source: np.ndarray) -> None:
        self._tap, self._kept, self._source = tap, kept, source
        low, high = byte_bounds(source)
        memory = np.frombuffer(memoryview((ctypes.c_char * (high - low)).from_address(low)), np.uint8)
        rows = np.full(steps, -1, np.int64)
        rows[kept] = np.arange(len(kept))
        self._room = np.empty((len(kept), high - low), np.uint8)
        self._first = address(source) - low
        self.made = Tap(call, memory, self._room, rows)

    def hand_out(self, number: int, done: int) -> None:
        """Give the tap what was kept in the first `done` steps of the run, whose first step has this number."""
        count, source = int(np.searchsorted(self._kept, done)), self._source
        if count:
            shape, strides = (count, *source.shape), (self._room.shape[1], *source.strides)
            values = np.ndarray(shape, source.dtype, self._room, self._first, strides)
            self._tap.add(number + self._kept[:count], np.ascontiguousarray(values))
