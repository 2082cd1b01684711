"""minigrad path: the coefficients at every λ of a grid, with a report."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from .. import selection
from ..lab.pages import figures
from ..lab.pages.console import make_folder
from ..lab.pages.report import Report
from ..lab.pages.tables import as_text
from ..selection.scores import predictions_of
from ..tabular.judging import scores_of_classes, scores_of_numbers
from ..tabular.keeping import FILE
from . import choose_options
from .choose import Job, describe, job, path_picture, told_below, write
from .choose_keep import given, keep_model
from .choose_weights import coefficients, entering, weights_of


def add_path(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    return choose_options.add(commands, "path", run_path)


def fits_of(asked: Job, prepared: Any, models: list[Any]) -> tuple[list[float], str]:
    """R² or accuracy of each model on the rows it was fitted on, and what it is called; of counts R² of their rates."""
    name = "R²" if prepared.names is None else "accuracy"
    of = scores_of_numbers if prepared.names is None else scores_of_classes
    return [
        of(predictions_of(m, prepared.x), prepared.y, asked.rows.weights)[name] for m in models
    ], f"{name} of these rows"


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
    fits, fit = fits_of(asked, prepared, models)
    head = ("λ", "non-zeros", "Σ|w|", fit, "inputs that enter (-: leave)")
    sizes = [sum(float(np.abs(w).sum()) for w in weights_of(model)) for model in models]
    table = [
        [f"{lam:.6g}", str(model.nonzeros), f"{size:.6g}", f"{how_good:.4g}", names]
        for lam, model, size, how_good, names in zip(lambdas, models, sizes, fits, entering(rows.names, models))
    ]
    notes = [f"λ = {lam:.6g}: {model.trouble}" for lam, model in zip(lambdas, models) if getattr(model, "trouble", "")]
    notes = [*rows.notes, *notes]
    keep_model(options.out / FILE, asked, models[-1], given(asked, float(lambdas[-1])))
    found = coefficients(rows, {"the smallest λ": (float(lambdas[-1]), models[-1])})
    lines = [
        f"{rows.title}: {describe(asked)}",
        "",
        as_text(head, table),
        *(f"note: {n}" for n in notes),
        "",
        *found.lines(),
        "",
        f"kept: {options.out}, the model of all rows at the smallest λ",
    ]
    plain = {"lambdas": lambdas.tolist(), "nonzeros": [model.nonzeros for model in models], "sizes": sizes}
    plain[fit] = fits
    if hasattr(models[0], "coefficients"):
        plain |= {
            "names": rows.names,
            "coefficients": [model.coefficients.tolist() for model in models],
            "intercepts": [np.asarray(model.intercept).tolist() for model in models],
            "classes": None if prepared.names is None else prepared.names.tolist(),
        }
    else:
        plain |= found.plain
    pictures = path_picture(asked, lambdas, models, {}) if figures.wanted(options) else {}
    report = Report(f"The λ path of {rows.title}", describe(asked))
    found.add_to(report)
    write(options, "path", "\n".join(lines), {**plain, "notes": notes}, report, pictures, [(head, table)], notes)
