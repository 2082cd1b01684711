"""The rows that `minigrad cv` and `minigrad path` are given, from a file or a data set, and what is said of them.

What can be refused is refused here, by the name of the column, class or option, before a model is fitted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import data
from ..lab.pages.console import close_to
from ..linear_model.design import LARGEST
from ..rng import SEEDS
from ..selection.prepared import SQUARES

ROWS = 400  # of a data set that is made
NAMED = ("digits", "mnist", "regression", "blobs", "moons", "spirals")
OF_FILES = (
    "target",
    "index",
    "categorical",
    "ignore",
    "na",
    "fold_groups",
    "weights",
    "offset",
    "decimal",
    "encoding",
    "header",
    "delimiter",
    "missing_target",
)
OF_LINEAR = (
    "l1_ratio",
    "penalty_factor",
    "penalty_groups",
    "huber_threshold",
    "lower",
    "upper",
    "offset",
    "relax",
)
OF_NETWORKS = ("hidden", "epochs", "lr", "dropout", "batch_size", "patience", "validation")
FEW = 10  # distinct whole numbers of a target that may be classes


class Rows(NamedTuple):
    """What is to be predicted from what.

    classes             whether the target holds classes
    groups, weights, offset     of the rows, or None
    notes               what was taken as something, or deserves a look
    table               as it was read from its file; of a data set, one without a recipe
    """

    title: str
    x: np.ndarray
    y: np.ndarray
    names: list[str]
    target: str
    classes: bool
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    table: data.Table | None = None
    offset: np.ndarray | None = None


def named(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A data set by its name."""
    if name == "digits":
        return data.load_digits("float64")
    if name == "mnist":
        try:
            return data.load_mnist().train
        except FileNotFoundError as error:
            raise ValueError(f"{error} On the command line: minigrad demo --data mnist --download.") from None
    if name == "regression":
        made = data.regression(ROWS // 4, 60, noise=3.0, nonzero=6, seed=seed, dtype="float64")
        return made.x, made.y
    make: Any = {"blobs": data.blobs, "moons": data.moons, "spirals": data.spirals}[name]
    return make(ROWS, seed=seed, dtype="float64")


def rows(options: argparse.Namespace) -> Rows:
    """The rows that were asked for. ValueError for what cannot be done with them."""
    found = _of_name(options) if options.data in NAMED else _of_file(options)
    _check_options(options, found)
    _check_target(found, options)
    _check_columns(found)
    if options.missing == "mean":
        _check_gaps(found)
    return found._replace(notes=found.notes + _notes(found, getattr(options, "family", "auto")))


def _of_name(options: argparse.Namespace) -> Rows:
    given = [f"--{name.replace('_', '-')}" for name in OF_FILES if getattr(options, name, None) is not None]
    if given:
        raise ValueError(f"{options.data} is a data set; of CSV files only: {', '.join(given)}")
    x, y = named(options.data, options.seed)
    names, classes = [f"x{i}" for i in range(x.shape[1])], y.dtype.kind == "i"
    return Rows(options.data, x, y, names, "the target", classes, table=data.Table(x, y, names, "the target"))


def _of_file(options: argparse.Namespace) -> Rows:
    path = Path(options.data)
    if "://" in options.data:
        raise ValueError(f"{options.data} is an address; download the file, and name that")
    if not path.exists():
        known = f"there is no file {options.data!r}, and no data set of this name"
        raise ValueError(f"{known}{close_to(options.data, list(NAMED))}{_beside(path)} (data sets: {', '.join(NAMED)})")
    if path.is_dir():
        raise ValueError(f"{options.data} is a folder; need a CSV file in it, or a data set: {', '.join(NAMED)}")
    table = data.read_csv(
        path,
        options.target,
        categorical="all" if options.categorical == ["all"] else options.categorical or (),
        ignore=options.ignore or (),
        missing="error" if options.missing == "error" else "keep",
        missing_target=options.missing_target or "error",
        na=options.na,
        index=options.index,
        groups=getattr(options, "fold_groups", None),
        weights=options.weights,
        offset=options.offset,
        delimiter="," if options.delimiter is None else options.delimiter,
        header=options.header,
        decimal=options.decimal or ".",
        encoding=options.encoding or "utf-8",
    )
    title = f"{table.target} of {path.name}"
    classes = table.y.dtype.kind == "U"
    x, y, names, target = table
    return Rows(title, x, y, names, target, classes, table.groups, table.weights, table.notes, table, table.offset)


def _beside(path: Path) -> str:
    """A file in the same folder whose name is close."""
    there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    return close_to(path.name, there) or ("" if path.parent.is_dir() else f"; there is no folder {path.parent}")


def _check_options(options: argparse.Namespace, found: Rows) -> None:
    """Refuse a model or a score that the target cannot have, a seed too large, and a log that cannot be written."""
    score, log = getattr(options, "score", None), getattr(options, "log", None)
    if options.model == "logistic" and not found.classes:
        raise ValueError(
            f"--model logistic predicts classes, and {found.target} holds numbers: name it in --categorical, or use "
            "linear"
        )
    if options.model == "linear" and found.classes:
        raise ValueError(f"--model linear predicts numbers, and {found.target} holds classes: use logistic or mlp")
    _refuse_options_of_others(options, found.classes)
    if options.seed >= SEEDS:
        raise ValueError(f"--seed {options.seed}: need less than {SEEDS}")
    if log is not None and (log.is_dir() or not log.absolute().parent.is_dir()):
        raise ValueError(f"--log {log}: need a file in a folder that is there")
    if score in ("accuracy", "log_loss") and not found.classes:
        raise ValueError(
            f"--score {score} needs classes, and {found.target} is a column of numbers: name it in --categorical to "
            "classify, or use --score mse"
        )
    if score == "mse" and found.classes:
        raise ValueError(f"--score mse needs numbers, and {found.target} holds classes: use log_loss or accuracy")


def _refuse_options_of_others(options: argparse.Namespace, classes: bool) -> None:
    """ValueError for options that were typed, and that the model does not have: they would change nothing."""
    model = options.model if options.model != "auto" else "logistic" if classes else "linear"
    theirs = OF_LINEAR if model == "mlp" else OF_NETWORKS
    typed = [name for name in theirs if _typed(options, name)]
    if model != "mlp" and hasattr(options, "folds") and options.warm_start:
        typed.append("warm_start")
    if options.weights and options.model == "mlp" and options.command != "train":
        raise ValueError("--weights: here --model mlp takes no weights of rows; linear and logistic do, and train")
    if typed:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in typed)
        cure = "linear and logistic have it (the penalty of its weights is L1)" if model == "mlp" else "add --model mlp"
        raise ValueError(f"{names}: --model {model} has no such option; {cure}, or leave it out")


