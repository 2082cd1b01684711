"""minigrad path: the coefficients at every λ of a grid, with a report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import selection
from ..lab.pages import figures
from ..lab.pages.console import make_folder
from ..lab.pages.report import Report
from ..lab.pages.slider import Course
from ..lab.pages.tables import as_text
from ..tabular.keeping import FILE
from . import choose_options
from .choose import describe, job, rules_without_folds, told_below, write
from .choose_figures import fits_of, lambda_slider, path_picture
from .choose_keep import given, keep_model
from .choose_weights import coefficients, entering, weights_of


def add_path(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    return choose_options.add(commands, "path", run_path)


def run_path(options: argparse.Namespace) -> None:
    """minigrad path."""
    asked = job(options)
    rows = asked.rows
    make_folder(options.out)
    prepared = selection.prepare(asked.family, rows.x, rows.y, **asked.options)
    lambdas = selection.lambda_grid(asked.family, prepared, options.count, options.ratio)
    with told_below():
        models = selection.fit_path(asked.family, prepared, lambdas.tolist(), [options.seed] * len(lambdas))
    for lam, model in zip(lambdas, models):
        if isinstance(model, Exception):
            raise ValueError(f"λ = {lam:.6g}: {model}") from model
    course = fits_of(asked, models)
    head, table = _every_lambda(rows.names, lambdas, models, course)
    rules = rules_without_folds(asked, lambdas)
    notes = [f"λ = {lam:.6g}: {model.trouble}" for lam, model in zip(lambdas, models) if getattr(model, "trouble", "")]
    notes = [*rows.notes, *notes]
    keep_model(options.out / FILE, asked, models[-1], given(asked, float(lambdas[-1])))
    found = coefficients(rows, {"the smallest λ": (float(lambdas[-1]), models[-1])})
    lines = [
        f"{rows.title}: {describe(asked)}",
        "",
        as_text(head, table),
        *(f"note: {n}" for n in notes),
        *(["", "what each rule picks, on all rows:", rules.table()] if rules else []),
        "",
        *found.lines(),
        "",
        f"kept: {options.out}, the model of all rows at the smallest λ",
    ]
    plain = _plain(rows.names, lambdas, models, prepared.names)
    plain = {
        **plain,
        **({} if "coefficients" in plain else found.plain),
        course.name: course.values,
        **({"rules": rules.as_dict()} if rules else {}),
        "notes": notes,
    }
    report = Report(f"The λ path of {rows.title}", describe(asked))
    if rules:
        report.section("What each rule picks")
        report.table(rules.HEAD, rules.rows())
    found.add_to(report)
    picks = {name: rules.picks[name.lower()] for name in ("AIC", "BIC") if name.lower() in rules.picks} if rules else {}
    marks = {name: float(lambdas[i]) for name, i in picks.items()}
    pictures = path_picture(asked, lambdas, models, marks) if figures.wanted(options) else {}
    moved = "" if options.no_figures else lambda_slider(asked, lambdas, models, [course], picks)
    write(options, "path", "\n".join(lines), plain, report, pictures, [(head, table)], notes, moved)


def _every_lambda(
    names: Sequence[str], lambdas: np.ndarray, models: Sequence[Any], course: Course
) -> tuple[tuple[str, ...], list[list[str]]]:
    """A row of text for each λ, and their head."""
    sizes = [sum(float(np.abs(w).sum()) for w in weights_of(model)) for model in models]
    return ("λ", "non-zeros", "Σ|w|", course.name, "inputs that enter (-: leave)"), [
        [f"{lam:.6g}", str(model.nonzeros), f"{size:.6g}", f"{how_good:.4g}", moves]
        for lam, model, size, how_good, moves in zip(lambdas, models, sizes, course.values, entering(names, models))
    ]


def _plain(names: Sequence[str], lambdas: np.ndarray, models: Sequence[Any], classes: Any) -> dict[str, Any]:
    """What goes into the JSON file; of networks all but the lengths of their weights."""
    sizes = [sum(float(np.abs(w).sum()) for w in weights_of(model)) for model in models]
    plain = {"lambdas": lambdas.tolist(), "nonzeros": [model.nonzeros for model in models], "sizes": sizes}
    if hasattr(models[0], "coefficients"):
        plain |= {
            "names": names,
            "coefficients": [model.coefficients.tolist() for model in models],
            "intercepts": [np.asarray(model.intercept).tolist() for model in models],
            "classes": None if classes is None else classes.tolist(),
        }
    return plain
