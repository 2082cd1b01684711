"""minigrad tune: several strengths at once, by descent on the error of held-out rows, with a report."""

from __future__ import annotations

import argparse
from typing import Any

from .. import selection
from ..lab.pages import figures
from ..lab.pages.console import make_folder
from ..lab.pages.report import Report
from ..linear_model import Logistic, Regression
from ..selection.result import mean_and_error
from ..tabular.families import columns_of_words
from . import choose_options
from .choose import Job, Pictures, describe, inputs_of, job, told_below, write
from .choose_keep import keep_model
from .options import at_least

PER = ("term", "column", "input")
RATIO = 0.5  # of l1_ratio: at 1 there would be no L2 to tune


def add_tune(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = choose_options.add(commands, "tune", run_tune)
    tuned = command.add_argument_group("tuning")
    tuned.add_argument(
        "--per",
        choices=PER,
        default="term",
        help="a strength of its own for each term, L1 and L2 (default); for each column of the table, with all levels "
        "of a column of words; for each input",
    )
    choose_options.add_parts(tuned)
    tuned.add_argument("--steps", type=at_least(1), default=50, metavar="N", help="at most (default: 50)")
    tuned.add_argument(
        "--start", type=choose_options.positive, metavar="λ", help="where to begin (default: the best of 12 λ)"
    )
    tuned.add_argument(
        "--nested",
        action="store_true",
        help="what tuning is worth on rows that no choice saw: tuned anew in each outer fold",
    )
    return command


def run_tune(options: argparse.Namespace) -> None:
    """minigrad tune."""
    _check(options)
    options.l1_ratio = RATIO if options.l1_ratio is None else options.l1_ratio
    asked = job(options)
    if type(asked.family) not in (Regression, Logistic):
        raise ValueError(
            f"--family {options.family}: tune has no slope for it; gaussian, binomial and multinomial have"
        )
    rows = asked.rows
    told: dict[str, Any] = {"folds": options.folds, "groups": rows.groups, "weights": rows.weights}
    told |= {"per": _per(options, asked), "seed": options.seed, "steps": options.steps, "start": options.start}
    make_folder(options.out)
    nested = None
    with told_below():
        found = selection.tune(asked.family, rows.x, rows.y, names=rows.names, progress=None, **told)
        if options.nested:
            nested = selection.nested_tune(asked.family, rows.x, rows.y, outer=options.folds, **told)
    _keep(options, asked, found)
    honest = [] if nested is None else [_honest(nested)]
    lines = [f"{rows.title}: {describe(asked)}", "", found.table(), *honest, *(f"note: {note}" for note in rows.notes)]
    lines += ["", f"kept in {options.out / 'model.safetensors'}: the model of all rows at the end"]
    report = Report(f"Tuned strengths for {rows.title}", describe(asked))
    report.text(". ".join([found.headline(), *honest]) + ".")
    pictures: Pictures = {}
    if figures.wanted(options):
        pictures["tune"] = (
            figures.as_svg(found.plot()),
            "The error of held-out rows by step of the descent, and the strengths",
            "The error of held-out rows; dashed: at the best λ of the grid; grey, on the right: each strength.",
        )
    plain = found.as_dict() | ({} if nested is None else {"nested": _plain(nested)})
    notes, tables = [*rows.notes, *found.notes], [(found.HEAD, found.rows())]
    write(options, "tune", "\n".join(lines), plain, report, pictures, tables, notes)


def _check(options: argparse.Namespace) -> None:
    """ValueError for options that tuning does not have."""
    if options.model == "mlp":
        raise ValueError("--model mlp: networks are tuned in Python, by selection.tune(selection.Unrolled(...))")
    for name, what in (("offset", "an offset"), ("penalty_groups", "norms of groups")):
        if getattr(options, name):
            raise ValueError(f"--{name.replace('_', '-')}: tune has no slope beside {what}; cv takes it")
    if options.missing == "mean":
        raise ValueError("--missing mean: tune has no imputer for each fold; fill the gaps first, or use cv")


def _per(options: argparse.Namespace, asked: Job) -> Any:
    """What selection.tune calls it: words, or the column that each input comes from."""
    if options.per != "column":
        return {"term": "term", "input": "feature"}[options.per]
    of = {name: word for word, names in columns_of_words(inputs_of(asked.rows)).items() for name in names}
    return [of.get(name, name) for name in asked.rows.names]


def _keep(options: argparse.Namespace, asked: Job, found: Any) -> None:
    """Keep the model of all rows at the end."""
    lam = {"how": "tuned", "l1": found.model.l1, "l2": found.model.l2, "strengths": found.lambdas}
    lam |= {"score": found.score, "mean": found.value, "start mean": found.start_value}
    keep_model(options.out / "model.safetensors", asked, found.model, {"lambda": lam})


def _honest(nested: Any) -> str:
    """One line: the errors of outer folds, of which no choice knew, and their differences, fold by fold."""
    gain, error = mean_and_error((nested.start_scores - nested.scores).tolist())
    word = "better" if gain > 2 * error else "worse" if gain < -2 * error else "not told apart"
    return (
        f"on rows that no choice saw: {nested.mean:.6g} tuned, {nested.start_mean:.6g} at the start; lower by "
        f"{gain:.2g} ± {error:.2g} over folds: {word}"
    )


def _plain(nested: Any) -> dict[str, Any]:
    found = {"mean": nested.mean, "error": nested.error, "start_mean": nested.start_mean}
    return found | {"scores": nested.scores.tolist(), "start_scores": nested.start_scores.tolist()}
