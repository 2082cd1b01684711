"""Train a model of a table: rows held out, λ chosen or given, scores, and all that new rows will need."""

from __future__ import annotations

import dataclasses
import os
import platform
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..checks import named_keywords
from ..data.formats.csv import read_csv
from ..data.formats.table import Table
from ..data.prepare.imputation import MeanImputer
from ..data.prepare.splitting import split
from ..linear_model import ConvergenceWarning, Design, relaxed
from ..selection import CrossValidation, Imputed, SelectionWarning, cross_validate, prepare
from ..selection.folds import as_groups
from ..version import __version__
from .families import KIND_OF, Inputs, family_name, linear_family
from .frames import as_file, is_frame
from .perceptron import family_of, fitted
from .predictor import Predictor, plain_scores
from .settings import OF_COLUMNS, OF_FAMILY, Settings, placed

NOTES = 5  # that are kept
BESIDE = "index", "groups", "weights", "offset"  # what a table may have of each row beside x and y
LOG = "sweep.jsonl"  # the finished folds of cross-validation, in the folder to resume from


@named_keywords
def train(
    data: Any,
    target: str | None = None,
    *,
    model: str = "auto",
    lam: float | str | None = None,
    l1_ratio: float | None = None,
    l1: float | None = None,
    l2: float | None = None,
    pick: str = "min",
    count: int = 50,
    folds: int = 5,
    standardize: bool = True,
    penalty_factor: Any = None,
    lower: Any = None,
    upper: Any = None,
    family: str = "auto",
    penalty_groups: Any = None,
    huber_threshold: float | None = None,
    relax: bool = False,
    hidden: int | Sequence[int] = (64,),
    dropout: float = 0.0,
    epochs: int = 200,
    lr: float = 1e-3,
    batch_size: int = 32,
    patience: int = 20,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    callbacks: Sequence[Any] = (),
    resume: str | os.PathLike[str] | None = None,
    **read: Any,
) -> Predictor:
    """Train a model of a table, or of a CSV file, and return what predicts, saves and shows itself.

    data        a Table of data.read_csv; or the path of a CSV file, or a DataFrame, with `target` and the options of
                read_csv behind
    model       "linear" for numbers, "logistic" for classes, "mlp": a network for both; "auto": linear or logistic
    lam         λ: l1 = λ l1_ratio, l2 = λ (1 - l1_ratio), as everywhere here beside the mean loss; "cv": chosen by
                cross-validation among `count` λ, over `folds` folds of the training rows: the best mean, or pick="1se".
                None: "cv" for linear and logistic, 0 for mlp
    l1, l2      the strengths themselves, instead of lam; of a network they act by the proximal map, on its weights
    standardize linear, logistic: penalise coefficients per standard deviation. A network's inputs, and targets that are
                numbers, always are brought to mean 0 and deviation 1
    penalty_factor, lower, upper    linear, logistic: {column: number}, or bounds for all: see linear_model.Regression;
                a column of words: all of its levels
    family      of the linear models: "gaussian", "binomial", "multinomial", "poisson" (counts) or "huber" (numbers with
                outliers; huber_threshold is the residual beyond which errors are absolute, by default 1.35 robust
                scales of the target); "auto": by the target
    penalty_groups  columns that enter together, a group lasso: "all", each column of words with its levels; or groups,
                ["town+kind", "age"]. Then lam (1 - l1_ratio) is on norms of groups, and l1_ratio is 0 unless given
    relax       linear, logistic: refit without penalty on the inputs that λ leaves in the model, see
                linear_model.relaxed
    hidden, dropout, epochs, lr, batch_size     of the network: relu units of each layer, share dropped behind each,
                and Adam. Of the training rows a share, `validation`, tells when to stop: when their loss has not
                improved for `patience` epochs; 0: all epochs
    test        the share of rows (of every class, or of whole groups) that is held out, to be scored; 0: none
    callbacks   of train.fit, for a network
    resume      a folder for what an interrupted training goes on from, with the same call and to the same bits: the
                checkpoints of a network (every 5 seconds, and on Ctrl-C; or by a train.Checkpoint among the callbacks),
                or the finished folds of cross-validation, sweep.jsonl

    ValueError for options that do not fit the target, and for what cannot be learned from: see selection.prepare.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(60, 4, noise=0.01, nonzero=2, dtype="float64")
    >>> model = train(mg.data.Table(x, y, list("abcd"), "y"))
    >>> model.about["scores"]["held out"]["R²"] > 0.9, model.predict(x).shape
    (True, (60,))
    """
    settings = Settings.of(
        hidden, model=model, lam=lam, l1_ratio=l1_ratio, l1=l1, l2=l2, pick=pick, count=count, folds=folds,
        standardize=standardize, dropout=dropout, epochs=epochs, lr=lr, batch_size=batch_size, patience=patience,
        validation=validation, test=test, seed=seed, penalty_factor=penalty_factor, lower=lower, upper=upper,
        family=family, penalty_groups=penalty_groups, huber_threshold=huber_threshold, relax=relax,
    )  # fmt: skip
    name = os.path.basename(data) if isinstance(data, (str, os.PathLike)) else ""
    return trained(_table(data, target, read), settings, callbacks, name, resume)


