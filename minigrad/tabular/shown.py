"""A predictor in words: what it is, its scores, λ, coefficients by name, columns and levels, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.formats.recipe import Column
from ..lab.pages.tables import as_text

if TYPE_CHECKING:
    from .predictor import Predictor

SHOWN, CLASSES, LEVELS = 25, 8, 12  # inputs in a table, classes in its columns, levels in a line
KIND = {
    "linear": "linear regression",
    "logistic": "logistic regression",
    "poisson": "Poisson regression",
    "huber": "robust regression (Huber)",
    "mlp": "network",
}


def shown(model: Predictor) -> str:
    """What Predictor.show returns."""
    blocks = [[*title(model), *strengths(model)], scores(model), weights(model), columns(model), end(model)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def title(model: Predictor) -> list[str]:
    """What it predicts from what."""
    about = model.about
    rows = about.get("rows", {})
    columns = f" from {len(model.recipe.columns)} columns" if model.recipe is not None else ""
    where = f" of {about['data']}" if about.get("data") else ""
    told = [f"{model.target}{where}: {KIND[model.kind]}, {len(model.names)} inputs{columns}"]
    if model.classes is not None:
        classes = model.classes.tolist()
        told.append(f"{len(classes)} classes: {_list(map(str, classes))}")
    if model.build is not None:
        sizes = "-".join(map(str, [model.build.inputs, *model.build.hidden, model.build.outputs]))
        drop = f", dropout {model.build.dropout:g}" if model.build.dropout else ""
        best = f", weights of epoch {about['best epoch']}" if about.get("best epoch") else ""
        trained = f"; {about['epochs']} epochs{best}" if "epochs" in about else ""
        told.append(f"units {sizes}, relu{drop}{trained}")
    if getattr(model.core, "offset", False):
        column = f" {model.recipe.offset!r}" if model.recipe is not None else ""
        told.append(f"beside the offset{column}, which every prediction needs")
    if rows:
        told.append(
            f"trained on {rows.get('training')} rows" + (f", {n} held out" if (n := rows.get("held out")) else "")
        )
    return told


def strengths(model: Predictor) -> list[str]:
    """λ, and how it came about."""
    told = model.about.get("lambda")
    if not told:
        return []
    both = f"l1 = {told['l1']:.6g}, l2 = {told['l2']:.6g}"
    both += f", norms of groups = {told['group']:.6g}" if "group" in told else ""
    if told["how"] == "tuned":
        named = ", ".join(f"{name} {lam:.4g}" for name, lam in list(told["strengths"].items())[:LEVELS])
        more = f" and {len(told['strengths']) - LEVELS} more" if len(told["strengths"]) > LEVELS else ""
        return [
            f"strengths tuned on held-out rows, {told['score']} {told['start mean']:.6g} at the best λ of a grid, "
            f"{told['mean']:.6g} at the end: {named}{more}"
        ]
    refit = ["then refitted without penalty on the inputs that it left in the model (--relax)"]
    refit = refit if model.about.get("settings", {}).get("relax") else []
    if told["how"] != "cross-validation":
        none = not any(told.get(name) for name in ("l1", "l2", "group"))
        return ["no penalty" if none else f"penalty: {both}, as given", *refit]
    error = f" ± {told['error']:.2g}" if told.get("error") is not None else ""
    pick = "the best mean" if told["pick"] == "min" else "the largest within one standard error of the best"
    return [
        f"λ = {told['value']:.6g} ({both}), chosen by cross-validation: {pick} of {told['count']} λ in "
        f"{told['folds']} folds, {told['score']} {told['mean']:.6g}{error}",
        f"(the best mean: λ = {told['min']:.6g}; one standard error: λ = {told['1se']:.6g})",
        *refit,
    ]


def scores(model: Predictor) -> list[str]:
    """A row for each score, a column for each set of rows."""
    found = model.about.get("scores", {})
    if not found:
        return []
    names = list(next(iter(found.values())))
    head = ("scores", *(f"{part} rows" if part == "training" else f"rows {part}" for part in found))
    return as_text(head, [[n, *(_number(part.get(n)) for part in found.values())] for n in names]).split("\n")


def _number(value: Any) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def weights(model: Predictor) -> list[str]:
    """The coefficients by name, largest effects first; of a network the length of the weights of each input."""
    if model.coefficients is None:
        return _of_network(model)
    w = model.coefficients.reshape(len(model.names), -1)
    effects = w * model.scale.reshape(-1, 1)
    order = [i for i in np.argsort(-np.abs(effects).max(1), kind="stable") if w[i].any()]
    intercept = np.ravel(np.asarray(model.intercept))
    if w.shape[1] == 1:
        head: tuple[str, ...] = ("coefficients", "in units of the data", "standardized")
        rows = [["(intercept)", f"{intercept[0]:.6g}", f"{intercept[0] + float(w[:, 0] @ model.centre):.6g}"]]
        rows += [[model.names[i], f"{w[i, 0]:.6g}", f"{effects[i, 0]:.6g}"] for i in order[:SHOWN]]
        of = f"the log odds of {model.target} = {model.classes[1]}" if model.classes is not None else model.target
        of = f"the log rate of {model.target}" if model.kind == "poisson" else of
        note = f"standardized: how {of} changes when the input goes up by one standard deviation"
    else:
        labels = [] if model.classes is None else model.classes.tolist()
        head = ("coefficients, standardized", *map(str, labels[:CLASSES]))
        rows = [[model.names[i], *(f"{v:.4g}" for v in effects[i, :CLASSES])] for i in order[:SHOWN]]
        more = f"; {len(labels) - CLASSES} more classes" if len(labels) > CLASSES else ""
        note = f"logits of classes, for one standard deviation of an input{more}; all numbers: model.coefficients"
    left = f"; {len(order) - SHOWN} smaller ones are not shown" if len(order) > SHOWN else ""
    none = len(model.names) - len(order)
    zeros = [f"{none} of {len(model.names)} inputs have none"] if none else []
    return [*as_text(head, rows).split("\n"), f"({'; '.join([note, *zeros])}{left})"]


def _of_network(model: Predictor) -> list[str]:
    network = model.network
    if network is None:
        return []
    w = network.weights[0][1]
    lengths = np.sqrt((w.astype(np.float64) ** 2).sum(1))
    order = [i for i in np.argsort(-lengths, kind="stable") if lengths[i]]
    rows = [[model.names[i], f"{lengths[i]:.4g}"] for i in order[:SHOWN]]
    total = sum(w.size for _, w in network.weights)
    left = f"; {len(order) - SHOWN} smaller ones are not shown" if len(order) > SHOWN else ""
    used = (
        f"({len(order)} of {len(model.names)} inputs are used{left}; {network.nonzeros} of {total} weights are not 0)"
    )
    if len(order) == len(model.names):  # none was left out, and random weights have some length too
        return [used]
    return [*as_text(("length of the weights from each input, scaled", ""), rows).split("\n"), used]


def columns(model: Predictor) -> list[str]:
    """The columns of the file and what is done to them."""
    told = []
    if model.recipe is not None:
        told = ["columns"]
        numbers = [column.name for column in model.recipe.columns if column.kind == "numbers"]
        told += [f"  numbers: {_list(numbers)}"] if numbers else []
        told += [_of_words(column) for column in model.recipe.columns if column.kind != "numbers"]
        told += [f"  left out: {_list(model.recipe.ignore)}"] if model.recipe.ignore else []
    gaps = (
        "filled with means of the training rows"
        if model.fills_gaps
        else "an error (predict: missing='mean' fills them)"
    )
    if model.network is not None:
        scaled = "inputs" + (" and target" if model.network.targets is not None else "")
        told.append(f"{scaled} are brought to mean 0 and standard deviation 1, by the training rows")
    return [*told, f"missing values: {gaps}"]


def _of_words(column: Column) -> str:
    what = "TRUE and FALSE, as 1 and 0" if column.kind == "truth" else _list(column.levels)
    return f"  {column.name}: {what}"


def _list(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:LEVELS]) + (f" and {len(names) - LEVELS} more" if len(names) > LEVELS else "")


def end(model: Predictor) -> list[str]:
    """Notes and versions."""
    versions = model.about.get("versions", {})
    told = [f"note: {note}" for note in model.about.get("notes", [])]
    written = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [*told, f"made with {written}"] if written else told
