"""The weights of chosen models, by the names of their inputs: for the terminal, the report and the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..lab.pages.report import Report
from ..lab.pages.tables import as_text
from .choose_data import Rows, extremes

SHOWN = 25  # inputs in a table; the JSON has all
CLASSES = 12  # of which a table has a column each

Model = Any


class Coefficients(NamedTuple):
    """Tables of the inputs that models use, each under its heading, and all numbers as plain values."""

    tables: list[tuple[str, tuple[str, ...], list[list[str]]]]
    plain: dict[str, Any]

    def lines(self) -> list[str]:
        """The tables as text."""
        parts = [f"{heading}\n{as_text(head, rows)}" for heading, head, rows in self.tables]
        return "\n\n".join(parts).split("\n") if parts else []

    def add_to(self, report: Report) -> None:
        """The tables as sections of a report."""
        for heading, head, rows in self.tables:
            report.section(heading)
            report.table(head, rows)


def coefficients(rows: Rows, picks: Mapping[str, tuple[float, Model]]) -> Coefficients:
    """What the models at picked λ give each input: pick -> (λ, model), None where it could not be fitted.

    Of linear models the coefficients in the units of the data, and the intercept; of networks the length of the weights
    that lead from an input. Inputs without a weight are left out of the tables, the largest effects come first: size
    times the standard deviation of the column.
    """
    fitted = {name: pick for name, pick in picks.items() if pick[1] is not None}
    if not fitted:
        return Coefficients([], {})
    linear = all(hasattr(model, "coefficients") for _, model in fitted.values())
    classes = np.unique(rows.y).tolist() if rows.classes else []
    plain = {
        name.removeprefix("the ").removesuffix(" λ"): {"lambda": lam, **_plain(model)}
        for name, (lam, model) in fitted.items()
    }
    found = {"inputs": rows.names, "classes": classes or None, "at": plain}
    key = "coefficients" if linear else "input_weights"
    if linear and len(classes) > 2:
        tables = [_of_classes(rows, name, *pick, classes) for name, pick in _distinct(fitted).items()]
    else:
        tables = [_of_picks(rows, _distinct(fitted), classes, linear)]
    return Coefficients(tables, {key: found})


def _plain(model: Model) -> dict[str, Any]:
    if hasattr(model, "coefficients"):
        return {"intercept": np.asarray(model.intercept).tolist(), "coefficients": model.coefficients.tolist()}
    return {"lengths": by_input(model)[:, 0].tolist()}


def _distinct(picks: Mapping[str, tuple[float, Model]]) -> dict[str, tuple[float, Model]]:
    """The picks, those of one λ together."""
    found: dict[float, tuple[str, Model]] = {}
    for name, (lam, model) in picks.items():
        found[lam] = (f"{found[lam][0]} and {name}" if lam in found else name, model)
    return {name: (lam, model) for lam, (name, model) in found.items()}


def _of_picks(
    rows: Rows, picks: Mapping[str, tuple[float, Model]], classes: list[Any], linear: bool
) -> tuple[str, tuple[str, ...], list[list[str]]]:
    """A table with a column for each pick."""
    values = np.column_stack([by_input(model)[:, 0] for _, model in picks.values()])
    of = f"log odds of {rows.target} = {classes[1]}" if classes else f"{rows.target}"
    what = f"Coefficients, in the units of the data, for {of}" if linear else "Length of the weights from each input"
    body, left = _largest(rows, values)
    if linear:
        body.insert(0, ["(intercept)", *(f"{float(np.ravel(model.intercept)[0]):.6g}" for _, model in picks.values())])
    head = ("input", *(f"{name}, {lam:.4g}" for name, (lam, _) in picks.items()))
    return f"{what}{left}", head, body


def _of_classes(
    rows: Rows, name: str, lam: float, model: Model, classes: list[Any]
) -> tuple[str, tuple[str, ...], list[list[str]]]:
    """A table with a column for each class."""
    body, left = _largest(rows, model.coefficients[:, :CLASSES])
    body.insert(0, ["(intercept)", *(f"{value:.4g}" for value in np.ravel(model.intercept)[:CLASSES])])
    more = f", of the first {CLASSES} of {len(classes)} classes" if len(classes) > CLASSES else ""
    head = ("input", *(str(label) for label in classes[:CLASSES]))
    what = f"Coefficients, in the units of the data, at {name}, {lam:.4g}, for each {rows.target}"
    return f"{what}{more}{left}", head, body


def _largest(rows: Rows, values: np.ndarray) -> tuple[list[list[str]], str]:
    """A row of text for each of the inputs with the largest effects, and how many have none or are not shown."""
    used = np.flatnonzero((values != 0).any(1))
    order = used[np.argsort(-_effects(rows.x[:, used], values[used]), kind="stable")]
    digits = 6 if values.shape[1] <= 2 else 4
    body = [[rows.names[i], *(f"{value:.{digits}g}" if value else "0" for value in values[i])] for i in order[:SHOWN]]
    none = len(rows.names) - len(used)
    parts = [f"{none} of {len(rows.names)} inputs have none"] if none else []
    if len(order) > SHOWN:
        parts.append(f"{len(order) - SHOWN} smaller ones stand in the JSON")
    return body, f" ({'; '.join(parts)})" if parts else ""


def _effects(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The natural logarithm of (standard deviation of each column, gaps left out) times its largest coefficient.

    The columns are divided by their largest number before they are squared, because squares of 1e160 leave float64.
    """
    size, share = _deviations(x)
    with np.errstate(divide="ignore"):  # of a constant column
        return np.log(share) + np.log(size) + np.log(np.abs(values).max(1))


