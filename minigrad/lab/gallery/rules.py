"""How well rules pick λ: their errors on rows that no rule saw, beside the best λ of the same path."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ...linear_model import Regression
from ...rng import SPLIT, permutation, stream
from ...selection import criteria, cross_validate, lambda_grid, prepare, stability
from ..pages.statistics import mean, spread, t95

MOST, COUNT, FOLDS, HALVES = 150, 50, 10, 50  # rows of a split, λ of a path, folds of cross-validation, halves
TOLERANCE = 1e-6  # of the lasso: the 100 columns of meatspec are nearly one, and 1e-12 takes a minute there
RULES = ("cv", "cv_1se", "loo", "loo_1se", "gcv", "cp", "aic", "aicc", "bic", "stability", "none")
WORDS = {
    "cv": "cross-validation, best",
    "cv_1se": "cross-validation, one error",
    "loo": "leave-one-out",
    "loo_1se": "leave-one-out, one error",
    "gcv": "GCV",
    "cp": "Mallows' Cp",
    "aic": "AIC",
    "aicc": "AICc",
    "bic": "BIC",
    "stability": "stable columns, refitted",
    "none": "no penalty (least squares)",
}


def split(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows, two to one, of at most MOST rows drawn by the seed.

    >>> [len(rows) for rows in split(300, 0)], [len(rows) for rows in split(30, 0)]
    ([100, 50], [20, 10])
    """
    rows = permutation(n, seed, stream(SPLIT, 0))[:MOST]
    train = round(len(rows) * 2 / 3)
    return np.sort(rows[:train]), np.sort(rows[train:])


def excess(x: np.ndarray, y: np.ndarray, l1_ratio: float, seed: int) -> dict[str, float]:
    """For each rule 100 log(e/b): its pick has the mean squared error e, the best λ of the path b; percent, if small.

    The best is that of the test rows: no rule can know it. "stability" refits least squares on the stable columns of
    the lasso, with at most one false one on average, and "none" has no penalty, so both may be below it. NaN where a
    rule is not defined: leave-one-out for l1_ratio > 0, Cp with too few rows.
    """
    train, test = split(len(x), seed)
    family: Any = Regression(l1_ratio, standardize=True, tol=TOLERANCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = prepare(family, x[train], y[train])
        lambdas = lambda_grid(family, data, COUNT)
        found = criteria(family, data.x, data.y, lambdas)
        folds = cross_validate(family, data.x, data.y, lambdas, folds=min(FOLDS, len(train)), seed=seed, refit=False)
        errors = [_error(model, x[test], y[test]) for model in found.path]
        own = {"none": _error(data.start(family).solve(0.0, 0.0), x[test], y[test])}
        if l1_ratio == 1:
            own["stability"] = _stable(family, data, x[test], y[test], seed)
    picks = {"cv": folds.best, "cv_1se": folds.one_se, **found.picks}
    own |= {rule: errors[i] for rule, i in picks.items()}
    best = min(errors)
    return {rule: 100 * math.log(own[rule] / best) if rule in own else math.nan for rule in RULES}


def _error(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((model.output(x) - y) ** 2))


def _stable(family: Any, data: Any, x: np.ndarray, y: np.ndarray, seed: int) -> float:
    """The error of least squares on the stable columns; of the mean where there is none."""
    columns = stability(family, data.x, data.y, bound=1.0, draws=HALVES, count=COUNT, ratio=0.05, seed=seed).stable
    if not columns:
        return float(np.mean((y - data.y.mean()) ** 2))
    model = Regression().start(data.x[:, columns], data.y).solve(0.0, 0.0)
    return _error(model, x[:, columns], y)


def interval(values: list[float], overlap: float) -> tuple[float, float]:
    """The mean over splits and the half width of its 95 % interval, with the variance of Nadeau, Bengio 2003.

    Splits share rows, so 1/J is too little: it is 1/J + overlap, test rows over training rows. NaN for one split.
    """
    n = len(values)
    if n < 2:
        return mean(values), math.nan
    return mean(values), t95(n - 1) * spread(values) * math.sqrt(1 / n + overlap)


def between(values: list[float]) -> tuple[float, float]:
    """The mean over data sets, which are drawn apart, and the half width of its 95 % interval."""
    n = len(values)
    return (mean(values), t95(n - 1) * spread(values) / math.sqrt(n)) if n > 1 else (mean(values), math.nan)