class Parts(NamedTuple):
    """A table in two: the rows that train, and those that are held out (None without any)."""

    train: Table
    test: Table | None


def trained(
    table: Table,
    settings: Settings,
    callbacks: Sequence[Any] = (),
    name: str = "",
    resume: Any = None,
    progress: bool | None = False,
) -> Predictor:
    """The model of a table, with its scores; `name` says where the rows are from.

    progress: of cross-validation, None: on a terminal; callbacks show that of a network.
    """
    classes = table.y.dtype.kind in "Uiub"
    kind = _kind(settings, table, classes)
    if kind == "mlp":
        settings = dataclasses.replace(settings, model=kind)
    parts = parts_of(table, settings, classes)
    core, about, build = _fitted(parts.train, kind, settings, callbacks, resume, progress)
    about = {
        "data": name,
        "rows": {"training": len(parts.train.x), "held out": 0 if parts.test is None else len(parts.test.x)},
        **about,
        "settings": settings.plain(kind),
    }
    model = predictor_of(parts.train, core, kind, about, build)
    return dataclasses.replace(model, about=model.about | {"scores": _scores(model, parts)})


def predictor_of(table: Table, core: Any, kind: str, about: dict[str, Any], build: Any = None) -> Predictor:
    """The predictor of a model that was fitted on all rows of a table."""
    fill = MeanImputer(table.x).mean
    gaps = bool(np.isnan(table.x).any()) if table.x.dtype.kind == "f" else False
    asked = table.recipe is not None and table.recipe.missing != "error"
    design = Design(MeanImputer.of(fill)(table.x) if gaps else table.x, table.weights, standardize=True)
    classes = np.unique(table.y) if table.y.dtype.kind in "Uiub" else None
    versions = {"minigrad": __version__, "numpy": np.__version__, "python": platform.python_version()}
    about = {**about, "missing": "mean" if gaps or asked else "error", "versions": versions}
    core = getattr(core, "model", core)  # of one behind an imputer
    return Predictor(
        kind, list(table.names), table.target, classes, core, fill, design.centre, design.scale, table.recipe, about,
        build,
    )  # fmt: skip


def _table(data: Any, target: str | None, read: dict[str, Any]) -> Table:
    """The table, read from its file unless it is one."""
    if is_frame(data):
        with as_file(data) as path:
            return read_csv(path, target, **read)
    if isinstance(data, (str, os.PathLike)):
        return read_csv(data, target, **read)
    if not isinstance(data, Table):
        raise TypeError(
            f"tabular.train: data is a {type(data).__name__}; need the path of a CSV file, a DataFrame, or a table: "
            "data.read_csv(path), data.Table(x, y, names, target)"
        )
    if target is not None or read:
        raise TypeError(
            f"tabular.train: {', '.join(['target', *read])}: of paths only; the table has been read already"
        )
    if data.y is None:
        raise ValueError(f"tabular.train: the table has no target {data.target!r}")
    return data


