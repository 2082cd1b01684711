"""find_lr: the loss of a few batches at rising learning rates, and the rate at which it falls fastest."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import kernels as K
from .. import rng
from ..checks import finite, named_keywords, whole
from ..insight.plotting import PICK, REFERENCE, TRAIN, axes, finished
from ..nn.module import Module
from ..optim.base import Optimizer
from ..reg.binding.terms import Terms
from .callbacks import Callback
from .loop import batches, check_arguments, fit
from .run import Run
from .snapshot import layers, others, set_layers, set_strengths, strengths

NEAR = 5  # batches before and behind one, whose mean loss is its smoothed loss
SMOOTH = 0.9  # of the running mean of losses, over about the last ten batches
DIVERGED = 4.0  # times its least value: there the search ends


@dataclass(frozen=True)
class RateSearch:
    """What find_lr found.

    rates       of the batches, one after the other, each the same factor above the one before
    losses      of the batches, before their updates
    smoothed    the mean over each batch and the five before and behind it, by which the suggestion goes
    suggestion  the rate at which `smoothed` falls fastest, for the first parameter group; None where it never falls

    >>> found = RateSearch([0.1, 0.2], [3.0, 1.0], [3.0, 1.0], 0.2)
    >>> found.suggestion
    0.2
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float | None

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A figure of matplotlib of the losses over the rates, saved to `path` if given. ImportError without it."""
        found = axes("RateSearch.plot")
        found.plot(self.rates, self.losses, ".", color=REFERENCE, label="batches")
        found.plot(self.rates, self.smoothed, color=TRAIN, label="smoothed")
        if self.suggestion is not None:
            found.axvline(self.suggestion, color=PICK, linestyle="--", label=f"suggestion: {self.suggestion:.3g}")
        found.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=_heights(self.losses, self.smoothed))
        found.legend()
        return finished(found, path)


@named_keywords
def find_lr(
    model: Module,
    data: Any,
    loss: Callable,
    optimizer: Optimizer,
    penalty: Terms | None = None,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int | None = None,
    seed: int | None = None,
) -> RateSearch:
    """Train for `steps` batches at learning rates that rise from low to high, note the losses, and put all back.

    The rates are low (high / low)^(i / (steps - 1)), of the first parameter group; other groups keep their ratio to
    it. The search ends before `steps` where a running mean of the losses is four times its least value, or a loss is
    not finite. The suggestion is where the smoothed loss falls fastest per factor of the rate, a rate at which training
    moves on without diverging soon (Smith 2017, arXiv 1506.01186): a start for a look at plot(), no optimum. data,
    loss, penalty, batch_size and seed are those of fit, and so are the errors.

    Model, optimizer, gradients, terms, random streams and a Loader are afterwards as they were, also where an
    exception leaves; the memory for this is that of a copy of model and optimizer. The numbers are the same in every
    run, and on every machine with the native kernels.

    ValueError unless 0 < low < high.

    >>> import minigrad as mg
    >>> x, y = mg.data.load_digits()
    >>> model = mg.nn.Sequential(mg.nn.Linear(64, 32, activation="relu"), mg.nn.Linear(32, 10))
    >>> optimizer = mg.optim.Adam(model.parameters())
    >>> found = find_lr(model, (x, y), mg.cross_entropy, optimizer)
    >>> 1e-4 < found.suggestion < 1, len(found.rates) == len(found.losses), optimizer.param_groups[0]["lr"]
    (True, True, 0.001)
    """
    check_arguments(model, data, loss, optimizer)
    low, steps = finite(low, "find_lr: low", at_least=0.0), whole(steps, "find_lr: steps", 2)
    if low == 0 or finite(high, "find_lr: high") <= low:
        raise ValueError(f"find_lr: low is {low}, high is {high}; need 0 < low < high")
    loader = copy.copy(batches(model, data, loss, batch_size, seed, penalty is not None and penalty.on_loss))
    loader.set_epoch(0)
    rising = _Rising(low, factor_of(low, high, steps), steps)
    before = rng.get_state()
    try:
        fit(model, loader, loss, optimizer, penalty, epochs=-(-steps // len(loader)), callbacks=[rising])
    finally:
        rng.set_state(before)
    smoothed = near_means(rising.losses)
    return RateSearch(rising.rates, rising.losses, smoothed, steepest(rising.rates, smoothed))


class _Rising(Callback):
    """Raises the rate from batch to batch, notes losses, and puts back what training changed."""

    adds_columns = False

    def __init__(self, low: float, factor: float, steps: int) -> None:
        self.low, self.factor, self.steps = low, factor, steps
        self.rates: list[float] = []
        self.losses: list[float] = []
        self._mean, self._weight, self._least = 0.0, 0.0, math.inf

    def on_train_begin(self, run: Run) -> None:
        run.non_finite = "stop"
        optimizer = run.optimizer
        self._model, self._optimizer = run.model.state_dict(), optimizer.state_dict()
        self._layers, self._terms = layers(run), [strengths(bound) for bound in run.terms]
        self._others = [np.array(p.array) for p in others(run)]
        self._grads = [(p, p.grad) for p in {*run.model.parameters(), *optimizer.state}]
        first = optimizer.param_groups[0]["lr"]
        self._ratios = [group["lr"] / first if first else 1.0 for group in optimizer.param_groups]
        self._rate = self.low
        self._set(optimizer)

    def _set(self, optimizer: Optimizer) -> None:
        for group, ratio in zip(optimizer.param_groups, self._ratios):
            group["lr"] = self._rate * ratio

    def on_batch_end(self, run: Run) -> None:
        if run.stop_now:  # a loss that is not finite
            return
        value = 0.0
        for part in run.parts:
            value += part.value
        self.rates.append(self._rate)
        self.losses.append(value)
        self._mean = SMOOTH * self._mean + (1 - SMOOTH) * value
        self._weight = SMOOTH * self._weight + (1 - SMOOTH)
        mean = self._mean / self._weight
        self._least = min(self._least, mean)
        if len(self.rates) == self.steps or (self._least > 0 and mean > DIVERGED * self._least):
            run.stop_now = True
        self._rate *= self.factor
        self._set(run.optimizer)

    def on_train_end(self, run: Run) -> None:
        for p, array in zip(others(run), self._others):
            p.array[...] = array
        run.model.load_state_dict(self._model)
        run.optimizer.load_state_dict(self._optimizer)
        set_layers(run.model, self._layers)
        for bound, held in zip(run.terms, self._terms):
            set_strengths(bound, held)
        for p, grad in self._grads:
            p.grad = grad


def factor_of(low: float, high: float, steps: int) -> float:
    """(high / low)^(1 / (steps - 1)), by the kernels' log and exp, which are the same on every machine.

    >>> round(factor_of(1e-6, 10.0, 8), 12)
    10.0
    """
    value = np.array(high / low)
    K.log(value, value)
    K.div(value, float(steps - 1), value)
    K.exp(value, value)
    return float(value)


def near_means(losses: list[float]) -> list[float]:
    """The mean of each loss and those near it: of both sides, so that the mean does not lag behind the rate.

    >>> near_means([1.0, 2.0, 6.0])
    [3.0, 3.0, 3.0]
    """
    means = []
    for i in range(len(losses)):
        near = losses[max(0, i - NEAR) : i + NEAR + 1]
        total = 0.0
        for loss in near:
            total += loss
        means.append(total / len(near))
    return means


def steepest(rates: list[float], smoothed: list[float]) -> float | None:
    """The rate in the middle of the span in which the loss falls most, not behind its least value; None without a fall.

    A span is a tenth of the batches, and the first tenth is left out: there the mean is of few losses, and of luck.

    >>> steepest([1.0, 2.0, 4.0, 8.0, 16.0], [3.0, 2.9, 2.0, 1.0, 5.0]), steepest([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    (4.0, None)
    """
    half = max(1, len(rates) // 20)
    end = smoothed.index(min(smoothed)) + 1 if smoothed else 0
    falls = {i: smoothed[i - half] - smoothed[i + half] for i in range(2 * half, end - half)}
    best = max(falls, key=lambda i: falls[i], default=None)
    return rates[best] if best is not None and falls[best] > 0 else None


def _heights(losses: list[float], smoothed: list[float]) -> tuple[float, float] | None:
    """What of the losses a figure shows: not the last ones, which explode."""
    if not losses:
        return None
    low, high = min(losses), max(smoothed[0], losses[0])
    margin = 0.1 * (high - low) if high > low else math.nan
    return (low - margin, high + 5 * margin) if margin == margin else None
