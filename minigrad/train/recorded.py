"""Batches of one shape in fit(compile=True): the step that is recorded, and what each of its replays leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..engine import Tensor
from ..nn.prediction import leaves, rebuilt
from ..recording import aside, mode
from ..replay.entry import Entry
from .columns import Measures
from .finite import refuse_idle, usable
from .loss_graph import LossGraph
from .means import Part, parts_of
from .run import Run
from .weighing import mass


class Given(NamedTuple):
    """What fit was given and made of it. call: calls a point of the callbacks; train: brings back the modes."""

    run: Run
    loss: Callable
    penalty: Any
    measures: Measures
    dtype: np.dtype
    call: Callable[..., None]
    train: Callable[[], None]


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


class Made(NamedTuple):
    """A batch that was made: its rows, their weight, the loss with and without penalties and its parts, the output."""

    rows: int
    size: float
    total: float
    loss: float
    parts: list[Part]
    output: Any


class Recorded:
    """Batches of one shape. whole: the step is all of a batch; else it ends with the gradients, and fit does the rest.

    rates, averages: the callbacks that act in a whole step.
    """

    def __init__(
        self, given: Given, arrays: Sequence[np.ndarray], whole: bool, rates: Sequence[Rate], averages: Sequence[Any]
    ) -> None:
        self.given, self.whole, self.rates, self.averages = given, whole, rates, averages
        self.entry = Entry(self._step, arrays)
        self.updates = -1  # the number of updates that stood before the last recording
        self.values: dict[str, float] = {}  # of a whole step in Python: its metrics, and its penalties
        self.penalties: dict[str, float] = {}
        self._on_loss = any(bound.on_loss for bound in given.run.terms)

    # --- in Python ------------------------------------------------------------------------------------------------

    def record(self, batch: Sequence[np.ndarray]) -> Made:
        """One batch in Python, recorded."""
        self._batch, self.updates = batch, self.given.run.updates
        total, loss, *_ = self.entry.record()
        return Made(len(batch[0]), self._size, total.item(), loss.item(), self._parts, self._output)

    def _step(self, x: Tensor, y: Tensor, *weight: Tensor) -> Any:
        """The step that is recorded: that of the loop in fit."""
        loss, penalty, run = self.given.loss, self.given.penalty, self.given.run
        run.optimizer.zero_grad()
        output = run.model(Tensor(x.array, requires_grad=True) if self._on_loss else x)
        data_loss = loss(output, y, sample_weight=weight[0]) if weight else loss(output, y)
        total = data_loss if penalty is None else data_loss + penalty(data_loss)
        if self.whole:
            if run.non_finite == "raise":
                with aside():
                    usable(total, run)
            K.check_finite(K.contiguous(total.array))
        with aside():
            self._look(data_loss, output)
        total.backward()
        if self.whole:
            self._update()
        else:
            mode.step.hold(run.optimizer.state)
        return total, data_loss, output, self._graph.scalars

    def _look(self, data_loss: Tensor, output: Any) -> None:
        """What the loop in fit looks at before backward."""
        x, y, *weight = self._batch
        self._size = mass(len(x), *weight)
        self._parts = parts_of(data_loss, leaves(output), len(x), self._size)
        self._graph = LossGraph(data_loss, leaves(output), len(x), self._size)
        # Copies, because a metric of all rows keeps them, and the next steps of the recording write there.
        self._output = rebuilt(output, iter([known_by(part, part.array.copy()) for part in leaves(output)]))
        if self.whole:
            self.values = self.given.measures.of_batch(self.given.run.means, self._output, y, *weight)

    def _update(self) -> None:
        """What follows backward in a whole step."""
        run, penalty = self.given.run, self.given.penalty
        with aside():
            if not run.updates:
                refuse_idle(run.optimizer)
        if run.non_finite != "raise":
            for p in run.optimizer.state:
                if p.grad is not None:
                    K.check_finite(K.contiguous(p.grad.array))
        with aside():
            self.penalties = {} if penalty is None else penalty.value()
        run.optimizer.step()
        with aside():
            self.penalties.update(run.optimizer.penalty_values())
        for callback in self.averages:
            callback.on_batch_end(run)
        for rate in self.rates:
            mode.step.scheduled(rate)
            rate.step()

    # --- replayed -------------------------------------------------------------------------------------------------

    def sums(self) -> list[np.ndarray]:
        """Where an update leaves the sums that the values of bound terms are made of."""
        return [table.segments.sums for table in self.given.run.optimizer._tables if self.whole and table.bound]

    def made(self, kept: Sequence[np.ndarray], batch: Sequence[np.ndarray]) -> Made:
        """A replayed batch, from what was kept of its step."""
        x, _, *weight = batch
        form = self.entry.result[2]
        count = 2 + len(leaves(form))
        outputs = [known_by(part, array) for part, array in zip(leaves(form), kept[2:count])]
        size = mass(len(x), *weight)
        parts = self._graph.parts(kept[count:], size)
        return Made(len(x), size, float(kept[0]), float(kept[1]), parts, rebuilt(form, iter(outputs)))

    def values_of_terms(self, kept: Sequence[np.ndarray]) -> dict[str, float]:
        """The values of the terms in the loss, by name, from what was kept of a step."""
        found = self.entry.values_of(kept[len(self.entry.outputs) :])
        values = [(term, sum(float(number) for number in numbers)) for _, term, numbers in found]
        return {term.name: value for term, value in values if hasattr(term.term, "value")}


def known_by(part: Tensor, array: np.ndarray) -> Tensor:
    """A constant of these numbers that says which op made it, as part does: some metrics ask."""
    seen = Tensor(array)
    seen.op, seen.options = part.op, part.options
    return seen
