"""The calls of a record as a native program, and as a list of Python calls: the same steps, feeds and taps."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..errors import NonFiniteError
from ..interrupts import Interrupts
from .plain import launched
from .record import Record
from .recorder import Recorder


class Feed(NamedTuple):
    """Before each step, a row of `rows` is copied into `target`: an array, or a slot of the record by its number."""

    target: np.ndarray | int
    rows: np.ndarray


class Tap(NamedTuple):
    """After call `call` of step s, `source` is copied into row s of `out`, or into row rows[s], if that is >= 0."""

    call: int
    source: np.ndarray
    out: np.ndarray
    rows: np.ndarray | None = None

    def moved(self, ahead: int, part: slice) -> Tap:
        """The tap for the steps `part` of a run, in a program with `ahead` calls before those of the record."""
        rows = np.arange(part.start, part.stop) if self.rows is None else self.rows[part]
        return self._replace(call=self.call + ahead, rows=np.ascontiguousarray(rows, np.int64))


class NativeProgram:
    """Runs a record in a loop in C."""

    def __init__(self, record: Record, before: Recorder | None = None) -> None:
        self.record, self._before = record, before
        self.ahead = 0 if before is None else len(before.calls)  # calls before those of the record
        self._native: Any = None
        self.done = 0  # steps that the last run completed
        self.at: int | None = None  # the call that ended it, if one did

    @property
    def native(self) -> Any:
        """The loop in C, made at the first use. From then on the addresses of the blocks of the record are fixed."""
        if self._native is None:
            calls: list[tuple[str, bytes, list[tuple[int, int]]]] = []
            self._first: list[int] = []  # the number of the first native kernel of each call
            self._last: list[int] = []  # and of the last
            first = () if self._before is None else self._before.calls
            starts = self.record.memory.starts
            before: list[Any] = [[(kernel, struct, []) for kernel, struct in call.notes] for call in first]
            for made in [*before, *(launched(call.launches, starts) for call in self.record.calls)]:
                self._first.append(len(calls))
                calls += made  # the structs of `first` still hold their addresses, so they have no pointers to fill in
                self._last.append(len(calls) - 1)
            self._native = K.tape.Program(calls)
        return self._native

    def run(self, steps: int, feeds: Sequence[Feed] = (), taps: Sequence[Tap] = ()) -> tuple[int, int, int] | None:
        """Run `steps` steps; None, or (step, call, result) of a call that ended the run."""
        native = self.native
        ins = [self._feed(feed) for feed in feeds]
        outs = [
            (
                self._last[tap.call],
                address(tap.source),
                tap.source.nbytes,
                address(tap.out),
                tap.out.strides[0],
                0 if tap.rows is None else address(tap.rows),
            )
            for tap in sorted(taps, key=lambda tap: tap.call)
        ]
        try:
            ended = native.run(steps, ins, outs)
        finally:
            self.done = native.done
        if ended is None:
            return None
        step, call, result = ended
        self.at = next(i for i, last in enumerate(self._last) if last >= call)
        return step, self.at, result

    def _feed(self, feed: Feed) -> tuple[int, int, int, int]:
        rows = feed.rows
        if isinstance(feed.target, int):
            slot = self.record.slots[feed.target]
            to, size = self.native.address(self._first[self.ahead + slot.call] + slot.note, slot.offset), 16
        else:
            to, size = address(feed.target), feed.target.nbytes
        return to, address(rows), size, rows.strides[0] if len(rows) > 1 else 0

    def times(self, steps: int, feeds: Sequence[Feed]) -> list[float]:
        """Seconds of each call of the record: the smallest of this many steps."""
        seconds = self.native.time_calls(steps, [self._feed(feed) for feed in feeds])
        return [sum(seconds[first : last + 1]) for first, last in zip(self._first, self._last)]


class PythonProgram:
    """Runs a record as a list of Python calls: for backends that are not native."""

    def __init__(self, record: Record, before: Recorder | None = None) -> None:
        self.record = record
        self.ahead = 0 if before is None else len(before.calls)
        calls = [*(before.calls if before is not None else ()), *record.recorder.calls]
        self._calls = [(call.kernel, call.arguments, dict(call.options)) for call in calls]
        self.done = 0
        self.at: int | None = None

    def run(self, steps: int, feeds: Sequence[Feed] = (), taps: Sequence[Tap] = ()) -> tuple[int, int, int] | None:
        """As NativeProgram.run. After Ctrl-C, the current step is completed first."""
        by_call: dict[int, list[Tap]] = {}
        for tap in taps:
            by_call.setdefault(tap.call, []).append(tap)
        interrupts = Interrupts()
        self.done = 0
        with interrupts.caught():
            for step in range(steps):
                with interrupts:
                    ended = self._step(step, feeds, by_call)
                    if ended is not None:
                        self.at = ended[0]
                        return step, *ended
                    self.done = step + 1
        return None

    def _step(self, step: int, feeds: Sequence[Feed], by_call: dict[int, list[Tap]]) -> tuple[int, int] | None:
        """Make one step. None, or the call that ended it and its result: 2 for not finite, 3 for an index outside."""
        for feed in feeds:
            self._feed(feed, step)
        for i, (kernel, arguments, options) in enumerate(self._calls):
            try:
                kernel(*arguments, **options)
            except (NonFiniteError, IndexError) as error:
                return i, 2 if isinstance(error, NonFiniteError) else 3
            for tap in by_call.get(i, ()):
                row = step if tap.rows is None else int(tap.rows[step])
                if row >= 0:
                    tap.out[row] = tap.source
        return None

    def times(self, steps: int, feeds: Sequence[Feed]) -> list[float]:
        """As NativeProgram.times."""
        least = [math.inf] * len(self._calls)
        for step in range(steps):
            for feed in feeds:
                self._feed(feed, step)
            for i, (kernel, arguments, options) in enumerate(self._calls):
                began = time.perf_counter()
                kernel(*arguments, **options)
                least[i] = min(least[i], time.perf_counter() - began)
        return least

    def _feed(self, feed: Feed, step: int) -> None:
        row = feed.rows[step] if len(feed.rows) > 1 else feed.rows[0]
        if isinstance(feed.target, int):
            options = self._calls[self.ahead + self.record.slots[feed.target].call][2]
            options["key"], options["stream"] = int(row[0]), int(row[1])
        else:
            np.copyto(feed.target, row)


def address(array: np.ndarray) -> int:
    """Where the first element lies."""
    return array.__array_interface__["data"][0]
