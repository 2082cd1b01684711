"""The points at which fit calls its callbacks, and what an object needs to be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from .checkpoint import Checkpoint
from .run import Run

if TYPE_CHECKING:
    from .callbacks import Callback

POINTS = ("on_train_begin", "on_batch_end", "on_epoch_end", "on_train_end")  # an object may lack the others
ENDS = ("on_batch_end", "on_epoch_end")


def checked_callbacks(callbacks: Any) -> list[Callback]:
    """The callbacks as a list; TypeError for one outside of a list, for a class, and for what lacks a point."""
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"fit: callbacks is one {type(callbacks).__name__}; need a list: callbacks=[...]")
    for i, callback in enumerate(callbacks):
        if any(callback is other for other in callbacks[:i]):
            raise ValueError(f"fit: the callback {callback!r:.80} is given twice; it would act twice")
        if isinstance(callback, type):
            raise TypeError(f"fit: the callback {callback.__name__} is a class; did you mean {callback.__name__}()?")
        missing = [point for point in POINTS if not callable(getattr(callback, point, None))]
        if missing:
            cure = "; wrap a schedule: train.LearningRate(schedule)" if hasattr(callback, "step") else ""
            raise TypeError(
                f"fit: the callback {callback!r:.80} has no {missing[0]}; need a minigrad.train.Callback" + cure
            )
    return list(callbacks)


def act(run: Run, point: str, without: Sequence[Callback]) -> None:
    """Call a point of all callbacks that have it, but for those of `without`."""
    for callback in run.callbacks:
        method = getattr(callback, point, None)
        if method is not None and callback not in without:
            method(run)


@contextmanager
def calling(run: Run) -> Iterator[Callable[..., None]]:
    """Calls a point of all callbacks, in order; on_train_begin and on_train_end stand around the block.

    Each that has begun is ended, also where another one raises.
    """
    savers = [callback for callback in run.callbacks if isinstance(callback, Checkpoint)]

    def call(point: str, without: Sequence[Callback] = ()) -> None:
        act(run, point, without)
        if savers and point in ENDS:
            write_due(savers, run)

    begun = []
    try:
        for callback in run.callbacks:
            callback.on_train_begin(run)
            begun.append(callback)
        with saving(savers, run):
            yield call
    finally:
        with ExitStack() as ends:  # calls all, the last one given first
            for callback in reversed(begun):
                ends.callback(callback.on_train_end, run)


def write_due(savers: list[Checkpoint], run: Run) -> None:
    """When all callbacks had their turn at the end of a batch or an epoch: write the checkpoints that are due."""
    for saver in savers:
        saver.note(run)  # first, because the state of each is in the files of all
    for saver in savers:
        saver.write_if_due(run)


@contextmanager
def saving(savers: list[Checkpoint], run: Run) -> Iterator[None]:
    """Write checkpoints at the end of the block, and on Ctrl-C unless it came in the middle of a batch."""
    try:
        yield
        with run.interrupts:
            for saver in savers:
                saver.write_now(run)
    except KeyboardInterrupt as error:
        for saver in savers:
            if run.interrupts.whole:
                saver.write_now(run)
            if saver.last is not None and hasattr(error, "add_note"):  # Python 3.11 and later
                error.add_note(f"fit: {saver.last} is written; resume={str(saver.folder)!r} goes on there")
        raise
