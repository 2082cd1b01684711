"""Strengths that change from epoch to epoch: any function of the epoch, counted from 1; here, the usual one."""

from __future__ import annotations

from ...checks import finite, whole


class Ramp:
    """A strength that goes in equal steps from `first`, in epoch 1, to `last`, in epoch `epochs`, and stays there.

    >>> import minigrad as mg
    >>> term = mg.reg.L1(Ramp(0.0, 0.4, epochs=5))
    >>> for epoch in (1, 2, 5, 9):
    ...     term.at_epoch(epoch)
    ...     print(term)
    <L1(Ramp(0, 0.4, 5)): l1 = 0, l2 = 0; moment: loss>
    <L1(Ramp(0, 0.4, 5)): l1 = 0.1, l2 = 0; moment: loss>
    <L1(Ramp(0, 0.4, 5)): l1 = 0.4, l2 = 0; moment: loss>
    <L1(Ramp(0, 0.4, 5)): l1 = 0.4, l2 = 0; moment: loss>
    """

    def __init__(self, first: float, last: float, epochs: int) -> None:
        self.first, self.last = (finite(x, "Ramp: a strength", at_least=0.0) for x in (first, last))
        self.epochs = whole(epochs, "Ramp: epochs", 2)

    def __call__(self, epoch: int) -> float:
        done = (min(max(epoch, 1), self.epochs) - 1) / (self.epochs - 1)
        return (1 - done) * self.first + done * self.last

    def __repr__(self) -> str:
        return f"Ramp({self.first:g}, {self.last:g}, {self.epochs})"
