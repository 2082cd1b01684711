"""The time of a training by phases: forward, backward, update, and what is none of them."""

from __future__ import annotations

NAMES = ("forward", "backward", "update", "data and other")


class Phases:
    """Seconds by phase, from what happens one after the other; `walks` counts the backward passes.

    Forward is the time from the first op of a forward pass to its last one, with the Python between; backward from the
    first rule of a walk to its last one; update the time in optimizer.step(). What lies between two phases is other.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(NAMES, 0.0)
        self.walks = 0
        self._last, self._left, self._stamp = "", 0.0, 0
        self._stepping = False

    def begin(self, now: float) -> None:
        """Time begins."""
        self._left = now

    def less(self, seconds: float) -> None:
        """Take off what counting kernels took in the phase that was told of last."""
        phase = self._last or "data and other"
        self.seconds[phase] = max(0.0, self.seconds[phase] - seconds)

    def op(self, start: float, end: float) -> None:
        """An op of a forward pass."""
        self._to("forward", start, end)

    def rule(self, start: float, end: float, stamp: int) -> None:
        """A rule of a walk, of the tensor with that stamp: a walk goes from younger to older ones."""
        if self._last != "backward" or stamp > self._stamp:
            self.walks += 1
        self._stamp = stamp
        self._to("backward", start, end)

    def total(self, start: float, end: float) -> None:
        """A sum of gradients."""
        self._to("backward", start, end)

    def _to(self, phase: str, start: float, end: float) -> None:
        between = phase if phase == self._last else "update" if self._stepping else "data and other"
        self.seconds[between] += max(0.0, start - self._left)
        self.seconds[phase] += end - max(start, self._left)
        self._last = phase

    def step_begins(self, now: float) -> None:
        """optimizer.step() begins."""
        self.seconds["data and other"] += max(0.0, now - self._left)
        self._last, self._left, self._stepping = "update", now, True

    def step_ends(self, now: float) -> None:
        """optimizer.step() is over."""
        self.seconds["update"] += max(0.0, now - self._left)
        self._last, self._left, self._stepping = "update", now, False

    def left(self, now: float) -> None:
        """The look at an op or a rule is over: the time of the look itself is in no phase."""
        self._left = now

    def end(self, now: float) -> None:
        """Time is over."""
        self.seconds["data and other"] += max(0.0, now - self._left)
