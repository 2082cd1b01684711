"""The random streams of a recorded step: the call number of each of its draws in each step of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import rng
from .program import Feed
from .record import Record


class Counter:
    """A counter of draws: one purpose of some streams, or of a layer with a seed of its own."""

    def __init__(self, source: Any, purpose: int) -> None:
        self.source, self.purpose = source, purpose
        self.here = source is rng._here()  # if so, a replay draws from the streams of the thread that runs it
        self.draws: list[int] = []  # the numbers of its draws in the step

    def _streams(self) -> Any:
        return rng._here() if self.here else self.source

    def position(self) -> tuple[int, int]:
        """The key, and the next call number."""
        if isinstance(self.source, rng.Streams):
            streams = self._streams()
            return streams._key, streams._calls[self.purpose]
        return self.source.seed, int(self.source.calls.array)

    def advance(self, draws: int) -> None:
        """Count draws that were made."""
        if isinstance(self.source, rng.Streams):
            self._streams().skip(self.purpose, draws)
        else:
            calls = self.source.calls.array
            calls += draws


class Draws:
    """All draws of a record."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.counters: list[Counter] = []
        for i, draw in enumerate(record.draws):
            counter = next(
                (c for c in self.counters if c.source is draw.source and c.purpose == draw.purpose), None
            ) or self._new(draw)
            counter.draws.append(i)

    def _new(self, draw: Any) -> Counter:
        self.counters.append(Counter(draw.source, draw.purpose))
        return self.counters[-1]

    def feeds(self, steps: int) -> list[Feed]:
        """For each slot, the (key, stream) that it has in each step."""
        numbers = {}
        for counter in self.counters:
            key, first = counter.position()
            each = len(counter.draws)
            rng.stream(counter.purpose, first + each * steps)  # raises ValueError if call numbers would run out
            for place, draw in enumerate(counter.draws):
                rows = np.empty((steps, 2), np.uint64)
                rows[:, 0] = key
                start = rng.stream(counter.purpose, first + place)
                rows[:, 1] = np.arange(start, start + each * steps, each, dtype=np.uint64)
                numbers[draw] = rows
        return [Feed(i, numbers[slot.draw]) for i, slot in enumerate(self.record.slots)]

    def advance(self, done: int, last_call: int | None = None) -> None:
        """Count the draws of `done` steps, and of a step that ended in call last_call; set the `_last` of layers."""
        made = [slot.draw for slot in self.record.slots if last_call is not None and slot.call <= last_call]
        for counter in self.counters:
            key, first = counter.position()
            total = done * len(counter.draws) + len([i for i in counter.draws if i in made])
            for place, draw in enumerate(counter.draws):
                layer = self.record.draws[draw].layer
                if layer is not None and done:
                    call = first + (done - 1) * len(counter.draws) + place
                    layer.__dict__["_last"] = key, rng.stream(counter.purpose, call)
            counter.advance(total)
