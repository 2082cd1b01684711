"""minigrad cv --relax: both picks refitted without penalty on the inputs that they use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import selection
from ..lab.pages.report import Report
from ..lab.pages.tables import as_text
from ..selection.prepared import fitting_score
from ..selection.relaxing import Relaxed, relax
from ..tabular.training import lambda_of
from .choose import Job, told_below
from .choose_keep import keep_model
from .choose_weights import Coefficients, coefficients

HEAD = ("refitted on the support, without penalty", "λ", "non-zeros", "plain", "±", "relaxed", "±")
TITLE = "Refitted on the support"
FILES = {"the best λ": "model-relaxed.safetensors", "the one-standard-error λ": "model-1se-relaxed.safetensors"}


class Refits(NamedTuple):
    """The refits of both picks beside what cross-validation said of them: pick -> (index of λ, refit)."""

    picks: dict[str, tuple[int, Relaxed]]
    result: selection.CrossValidation
    found: Coefficients

    def rows(self) -> list[list[str]]:
        """A row for each pick, under HEAD: errors of held-out rows, plain and relaxed."""
        return [
            [
                name,
                f"{each.lam:.6g}",
                "" if each.model is None else str(each.model.nonzeros),
                f"{self.result.mean[i]:.6g}",
                _number(float(self.result.error[i]), 2),
                _number(each.mean, 6),
                _number(each.error, 2),
            ]
            for name, (i, each) in self.picks.items()
        ]

    def lines(self) -> list[str]:
        """The errors and the coefficients as text, below an empty line; nothing without picks."""
        if not self.picks:
            return []
        more = self.found.lines()
        return ["", *as_text(HEAD, self.rows()).split("\n"), *(f"note: {n}" for n in self.notes), "", *more]

    @property
    def notes(self) -> list[str]:
        """What went wrong, once for each λ and fold."""
        told = [f"relaxed, λ = {each.lam:.6g}: {what}" for _, each in self.picks.values() for what in each.failed]
        return list(dict.fromkeys(told))

    def add_to(self, report: Report) -> None:
        """Both as a section of a report."""
        if not self.picks:
            return
        report.section(TITLE)
        report.table(HEAD, self.rows())
        self.found.add_to(report)

    def plain(self) -> dict[str, Any]:
        """The numbers for the JSON file; None for what is none."""
        at = {
            name.removeprefix("the ").removesuffix(" λ"): {
                "lambda": each.lam,
                "mean": _plain(each.mean),
                "std_error": _plain(each.error),
                "scores": [_plain(float(score)) for score in each.scores],
            }
            for name, (_, each) in self.picks.items()
        }
        return {"relaxed": {"errors": at, **self.found.plain}} if at else {}

    def keep(self, out: Path, asked: Job) -> list[str]:
        """Keep the relaxed models of all rows, and say where they are."""
        told = []
        for name, (_, each) in self.picks.items():
            if each.model is None:
                continue
            about = lambda_of(self.result, "min" if name == "the best λ" else "1se")
            about["lambda"] |= {"mean": each.mean, "error": _plain(each.error)}
            if not math.isfinite(each.mean):  # no error by folds: λ is then as good as given
                about = {"lambda": {"how": "given", **{key: about["lambda"][key] for key in ("l1", "l2")}}}
            about["notes"] = ["refitted without penalty on the inputs that the penalty left"]
            keep_model(out / FILES[name], asked, each.model, about)
            told.append(f"kept in {out / FILES[name]}: {name}, relaxed")
        return told


def refits(asked: Job, result: selection.CrossValidation, pairs: Sequence[Any], picks: Mapping[str, int]) -> Refits:
    """The refits of the picks, name -> index of λ."""
    rows = asked.rows
    of_rows = {name: values for name, values in asked.options.items() if name != "groups"}
    data = selection.prepare(asked.family, rows.x, rows.y, **of_rows)
    score = fitting_score(result.score, asked.family)
    done: dict[int, Relaxed] = {}
    with told_below():
        for i in picks.values():
            if i not in done:
                done[i] = relax(asked.family, data, pairs, float(result.lambdas[i]), score)
    found = {name: (i, done[i]) for name, i in picks.items()}
    named = {f"{name}, relaxed": (each.lam, each.model) for name, (_, each) in found.items()}
    return Refits(found, result, coefficients(rows, named))


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}g}" if math.isfinite(value) else ""


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
