"""A step with arguments of one shape: its recordings, and the program that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import kernels as K
from ..convert import owned
from ..engine import Tensor, touch
from ..errors import ReplayError
from ..recording import no_grad
from .program import Feed, NativeProgram, PythonProgram, Tap
from .record import Record
from .recorder import Recorder, recording
from .results import rebuilt, tensors_of
from .streams import Draws
from .watch import Watch

TRIES = 3  # recordings until two that follow each other have to agree


class Entry:
    """A step with arguments of one shape."""

    def __init__(self, function: Callable[..., Any], arrays: Sequence[np.ndarray]) -> None:
        self.function = function
        self.inputs = [Tensor(owned(array, array.dtype if array.dtype.kind == "f" else None)) for array in arrays]
        self.result: Any = None  # the structure of what the step returns
        self.forget()

    def forget(self) -> None:
        """Begin anew with recordings."""
        self.program: Any = None
        self._gathers: dict[tuple, tuple[Any, list[np.ndarray]]] = {}
        self._recorder: Recorder | None = None
        self._tries = 0

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        """Put the arguments of the next step into place."""
        for own, array in zip(self.inputs, arrays):
            if own.array is not array:
                np.copyto(own.array, array)
        touch(self.inputs)

    def changed(self) -> str:
        """What the recording rests on and is no longer so."""
        return self._watch.changed()

    # --- recording -----------------------------------------------------------------------------------------------

    def record(self) -> Any:
        """Make one step in Python and record it; returns its result. The second makes the program."""
        recorder = Recorder(self._recorder)
        with recording(recorder):
            result = self.function(*self.inputs)
            outputs = tensors_of(result)
            for t in outputs:
                t.array = K.contiguous(t.array)
            recorder.finish()
        copies = iter([Tensor(t.array.copy()) for t in outputs])
        made = rebuilt(result, lambda: next(copies))
        before, self._recorder = self._recorder, recorder
        self._tries += 1
        if before is not None:
            try:
                self._build(Record(before, recorder), result, outputs)
            except ReplayError:
                if self._tries >= TRIES:
                    raise
        return made

    def _build(self, record: Record, result: Any, outputs: list[Tensor]) -> None:
        self.record_, self.result = record, result
        self._outputs = [t.array for t in outputs]
        recorder = record.recorder
        self._native = K.backend() == "native"
        self.program = NativeProgram(record) if self._native else PythonProgram(record)
        self._draws = Draws(record)
        self._watch = Watch(self.function, recorder)
        self._optimizers = recorder.optimizers
        self._gradients = [
            (p, p.grad) for optimizer in self._optimizers for p in getattr(optimizer, "state", ()) if p.grad is not None
        ]
        written = {id(p): p for optimizer in self._optimizers for p in getattr(optimizer, "state", ())}
        for module in recorder.modules.values():
            for t in module.__dict__.values():
                if isinstance(t, Tensor):
                    written[id(t)] = t
        self._written = list(written.values())
        self._recorder = None
        self._tries = 0

    # --- replay --------------------------------------------------------------------------------------------------

    def run(self, steps: int, program: Any = None, feeds: Sequence[Feed] = ()) -> tuple[Any, list[np.ndarray]]:
        """Replay some steps: the structure of the result, and of each of its tensors an array (steps, ...)."""
        program = program or self.program
        kept = [np.empty((steps, *array.shape), array.dtype) for array in self._outputs]
        last = len(self.record_.calls) - 1 + getattr(program, "ahead", 0)
        taps = [Tap(last, array, out) for array, out in zip(self._outputs, kept)]
        for optimizer in self._optimizers:
            for table in optimizer._tables:
                optimizer._write_scalars(table)
        feeds = [*feeds, *self._draws.feeds(steps)]
        ended = None
        try:
            ended = program.run(steps, feeds, taps)
        finally:
            self._finish(program.done, None if ended is None else ended[1])
        if ended is not None:
            self._raise(*ended)
        return self.result, kept

    def _finish(self, done: int, call: int | None) -> None:
        """Bring what Python knows up to date with what the kernels did."""
        self._draws.advance(done, call)
        for p, g in self._gradients:
            p.grad = g
        touch(self._written)

    def _raise(self, step: int, call: int, code: int) -> None:
        name = self.record_.calls[call].name
        raise MemoryError(f"{name}: no memory for scratch, in step {step} of the run")

    def gather(self, columns: Sequence[np.ndarray], rows: np.ndarray) -> tuple[Any, list[np.ndarray]]:
        """Replay a step for each row of `rows`: indices into the columns, the data that batches are cut from."""
        key = tuple(id(column) for column in columns)
        if key not in self._gathers:
            self._gathers[key] = self._gathering(columns)
        program, index, _ = self._gathers[key]
        return self.run(len(rows), program, [Feed(index, np.ascontiguousarray(rows, np.int64))])

    def _gathering(self, columns: Sequence[np.ndarray]) -> tuple[Any, np.ndarray, Any]:
        """The program with the calls that gather a batch in front."""
        index = np.zeros(len(self.inputs[0].array), np.int64)
        recorder, sources = Recorder(), []
        with recording(recorder), no_grad():
            for own, column in zip(self.inputs, columns):
                source = np.ascontiguousarray(column, own.array.dtype)
                sources.append(source)
                K.take(source, index, own.array)
        kind = NativeProgram if self._native else PythonProgram
        return kind(self.record_, recorder), index, sources
