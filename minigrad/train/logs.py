"""Logs of a training in files: one row an epoch, appended as soon as there is one, so that a kill loses none."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import atomic_write
from ..checks import truth
from .callbacks import Callback
from .history import plain

if TYPE_CHECKING:
    from .run import Run

Row = Mapping[str, Any]  # numbers by column; None: the column has nothing here


class _RowLogger(Callback):
    """What the loggers have in common: a file of rows, of which those of this run are the last ones.

    Acts at the end of an epoch, on numbers that are measured anyway.
    """

    adds_columns = False
    only_looks = True

    def __init__(self, path: str | os.PathLike[str], append: bool = False, overwrite: bool = False) -> None:
        who = type(self).__name__
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"{who}: path is {path!r:.80}; need the name of a file")
        self.file = Path(path)
        self.append, self.overwrite = truth(append, f"{who}: append"), truth(overwrite, f"{who}: overwrite")
        if self.append and self.overwrite:
            raise ValueError(f"{who}: append and overwrite are both True; need one of them at most")
        self.error: OSError | None = None
        self._before = 0  # rows of the file that are not of this run
        self._rows: list[Row] = []  # those that are
        self._behind = False  # whether the file lacks some, because it could not be written

    # --- what a format says --------------------------------------------------------------------------------------

    @abstractmethod
    def _parsed(self, text: str) -> list[Row]:
        """The rows in the text of a file; ValueError with the line where it is no log."""

    @abstractmethod
    def _text(self, rows: Sequence[Row]) -> str:
        """The whole file."""

    @abstractmethod
    def _line(self, row: Row) -> str | None:
        """What the row adds to the file; None where the whole file has to be written anew."""

    # --- the points of fit ---------------------------------------------------------------------------------------

    def on_train_begin(self, run: Run) -> None:
        who, target = type(self).__name__, os.path.realpath(self.file)
        for other in run.callbacks:
            if other is not self and isinstance(other, _RowLogger) and os.path.realpath(other.file) == target:
                raise ValueError(f"{who}: two callbacks write {self.file}; give each a file of its own")
        self.error, self._behind, self._before = None, False, 0
        self._rows = [dict(row) for row in run.history.rows]
        if run.resumed is not None:
            return  # load_state_dict follows, and says which rows of the file are of this run
        found = self._read()
        if found and not self.append and not self.overwrite:
            raise FileExistsError(
                f"{who}: {self.file} holds {len(found)} epochs of another run; need a new file, append=True to write "
                "below them, or overwrite=True; a run that is resumed, fit(resume=...), continues its file in any case"
            )
        self._before = len(found) if self.append else 0
        self._write(found[: self._before])

    def state_dict(self) -> dict[str, Any]:
        return {"before": self._before}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue the file: rows behind the checkpoint are trained again and go, rows that it lacks are added."""
        found = self._read()
        self._before = state["before"] if found else 0
        self._refuse_another(found)
        mine = found[self._before : self._before + len(self._rows)]
        self._rows = [*mine, *self._rows[len(mine) :]]  # as they were logged, with what later callbacks wrote
        if found != [*found[: self._before], *self._rows] or not self.file.exists():
            self._write(found[: self._before])

    def on_epoch_end(self, run: Run) -> None:
        self._rows.append({name: plain(name, value) for name, value in run.row.items()})
        try:
            line = None if self._behind else self._line(self._rows[-1])
            if line is None:
                self._write(self._read()[: self._before])
            else:
                with open(self.file, "a", encoding="utf-8", newline="") as file:
                    file.write(line)
        except OSError as error:
            self._behind = True
            if self.error is None:
                warnings.warn(
                    f"{type(self).__name__}: {self.file} cannot be written ({error.strerror or error}); training goes "
                    "on, and the rows are written as soon as that works",
                    RuntimeWarning,
                    stacklevel=4,
                )
            self.error = error

    # --- the file ------------------------------------------------------------------------------------------------

    def _read(self) -> list[Row]:
        """The rows of the file, none if it is missing. A last line without its end is what a kill left of one."""
        try:
            data = self.file.read_bytes()
        except FileNotFoundError:
            return []
        try:
            return self._parsed(data[: data.rfind(b"\n") + 1].decode("utf-8"))
        except ValueError as error:  # UnicodeDecodeError too
            raise ValueError(f"{type(self).__name__}: {self.file} is no log of a training: {error}") from None

    def _write(self, before: Sequence[Row]) -> None:
        """The whole file anew, the rows of this run behind others; readers see the old one or the new one."""
        with atomic_write(self.file) as file:
            file.write(self._text([*before, *self._rows]).encode("utf-8"))
        self._behind = False

    def _refuse_another(self, found: Sequence[Row]) -> None:
        """ValueError unless the rows of the file agree with the history of the run that is resumed."""
        who, here = type(self).__name__, self._rows
        if len(found) < self._before:
            raise ValueError(f"{who}: {self.file} has {len(found)} rows, and had {self._before} before this run began")
        for there, mine in zip(found[self._before :], here):
            for name in mine:
                if not same(there.get(name), mine[name]):
                    raise ValueError(
                        f"{who}: {self.file} is the log of another run: in epoch {mine['epoch']} {name} is "
                        f"{there[name]} there, and {mine[name]} in the run that is resumed; give it another file"
                    )


