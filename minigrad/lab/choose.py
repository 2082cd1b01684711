"""The commands `minigrad cv` and `minigrad path`: λ for a table of one's own, or for a named data set."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import data, linear_model, nn, selection
from ..data.atomic import atomic_write
from ..ops.classification import cross_entropy
from ..ops.losses import mse
from . import figures, selection_figures
from .report import Report
from .tables import as_text

ROWS = 400  # of a data set that is made
Pictures = dict[str, tuple[bytes, str]]  # file name -> PNG, description


class Job(NamedTuple):
    """What is to be predicted from what, and by which family of models."""

    title: str
    x: np.ndarray
    y: np.ndarray
    names: list[str]
    family: Any


def named(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A data set by its name."""
    if name == "digits":
        return data.load_digits("float64")
    if name == "mnist":
        return data.load_mnist().train
    if name == "regression":
        made = data.regression(ROWS // 4, 60, noise=3.0, nonzero=6, seed=seed, dtype="float64")
        return made.x, made.y
    make: Any = {"blobs": data.blobs, "moons": data.moons, "spirals": data.spirals}[name]
    return make(ROWS, seed=seed, dtype="float64")


NAMED = ("digits", "mnist", "regression", "blobs", "moons", "spirals")


def job(options: argparse.Namespace) -> Job:
    """The rows that were asked for, and the family."""
    if options.data in NAMED:
        if options.target or options.categorical or options.ignore:
            raise ValueError(f"{options.data} is a data set; --target, --categorical and --ignore are for CSV files")
        x, y = named(options.data, options.seed)
        names, title, classes = [f"x{i}" for i in range(x.shape[1])], options.data, y.dtype.kind == "i"
    else:
        x, y, names, target = data.read_csv(
            options.data, options.target, categorical=options.categorical, ignore=options.ignore,
            missing="error" if options.missing == "error" else "keep", delimiter=options.delimiter,
        )  # fmt: skip
        title, classes = f"{target} of {Path(options.data).name}", y.dtype.kind == "U"
    family = make_family(options, x.shape[1], y, classes)
    if options.missing == "mean":
        family = selection.Imputed(family)
    return Job(title, x, y, names, family)


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
            epochs=options.epochs, standardize=options.standardize,
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
    options.out.mkdir(parents=True, exist_ok=True)
    folds = selection.KFold(
        options.folds, repeats=options.repeats, stratified=asked.family.classifies, seed=options.seed
    )
    common = {"count": options.count, "ratio": options.ratio, "score": options.score, "seed": options.seed,
              "n_jobs": options.jobs, "progress": None}  # fmt: skip
    with told_below():
        result = selection.cross_validate(asked.family, asked.x, asked.y, folds=folds, log=options.log, **common)
        nested = None
        if options.nested:
            nested = selection.nested_cross_validate(
                asked.family, asked.x, asked.y, outer=options.folds, folds=options.folds, log=options.log, **common
            )
    picks = (
        f"best mean at λ = {result.lambda_min:.6g}; within one standard error of it, and simplest: λ = "
        f"{result.lambda_1se:.6g}"
    )
    lines = [f"{asked.title}: {describe(asked)}", picks, "", result.table()]
    if nested:
        lines += ["", f"nested cross-validation, λ chosen anew in each of {len(nested.scores)} outer folds: "
                  f"{result.score} {nested.mean:.6g} ± {nested.error:.3g}"]  # fmt: skip
    text = "\n".join(lines)
    print(text)
    plain = json.loads(result.to_json())
    if nested:
        plain["nested"] = {"mean": nested.mean, "std_error": nested.error, "scores": nested.scores.tolist(),
                           "lambdas": nested.lambdas}  # fmt: skip
    pictures = {}
    if figures.wanted(options):
        pictures["error"] = (selection_figures.error_over_lambda(result), f"{result.score} over λ, with both picks")
        marks = {"best": result.lambda_min, "one standard error": result.lambda_1se}
        pictures |= path_picture(asked, result.lambdas, result.path, marks)
    report = Report(f"λ for {asked.title}", describe(asked))
    honest = f"nested cross-validation gives {nested.mean:.4g} ± {nested.error:.2g}" if nested else "see `--nested`"
    report.text(
        f"{picks[0].upper()}{picks[1:]}. The best mean flatters itself, since λ was chosen to make it best; for an "
        f"honest figure {honest}."
    )
    write(options, "cv", text, plain, report, pictures, result.HEAD, result.rows(), result.notes)


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
    options.out.mkdir(parents=True, exist_ok=True)
    prepared = selection.prepare(asked.family, asked.x, asked.y)
    lambdas = selection.lambda_grid(asked.family, prepared, options.count, options.ratio)
    with told_below():
        models = selection.fit_path(asked.family, prepared, lambdas.tolist(), [options.seed] * len(lambdas))
    for lam, model in zip(lambdas, models):
        if isinstance(model, Exception):
            raise ValueError(f"λ = {lam:.6g}: {model}") from model
    head = ("λ", "non-zeros", "Σ|w|")
    sizes = [sum(float(np.abs(w).sum()) for w in weights_of(model)) for model in models]
    rows = [[f"{lam:.6g}", str(model.nonzeros), f"{size:.6g}"] for lam, model, size in zip(lambdas, models, sizes)]
    notes = [f"λ = {lam:.6g}: {model.trouble}" for lam, model in zip(lambdas, models) if getattr(model, "trouble", "")]
    text = "\n".join([f"{asked.title}: {describe(asked)}", "", as_text(head, rows), *(f"note: {n}" for n in notes)])
    print(text)
    plain = {"lambdas": lambdas.tolist(), "nonzeros": [model.nonzeros for model in models], "sizes": sizes}
    if hasattr(models[0], "coefficients"):
        plain |= {"names": asked.names, "coefficients": [model.coefficients.tolist() for model in models],
                  "intercepts": [np.asarray(model.intercept).tolist() for model in models],
                  "classes": None if prepared.names is None else prepared.names.tolist()}  # fmt: skip
    pictures = path_picture(asked, lambdas, models, {}) if figures.wanted(options) else {}
    report = Report(f"The λ path of {asked.title}", describe(asked))
    write(options, "path", text, plain, report, pictures, head, rows, notes)


def describe(asked: Job) -> str:
    """Rows, inputs and model in one line."""
    settings = asked.family.settings()
    told = ", ".join(f"{k} = {settings[k]}" for k in ("l1_ratio", "standardize", "epochs", "missing") if k in settings)
    return f"{len(asked.x)} rows, {asked.x.shape[1]} inputs, {settings['model']} ({told})"


def weights_of(model: Any) -> list[np.ndarray]:
    """The penalised weights of a linear model or of a network."""
    return [model.coefficients] if hasattr(model, "coefficients") else [w for _, w in model.weights]


def path_picture(asked: Job, lambdas: np.ndarray, models: list[Any], marks: dict[str, float]) -> Pictures:
    """Coefficients of inputs over λ: the largest over classes; of a network, the length of each input's weights."""
    rows = []
    for model in models:
        if model is None:
            return {}
        w = weights_of(model)[0]
        if hasattr(model, "coefficients"):
            w = w.reshape(len(w), -1)
            rows.append(w[range(len(w)), np.abs(w).argmax(1)])
        else:
            rows.append(np.sqrt((w.astype(np.float64) ** 2).sum(1)))
    counts = [model.nonzeros for model in models]
    png = selection_figures.coefficient_paths(lambdas, np.array(rows).T, asked.names, counts, marks)
    return {"path": (png, "Coefficients over λ, fitted on all rows")}


def write(
    options: argparse.Namespace, name: str, text: str, plain: dict[str, Any], report: Report,
    pictures: Pictures, head: Any, rows: list[list[str]], notes: list[str],
) -> None:  # fmt: skip
    """NAME.txt, NAME.json, NAME.html and the figures in the folder, each whole or not at all."""
    for png, description in pictures.values():
        report.figure(png, description)
    for note in notes:
        report.text(f"Note: {note}.")
    report.table(head, rows)
    files = {f"{name}.txt": text + "\n", f"{name}.json": json.dumps(plain, indent=1, ensure_ascii=False) + "\n",
             f"{name}.html": report.html()}  # fmt: skip
    contents = {file: content.encode() for file, content in files.items()}
    contents |= {f"{picture}.png": png for picture, (png, _) in pictures.items()}
    for file, content in contents.items():
        with atomic_write(options.out / file) as handle:
            handle.write(content)
    print(f"\nreport: {(options.out / f'{name}.html').resolve()}")