def _kind(settings: Settings, table: Table, classes: bool) -> str:
    """linear, logistic, poisson, huber or mlp. ValueError where the target, or an option, does not fit the model."""
    model, target = settings.model, table.target
    if model == "mlp":
        given = {name: getattr(settings, name) for name in (*OF_COLUMNS, *OF_FAMILY)}
        none = {"family": "auto", "relax": False}
        for each in ["offset"] * (table.offset is not None) + [n for n, v in given.items() if v != none.get(n)]:
            raise ValueError(f"model 'mlp' takes no {each}; 'linear' and 'logistic' do")
        return model
    if model == "linear" and classes:
        raise ValueError(f"model 'linear' predicts numbers, and {target} holds classes: use 'logistic' or 'mlp'")
    if model == "logistic" and not classes:
        raise ValueError(f"model 'logistic' predicts classes, and {target} holds numbers: name it in categorical")
    return KIND_OF[family_name(settings, _inputs(table, classes))]


def _inputs(table: Table, classes: bool) -> Inputs:
    return Inputs(table.names, table.y, table.target, classes, table.weights, table.recipe)


def parts_of(table: Table, settings: Settings, classes: bool) -> Parts:
    """The rows that train and those held out; whole groups, if rows have groups."""
    n = len(table.x)
    if settings.test == 0:
        return Parts(table, None)
    if table.groups is not None:
        groups = as_groups(table.groups, n)
        train, test = split(np.unique(groups).reshape(-1, 1), np.unique(groups), settings.test, settings.seed)
        held_out = np.isin(groups, test.y)
        return Parts(_rows(table, np.flatnonzero(~held_out)), _rows(table, np.flatnonzero(held_out)))
    order = np.arange(n)
    train, test = split(order.reshape(-1, 1), order, float(settings.test), settings.seed, table.y if classes else None)
    parts = Parts(_rows(table, np.sort(train.y)), _rows(table, np.sort(test.y)))
    for label in np.setdiff1d(table.y, parts.train.y)[:1] if classes else ():
        count = int((table.y == label).sum())
        raise ValueError(
            f"class {label!s} of {table.target} has {count} row{'s' * (count > 1)} in all, and none among the training "
            "rows: join it with another class, or hold out no rows (test=0; command line: --test 0)"
        )
    return parts


def _rows(table: Table, rows: np.ndarray) -> Table:
    """Some of the rows of a table."""
    aside = {name: getattr(table, name)[rows] for name in BESIDE if getattr(table, name) is not None}
    return table._replace(x=np.ascontiguousarray(table.x[rows]), y=table.y[rows]).beside(**aside)


def _fitted(
    table: Table, kind: str, settings: Settings, callbacks: Sequence[Any], resume: Any, progress: bool | None
) -> tuple[Any, dict[str, Any], Any]:
    """The model, what is to be said of its λ, and what makes its network."""
    strengths = settings.strengths
    build = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        warnings.simplefilter("always", SelectionWarning)
        if kind == "mlp" and strengths is not None:
            core, build, told = fitted(table, settings, strengths, callbacks, resume)
        else:
            family: Any = family_of(table, settings) if kind == "mlp" else _linear_family(settings, table)
            build = family.build if kind == "mlp" else None
            core, told = _at_lambda(table, family, settings, strengths, resume, progress)
    # What cross-validation says of fits that did not converge has their λ and fold, so the warning itself says less.
    kinds = (SelectionWarning,) if strengths is None else (ConvergenceWarning,)
    notes = list(dict.fromkeys(str(each.message) for each in caught if issubclass(each.category, kinds)))
    for each in caught:  # of other things, such as a checkpoint that could not be written
        if not issubclass(each.category, (SelectionWarning, ConvergenceWarning)):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    more = [f"{len(notes) - NOTES} more notes of this kind"] if len(notes) > NOTES else []
    return core, {**told, "notes": notes[:NOTES] + more}, build