def _typed(options: argparse.Namespace, name: str) -> bool:
    value = getattr(options, name, None)
    return value is not None and value is not False


def _check_target(found: Rows, options: argparse.Namespace) -> None:
    """Refuse a target that is constant, or has a class too rare for training and test parts."""
    values, counts = np.unique(found.y, return_counts=True)
    if found.classes and found.weights is not None:
        for label in np.setdiff1d(values, found.y[found.weights > 0])[:1]:
            raise ValueError(
                f"class {label!s} of {found.target} has weight 0 in every row (--weights {options.weights}): leave its "
                "rows out of the file, or give one a weight"
            )
    if found.classes and found.offset is not None and len(values) > 2:
        raise ValueError(
            f"--offset {options.offset}: {found.target} has {len(values)} classes, each with a logit of its own; one "
            "column is an offset of two classes"
        )
    if len(values) == 1:
        raise ValueError(f"{found.target} is {values[0]} in every row: there is nothing to predict")
    spread = 0.0 if found.classes else float(values[-1] / 2 - values[0] / 2)
    if spread and not SQUARES[0] < spread < SQUARES[1]:
        raise ValueError(
            f"{found.target} varies by {2 * spread:.3g}: squared errors of that size leave the range of float64; write "
            "it in another unit"
        )
    if not hasattr(options, "folds"):  # path: all rows train
        return
    _check_folds_are_filled(found, options)
    if found.classes:
        _check_classes(found, dict(zip(values.tolist(), counts.tolist())), 3 if options.nested else 2)


