"""The random numbers of a batch on its way out of the loader: functions of (seed, epoch, place in the epoch)."""

from __future__ import annotations

import numpy as np

from ... import kernels as K
from ...public import described
from ...rng import AUGMENT, stream
from .loader import Place

FIELDS, TRANSFORMS, PLACES = 8, 7, 48  # bits of an offset (63): a transform's draws, transforms, numbers of an epoch


class Draws:
    """What a transform draws for its rows: place is what the loader hands it, (seed, epoch, first row, transform).

    The rows stand at first, first + 1, ... in the epoch's order, itself a function of (seed, epoch): a row gets the
    same numbers in batches of any size. Each call draws new ones, in an array (rows, count).

    ValueError for more than 256 draws of one transform, or more than 128 transforms.

    >>> whole, part = Draws((3, 0, 0, 0), rows=8), Draws((3, 0, 6, 0), rows=2)
    >>> bool((whole.uniform(2)[6:] == part.uniform(2)).all())
    True
    """

    __repr__ = described

    def __init__(self, place: Place, rows: int) -> None:
        self._key, epoch, self._first, self._transform = place
        self.rows, self._stream, self._field = rows, stream(AUGMENT, epoch), 0

    def _next(self, count: int) -> dict[str, int]:
        place = (self._transform << FIELDS | self._field) << PLACES
        self._field += 1
        if self._field > 1 << FIELDS or self._transform >= 1 << TRANSFORMS:
            raise ValueError(f"Draws: need at most {1 << FIELDS} draws in each of {1 << TRANSFORMS} transforms")
        return {"key": self._key, "stream": self._stream, "offset": place + self._first * count}

    def bits(self, count: int = 1) -> np.ndarray:
        """64 random bits per number (uint64)."""
        out = np.empty((self.rows, count), np.uint64)
        K.random_bits(out, **self._next(count))
        return out

    def uniform(self, count: int = 1) -> np.ndarray:
        """Uniform in [0, 1), float64."""
        out = K.empty((self.rows, count), np.float64)
        K.uniform(out, low=0.0, high=1.0, **self._next(count))
        return out

    def normal(self, count: int = 1) -> np.ndarray:
        """Normal with mean 0 and standard deviation 1, float64."""
        out = K.empty((self.rows, count), np.float64)
        K.normal(out, mean=0.0, std=1.0, **self._next(count))
        return out
