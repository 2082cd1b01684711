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
from ..errors import NonFiniteError, ShapeError
from ..linear_model.column_products import dot
from ..linear_model.data_terms import AbsoluteTails, Counts
from ..linear_model.generalized import mean_of
from ..nn.module import Module
from ..nn.prediction import evaluating

ROWS = 1024  # of a network's forward pass


class Score(NamedTuple):
    """A score by name: function(output, y), and whether more of it is better.

    classes: whether y holds classes 0, 1, ... (True) or numbers (False); None: the function takes both. Where rows have
    weights it is function(output, y, weights). link: what outputs it takes, "identity" (predictions) or "log" (log
    rates of counts); None: those of any model.

    >>> worst = Score("worst", lambda output, y: float(np.abs(output - y).max()), classes=False)
    >>> worst.function(np.array([1.0, 2.0]), np.array([1.0, 4.0])), worst.sign
    (2.0, 1.0)
    """

    name: str
    function: Callable[..., float]
    greater_is_better: bool = False
    classes: bool | None = None
    link: str | None = None

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
    """Share of rows whose class has the largest logit; a single logit says class 1 above 0. NaN if an output is."""
    if np.isnan(output).any():
        return math.nan
    said = output.argmax(1) if output.ndim == 2 and output.shape[1] > 1 else _flat(output, y) > 0
    return float((said == y).sum() / len(y)) if weights is None else _weighted((said == y).astype(np.float64), weights)


def poisson_deviance(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean of 2 (y log(y / μ) - (y - μ)), of counts y at log rates log μ (m,) or (m, 1); inf where μ is."""
    deviance = Counts(y.astype(np.float64)).deviance(_flat(output, y))
    return _weighted(deviance, np.ones(len(y)) if weights is None else weights)


def huber(
    output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None, *, threshold: float | None = None
) -> float:
    """Mean of Huber's loss: r²/2 up to the threshold, in units of y, and a line beyond; that of Huber models."""
    if threshold is None:
        raise ValueError(
            "score 'huber' has the threshold of the model, and this one has none: use linear_model.Huber, or "
            "selection.Score('huber', functools.partial(selection.scores.huber, threshold=...))"
        )
    losses = AbsoluteTails(y.astype(np.float64), threshold).values(_flat(output, y))
    return _weighted(losses, np.ones(len(y)) if weights is None else weights)


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
    for score in (
        Score("mse", mse, classes=False, link="identity"),
        Score("log_loss", log_loss, classes=True),
        Score("accuracy", accuracy, greater_is_better=True, classes=True),
        Score("poisson_deviance", poisson_deviance, classes=False, link="log"),
        Score("huber", huber, classes=False, link="identity"),
    )
}
ALIASES = {  # scikit-learn's names
    "neg_log_loss": "log_loss",
    "neg_mean_squared_error": "mse",
    "neg_mean_poisson_deviance": "poisson_deviance",
}


def as_score(score: Any) -> Score:
    """A Score, or the one of a name: mse, log_loss, accuracy, poisson_deviance, huber."""
    if isinstance(score, Score):
        return score
    name = ALIASES.get(score, score) if isinstance(score, str) else score
    if not isinstance(name, str) or name not in SCORES:
        what = f"the function {getattr(score, '__name__', score)}" if callable(score) else repr(score)
        raise ValueError(
            f"score is {what}; need one of {', '.join(SCORES)}, or a selection.Score('name', function), "
            "where function(output, y) is a number, of arrays"
        )
    return SCORES[name]


def check_weighted(score: Score) -> None:
    """ValueError unless the function of a score takes weights of rows."""
    if "weights" not in inspect.signature(score.function).parameters:
        raise ValueError(f"score {score.name} takes no weights of rows; need function(output, y, weights)")


def output_of(model: Any, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
    """The outputs of a model: model.output(x), with an offset model.output(x, offset), or those of a Module in eval
    mode.
    """
    if not isinstance(model, Module) and not hasattr(model, "output"):
        raise TypeError(f"the model is {model!r:.60}; need a Module, or an object with output(x)")
    if not isinstance(model, Module):
        return np.asarray(model.output(x) if offset is None else model.output(x, offset))
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    x = as_rows(x, "x").astype(dtype, copy=False)
    with evaluating(model):
        return np.concatenate([model(Tensor(x[i : i + ROWS])).data for i in range(0, len(x), ROWS)])


def predictions_of(model: Any, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
    """The outputs of a model; of one of counts the rates, not their logs."""
    output = output_of(model, x, offset)
    return mean_of(output, "log") if getattr(model, "link", "") == "log" else output


def finite_output(model: Any, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
    """The outputs of a model; NonFiniteError where they are not finite.

    A network that diverged answers NaN, which an argmax takes for class 0: no score of it may enter a mean.
    """
    output = output_of(model, x, offset)
    bad = ~np.isfinite(output)
    if bad.any():
        first = output[tuple(np.argwhere(bad)[0])]
        raise NonFiniteError(f"the model answers {first} in {int(bad.sum())} of {output.size} outputs: it diverged")
    return output


def judged(
    model: Any,
    x: np.ndarray,
    y: np.ndarray,
    score: Score,
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> float:
    """The score of a model on rows it was not fitted on; NonFiniteError where its outputs or score are not finite."""
    return judged_output(finite_output(model, x, offset), y, score, weights)


def judged_output(output: np.ndarray, y: np.ndarray, score: Score, weights: np.ndarray | None = None) -> float:
    """The score of outputs; NonFiniteError where it is not finite."""
    value = float(score.function(output, y) if weights is None else score.function(output, y, weights))
    if not math.isfinite(value):
        raise NonFiniteError(f"{score.name} of the test rows is {value}")
    return value
