"""minigrad cv: λ by cross-validation, with a report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import selection
from ..lab.pages import figures
from ..lab.pages.console import make_folder
from ..lab.pages.report import Report
from ..lab.pages.slider import Course
from ..selection.result import mean_and_error
from ..tabular.keeping import FILE
from . import choose_data, choose_options
from .choose import Job, describe, job, rules_without_folds, told_below, write
from .choose_figures import cv_pictures, fits_of, lambda_slider
from .choose_keep import ONE_SE, keep, r_squared
from .choose_relaxed import refits
from .choose_weights import coefficients


def add_cv(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    return choose_options.add(commands, "cv", run_cv)


def run_cv(options: argparse.Namespace) -> None:
    """minigrad cv."""
    asked = job(options)
    rows = asked.rows
    folds = selection.KFold(
        options.folds, repeats=options.repeats, stratified=rows.classes and rows.groups is None, seed=options.seed
    )
    pairs = list(folds.split(rows.x, rows.y, rows.groups))
    rows = choose_data.check_folds(rows, pairs, options.folds if options.nested else 0)
    make_folder(options.out)
    result, nested = _scored(asked, rows, folds, options)
    picks = {"the best λ": result.best, "the one-standard-error λ": result.one_se}
    found = coefficients(rows, {name: (float(result.lambdas[i]), result.path[i]) for name, i in picks.items()})
    relaxed = refits(asked, result, pairs, picks if options.relax else {})
    kept = keep(options.out, asked, {FILE: (result.best, "min"), ONE_SE: (result.one_se, "1se")}, result)
    told = (
        f"best mean at λ = {result.lambda_min:.6g}; within one standard error of it, and simplest: λ = "
        f"{result.lambda_1se:.6g}"
    )
    kept += relaxed.keep(options.out, asked)
    judged = _picks(result, rows)
    others = rules_without_folds(asked, result.lambdas)
    lines = [
        f"{rows.title}: {describe(asked)}",
        told,
        "",
        result.table(),
        *(f"note: {note}" for note in rows.notes),
        *(["", "what each rule picks, on all rows:", others.table(result)] if others else []),
    ]
    if nested:
        lines += ["", _nested_line(nested, result.score)]
    lines += ["", *found.lines(), *relaxed.lines(), "", *judged, *kept]
    pictures = cv_pictures(asked, result) if figures.wanted(options) else {}
    report = Report(f"λ for {rows.title}", describe(asked))
    _tell(report, [told, *judged], nested)
    found.add_to(report)
    relaxed.add_to(report)
    tables: list[tuple[tuple[str, ...], list[list[str]]]] = [(result.HEAD, result.rows())]
    plain = _plain(result, nested, found.plain, rows.notes) | relaxed.plain()
    if others:
        tables.append((others.HEAD, others.rows(result)))
        plain["rules"] = others.as_dict()
    moved = "" if options.no_figures else _slider(asked, result)
    notes = [*rows.notes, *result.notes, *relaxed.notes]
    write(options, "cv", "\n".join(lines), plain, report, pictures, tables, notes, moved)


def _slider(asked: Job, result: selection.CrossValidation) -> str:
    """The slider over the models of all rows, with the error of the folds; "" where a model could not be fitted."""
    if not result.path or any(model is None for model in result.path):
        return ""
    name = f"{result.score.replace('_', ' ')} of the folds"
    held = Course(name, result.mean.tolist(), result.error.tolist())
    picks = {"best λ": result.best, "one-SE pick": result.one_se}
    return lambda_slider(asked, result.lambdas, result.path, [held, fits_of(asked, result.path)], picks)


def _tell(report: Report, told: list[str], nested: selection.Nested | None) -> None:
    """The picks in sentences, and what is to be believed of them."""
    told = [f"{line[0].upper()}{line[1:]}." for line in told]
    honest = f"nested cross-validation gives {nested.mean:.4g} ± {nested.error:.2g}" if nested else "see `--nested`"
    report.text(
        f"{told[0]} The best mean flatters itself, since λ was chosen to make it best; for an honest figure {honest}."
    )
    for line in told[1:]:
        report.text(line)


def _scored(
    asked: Job, rows: choose_data.Rows, folds: selection.KFold, options: argparse.Namespace
) -> tuple[selection.CrossValidation, selection.Nested | None]:
    """The cross-validation, and the nested one if it was asked for."""
    common = {
        "count": options.count,
        "ratio": options.ratio,
        "score": options.score,
        "seed": options.seed,
        "n_jobs": options.jobs,
        "progress": None,
        **asked.options,
    }
    with told_below():
        result = selection.cross_validate(asked.family, rows.x, rows.y, folds=folds, log=options.log, **common)
        nested = None
        if options.nested:
            nested = selection.nested_cross_validate(
                asked.family, rows.x, rows.y, outer=options.folds, folds=options.folds, log=options.log, **common
            )
    return result, nested


def _picks(result: selection.CrossValidation, rows: choose_data.Rows) -> list[str]:
    """For both picks the mean over folds, and R² or accuracy beside it.

    R² = 1 - mean squared error / variance of the target in all rows.
    """
    told = []
    for name, i in {"the best λ": result.best, "the one-standard-error λ": result.one_se}.items():
        more = ""
        if result.score == "mse":
            more = f", R² {r_squared(float(result.mean[i]), rows.y, rows.weights):.4g}"
        elif result.accuracy is not None and result.score != "accuracy":
            more = f", accuracy {mean_and_error(result.accuracy[:, i].tolist())[0]:.4g}"
        error = f" ± {result.error[i]:.2g}" if np.isfinite(result.error[i]) else ""
        told.append(f"{name}, {result.lambdas[i]:.6g}: {result.score} {result.mean[i]:.6g}{error}{more}")
    return told


def _nested_line(nested: selection.Nested, score: str) -> str:
    return (
        f"nested cross-validation, λ chosen anew in each of {len(nested.scores)} outer folds: "
        f"{score} {nested.mean:.6g} ± {nested.error:.3g}"
    )


def _plain(
    result: selection.CrossValidation, nested: selection.Nested | None, weights: dict[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """What goes into the JSON file."""
    plain = json.loads(result.to_json()) | weights
    plain["notes"] = [*notes, *plain["notes"]]
    if nested:
        plain["nested"] = {
            "mean": nested.mean,
            "std_error": nested.error,
            "scores": nested.scores.tolist(),
            "lambdas": nested.lambdas,
        }
    return plain
