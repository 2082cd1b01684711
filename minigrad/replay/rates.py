"""The options of optimizers in a run: their tables are written before it, and for each step if there are schedules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .program import Feed
from .recorder import Recorder


class Rates:
    """The tables of the optimizers of a step, and the schedules whose step() is called in it."""

    def __init__(self, recorder: Recorder) -> None:
        self.events, self.schedules = recorder.events, recorder.schedules
        self.tables = [
            (optimizer, table) for optimizer in recorder.optimizers for table in getattr(optimizer, "_tables", ())
        ]

    @contextmanager
    def running(self, steps: int, program: Any) -> Iterator[list[Feed]]:
        """Write the tables for a run. If there are schedules, yield feeds with the tables of each step instead.

        Schedules are advanced by the steps that the run completes, also if it ends early.
        """
        if not self.schedules:
            for optimizer, table in self.tables:
                optimizer._write_scalars(table)
            yield []
            return
        before = [(schedule, schedule.state_dict()) for schedule in self.schedules]
        rows = [np.empty((steps, *table.segments.scalars.shape)) for _, table in self.tables]
        for step in range(steps):
            self._advance(rows, step)
        try:
            yield [Feed(table.segments.scalars, row) for (_, table), row in zip(self.tables, rows)]
        finally:
            if program.done < steps:
                for schedule, state in before:
                    schedule.load_state_dict(state)
                for _ in range(program.done):
                    self._advance(rows, 0)

    def _advance(self, rows: list[np.ndarray], step: int) -> None:
        """One step of all schedules and optimizers, in their order; of an optimizer only the table is written."""
        for event in self.events:
            if any(event is schedule for schedule in self.schedules):
                event.step()
                continue
            for i, (optimizer, table) in enumerate(self.tables):
                if optimizer is event:
                    optimizer._write_scalars(table)
                    rows[i][step] = table.segments.scalars
