"""Data made from a seed: known coefficients to find again, and classes that no straight line separates.

Everything is made in float64 and rounded once to dtype, so both precisions hold the same data. Only + − × ÷ √ and the
project's own streams and kernels are used, so every machine makes the same bits: no sine, no cosine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import kernels as K
from ...checks import finite, real_dtype, whole
from ...rng import DATA, Streams
from ..dataset import Dataset


class Regression(NamedTuple):
    """y = x @ coefficients + noise: x (n, p), y (n,), coefficients (p,).

    >>> from minigrad.data import regression
    >>> found = regression(20, 5, nonzero=2)
    >>> type(found).__name__, found.x.shape, int((found.coefficients != 0).sum())
    ('Regression', (20, 5), 2)
    """

    x: np.ndarray
    y: np.ndarray
    coefficients: np.ndarray


def regression(
    n: int, p: int, noise: float = 0.1, nonzero: int | None = None, seed: int = 0, dtype: Any = "float32"
) -> Regression:
    """n rows of p standard normal inputs, and y = x @ coefficients + noise z with z standard normal.

    `nonzero` of the coefficients (None: all), at random places, are standard normal; the others are exactly 0.

    >>> data = regression(50, 20, noise=0.0, nonzero=3, dtype="float64")
    >>> data.x.shape, data.y.shape, int((data.coefficients != 0).sum())
    ((50, 20), (50,), 3)
    >>> bool(abs(data.x @ data.coefficients - data.y).max() < 1e-12)
    True
    """
    n, p, real = whole(n, "regression: n", 1), whole(p, "regression: p", 1), real_dtype(dtype, "regression: dtype")
    nonzero = p if nonzero is None else whole(nonzero, "regression: nonzero", 0, p + 1)
    noise = finite(noise, "regression: noise", at_least=0)
    draw = Streams(seed)
    x = draw.normal((n, p), dtype="float64", purpose=DATA)
    coefficients = draw.normal(p, dtype="float64", purpose=DATA)
    coefficients[draw.permutation(p, DATA)[nonzero:]] = 0
    y = np.empty((n, 1))
    K.matmul(x, coefficients.reshape(p, 1), y)
    y = y.reshape(n) + noise * draw.normal(n, dtype="float64", purpose=DATA)
    return Regression(*(part.astype(real, copy=False) for part in (x, y, coefficients)))


def blobs(n: int, classes: int = 3, p: int = 2, spread: float = 1.0, seed: int = 0, dtype: Any = "float32") -> Dataset:
    """n points of p coordinates around one centre per class, uniform in [-10, 10]; spread is the standard deviation.

    Row i has the label i mod classes (int64).

    >>> x, y = blobs(7, classes=3)
    >>> x.shape, y.tolist()
    ((7, 2), [0, 1, 2, 0, 1, 2, 0])
    """
    y, classes, draw, real = _classes("blobs", n, classes, seed, dtype)
    centres = draw.uniform((classes, whole(p, "blobs: p", 1)), -10.0, 10.0, "float64", DATA)
    return _with_noise(centres[y], y, spread, "blobs: spread", draw, real)


def moons(n: int, noise: float = 0.1, seed: int = 0, dtype: Any = "float32") -> Dataset:
    """n points on two half circles of radius 1, one hooked into the other, plus normal noise of that size.

    Class 0 lies on (cos t, sin t), class 1 on (1 - cos t, ½ - sin t), t uniform in (0, π). Row i has the label i mod 2.

    >>> x, y = moons(6, noise=0.0)
    >>> x.shape, y.tolist()
    ((6, 2), [0, 1, 0, 1, 0, 1])
    """
    y, _, draw, real = _classes("moons", n, 2, seed, dtype)
    direction = draw.normal((n, 2), dtype="float64", purpose=DATA)
    a, b = direction.T
    length = np.sqrt(a * a + b * b)  # a pair of normals points in every direction alike; it is never (0, 0)
    cos, sin = a / length, np.abs(b) / length
    x = np.stack([np.where(y == 0, cos, 1 - cos), np.where(y == 0, sin, 0.5 - sin)], 1)
    return _with_noise(x, y, noise, "moons: noise", draw, real)


def spirals(n: int, noise: float = 0.02, quarters: int = 6, seed: int = 0, dtype: Any = "float32") -> Dataset:
    """n points on two arms that wind out from the centre by `quarters` quarter turns, plus normal noise of that size.

    The radius grows from 0.1 to 1; class 1 is class 0 turned by half a turn. Row i has the label i mod 2.

    >>> x, y = spirals(6, noise=0.0)
    >>> bool(((x * x).sum(1) <= 1.0001).all()), y.tolist()
    (True, [0, 1, 0, 1, 0, 1])
    """
    y, _, draw, real = _classes("spirals", n, 2, seed, dtype)
    t = draw.uniform(n, dtype="float64", purpose=DATA)
    # (1 - t² + 2ti) / (1 + t²) lies on the unit circle, at the angle 2 atan t: 0 to a quarter turn for t in [0, 1].
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    radius = 0.1 + 0.9 * t
    a, b = np.where(y == 0, radius, -radius), np.zeros(n)
    for _ in range(whole(quarters, "spirals: quarters", 1)):
        a, b = a * cos - b * sin, a * sin + b * cos
    return _with_noise(np.stack([a, b], 1), y, noise, "spirals: noise", draw, real)


def _classes(op: str, n: int, classes: int, seed: int, dtype: Any) -> tuple[np.ndarray, int, Streams, np.dtype]:
    """Labels 0, 1, ..., 0, 1, ... of n rows, the number of classes, the streams to draw from, and the dtype."""
    classes = whole(classes, f"{op}: classes", 1)
    labels = np.arange(whole(n, f"{op}: n", classes), dtype=np.int64) % classes
    return labels, classes, Streams(seed), real_dtype(dtype, f"{op}: dtype")


def _with_noise(x: np.ndarray, y: np.ndarray, size: float, name: str, draw: Streams, real: np.dtype) -> Dataset:
    """x plus normal noise, rounded once to the dtype asked for."""
    size = finite(size, name, at_least=0)
    return Dataset((x + size * draw.normal(x.shape, dtype="float64", purpose=DATA)).astype(real, copy=False), y)
