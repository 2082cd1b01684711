"""Learning-rate schedules: after each `step()` every group has the rate that the schedule gives for its first one.

Rates decide weights, so that they are computed by + - × ÷ on Python numbers alone and are the same on every machine:
powers by multiplication, and the cosine by its series on an exactly reduced fraction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import finite, refuse_unknown_of, whole
from .base import Optimizer


class Schedule:
    """Base of the schedules: `rate(first, t)` is the learning rate after t steps of a group that starts at `first`.

    The schedule sets the rate when it is made (t = 0) and at each step(), which follows an epoch or a batch, as you
    like. `first` is the group's lr when the first schedule on its optimizer was made. In fit: train.LearningRate.

    >>> import minigrad as mg
    >>> class Halving(Schedule):
    ...     def rate(self, first, t):
    ...         return first / (1 + t)
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.6)
    >>> schedule = Halving(optimizer)
    >>> schedule.step(), schedule.step(), optimizer.param_groups[0]["lr"]
    (None, None, 0.19999999999999998)
    """

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(self, optimizer: Optimizer) -> None:
        self._name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{self._name}: optimizer is a {type(optimizer).__name__}; need an Optimizer")
        self.optimizer, self.t = optimizer, 0
        self.first = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        self._apply()

    def rate(self, first: float, t: int) -> float:
        """The learning rate after t steps."""
        raise NotImplementedError(f"{self._name} defines no rate()")

    def step(self) -> None:
        """Go on to the next rate."""
        self.t += 1
        self._apply()

    def _apply(self) -> None:
        for group, first in zip(self.optimizer.param_groups, self.first):
            group["lr"] = self.rate(first, self.t)

    def get_last_lr(self) -> list[float]:
        """The present rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """How many steps were made, and the first rates."""
        return {"t": self.t, "first": list(self.first)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where state_dict was taken."""
        t, first = whole(state["t"], f"{self._name}: t", 0), [finite(x, f"{self._name}: first") for x in state["first"]]
        if len(first) != len(self.first):
            raise ValueError(f"{self._name}: the state has {len(first)} groups, the optimizer {len(self.first)}")
        self.t, self.first = t, first
        self._apply()


class StepLR(Schedule):
    """first gamma^⌊t / step_size⌋."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = whole(step_size, "StepLR: step_size", 1)
        self.gamma = finite(gamma, "StepLR: gamma", at_least=0.0)
        super().__init__(optimizer)

    def rate(self, first: float, t: int) -> float:
        return first * power(self.gamma, t // self.step_size)


class CosineAnnealingLR(Schedule):
    """eta_min + (first - eta_min) (1 + cos(π t / T_max)) / 2  (Loshchilov, Hutter 2017): T_max steps down, then up.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=4)
    >>> [round(schedule.rate(1.0, t), 4) for t in range(6)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.1464]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = whole(T_max, "CosineAnnealingLR: T_max", 1)
        self.eta_min = finite(eta_min, "CosineAnnealingLR: eta_min", at_least=0.0)
        super().__init__(optimizer)

    def rate(self, first: float, t: int) -> float:
        return self.eta_min + (first - self.eta_min) * (1 + cos_pi(t, self.T_max)) / 2


class LinearLR(Schedule):
    """first times a factor that goes from start_factor to end_factor in total_iters equal steps: a warm-up."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = finite(start_factor, "LinearLR: start_factor", 0.0, 1.0)
        self.end_factor = finite(end_factor, "LinearLR: end_factor", 0.0, 1.0)
        self.total_iters = whole(total_iters, "LinearLR: total_iters", 1)
        super().__init__(optimizer)

    def rate(self, first: float, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return first * (self.start_factor + (self.end_factor - self.start_factor) * done)


class ConstantLR(Schedule):
    """first times factor for total_iters steps, then first."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor = finite(factor, "ConstantLR: factor", 0.0, 1.0)
        self.total_iters = whole(total_iters, "ConstantLR: total_iters", 0)
        super().__init__(optimizer)

    def rate(self, first: float, t: int) -> float:
        return first * self.factor if t < self.total_iters else first


class SequentialLR(Schedule):
    """Schedules one after the other: the i-th takes over at milestones[i - 1], where its own t is 0.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> parts = [LinearLR(optimizer, 0.5, total_iters=2), CosineAnnealingLR(optimizer, T_max=4)]
    >>> [round(SequentialLR(optimizer, parts, milestones=[2]).rate(1.0, t), 4) for t in range(7)]
    [0.5, 0.75, 1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[Schedule], milestones: Sequence[int]) -> None:
        self.schedulers = list(schedulers)
        self.milestones = [whole(m, "SequentialLR: a milestone", 1) for m in milestones]
        if len(self.milestones) != len(self.schedulers) - 1 or self.milestones != sorted(set(self.milestones)):
            raise ValueError(f"SequentialLR: {len(self.schedulers)} schedules, milestones {self.milestones}; need one "
                             "milestone, each later than the last, between two schedules")  # fmt: skip
        for part in self.schedulers:
            if not isinstance(part, Schedule) or part.optimizer is not optimizer:
                raise TypeError(f"SequentialLR: got {part!r}; need schedules of this optimizer whose rates are known "
                                "beforehand")  # fmt: skip
        super().__init__(optimizer)

    def rate(self, first: float, t: int) -> float:
        begun = [0, *(m for m in self.milestones if m <= t)]
        return self.schedulers[len(begun) - 1].rate(first, t - begun[-1])


class ReduceLROnPlateau:
    """Multiply the rates by factor when a measure has not improved for more than `patience` steps: `step(measure)`.

    Improved: below best (1 - threshold) for mode "min", above best (1 + threshold) for "max"; threshold_mode="abs": by
    more than threshold. NaN never improves. `cooldown` steps follow a reduction in which none is counted. Rates end at
    min_lr; a change smaller than eps is not made.
    """

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: float = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"ReduceLROnPlateau: optimizer is a {type(optimizer).__name__}; need an Optimizer")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(f"ReduceLROnPlateau: mode is {mode!r}, threshold_mode {threshold_mode!r}; need 'min' or "
                             "'max', 'rel' or 'abs'")  # fmt: skip
        self.optimizer, self.mode, self.threshold_mode = optimizer, mode, threshold_mode
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
        measure = float(metrics)
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
        if self.threshold_mode == "abs":
            return sign * measure < sign * self.best - self.threshold
        return sign * measure < sign * (self.best * (1 - sign * self.threshold))

    def state_dict(self) -> dict[str, Any]:
        """The best measure and the counts."""
        return {"best": self.best, "bad": self.bad, "resting": self.resting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where state_dict was taken; the rates are part of the optimizer's state."""
        bad, resting = (whole(state[name], f"ReduceLROnPlateau: {name}", 0) for name in ("bad", "resting"))
        self.best, self.bad, self.resting = float(state["best"]), bad, resting


def power(x: float, n: int) -> float:
    """xⁿ by squaring."""
    result = 1.0
    while n:
        result, x, n = (result * x if n % 2 else result), x * x, n // 2
    return result


def cos_pi(a: int, b: int) -> float:
    """cos(π a / b), within 2 ulp of 1: the angle is brought into [0, π/4] in whole numbers, where the series is short.

    >>> cos_pi(0, 7), cos_pi(1, 2), cos_pi(7, 7), round(cos_pi(1, 3), 15)
    (1.0, 0.0, -1.0, 0.5)
    """
    a = abs((a + b) % (2 * b) - b)  # cos has the period 2 π and is even
    sign = 1
    if 2 * a > b:  # cos(π - y) = -cos y
        a, sign = b - a, -1
    if 4 * a > b:  # cos(π/2 - y) = sin y = y (1 - y²/(2 3) (1 - y²/(4 5) (...)))
        y = math.pi * ((b - 2 * a) / (2 * b))
        start, last = 1, y
    else:  # cos y = 1 - y²/(1 2) (1 - y²/(3 4) (...))
        y = math.pi * (a / b)
        start, last = 0, 1.0
    series = 1.0
    for k in range(start + 16, start, -2):
        series = 1 - y * y / (k * (k - 1)) * series
    return sign * last * series
