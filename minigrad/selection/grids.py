"""What is tried: λ in equal ratios, all combinations of named values, or random ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..checks import finite, whole
from ..rng import NOISE, Streams

Setting = dict[str, Any]


def log_spaced(high: float, low: float, count: int) -> np.ndarray:
    """count numbers from high down to low in equal ratios; both ends are exact. By the project's exp and log.

    ValueError if low is above high, or one number is to be both ends.

    >>> log_spaced(1.0, 0.001, 4).round(12).tolist()
    [1.0, 0.1, 0.01, 0.001]
    """
    high, low = finite(high, "log_spaced: high", at_least=1e-300), finite(low, "log_spaced: low", at_least=1e-300)
    count = whole(count, "log_spaced: count", 1)
    if low > high or (count == 1 and low < high):
        raise ValueError(f"log_spaced: {count} numbers from {high} down to {low}")
    logs = np.array([high, low])
    K.log(logs, logs)
    values = np.arange(count) / max(count - 1, 1) * (logs[1] - logs[0])
    K.exp(values, values)
    values *= high
    values[-1] = low
    return values


class Uniform(NamedTuple):
    """Random numbers in [low, high).

    >>> values = Uniform(1.0, 2.0).draw(np.array([0.0, 0.5]))
    >>> values
    [1.0, 1.5]
    """

    low: float
    high: float

    def draw(self, u: np.ndarray) -> list[float]:
        return (self.low + (self.high - self.low) * u).tolist()


class LogUniform(NamedTuple):
    """Random numbers in [low, high) whose logarithms are uniform: as many in [0.001, 0.01) as in [0.01, 0.1).

    >>> [round(v, 9) for v in LogUniform(0.01, 1.0).draw(np.array([0.0, 0.5]))]
    [0.01, 0.1]
    """

    low: float
    high: float

    def draw(self, u: np.ndarray) -> list[float]:
        logs = np.array([self.low, self.high])
        K.log(logs, logs)
        values = u * (logs[1] - logs[0])
        K.exp(values, values)
        return (self.low * values).tolist()


def grid(**values: Sequence[Any]) -> list[Setting]:
    """Every combination of the values of named parameters, the last name varying fastest.

    >>> grid(l2=[0.0, 0.1], dropout=[0.5])
    [{'l2': 0.0, 'dropout': 0.5}, {'l2': 0.1, 'dropout': 0.5}]
    """
    return [dict(zip(values, combination)) for combination in itertools.product(*values.values())]


def random_settings(count: int, *, seed: int = 0, **parameters: Any) -> list[Setting]:
    """count random settings: a parameter is a Uniform, a LogUniform, or a sequence of which one value is drawn.

    What one parameter draws depends on its place among the others, not on their kinds.

    >>> [s["width"] for s in random_settings(4, width=[16, 32], l2=LogUniform(1e-4, 1.0))]
    [16, 16, 32, 32]
    """
    count, draw = whole(count, "random_settings: count", 1), Streams(seed)
    columns = {}
    for name, values in parameters.items():
        u = draw.uniform(count, dtype="float64", purpose=NOISE)
        if isinstance(values, (Uniform, LogUniform)):
            least = 1e-300 if isinstance(values, LogUniform) else -1e300
            low = finite(values.low, f"random_settings: {name}, low", least)
            finite(values.high, f"random_settings: {name}, high", low)
            columns[name] = values.draw(u)
        else:
            columns[name] = [values[int(i)] for i in u * len(values)]
    return [dict(zip(columns, row)) for row in zip(*columns.values())]
