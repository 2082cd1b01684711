"""The commands `minigrad cv` and `minigrad path`: λ for a table of one's own, or for a named data set."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import linear_model, nn, selection
from ..atomic import atomic_write
from ..lab.pages import figures, selection_figures
from ..lab.pages.console import make_folder
from ..lab.pages.report import Report
from ..lab.pages.tables import as_text
from ..ops.classification import cross_entropy
from ..ops.losses import mse
from . import choose_data
from .choose_weights import by_input, coefficients, entering, weights_of

Pictures = dict[str, tuple[bytes, str]]  # file name -> PNG, description


class Job(NamedTuple):
    """What is to be predicted from what, and by which family of models; the options of selection that the rows set."""

    rows: choose_data.Rows
    family: Any
    options: dict[str, Any]


def job(options: argparse.Namespace) -> Job:
    """The rows that were asked for, and the family."""
    rows = choose_data.rows(options)
    family = make_family(options, rows.x.shape[1], rows.y, rows.classes)
    if options.missing == "mean":
        family = selection.Imputed(family)
    told = {"groups": rows.groups, "weights": rows.weights}
    return Job(rows, family, {name: values for name, values in told.items() if values is not None})


def make_family(options: argparse.Namespace, inputs: int, y: np.ndarray, classes: bool) -> Any:
    """The family of models that --model names; auto: logistic for classes, else linear."""
    model = options.model if options.model != "auto" else "logistic" if classes else "linear"
    if classes and model == "linear":
        raise ValueError("--model linear predicts numbers, and the target holds classes: use logistic or mlp")
    if not classes and model == "logistic":
        raise ValueError("--model logistic predicts classes, and the target holds numbers: name it in --categorical")
    if model == "mlp":
        return selection.Network(
            build=Build(inputs, options.hidden, len(np.unique(y)) if classes else 1),
            loss=cross_entropy if classes else mse, classifies=classes, options=(("lr", options.lr),),
            epochs=options.epochs, standardize=options.standardize, warm=options.warm_start,
        )  # fmt: skip
    kind = linear_model.Logistic if model == "logistic" else linear_model.Regression
    return kind(l1_ratio=options.l1_ratio, standardize=options.standardize)


@dataclass(frozen=True)
class Build:
    """inputs-hidden-outputs with relu, as an object that other processes can be sent."""

    inputs: int
    hidden: int
    outputs: int

    def __call__(self) -> nn.Module:
        hidden = nn.Linear(self.inputs, self.hidden, activation="relu", init="he_uniform")
        return nn.Sequential(hidden, nn.Linear(self.hidden, self.outputs))


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
    common = {"count": options.count, "ratio": options.ratio, "score": options.score, "seed": options.seed,
              "n_jobs": options.jobs, "progress": None, **asked.options}  # fmt: skip
    with told_below():
        result = selection.cross_validate(asked.family, rows.x, rows.y, folds=folds, log=options.log, **common)
        nested = None
        if options.nested:
            nested = selection.nested_cross_validate(
                asked.family, rows.x, rows.y, outer=options.folds, folds=options.folds, log=options.log, **common
            )
    picks = {"the best λ": result.best, "the one-standard-error λ": result.one_se}
    found = coefficients(rows, {name: (float(result.lambdas[i]), result.path[i]) for name, i in picks.items()})
    told = (
        f"best mean at λ = {result.lambda_min:.6g}; within one standard error of it, and simplest: λ = "
        f"{result.lambda_1se:.6g}"
    )
    lines = [f"{rows.title}: {describe(asked)}", told, "", result.table(), *(f"note: {note}" for note in rows.notes)]
    if nested:
        lines += ["", f"nested cross-validation, λ chosen anew in each of {len(nested.scores)} outer folds: "
                  f"{result.score} {nested.mean:.6g} ± {nested.error:.3g}"]  # fmt: skip
    lines += ["", *found.lines()]
    plain = json.loads(result.to_json()) | found.plain
    plain["notes"] = [*rows.notes, *plain["notes"]]
    if nested:
        plain["nested"] = {"mean": nested.mean, "std_error": nested.error, "scores": nested.scores.tolist(),
                           "lambdas": nested.lambdas}  # fmt: skip
    pictures = {}
    if figures.wanted(options):
        pictures["error"] = (selection_figures.error_over_lambda(result), f"{result.score} over λ, with both picks")
        marks = {"best": result.lambda_min, "one standard error": result.lambda_1se}
        pictures |= path_picture(asked, result.lambdas, result.path, marks)
    report = Report(f"λ for {rows.title}", describe(asked))
    honest = f"nested cross-validation gives {nested.mean:.4g} ± {nested.error:.2g}" if nested else "see `--nested`"
    report.text(
        f"{told[0].upper()}{told[1:]}. The best mean flatters itself, since λ was chosen to make it best; for an "
        f"honest figure {honest}."
    )
    found.add_to(report)
    tables = [(result.HEAD, result.rows())]
    write(options, "cv", "\n".join(lines), plain, report, pictures, tables, [*rows.notes, *result.notes])


@contextmanager
def told_below() -> Iterator[None]:
    """No warnings of fits and picks: the notes below the table say the same."""
    with warnings.catch_warnings():
        for category in (selection.SelectionWarning, linear_model.ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        yield


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
    head = ("λ", "non-zeros", "Σ|w|", "inputs that enter (-: leave)")
    sizes = [sum(float(np.abs(w).sum()) for w in weights_of(model)) for model in models]
    table = [
        [f"{lam:.6g}", str(model.nonzeros), f"{size:.6g}", names]
        for lam, model, size, names in zip(lambdas, models, sizes, entering(rows.names, models))
    ]
    notes = [f"λ = {lam:.6g}: {model.trouble}" for lam, model in zip(lambdas, models) if getattr(model, "trouble", "")]
    notes = [*rows.notes, *notes]
    found = coefficients(rows, {"the smallest λ": (float(lambdas[-1]), models[-1])})
    lines = [f"{rows.title}: {describe(asked)}", "", as_text(head, table), *(f"note: {n}" for n in notes), "",
             *found.lines()]  # fmt: skip
    plain = {"lambdas": lambdas.tolist(), "nonzeros": [model.nonzeros for model in models], "sizes": sizes}
    if hasattr(models[0], "coefficients"):
        plain |= {"names": rows.names, "coefficients": [model.coefficients.tolist() for model in models],
                  "intercepts": [np.asarray(model.intercept).tolist() for model in models],
                  "classes": None if prepared.names is None else prepared.names.tolist()}  # fmt: skip
    else:
        plain |= found.plain
    pictures = path_picture(asked, lambdas, models, {}) if figures.wanted(options) else {}
    report = Report(f"The λ path of {rows.title}", describe(asked))
    found.add_to(report)
    write(options, "path", "\n".join(lines), {**plain, "notes": notes}, report, pictures, [(head, table)], notes)


def describe(asked: Job) -> str:
    """Rows, inputs and model in one line."""
    settings = asked.family.settings()
    told = [f"{k} = {settings[k]}" for k in ("l1_ratio", "standardize", "missing") if k in settings]
    if "warm" in settings:
        told.append(f"{selection_figures.training(settings)}")
    rows = asked.rows
    groups = f" in {len(set(rows.groups.tolist()))} groups" if rows.groups is not None else ""
    weights = ", weighted" if rows.weights is not None else ""
    return f"{len(rows.x)} rows{groups}{weights}, {rows.x.shape[1]} inputs, {settings['model']} ({', '.join(told)})"


def path_picture(asked: Job, lambdas: np.ndarray, models: list[Any], marks: dict[str, float]) -> Pictures:
    """Coefficients of inputs over λ: the largest over classes; of a network, the length of each input's weights."""
    if any(model is None for model in models):
        return {}
    rows = []
    for model in models:
        w = by_input(model)
        rows.append(w[range(len(w)), np.abs(w).argmax(1)])
    counts = [model.nonzeros for model in models]
    png = selection_figures.coefficient_paths(lambdas, np.array(rows).T, asked.rows.names, counts, marks)
    return {"path": (png, "Coefficients over λ, fitted on all rows")}


def write(
    options: argparse.Namespace, name: str, text: str, plain: dict[str, Any], report: Report,
    pictures: Pictures, tables: list[tuple[Any, list[list[str]]]], notes: list[str],
) -> None:  # fmt: skip
    """NAME.txt, NAME.json, NAME.html and the figures in the folder, each whole or not at all; then print the text."""
    for png, description in pictures.values():
        report.figure(png, description)
    for note in notes:
        report.text(f"Note: {note}.")
    for head, rows in tables:
        report.table(head, rows)
    files = {f"{name}.txt": text + "\n", f"{name}.json": json.dumps(plain, indent=1, ensure_ascii=False) + "\n",
             f"{name}.html": report.html()}  # fmt: skip
    contents = {file: content.encode() for file, content in files.items()}
    contents |= {f"{picture}.png": png for picture, (png, _) in pictures.items()}
    for file, content in contents.items():
        with atomic_write(options.out / file) as handle:
            handle.write(content)
    print(f"{text}\n\nreport: {(options.out / f'{name}.html').resolve()}")
