"""Callbacks that bend the trajectory: clipped gradients, learning-rate schedules, averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import finite
from ..nn.clipping import clip_grad_norm_, clip_grad_value_
from ..optim.averaging import EMA
from ..optim.plateau import ReduceLROnPlateau
from ..optim.schedules import Schedule
from ..recording import mode
from .callbacks import Callback, check_monitor, column_name, missing
from .monitors import known_direction

if TYPE_CHECKING:
    from ..optim.base import Optimizer
    from .run import Run


class ClipGradients(Callback):
    """Clip the gradients before each update: elements to [-clip_value, clip_value], then their norm to max_norm.

    `norms` are the norms before clipping by norm, update by update. The gradients are those of the loss: penalties
    bound to the optimizer add theirs later. NonFiniteError where the norm is NaN or infinite. Acts before each update.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> callback = mg.train.ClipGradients(max_norm=1.0)
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=3, callbacks=[callback])
    >>> len(callback.norms)  # 2 batches of 3 epochs
    6
    """

    adds_columns = False

    def __init__(self, max_norm: float | None = None, clip_value: float | None = None, norm_type: float = 2.0) -> None:
        if max_norm is None and clip_value is None:
            raise ValueError("ClipGradients: need max_norm, clip_value, or both")
        given = {"max_norm": max_norm, "clip_value": clip_value}
        for name, value in given.items():
            if value is not None and finite(value, f"ClipGradients: {name}", at_least=0.0) == 0:
                raise ValueError(f"ClipGradients: {name} is 0, so that no gradient would be left; need more")
        self.max_norm, self.clip_value, self.norm_type = max_norm, clip_value, norm_type
        self.norms: list[float] = []
        self._remove: Callable[[], None] | None = None

    def on_train_begin(self, run: Run) -> None:
        self.norms = []
        self._remove = run.optimizer.before_step(self._clip)

    def _clip(self, optimizer: Optimizer) -> None:
        if self.clip_value is not None:
            clip_grad_value_(optimizer.state, self.clip_value)
        if self.max_norm is not None:
            norm = clip_grad_norm_(optimizer.state, self.max_norm, self.norm_type, error_if_nonfinite=True)
            if isinstance(norm, float):
                self.norms.append(norm)
            else:  # in a step that is recorded it is a tensor
                mode.step.observe([norm.array], self.norms.extend)

    def on_train_end(self, run: Run) -> None:
        if self._remove is not None:
            self._remove()
            self._remove = None

    def state_dict(self) -> dict[str, Any]:
        return {"norms": np.array(self.norms)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.norms = state["norms"].tolist()


class LearningRate(Callback):
    """Step a schedule after every epoch, or with every="batch" after every update.

    ReduceLROnPlateau gets `monitor`, a column of the history.

    Which way the monitor gets better is known from its name (loss: "min", accuracy: "max"), or said by `mode`; where
    that is not the mode of the plateau, or neither says it, ValueError before the first batch.

    `rates` are the first group's, one for each epoch or batch that was trained.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> callback = mg.train.LearningRate(mg.optim.StepLR(optimizer, step_size=1, gamma=0.5))
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=3, callbacks=[callback])
    >>> callback.rates
    [0.1, 0.05, 0.025]
    """

    adds_columns = False

    def __init__(
        self,
        schedule: Schedule | ReduceLROnPlateau,
        every: str = "epoch",
        monitor: str = "val_loss",
        mode: str | None = None,
    ) -> None:
        if not isinstance(schedule, (Schedule, ReduceLROnPlateau)):
            raise TypeError(f"LearningRate: got {schedule!r}; need a schedule of minigrad.optim, such as StepLR")
        if every not in ("epoch", "batch"):
            raise ValueError(f"LearningRate: every is {every!r}; need 'epoch' or 'batch'")
        if mode not in ("min", "max", None):
            raise ValueError(f"LearningRate: mode is {mode!r}; need 'min' or 'max'")
        self.schedule, self.every, self.mode = schedule, every, mode
        self.monitor = column_name("LearningRate", monitor)
        self.rates: list[float] = []

    def on_train_begin(self, run: Run) -> None:
        if self.schedule.optimizer is not run.optimizer:
            raise ValueError("LearningRate: the schedule is on another optimizer than the one that fit was given")
        for other in run.callbacks:
            if other is not self and isinstance(other, LearningRate) and other.schedule is self.schedule:
                raise ValueError(
                    f"LearningRate: two callbacks step the same {type(self.schedule).__name__}, which would go twice "
                    "as fast; leave one out, or make a schedule for each"
                )
        if isinstance(self.schedule, ReduceLROnPlateau):
            if self.every == "batch" and (self.monitor.startswith("val_") or self.monitor in run.whole):
                raise ValueError(
                    f"LearningRate: {self.monitor!r} is measured once an epoch; need every='epoch', or a "
                    "column of the training data"
                )
            if check_monitor("LearningRate", self.monitor, self.mode, run):
                self._check_mode(run, self.schedule.mode)
        self.rates = []

    def _check_mode(self, run: Run, mode: str) -> None:
        """ValueError where the plateau, of this mode, takes what gets better for what gets worse."""
        want = known_direction("LearningRate", self.monitor, self.mode, run.history.penalties)
        if want != mode:
            better = {"max": "more", "min": "less"}[want]
            raise ValueError(
                f"LearningRate: of {self.monitor!r} {better} is better, and the schedule has mode={mode!r}; need "
                f"ReduceLROnPlateau(..., mode={want!r})"
            )

    def in_step(self) -> str:
        """What fit(compile=True) asks: how the callback acts in batches."""
        if self.every == "epoch":
            return ""
        return "schedule" if isinstance(self.schedule, Schedule) else "each batch"

    def on_batch_end(self, run: Run) -> None:
        if self.every == "batch" and not run.skip_update:
            self._step(run)

    def on_epoch_end(self, run: Run) -> None:
        if self.every == "epoch":
            self._step(run)

    def _step(self, run: Run) -> None:
        self.rates.append(run.optimizer.param_groups[0]["lr"])
        if isinstance(self.schedule, Schedule):
            self.schedule.step()
        elif self.monitor in run.row:
            if len(self.rates) == 1:
                self._check_mode(run, self.schedule.mode)
            self.schedule.step(run.row[self.monitor])
        else:
            raise ValueError(missing("LearningRate", self.monitor, list(run.row)))

    def state_dict(self) -> dict[str, Any]:
        return {"schedule": self.schedule.state_dict(), "rates": np.array(self.rates)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.schedule.load_state_dict(state["schedule"])
        self.rates = state["rates"].tolist()


class AverageWeights(Callback):
    """Average the weights over the steps (optim.EMA), as `ema` during and after the fit; keep: leave them in the model.

    The average begins with the weights at the start, which are decay^steps of it: with few steps take a smaller decay.
    keep=False leaves the last weights there; `with callback.ema.swap():` evaluates the averages. Where EarlyStopping
    stands before it in the list of callbacks, keep replaces what that restored.

    ValueError for a decay of 1, with which the average would stay at the start.

    >>> import minigrad as mg
    >>> x, y, _ = mg.data.regression(64, 3, dtype="float32")
    >>> model = mg.nn.Sequential(mg.nn.Linear(3, 1))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> callback = mg.train.AverageWeights(decay=0.5)
    >>> _ = mg.train.fit(model, (x, y.reshape(-1, 1)), mg.mse, optimizer, epochs=3, callbacks=[callback])
    >>> type(callback.ema).__name__
    'EMA'
    """

    adds_columns = False
    only_looks = True

    def __init__(self, decay: float = 0.999, keep: bool = True) -> None:
        self.decay, self.keep = finite(decay, "AverageWeights: decay", 0.0, 1.0), bool(keep)
        if self.decay == 1:
            raise ValueError("AverageWeights: decay is 1, so that the average would stay at the start; need less")
        self.ema: EMA | None = None

    def on_train_begin(self, run: Run) -> None:
        self.ema = EMA(run.model, self.decay)

    def in_step(self) -> str:
        """What fit(compile=True) asks: how the callback acts in batches."""
        return "average"

    def on_batch_end(self, run: Run) -> None:
        assert self.ema is not None  # made at the beginning
        if not run.skip_update:
            self.ema.update()

    def on_train_end(self, run: Run) -> None:
        if self.keep and self.ema is not None:
            self.ema.copy_to(run.model)

    def state_dict(self) -> dict[str, Any]:
        return {"averages": None if self.ema is None else self.ema.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if self.ema is not None and state["averages"] is not None:
            self.ema.load_state_dict(state["averages"])
