"""Progress of a run on the terminal: data loss and each penalty apart."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from ..checks import whole
from .callbacks import Callback
from .history import header, line
from .notebook import Cell, shell

if TYPE_CHECKING:
    from .run import Run

REDRAW = 0.1  # seconds between two states of the bar


class Progress(Callback):
    """One line per epoch; with the extra `progress` (rich) also a bar for the batches of the present one.

    In a notebook lines and bar are one output that changes in place. Elsewhere it writes to `stream` (stderr).
    show=None writes only to a terminal, and to any stream that a run was resumed; True always, False never. A stream
    that is no terminal gets lines without a bar. `every` leaves out lines: each every-th epoch and the last are
    written.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> callback = mg.train.Progress(show=False)  # True shows a line for each epoch
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=3, callbacks=[callback])
    """

    adds_columns = False
    only_looks = True

    def __init__(self, show: bool | None = None, every: int = 1, stream: TextIO | None = None) -> None:
        self.show, self.every, self.stream = show, whole(every, "Progress: every", 1), stream
        self._to: Any = None  # where it writes, while a fit goes on
        self._bar: Any = None
        self._cell: Any = None  # of a notebook

    def on_train_begin(self, run: Run) -> None:
        self._to = self.stream if self.stream is not None else sys.stderr
        terminal = self._to.isatty()
        self._on = terminal if self.show is None else self.show
        self._columns = ""
        self._drawn = 0.0
        found = shell() if self.stream is None and self.show is not False else None
        if found is not None:
            self._on, self._cell = True, Cell(found, run.batches)
        elif self._on and terminal and importlib.util.find_spec("rich") is not None:
            self._bar, self._task = _rich_bar(self._to, run.batches)
        if run.resumed is not None and self.show is not False:  # also in a log: it is one line, and tells what happened
            epochs, batches = run.resumed
            inside = f" and {batches} of {run.batches} batches" if batches else ""
            self._write(f"resumed: {epochs} of {run.epochs} epochs{inside} are done")

    def next_batch(self, run: Run) -> float:
        """What fit(compile=True) asks: it is enough to be called now and then."""
        return math.inf

    def on_batch_end(self, run: Run) -> None:
        now = time.monotonic()
        drawn = self._bar is not None or self._cell is not None
        if drawn and (now - self._drawn > REDRAW or run.batch == run.batches):
            self._drawn = now
            values = "  ".join(
                f"{name} {value:.4g}" for name, value in run.row.items() if name not in ("epoch", "seconds")
            )
            state = {"completed": run.batch, "epoch": f"{run.epoch}/{run.epochs}", "values": values}
            if self._cell is not None:
                self._cell.update(**state)
            else:
                self._bar.update(self._task, **state)

    def on_epoch_end(self, run: Run) -> None:
        if self._on and (run.epoch % self.every == 0 or run.epoch == run.epochs or run.stop):
            columns = header(run.row)
            self._write(line(run.row) if columns == self._columns else f"{columns}\n{line(run.row)}")
            self._columns = columns

    def on_train_end(self, run: Run) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._cell is not None:
            self._cell.stop()
            self._cell = None
        self._to = None

    def __getstate__(self) -> dict[str, Any]:
        """What copies take: not the terminal and the bar of a fit that goes on, because they belong to this process."""
        return {**self.__dict__, "_to": None, "_bar": None, "_task": None, "_cell": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Progress:
        """A copy that writes to the same stream."""
        return Progress(self.show, self.every, self.stream)

    def _write(self, text: str) -> None:
        if self._cell is not None:
            self._cell.write(text)
        elif self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._to, flush=True)


def _rich_bar(stream: TextIO, batches: int) -> tuple[Any, Any]:
    """A bar of rich on the stream, started, and its task."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[values]}"),
    )
    bar = Bar(*columns, console=Console(file=stream), transient=True)
    task = bar.add_task("", total=batches, epoch="", values="")
    bar.start()
    return bar, task
