"""The training loop: zero_grad, forward, loss + penalty, backward, step; and what stands around it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import named_keywords, whole
from ..data.batches.loader import Loader
from ..engine import Tensor
from ..errors import DTypeError
from ..nn.module import Module
from ..nn.prediction import dtype_of, leaves
from ..optim.base import Optimizer
from ..optim.binding import check_fit, check_optimizer
from ..reg.binding.terms import Terms
from .batch import finish_batch
from .checks import Checked, check_data, check_loss, check_model, parts_in
from .columns import Measures, Metric, Metrics, refuse_clashes
from .evaluate import measure, penalty_values, with_penalties
from .finite import refuse_broken_weights, refuse_empty_epoch, usable
from .history import History
from .means import parts_of
from .points import calling, checked_callbacks
from .replayed import replayed
from .resume import begin, prepare
from .run import Run
from .weighing import in_dtype, loss_of, mass, unless_all_one, weights_of

if TYPE_CHECKING:
    from .callbacks import Callback


@named_keywords
def fit(
    model: Module,
    data: Any,
    loss: Callable,
    optimizer: Optimizer,
    penalty: Terms | None = None,
    *,
    epochs: int = 10,
    batch_size: int | None = None,
    validation_data: Any = None,
    metrics: Metrics = (),
    callbacks: Sequence[Callback] = (),
    seed: int | None = None,
    resume: str | os.PathLike[str] | None = None,
    compile: bool | str = False,
) -> History:
    """Train the model on data for some epochs, and return the history.

    data is (x, y) or (x, y, weight), cut into batches of batch_size rows (32), reshuffled each epoch by (seed (0),
    epoch); or a Loader, which has its own size and seed. Floats are cast to the model's dtype, integers stay integers
    where the model takes them (embeddings, products with weights), and all is checked once; so is validation_data, on
    which the model is evaluated after each epoch. `loss(output, y)` is a mean over rows, or over what it weights them
    with; of data with weights (rows,), how much each row counts, loss(output, y, sample_weight=...), as all losses of
    minigrad take them. metrics are functions (output, y) -> number, in a list, or in a dict by name; on the training
    data their column is a mean over batches, unless train.over_all_rows marks them. penalty=terms (of reg.on) are added
    to the loss; terms bound to the optimizer act there; both are measured by name, apart from the data loss.

    The model trains in training mode; what is in eval mode inside a model in training, a frozen part, stays so.
    Afterwards all modes are as they were. The garbage collector rests in between. NonFiniteError before a loss that is
    NaN or infinite reaches a weight, and after an epoch that left such a weight; a callback may choose otherwise: see
    Run. An exception, KeyboardInterrupt too, leaves with the epochs before it as its attribute `history`. Ctrl-C takes
    effect when the batch that it came in is done; a second Ctrl-C at once.

    resume is a file that train.Checkpoint wrote, or its folder, of which the newest whole file is taken (a damaged one
    is left out with a warning); a folder that is missing or holds none: training starts from the beginning, so that one
    script does for the first run and for those after a kill. Give fit what it was given then, with a new model and
    optimizer or those of the interrupted fit: the run goes on behind the last batch that was saved, and ends with the
    bits of one that was not interrupted. epochs counts from the beginning, and may be more than then. ValueError,
    before the first batch, names what is not as it was: the model, data, the batch size, a seed, an option, a callback.

    compile=True records a step and replays it without Python, with the same bits (mg.compile): two or three batches of
    each size run in Python, the rest in a loop of kernel calls. A step that cannot be replayed, or a callback that acts
    in each batch, is named in a warning, and training goes on in Python; "quiet" says nothing.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1)
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> history = fit(model, ([[0.0], [1.0]], [[1.0], [3.0]]), mg.mse, optimizer, epochs=200)
    >>> model.predict([[2.0]]).round(2), history["loss"][-1] < 1e-4
    (array([[5.]], dtype=float32), True)
    """
    check_arguments(model, data, loss, optimizer)
    epochs, measures = whole(epochs, "fit: epochs", 0), Measures(metrics)
    terms = all_terms(penalty, optimizer)
    on_loss = any(bound.on_loss for bound in terms)
    history = History(penalties=penalty_values(terms))
    names = columns(measures.functions, history.penalties, validation_data is not None)
    dtype = dtype_of(model)
    loader = batches(model, data, loss, batch_size, seed, on_loss)
    held_out = validation(model, validation_data, loss, on_loss)
    refuse_weights(measures, loader, held_out)
    check_fit(model, optimizer, penalty, loss)
    optimizer.penalty_values()  # asked for once, so that every step notes them
    run = Run(model, optimizer, history, epochs, loader, terms, names, checked_callbacks(callbacks))
    run.whole = frozenset(measures.whole)
    prepare(run, resume, loss, held_out)
    of_batch = unless_all_one(loss, weights_of(loader))
    with keeping(run), collector_paused(), training(model) as train, calling(run) as call:
        begin(run)
        replay = replayed(compile, run, of_batch, penalty, measures, dtype, call, train)
        while epochs_left(run):
            run.epoch = len(history) + 1
            for bound in terms:
                bound.at_epoch(run.epoch)
            rest = left(loader, run) if replay is None else replay.left(lambda: left(loader, run))
            for run.batch, (x, y, *weight) in rest:
                train()
                call("on_batch_begin")
                if not run.keep_gradients:
                    optimizer.zero_grad()
                run.skip_update = run.keep_gradients = False
                output = model(Tensor(in_dtype(x, dtype), requires_grad=on_loss))
                data_loss = loss_of(of_batch, output, y, *weight)
                total = data_loss if penalty is None else data_loss + penalty(data_loss)
                run.note_loss(data_loss)
                if usable(total, run):
                    size = mass(len(x), *weight)
                    run.parts = parts_of(data_loss, leaves(output), len(x), size)  # now: backward frees what says them
                    values = measures.of_batch(run.means, output, y, *weight)
                    total.backward()
                    finish_batch(run, call, penalty, len(x), size, values, measures.weighted)
                call("on_batch_end")
            if run.stop_now:
                break
            refuse_empty_epoch(run)
            refuse_broken_weights(run)
            run.row.update(measures.of_epoch(run.means))
            if held_out is not None:
                forward = None if replay is None else replay.forward
                run.row.update(with_val(measure(model, held_out, loss, measures, terms, forward=forward)))
            with run.interrupts:
                run.end_epoch()
                call("on_epoch_end")
            gc.collect(0)  # what a callback or a metric left behind in cycles: the loop itself makes none
    return history


def epochs_left(run: Run) -> bool:
    """Whether an epoch is to follow."""
    return len(run.history) < run.epochs and not (run.stop or run.stop_now)


def left(loader: Loader, run: Run) -> Iterator[tuple[int, Sequence[np.ndarray]]]:
    """The batches of the epoch that are left, each with its number: all, unless a run was resumed inside the epoch.

    Until run.stop_now. Ctrl-C comes between two batches: one that has begun is finished first.
    """
    done = run.begin_epoch()
    for number, batch in enumerate(loader, done + 1):  # of a resumed epoch, the loader gives the rest
        with run.interrupts:
            yield number, batch
        if run.stop_now:
            return


def batches(
    model: Module, data: Any, loss: Callable, batch_size: int | None, seed: int | None, real: bool = False
) -> Loader:
    """The loader that fit iterates over, its data checked against model and loss; `real`: x has to be floats."""
    if not isinstance(data, Loader):
        size = whole(32 if batch_size is None else batch_size, "fit: batch_size", 1)
        x, y, weight, _ = check_data(model, data, loss, real=real)
        return Loader(x, y, size, seed=0 if seed is None else seed, weight=weight)
    if batch_size is not None or seed is not None:
        raise ValueError(f"fit: the Loader has its batch_size, {data.batch_size}, and seed; leave both out")
    want = dtype_of(model)
    x = data.x if data.x.dtype.kind == "f" and data.x.dtype != want else check_data(model, data, loss, real=real).x
    if data.x.dtype != x.dtype or (x.dtype.kind == "f" and x.dtype != want):
        raise DTypeError(f"fit: the Loader gives {data.x.dtype}, the model is {want}; pass dtype to the Loader")
    return data


def validation(model: Module, data: Any, loss: Callable, real: bool) -> Checked | None:
    """The validation data, checked like the training data; None if there is none."""
    return None if data is None else check_data(model, data, loss, "validation_data", real)


def with_val(row: dict[str, float]) -> dict[str, float]:
    """The measurements of validation data under the names of their columns."""
    return {f"val_{name}": value for name, value in row.items()}


def refuse_weights(measures: Measures, loader: Loader, held_out: Checked | None) -> None:
    """TypeError where data has weights, and a metric takes none."""
    if loader.weight is not None or (held_out is not None and held_out.weight is not None):
        measures.refuse_weights()


def check_arguments(model: Any, data: Any, loss: Any, optimizer: Any) -> None:
    """Errors for arguments in other places than their own, before anything is made of them."""
    check_model(model)
    check_loss(loss, parts_in(data, "data")[2] is not None)
    check_optimizer(optimizer)


def columns(metrics: dict[str, Metric], penalties: list[str], validated: bool) -> list[str]:
    """The columns of the history, refused where two have one name."""
    refuse_clashes(metrics, penalties)
    found = list(with_penalties(dict.fromkeys(["loss", *penalties, *metrics], 0.0), penalties))
    return ["epoch", *found, *(f"val_{name}" for name in found if validated), "seconds"]


def all_terms(penalty: Terms | None, optimizer: Optimizer) -> list[Terms]:
    """The terms of the loss and those bound to the optimizer; an error if they are the same, or are none."""
    if penalty is None:
        return optimizer.bound_terms
    if not isinstance(penalty, Terms):
        raise TypeError(f"fit: penalty is a {type(penalty).__name__}; need terms = reg.on(model, selector, penalty)")
    penalty.refuse_bound("fit(penalty=...)")
    return [penalty, *optimizer.bound_terms]


@contextmanager
def training(model: Module) -> Iterator[Callable[[], None]]:
    """Training mode: of the whole model if it is wholly in eval mode, else of what is in it. All as found afterwards.

    Yields what brings it back when a callback has called model.eval().
    """
    modes = [(module, module.training) for _, module in model.named_modules()]
    wholly = not any(mode for _, mode in modes)

    def train() -> None:
        if not model.training and not any(module.training for _, module in model.named_modules()):
            for module, mode in modes:
                module.training = wholly or mode

    try:
        train()
        yield train
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def keeping(run: Run) -> Iterator[None]:
    """Give an exception the history as an attribute: what was measured is not lost with what fit would return."""
    try:
        with run.interrupts.caught():
            yield
    except BaseException as error:
        error.__dict__["history"] = run.history
        if isinstance(error, KeyboardInterrupt) and hasattr(error, "add_note"):  # Python 3.11 and later
            error.add_note(
                f"fit: the {len(run.history)} epochs before are in the exception's .history; at a prompt: "
                "sys.last_value.history"
            )
        raise


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
