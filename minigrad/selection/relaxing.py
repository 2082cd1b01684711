"""Picks of a cross-validation refitted without penalty on the inputs that they use, and their errors by folds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..data.prepare.imputation import MeanImputer
from ..linear_model import ConvergenceWarning, LinearModel
from ..linear_model.two_steps import relaxed
from .folds import Pair, repeats_of
from .imputed import Imputed, ImputedModel
from .prepared import Data
from .result import mean_and_error
from .scores import Score, judged


class Relaxed(NamedTuple):
    """The relaxed model of all rows at a λ, and its errors on held-out rows.

    model       None where it cannot be fitted; `failed` then says why
    scores      (folds,) of the relaxed models of the training rows, NaN where there is none
    mean, error     of the scores; NaN unless every fold has one
    failed      what went wrong, in the folds and on all rows
    """

    lam: float
    model: Any
    scores: np.ndarray
    mean: float
    error: float
    failed: list[str]


def relax(family: Any, data: Data, parts: Sequence[Pair], lam: float, score: Score) -> Relaxed:
    """The model at λ and its refit, in the training part of every fold, and on all rows.

    family      linear_model.Regression(...) or Logistic(...), or one of them in Imputed(...)
    parts       pairs (training rows, test rows); the support is that of the fit of the training rows alone

    An error that a fit raises is noted in `failed`; of ConvergenceWarnings nothing is said but that.
    """
    failed: list[str] = []
    scores = np.full(len(parts), math.nan)
    for f, (train, test) in enumerate(parts):
        held_out = data.rows(test)
        try:
            model = _refitted(family, data.rows(train), lam)
            scores[f] = judged(model, held_out.x, held_out.y, score, held_out.weights, held_out.offset)
            failed += [f"fold {f}: {model.trouble}"] if model.trouble else []
        except (ArithmeticError, ValueError) as error:
            failed.append(f"fold {f}: {error}")
    mean, error_of_mean = mean_and_error(scores.tolist(), repeats_of(list(parts), len(data.x)))
    try:
        model = _refitted(family, data, lam)
        failed += [f"all rows: {model.trouble}"] if model.trouble else []
    except (ArithmeticError, ValueError) as error:
        model = None
        failed.append(f"all rows: {error}")
    return Relaxed(lam, model, scores, mean, error_of_mean, failed)


def _refitted(family: Any, data: Data, lam: float) -> Any:
    """The relaxed model of these rows; of a family behind an imputer it fills gaps, too."""
    if isinstance(family, Imputed):
        fill = MeanImputer(data.x)
        return ImputedModel(fill, _refitted(family.family, data._replace(x=fill(data.x)), lam))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the models say it, too
        first: LinearModel = data.start(family).fit(lam)
        return relaxed(family, first, data.x, data.y, 0.0, data.weights, data.offset)
