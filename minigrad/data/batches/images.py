"""Transforms of images for the loader: flips and shifts, drawn for each image by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from ...checks import finite, whole
from ...errors import DTypeError, ShapeError
from ...public import described
from .draws import Draws
from .loader import Place

Pair = tuple[np.ndarray, np.ndarray]


class _ImageTransform(ABC):
    """x is (rows, ..., height, width), or flat (rows, n) with shape=(..., height, width) given; it is not changed."""

    __repr__ = described

    def __init__(self, shape: Sequence[int] | None) -> None:
        self.shape = None if shape is None else tuple(whole(n, f"{type(self).__name__}: shape", 1) for n in shape)

    def __call__(self, x: np.ndarray, y: np.ndarray, place: Place) -> Pair:
        images = x
        if self.shape is not None:
            size = int(np.prod(self.shape))
            if x[:1].size != size * len(x[:1]):
                raise ShapeError(f"{type(self).__name__}: rows are {x.shape[1:]}, shape is {self.shape}; need one size")
            images = x.reshape(len(x), *self.shape)
        if images.ndim < 3:
            raise ShapeError(f"{type(self).__name__}: x is {x.shape}; need (rows, ..., height, width), or shape=")
        return self.images(images, Draws(place, len(x))).reshape(x.shape), y

    @abstractmethod
    def images(self, x: np.ndarray, draws: Draws) -> np.ndarray:
        """The images transformed, a new array."""


class RandomFlip(_ImageTransform):
    """Mirror each image with probability p: dim -1 exchanges left and right, -2 top and bottom.

    ValueError for another dim; ShapeError for rows that are no images of this shape.

    >>> flip = RandomFlip(p=1.0, shape=(1, 3))
    >>> flip(np.array([[1.0, 2.0, 3.0]]), np.array([0]), place=(0, 0, 0, 0))[0]
    array([[3., 2., 1.]])
    """

    def __init__(self, p: float = 0.5, dim: int = -1, shape: Sequence[int] | None = None) -> None:
        super().__init__(shape)
        self.p = finite(p, "RandomFlip: p", 0.0, 1.0)
        if dim not in (-1, -2):
            raise ValueError(f"RandomFlip: dim is {dim!r}; need -1 (left, right) or -2 (top, bottom)")
        self.dim = dim

    def images(self, x: np.ndarray, draws: Draws) -> np.ndarray:
        out, chosen = x.copy(), draws.uniform()[:, 0] < self.p
        out[chosen] = np.flip(x[chosen], self.dim)
        return out


class RandomShift(_ImageTransform):
    """Move each image by whole pixels, uniform in [-pixels, pixels] both ways; what comes in at an edge is `fill`.

    DTypeError for a fill that the dtype of x does not hold; ShapeError for rows that are no images of this shape.

    >>> shift = RandomShift(1, shape=(2, 2))
    >>> shift(np.ones((1, 4)), np.array([0]), place=(1, 0, 0, 0))[0]
    array([[0., 0., 0., 1.]])
    """

    def __init__(self, pixels: int = 2, shape: Sequence[int] | None = None, fill: float = 0.0) -> None:
        super().__init__(shape)
        self.pixels, self.fill = whole(pixels, "RandomShift: pixels", 0), finite(fill, "RandomShift: fill")

    def images(self, x: np.ndarray, draws: Draws) -> np.ndarray:
        if x.dtype.kind != "f" and not holds(x.dtype, self.fill):
            raise DTypeError(
                f"RandomShift: fill is {self.fill:g}, x is {x.dtype}; need a fill that it holds, or "
                "dtype='float32' in the Loader"
            )
        n = self.pixels
        # A window of the image in a frame that is n wider on each side; 64 bits modulo 2 n + 1 are uniform to 2⁻⁶⁰.
        framed = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(n, n)] * 2, constant_values=self.fill)
        windows = np.lib.stride_tricks.sliding_window_view(framed, x.shape[-2:], (-2, -1))
        down, right = (draws.bits(2) % np.uint64(2 * n + 1)).astype(np.int64).T
        return np.moveaxis(windows, (-4, -3), (1, 2))[np.arange(len(x)), down, right]


def holds(dtype: np.dtype, number: float) -> bool:
    """Whether an integer dtype has this number."""
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return number.is_integer() and low <= number <= high
