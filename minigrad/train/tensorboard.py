"""The columns of a history in TensorBoard, where it is installed."""

from __future__ import annotations

import importlib.util
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import whole
from .callbacks import Callback
from .history import plain

if TYPE_CHECKING:
    from .run import Run


class TensorBoard(Callback):
    """Write every epoch for TensorBoard: `tensorboard --logdir FOLDER` then draws each column over the epochs.

    folder      where the event file of this run goes; runs in folders beside each other are drawn together
    batches     also write the means so far after every so many batches; the steps of all curves are then batches, not
                epochs, because TensorBoard needs one kind of step (None: never)

    The columns loss and val_loss are the tags loss/train and loss/validation, and so on; those of batches are
    loss/batch. A resumed run writes a file of its own into the same folder and says from which step on it holds, so
    that TensorBoard hides what was written behind the checkpoint before the kill. Each epoch is in the file when the
    next one begins. ImportError at once where the package tensorboard is missing (pip install 'minigrad[tensorboard]').
    Acts at the end of batches and epochs, on numbers that are measured anyway.
    """

    adds_columns = False
    only_looks = True

    def __init__(self, folder: str | os.PathLike[str], batches: int | None = None) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise ImportError("TensorBoard needs the package tensorboard: pip install 'minigrad[tensorboard]'")
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"TensorBoard: folder is {folder!r:.80}; need a path")
        self.folder = Path(folder)
        self.batches = None if batches is None else whole(batches, "TensorBoard: batches", 1)
        self._writer: Any = None

    def on_train_begin(self, run: Run) -> None:
        from tensorboard.compat.proto import event_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(os.fspath(self.folder))
        if run.resumed is not None:
            epochs, batches = run.resumed
            first = 1 + (epochs if self.batches is None else epochs * run.batches + batches)
            log = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._writer.add_event(event_pb2.Event(wall_time=time.time(), step=first, session_log=log))

    def next_batch(self, run: Run) -> float:
        """What fit(compile=True) asks: the next batch of the epoch that is written."""
        if self.batches is None:
            return math.inf
        before = (run.epoch - 1) * run.batches
        return ((before + run.batch) // self.batches + 1) * self.batches - before

    def on_batch_end(self, run: Run) -> None:
        done = (run.epoch - 1) * run.batches + run.batch
        if self.batches is not None and done % self.batches == 0:
            self._write({f"{name}/batch": value for name, value in run.row.items() if name != "epoch"}, done)

    def on_epoch_end(self, run: Run) -> None:
        step = run.epoch * (1 if self.batches is None else run.batches)
        self._write({tag_of(name): value for name, value in run.row.items() if name != "epoch"}, step)
        self._writer.flush()

    def _write(self, values: dict[str, Any], step: int) -> None:
        """Numbers by tag at a step."""
        from tensorboard.compat.proto import event_pb2, summary_pb2

        numbers = [summary_pb2.Summary.Value(tag=tag, simple_value=plain(tag, value)) for tag, value in values.items()]
        event = event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=numbers))
        self._writer.add_event(event)

    def on_train_end(self, run: Run) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __getstate__(self) -> dict[str, Any]:
        """What copies take: not the open file of a fit that goes on."""
        return {**self.__dict__, "_writer": None}


def tag_of(column: str) -> str:
    """The tag of a column: training and validation stand beside each other.

    >>> tag_of("val_loss"), tag_of("accuracy"), tag_of("seconds")
    ('loss/validation', 'accuracy/train', 'seconds')
    """
    if column == "seconds":
        return column
    name = column.removeprefix("val_")
    return f"{name}/validation" if name != column else f"{name}/train"
