"""The schedule that waits for a measure to stop improving."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..checks import finite, refuse_unknown_of, whole
from ..public import described
from .base import Optimizer
from .schedules import check_optimizer, present_rates


class ReduceLROnPlateau:
    """Multiply the rates by factor when a measure has not improved for more than `patience` steps: `step(measure)`.

    Improved, for mode "min": below best - threshold |best|; for "max": above best + threshold |best|. With
    threshold_mode="abs": by more than threshold. NaN never improves. `cooldown` steps follow a reduction in which none
    is counted. Rates end at min_lr; a change smaller than eps is not made. Other schedules may act beside it: see
    Schedule.

    ValueError for another mode, or a factor of 1; TypeError for a measure that is no number.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    __repr__ = described

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = check_optimizer("ReduceLROnPlateau", optimizer)
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: mode is {mode!r}, threshold_mode {threshold_mode!r}; need 'min' or "
                "'max', 'rel' or 'abs'"
            )
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = finite(factor, "ReduceLROnPlateau: factor", 0.0, 1.0)
        if self.factor == 1:
            raise ValueError("ReduceLROnPlateau: factor is 1; need less")
        self.patience = whole(patience, "ReduceLROnPlateau: patience", 0)
        self.cooldown = whole(cooldown, "ReduceLROnPlateau: cooldown", 0)
        self.threshold = finite(threshold, "ReduceLROnPlateau: threshold", at_least=0.0)
        self.min_lr = finite(min_lr, "ReduceLROnPlateau: min_lr", at_least=0.0)
        self.eps = finite(eps, "ReduceLROnPlateau: eps", at_least=0.0)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.resting = 0  # steps without improvement; steps of the cooldown that are left

    def step(self, metrics: float) -> None:
        """Note the measure; reduce the rates if it has not improved for too long."""
        try:
            measure = float(metrics)
        except (TypeError, ValueError):
            raise TypeError(
                f"ReduceLROnPlateau: step needs the measure that it watches, a number; got {metrics!r:.80}"
            ) from None
        if self._improves(measure):
            self.best, self.bad = measure, 0
        else:
            self.bad += 1
        if self.resting:
            self.resting -= 1
            self.bad = 0
        if self.bad > self.patience:
            self.resting, self.bad = self.cooldown, 0
            for group in self.optimizer.param_groups:
                rate = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate

    def _improves(self, measure: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs" or math.isinf(self.best):
            return sign * measure < sign * self.best - self.threshold
        share = self.threshold if self.best < 0 else -self.threshold  # to the better side of best, whatever its sign
        return sign * measure < sign * (self.best * (1 + sign * share))

    def get_last_lr(self) -> list[float]:
        """The present rate of each group."""
        return present_rates("ReduceLROnPlateau", self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """The best measure and the counts."""
        return {"best": self.best, "bad": self.bad, "resting": self.resting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where state_dict was taken; the rates are part of the optimizer's state."""
        try:
            bad, resting = (whole(state[name], f"ReduceLROnPlateau: {name}", 0) for name in ("bad", "resting"))
            best = float(state["best"])
        except (TypeError, KeyError, AttributeError):
            raise ValueError(
                f"ReduceLROnPlateau: load_state_dict needs what state_dict gives, got {state!r:.80}"
            ) from None
        self.best, self.bad, self.resting = best, bad, resting
