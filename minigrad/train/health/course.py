"""A watched training as a whole: its steps, its losses, and what a constant would have for a loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ...checks import finite
from .sight import Layer, Step, Weight

WINDOW = 3  # watched steps that say how it stands at the end


@dataclass(frozen=True)
class Limits:
    """Beyond which a number is a finding; each an argument of Watch. docs/health.md has the measurement behind each.

    vanishing         ‖gradient‖ at the first layer's output over that at the last one's, at most
    exploding         the same, at least
    dead              share of a layer's relu units that are 0 for every row
    saturated         share of a hidden layer's tanh or sigmoid outputs within 2.5 % of an end of their range
    largest_update    ‖update‖ / ‖weights‖, at least, of a training that got worse
    smallest_update   the same, at most, of a training that hardly moved
    learned           share of a constant's loss that the training has to have taken away
    plateau           share of the training in which the loss stood still, before it fell on
    through_time      ‖gradient‖ at the step of a sequence where it is smallest over where it is largest, at most
    """

    vanishing: float = 1e-3
    exploding: float = 1e3
    dead: float = 0.5
    saturated: float = 0.5
    largest_update: float = 0.5
    smallest_update: float = 1e-5
    learned: float = 0.01
    plateau: float = 0.3
    through_time: float = 1e-5

    @classmethod
    def of(cls, given: dict[str, float]) -> Limits:
        """The limits with those given in place of the defaults; TypeError for another name."""
        names = [each.name for each in fields(cls)]
        for name, value in given.items():
            if name not in names:
                raise TypeError(f"Watch: there is no limit {name!r} (limits: {', '.join(names)})")
            finite(value, f"Watch: {name}", at_least=0.0)
        return cls(**given)


@dataclass
class Course:
    """What was seen of a training.

    steps     those that were watched, in full
    losses    (number of the step, loss) of all whose loss is known: at least those watched
    epochs    rows of the history
    updates   how many steps there were in all
    ended     why the training broke off, or ""
    targets   all targets, where they are known; else those of the watched batches count
    rate      the optimizer and its rate, in words
    """

    steps: list[Step] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)
    epochs: list[dict[str, float]] = field(default_factory=list)
    updates: int = 0
    ended: str = ""
    targets: Any = None
    weighted: bool = False
    rate: float = math.nan
    optimizer: str = ""
    on_weights: list[str] = field(default_factory=list)  # terms that make exact zeros, such as L1 in the prox
    kinds: dict[str, str] = field(default_factory=dict)  # layer -> what it is, "Linear 64->10"

    def constant(self) -> float:
        """The loss of the best constant output; NaN where the loss is none of the known ones."""
        seen = [step.targets for step in self.steps if step.targets is not None]
        if not seen or self.weighted:
            return math.nan
        name = seen[0][0]
        try:
            arrays = [self.targets] if self.targets is not None else [array for _, array in seen]
            return constant_loss(name, [np.asarray(array) for array in arrays])
        except (ValueError, TypeError):
            return math.nan

    def first_loss(self) -> float:
        """The loss of the first step, before any update."""
        return self.losses[0][1] if self.losses else math.nan

    def series(self) -> list[tuple[int, float]]:
        """(step, loss) with little noise: epochs where there are many, else the means of up to 30 runs of steps."""
        if len(self.epochs) >= 6 and self.updates:
            per = self.updates / len(self.epochs)
            return [(round((i + 0.5) * per), row["loss"]) for i, row in enumerate(self.epochs)]
        count = min(30, max(1, len(self.losses) // 3))
        parts = [part for part in np.array_split(np.array(self.losses, np.float64).reshape(-1, 2), count) if len(part)]
        return [(int(part[0, 0]), float(part[:, 1].mean())) for part in parts]

    def last_loss(self) -> float:
        """The loss at the end: of the last epoch, or the mean over the last steps."""
        if len(self.epochs) > 1:
            return self.epochs[-1]["loss"]
        tail = [loss for _, loss in self.losses[-max(WINDOW, len(self.losses) // 10) :]]
        return float(np.mean(tail)) if tail else math.nan

    def unlearned(self) -> bool:
        """Whether more than half of a constant's loss is left, or of that at the start where no other is known."""
        constant = self.constant()
        return not self.last_loss() <= 0.5 * (constant if math.isfinite(constant) else self.first_loss())

    def layers(self, step: Step) -> list[Layer]:
        """The layers of a step to whose outputs a gradient came."""
        return [layer for layer in step.layers if not math.isnan(layer.gradient)]

    def named(self, name: str) -> str:
        """A layer as it is named in words: its path and what it is."""
        kind = self.kinds.get(name.split(" ")[0], "")
        return f"{name} ({kind})" if kind else name

    def weights(self, name: str) -> list[tuple[int, Weight]]:
        """(step, what was seen) of a parameter."""
        return [(step.number, w) for step in self.steps for w in step.weights if w.name == name]

    def of_layer(self, name: str) -> list[tuple[int, Layer]]:
        """(step, what was seen) of a layer."""
        return [(step.number, layer) for step in self.steps for layer in step.layers if layer.name == name]


def constant_loss(loss: str, targets: Sequence[np.ndarray]) -> float:
    """The mean loss of the best constant: the entropy of the classes' shares, or the variance of numbers.

    >>> round(constant_loss("cross_entropy", [np.array([0, 1, 1, 0])]), 4), constant_loss("mse", [np.array([1.0, 3.0])])
    (0.6931, 1.0)
    """
    if loss == "mse":
        t = np.concatenate([a.reshape(len(a), -1) for a in targets]).astype(np.float64)
        return float(t.var(axis=0).mean())
    if loss == "cross_entropy" and targets[0].dtype.kind in "iub":
        labels = np.concatenate([a.reshape(-1) for a in targets])
        share = np.unique(labels[labels >= 0], return_counts=True)[1].astype(np.float64)
        share /= share.sum()
        return float(-(share * np.log(share)).sum())
    t = np.concatenate([a.reshape(len(a), -1) for a in targets]).astype(np.float64)
    p = t.mean(axis=0)
    with np.errstate(all="ignore"):
        own = np.where(p > 0, -p * np.log(p), 0.0)
        if loss == "cross_entropy":
            return float(own.sum())
        return float((own + np.where(p < 1, -(1 - p) * np.log(1 - p), 0.0)).mean())


def dead_since(seen: list[tuple[int, Layer]], limit: float) -> int:
    """The watched step from which on the share of dead units was at the limit or above in every step."""
    since = seen[-1][0]
    for number, layer in reversed(seen):
        if not layer.dead >= limit:
            break
        since = number
    return since
