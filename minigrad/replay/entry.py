"""A step with arguments of one shape: its recordings, and the program that they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import kernels as K
from ..convert import operand
from ..engine import Tensor, touch
from ..errors import NonFiniteError, ReplayError
from ..recording import no_grad
from .program import Feed, NativeProgram, PythonProgram, Tap
from .rates import Rates
from .record import Record
from .recorder import Recorder, recording
from .results import rebuilt, tensors_of
from .steady import Steady
from .streams import Draws
from .taps import Taps
from .watch import Watch

NOT_FINITE = 2  # what the kernel check_finite returns for a NaN or infinity
OUTSIDE = 3  # what a kernel returns for an index outside of a table (embedding_bag)
CHUNK = 4096  # steps for which stream numbers and learning rates are computed ahead
TRIES = 3  # the most recordings: one of them must agree with the recording before it


class Entry:
    """A step with arguments of one shape."""

    def __init__(self, function: Callable[..., Any], arrays: Sequence[np.ndarray], taps: Taps | None = None) -> None:
        self.function = function
        self.taps = Taps() if taps is None else taps  # shared by the entries of all shapes
        self.inputs = [Tensor(operand(array, "compile", constant=True)) for array in arrays]
        self._watch: Any = None  # what Python's decisions depend on, as it was when the last step was recorded
        self.result: Any = None  # the structure of what the step returns
        self.forget()

    def forget(self) -> None:
        """Drop the program, so that the step is recorded again."""
        self.program: Any = None
        self.refused: ReplayError | None = None
        self._gathers: dict[tuple, tuple] = {}  # ids of columns -> (program that gathers from them, index, columns)
        self._recorder: Recorder | None = None
        self._given: list[np.ndarray] = []  # copies of the arguments of the last recording
        self.steady = Steady([], [])
        self._tries = 0

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        """Copy the arguments of the next step into the arrays that the recorded calls read."""
        for own, array in zip(self.inputs, arrays):
            if own.array is not array:
                np.copyto(own.array, array)
        touch(self.inputs)

    def changed(self) -> str:
        """What differs from the time of the recording, in words; "" if nothing does."""
        return self._watch.changed()

    def other_arguments(self) -> str:
        """Which argument had the same numbers in both recordings and has others now; "" if none. See steady.py."""
        return self.steady.broken([t.array for t in self.inputs])

    # --- recording -----------------------------------------------------------------------------------------------

    def record(self) -> Any:
        """Make one step in Python and record it; returns its result. The second recording makes the program.

        If the last two of three recordings do not agree, the reason is kept in `refused`.
        """
        if self._recorder is not None and self._watch.changed():
            self._recorder, self._tries = None, 0  # steps under different conditions cannot be compared
        recorder = Recorder(self._recorder, self.taps)
        given = [t.array.copy() for t in self.inputs]
        with recording(recorder):
            result = self.function(*self.inputs)
            outputs = tensors_of(result)
            for t in outputs:
                t.array = K.contiguous(t.array)
            recorder.finish()
        copies = iter([Tensor(t.array.copy()) for t in outputs])
        made = rebuilt(result, lambda: next(copies))
        before, self._recorder = self._recorder, recorder
        self.steady, self._given = Steady(self._given, given), given
        self._tries += 1
        self._watch = Watch(self.function, recorder)
        if before is not None:
            try:
                self._build(Record(before, recorder), result, outputs)
            except ReplayError as error:
                if self._tries >= TRIES:
                    self.refused = error
        self.taps.finish(recorder.blocks)
        return made

    def _build(self, record: Record, result: Any, outputs: list[Tensor]) -> None:
        self.record_ = record
        self.outputs = [t.array for t in outputs]
        copies = iter([constant_like(t) for t in outputs])
        self.result = rebuilt(result, lambda: next(copies))  # without graphs, which would keep all arrays of the step
        recorder = record.recorder
        self.program = NativeProgram(record) if record.native else PythonProgram(record)
        self.draws = Draws(record)
        self.rates = Rates(recorder)
        self._values = [t.array for _, _, values in recorder.values for t in values]
        self._observed = [number for numbers, _ in recorder.observed for number in numbers]
        stepped = [p for optimizer in recorder.optimizers for p in getattr(optimizer, "state", ())]
        self.gradients = [(p, p.grad) for p in [*stepped, *recorder.held] if p.grad is not None]
        self._written = written_by(recorder)
        self._recorder, self._given = None, []
        self._tries = 0

    # --- replay --------------------------------------------------------------------------------------------------

    def run(self, steps: int, program: Any = None, feeds: Sequence[Feed] = ()) -> tuple[Any, list[np.ndarray]]:
        """Replay some steps: returns the structure of the result, and for each tensor in it an array (steps, ...).

        Raises NonFiniteError, IndexError or MemoryError if a kernel ends the run with it.
        """
        kept, ended = self.replay(steps, program, feeds)
        if ended is not None:
            step, name, code = ended
            if code == NOT_FINITE:
                raise NonFiniteError(
                    f"{name}: a number is NaN or infinite in step {step} of the run, which ends before it"
                )
            if code == OUTSIDE:
                raise IndexError(
                    f"{name}: an index is outside of its table in step {step} of the run, which ends before it"
                )
            raise MemoryError(f"{name}: no memory for scratch in step {step} of the run")
        return self.result, kept[: len(self.outputs)]

    def replay(
        self,
        steps: int,
        program: Any = None,
        feeds: Sequence[Feed] = (),
        also: Sequence[np.ndarray] = (),
        taps: Sequence[Tap] = (),
    ) -> tuple[list[np.ndarray], tuple[int, str, int] | None]:
        """Replay some steps. Returns arrays (steps, ...) of the results, of the values of terms and of `also`, and None
        or the (step, name, result) of a call that ended the run.

        taps: further arrays, copied after their call in the steps that their `rows` choose.
        """
        program = program or self.program
        sources = [*self.outputs, *self._values, *also, *self._observed]
        count = len(sources) - len(self._observed)
        kept = [np.empty((steps, *array.shape), array.dtype) for array in sources]
        start = program.done = 0
        try:
            for start in range(0, steps, CHUNK):
                part = slice(start, min(start + CHUNK, steps))
                last = len(self.record_.calls) - 1 + program.ahead
                wanted = [Tap(last, array, out[part]) for array, out in zip(sources, kept)]
                wanted += [tap.moved(program.ahead, part) for tap in taps]
                given = [feed._replace(rows=feed.rows[part]) for feed in feeds]
                ended = self._run_part(part.stop - start, program, given, wanted)
                if ended is not None:
                    step, call, code = ended
                    return kept[:count], (start + step, self.record_.calls[call - program.ahead].name, code)
            return kept[:count], None
        finally:
            self._observe(kept[count:], start + program.done)

    def _observe(self, kept: list[np.ndarray], done: int) -> None:
        """Call the functions given to Recorder.observe with the numbers of each step that was completed."""
        for step in range(done if kept else 0):
            numbers = iter([float(array[step]) for array in kept])
            for arrays, note in self.record_.recorder.observed:
                note([next(numbers) for _ in arrays])

    def _run_part(self, steps: int, program: Any, feeds: list[Feed], taps: list[Tap]) -> Any:
        program.done, program.at = 0, None
        tapped = self.taps.wanted(steps, self.record_, self.gradients)
        with self.rates.running(steps, program) as rates:
            feeds = [*feeds, *rates, *self.draws.feeds(steps)]
            kept = [*taps, *(one.made.moved(program.ahead, slice(0, steps)) for one in tapped)]
            try:
                return program.run(steps, feeds, kept)
            finally:
                self.taps.replayed(program.done, tapped)
                of_terms = taps[len(self.outputs) : len(self.outputs) + len(self._values)]
                self._finish(program, [tap.out for tap in of_terms])

    def _finish(self, program: Any, values: list[np.ndarray]) -> None:
        """Update Python's objects after a run: draws, gradients, the stamps of written tensors, values of terms."""
        done = program.done
        self.draws.advance(done, None if program.at is None else program.at - program.ahead)
        for p, g in self.gradients:
            p.grad = g
        touch(self._written)
        self._note_terms([row[done - 1] for row in values] if done else [])

    def _note_terms(self, values: Sequence[np.ndarray]) -> None:
        """Store the values in a step of those terms that depend on the batch."""
        for terms, entry, numbers in self.values_of(values) if values else ():
            if entry.of_batch:
                terms._of_batch[entry.name] = sum(float(number) for number in numbers)

    def broken_off(self) -> list[np.ndarray]:
        """The results and values of terms of the step that ended the last run, as far as they were computed."""
        self._note_terms(self._values)
        return [*self.outputs, *self._values]

    def values_of(self, kept: Sequence[np.ndarray]) -> list[tuple[Any, Any, list[np.ndarray]]]:
        """(terms, entry, its values) of all terms in the loss; `kept` is the list from replay without the results."""
        rows = iter(kept)
        return [(terms, entry, [next(rows) for _ in found]) for terms, entry, found in self.record_.recorder.values]

    def gather(self, columns: Sequence[np.ndarray], rows: np.ndarray) -> tuple[Any, list[np.ndarray]]:
        """Replay a step for each row of `rows`, which holds the indices of its batch in the columns (the data)."""
        program, feeds = self.gathering(columns, rows)
        return self.run(len(rows), program, feeds)

    def gathering(self, columns: Sequence[np.ndarray], rows: np.ndarray) -> tuple[Any, list[Feed]]:
        """The program that gathers its batches from the columns, and the feeds for these rows."""
        key = tuple(id(column) for column in columns)
        if key not in self._gathers:
            self._gathers[key] = (*self._gathering(columns), columns)
        program, index = self._gathers[key][:2]
        return program, [Feed(index, np.ascontiguousarray(rows, np.int64))]

    def _gathering(self, columns: Sequence[np.ndarray]) -> tuple[Any, np.ndarray, list[np.ndarray]]:
        """A program that first gathers a batch and then makes the step, the array of its indices, and the columns."""
        index = np.zeros(len(self.inputs[0].array), np.int64)
        recorder, sources = Recorder(), []
        with recording(recorder), no_grad():
            for own, column in zip(self.inputs, columns):
                source = np.ascontiguousarray(column, own.array.dtype)
                sources.append(source)
                K.take(source, index, own.array)
        kind = NativeProgram if self.record_.native else PythonProgram
        return kind(self.record_, recorder), index, sources


def tensors_in(modules: Mapping[int, Any]) -> list[Tensor]:
    """The parameters and buffers of modules."""
    return [t for module in modules.values() for t in module.__dict__.values() if isinstance(t, Tensor)]


def constant_like(t: Tensor) -> Tensor:
    """A constant with the array of t, and with its op and options."""
    made = Tensor(t.array)
    made.op, made.options = t.op, t.options
    return made


def written_by(recorder: Recorder) -> list[Tensor]:
    """The tensors that a step may write: those of optimizers and of modules, and constants that copy_ wrote."""
    written = {id(p): p for optimizer in recorder.optimizers for p in getattr(optimizer, "state", ())}
    written |= {id(t): t for t in tensors_in(recorder.modules)}
    return [*written.values(), *recorder.placed]
