"""How well outputs fit targets: one number per test part, from the kernels, in float64."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..data.dataset import as_rows
from ..engine import Tensor
from ..errors import ShapeError
from ..linear_model.design import dot
from ..nn.module import Module
from ..nn.prediction import evaluating

ROWS = 1024  # of a network's forward pass


class Score(NamedTuple):
    """A score by name: function(output, y), and whether more of it is better.

    Where rows have weights it is function(output, y, weights).
    """

    name: str
    function: Callable[..., float]
    greater_is_better: bool = False

    @property
    def sign(self) -> float:
        """What makes a loss of it."""
        return -1.0 if self.greater_is_better else 1.0


def mse(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean squared error of outputs (m,) or (m, 1) and targets (m,); weighted, if each row has a weight."""
    output, y = _flat(output, y), y.astype(np.float64)
    if weights is not None:
        losses = np.empty(len(y))
        K.mse(output, y, losses, reduction=K.reference.NONE)
        return _weighted(losses, weights)
    value = np.empty(())
    K.mse(output, y, value, reduction=K.reference.MEAN)
    return float(value)


def log_loss(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean of -log p(yᵢ): logits (m,) or (m, 1) of two classes, or (m, classes); y holds the classes 0, 1, ..."""
    value = np.empty(() if weights is None else len(y))
    reduction = K.reference.MEAN if weights is None else K.reference.NONE
    if output.ndim == 2 and output.shape[1] > 1:
        output = np.ascontiguousarray(output, np.float64)
        K.cross_entropy(output, y.astype(np.int64), value, np.empty_like(output), reduction=reduction)
    else:
        K.bce_with_logits(_flat(output, y), y.astype(np.float64), value, reduction=reduction)
    return float(value) if weights is None else _weighted(value, weights)


def accuracy(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Share of rows whose class has the largest logit; a single logit says class 1 above 0."""
    said = output.argmax(1) if output.ndim == 2 and output.shape[1] > 1 else _flat(output, y) > 0
    return float((said == y).sum() / len(y)) if weights is None else _weighted((said == y).astype(np.float64), weights)


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean, Σ ω v / Σ ω; NaN if every weight is 0."""
    total = dot(weights, np.ones(len(weights)))
    return dot(weights, values) / total if total else math.nan


def _flat(output: np.ndarray, y: np.ndarray) -> np.ndarray:
    if output.size != len(y):
        raise ShapeError(f"outputs are {output.shape}, targets {y.shape}; need one output per target")
    return np.ascontiguousarray(output, np.float64).reshape(-1)


SCORES = {
    score.name: score
    for score in (Score("mse", mse), Score("log_loss", log_loss), Score("accuracy", accuracy, greater_is_better=True))
}
ALIASES = {"neg_log_loss": "log_loss", "neg_mean_squared_error": "mse"}  # scikit-learn's names


def as_score(score: Any) -> Score:
    """A Score, or the one of a name: mse, log_loss, accuracy."""
    if isinstance(score, Score):
        return score
    name = ALIASES.get(score, score) if isinstance(score, str) else score
    if name not in SCORES:
        raise ValueError(f"score is {score!r}; need one of {', '.join(SCORES)}, or a selection.Score")
    return SCORES[name]


def check_weighted(score: Score) -> None:
    """ValueError unless the function of a score takes weights of rows."""
    if "weights" not in inspect.signature(score.function).parameters:
        raise ValueError(f"score {score.name} takes no weights of rows; need function(output, y, weights)")


def value_of(score: Score, output: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
    """The score of outputs, with the weights of rows where there are any."""
    return score.function(output, y) if weights is None else score.function(output, y, weights)


def output_of(model: Any, x: np.ndarray) -> np.ndarray:
    """The outputs of a model: model.output(x), or those of a Module in eval mode."""
    if not isinstance(model, Module):
        return np.asarray(model.output(x))
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    x = as_rows(x, "x").astype(dtype, copy=False)
    with evaluating(model):
        return np.concatenate([model(Tensor(x[i : i + ROWS])).data for i in range(0, len(x), ROWS)])
