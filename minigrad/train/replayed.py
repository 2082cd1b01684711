"""fit(compile=True): the batches of an epoch as a compiled step, measured as the loop in Python measures them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import engine
from .. import kernels as K
from ..engine import Tensor
from ..errors import NonFiniteError, ReplayError
from ..nn.prediction import leaves, rebuilt
from ..op import op_of
from ..ops.elementwise.arithmetic import div, mul
from ..recording import aside, mode
from ..reg.binding.term import Penalty
from ..reg.weights.elastic_net import ElasticNet
from ..reg.weights.named_groups import NamedGroupLasso
from ..replay.compiled import columns_of
from ..replay.entry import NOT_FINITE, OUTSIDE, Entry
from ..replay.watch import hooks_of
from ..rng import get_state, set_state
from .callbacks import Callback
from .columns import Measures
from .evaluate import with_penalties
from .finite import refuse_idle, usable
from .means import READ, Part, constant, made_by, parts_of
from .run import Run
from .weighing import in_dtype, mass

FEW = 400  # steps for which a recording, which costs as much as a hundred steps, is not worth it
SLICE = 0.03  # seconds of steps between two looks at Ctrl-C and at the callbacks


class Rate:
    """A callback that steps a schedule after each batch, as a schedule of the recorded step."""

    def __init__(self, callback: Any, run: Run) -> None:
        self.callback, self.run = callback, run

    def step(self) -> None:
        """What the callback does after a batch."""
        with aside():
            self.callback.on_batch_end(self.run)

    def state_dict(self) -> Any:
        """Where the callback is."""
        return self.callback.state_dict()

    def load_state_dict(self, state: Any) -> None:
        """Go back there."""
        self.callback.load_state_dict(state)


class Replayed:
    """The batches of a fit as steps that are recorded, replayed and measured.

    run, loss, penalty, measures: as in fit; dtype: the model's; call: calls a point of the callbacks; train: brings
    back the modes of training. Where a step cannot be replayed, that is said once, and the loop in Python goes on.
    """

    def __init__(
        self,
        run: Run,
        loss: Callable,
        penalty: Any,
        measures: Measures,
        dtype: np.dtype,
        call: Callable[..., None],
        train: Callable[[], None],
    ) -> None:
        self.run, self.loss, self.penalty, self.measures, self.dtype = run, loss, penalty, measures, dtype
        self.call, self.train = call, train
        self._entries: dict[tuple, Entry] = {}
        self._templates: dict[int, tuple[Part, bool]] = {}  # of an entry: the part of its loss, whether it is over mass
        self._seconds = 0.0  # that a step takes
        self._columns = self._cast(columns_of(run.loader))
        self.why = self._refusal()
        self._rates = [Rate(callback, run) for callback in run.callbacks if acts(callback) == "schedule"]
        self._averages = [callback for callback in run.callbacks if acts(callback) == "average"]
        self._in_step = [*(rate.callback for rate in self._rates), *self._averages]
        self.quiet = False  # whether nothing is said; else it is said once

    def _cast(self, columns: list[np.ndarray] | None) -> list[np.ndarray] | None:
        """x, and weights, in the dtype of the model."""
        if columns is None:
            return None
        x, y, *weight = columns
        return [in_dtype(x, self.dtype), y, *(in_dtype(w, self.dtype) for w in weight)]

    def _refusal(self) -> str:
        """Why no batch can be replayed, or ""."""
        run = self.run
        if engine._watch is not None:
            return "a view of every op is on (anomaly mode, trace or profile)"
        if any(bound.on_loss for bound in run.terms):
            return "a term is on the gradient of the loss by the input"
        if run.non_finite != "raise":
            return f"run.non_finite is {run.non_finite!r}, which looks at each gradient"
        if run.optimizer._grouped.entries:
            return "terms on groups in the prox are measured in each step"
        return self._refusal_of_terms() or self._refusal_of_calls()

    def _refusal_of_terms(self) -> str:
        otherwise = [] if self.penalty is None else [e.name for e in self.penalty.entries if not shown(e)]
        if otherwise:
            return f"the value of {otherwise[0]} is measured more precisely than it is added to the loss"
        return ""

    def _refusal_of_calls(self) -> str:
        run = self.run
        hooked = [name or "the model" for name, module in run.model.named_modules() if hooks_of(module)]
        if hooked:
            return f"a hook on {hooked[0]} is called in each step"
        each = [callback for callback in run.callbacks if acts(callback) == "each batch"]
        return f"the callback {type(each[0]).__name__} acts in each batch" if each else ""

    def give_up(self, why: str) -> None:
        """Leave the rest to the loop in Python, and say so."""
        self.why = why

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
                if self.why:
                    self._say()
                    yield number + 1, loader._batch(order, epoch, number)
                    number += 1
                    continue
                self.train()
                after = self._stretch(order, epoch, number)
                if after > number:
                    run.row = {"epoch": run.epoch, **with_penalties(run.means.row(), self._names)}
                    self.call("on_batch_end", self._in_step)
                number = after

    def _say(self) -> None:
        if not self.quiet:
            self.quiet = True
            warnings.warn(f"fit(compile=True): trained batch by batch in Python, because {self.why}", stacklevel=5)

    def _stretch(self, order: np.ndarray, epoch: int, number: int) -> int:
        """Record a batch, or replay several; returns the number of the next one."""
        run, size = self.run, self.run.loader.batch_size
        rows = order[number * size : (number + 1) * size]
        batch = run.loader._batch(order, epoch, number)
        x, y, *weight = batch
        arrays = [in_dtype(x, self.dtype), y, *(in_dtype(w, self.dtype) for w in weight)]
        key = tuple((array.shape, array.dtype) for array in arrays)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(self._step, arrays)
        if entry.program is not None and entry.changed():
            entry.forget()
        if entry.program is None:
            entry.fill(arrays)
            return number + self._record(entry, number, batch)
        if self._columns is None:
            entry.fill(arrays)
            return number + self._replay(entry, number, [batch], None)
        count = 1
        if len(rows) == size:
            count = max(1, min(len(order) // size, self._until(number)) - number)
        chosen = order[number * size : number * size + count * len(rows)].reshape(count, len(rows))
        return number + self._replay(entry, number, None, chosen)

    def _until(self, number: int) -> int:
        """The batch up to which steps may be made at a time: for Ctrl-C, and for callbacks that say when they act."""
        steps = max(1, int(SLICE / self._seconds)) if self._seconds else 1
        nexts = [callback.next_batch(self.run) for callback in self.run.callbacks if hasattr(callback, "next_batch")]
        return int(min([number + steps, *nexts]))

    # --- one batch, recorded -------------------------------------------------------------------------------------

    def _step(self, x: Tensor, y: Tensor, *weight: Tensor) -> Any:
        """The step that is recorded: that of the loop in fit."""
        run, optimizer = self.run, self.run.optimizer
        optimizer.zero_grad()
        output = run.model(x)
        data_loss = self.loss(output, y, sample_weight=weight[0]) if weight else self.loss(output, y)
        total = data_loss if self.penalty is None else data_loss + self.penalty(data_loss)
        with aside():
            usable(total, run)
        K.check_finite(K.contiguous(total.array))
        self._measure(data_loss, output)
        total.backward()
        with aside():
            if not run.updates:
                refuse_idle(optimizer)
            self._penalties = {} if self.penalty is None else self.penalty.value()
        optimizer.step()
        with aside():
            self._penalties.update(optimizer.penalty_values())
        for callback in self._averages:
            callback.on_batch_end(run)
        for rate in self._rates:
            mode.step.scheduled(rate)
            rate.step()
        return total, data_loss, output

    def _measure(self, data_loss: Tensor, output: Any) -> None:
        """What the loop in fit measures of a batch before backward."""
        x, y, *weight = self._batch
        with aside():
            self._size = mass(len(x), *weight)
            self._parts = parts_of(data_loss, leaves(output), len(x), self._size)
            self._fixed = len(self._parts) == 1 and not computed_divisors(data_loss)
            # Copies, because a metric of all rows keeps them, and the next steps of the recording write there.
            copies = [known_by(part, part.array.copy()) for part in leaves(output)]
            self._measured = self.measures.of_batch(self.run.means, rebuilt(output, iter(copies)), y, *weight)

    def _record(self, entry: Entry, number: int, batch: Any) -> int:
        """One batch in Python, recorded; 0 where it has to be made again without a recording."""
        run, self._batch = self.run, batch
        run.batch = number + 1
        run.skip_update = run.keep_gradients = False
        before = run.model.state_dict(), run.optimizer.state_dict(), get_state(), run.means.state_dict()
        try:
            made = entry.record()
        except NonFiniteError:
            raise
        except Exception as error:  # also of a loss that wants NumPy arrays: in Python it gets them
            self._restore(*before)
            self.give_up(str(error) if isinstance(error, ReplayError) else f"{type(error).__name__}: {error}")
            return 0
        self._output = made[2]
        part = self._parts[0]
        over_mass = bool(batch[2:]) and part.weight == self._size
        self._templates[id(entry)] = part, over_mass
        run.note_loss(made[1])
        self._add(len(batch[0]), self._parts, self._penalties, self._measured, self._size)
        if entry.refused is not None:
            self.give_up(str(entry.refused))
        elif not self._fixed:
            self.give_up(
                "the loss is weighted (by rows or classes), or a sum of several means, which is not replayed yet"
            )
        return 1

    def _restore(self, model: Any, optimizer: Any, streams: Any, means: Any) -> None:
        """As it was before a step that was broken off."""
        self.run.model.load_state_dict(model)
        self.run.optimizer.load_state_dict(optimizer)
        self.run.optimizer.zero_grad()
        set_state(streams)
        self.run.means.load_state_dict(means)

    def _add(
        self, rows: int, parts: list[Part], penalties: dict[str, float], values: dict[str, float], size: float
    ) -> None:
        """Note a batch in the means of the epoch."""
        run = self.run
        run.means.add(rows, parts, {**penalties, **values}, size, self.measures.weighted)
        run.updates += 1
        self._names = penalties

    # --- several batches, replayed -------------------------------------------------------------------------------

    def _replay(self, entry: Entry, number: int, batches: Any, rows: np.ndarray | None) -> int:
        """Replay batches and measure them; returns how many."""
        run = self.run
        tables = run.optimizer._tables
        sums = [table.segments.sums for table in tables if table.bound]
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
            self._note(entry, [array[i, ...] for array in kept], batch, sums)
        if ended is not None:
            self._raise(entry, number + done + 1, ended)
        return done

    def _rows(self, rows: np.ndarray) -> list[np.ndarray]:
        """A batch as it is measured: its rows, which say how many, in place of their x; targets and weights."""
        loader = self.run.loader
        return [rows, *(column[rows] for column in (columns_of(loader) or ())[1:])]

    def _note(self, entry: Entry, kept: list[np.ndarray], batch: Any, sums: list[np.ndarray]) -> None:
        """Measure a batch as the loop in fit does, of what was kept of its step."""
        run, optimizer = self.run, self.run.optimizer
        x, y, *weight = batch
        form = entry.result[2]
        count = 2 + len(leaves(form))
        outputs = [known_by(part, array) for part, array in zip(leaves(form), kept[2:count])]
        size = mass(len(x), *weight)
        template, over_mass = self._templates[id(entry)]
        run.note_loss(kept[1])
        part = template._replace(value=float(kept[1]), weight=size if over_mass else template.weight)
        values = self.measures.of_batch(run.means, rebuilt(form, iter(outputs)), y, *weight)
        after = len(kept) - len(sums)
        penalties = self._values(entry, kept[count:after])
        for own, row in zip(sums, kept[after:]):
            own[...] = row
        penalties.update(optimizer.penalty_values())
        self._add(len(x), [part], penalties, values, size)

    @staticmethod
    def _values(entry: Entry, kept: list[np.ndarray]) -> dict[str, float]:
        """The values of the terms in the loss, by name."""
        values = [(term, sum(float(number) for number in found)) for _, term, found in entry.values_of(kept)]
        return {term.name: value for term, value in values if hasattr(term.term, "value")}

    def _raise(self, entry: Entry, batch: int, ended: tuple[int, str, int]) -> None:
        """The error of the loop in fit for the batch that ended a run."""
        _, name, code = ended
        self.run.batch = batch
        if code == NOT_FINITE:
            usable(Tensor(entry.outputs[0], requires_grad=True), self.run)
            raise NonFiniteError(f"fit: {name}: a number is NaN or infinite in epoch {self.run.epoch}, batch {batch}")
        if code == OUTSIDE:
            raise IndexError(f"fit: {name}: an index is outside of its table in epoch {self.run.epoch}, batch {batch}")
        raise MemoryError(f"{name}: no memory for scratch in epoch {self.run.epoch}, batch {batch}")


def replayed(compile: Any, run: Run, *given: Any) -> Replayed | None:
    """What makes the batches of fit(compile=...), or None where fit makes them itself."""
    if not isinstance(compile, (bool, np.bool_)) and compile != "quiet":
        raise ValueError(f"fit: compile is {compile!r:.80}; need True, False or 'quiet'")
    if compile == "quiet" and run.epochs * run.batches < FEW:
        return None
    made = Replayed(run, *given) if compile else None
    if made is not None:
        made.quiet = compile == "quiet"
    return made


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


def known_by(part: Tensor, array: np.ndarray) -> Tensor:
    """A constant of these numbers that says which op made it, as part does: some metrics ask."""
    seen = Tensor(array)
    seen.op, seen.options = part.op, part.options
    return seen


def computed_divisors(loss: Tensor) -> bool:
    """Whether the loss divides, or multiplies, by a number that it computed from the batch: the sum of weights."""
    waiting: list[Any] = [loss]
    while waiting:
        y = waiting.pop()
        op = made_by(y) if isinstance(y, Tensor) else None
        if op is None or op not in READ:
            continue
        if op in (op_of(mul), op_of(div)) and any(isinstance(x, Tensor) and constant(x) for x in y.inputs or ()):
            return True
        waiting += [x for x in y.inputs or () if isinstance(x, Tensor) and x.ndim == 0]
    return False
