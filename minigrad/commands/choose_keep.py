"""The models that `minigrad cv` and `minigrad path` keep beside their reports, for `minigrad predict` and `show`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import selection
from ..tabular import keeping
from ..tabular.judging import scores_of_numbers
from ..tabular.perceptron import Perceptron
from ..tabular.predictor import plain_scores
from ..tabular.training import lambda_of, predictor_of, strengths_of
from .choose import Job

KINDS = {
    "Regression": "linear",
    "squared": "linear",
    "Logistic": "logistic",
    "logistic": "logistic",
    "Poisson": "poisson",
    "poisson": "poisson",
    "Huber": "huber",
}  # what a family, or the loss of one with groups, is called in files
ONE_SE = "model-1se.safetensors"


def keep(out: Path, asked: Job, picks: Mapping[str, tuple[int, str]], result: selection.CrossValidation) -> list[str]:
    """Keep the models of all rows at both picks, file name -> (index of λ, pick), and say where they are."""
    told = []
    for name, (index, pick) in picks.items():
        model, what = result.path[index], "the best λ" if pick == "min" else "the one-standard-error λ"
        if model is None:
            told.append(f"not kept: on all rows, the model at {what} could not be fitted; see the notes")
        else:
            keep_model(out / name, asked, model, lambda_of(result, pick))
            told.append(f"kept in {out / name}: the model of all rows at {what}")
    return told


def given(asked: Job, lam: float) -> dict[str, Any]:
    """What is to be said of a λ that was given."""
    return {"lambda": {"how": "given", **strengths_of(asked.family.settings(), lam)}}


def keep_model(file: Path, asked: Job, model: Any, told: dict[str, Any]) -> None:
    """Write a model that was fitted on all rows, with its scores on them."""
    rows, family = asked.rows, getattr(asked.family, "family", asked.family)  # of Imputed
    assert rows.table is not None
    kind = KINDS.get(getattr(family, "loss", None) or type(family).__name__, "mlp")
    build = Perceptron(family.build.inputs, (family.build.hidden,), family.build.outputs) if kind == "mlp" else None
    about = {"data": rows.title.rpartition(" of ")[2], "rows": {"training": len(rows.x)}, **told}
    made = predictor_of(rows.table, model, kind, about, build)
    scores = plain_scores(made.scores(made.output(rows.table), rows.y, rows.weights))
    made.about["scores"] = {"training": scores}
    keeping.save(made, file.parent, file.name)


def r_squared(error: float, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 - mean squared error / variance of y; NaN where y is constant.

    >>> r_squared(0.25, np.array([1.0, 2.0, 3.0]))
    0.625
    """
    squares = scores_of_numbers(np.full(len(y), float(np.average(y, weights=weights))), y, weights)
    variance = squares["root mean squared error"] ** 2
    return 1 - error / variance if variance else math.nan
