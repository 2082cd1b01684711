"""Callbacks: objects that fit calls at six points; whatever a loop can do beyond training is one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import finite, whole
from ..public import described
from .history import unknown_column
from .monitors import direction, known_direction

if TYPE_CHECKING:
    from .run import Run


class Callback:
    """Does nothing at the six points. Override what you need; `run` is the running fit: see minigrad.train.Run.

    A callback may write columns of its own into run.row, for those that stand behind it in the list. One that does not
    says so by adds_columns = False: a monitor that fit does not measure is then an error before the first batch.

    >>> class Halve(Callback):
    ...     '''Half the learning rate after each epoch.'''
    ...     def on_epoch_end(self, run):
    ...         for group in run.optimizer.param_groups:
    ...             group["lr"] /= 2
    """

    __repr__ = described

    adds_columns = True
    only_looks = False  # whether the weights have the same bits without it until the last step: see train.Record

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_batch_begin(self, run: Run) -> None:
        """Before each batch that is made in Python, run.batch; fit(compile=True) replays the others."""

    def on_gradients(self, run: Run) -> None:
        """After backward and before the update: gradients may be changed here, and the update may be left out."""

    def on_batch_end(self, run: Run) -> None:
        """After each batch and its update; run.row holds the means of the epoch so far."""

    def on_epoch_end(self, run: Run) -> None:
        """After each epoch and its validation; run.row is the finished row, already in run.history."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, and also when training ends by an exception."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs of this callback, for checkpoints: numbers, text, None, arrays, lists and dicts of
        them, by name.
        """
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what state_dict gave; fit calls it after on_train_begin."""


class EarlyStopping(Callback):
    """Stop when `monitor`, a column of the history, has not improved for `patience` epochs; restore the best weights.

    The best epoch is the one with the best value by more than `min_delta`; best_epoch and best_value say which it was.
    Which way is better is known from the name (loss and error: mode="min"; accuracy and r2: "max"), or said by `mode`;
    where neither says it, ValueError. NaN never improves. restore=False keeps the last weights.

    The restored weights are those that have best_value: of a column of the validation data, the weights after that
    epoch. A column of the training data is measured before each update. With one batch an epoch its weights are kept
    from before the update; with more, no weights have the mean over the batches, and ValueError says what to do. After
    an exception, Ctrl-C too, the best weights are restored as well.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> callback = mg.train.EarlyStopping("loss", patience=2, restore=False)
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=3, callbacks=[callback])
    >>> callback.best_epoch
    3
    """

    adds_columns = False
    only_looks = True

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 5,
        mode: str | None = None,
        min_delta: float = 0.0,
        restore: bool = True,
    ) -> None:
        if mode not in ("min", "max", None):
            raise ValueError(f"EarlyStopping: mode is {mode!r}; need 'min' or 'max'")
        self.monitor = column_name("EarlyStopping", monitor)
        self.patience = whole(patience, "EarlyStopping: patience", 1)
        self.mode, self.restore = mode, restore
        self.min_delta = finite(min_delta, "EarlyStopping: min_delta", at_least=0)
        self._begin("min")

    def _begin(self, mode: str) -> None:
        self.sign = 1.0 if mode == "min" else -1.0
        self.best_epoch, self.best_value = 0, math.inf * self.sign
        self._weights: Mapping[str, np.ndarray] | None = None
        self._before: Mapping[str, np.ndarray] | None = None  # the weights that an epoch begins with, where they count

    def on_train_begin(self, run: Run) -> None:
        known = check_monitor("EarlyStopping", self.monitor, self.mode, run)
        self._begin(self.mode or direction(self.monitor, run.history.penalties) or "min")
        if known and self.restore and before_updates(self.monitor, run):
            if run.batches > 1:
                raise ValueError(
                    f"EarlyStopping: {self.monitor!r} is a mean over {run.batches} batches, each before its update: no "
                    f"weights have this value. Monitor 'val_{self.monitor}' with validation_data (the training data, "
                    "if need be), or pass restore=False"
                )
            self._before = run.model.state_dict()

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch == 1:
            check_column("EarlyStopping", self.monitor, self.mode, run)
        value = run.row[self.monitor]
        if self.sign * value < self.sign * self.best_value - self.min_delta:
            self.best_epoch, self.best_value = run.epoch, value
            if self.restore:
                self._weights = run.model.state_dict() if self._before is None else self._before
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop = True
        if self._before is not None:
            self._before = run.model.state_dict()

    def on_train_end(self, run: Run) -> None:
        if self.restore and self._weights is not None:
            run.model.load_state_dict(self._weights)
        self._weights = self._before = None

    def state_dict(self) -> dict[str, Any]:
        weights = {"weights": self._weights, "before": self._before}
        return {"best_epoch": self.best_epoch, "best_value": self.best_value, **weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best_epoch, self.best_value = state["best_epoch"], state["best_value"]
        self._weights, self._before = state["weights"], state["before"]


def column_name(who: str, monitor: str) -> str:
    """The monitor; TypeError for what is no word."""
    if not isinstance(monitor, str):
        raise TypeError(f"{who}: monitor is {monitor!r}; need the name of a column, such as 'val_loss'")
    return monitor


def check_monitor(who: str, monitor: str, mode: str | None, run: Run) -> bool:
    """Before the first batch: whether fit measures the monitor; ValueError where nothing does, or its way is open."""
    if monitor in run.columns:
        known_direction(who, monitor, mode, run.history.penalties)
        return True
    if any(getattr(callback, "adds_columns", True) for callback in run.callbacks):
        return False  # one of them may write it: seen after the first epoch
    raise ValueError(missing(who, monitor, run.columns))


def check_column(who: str, monitor: str, mode: str | None, run: Run) -> None:
    """After the first epoch: ValueError where no callback wrote the monitor, or its direction is open."""
    if monitor not in run.row:
        raise ValueError(missing(who, monitor, list(run.row)))
    known_direction(who, monitor, mode, run.history.penalties)


def missing(who: str, monitor: str, columns: list[str]) -> str:
    """The message about a monitor that is no column; without validation data nothing begins with val_."""
    text = unknown_column(who, monitor, columns)
    validated = any(name.startswith("val_") for name in columns)
    return text if validated or not str(monitor).startswith("val_") else f"{text}; pass validation_data to fit"


def before_updates(monitor: str, run: Run) -> bool:
    """Whether fit measures this column on the batches of the training data, before their updates."""
    return monitor in run.columns and not monitor.startswith("val_") and monitor not in ("epoch", "seconds")