def _check_folds_are_filled(found: Rows, options: argparse.Namespace) -> None:
    """Refuse more folds than there are rows, or groups of rows."""
    n = len(found.y)
    if n < options.folds:
        raise ValueError(f"{n} rows do not fill --folds {options.folds}; take fewer folds or more rows")
    groups = None if found.groups is None else len(set(found.groups.tolist()))
    if groups is not None and groups < options.folds:
        raise ValueError(f"--fold-groups {options.fold_groups}: {groups} groups do not fill --folds {options.folds}")


def _check_classes(found: Rows, counts: dict[Any, int], need: int) -> None:
    """Refuse so many classes that they may be numbers and, where no groups are kept together, a class too rare."""
    n = len(found.y)
    if len(counts) > max(2, n // 2):
        raise ValueError(
            f"{found.target} has {len(counts)} classes in {n} rows; if it holds numbers, leave it out of --categorical"
        )
    rare = [(value, count) for value, count in counts.items() if count < need]
    if rare and found.groups is None:
        told = ", ".join(f"{value!r} has {count} row{'s' if count > 1 else ''}" for value, count in rare[:5])
        more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
        raise ValueError(
            f"classes of {found.target} with fewer than {need} rows: {told}{more}; a fold that tests such a row has "
            "none left to train on: join the class with another, or leave its rows out of the file"
        )


def _check_columns(found: Rows) -> None:
    """Refuse columns that leave the range of float64, and inputs that are all constant."""
    low, high = extremes(found.x)
    with np.errstate(over="ignore"):
        wide = ~np.isfinite(high - low)
    for i in np.flatnonzero(wide)[:1]:
        raise ValueError(
            f"column {found.names[i]!r} reaches from {low[i]:g} to {high[i]:g}: its range is too large for float64; a "
            "value that stands for a missing one can be named in --na"
        )
    for i in np.flatnonzero(np.maximum(np.abs(low), np.abs(high)) > LARGEST)[:1]:
        value = float(low[i] if abs(low[i]) > abs(high[i]) else high[i])
        raise ValueError(
            f"column {found.names[i]!r} reaches {value!r}, too large for means and squares in float64; if it stands "
            f"for a missing value: --na={value!r} --missing mean; else write the column in another unit"
        )
    if (low == high).all():
        raise ValueError(f"every input column is constant, as {found.names[0]!r} is {low[0]:g}: nothing can be learned")


def extremes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest number of each column that may have gaps; 0 where there is none."""
    there = ~np.isnan(x)
    low, high = np.where(there, x, np.inf).min(0), np.where(there, x, -np.inf).max(0)
    empty = ~there.any(0)
    return np.where(empty, 0, low), np.where(empty, 0, high)


def _check_gaps(found: Rows) -> None:
    """Refuse columns of which one row alone has a number: without it no mean is there."""
    counts = (~np.isnan(found.x)).sum(0)
    few = [found.names[i] for i in np.flatnonzero(counts < 2)]
    if few:
        told = ", ".join(map(repr, few[:5])) + (", ..." if len(few) > 5 else "")
        column = few[0].partition("=")[0]  # of a level, the column that it belongs to
        raise ValueError(
            f"--missing mean: column {told} has a value in one row only, so the training rows of a fold may have none: "
            f"--ignore {column}"
        )


def check_folds(found: Rows, folds: Sequence[tuple[np.ndarray, np.ndarray]], inner: int = 0) -> Rows:
    """The rows with a note on columns that have one value in some training part, where no model can use them.

    ValueError for a column without any value in the training rows of a fold, for a class without a row there, and for
    groups too few to fill as many inner folds as are asked for.
    """
    for i, (train, _) in enumerate(folds):
        _check_part(found, train, i, inner)
    low, high = extremes(found.x)
    constant = np.zeros(len(found.names), bool)
    for train, _ in folds:
        least, most = extremes(found.x[train])
        constant |= (least == most) & (low != high)
    if not constant.any():
        return found
    note = f"columns with one value in the training rows of a fold, which cannot use them: {_shown(found, constant)}"
    return found._replace(notes=(*found.notes, note))


def _check_part(found: Rows, train: np.ndarray, fold: int, inner: int) -> None:
    """ValueError where the training rows of a fold lack a class, the values of a column, or groups for inner folds."""
    if found.classes:
        for label in np.setdiff1d(found.y, found.y[train])[:1]:
            one = ", as all its rows are in its groups" if found.groups is not None else ""
            raise ValueError(
                f"class {label!s} of {found.target} has no row in the training rows of fold {fold}{one}: take other "
                "folds, or join the class with another"
            )
    groups = 0 if found.groups is None else len(set(found.groups[train].tolist()))
    if groups < inner and found.groups is not None:
        raise ValueError(
            f"--nested: {groups} groups in the training rows of fold {fold} do not fill {inner} inner folds"
        )
    for column in np.flatnonzero(np.isnan(found.x[train]).all(0))[:1]:
        name, there = found.names[column], int((~np.isnan(found.x[:, column])).sum())
        raise ValueError(
            f"column {name!r} has no value in the training rows of fold {fold} ({there} of {len(found.x)} rows have "
            f"one): leave it out by --ignore {name}, or take other folds by --seed"
        )


def _shown(found: Rows, marked: np.ndarray) -> str:
    """The names of the marked columns, the first eight."""
    names = [found.names[i] for i in np.flatnonzero(marked)]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _notes(found: Rows, family: str) -> tuple[str, ...]:
    """What deserves a look: a target that may be classes, columns that say nothing, numbers of rows."""
    notes = []
    values = np.unique(found.y)
    numbers = not found.classes and family == "auto"
    if numbers and (len(values) == 2 or (len(values) <= FEW and (values == np.trunc(values)).all())):
        shown = ", ".join(f"{value:g}" for value in values)
        notes.append(
            f"{found.target} has {len(values)} values ({shown}) and is predicted as a number, by linear regression; if "
            f"they are classes, --categorical {found.target} classifies; if counts, --family poisson"
        )
    low, high = extremes(found.x)
    if (low == high).any():
        notes.append(f"columns with one value, which no model can use: {_shown(found, low == high)}")
    n = len(found.x)
    for i, name in enumerate(found.names):
        if n >= 10 and found.x[0, i] in (0, 1) and (np.diff(found.x[:, i]) == 1).all():
            notes.append(
                f"column {name} numbers the rows; --ignore {name} leaves it out, --index {name} keeps it aside"
            )
        marks = _marks(found.x[:, i])
        if marks:
            value, count = marks
            notes.append(
                f"column {name} is {value:.17g} in {count} row{'s' * (count > 1)}, far from all other values; if it "
                f"means a missing value: --na={value:.17g} --missing mean"
            )
    return tuple(notes)


def _marks(column: np.ndarray) -> tuple[float, int] | None:
    """A value of nines (99, -999, 9999) twice as far from all others as they from each other, and its rows.

    >>> _marks(np.array([3.0, -999.0, 5.0, 4.0, -999.0])), _marks(np.array([99.0, 97.0, 95.0]))
    ((-999.0, 2), None)
    """
    there = column[~np.isnan(column)]
    for value in (there.min(), there.max()) if there.size else ():
        others = there[there != value]
        nines = abs(value) >= 99 and set(f"{abs(value):.0f}") == {"9"} and value == np.trunc(value)
        if nines and others.size > 1 and np.abs(others - value).min() > 2 * np.ptp(others):
            return float(value), int(there.size - others.size)
    return None
