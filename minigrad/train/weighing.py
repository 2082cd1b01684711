"""Losses and metrics called with weights of rows, where the data has some."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..data.batches.loader import Loader
from ..engine import Tensor
from ..nn.module import Module
from ..nn.prediction import leaves
from .outcomes import total


def takes_weights(function: Any) -> bool:
    """Whether a function, a callable object or a loss module has a parameter sample_weight."""
    try:
        parameters = inspect.signature(function.forward if isinstance(function, Module) else function).parameters
    except (TypeError, ValueError):  # a function of C that does not say
        return False
    return "sample_weight" in parameters


def loss_of(loss: Callable, output: Any, y: np.ndarray, weight: np.ndarray | None = None) -> Tensor:
    """The loss of a batch; with weights (rows,), loss(output, y, sample_weight=weights), a constant tensor."""
    if weight is None:
        return loss(output, y)
    dtype = leaves(output)[0].dtype
    return loss(output, y, sample_weight=Tensor(weight if dtype.kind != "f" else weight.astype(dtype, copy=False)))


def unless_all_one(loss: Callable, weight: np.ndarray | None) -> Callable:
    """The loss, or, where every row weighs 1 and it need not be told, the loss that is not: no bit depends on weights.

    That is decided by all the data, and not by a batch, so that every batch is computed in the same way.
    """
    if weight is None or not (weight == 1).all() or not may_leave_out_weights(loss):
        return loss
    return lambda output, y, sample_weight=None: loss(output, y)


def weights_of(loader: Loader) -> np.ndarray | None:
    """The weights that the batches of a loader have, where its transforms leave them as they are."""
    return None if any(hasattr(step, "weighted") for step in loader.transforms) else loader.weight


def may_leave_out_weights(loss: Any) -> bool:
    """Whether the parameter sample_weight of a loss has a default."""
    try:
        parameters = inspect.signature(loss.forward if isinstance(loss, Module) else loss).parameters
    except (TypeError, ValueError):
        return False
    return parameters["sample_weight"].default is not inspect.Parameter.empty


def refuse_unweighted(loss: Any) -> None:
    """TypeError for a loss that cannot be told the weights of the rows."""
    if not takes_weights(loss):
        raise TypeError(
            f"the data has weights, and the loss {getattr(loss, '__name__', type(loss).__name__)!r} has no parameter "
            "sample_weight to take them. Every loss of minigrad has it; write your own as\n"
            "    def loss(output, y, sample_weight):\n"
            "        losses = ...  # one number for each row, (rows,)\n"
            "        return (losses * sample_weight).sum() / sample_weight.sum()"
        )


def mass(rows: int, weight: np.ndarray | None = None) -> float:
    """What a batch counts in a mean over rows: how many they are, or the sum of their weights."""
    return rows if weight is None else total(weight)


def in_dtype(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A batch in the model's dtype, if it is real: a transform may have made float64 of bytes."""
    return x if x.dtype == dtype or x.dtype.kind != "f" else x.astype(dtype)