def _deviations(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest number of each column, and its standard deviation divided by that; gaps are left out."""
    low, high = extremes(x)
    size = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
    size[size == 0] = 1.0
    there = ~np.isnan(x)
    scaled = np.where(there, x / size, 0.0)
    rows = np.maximum(there.sum(0), 1)
    apart = np.where(there, scaled - scaled.sum(0) / rows, 0.0)
    return size, np.sqrt((apart**2).sum(0) / rows)


def standardized(rows: Rows, models: Sequence[Model]) -> tuple[dict[str, np.ndarray], str]:
    """Class -> (inputs, models), and what it holds in words: coefficients times the standard deviations of columns.

    Of numbers and of two classes there is one table. Of networks it holds the lengths of the weights from each input.
    """
    values = np.stack([by_input(model) for model in models], 2)  # (inputs, 1 or classes, models)
    if not hasattr(models[0], "coefficients"):
        return {"": values[:, 0]}, "norm of an input's weights"
    size, share = _deviations(rows.x)
    values = values * size.reshape(-1, 1, 1) * share.reshape(-1, 1, 1)
    classes = np.unique(rows.y).tolist() if rows.classes else []
    titles = [f"{rows.target} = {label}" for label in classes] if values.shape[1] > 1 else [""]
    return {title: values[:, i] for i, title in enumerate(titles)}, "standardized coefficient"


def weights_of(model: Model) -> list[np.ndarray]:
    """The penalised weights of a linear model or of a network."""
    return [model.coefficients] if hasattr(model, "coefficients") else [w for _, w in model.weights]


def by_input(model: Model) -> np.ndarray:
    """(inputs, 1 or classes): coefficients of a linear model; of a network the length of each input's weights."""
    w = weights_of(model)[0]
    if hasattr(model, "coefficients"):
        return w.reshape(len(w), -1)
    return np.sqrt((w.astype(np.float64) ** 2).sum(1)).reshape(-1, 1)


def entering(names: Sequence[str], models: Sequence[Model], most: int = 4) -> list[str]:
    """For each model along a path the inputs that the model before it did not use, and, with a -, those it did."""
    told, before = [], np.zeros(len(names), bool)
    for model in models:
        used = (by_input(model) != 0).any(1)
        moves = [name for name, now, was in zip(names, used, before) if now and not was]
        moves += [f"-{name}" for name, now, was in zip(names, used, before) if was and not now]
        told.append(", ".join(moves[:most]) + (f" and {len(moves) - most} more" if len(moves) > most else ""))
        before = used
    return told
