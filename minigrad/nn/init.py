"""What weights are before training: functions of (shape, dtype) that return an array from the project's init stream.

Random numbers are made in float64 and rounded once, so a float32 and a float64 network start from the same numbers.
fan_in and fan_out are the two sizes of a weight (in, out). Of a convolution's weight (out, in, kernel ...) each is
multiplied by the size of the kernel. Keywords are set with functools.partial:
`nn.Linear(2, 3, init=partial(nn.init.normal, std=0.01))`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import kernels as K
from .. import rng
from ..errors import ShapeError

Shape = tuple[int, ...]


def fans(name: str, shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (in, out), or of a convolution's, (out, in, kernel ...).

    ShapeError for a shape with fewer than two dimensions.

    >>> fans("he_normal", (3, 5)), fans("he_normal", (16, 8, 3, 3))
    ((3, 5), (72, 144))
    """
    if len(shape) < 2:
        raise ShapeError(f"{name}: the shape is {tuple(shape)}; need (in, out), or (out, in, kernel ...)")
    if len(shape) == 2:
        return shape[0], shape[1]
    return math.prod(shape[1:]), shape[0] * math.prod(shape[2:])


def glorot_uniform(shape: Shape, dtype: Any = "float32") -> np.ndarray:
    """Uniform in ±√(6 / (fan_in + fan_out)): keeps the variance of signals and of gradients (Glorot, Bengio 2010).

    >>> w = glorot_uniform((300, 300))
    >>> bool(np.abs(w).max() <= 0.1), w.shape
    (True, (300, 300))
    """
    limit = math.sqrt(6 / max(1, sum(fans("glorot_uniform", shape))))
    return rng.uniform(shape, -limit, limit, dtype, rng.INIT)


def glorot_normal(shape: Shape, dtype: Any = "float32") -> np.ndarray:
    """Normal with standard deviation √(2 / (fan_in + fan_out)).

    >>> round(float(glorot_normal((300, 300)).std()), 2)  # √(2 / 600) = 0.058
    0.06
    """
    return rng.normal(shape, 0.0, math.sqrt(2 / max(1, sum(fans("glorot_normal", shape)))), dtype, rng.INIT)


def he_uniform(shape: Shape, dtype: Any = "float32") -> np.ndarray:
    """Uniform in ±√(6 / fan_in): keeps the variance behind a relu, which halves it (He, Zhang, Ren, Sun 2015).

    >>> bool(np.abs(he_uniform((600, 10))).max() <= 0.1)
    True
    """
    limit = math.sqrt(6 / max(1, fans("he_uniform", shape)[0]))
    return rng.uniform(shape, -limit, limit, dtype, rng.INIT)


def he_normal(shape: Shape, dtype: Any = "float32") -> np.ndarray:
    """Normal with standard deviation √(2 / fan_in).

    >>> round(float(he_normal((800, 100)).std()), 2)  # √(2 / 800)
    0.05
    """
    return rng.normal(shape, 0.0, math.sqrt(2 / max(1, fans("he_normal", shape)[0])), dtype, rng.INIT)


def fan_in_uniform(shape: Shape, dtype: Any = "float32") -> np.ndarray:
    """Uniform in ±1/√fan_in: what PyTorch's linear and convolutional layers start from.

    >>> bool(np.abs(fan_in_uniform((100, 50))).max() <= 0.1)
    True
    """
    limit = 1 / math.sqrt(max(1, fans("fan_in_uniform", shape)[0]))
    return rng.uniform(shape, -limit, limit, dtype, rng.INIT)


def normal(shape: Shape, dtype: Any = "float32", *, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """Normal with a mean and a standard deviation.

    >>> w = normal((100, 100), mean=2.0, std=0.1)
    >>> round(float(w.mean()), 1), round(float(w.std()), 1)
    (2.0, 0.1)
    """
    return rng.normal(shape, mean, std, dtype, rng.INIT)


def uniform(shape: Shape, dtype: Any = "float32", *, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Uniform in [low, high).

    >>> w = uniform((100, 100), low=0.0, high=2.0)
    >>> bool(w.min() >= 0), bool(w.max() < 2), round(float(w.mean()), 1)
    (True, True, 1.0)
    """
    return rng.uniform(shape, low, high, dtype, rng.INIT)


def orthogonal(shape: Shape, dtype: Any = "float32", *, gain: float = 1.0) -> np.ndarray:
    """gain times a matrix with orthonormal rows, or columns where it has fewer of them, of normal numbers.

    Each vector loses its parts along those before it, twice, and is divided by its norm, in float64. A product with
    such a matrix keeps lengths, over many steps too (Saxe, McClelland, Ganguli 2014, section 4).

    ShapeError for a shape that is not (in, out).

    >>> w = orthogonal((3, 8), "float64")
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """
    if len(shape) != 2:
        raise ShapeError(f"orthogonal: the shape is {tuple(shape)}; need (in, out)")
    count, n = min(shape), max(shape)
    q, length = rng.normal((count, n), 0.0, 1.0, "float64", rng.INIT), K.empty((1,), np.dtype(np.float64))
    part = K.empty((1, n), q.dtype)
    for i in range(count):
        row = q[i : i + 1]
        for _ in range(2 if i else 0):
            along = K.empty((1, i), q.dtype)
            K.matmul(row, q[:i], along, tb=True)
            K.matmul(along, q[:i], part)
            K.sub(row, part, row)
        K.norm(row, length)
        K.div(row, length, row)
    K.mul(q, float(gain), q)
    out = K.empty(shape, np.dtype(dtype))
    K.copy(q if shape[0] <= shape[1] else q.T, out)
    return out


def constant(shape: Shape, dtype: Any = "float32", *, value: float) -> np.ndarray:
    """One number everywhere.

    >>> constant((2, 2), value=0.5).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    out = K.empty(shape, np.dtype(dtype))
    K.copy(float(value), out)
    return out


def zeros(shape: Shape, dtype: Any = "float32") -> np.ndarray:
    """Zeros.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return constant(shape, dtype, value=0.0)


BY_NAME: dict[str, Callable[..., np.ndarray]] = {
    f.__name__: f
    for f in (glorot_uniform, glorot_normal, he_uniform, he_normal, fan_in_uniform, normal, uniform, orthogonal, zeros)
}


def find(init: str | Callable[..., Any]) -> Callable[..., Any]:
    """The initializer of a name; a function is given back.

    ValueError for another name; the message has the nearest one.

    >>> find("he_normal") is he_normal
    True
    """
    if callable(init):
        return init
    if init in BY_NAME:
        return BY_NAME[init]
    close = difflib.get_close_matches(str(init), BY_NAME, 1)
    raise ValueError(
        f"init is {init!r}; need a function of (shape, dtype) or one of {', '.join(BY_NAME)}"
        + (f" (did you mean {close[0]!r}?)" if close else "")
    )
