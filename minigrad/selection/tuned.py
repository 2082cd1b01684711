"""What tuning found: the course of the loss, the strengths at both ends, and what is to be said against them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ..insight.html_report import as_html
from ..insight.plotting import HELD, PICK, axes, finished
from .line_search import Point
from .log import plain
from .result import mean_and_error

SHOWN = 30  # strengths of a table


@dataclass
class Tuning:
    """Strengths that a descent on the loss of held-out rows found.

    names       of the strengths: terms, groups, columns or, of a network, "name" and "name[i]"
    course      the points from the start to the end: log λ, the mean loss over folds, its slope, the losses of folds
    score       what the loss is called
    held_out    how many rows the loss was measured on
    bounds      the least and largest λ of each strength, (strengths, 2)
    reason      why the descent ended
    grid        {λ: mean loss} of the grid whose best λ was the start, if there was one
    model       fitted on all rows with the strengths of the end (with held_out= on the rows to fit)
    family      linear models: the family with these penalty factors; networks: as it was given

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> found = selection.tune(linear_model.Regression(0.5), x, y, steps=3)
    >>> type(found).__name__, list(found.lambdas), found.value <= found.start_value
    ('Tuning', ['l1', 'l2'], True)
    """

    names: list[str]
    course: list[Point]
    score: str
    held_out: int
    bounds: np.ndarray
    reason: str
    grid: dict[float, float] = field(default_factory=dict)
    model: Any = field(default=None, repr=False)
    family: Any = field(default=None, repr=False)
    trouble: list[str] = field(default_factory=list)

    @property
    def value(self) -> float:
        """The mean loss of held-out rows at the end: the least of the course."""
        return self.course[-1].value

    @property
    def start_value(self) -> float:
        return self.course[0].value

    @property
    def error(self) -> float:
        """The standard error of the value over folds; NaN with one part of held-out rows."""
        return mean_and_error(self.course[-1].folds)[1]

    @property
    def lambdas(self) -> dict[str, float]:
        """The strengths at the end, by name."""
        return dict(zip(self.names, np.exp(self.course[-1].theta).tolist()))

    @property
    def start_lambdas(self) -> dict[str, float]:
        return dict(zip(self.names, np.exp(self.course[0].theta).tolist()))

    @property
    def notes(self) -> list[str]:
        """What the numbers do not say of themselves."""
        notes = [*self.trouble]
        count = len(self.names)
        if 10 * count > self.held_out:
            notes.append(
                f"{count} strengths were chosen on the {self.held_out} held-out rows that gave {self.value:.6g}: on "
                "other rows the loss will be larger; selection.nested_tune says by how much"
            )
        values = np.array(list(self.lambdas.values()))
        for side, edge in ((0, "smallest"), (1, "largest")):
            at_edge = [name for name, lam, b in zip(self.names, values, self.bounds) if abs(lam / b[side] - 1) < 1e-9]
            if at_edge:
                shown = ", ".join(at_edge[:6]) + (f" and {len(at_edge) - 6} more" if len(at_edge) > 6 else "")
                notes.append(f"at the {edge} λ that was allowed: {shown}")
        if len(self.course) == 1 and not np.abs(self.course[0].slope).any():
            notes.append("at the start no strength changes the loss: every weight is 0 there; start at a smaller λ")
        if self.reason.startswith("all "):
            notes.append(f"{self.reason}, and the loss still fell; steps= allows more")
        return notes

    HEAD = ("strength", "start λ", "λ", "slope by log λ")

    def rows(self) -> list[list[str]]:
        """A row of text per strength, under HEAD."""
        ends = zip(self.names, self.start_lambdas.values(), self.lambdas.values(), self.course[-1].slope)
        return [[name, f"{first:.6g}", f"{last:.6g}", f"{slope:.3g}"] for name, first, last, slope in ends]

    def headline(self) -> str:
        """One line: the loss at both ends."""
        folds = len(self.course[-1].folds)
        where = f"{folds} folds" if folds > 1 else f"{self.held_out} held-out rows"
        error = f" ± {self.error:.2g}" if math.isfinite(self.error) else ""
        steps = len(self.course) - 1
        taken = "1 step" if steps == 1 else f"{steps} steps"
        return f"{self.score}, {where}: {self.start_value:.6g} at the start, {self.value:.6g}{error} after {taken}"

    def table(self, top: int = SHOWN) -> str:
        """The strengths as aligned text, at most `top` of them, and the notes below."""
        rows = [list(self.HEAD), *self.rows()[:top]]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:]))]).rstrip()
            for row in rows
        ]
        more = [f"{len(self.names) - top} more: table(top={len(self.names)})"] if len(self.names) > top else []
        return "\n".join([self.headline(), *lines, *more, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """What a notebook shows: the loss at both ends, the strengths, and the notes."""
        rows, notes = self.rows(), "".join(f"<p>note: {escape(note)}</p>" for note in self.notes)
        more = f"<p>{len(rows) - SHOWN} more: print(result.table({len(rows)}))</p>" if len(rows) > SHOWN else ""
        return f"<p>{escape(self.headline())}</p>{as_html(self.HEAD, rows[:SHOWN])}{more}{notes}"

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A figure of matplotlib: the held-out loss by step, and the strengths; saved to `path`. Needs matplotlib."""
        found = axes("Tuning.plot")
        steps = range(len(self.course))
        found.plot(steps, [point.value for point in self.course], color=HELD, marker="o", label="held-out loss")
        if self.grid:
            best = min(self.grid.values())
            found.axhline(best, color=PICK, linestyle="--", lw=1, label=f"best of {len(self.grid)} λ: {best:.4g}")
        found.set(xlabel="step", ylabel=self.score, title=self.headline())
        found.title.set_fontsize(9)
        found.legend(frameon=False, loc="upper right")
        beside = found.twinx()
        for column in np.exp(np.array([point.theta for point in self.course])).T:
            beside.plot(steps, column, color="0.7", lw=0.8)
        beside.set(yscale="log", ylabel="λ of each strength (grey)")
        return finished(found, path)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the models, as plain values; what is not finite becomes None."""
        return {
            "score": self.score,
            "value": self.value,
            "error": self.error if math.isfinite(self.error) else None,
            "start_value": self.start_value,
            "lambdas": self.lambdas,
            "start_lambdas": self.start_lambdas,
            "held_out": self.held_out,
            "reason": self.reason,
            "grid": [[lam, value] for lam, value in self.grid.items()],
            "course": [
                {"value": p.value, "log lambdas": p.theta.tolist(), "slope": p.slope.tolist(), "folds": p.folds}
                for p in self.course
            ],
            "notes": self.notes,
        }

    def to_json(self) -> str:
        """as_dict as text."""
        return json.dumps(plain(self.as_dict()), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        return f"Tuning({self.headline()}; {len(self.names)} strengths)"
