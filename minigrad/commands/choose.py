"""What `minigrad cv` and `minigrad path` share: the job, its families of models, its report and its files."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import linear_model, nn, selection
from ..atomic import atomic_write
from ..lab.pages import selection_figures
from ..lab.pages.report import Report
from ..ops.losses.classes import cross_entropy
from ..ops.losses.regression import mse
from ..selection.criteria import JUDGED
from ..tabular.families import Inputs, linear_family, typed
from ..tabular.settings import OF_COLUMNS, placed
from . import choose_data

HIDDEN, RATE = 32, 1e-3  # of --model mlp: hidden units, step of Adam

Pictures = dict[str, tuple[bytes, str, str]]  # file name -> SVG, description, caption


class Job(NamedTuple):
    """What is to be predicted from what, and by which family of models; the options of selection that the rows set."""

    rows: choose_data.Rows
    family: Any
    options: dict[str, Any]


def job(options: argparse.Namespace) -> Job:
    """The rows that were asked for, and the family."""
    rows = choose_data.rows(options)
    family = make_family(options, rows)
    if options.missing == "mean":
        family = selection.Imputed(family)
    told = {"groups": rows.groups, "weights": rows.weights, "offset": rows.offset}
    return Job(rows, family, {name: values for name, values in told.items() if values is not None})


def make_family(options: argparse.Namespace, rows: choose_data.Rows) -> Any:
    """The family of models that --model names; auto: logistic for classes, else linear."""
    inputs, y, classes = rows.x.shape[1], rows.y, rows.classes
    model = options.model if options.model != "auto" else "logistic" if classes else "linear"
    if classes and model == "linear":
        raise ValueError("--model linear predicts numbers, and the target holds classes: use logistic or mlp")
    if not classes and model == "logistic":
        raise ValueError("--model logistic predicts classes, and the target holds numbers: name it in --categorical")
    if model == "mlp" and options.family != "auto":
        raise ValueError(f"--family {options.family}: of linear models; leave it out, or leave out --model mlp")
    if model == "mlp":
        return selection.Network(
            build=Build(
                inputs, HIDDEN if options.hidden is None else options.hidden, len(np.unique(y)) if classes else 1
            ),
            loss=cross_entropy if classes else mse,
            classifies=classes,
            options=(("lr", RATE if options.lr is None else options.lr),),
            epochs=options.epochs,
            standardize=options.standardize,
            warm=options.warm_start,
        )
    penalty_factor = factors_of(options.penalty_factor, rows.names) if options.penalty_factor else None
    told: dict[str, Any] = {"penalty_factor": penalty_factor, **sides_of(options, rows.names)}
    return linear_family(options, inputs_of(rows), told, typed)


def inputs_of(rows: choose_data.Rows) -> Inputs:
    """What a linear family depends on."""
    recipe = None if rows.table is None else rows.table.recipe
    return Inputs(rows.names, rows.y, rows.target, rows.classes, rows.weights, recipe)


def factors_of(asked: Sequence[tuple[str, float]], names: Sequence[str]) -> list[float]:
    """A factor for each input: the one asked for its column, or for the column whose level it is; else 1.

    >>> factors_of([("town", 0.0)], ["size", "town=A", "town=B"])
    [1.0, 0.0, 0.0]
    """
    return placed(asked, names, 1.0, "--penalty-factor")


def sides_of(options: argparse.Namespace, names: Sequence[str]) -> dict[str, list[float]]:
    """lower and upper, those that were asked for: a bound for each input, as factors_of; infinite for the others.

    >>> sides_of(argparse.Namespace(lower=[(None, 0.0), ("town", -2.0)], upper=None), ["size", "town=A", "town=B"])
    {'lower': [0.0, -2.0, -2.0]}
    """
    asked = {side: getattr(options, side) for side in ("lower", "upper")}
    return {side: placed(given, names, OF_COLUMNS[side], f"--{side}") for side, given in asked.items() if given}


@dataclass(frozen=True)
class Build:
    """inputs-hidden-outputs with relu, as an object that other processes can be sent."""

    inputs: int
    hidden: int
    outputs: int

    def __call__(self) -> nn.Module:
        hidden = nn.Linear(self.inputs, self.hidden, activation="relu", init="he_uniform")
        return nn.Sequential(hidden, nn.Linear(self.hidden, self.outputs))


def describe(asked: Job) -> str:
    """Rows, inputs and model in one line."""
    settings = asked.family.settings()
    told = [f"{k} = {settings[k]}" for k in ("l1_ratio", "standardize", "missing", "loss") if k in settings]
    if "threshold" in dir(asked.family):  # Huber's
        told.append(f"threshold = {asked.family.threshold:.6g}")
    if settings.get("groups") is not None:
        told.append(f"{len(set(settings['groups']))} groups")
    if "warm" in settings:
        told.append(f"{selection_figures.training(settings)}")
    rows = asked.rows
    groups = f" in {len(set(rows.groups.tolist()))} groups" if rows.groups is not None else ""
    weights = ", weighted" if rows.weights is not None else ""
    weights += ", beside an offset" if rows.offset is not None else ""
    told += [f"{side} bounds" for side in ("lower", "upper") if side in settings]
    return f"{len(rows.x)} rows{groups}{weights}, {rows.x.shape[1]} inputs, {settings['model']} ({', '.join(told)})"


def write(
    options: argparse.Namespace,
    name: str,
    text: str,
    plain: dict[str, Any],
    report: Report,
    pictures: Pictures,
    tables: list[tuple[Any, list[list[str]]]],
    notes: list[str],
    slider: str = "",
) -> None:
    """NAME.txt, NAME.json, NAME.html and the figures in the folder, each whole or not at all; then print the text."""
    if slider:
        report.section("Move λ")
        report.embed(slider)
    if pictures:
        report.section("Figures")
    for svg, description, caption in pictures.values():
        report.figure(svg, description, caption)
    for note in notes:
        report.text(f"Note: {note}.")
    if tables:
        report.section("Every λ")
    for head, rows in tables:
        report.table(head, rows)
    files = {
        f"{name}.txt": text + "\n",
        f"{name}.json": json.dumps(plain, indent=1, ensure_ascii=False) + "\n",
        f"{name}.html": report.html(),
    }
    contents = {file: content.encode() for file, content in files.items()}
    contents |= {f"{picture}.svg": svg for picture, (svg, *_) in pictures.items()}
    for file, content in contents.items():
        with atomic_write(options.out / file) as handle:
            handle.write(content)
    print(f"{text}\n\nreport: {(options.out / f'{name}.html').resolve()}")


@contextmanager
def told_below() -> Iterator[None]:
    """No warnings of fits and picks: the notes below the table say the same."""
    with warnings.catch_warnings():
        for category in (selection.SelectionWarning, linear_model.ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        yield


def rules_without_folds(asked: Job, lambdas: np.ndarray) -> selection.Criteria | None:
    """What AIC, BIC and the like pick of these λ; None for models without degrees of freedom, or with gaps filled."""
    if not isinstance(asked.family, JUDGED):
        return None
    with told_below():  # the path has told what did not converge
        of_rows = {name: asked.options.get(name) for name in ("weights", "offset")}
        return selection.criteria(asked.family, asked.rows.x, asked.rows.y, lambdas, **of_rows)
