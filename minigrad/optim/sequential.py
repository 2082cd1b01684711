"""SequentialLR: one schedule after the other."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import whole
from .base import Optimizer
from .schedules import Schedule


class SequentialLR(Schedule):
    """Schedules one after the other: the i-th takes over at milestones[i - 1], where its own t is 0.

    All of them start from the rate that the groups had before the first of them was made.

    ValueError unless the milestones rise and are one fewer than the schedules; TypeError for a schedule of another
    optimizer.

    >>> import minigrad as mg
    >>> optimizer = mg.optim.SGD([mg.nn.Parameter([1.0])], lr=1.0)
    >>> warm_up = mg.optim.LinearLR(optimizer, 0.5, total_iters=2)
    >>> parts = [warm_up, mg.optim.CosineAnnealingLR(optimizer, T_max=4)]
    >>> schedule = SequentialLR(optimizer, parts, milestones=[2])
    >>> [round(schedule.rate(1.0, t), 4) for t in range(7)]
    [0.5, 0.75, 1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Schedule], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self.schedulers = list(schedulers)
        self.milestones = [whole(m, "SequentialLR: a milestone", 1) for m in milestones]
        if len(self.milestones) != len(self.schedulers) - 1 or self.milestones != sorted(set(self.milestones)):
            raise ValueError(
                f"SequentialLR: {len(self.schedulers)} schedules, milestones {self.milestones}; need one "
                "milestone, each later than the last, between two schedules"
            )
        for part in self.schedulers:
            if not isinstance(part, Schedule) or part.alone or part.optimizer is not optimizer:
                raise TypeError(
                    f"SequentialLR: got {part!r}; need schedules of this optimizer whose rates are known "
                    "beforehand, and which set nothing but rates"
                )
        super().__init__(optimizer, last_epoch)

    def _before(self) -> list[float]:
        return min(self.schedulers, key=lambda part: part.number).before

    def _part(self, t: int) -> tuple[Schedule, int]:
        """The schedule whose turn it is after t steps, and its own t."""
        begun = [0, *(m for m in self.milestones if m <= t)]
        return self.schedulers[len(begun) - 1], t - begun[-1]

    def rate(self, first: float, t: int) -> float:
        part, own = self._part(t)
        return part.rate(first, own)

    def rates(self, first: Sequence[float], t: int) -> list[float]:
        part, own = self._part(t)
        return part.rates(first, own)

    def floor(self, t: int) -> float:
        part, own = self._part(t)
        return part.floor(own) if self._part(t + 1)[0] is part else 0.0
