"""A network whose first weight stands before a batch norm, and how its training turns and shortens that weight."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import nn, optim, reg, rng
from ...nn.module import Module
from ...ops.losses.classes import cross_entropy
from ...tensor import from_numpy

RATE, BATCH = 0.1, 64
EPS = 1e-12  # of the batch norm, so small that it is no part of what is seen


def network(seed: int, normalized: bool = True) -> nn.Sequential:
    """64 inputs, 32 units behind a batch norm, 10 logits, in float64; normalized=False leaves the batch norm out."""
    rng.manual_seed(seed)
    between: list[Module] = [nn.BatchNorm1d(32, eps=EPS, dtype="float64")] if normalized else []
    first = nn.Linear(64, 32, bias=False, dtype="float64")
    return nn.Sequential(first, *between, nn.ReLU(), nn.Linear(32, 10, dtype="float64"))


def turned(a: np.ndarray, b: np.ndarray) -> float:
    """The angle between two weights, in radians.

    >>> round(turned(np.array([1.0, 0.0]), np.array([0.0, 3.0])), 6)
    1.570796
    """
    a, b = a / np.sqrt((a * a).sum()), b / np.sqrt((b * b).sum())
    half = float(np.sqrt(((a - b) ** 2).sum())) / 2
    return float(2 * np.arcsin(min(1.0, half)))


class Trained(NamedTuple):
    """A network after training; by step: the angle by which it turned the first weight, its length, and the loss."""

    model: nn.Sequential
    angles: np.ndarray
    lengths: np.ndarray
    losses: np.ndarray


def trained(
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    steps: int,
    l2: float = 0.0,
    rate: Callable[[int], float] = lambda step: RATE,
    normalized: bool = True,
) -> Trained:
    """Plain gradient descent, with L2 on the first weight alone, whose rate is rate(step); others have RATE."""
    model, draw = network(seed, normalized), np.random.default_rng(seed)
    first, found = model[0].weight, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reg.on says what is to be shown here
        penalty: dict[str, Any] = {"penalty": reg.on(model, "0.weight", reg.L2(l2))} if l2 else {}
    others = [p for p in model.parameters() if p is not first]
    optimizer = optim.SGD([{"params": [first]}, {"params": others}], lr=RATE, **penalty)
    for step in range(steps):
        rows, before = draw.integers(0, len(x), BATCH), first.data.copy()
        optimizer.param_groups[0]["lr"] = rate(step)
        optimizer.zero_grad()
        loss = cross_entropy(model(from_numpy(x[rows])), y[rows])
        loss.backward()
        optimizer.step()
        found.append((turned(before, first.data), float(np.sqrt((first.data**2).sum())), loss.item()))
    return Trained(model, *np.array(found).reshape(steps, 3).T)


def outputs(model: nn.Sequential, x: np.ndarray) -> np.ndarray:
    """The logits of rows in training mode: by their own mean and variance."""
    return model(from_numpy(x)).data