def _linear_family(settings: Settings, table: Table) -> Any:
    of_columns: dict[str, Any] = {
        name: placed(asked, table.names, default, f"tabular.train: {name}")
        for name, default in OF_COLUMNS.items()
        if (asked := getattr(settings, name)) is not None
    }
    return linear_family(settings, _inputs(table, table.y.dtype.kind in "Uiub"), of_columns)


def _at_lambda(
    table: Table,
    family: Any,
    settings: Settings,
    strengths: tuple[float, float] | None,
    resume: Any,
    progress: bool | None,
) -> tuple[Any, dict[str, Any]]:
    """A model of a family with these strengths, or at the λ that cross-validation picks."""
    x = table.x
    if x.dtype.kind == "f" and np.isnan(x).any():
        family = Imputed(family)
    given = {name: getattr(table, name) for name in ("weights", "offset") if getattr(table, name) is not None}
    if strengths is None:
        if resume is not None:
            Path(resume).mkdir(parents=True, exist_ok=True)
        found = cross_validate(
            family,
            x,
            table.y,
            count=settings.count,
            folds=settings.folds,
            groups=table.groups,
            seed=settings.seed,
            log=None if resume is None else Path(resume, LOG),
            progress=progress,
            **given,
        )
        core, told = found.model if settings.pick == "min" else found.model_1se, lambda_of(found, settings.pick)
    else:
        solver = prepare(family, x, table.y, **given).start(family)
        group = {} if settings.group_strength is None else {"group": settings.group_strength}
        core = getattr(solver, "solver", solver).solve(*strengths, **group)
        told = {"lambda": {"how": "given", "l1": strengths[0], "l2": strengths[1], **group}}
    return (_relaxed(family, core, table, given) if settings.relax else core), told


def _relaxed(family: Any, core: Any, table: Table, given: dict[str, Any]) -> Any:
    """The model refitted without penalty on the inputs that it uses."""
    x = table.x
    if isinstance(family, Imputed):
        family, core, x = family.family, getattr(core, "model", core), MeanImputer(x)(x)
    data = prepare(family, x, table.y, **given)
    return relaxed(family, core, data.x, data.y, 0.0, data.weights, data.offset)


def lambda_of(found: CrossValidation, pick: str) -> dict[str, Any]:
    """What is to be said of a λ that cross-validation picked."""
    index = found.best if pick == "min" else found.one_se
    lam = float(found.lambdas[index])
    told = {
        "how": "cross-validation",
        "pick": pick,
        "value": lam,
        **strengths_of(found.settings, lam),
        "min": found.lambda_min,
        "1se": found.lambda_1se,
        "score": found.score,
        "mean": float(found.mean[index]),
        "folds": len(found.scores),
        "count": len(found.lambdas),
    }
    error = float(found.error[index])
    return {"lambda": {**told, "error": error if np.isfinite(error) else None}}


def strengths_of(settings: dict[str, Any], lam: float) -> dict[str, float]:
    """l1 and l2 of λ, and of a family with groups the strength of their norms.

    >>> strengths_of({"l1_ratio": 0.25}, 2.0), strengths_of({"l1_ratio": 0.25, "l2": 0.0, "groups": ("a",)}, 2.0)
    ({'l1': 0.5, 'l2': 1.5}, {'l1': 0.5, 'l2': 0.0, 'group': 1.5})
    """
    ratio = settings.get("l1_ratio", 1.0)
    if "groups" in settings:
        return {"l1": lam * ratio, "l2": settings["l2"], "group": lam * (1 - ratio)}
    return {"l1": lam * ratio, "l2": lam * (1 - ratio)}


def _scores(model: Predictor, parts: Parts) -> dict[str, dict[str, float | None]]:
    """Those of the training rows, and of the rows held out."""
    there = {"training": parts.train} | ({} if parts.test is None else {"held out": parts.test})
    return {name: plain_scores(model.scores(model.output(part), part.y, part.weights)) for name, part in there.items()}
