"""What a training step and a prediction take: time, memory."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ... import optim
from ...engine import Tensor
from ...nn.module import Module
from ...recording import no_grad
from ...reg.binding.terms import Terms

SLICE, TURNS = 1e-3, 5  # seconds that a row is timed for before the next one is; how often it comes


class Setup(NamedTuple):
    """One way to train: a model, its optimizer (with what is bound to it), a penalty of the loss, work after a step."""

    model: Module
    optimizer: optim.Optimizer
    penalty: Terms | None = None
    after: Callable[[], None] = lambda: None


def stepper(setup: Setup, x: Tensor, y: Any, loss: Callable) -> Callable[[], None]:
    """One training step, as fit does it."""
    model, optimizer, penalty = setup.model.train(), setup.optimizer, setup.penalty

    def step() -> None:
        optimizer.zero_grad()
        total = loss(model(x), y)
        if penalty is not None:
            total = total + penalty()
        total.backward()
        optimizer.step()
        setup.after()

    return step


def predictor(model: Module, x: Tensor) -> Callable[[], None]:
    """One prediction in eval mode, without a graph."""
    model.eval()

    def predict() -> None:
        with no_grad():
            model(x)

    return predict


def fastest(calls: Sequence[Callable[[], None]]) -> list[float]:
    """Seconds per call of each, timed in turn, slice by slice: those of its fastest slice, the least disturbed one.

    What disturbs a machine only ever adds time.
    """
    found = [math.inf] * len(calls)
    for _ in range(TURNS):
        found = [min(best, timed(call)) for best, call in zip(found, calls)]
    return found


def timed(call: Callable[[], None]) -> float:
    """Seconds per call, over a slice of time, once the call is warm."""
    call()
    start = now = time.perf_counter()
    count = 0
    while now - start < SLICE:
        call()
        count, now = count + 1, time.perf_counter()
    return (now - start) / count


def step_bytes(step: Callable[[], None]) -> int:
    """The most memory that a step holds at a time, beyond what stood before it: arrays, and Python's own objects."""
    step()
    was_on = tracemalloc.is_tracing()
    if not was_on:
        tracemalloc.start()
    try:
        step()  # what a first traced step allocates for good is not the step's
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_on:
            tracemalloc.stop()


def state_bytes(setup: Setup) -> int:
    """Bytes of the model's state and of the optimizer's."""
    held = [*setup.model.state_dict().values(), *setup.optimizer.state_dict()["state"].values()]
    return sum(array.nbytes for array in held)
