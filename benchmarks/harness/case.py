"""What is measured: a case (sizes, dtype, work) that every peer gets, and a run (how one of them computes it)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

LINE = 64  # bytes of a cache line


def empty(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array that starts on a cache line, for every peer alike: NumPy's start 16 bytes past one, which costs up to
    half of the speed in the cache. minigrad's own start so."""
    dtype = np.dtype(dtype)
    bytes_ = int(np.prod(shape)) * dtype.itemsize
    block = np.empty(bytes_ + LINE, np.uint8)
    start = -block.ctypes.data % LINE
    return block[start : start + bytes_].view(dtype).reshape(shape)


def like(x: np.ndarray) -> np.ndarray:
    """An array on a cache line with the shape and dtype of x."""
    return empty(x.shape, x.dtype)


def zeros_like(x: np.ndarray) -> np.ndarray:
    """Zeros on a cache line with the shape and dtype of x."""
    y = like(x)
    y[...] = 0
    return y


class Case(NamedTuple):
    """name is the row's title, params the sizes that the family needs, flops and bytes the work of one call."""

    name: str
    dtype: str
    params: dict[str, Any]
    flops: float
    bytes: float

    @property
    def bits(self) -> int:
        return 64 if self.dtype == "float64" else 32

    def random(self, *shape: int, seed: int = 0) -> np.ndarray:
        """Normal numbers in the case's dtype, 65536 of them again and again: the same in every process."""
        x = empty(shape, self.dtype)
        x[...] = np.resize(np.random.default_rng(seed).standard_normal(65536).astype(self.dtype), shape)
        return x


class Run(NamedTuple):
    """call() computes once. many(n), where given, computes n times without returning to Python between.

    answer() gives a few numbers after exactly three calls, which must agree between peers up to rounding.
    timed(), where given, is the clock itself: it gives the seconds of one sample, where what comes before them is not
    to count.
    """

    call: Callable[[], object]
    answer: Callable[[], Sequence[float]]
    many: Callable[[int], object] | None = None
    timed: Callable[[], float] | None = None


def digest(*arrays: Any) -> list[float]:
    """Two numbers per array that change when any of its elements does: Σ|x| and Σ x r with fixed random r."""
    numbers = []
    for array in arrays:
        x = np.asarray(array, np.float64).ravel()
        numbers += [float(np.abs(x).sum()), float(x @ np.resize(np.random.default_rng(1).random(65521), x.size))]
    return numbers


def agree(a: Sequence[float], b: Sequence[float], tolerance: float) -> bool:
    """Whether two digests are of the same numbers; each pair is measured by its Σ|x|."""
    return len(a) == len(b) and all(
        abs(a[i] - b[i]) <= tolerance * (1e-30 + abs(a[i - i % 2]) + abs(b[i - i % 2])) for i in range(len(a))
    )


def count(text: str) -> int:
    """A number of elements as people write it: 55k, 1M, 1000."""
    factor = {"k": 1000, "K": 1000, "M": 1_000_000}.get(text[-1:], 1)
    return int(float(text[:-1] if factor > 1 else text) * factor)


def human(n: int) -> str:
    """The inverse of count.

    >>> human(1000000), human(55000), human(2048)
    ('1M', '55k', '2048')
    """
    for factor, letter in ((1_000_000, "M"), (1000, "k")):
        if n >= factor and n % factor == 0:
            return f"{n // factor}{letter}"
    return str(n)
