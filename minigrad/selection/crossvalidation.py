"""Choosing λ: paths of a family of models on the training part of every fold, scored on the other part."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..checks import finite, named_keywords, truth, whole
from ..linear_model.model import RIDGE_RATIO
from ..rng import SEEDS
from .folds import Pair, as_folds, as_groups, fit_seed, nested_seed, repeats_of, start_seed
from .grids import log_spaced
from .identity import digest, identity
from .log import plain
from .prepared import Data, check_classes, check_weights, fitting_score, prepare
from .result import CrossValidation, SelectionWarning, mean_and_error
from .scores import Score, accuracy, finite_output, judged, judged_output
from .sweep import logged


class Solver(Protocol):
    """The rows of one training part. fit(λ, seed) starts at the last model and returns one with output and nonzeros."""

    def lambda_max(self) -> float: ...
    def fit(self, lam: float, seed: int = 0) -> Any: ...


class Family(Protocol):
    """A kind of model with a λ: those of linear_model, selection.Network, or one of your own.

    rising says in which direction its path goes, classifies whether y holds classes, score the score it is usually
    judged by; settings() tells it from others. Whatever it learns from data it learns in start, from training rows.
    """

    rising: bool
    classifies: bool
    score: str

    def settings(self) -> dict[str, Any]: ...
    def start(self, x: Any, y: Any, **options: Any) -> Solver: ...


def lambda_grid(family: Family, data: Data, count: int = 50, ratio: float | None = None) -> np.ndarray:
    """count λ in equal ratios, from the λ_max of all rows down to ratio λ_max (a network's: to its family.low).

    ratio is 0.001 unless given, or less with little L1 beside the L2, because λ_max is then that much larger: a ridge
    goes down to 1e-6 λ_max, the L2 that a lasso's last L1 would be.

    ValueError where nothing pulls a weight from 0, so that the grid has no upper end.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> data = selection.prepare(linear_model.Regression(), x, y)
    >>> grid = lambda_grid(linear_model.Regression(), data, 3)
    >>> (grid / grid[0]).round(4).tolist()
    [1.0, 0.0316, 0.001]
    """
    count = whole(count, "lambda_grid: count", 2)
    ratio = None if ratio is None else finite(ratio, "lambda_grid: ratio, the least λ over the largest,", 1e-12, 1.0)
    solver = data.start(family)
    top = solver.lambda_max()
    if top == 0:
        of = getattr(solver, "solver", solver)  # of one behind an imputer
        why = of.nothing_pulls() if hasattr(of, "nothing_pulls") else "every weight is 0 at any λ"
        raise ValueError(f"the grid of λ has no upper end: {why}; pass lambdas")
    if ratio is None:
        share = max(getattr(family, "grid_share", getattr(family, "l1_ratio", 1.0)), RIDGE_RATIO)
        return log_spaced(top, getattr(family, "low", 0.001 * share * top), count)
    return log_spaced(top, ratio * top, count)


def fit_path(
    family: Family,
    data: Data,
    lambdas: Sequence[float],
    seeds: Sequence[int],
    *,
    start: int = 0,
    epochs: Sequence[int] | None = None,
) -> list[Any]:
    """The models at falling λ, fitted in the family's direction, each from the last; an exception where one failed.

    A network that does not go on from the last one (warm=False) trains afresh at each λ: until its validation rows,
    drawn from the seed `start`, stop improving, or for so many `epochs` at each λ, on all rows.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 5, noise=0.5, dtype="float64")
    >>> data, lambdas = selection.prepare(linear_model.Regression(), x, y), [0.5, 0.1]
    >>> [model.l1 for model in fit_path(linear_model.Regression(), data, lambdas, seeds=[0, 0])]
    [0.5, 0.1]
    """
    models: list[Any] = [None] * len(lambdas)
    order = range(len(lambdas))
    options = {"seed": start} if getattr(family, "seeded", False) else {}
    solver = data.start(family, **options)
    for i in reversed(order) if family.rising else order:
        fixed = {} if epochs is None else {"epochs": epochs[i]}
        try:
            models[i] = solver.fit(float(lambdas[i]), seeds[i], **fixed)
        except Exception as error:  # one λ of many: reported by cross_validate, with its fold
            models[i] = error
    return models


def score_fold(
    family: Family,
    data: Data,
    train: np.ndarray,
    test: np.ndarray,
    lambdas: list[float],
    score: Score,
    seeds: list[int],
    start: int,
) -> list[dict[str, Any]]:
    """One fold: for each λ {score, nonzeros}, and what failed or did not converge. The task of a sweep."""
    part, held_out = data.rows(train), data.rows(test)
    try:
        models = fit_path(family, part, lambdas, seeds, start=start)
    except Exception as error:  # the training part as such
        models = [error] * len(lambdas)
    return [scored(model, held_out, score) for model in models]


def scored(model: Any, held_out: Data, score: Score) -> dict[str, Any]:
    """What a fold notes of one λ: {score, nonzeros}, with accuracy of classes, trouble and epochs; or {failed}."""
    try:
        if isinstance(model, Exception):
            raise model
        output = finite_output(model, held_out.x, held_out.offset)
        value = judged_output(output, held_out.y, score, held_out.weights)
        row: dict[str, Any] = {"score": value, "nonzeros": model.nonzeros}
        if held_out.names is not None:
            row["accuracy"] = accuracy(output, held_out.y, held_out.weights)
        if getattr(model, "trouble", ""):
            row["trouble"] = model.trouble
        if getattr(model, "epochs", None) is not None:
            row |= {"epochs": model.epochs, "cut short": bool(model.cut_short)}
        return row
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


@named_keywords
def cross_validate(
    family: Family,
    x: Any,
    y: Any,
    lambdas: Any = None,
    *,
    count: int = 50,
    ratio: float | None = None,
    folds: Any = 5,
    groups: Any = None,
    weights: Any = None,
    offset: Any = None,
    score: Any = None,
    seed: int = 0,
    n_jobs: int = 1,
    log: Any = None,
    progress: bool | None = False,
    refit: bool = True,
) -> CrossValidation:
    """Errors over λ by cross-validation, the two picks, and the path of all rows.

    family      linear_model.Regression(...), Logistic, Poisson, Huber, GroupLasso; selection.Network(...)
    lambdas     the λ to try, or None: count of them in equal ratios, from λ_max down by ratio: see lambda_grid
    folds       a number (stratified for classes, drawn from seed), a selection.KFold, a splitter of scikit-learn, or
                pairs (training rows, test rows). λ is per mean: no 1/m hides in it, so it means the same in every fold
    groups      one for each row (a person, a place, a day): rows of one group are never in both parts of a fold
    weights     one for each row, at least 0: in fits, in λ_max and in scores; for linear models
    offset      a known part of each row's output, as linear models take it: in fits, in λ_max and in predictions
    score       mse for numbers; log_loss or accuracy for classes; poisson_deviance for counts; huber for linear_model.
                Huber, with its threshold; or a selection.Score; None: the family's own
    n_jobs      1, or through joblib; the result is the same
    log         a file: every finished fold is noted there, and an interrupted sweep resumes. Of another family, score,
                λ, seed, folds or data, or with a function that was edited since, it is refused

    A fit that fails or diverges is reported with its λ and fold, and its λ is not picked. SelectionWarning for what
    `notes` says. What can't be right is refused before anything is fitted: see `prepare`; a score of classes for
    numbers; a class that the training rows of a fold lack.

    >>> from minigrad import linear_model
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> result = cross_validate(linear_model.Regression(), x, y, count=30)
    >>> result.model_1se.nonzeros <= result.model.nonzeros < 10
    True
    """
    refit = truth(refit, "cross_validate: refit")
    chosen, data = fitting_score(score, family), prepare(family, x, y, weights, offset)
    whole(seed, "cross_validate: seed", 0, SEEDS)
    lambdas = None if lambdas is None else checked_lambdas(lambdas)
    parts = as_folds(folds, data.x, data.y, family.classifies, seed, groups)
    check_classes(data, parts)
    check_weights(data, parts, chosen)
    if lambdas is None:
        lambdas = lambda_grid(family, data, count, ratio)
    settings = described(family, data, lambdas, parts, chosen, seed)
    seeds = [[fit_seed(seed, f, i) for i in range(len(lambdas))] for f in range(len(parts) + 1)]
    tasks = {
        f"fold {f}": (family, data, *part, lambdas.tolist(), chosen, seeds[f], start_seed(seed, f))
        for f, part in enumerate(parts)
    }
    options = {"n_jobs": n_jobs, "progress": progress, "label": "cross-validation"}
    found = logged(score_fold, tasks, log, settings, **options)
    result = result_of(list(found.values()), lambdas, chosen, repeats_of(parts, len(data.x)), settings)
    if refit:
        fit_all_rows(result, family, data, seeds[-1], start_seed(seed, len(parts)))
    for note in result.notes:
        warnings.warn(note, SelectionWarning, stacklevel=3)  # past named_keywords
    return result


def described(
    family: Family, data: Data, lambdas: np.ndarray, parts: list[Pair], score: Score, seed: int
) -> dict[str, Any]:
    """What a sweep is a function of, as plain values: its log is refused for any other."""
    return plain(
        {
            **family.settings(),
            "family": identity(family),
            "score": score.name,
            "score function": identity(score.function),
            "lambdas": lambdas.tolist(),
            "folds": len(parts),
            "seed": seed,
            "data": digest(*data.arrays()),
            "rows of the folds": digest(*[rows for part in parts for rows in part]),
            **({} if data.offset is None else {"offset": digest(data.offset)}),
        }
    )


def result_of(
    rows: list[list[dict[str, Any]]], lambdas: np.ndarray, score: Score, repeats: int, settings: dict[str, Any]
) -> CrossValidation:
    """The result of the rows that the folds noted."""
    failures = [
        {"lambda": float(lambdas[i]), "fold": f, **{k: row[k] for k in ("failed", "trouble") if k in row}}
        for f, fold in enumerate(rows)
        for i, row in enumerate(fold)
        if "failed" in row or "trouble" in row
    ]
    trained = any("epochs" in row for fold in rows for row in fold)
    return CrossValidation(
        lambdas,
        table_of(rows, "score"),
        table_of(rows, "nonzeros"),
        score.name,
        score.greater_is_better,
        repeats,
        settings,
        failures,
        epochs=table_of(rows, "epochs") if trained else None,
        accuracy=table_of(rows, "accuracy") if any("accuracy" in row for fold in rows for row in fold) else None,
        cut_short=sum(row.get("cut short", False) for fold in rows for row in fold),
    )


def fit_all_rows(result: CrossValidation, family: Family, data: Data, seeds: list[int], start: int) -> None:
    """Append the models of all rows to the path; networks that trained afresh take the median epochs of their folds."""
    lambdas = result.lambdas.tolist()
    for lam, model in zip(lambdas, fit_path(family, data, lambdas, seeds, start=start, epochs=result.median_epochs)):
        result.path.append(None if isinstance(model, Exception) else model)
        if isinstance(model, Exception):
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
    """scores (outer folds,) of the picked models on rows that no choice saw; their mean and standard error; picks.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 20, noise=1.0, nonzero=3, dtype="float64")
    >>> found = selection.nested_cross_validate(linear_model.Regression(), x, y, outer=3, folds=3, count=8)
    >>> type(found).__name__, found.scores.shape, len(found.lambdas)
    ('Nested', (3,), 3)
    """

    scores: np.ndarray
    mean: float
    error: float
    lambdas: list[float]
    inner: list[CrossValidation]


def nested_cross_validate(
    family: Family,
    x: Any,
    y: Any,
    lambdas: Any = None,
    *,
    pick: str = "min",
    outer: Any = 5,
    folds: int = 5,
    groups: Any = None,
    weights: Any = None,
    offset: Any = None,
    score: Any = None,
    seed: int = 0,
    **options: Any,
) -> Nested:
    """An honest figure for "λ chosen by cross-validation": λ is chosen anew in the training part of each outer fold.

    pick is "min" or "1se"; outer are folds as in cross_validate, whose other keywords pass on to the inner ones (a log
    becomes one per outer fold: log.0, log.1, ...). The smallest mean of a cross-validation flatters itself, since λ was
    chosen to make it small; this mean does not.

    ValueError for another pick; errors of an outer fold name it.

    >>> from minigrad import linear_model, selection
    >>> from minigrad.data import regression
    >>> x, y, _ = regression(60, 20, noise=1.0, nonzero=3, dtype="float64")
    >>> found = nested_cross_validate(linear_model.Regression(), x, y, outer=3, folds=3, count=8)
    >>> len(found.lambdas), bool(found.mean > 0)
    (3, True)
    """
    if pick not in ("min", "1se"):
        raise ValueError(f"nested_cross_validate: pick is {pick!r}; need 'min' or '1se'")
    chosen, data = fitting_score(score, family), prepare(family, x, y, weights, offset)
    whole(seed, "nested_cross_validate: seed", 0, SEEDS)
    parts = as_folds(outer, data.x, data.y, family.classifies, seed, groups)
    check_classes(data, parts, "outer fold")
    check_weights(data, parts, chosen)
    members = None if groups is None else as_groups(groups, len(data.x))
    inside = [None if members is None else members[train] for train, _ in parts]
    _check_inner_folds(folds, family, data, parts, inside, seed)
    scores, picks, inner = [], [], []
    log = options.pop("log", None)
    for f, (train, test) in enumerate(parts):
        part, held_out = data.rows(train), data.rows(test)
        own: dict[str, Any] = {"groups": inside[f], "seed": nested_seed(seed, f)}
        own |= {"weights": part.weights, "offset": part.offset}
        own["log"] = None if log is None else f"{log}.{f}"
        try:
            result = cross_validate(family, part.x, part.y, lambdas, folds=folds, score=chosen, **own, **options)
            model = result.model if pick == "min" else result.model_1se
            scores.append(judged(model, held_out.x, held_out.y, chosen, held_out.weights, held_out.offset))
        except (ArithmeticError, ValueError) as error:
            raise type(error)(f"nested_cross_validate: outer fold {f}: {error}") from error
        picks.append(result.lambda_min if pick == "min" else result.lambda_1se)
        inner.append(result)
    mean, std_error = mean_and_error(scores, repeats_of(parts, len(data.x)))
    return Nested(np.array(scores), mean, std_error, picks, inner)


def _check_inner_folds(
    folds: Any, family: Family, data: Data, parts: list[Pair], inside: list[np.ndarray | None], seed: int
) -> None:
    """Refuse inner folds that are pairs of rows, and those whose training rows lack a class.

    inside[f] are the groups of the training rows of outer fold f.
    """
    if not (hasattr(folds, "__index__") or hasattr(folds, "split")):
        raise TypeError(
            f"nested_cross_validate: folds is a {type(folds).__name__}; inner folds are drawn in each outer training "
            "part, so need a whole number or a splitter. Pairs of rows can be the outer folds"
        )
    for f, (train, _) in enumerate(parts) if family.classifies else ():
        part = data.rows(train)
        inner_folds = as_folds(folds, part.x, part.y, True, nested_seed(seed, f), inside[f])
        check_classes(part, inner_folds, f"outer fold {f}, inner fold")
