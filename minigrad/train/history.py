"""What a training run measured: one row per epoch, the data loss and every penalty in columns of their own."""

from __future__ import annotations

import difflib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import NotFittedError
from ..insight.html_report import as_html
from ..insight.plotting import HELD, TRAIN, axes, finished, several


class History:
    """The epochs of a run, each a dict: epoch, loss, each penalty by its name, total, metrics, the same of the
    validation data behind `val_`, seconds.

    loss is the data loss alone and total is the sum of loss and penalties. Training values are means over the batches
    of an epoch, each before its update: metrics and penalties weighted by rows, the loss as it weights its rows itself
    (by the sum of the class weights, of the rows that are not ignored), and a loss that is a sum over rows is summed.
    Validation values are those at the end of the epoch, of all rows at once. A fit that an exception ended leaves its
    history as the exception's attribute `history`. `stopped` says why a fit ended early, where a callback let it stop
    at a loss that is not finite; else it is empty.

    KeyError for a column that is not there; NotFittedError from last and plot before the first epoch; ValueError for an
    epoch with other columns.

    >>> history = History([{"epoch": 1, "loss": 0.5, "L1": 0.25, "total": 0.75}], penalties=["L1"])
    >>> history["L1"], history.last["total"]
    ([0.25], 0.75)
    >>> print(history.table())
    epoch    loss      L1   total
        1  0.5000  0.2500  0.7500
    """

    def __init__(self, rows: Iterable[Mapping[str, float]] = (), penalties: Iterable[str] = ()) -> None:
        self.rows = [{name: plain(name, value) for name, value in row.items()} for row in rows]
        self.penalties = list(penalties)
        self.stopped = ""

    def append(self, row: Mapping[str, float]) -> None:
        """Add an epoch; later epochs of one history have the same columns, and all hold numbers."""
        if self.rows and list(row) != self.names:
            raise ValueError(f"History: this epoch has the columns {list(row)}, the earlier ones {self.names}")
        self.rows.append({name: plain(name, value) for name, value in row.items()})

    def __getstate__(self) -> dict[str, Any]:
        """What copy, deepcopy and pickle take: a copy grows by itself."""
        return {**self.__dict__, "rows": [dict(row) for row in self.rows], "penalties": list(self.penalties)}

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.rows[0]) if self.rows else []

    @property
    def last(self) -> dict[str, float]:
        """The last epoch."""
        if not self.rows:
            raise NotFittedError("History: no epoch was trained yet")
        return self.rows[-1]

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names:
            raise KeyError(unknown_column("History", name, self.names))
        return [row[name] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def table(self, every: int = 1) -> str:
        """The epochs as aligned text: each `every`-th one, and the last."""
        shown = [row for i, row in enumerate(self.rows) if (i + 1) % every == 0 or i + 1 == len(self.rows)]
        return "\n".join([header(self.names), *(line(row) for row in shown)]) if shown else "no epochs"

    def to_json(self, path: str | Path | None = None) -> str:
        """The history as JSON text, written to `path` if given. NaN and infinities become null."""
        rows = [{k: v if math.isfinite(v) else None for k, v in row.items()} for row in self.rows]
        stopped = {"stopped": self.stopped} if self.stopped else {}
        text = json.dumps({"penalties": self.penalties, "epochs": rows, **stopped}, indent=1, ensure_ascii=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history that to_json wrote; null becomes NaN."""
        found: dict[str, Any] = json.loads(text)
        rows = [{k: math.nan if v is None else v for k, v in row.items()} for row in found["epochs"]]
        history = cls(rows, found["penalties"])
        history.stopped = found.get("stopped", "")
        return history

    def _repr_html_(self) -> str:
        """What a notebook shows: the last twelve epochs."""
        if not self.rows:
            return "<p>no epochs</p>"
        shown = self.rows[-12:]
        hidden = f"<p>{len(self) - len(shown):,} epochs before</p>" if len(shown) < len(self) else ""
        cells = [[_number(name, value) for name, value in row.items()] for row in shown]
        return f"{hidden}{as_html(self.names, cells)}" + (f"<p>{escape(self.stopped)}</p>" if self.stopped else "")

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A figure of matplotlib: the loss of training and validation over the epochs; saved to `path` if given.

        The title says which epoch was best on the held-out rows. ImportError without matplotlib.
        """
        if not self.rows:
            raise NotFittedError("History: no epoch was trained yet")
        found = axes("History.plot")
        epochs = self["epoch"]
        dot = "o" if len(self) == 1 else None  # a line of one epoch is not seen
        found.plot(epochs, self["loss"], color=TRAIN, marker=dot, label="training, before each update")
        title = f"loss {self.last['loss']:.4g} after {several(len(self), 'epoch')}"
        if "val_loss" in self.names:
            held = np.array(self["val_loss"], np.float64)
            found.plot(epochs, held, color=HELD, label="held-out rows")
            if np.isfinite(held).any():
                best = int(np.nanargmin(held))
                found.plot(epochs[best], held[best], "o", color=HELD)
                title = f"held-out loss {held[best]:.4g} in epoch {epochs[best]:.0f}, the best of {len(self)}"
        found.set(xlabel="epoch", ylabel="loss", title=title)
        found.legend(frameon=False)
        return finished(found, path)

    def __repr__(self) -> str:
        stopped = f"; stopped: {self.stopped}" if self.stopped else ""
        return f"History({len(self)} epochs: {', '.join(self.names) or 'empty'}{stopped})"


def plain(name: str, value: Any) -> float:
    """A number of a column as Python's own: NumPy's are not written as JSON, and a tensor would keep its graph."""
    if type(value) is float or type(value) is int:
        return value
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise TypeError(f"History: the column {name!r} holds {value!r:.80}; need one number")
    return float(array.item())


def unknown_column(who: str, name: str, names: Sequence[str]) -> str:
    """The message about a column that is not there, with the closest that is."""
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{who}: there is no {name!r}{hint} (columns: {', '.join(names)})"


def header(names: Iterable[str]) -> str:
    """The heading above lines made by `line`."""
    return "  ".join(f"{name:>{_width(name)}}" for name in names)


def line(row: Mapping[str, float]) -> str:
    """One epoch as text in columns under `header(row)`."""
    return "  ".join(f"{_number(name, value):>{_width(name)}}" for name, value in row.items())


def _width(name: str) -> int:
    return max(5 if name == "epoch" else 6, len(name))


def _number(name: str, value: float) -> str:
    if name == "epoch":
        return f"{value:.0f}"
    if name == "seconds":
        return f"{value:.2f}"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.4f}"
    return f"{value:.1e}" if math.isfinite(value) else f"{value}"
