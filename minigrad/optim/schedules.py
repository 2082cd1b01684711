"""Learning-rate schedules: what the rate of each group is after t steps, and how several of them act together.

Rates decide weights, so that they are computed by + - × ÷ on Python numbers alone and are the same on every machine:
powers by multiplication, and the cosine by its series on an exactly reduced fraction.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..checks import finite, refuse_unknown_of, whole
from ..public import described
from ..recording import mode
from .base import Optimizer
from .parameter_groups import FIRST_RATE
from .rate_arithmetic import cos_pi, power

_made = itertools.count()  # numbers the schedules in the order in which they were made


class Schedule:
    """Base of the schedules: `rate(first, t)` is the learning rate after t steps of a group that started at `first`.

    A schedule starts from the rate that each group has when it is made, sets that of t = 0, and goes on at each step(),
    which follows an epoch or a batch, as you like. In fit: train.LearningRate. last_epoch = k goes on after k steps of
    a schedule whose first rate stands in each group as "initial_lr"; load_state_dict is the easier way.

    Several schedules on one optimizer act together, ReduceLROnPlateau too, and a rate that was set by hand stays. A
    group that has the rate of this schedule, rate(first, t), gets rate(first, t + 1). Where something else changed it,
    the step changes it by the same share:

        lr = floor + (lr - floor) (rate(first, t + 1) - floor) / (rate(first, t) - floor)

    floor is eta_min in CosineAnnealingLR, and 0 elsewhere. Where rate(first, t + 1) = rate(first, t), lr stays as it
    is; at rate(first, t) = floor, where no share is defined, the difference of the two is added; where the result would
    be below 0, floor counts as 0. A group that came later, by add_param_group, takes part with the rate that it has. A
    group whose rate is 0 when the schedule is made, because a warm-up begins there, has first = its "initial_lr", the
    rate before the warm-up was made; it keeps the 0, and gets the share rate(first, t) / first once it is above 0.

    ValueError for a last_epoch without the rates at the start, and from load_state_dict for the state of another
    schedule or another number of groups.

    >>> import minigrad as mg
    >>> class Halving(Schedule):
    ...     def rate(self, first, t):
    ...         return first / (1 + t)
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=0.6)
    >>> schedule = Halving(optimizer)
    >>> schedule.step(), schedule.step(), optimizer.param_groups[0]["lr"]
    (None, None, 0.19999999999999998)
    """

    __repr__ = described

    alone = False  # whether it sets more than rates, so that it is no part of a SequentialLR

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.name = type(self).__name__
        self.optimizer = check_optimizer(self.name, optimizer)
        last = whole(last_epoch, f"{self.name}: last_epoch", -1)
        self.before, self.number = self.get_last_lr(), next(_made)
        self._groups = list(optimizer.param_groups)
        if last < 0:
            self.t, self.first = 0, self._first()
            for group, first in zip(self._groups, self.first):
                group.setdefault(FIRST_RATE, first)
            self.asleep = [lr == 0 < first for lr, first in zip(self._before(), self.first)]
            rates = self.rates(self.first, 0)
            self._set(0.0 if asleep else rate for asleep, rate in zip(self.asleep, rates))
            return
        lacking = [i for i, group in enumerate(self._groups) if FIRST_RATE not in group]
        if lacking:
            raise ValueError(
                f"{self.name}: last_epoch is {last}, but group {lacking[0]} has no {FIRST_RATE!r}, the "
                "rate that it started at; put it there, or use load_state_dict"
            )
        self.t, self.first = last, [float(group[FIRST_RATE]) for group in self._groups]
        self.asleep = [False] * len(self.first)
        self.step()

    def rate(self, first: float, t: int) -> float:
        """The learning rate after t steps."""
        raise NotImplementedError(f"{self.name} defines no rate()")

    def rates(self, first: Sequence[float], t: int) -> list[float]:
        """The rate of each group after t steps."""
        return [self.rate(x, t) for x in first]

    def floor(self, t: int) -> float:
        """The rate that shares are counted from in the step from t to t + 1."""
        return 0.0

    def step(self) -> None:
        """Go on to the next rate."""
        if mode.step is not None:
            mode.step.scheduled(self)
        self._follow_groups()
        now, after, floor = self.rates(self.first, self.t), self.rates(self.first, self.t + 1), self.floor(self.t)
        rates = self.get_last_lr()
        now = [first if asleep else r0 for asleep, first, r0 in zip(self.asleep, self.first, now)]
        self.asleep = [asleep and lr == 0 for asleep, lr in zip(self.asleep, rates)]
        awake = [
            lr if asleep else moved(lr, r0, r1, floor) for asleep, lr, r0, r1 in zip(self.asleep, rates, now, after)
        ]
        self._set(awake)
        self.t += 1

    def get_last_lr(self) -> list[float]:
        """The present rate of each group."""
        return present_rates(self.name, self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """The kind of the schedule, how many steps were made, the first rates and the present ones: plain numbers."""
        self._follow_groups()
        asleep = {"asleep": list(self.asleep)} if any(self.asleep) else {}
        return {"name": self.name, "t": self.t, "first": list(self.first), "lr": self.get_last_lr(), **asleep}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where state_dict of a schedule with the same arguments was taken; the groups get its rates."""
        self._follow_groups()
        try:
            name, t = state.get("name", self.name), whole(state["t"], f"{self.name}: t", 0)
            first, rates = (
                [finite(x, f"{self.name}: {key}", at_least=0.0) for x in state.get(key) or ()]
                for key in ("first", "lr")
            )
        except (TypeError, KeyError, AttributeError):
            raise ValueError(f"{self.name}: load_state_dict needs what state_dict gives, got {state!r:.80}") from None
        if name != self.name:
            raise ValueError(f"{self.name}: the state is of a {name}")
        if len(first) != len(self.first) or len(rates) not in (0, len(first)):
            raise ValueError(f"{self.name}: the state has {len(first)} groups, the optimizer {len(self.first)}")
        self.t, self.first = t, first
        self.asleep = list(map(bool, state.get("asleep") or [False] * len(first)))
        self._set(rates or self.rates(first, t))

    def _first(self) -> list[float]:
        """The rates that the groups start at: those that they had, or before a warm-up made them 0."""
        return [rate or float(group.get(FIRST_RATE, rate)) for rate, group in zip(self._before(), self._groups)]

    def _before(self) -> list[float]:
        """The rates that the groups had before the schedule was made."""
        return self.before

    def _set(self, rates: Iterable[float]) -> None:
        for group, rate in zip(self._groups, rates):
            group["lr"] = rate

    def _follow_groups(self) -> None:
        """Take in groups that were added to the optimizer, and forget those that were taken out."""
        known = {id(group): (first, asleep) for group, first, asleep in zip(self._groups, self.first, self.asleep)}
        self._groups = list(self.optimizer.param_groups)
        found = [known.get(id(group), (group["lr"], False)) for group in self._groups]
        self.first, self.asleep = [first for first, _ in found], [asleep for _, asleep in found]


