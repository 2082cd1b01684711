"""The training loop: zero_grad, forward, loss + penalty, backward, step; and what stands around it."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..checks import named_keywords, whole
from ..data.batches.loader import Loader
from ..engine import Tensor
from ..errors import DTypeError, NonFiniteError
from ..nn.module import Module
from ..optim.base import Optimizer
from ..optim.binding import check_fit
from ..reg.binding.terms import Terms
from .evaluate import Means, Metric, check_data, dtype_of, measure, penalty_values, with_penalties
from .history import History

if TYPE_CHECKING:
    from .callbacks import Callback


class Run:
    """A running fit, as callbacks see it. Setting `stop` ends it after the present epoch.

    model, optimizer, history; epoch and batch, counted from 1, of epochs and batches; row: the measurements of the
    present epoch so far.
    """

    def __init__(self, model: Module, optimizer: Optimizer, history: History, epochs: int, batches: int) -> None:
        self.model, self.optimizer, self.history = model, optimizer, history
        self.epochs, self.batches = epochs, batches
        self.epoch = self.batch = 0
        self.row: dict[str, float] = {}
        self.stop = False


@named_keywords
def fit(
    model: Module, data: Any, loss: Callable, optimizer: Optimizer, penalty: Terms | None = None, *, epochs: int = 10,
    batch_size: int | None = None, validation_data: Any = None, metrics: Sequence[Metric] = (),
    callbacks: Sequence[Callback] = (), seed: int | None = None,
) -> History:  # fmt: skip
    """Train the model on data for some epochs, and return the history.

    data is (x, y), cut into batches of batch_size rows (32), reshuffled each epoch by (seed (0), epoch); or a Loader,
    which has its own size and seed. It is cast to the model's dtype and checked once; so is validation_data, on which
    the model is evaluated after each epoch. `loss(output, y)` is a mean over rows. penalty=terms (of reg.on) are added
    to the loss; terms bound to the optimizer act there; both are measured by name, apart from the data loss. The
    garbage collector rests in between. NonFiniteError before a loss that is NaN or infinite reaches a weight.
    """
    epochs = whole(epochs, "fit: epochs", 0)
    loader = batches(model, data, loss, batch_size, seed)
    held_out = None if validation_data is None else check_data(model, validation_data, loss)
    check_fit(model, optimizer, penalty, loss)
    terms = all_terms(penalty, optimizer)
    history = History(penalties=penalty_values(terms))
    optimizer.penalty_values()  # asked for once, so that every step notes them
    run = Run(model, optimizer, history, epochs, len(loader))
    model.train()
    with collector_paused(), calling(callbacks, run) as call:
        for run.epoch in range(1, epochs + 1):
            for bound in terms:
                bound.at_epoch(run.epoch)
            start, means = time.perf_counter(), Means()
            for run.batch, (x, y) in enumerate(loader, 1):
                optimizer.zero_grad()
                output = model(Tensor(x, requires_grad=penalty is not None and penalty.on_loss))
                data_loss = loss(output, y)
                total = data_loss if penalty is None else data_loss + penalty(data_loss)
                refuse_non_finite(total, run)
                total.backward()
                penalties = {} if penalty is None else penalty.value()
                optimizer.step()
                penalties.update(optimizer.penalty_values())  # of the weights before the step, summed on its way
                values = {"loss": data_loss.item(), **{m.__name__: m(output, y) for m in metrics}}
                means.add(len(x), with_penalties(values, penalties))
                run.row = {"epoch": run.epoch, **means.row()}
                call("on_batch_end")
            if held_out is not None:
                held_out_row = measure(model, held_out, loss, metrics, terms)
                run.row.update({f"val_{name}": value for name, value in held_out_row.items()})
            for bound in terms:
                bound.note_shares(run.row)
            run.row["seconds"] = time.perf_counter() - start
            history.append(run.row)
            call("on_epoch_end")
            gc.collect(0)  # what a callback or a metric left behind in cycles: the loop itself makes none
            if run.stop:
                break
    return history


def batches(model: Module, data: Any, loss: Callable, batch_size: int | None, seed: int | None) -> Loader:
    """The loader that fit iterates over, its data checked against model and loss."""
    if not isinstance(data, Loader):
        size = whole(32 if batch_size is None else batch_size, "fit: batch_size", 1)
        return Loader(*check_data(model, data, loss), size, seed=0 if seed is None else seed)
    if batch_size is not None or seed is not None:
        raise ValueError(f"fit: the Loader has its batch_size, {data.batch_size}, and seed; leave both out")
    if data.x.dtype != (want := dtype_of(model)):
        raise DTypeError(f"fit: the Loader gives {data.x.dtype}, the model is {want}; pass dtype to the Loader")
    check_data(model, data, loss)
    return data


def all_terms(penalty: Terms | None, optimizer: Optimizer) -> list[Terms]:
    """The terms of the loss and those bound to the optimizer; an error if they are the same, or are none."""
    if penalty is None:
        return optimizer.bound_terms
    if not isinstance(penalty, Terms):
        raise TypeError(f"fit: penalty is a {type(penalty).__name__}; need terms = reg.on(model, selector, penalty)")
    penalty.refuse_bound("fit(penalty=...)")
    return [penalty, *optimizer.bound_terms]


def refuse_non_finite(total: Tensor, run: Run) -> None:
    if not math.isfinite(total.item()):
        raise NonFiniteError(
            f"fit: the loss is {total.item()} in epoch {run.epoch}, batch {run.batch}; the weights are those before "
            "this batch. A smaller learning rate, or inputs of a smaller scale, usually cure it"
        )


@contextmanager
def calling(callbacks: Sequence[Callback], run: Run) -> Iterator[Callable[[str], None]]:
    """Calls a point of all callbacks, in order; on_train_begin and on_train_end stand around the block."""

    def call(point: str) -> None:
        for callback in callbacks:
            getattr(callback, point)(run)

    try:
        call("on_train_begin")
        yield call
    finally:
        call("on_train_end")


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection inside: a step makes thousands of tensors and no cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
