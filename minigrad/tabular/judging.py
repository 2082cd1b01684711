"""What a model answers, from its outputs: probabilities, classes, and how good they are on rows with a target."""

from __future__ import annotations

import math

import numpy as np

from .. import kernels as K
from ..linear_model.column_products import dot
from ..linear_model.generalized import mean_of
from ..selection.scores import accuracy, log_loss, mse, poisson_deviance


def probabilities(output: np.ndarray, classes: int) -> np.ndarray:
    """(n, classes) from logits (n,) or (n, 1) of two classes, or (n, classes)."""
    out = np.empty((len(output), classes))
    if output.ndim == 2 and output.shape[1] > 1:
        K.softmax(np.ascontiguousarray(output, np.float64), out)
        return out
    for column, sign in enumerate((-1.0, 1.0)):  # each side by its own sigmoid: 1 - p would lose the digits of a small
        side = np.ascontiguousarray(sign * output.reshape(-1), np.float64)
        K.sigmoid(side, side)
        out[:, column] = side
    return out


def chosen(output: np.ndarray) -> np.ndarray:
    """The number of the class with the largest logit, (n,)."""
    wide = output.ndim == 2 and output.shape[1] > 1
    return output.argmax(1) if wide else (output.reshape(-1) > 0).astype(np.int64)


def scores_of_numbers(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """R², root mean squared and mean absolute error of outputs (n,) or (n, 1), weighted if rows have weights.

    R² = 1 - Σ ωᵢ (yᵢ - fᵢ)² / Σ ωᵢ (yᵢ - ȳ)², NaN where y is constant.
    """
    output = output.reshape(-1).astype(np.float64)
    share = np.full(len(y), 1 / len(y)) if weights is None else weights / dot(weights, np.ones(len(weights)))
    squares = mse(output, y, weights)
    around = mse(np.full(len(y), dot(share, y)), y, weights)
    return {
        "R²": 1 - squares / around if around else math.nan,
        "root mean squared error": math.sqrt(squares),
        "mean absolute error": dot(share, np.abs(output - y)),
    }


def scores_of_counts(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Deviance explained, mean deviance, and the errors of rates, of log rates (n,) and counts.

    Deviance explained is 1 - deviance / that of the mean count, NaN where all counts are equal; scikit-learn's D².
    """
    output = np.ascontiguousarray(output, np.float64).reshape(-1)
    rates = mean_of(output, "log")
    numbers = scores_of_numbers(rates, y, weights)
    share = np.full(len(y), 1 / len(y)) if weights is None else weights / dot(weights, np.ones(len(weights)))
    mean, log_mean = np.array([dot(share, y)]), np.empty(1)
    K.log(mean, log_mean)
    deviance = poisson_deviance(output, y, weights)
    null = poisson_deviance(np.full(len(y), log_mean[0]), y, weights) if mean[0] > 0 else 0.0
    explained = {"deviance explained": 1 - deviance / null if null else math.nan, "mean deviance": deviance}
    return explained | {name: numbers[name] for name in ("root mean squared error", "mean absolute error")}


def scores_of_classes(output: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Accuracy and log loss of logits; y holds the numbers of classes."""
    return {"accuracy": accuracy(output, y, weights), "log loss": log_loss(output, y, weights)}
