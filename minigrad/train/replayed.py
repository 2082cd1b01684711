"""fit(compile=True): the batches of an epoch as a compiled step, measured as the loop in Python measures them.

Where nothing has to look at a batch, a step is all of it, and runs of steps are made without Python between them. Where
something has, a callback or a term that is measured in Python, the recorded step ends with the gradients: it is
replayed once for each batch, and the rest of the batch is that of the loop in Python.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import engine
from ..engine import Tensor
from ..errors import NonFiniteError, ReplayError
from ..reg.binding.term import Penalty
from ..reg.weights.elastic_net import ElasticNet
from ..reg.weights.named_groups import NamedGroupLasso
from ..replay.compiled import columns_of
from ..replay.entry import NOT_FINITE, OUTSIDE
from ..replay.recorder import at_line, users_line
from ..rng import get_state, set_state
from .batch import finish_batch
from .callbacks import Callback
from .evaluate import with_penalties
from .finite import usable
from .forward import Forward
from .recorded import Given, Made, Rate, Recorded
from .run import Run
from .weighing import in_dtype

FEW = 200  # steps for which a recording, which costs as much as fifty to a hundred steps, is not worth it
SLICE = 0.03  # seconds of steps between two looks at Ctrl-C and at the callbacks
IGNORED = -100  # the label of rows that losses leave out, by a way of their own


class Replayed:
    """The batches of a fit as steps that are recorded, replayed and measured.

    Where a step cannot be replayed, that is said once, and the loop in Python goes on.
    """

    def __init__(self, given: Given, quiet: bool) -> None:
        self.given, self.run, self.quiet = given, given.run, quiet
        self._recorded: dict[tuple, Recorded] = {}  # by the shapes and dtypes of their arrays
        self._seconds = 0.0  # that a step takes
        self._columns = None if columns_of(self.run.loader) is None else self._cast(columns_of(self.run.loader) or [])
        self._ignored = ignored_rows(self.run.loader.y) if self._columns is not None else None
        self._looks_at_hooks = 0
        self.why = self._refusal()  # why nothing is replayed, or ""
        self.forward = None if self.why else Forward(self.run.model)  # what validation computes with
        self.whole = self._whole()
        self._rates = [Rate(callback, self.run) for callback in self.run.callbacks if acts(callback) == "schedule"]
        self._averages = [callback for callback in self.run.callbacks if acts(callback) == "average"]

    def _cast(self, batch: Sequence[np.ndarray]) -> list[np.ndarray]:
        """x, and weights, in the dtype of the model."""
        x, y, *weight = batch
        return [in_dtype(x, self.given.dtype), y, *(in_dtype(w, self.given.dtype) for w in weight)]

    def _refusal(self) -> str:
        if engine._watch is not None:
            return "a view of every op is on (anomaly mode, trace, profile), and sees no replay: the same kernels"
        return ""

    def _hooks_unknown(self) -> bool:
        """Whether hooks of modules have not been called yet; those that return nothing mean Python."""
        if self._looks_at_hooks == 2:
            return False  # what comes later is recorded anew, and refused there
        self._looks_at_hooks += 1
        hooked = [(name, module._hooks) for name, module in self.run.model.named_modules() if module._hooks]
        silent = [(name or "the model", hooks.silent) for name, hooks in hooked if hooks.silent]
        if silent:
            self.why = f"the hook {silent[0][1]} on {silent[0][0]} returns nothing: it has to be called in each step"
        return bool(silent or (hooked and self._looks_at_hooks == 1))

    def _whole(self) -> bool:
        """Whether a step may be all of a batch: nothing looks at its gradients, or measures it, in Python."""
        run, penalty = self.run, self.given.penalty
        measured = run.optimizer._grouped.entries or (penalty is not None and not all(map(shown, penalty.entries)))
        each = any(acts(callback) == "each batch" for callback in run.callbacks)
        return not measured and not each

    def _give_up(self, why: str) -> None:
        """Leave the update, or where that is done already, all of the rest, to the loop in Python."""
        if self.whole:
            self.whole = False
            self._recorded.clear()
        else:
            self.why = why.replace(at_line(users_line()), "")  # the line that calls fit says nothing of the step

    def _say(self) -> None:
        if not self.quiet:
            self.quiet = True
            warnings.warn(f"fit(compile=True): trained batch by batch in Python, because {self.why}", stacklevel=5)

    # --- an epoch ------------------------------------------------------------------------------------------------

    def left(self, eager: Callable[[], Iterator]) -> Iterator:
        """Make the batches of the epoch that are left; what cannot be replayed is handed out, as `eager` does it."""
        if self.why:
            self._say()
            yield from eager()
            return
        run, loader = self.run, self.run.loader
        number, epoch = run.begin_epoch(), loader.epoch
        order = loader.order(epoch)
        loader.set_epoch(epoch + 1)
        while number < len(loader) and not run.stop_now:
            with run.interrupts:
                in_python = bool(self.why) or self._by_hand(number + 1) or (run.taps is not None and not self.whole)
                after = number if in_python else self._stretch(order, epoch, number)
                if after == number:
                    if self.why:
                        self._say()
                    yield number + 1, loader._batch(order, epoch, number)
                    after += 1
                number = after

    def _by_hand(self, number: int) -> bool:
        """Whether a callback asks that this batch be computed in Python."""
        asked = [callback.by_hand for callback in self.run.callbacks if hasattr(callback, "by_hand")]
        return any(by_hand(self.run, number) for by_hand in asked)

    def _stretch(self, order: np.ndarray, epoch: int, number: int) -> int:
        """Record a batch, or replay one or several; returns the number of the next one.

        That is the same number where the batch has to be made in Python.
        """
        run, size = self.run, self.run.loader.batch_size
        rows = order[number * size : (number + 1) * size]
        batch = run.loader._batch(order, epoch, number)
        if self._hooks_unknown() or self._in_python(batch):
            return number
        self.given.train()
        arrays = self._cast(batch)
        key = tuple((array.shape, array.dtype) for array in arrays)
        recorded = self._recorded.get(key)
        if recorded is None:
            recorded = Recorded(self.given, arrays, self.whole, self._rates, self._averages)
            self._recorded[key] = recorded
        entry = recorded.entry
        entry.fill(arrays)
        if entry.program is not None and (entry.changed() or entry.other_arguments()):
            entry.forget()
        if entry.program is None:
            return number + self._record(recorded, number, batch)
        run.skip_update = run.keep_gradients = False
        if not self.whole:
            return number + self._to_gradients(recorded, number, batch)
        if self._columns is None:
            return number + self._replay(recorded, number, [batch], None)
        count = 1
        if len(rows) == size:
            count = max(1, min(len(order) // size, self._until(order, number)) - number)
        chosen = order[number * size : number * size + count * len(rows)].reshape(count, len(rows))
        chosen = chosen[: entry.steady.steps(self._columns, chosen)]
        return number + self._replay(recorded, number, None, chosen)

    def _in_python(self, batch: Sequence[np.ndarray]) -> bool:
        """Whether a batch goes another way than those that are replayed: with ignored rows, or added to gradients."""
        if self.run.keep_gradients and any(p.grad is not None for p in self.run.optimizer.state):
            return True
        return (self._columns is None or self._ignored is not None) and ignored_rows(batch[1]) is not None

    def _until(self, order: np.ndarray, number: int) -> int:
        """The batch up to which steps may be made at a time: for Ctrl-C, and for callbacks that say when they act."""
        steps = max(1, int(SLICE / self._seconds)) if self._seconds else 1
        nexts = [callback.next_batch(self.run) for callback in self.run.callbacks if hasattr(callback, "next_batch")]
        until = int(min([number + steps, *nexts]))
        if self._ignored is not None:
            size = self.run.loader.batch_size
            found = np.flatnonzero(self._ignored[order[number * size : until * size]])
            until = number + int(found[0]) // size if found.size else until
        return until

    # --- one batch, recorded -------------------------------------------------------------------------------------

    def _record(self, recorded: Recorded, number: int, batch: Any) -> int:
        """One batch in Python, recorded; 0 where it has to be made without a recording."""
        run = self.run
        if not self.whole and recorded.updates == run.updates:
            return 0  # two recordings between which no weight changes would not show what depends on weights
        run.batch = number + 1
        run.skip_update = run.keep_gradients = False
        before = self._state()
        try:
            made = recorded.record(batch)
        except NonFiniteError:
            if run.non_finite == "raise":
                raise
            self._restore(*before)
            return 0
        except Exception as error:  # also of a loss that wants NumPy arrays: in Python it gets them
            self._restore(*before)
            self._give_up(str(error) if isinstance(error, ReplayError) else f"{type(error).__name__}: {error}")
            return 0
        if recorded.whole:
            self._add(made, recorded.values, recorded.penalties)
            self._end_stretch()
        else:
            self._finish(made, batch)
        if recorded.entry.refused is not None:
            self._give_up(str(recorded.entry.refused))
        return 1

    def _state(self) -> tuple[Any, ...]:
        """All that a step changes."""
        run = self.run
        callbacks = [(callback, callback.state_dict()) for callback in self._in_step()]
        return run.model.state_dict(), run.optimizer.state_dict(), get_state(), run.means.state_dict(), callbacks

    def _restore(self, model: Any, optimizer: Any, streams: Any, means: Any, callbacks: Any) -> None:
        """As it was before a step that was broken off."""
        self.run.model.load_state_dict(model)
        self.run.optimizer.load_state_dict(optimizer)
        self.run.optimizer.zero_grad()
        set_state(streams)
        self.run.means.load_state_dict(means)
        for callback, state in callbacks:
            callback.load_state_dict(state)

    def _in_step(self) -> list[Any]:
        """The callbacks that act within a whole step."""
        return [*(rate.callback for rate in self._rates), *self._averages] if self.whole else []

    def _add(self, made: Made, values: dict[str, float], penalties: dict[str, float]) -> None:
        """Note a batch in the means of the epoch."""
        run = self.run
        run.note_loss(made.loss)
        run.means.add(made.rows, made.parts, {**penalties, **values}, made.size, self.given.measures.weighted)
        run.updates += 1
        self._names = penalties

    def _end_stretch(self) -> None:
        """What follows whole steps: the row of the epoch so far, and the callbacks that act between stretches."""
        run = self.run
        run.row = {"epoch": run.epoch, **with_penalties(run.means.row(), self._names)}
        self.given.call("on_batch_end", self._in_step())

    # --- several batches, replayed -------------------------------------------------------------------------------

    def _replay(self, recorded: Recorded, number: int, batches: Any, rows: np.ndarray | None) -> int:
        """Replay whole batches and measure them; returns how many."""
        run, entry, sums = self.run, recorded.entry, recorded.sums()
        tapped = [] if run.taps is None else run.taps.sources(dict(entry.gradients), entry)
        also = [*sums, *tapped]
        began = time.perf_counter()
        if rows is None:
            kept, ended = entry.replay(1, also=also)
        else:
            assert self._columns is not None
            program, feeds = entry.gathering(self._columns, rows)
            kept, ended = entry.replay(len(rows), program, feeds, also=also)
        done = len(kept[0]) if ended is None else ended[0]
        self._seconds = (time.perf_counter() - began) / max(1, len(kept[0]))
        if tapped:
            run.taps.take(number + 1, done, kept[-len(tapped) :])
            kept = kept[: -len(tapped)]
        for i in range(done):
            run.batch = number + i + 1
            batch = batches[i] if rows is None else self._rows(rows[i])
            self._note(recorded, [array[i, ...] for array in kept], batch, sums)
        if done and (ended is None or run.non_finite != "raise"):
            self._end_stretch()
        if ended is None:
            return done
        batch = batches[0] if rows is None else self._rows(rows[done])
        return done + self._broken_off(recorded, number + done, batch, ended)

    def _rows(self, rows: np.ndarray) -> list[np.ndarray]:
        """A batch as it is measured: its rows, which say how many, in place of their x; targets and weights."""
        loader = self.run.loader
        return [rows, *(column[rows] for column in (columns_of(loader) or ())[1:])]

    def _note(self, recorded: Recorded, kept: list[np.ndarray], batch: Any, sums: list[np.ndarray]) -> None:
        """Measure a batch as the loop in fit does, of what was kept of its step."""
        made = recorded.made(kept, batch)
        values = self.given.measures.of_batch(self.run.means, made.output, *batch[1:])
        after = len(kept) - len(sums)
        penalties = recorded.values_of_terms(kept[:after])
        for own, row in zip(sums, kept[after:]):
            own[...] = row
        penalties.update(self.run.optimizer.penalty_values())
        self._add(made, values, penalties)

    def _broken_off(self, recorded: Recorded, number: int, batch: Any, ended: tuple[int, str, int]) -> int:
        """A batch whose loss or gradients are not finite, and for which run.non_finite says what follows; returns 1."""
        run = self.run
        if ended[2] != NOT_FINITE or run.non_finite == "raise":
            self._raise(recorded, number + 1, ended)
        run.batch = number + 1
        run.skip_update = run.keep_gradients = False
        self._finish(recorded.made([array.copy() for array in recorded.entry.broken_off()], batch), batch)
        return 1

    def _raise(self, recorded: Recorded, batch: int, ended: tuple[int, str, int]) -> None:
        """The error of the loop in fit for the batch that ended a run."""
        _, name, code = ended
        self.run.batch = batch
        if code == NOT_FINITE:
            usable(Tensor(recorded.entry.outputs[0], requires_grad=True), self.run)
            raise NonFiniteError(f"fit: {name}: a number is NaN or infinite in epoch {self.run.epoch}, batch {batch}")
        if code == OUTSIDE:
            raise IndexError(f"fit: {name}: an index is outside of its table in epoch {self.run.epoch}, batch {batch}")
        raise MemoryError(f"{name}: no memory for scratch in epoch {self.run.epoch}, batch {batch}")

    # --- one batch, replayed up to its gradients -----------------------------------------------------------------

    def _to_gradients(self, recorded: Recorded, number: int, batch: Any) -> int:
        """Replay a batch up to its gradients, and do the rest of it; returns 1."""
        self.run.batch = number + 1
        kept, ended = recorded.entry.replay(1)
        if ended is not None:
            self._raise(recorded, number + 1, ended)
        self._finish(recorded.made([array[0, ...] for array in kept], batch), batch)
        return 1

    def _finish(self, made: Made, batch: Any) -> None:
        """What the loop in fit does with a batch that has its gradients."""
        run, measures, call = self.run, self.given.measures, self.given.call
        run.note_loss(made.loss)
        if usable(Tensor(np.asarray(made.total), requires_grad=True), run):
            run.parts = made.parts
            values = measures.of_batch(run.means, made.output, *batch[1:])
            finish_batch(run, call, self.given.penalty, made.rows, made.size, values, measures.weighted)
        else:
            run.optimizer.zero_grad()
        call("on_batch_end")


def replayed(compile: Any, *given: Any) -> Replayed | None:
    """What makes the batches of fit(compile=...), or None where fit makes them itself. given: as Given."""
    if not isinstance(compile, (bool, np.bool_)) and compile != "quiet":
        raise ValueError(f"fit: compile is {compile!r:.80}; need True, False or 'quiet'")
    run: Run = given[0]
    if not compile or (compile == "quiet" and run.epochs * run.batches < FEW):
        return None
    return Replayed(Given(*given), quiet=compile == "quiet")


def acts(callback: Any) -> str:
    """How a callback acts in batches: "" between stretches, if at all; "schedule" or "average" within the step."""
    kind = type(callback)
    if getattr(kind, "on_gradients", Callback.on_gradients) is not Callback.on_gradients:
        return "each batch"
    said = getattr(callback, "in_step", None)
    if said is not None:
        return said() if callable(said) else said
    if hasattr(callback, "next_batch"):
        return ""
    return "" if getattr(kind, "on_batch_end", None) is Callback.on_batch_end else "each batch"


def shown(entry: Any) -> bool:
    """Whether the value of a term is, to the last bit, the number that it adds to the loss."""
    value = getattr(type(entry.term), "value", None)
    return entry.of_batch or value in (None, Penalty.value, ElasticNet.value, NamedGroupLasso.value)


def ignored_rows(y: np.ndarray) -> np.ndarray | None:
    """Which targets have a label that losses leave out, (rows,); None where none has."""
    if y.dtype.kind != "i":
        return None
    found = (y == IGNORED).reshape(len(y), -1).any(axis=1)
    return found if found.any() else None
