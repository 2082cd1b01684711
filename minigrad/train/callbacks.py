"""Callbacks: objects that fit calls at four points; whatever a loop can do beyond training is one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..checks import finite, whole
from .history import unknown_column

if TYPE_CHECKING:
    from .loop import Run


class Callback:
    """Does nothing at the four points. Override what you need; `run` is the running fit: see minigrad.train.Run.

    >>> class Halve(Callback):
    ...     '''Half the learning rate after each epoch.'''
    ...     def on_epoch_end(self, run):
    ...         for group in run.optimizer.param_groups:
    ...             group["lr"] /= 2
    """

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_batch_end(self, run: Run) -> None:
        """After each update; run.row holds the means of the epoch so far."""

    def on_epoch_end(self, run: Run) -> None:
        """After each epoch and its validation; run.row is the finished row, already in run.history."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, and also when training ends by an exception."""


class EarlyStopping(Callback):
    """Stop when `monitor`, a column of the history, has not improved for `patience` epochs; restore the best weights.

    The best epoch is the one with the lowest value (mode="max": the highest) by more than `min_delta`; best_epoch and
    best_value say which it was. NaN never improves. restore=False keeps the last weights.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 5,
        mode: str = "min",
        min_delta: float = 0.0,
        restore: bool = True,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"EarlyStopping: mode is {mode!r}; need 'min' or 'max'")
        self.monitor, self.patience = monitor, whole(patience, "EarlyStopping: patience", 1)
        self.sign, self.restore = (1.0 if mode == "min" else -1.0), restore
        self.min_delta = finite(min_delta, "EarlyStopping: min_delta", at_least=0)

    def on_train_begin(self, run: Run) -> None:
        self.best_epoch, self.best_value = 0, math.inf * self.sign
        self._weights: Mapping[str, np.ndarray] | None = None

    def on_epoch_end(self, run: Run) -> None:
        if self.monitor not in run.row:
            raise ValueError(unknown_column("EarlyStopping", self.monitor, list(run.row)))
        value = run.row[self.monitor]
        if self.sign * value < self.sign * self.best_value - self.min_delta:
            self.best_epoch, self.best_value = run.epoch, value
            self._weights = run.model.state_dict()
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop = True

    def on_train_end(self, run: Run) -> None:
        if self.restore and self._weights is not None:
            run.model.load_state_dict(self._weights)