class StepLR(Schedule):
    """first gamma^⌊t / step_size⌋.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = mg.optim.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> [schedule.rate(1.0, t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = whole(step_size, "StepLR: step_size", 1)
        self.gamma = finite(gamma, "StepLR: gamma", at_least=0.0)
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        return first * power(self.gamma, t // self.step_size)


class MultiStepLR(Schedule):
    """first gamma^(number of milestones <= t): the rate falls by the factor gamma at each milestone.

    Milestones are whole numbers of steps, in any order; one that stands twice counts twice.

    TypeError for milestones that are no list of whole numbers.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = MultiStepLR(optimizer, milestones=[2, 5], gamma=0.5)
    >>> [schedule.rate(1.0, t) for t in range(7)]
    [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if isinstance(milestones, str) or not isinstance(milestones, Iterable):
            raise TypeError(f"MultiStepLR: milestones is {milestones!r}; need whole numbers, such as [30, 80]")
        self.milestones = sorted(whole(m, "MultiStepLR: a milestone", 0) for m in milestones)
        self.gamma = finite(gamma, "MultiStepLR: gamma", at_least=0.0)
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        return first * power(self.gamma, bisect.bisect_right(self.milestones, t))


class ExponentialLR(Schedule):
    """first gamma^t.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = ExponentialLR(optimizer, gamma=0.5)
    >>> schedule.step(), schedule.step(), schedule.get_last_lr()
    (None, None, [0.25])
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = finite(gamma, "ExponentialLR: gamma", at_least=0.0)
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        return first * power(self.gamma, t)


class CosineAnnealingLR(Schedule):
    """eta_min + (first - eta_min) (1 + cos(π t / T_max)) / 2  (Loshchilov, Hutter 2017): T_max steps down, then up.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=4)
    >>> [round(schedule.rate(1.0, t), 4) for t in range(6)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.1464]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = whole(T_max, "CosineAnnealingLR: T_max", 1)
        self.eta_min = finite(eta_min, "CosineAnnealingLR: eta_min", at_least=0.0)
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        return self.eta_min + (first - self.eta_min) * (1 + cos_pi(t, self.T_max)) / 2

    def floor(self, t: int) -> float:
        return self.eta_min


class LinearLR(Schedule):
    """first times a factor that goes from start_factor to end_factor in total_iters equal steps: a warm-up.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = mg.optim.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> [schedule.rate(1.0, t) for t in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = finite(start_factor, "LinearLR: start_factor", 0.0, 1.0)
        self.end_factor = finite(end_factor, "LinearLR: end_factor", 0.0, 1.0)
        self.total_iters = whole(total_iters, "LinearLR: total_iters", 1)
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return first * (self.start_factor + (self.end_factor - self.start_factor) * done)


class ConstantLR(Schedule):
    """first times factor for total_iters steps, then first.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> schedule = mg.optim.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> [schedule.rate(1.0, t) for t in range(4)]
    [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        self.factor = finite(factor, "ConstantLR: factor", 0.0, 1.0)
        self.total_iters = whole(total_iters, "ConstantLR: total_iters", 0)
        super().__init__(optimizer, last_epoch)

    def rate(self, first: float, t: int) -> float:
        return first * self.factor if t < self.total_iters else first


def check_optimizer(who: str, optimizer: Any) -> Optimizer:
    """The optimizer of a schedule, or TypeError."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{who}: optimizer is a {type(optimizer).__name__}; need an Optimizer")
    return optimizer


def present_rates(who: str, optimizer: Optimizer) -> list[float]:
    """The rate of each group, which may have been set by hand."""
    return [finite(group["lr"], f"{who}: lr of a group", at_least=0.0) for group in optimizer.param_groups]


def moved(lr: float, now: float, after: float, floor: float) -> float:
    """The rate after a step that takes a schedule from `now` to `after`, for a group that has the rate lr: Schedule."""
    if lr == now:
        return after
    if after == now:
        return lr
    if now == floor:
        return lr + (after - now)
    rate = floor + (lr - floor) * ((after - floor) / (now - floor))
    if rate >= 0 or now == 0:
        return max(rate, 0.0)
    return lr * (after / now)  # a rate that was set below the floor would fall under 0
