"""Choosing λ: paths of a family of models on the training part of every fold, scored on the other part."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..arguments import whole
from ..data.arrays import finite_rows, pair, take_rows
from ..errors import ShapeError
from ..rng import SEEDS
from .folds import as_folds, fit_seed, nested_seed, repeats_of
from .grids import log_spaced
from .log import Log, digest, plain
from .result import CrossValidation, SelectionWarning, mean_and_error
from .scores import Score, as_score, output_of
from .sweep import run


class Solver(Protocol):
    """The rows of one training part. fit(λ, seed) starts at the last model and returns one with output and nonzeros."""

    def lambda_max(self) -> float: ...
    def fit(self, lam: float, seed: int = 0) -> Any: ...


class Family(Protocol):
    """A kind of model with a λ: linear_model.Regression, linear_model.Logistic, selection.Network, or one of your own.

    rising says in which direction its path goes, classifies whether y holds classes, score the score it is usually
    judged by; settings() tells it from others. Whatever it learns from data it learns in start, from training rows.
    """

    rising: bool
    classifies: bool
    score: str

    def settings(self) -> dict[str, Any]: ...
    def start(self, x: Any, y: Any, **options: Any) -> Solver: ...


class Data(NamedTuple):
    """Rows and targets as families take them; of classes, how many there are, and their names."""

    x: np.ndarray
    y: np.ndarray
    options: dict[str, Any]
    names: np.ndarray | None


def prepare(family: Family, x: Any, y: Any) -> Data:
    """x and y checked; the classes of y, whatever they are called, become 0, 1, ... in sorted order."""
    if not family.classifies:
        rows, targets = pair(x, y)
        return Data(rows, targets, {}, None)
    y = np.asarray(y)
    names, classes = np.unique(finite_rows(y, "y") if y.dtype.kind == "f" else y, return_inverse=True)
    rows, targets = pair(x, classes)
    if np.ndim(y) != 1 or len(names) < 2:
        raise ShapeError(f"y is {np.shape(y)} with {len(names)} classes; need one class per row, of at least two")
    return Data(rows, targets.astype(np.int64), {"classes": len(names)}, names)


def lambda_grid(family: Family, data: Data, count: int = 50, ratio: float | None = None) -> np.ndarray:
    """count λ in equal ratios, from the λ_max of all rows down to ratio λ_max (a network's: to its family.low)."""
    top = family.start(data.x, data.y, **data.options).lambda_max()
    if top == 0:
        raise ValueError(
            f"the grid of λ has no upper end: in {len(data.x)} rows no input varies together with the target, so every "
            "weight is 0 at any λ; look for a constant target or constant columns, or pass lambdas"
        )
    if ratio is None:
        return log_spaced(top, getattr(family, "low", 0.001 * top), count)
    return log_spaced(top, ratio * top, count)


def fit_path(family: Family, data: Data, lambdas: Sequence[float], seeds: Sequence[int]) -> list[Any]:
    """The models at falling λ, fitted in the family's direction, each from the last; an exception where one failed."""
    models: list[Any] = [None] * len(lambdas)
    order = range(len(lambdas))
    solver = family.start(data.x, data.y, **data.options)
    for i in reversed(order) if family.rising else order:
        try:
            models[i] = solver.fit(float(lambdas[i]), seeds[i])
        except Exception as error:  # one λ of many: reported by cross_validate, with its fold
            models[i] = error
    return models


def score_fold(
    family: Family, data: Data, train: np.ndarray, test: np.ndarray, lambdas: list[float], score: Score,
    seeds: list[int],
) -> list[dict[str, Any]]:  # fmt: skip
    """One fold: for each λ {score, nonzeros}, and what failed or did not converge. The task of a sweep."""
    part, held_out = (data._replace(x=take_rows(data.x, rows), y=data.y[rows]) for rows in (train, test))
    try:
        models = fit_path(family, part, lambdas, seeds)
    except Exception as error:  # the training part as such
        models = [error] * len(lambdas)
    rows = []
    for model in models:
        try:
            if isinstance(model, Exception):
                raise model
            value = score.function(output_of(model, held_out.x), held_out.y)
            if not math.isfinite(value):
                raise ArithmeticError(f"{score.name} of the test rows is {value}")
            row: dict[str, Any] = {"score": value, "nonzeros": model.nonzeros}
            if getattr(model, "trouble", ""):
                row["trouble"] = model.trouble
        except Exception as error:
            row = {"failed": f"{type(error).__name__}: {error}"}
        rows.append(row)
    return rows


def cross_validate(
    family: Family, x: Any, y: Any, lambdas: Any = None, *, count: int = 50, ratio: float | None = None,
    folds: Any = 5, score: Any = None, seed: int = 0, n_jobs: int = 1, log: Any = None,
    progress: bool | None = False, refit: bool = True,
) -> CrossValidation:  # fmt: skip
    """Errors over λ by cross-validation, the two picks, and the path of all rows.

    family      linear_model.Regression(...), linear_model.Logistic(...), selection.Network(...)
    lambdas     the λ to try, or None: count of them in equal ratios, from λ_max down by ratio (0.001)
    folds       a number (stratified for classes, drawn from seed), a selection.KFold, a splitter of scikit-learn, or
                pairs (training rows, test rows). λ is per mean: no 1/m hides in it, so it means the same in every fold
    score       mse, log_loss, accuracy, or a selection.Score; None: the family's own
    n_jobs      1, or through joblib; the result is the same
    log         a file: every finished fold is noted there, and an interrupted sweep of the same settings resumes

    A fit that fails is reported with its λ and fold, and its λ is not picked. SelectionWarning for what `notes` says.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> result = cross_validate(linear_model.Regression(), x, y, count=30)
    >>> result.model_1se.nonzeros <= result.model.nonzeros < 10
    True
    """
    data, chosen = prepare(family, x, y), as_score(score or family.score)
    whole(seed, "cross_validate: seed", 0, SEEDS)
    if lambdas is None:
        lambdas = lambda_grid(family, data, count, ratio)
    lambdas = checked_lambdas(lambdas)
    parts = as_folds(folds, data.x, data.y, family.classifies, seed)
    settings = plain({
        **family.settings(), "score": chosen.name, "lambdas": lambdas.tolist(), "folds": len(parts), "seed": seed,
        "data": digest(data.x, data.y), "rows of the folds": digest(*[rows for part in parts for rows in part]),
    })  # fmt: skip
    seeds = [[fit_seed(seed, f, i) for i in range(len(lambdas))] for f in range(len(parts) + 1)]
    tasks = {
        f"fold {f}": (family, data, *part, lambdas.tolist(), chosen, seeds[f]) for f, part in enumerate(parts)
    }
    journal = Log(log, settings) if log is not None else None
    try:
        found = run(score_fold, tasks, n_jobs=n_jobs, log=journal, progress=progress, label="cross-validation")
    finally:
        if journal is not None:
            journal.close()
    rows = list(found.values())
    result = CrossValidation(
        lambdas, table_of(rows, "score"), table_of(rows, "nonzeros"), chosen.name, chosen.greater_is_better,
        repeats_of(parts, len(data.x)), settings, failures_of(rows, lambdas),
    )  # fmt: skip
    if refit:
        add_path(result, fit_path(family, data, lambdas.tolist(), seeds[-1]))
    for note in result.notes:
        warnings.warn(note, SelectionWarning, stacklevel=2)
    return result


def failures_of(rows: list[list[dict[str, Any]]], lambdas: np.ndarray) -> list[dict[str, Any]]:
    """What failed or was in trouble in the folds, with its λ and fold."""
    return [
        {"lambda": float(lambdas[i]), "fold": f, **{k: row[k] for k in ("failed", "trouble") if k in row}}
        for f, fold in enumerate(rows)
        for i, row in enumerate(fold)
        if "failed" in row or "trouble" in row
    ]


def add_path(result: CrossValidation, models: list[Any]) -> None:
    """Put the models of all rows, one per λ, into the result: None for a fit that failed, which is noted."""
    for lam, model in zip(result.lambdas.tolist(), models):
        failed = isinstance(model, Exception)
        result.path.append(None if failed else model)
        if failed:
            told = f"{type(model).__name__}: {model}"
            result.failures.append({"lambda": lam, "fold": None, "failed": told})


def checked_lambdas(lambdas: Any) -> np.ndarray:
    """Distinct λ of at least 0, falling."""
    found = np.asarray(lambdas, np.float64)
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all() or (found < 0).any():
        raise ValueError(f"lambdas are {lambdas!r:.80}; need finite numbers of at least 0")
    return np.unique(found)[::-1].copy()


def table_of(rows: list[list[dict[str, Any]]], name: str) -> np.ndarray:
    """(folds, λ), NaN where a row lacks the name."""
    return np.array([[row.get(name, math.nan) for row in fold] for fold in rows], np.float64)


class Nested(NamedTuple):
    """scores (outer folds,) of the picked models on rows that no choice saw; their mean and standard error; picks."""

    scores: np.ndarray
    mean: float
    error: float
    lambdas: list[float]
    inner: list[CrossValidation]


def nested_cross_validate(
    family: Family, x: Any, y: Any, lambdas: Any = None, *, pick: str = "min", outer: Any = 5, folds: int = 5,
    score: Any = None, seed: int = 0, **options: Any,
) -> Nested:  # fmt: skip
    """An honest figure for "λ chosen by cross-validation": λ is chosen anew in the training part of each outer fold.

    pick is "min" or "1se"; outer are folds as in cross_validate, whose other keywords pass on to the inner ones (a log
    becomes one per outer fold: log.0, log.1, ...). The smallest mean of a cross-validation flatters itself, since λ was
    chosen to make it small; this mean does not.
    """
    if pick not in ("min", "1se"):
        raise ValueError(f"nested_cross_validate: pick is {pick!r}; need 'min' or '1se'")
    data, chosen = prepare(family, x, y), as_score(score or family.score)
    parts = as_folds(outer, data.x, data.y, family.classifies, seed)
    scores, picks, inner = [], [], []
    log = options.pop("log", None)
    for f, (train, test) in enumerate(parts):
        if family.classifies and np.unique(data.y[train]).size < data.options["classes"]:
            raise ValueError(f"nested_cross_validate: the training part of outer fold {f} lacks a class")
        result = cross_validate(
            family, take_rows(data.x, train), data.y[train], lambdas, folds=folds, score=chosen,
            seed=nested_seed(seed, f), log=None if log is None else f"{log}.{f}", **options,
        )  # fmt: skip
        model = result.model if pick == "min" else result.model_1se
        scores.append(chosen.function(output_of(model, take_rows(data.x, test)), data.y[test]))
        picks.append(result.lambda_min if pick == "min" else result.lambda_1se)
        inner.append(result)
    mean, error = mean_and_error(scores, repeats_of(parts, len(data.x)))
    return Nested(np.array(scores), mean, error, picks, inner)
