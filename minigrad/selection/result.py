"""What cross-validation found: errors by λ and fold, the two picks, and what is to be said against them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ..insight.html_report import as_html
from ..insight.plotting import HELD, LINES, PICK, REFERENCE, axes, finished, several


class SelectionWarning(UserWarning):
    """A pick that deserves a second look: at the edge of its grid, tied, or beside failed fits."""


@dataclass
class CrossValidation:
    """Scores of (folds, λ), λ falling; NaN where a fit failed.

    mean, error     by λ: the mean over folds, and its standard error: the deviation over folds / √(folds / repeats),
                    since repeats of a K-fold see the same rows again
    best            the index of the best mean; among equals the largest λ
    one_se          the index of the largest λ whose mean is within one standard error of the best
    lambda_min, lambda_1se     the two λ
    notes           what the warnings say: edges, ties, failures
    epochs          of networks that train afresh at every λ: (folds, λ), the epoch that was best; else None
    median_epochs   their medians over folds, which the fits on all rows take; cut_short: fits that reached the most
                    epochs they may have while they still improved
    model, model_1se, path     fitted on all rows, if refit: at both picks, and at every λ

    ValueError if no λ was fitted in every fold, and from model and model_1se without a fit of all rows.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> result = selection.cross_validate(linear_model.Regression(), x, y, count=10)
    >>> result.scores.shape, result.lambda_1se >= result.lambda_min, result.model.nonzeros >= result.model_1se.nonzeros
    ((5, 10), True, True)
    """

    lambdas: np.ndarray
    scores: np.ndarray
    nonzeros: np.ndarray
    score: str
    greater_is_better: bool = False
    repeats: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    path: list[Any] = field(default_factory=list)
    epochs: np.ndarray | None = None
    cut_short: int = 0
    accuracy: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.counts = np.isfinite(self.scores).sum(0)
        self.mean, self.error = np.empty(len(self.lambdas)), np.empty(len(self.lambdas))
        for i, column in enumerate(self.scores.T):
            self.mean[i], self.error[i] = mean_and_error([float(v) for v in column if math.isfinite(v)], self.repeats)
        self.mean_nonzeros = [mean_and_error([v for v in column if math.isfinite(v)])[0] for column in self.nonzeros.T]
        complete = self.counts == len(self.scores)
        if not complete.any():
            first = self.failures[0]["failed"] if self.failures else "scores are not finite"
            raise ValueError(f"cross-validation: no λ was fitted in every fold; the first failure: {first}")
        losses = np.where(complete, -self.mean if self.greater_is_better else self.mean, math.inf)
        self.best = int(losses.argmin())
        self.ties = int((losses == losses[self.best]).sum()) - 1
        slack = self.error[self.best] if math.isfinite(self.error[self.best]) else 0.0
        self.one_se = int(np.flatnonzero(losses <= losses[self.best] + slack)[0])

    @property
    def lambda_min(self) -> float:
        return float(self.lambdas[self.best])

    @property
    def lambda_1se(self) -> float:
        return float(self.lambdas[self.one_se])

    @property
    def median_epochs(self) -> list[int] | None:
        """For each λ the median over folds, rounded up; the largest of all where every fold failed."""
        if self.epochs is None:
            return None
        most = float(np.nanmax(self.epochs))
        columns = [column[np.isfinite(column)] for column in self.epochs.T]
        return [max(1, math.ceil(np.median(column) if column.size else most)) for column in columns]

    @property
    def notes(self) -> list[str]:
        """Edges, ties and failures, in words."""
        notes = [
            f"λ = {f['lambda']:.6g}, {'all rows' if f['fold'] is None else 'fold ' + str(f['fold'])}: "
            f"{'failed: ' + f['failed'] if 'failed' in f else f['trouble']}"
            for f in self.failures
        ]
        if self.cut_short:
            notes.append(
                f"{self.cut_short} of {self.scores.size} networks still improved on their validation rows after "
                f"{self.settings.get('most epochs', 'all their')} epochs; give them more"
            )
        if self.ties:
            notes.append(f"{self.ties + 1} λ share the best mean; the largest of them was taken")
        picks = {"the best λ": self.best}
        if self.one_se != self.best:
            picks["the one-standard-error λ"] = self.one_se
        for name, index in picks.items():
            if len(self.lambdas) > 1 and index in (0, len(self.lambdas) - 1):
                edge, cure = ("largest", "try larger ones") if index == 0 else ("smallest", "try smaller ones")
                if self.path and getattr(self.path[index], "nonzeros", None) == 0:
                    cure = "there every weight is 0: the inputs do not help"
                notes.append(f"{name}, {self.lambdas[index]:.6g}, is the {edge} of the grid; {cure}")
        return notes

    @property
    def model(self) -> Any:
        """The model of all rows at the best λ."""
        return self._refit(self.best)

    @property
    def model_1se(self) -> Any:
        """The model of all rows at the one-standard-error λ."""
        return self._refit(self.one_se)

    def _refit(self, index: int) -> Any:
        if not self.path:
            raise ValueError("cross-validation: no model was fitted on all rows; pass refit=True")
        if self.path[index] is None:
            raise ValueError(
                f"cross-validation: on all rows, λ = {self.lambdas[index]:.6g} could not be fitted; see `notes`"
            )
        return self.path[index]

    def pick_of(self, index: int) -> str:
        """min, 1se, both, or nothing."""
        return ", ".join(name for name, pick in (("min", self.best), ("1se", self.one_se)) if pick == index)

    HEAD = ("λ", "mean", "std error", "folds", "non-zeros", "pick")

    def rows(self) -> list[list[str]]:
        """A row of text per λ, under HEAD."""
        return [
            [
                f"{lam:.6g}",
                f"{self.mean[i]:.6g}",
                f"{self.error[i]:.3g}",
                str(self.counts[i]),
                f"{self.mean_nonzeros[i]:.4g}",
                self.pick_of(i),
            ]
            for i, lam in enumerate(self.lambdas)
        ]

    def table(self) -> str:
        """The rows as aligned text, and the notes below."""
        rows = [list(self.HEAD), *self.rows()]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join([f"{self.score}, {len(self.scores)} folds", *lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """What a notebook shows: both picks, the λ around them, and the notes."""
        rows = self.rows()
        near = [row for i, row in enumerate(rows) if min(abs(i - self.best), abs(i - self.one_se)) <= 4]
        notes = "".join(f"<p>note: {escape(note)}</p>" for note in self.notes)
        hidden = f"<p>{len(rows) - len(near)} more λ: print(result.table())</p>" if len(near) < len(rows) else ""
        return f"<p>{escape(self.score)}, {len(self.scores)} folds</p>{as_html(self.HEAD, near)}{hidden}{notes}"

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A figure of matplotlib: the mean score over λ, ± one standard error, and both picks; saved to `path`.

        λ of 0 has no place on the logarithmic axis and is left out. ImportError without matplotlib.
        """
        found = axes("CrossValidation.plot")
        shown = (self.lambdas > 0) & np.isfinite(self.mean)
        lambdas, mean = self.lambdas[shown], self.mean[shown]
        error = np.nan_to_num(self.error[shown])
        found.fill_between(
            lambdas, mean - error, mean + error, color=HELD, alpha=0.2, linewidth=0, label="± one standard error"
        )
        found.plot(lambdas, mean, color=HELD, label=f"mean of {several(len(self.scores), 'fold')}")
        self._mark(found)
        title = f"best {self.score} {self.mean[self.best]:.4g} at λ = {self.lambda_min:.4g}"
        found.set(xscale="log", xlabel="λ", ylabel=self.score, title=title)
        found.legend(frameon=False)
        return finished(found, path)

    def plot_path(
        self,
        names: Sequence[str] = (),
        path: str | os.PathLike[str] | None = None,
        classes: int | Sequence[int] | None = None,
    ) -> Any:
        """A figure of matplotlib: the coefficients of the models of all rows over λ, with both picks.

        names: of the inputs; the eight largest of a panel are named. classes: which to draw, a panel for each, by their
        places from 0 in sorted order; default all; models of numbers and of two classes have one panel. ValueError for
        models without coefficients, and without refit=True; IndexError for a class that is not there.
        """
        models = [self._refit(i) for i in range(len(self.lambdas))]
        if not all(hasattr(model, "coefficients") for model in models):
            raise ValueError(
                "CrossValidation.plot_path: these models have no coefficients; linear and logistic ones do"
            )
        table = np.array([model.coefficients.reshape(len(model.coefficients), -1) for model in models])
        count = table.shape[2]
        chosen = range(count) if classes is None else [classes] if isinstance(classes, int) else list(classes)
        for k in chosen:
            if not 0 <= k < count:
                raise IndexError(f"CrossValidation.plot_path: class {k}; there are {several(count, 'panel')}, from 0")
        if not chosen:
            raise ValueError("CrossValidation.plot_path: classes is empty; name at least one")
        drawn = axes("CrossValidation.plot_path", (6.4, 4.0 if len(chosen) == 1 else 2.6), len(chosen))
        panels = [drawn] if len(chosen) == 1 else drawn
        for k, found in zip(chosen, panels):
            self._draw_path(found, table[:, :, k], names)
        title = f"{models[self.best].nonzeros} inputs at the best λ, {models[self.one_se].nonzeros} within one error"
        panels[0].set_title(title)
        if count > 1:
            for k, found in zip(chosen, panels):
                found.set_ylabel(f"class {k}")
        panels[-1].set_xlabel("λ")
        return finished(panels[0], path)

    def _draw_path(self, found: Any, table: np.ndarray, names: Sequence[str]) -> None:
        """A line for each input of a table (λ, inputs), the eight largest named."""
        shown = self.lambdas > 0
        for rank, i in enumerate(np.argsort(-np.abs(table).max(0), kind="stable")):
            if rank >= 8 or not table[:, i].any():
                found.plot(self.lambdas[shown], table[shown, i], color=REFERENCE, alpha=0.35, lw=0.8)
                continue
            told, style = names[i] if len(names) else f"x{i}", "--" if rank >= len(LINES) else "-"
            found.plot(self.lambdas[shown], table[shown, i], style, color=LINES[rank % len(LINES)], label=told)
        self._mark(found)
        found.set(xscale="log", ylabel="coefficient")
        found.legend(frameon=False, fontsize=8)

    def _mark(self, found: Any) -> None:
        for lam, style, label in ((self.lambda_min, "-", "best"), (self.lambda_1se, "--", "within one error")):
            if lam > 0:
                found.axvline(lam, color=PICK, linestyle=style, lw=1, label=f"{label}: {lam:.4g}")

    def to_json(self) -> str:
        """Everything but the models; NaN becomes null."""
        found = {
            "score": self.score,
            "greater_is_better": self.greater_is_better,
            "repeats": self.repeats,
            "lambdas": self.lambdas.tolist(),
            "mean": _nulls(self.mean),
            "std_error": _nulls(self.error),
            "scores": [_nulls(fold) for fold in self.scores],
            "nonzeros": [_nulls(fold) for fold in self.nonzeros],
            "lambda_min": self.lambda_min,
            "lambda_1se": self.lambda_1se,
            "notes": self.notes,
            "failures": self.failures,
            "settings": self.settings,
            "epochs": None if self.epochs is None else [_nulls(fold) for fold in self.epochs],
            "accuracy": None if self.accuracy is None else [_nulls(fold) for fold in self.accuracy],
            "cut_short": self.cut_short,
        }
        return json.dumps(found, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> CrossValidation:
        """What to_json wrote."""
        found = json.loads(text)
        fields: dict[str, Any] = {name: np.array(found[name], np.float64) for name in ("lambdas", "scores", "nonzeros")}
        for name in [name for name in ("epochs", "accuracy") if found.get(name) is not None]:
            fields[name] = np.array(found[name], np.float64)
        fields["cut_short"] = found.get("cut_short", 0)
        fields |= {name: found[name] for name in ("score", "greater_is_better", "repeats", "settings", "failures")}
        return cls(**fields)

    def __repr__(self) -> str:
        return (
            f"CrossValidation({self.score}: λ min {self.lambda_min:.6g} at {self.mean[self.best]:.6g}, "
            f"λ 1se {self.lambda_1se:.6g} at {self.mean[self.one_se]:.6g})"
        )


def mean_and_error(values: list[float], repeats: int = 1) -> tuple[float, float]:
    """The mean and its standard error; NaN where there are too few values."""
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    squares = math.fsum((v - mean) ** 2 for v in values) / (n - 1) if n > 1 else math.nan
    return mean, math.sqrt(squares * repeats / n) if n > 1 else math.nan


def _nulls(values: np.ndarray) -> list[float | None]:
    return [float(v) if math.isfinite(v) else None for v in values]
