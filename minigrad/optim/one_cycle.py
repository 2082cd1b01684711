"""OneCycleLR: a warm-up to a large rate and a long way down, with the momentum on the opposite course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import finite, whole
from .base import Optimizer
from .parameter_groups import FIRST_RATE
from .rate_arithmetic import cos_pi
from .schedules import Schedule, check_optimizer


class OneCycleLR(Schedule):
    """From max_lr / div_factor up to max_lr and down to max_lr / (div_factor final_div_factor) in total_steps rates.

    After t steps the rate lies between a and b, where its phase begins and ends, at the share s = (t - t₀)/(t₁ - t₀):

        b + (a - b) (1 + cos(π s)) / 2  with anneal_strategy="cos",  a + (b - a) s  with "linear"

    The way up ends at t₁ = pct_start total_steps - 1, the way down at total_steps - 1. three_phase=True goes down to
    max_lr / div_factor in as many steps as it went up, and on to the end from there. total_steps is the number of all
    step() calls, or epochs times steps_per_epoch; one more raises ValueError. max_lr is a number, or a list with one
    for each group. With cycle_momentum, the momentum (SGD, RMSprop) or β1 (Adam, AdamW) goes from max_momentum to
    base_momentum on the way up, and back on the way down; either is a number or one for each group.

    The rate that the groups have when it is made does not count (Smith, Topin 2019, Super-convergence; PyTorch's form).

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0, momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.6, div_factor=4, final_div_factor=100)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> rates
    [0.25, 0.625, 1.0, 0.50125, 0.0025]
    """

    alone = True

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("OneCycleLR", optimizer)
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is {anneal_strategy!r}; need 'cos' or 'linear'")
        self.pct_start = finite(pct_start, "OneCycleLR: pct_start", 0.0, 1.0)
        self.anneal_strategy, self.three_phase = anneal_strategy, bool(three_phase)
        self.div_factor, self.final_div_factor = (
            _above_zero(value, name)
            for name, value in {"div_factor": div_factor, "final_div_factor": final_div_factor}.items()
        )
        if any(group["lr"] == 0 < group.get(FIRST_RATE, 0) for group in optimizer.param_groups):
            raise ValueError(
                "OneCycleLR: the rate is 0, because another schedule begins there; OneCycleLR has a warm-up of its "
                "own, from max_lr / div_factor: leave the other one out"
            )
        groups = len(optimizer.param_groups)
        self.max_lr = _each(max_lr, "max_lr", groups)
        self.cycled = _cycled(optimizer) if cycle_momentum else ""
        self.base_momentum, self.max_momentum = (
            _each(value, name, groups, below=1.0)
            for name, value in {"base_momentum": base_momentum, "max_momentum": max_momentum}.items()
        )
        super().__init__(optimizer, last_epoch)
        self._set_momentum()

    def _first(self) -> list[float]:
        first = [rate / self.div_factor for rate in self.max_lr]
        for group, rate in zip(self._groups, first):
            group[FIRST_RATE] = rate
        return first

    def _before(self) -> list[float]:
        return self.first  # the rates that the groups had are not used

    def rate(self, first: float, t: int) -> float:
        highest, last = first * self.div_factor, first / self.final_div_factor
        return self._between([first, highest, first, last] if self.three_phase else [first, highest, last], t)

    def step(self) -> None:
        """Go on to the next rate and momentum; ValueError after total_steps calls."""
        if self.t >= self.total_steps:
            raise ValueError(
                f"OneCycleLR: step() was called {self.t} times before, total_steps is {self.total_steps}; "
                "the cycle is over"
            )
        super().step()
        self._set_momentum()

    def load_state_dict(self, state: Any) -> None:
        super().load_state_dict(state)
        self._set_momentum()

    def _between(self, ends: Sequence[float], t: int) -> float:
        """The rate, or the momentum, after t steps, for these values at the ends of the phases."""
        share, total = self.pct_start, self.total_steps
        turns = [share * total - 1, 2 * share * total - 2] if self.three_phase else [share * total - 1]
        phase = next((i for i, turn in enumerate(turns) if t <= turn), len(turns))
        start, end = [0.0, *turns, total - 1][phase : phase + 2]
        a, b = ends[phase : phase + 2]
        s = min((t - start) / (end - start), 1.0) if end > start else 1.0
        if self.anneal_strategy == "linear":
            return a + (b - a) * s
        return b + (a - b) * (1 + cos_pi(*s.as_integer_ratio())) / 2

    def _set_momentum(self) -> None:
        if not self.cycled:
            return
        for group, base, highest in zip(self._groups, self.base_momentum, self.max_momentum):
            ends = [highest, base, highest, highest] if self.three_phase else [highest, base, highest]
            momentum = self._between(ends, self.t)
            group[self.cycled] = momentum if self.cycled == "momentum" else (momentum, *group["betas"][1:])


def _total(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        return whole(total_steps, "OneCycleLR: total_steps", 1)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("OneCycleLR: need total_steps, or epochs and steps_per_epoch: how many step() calls there are")
    return whole(epochs, "OneCycleLR: epochs", 1) * whole(steps_per_epoch, "OneCycleLR: steps_per_epoch", 1)


def _above_zero(value: Any, name: str) -> float:
    number = finite(value, f"OneCycleLR: {name}", at_least=0.0)
    if number == 0:
        raise ValueError(f"OneCycleLR: {name} is 0; need a number above 0")
    return number


def _each(value: Any, name: str, groups: int, below: float | None = None) -> list[float]:
    """A number for all groups, or one for each, as a list."""
    given = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(given) != groups:
        raise ValueError(f"OneCycleLR: {name} has {len(given)} values; need a number, or {groups}, one for each group")
    numbers = [finite(x, f"OneCycleLR: {name}", at_least=0.0) for x in given]
    if below is not None and max(numbers) >= below:
        raise ValueError(f"OneCycleLR: {name} is {max(numbers)}; need less than {below:g}")
    return numbers


def _cycled(optimizer: Optimizer) -> str:
    """The option that is the momentum of an optimizer."""
    found = [name for name in ("momentum", "betas") if name in optimizer.defaults]
    if not found:
        raise ValueError(
            f"OneCycleLR: {type(optimizer).__name__} has neither momentum nor betas; pass cycle_momentum=False"
        )
    return found[0]