class CSVLogger(_RowLogger):
    """Write every epoch as a row of a CSV file: the columns of the history, and those that callbacks before it wrote.

    path        the file. One that holds another run is refused (FileExistsError), but for
    append      True: this run is written below it, in its columns and in new ones at the right
    overwrite   True: it is replaced. A run that is resumed continues its file even so: with overwrite=True one script
                does for the first run and for those after a kill

    Each row is in the file when the next epoch begins, so that a killed process loses none; half a line, which a full
    disk leaves, is mended at the next start. A resumed run, fit(resume=...), continues its file: each epoch stands
    there once. Numbers are written in full (repr), NaN as nan; what a column does not have is empty. Where the file
    cannot be written, a warning says so once, `error` keeps it, and the rows follow as soon as they can.

    >>> import tempfile
    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1, init="zeros")
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.125)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CSVLogger(f"{folder}/log.csv")
    ...     _ = mg.train.fit(model, ([[1.0]], [[1.0]]), mg.mse, optimizer, epochs=2, callbacks=[log])
    ...     [line.rpartition(",")[0] for line in log.file.read_text().splitlines()]  # without the seconds
    ['epoch,loss', '1,1.0', '2,0.25']
    """

    def __init__(self, path: str | os.PathLike[str], append: bool = False, overwrite: bool = False) -> None:
        super().__init__(path, append, overwrite)
        self._columns: list[str] = []

    def _parsed(self, text: str) -> list[Row]:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        columns = table[0] if table else []
        if table and "epoch" not in columns:
            raise ValueError("its first line has no column 'epoch'")
        rows: list[Row] = []
        for number, cells in enumerate(table[1:], 2):
            if len(cells) != len(columns):
                raise ValueError(f"line {number} has {len(cells)} cells, the first line {len(columns)}")
            rows.append({name: number_of(cell, number) for name, cell in zip(columns, cells) if cell})
        return rows

    def _text(self, rows: Sequence[Row]) -> str:
        self._columns = list(dict.fromkeys(name for row in rows for name in row))
        lines = [self._columns, *([written(row.get(name)) for name in self._columns] for row in rows)]
        return "".join(map(csv_line, lines)) if self._columns else ""

    def _line(self, row: Row) -> str | None:
        if not set(row) <= set(self._columns):
            return None
        return csv_line([written(row.get(name)) for name in self._columns])


class JSONLogger(_RowLogger):
    """Write every epoch as a line of JSON: {"epoch": 1, "loss": 0.5, ...}, the columns of the history ("JSON Lines").

    path, append, overwrite and what happens to the file are those of CSVLogger. NaN and infinities, which JSON does not
    have, are null.

    ValueError, with the line, for a file that is no such log and is to be appended to.

    >>> import tempfile
    >>> import minigrad as mg
    >>> model = mg.nn.Linear(1, 1, init="zeros")
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.125)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = JSONLogger(f"{folder}/log.jsonl")
    ...     _ = mg.train.fit(model, ([[1.0]], [[1.0]]), mg.mse, optimizer, epochs=2, callbacks=[log])
    ...     [json.loads(line)["loss"] for line in log.file.read_text().splitlines()]
    [1.0, 0.25]
    """

    def _parsed(self, text: str) -> list[Row]:
        rows: list[Row] = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise ValueError(f"line {number} is no JSON") from None
            if not isinstance(row, dict) or "epoch" not in row:
                raise ValueError(f"line {number} has no 'epoch'")
            for name, value in row.items():
                if not isinstance(value, (int, float, type(None))):
                    raise ValueError(f"line {number}: {name!r} is {value!r:.40}, which is no number")
            rows.append(row)
        return rows

    def _text(self, rows: Sequence[Row]) -> str:
        return "".join(map(json_line, rows))

    def _line(self, row: Row) -> str:
        return json_line(row)


def csv_line(cells: Iterable[str]) -> str:
    """A line of CSV, quoted where it must be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def json_line(row: Row) -> str:
    """A line of JSON; what is not finite is null."""
    return (
        json.dumps({name: value if finite(value) else None for name, value in row.items()}, ensure_ascii=False) + "\n"
    )


def finite(value: Any) -> bool:
    """Whether a value of a row is a number that JSON has."""
    return value is not None and math.isfinite(value)


def written(value: Any) -> str:
    """A number as text that reads back as the same number; nothing for None."""
    return "" if value is None else repr(value)


def number_of(cell: str, line: int) -> float:
    """The number of a cell."""
    try:
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    except ValueError:
        raise ValueError(f"line {line} has {cell!r:.40}, which is no number") from None


def same(there: Any, here: Any) -> bool:
    """Whether a number read from a log is the one of a history. None says nothing: null, or a column it lacks."""
    return there is None or there == here or (math.isnan(there) and math.isnan(here))
