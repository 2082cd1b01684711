"""Batches of rows, in an order that is a function of (seed, epoch) alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...checks import truth, whole
from ...errors import ShapeError
from ...rng import CALLS, SEEDS, SHUFFLE, permutation, stream
from ..dataset import Dataset, Weighted, check_weight, lazy_xy, take_rows
from .read_ahead import ReadAhead

MOST_AHEAD = 1025  # batches; so many fill a memory rather than a gap

Place = tuple[int, int, int, int]  # seed, epoch, first row of the batch in the epoch's order, number of the transform
Transform = Callable[[np.ndarray, np.ndarray, Place], tuple[np.ndarray, np.ndarray]]


class Loader:
    """Batches (x, y) of NumPy arrays, each a copy of its own: batch_size rows, and what is left in the last one.

    Every iteration is an epoch: it visits each row once, in a new order drawn from (seed, epoch), or in the order of
    the data if shuffle is False. `epoch` is the epoch that the next iteration will be. drop_last leaves out a last
    batch that would be smaller. With weight, one number per row (finite, at least 0, not all 0), each batch is
    (x, y, weight). The data is checked and cast once, here (check_xy): dtype None keeps what it has, so
    that integers stay integers, as an embedding needs them.

    transform is a function (x, y, place) -> (x, y) of a batch, or several, applied in order: RandomFlip, RandomShift,
    Mixup, or one of your own; Draws(place, len(x)) gives it random numbers. A transform leaves weights as they are,
    unless it has a method weighted(x, y, weight, place) -> (x, y, weight), as Mixup has; that one is called then.

    A memory map (numpy.load(path, mmap_mode="r"), open_npy, open_idx) is neither copied nor read here: its rows are
    cast and checked batch by batch, and NonFiniteError names a bad one when its batch is made. LazyRows has more.
    read_ahead=n makes up to n batches in a thread before they are asked for: the same batches, and less waiting where
    reading and transforms take long and a core is free. A transform must then draw from Draws(place, ...) alone, and
    what it raises comes out where its batch is asked for.

    >>> loader = Loader(np.arange(10.0).reshape(5, 2), [0, 1, 0, 1, 0], batch_size=2, shuffle=False)
    >>> len(loader), [y.tolist() for x, y in loader], loader.epoch
    (3, [[0, 1], [0, 1], [0]], 1)
    >>> first = [y.tolist() for x, y in Loader(np.eye(9), range(9), 4, seed=3)]
    >>> again = [y.tolist() for x, y in Loader(np.eye(9), range(9), 4, seed=3)]
    >>> first == again, sorted(sum(first, []))
    (True, [0, 1, 2, 3, 4, 5, 6, 7, 8])
    >>> [(y.tolist(), w.tolist()) for x, y, w in Loader(np.eye(3), range(3), 2, shuffle=False, weight=[1, 0, 2])]
    [([0, 1], [1.0, 0.0]), ([2], [2.0])]
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        dtype: Any = None,
        transform: Transform | Sequence[Transform] = (),
        weight: Any = None,
        read_ahead: int = 0,
    ) -> None:
        self.x, self.y = lazy_xy(x, y, dtype)
        of_weight = self.x.dtype if dtype is None and self.x.dtype.kind == "f" else dtype
        self.weight = None if weight is None else check_weight(weight, len(self.x), of_weight, "Loader: weight")
        self.batch_size = whole(batch_size, "Loader: batch_size", 1)
        self.shuffle, self.drop_last = truth(shuffle, "Loader: shuffle"), truth(drop_last, "Loader: drop_last")
        self.seed = whole(seed, "Loader: seed", 0, SEEDS)
        self.read_ahead = whole(read_ahead, "Loader: read_ahead", 0, MOST_AHEAD)
        self.transforms = tuple(transform) if isinstance(transform, Sequence) else (transform,)
        for step in self.transforms:
            if isinstance(step, type) or not callable(step):
                raise TypeError(f"Loader: transform is {step!r}; need functions (x, y, place), such as RandomFlip()")
        self.epoch, self._start = 0, 0
        if len(self) == 0:
            raise ValueError(f"Loader: {len(self.x)} rows make no batch of {batch_size}, and drop_last drops the rest")

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration that epoch: how a resumed run sees the order that the first would have seen."""
        self.epoch, self._start = whole(epoch, "set_epoch: epoch", 0, CALLS), 0

    def set_position(self, epoch: int, batch: int) -> None:
        """Make the next iteration the rest of an epoch, from its batch number `batch` on (0-based; len(self): none).

        Its batches are, to the last bit and with what transforms draw, those of the whole epoch. The iteration after
        it is the next epoch, whole. TypeError or ValueError for what is no epoch or no batch of it.

        >>> loader = Loader(np.eye(5), range(5), batch_size=2, shuffle=False)
        >>> loader.set_position(0, 1)
        >>> [y.tolist() for x, y in loader], len(list(loader))
        ([[2, 3], [4]], 3)
        """
        epoch = whole(epoch, "set_position: epoch", 0, CALLS)
        self.epoch, self._start = epoch, whole(batch, "set_position: batch", 0, len(self) + 1)

    def order(self, epoch: int) -> np.ndarray:
        """The rows (int64) in the order of an epoch."""
        if not self.shuffle:
            return np.arange(len(self.x))
        return permutation(len(self.x), self.seed, stream(SHUFFLE, epoch))

    def __len__(self) -> int:
        full, rest = divmod(len(self.x), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        epoch, start = self.epoch, self._start
        self.epoch, self._start = epoch + 1, 0  # now, not at the end: an epoch that was broken off is over
        make = functools.partial(self._batch, self.order(epoch), epoch)
        if self.read_ahead:
            return ReadAhead(make, start, len(self), self.read_ahead)
        return (make(number) for number in range(start, len(self)))

    def _batch(self, order: np.ndarray, epoch: int, number: int) -> Dataset | Weighted:
        """A batch by its number in an epoch."""
        start = number * self.batch_size
        rows = order[start : start + self.batch_size]
        x, y = take_rows(self.x, rows), take_rows(self.y, rows)
        weight = None if self.weight is None else take_rows(self.weight, rows)
        for i, step in enumerate(self.transforms):
            place = (self.seed, epoch, start, i)
            if weight is not None and hasattr(step, "weighted"):
                made = step.weighted(x, y, weight, place)
                weight = self._checked_weight(step, made, weight.dtype)
                made = made[:2]
            else:
                made = step(x, y, place)
            x, y = self._checked(step, made)
            if weight is not None and len(weight) != len(x):
                raise ShapeError(
                    f"Loader: the transform {step!r} made {len(x)} rows of {len(rows)}, whose weights it does not say; "
                    "give it a method weighted(x, y, weight, place) -> (x, y, weight)"
                )
        return Dataset(x, y) if weight is None else Weighted(x, y, weight)

    def _checked(self, step: Transform, made: Any) -> Dataset:
        """What a transform returned, x in the dtype of the data if both are real: NumPy makes float64 of much."""
        if not isinstance(made, (tuple, list)) or len(made) != 2:
            raise TypeError(f"Loader: the transform {step!r} returned a {type(made).__name__}; need a pair (x, y)")
        x, y = np.asarray(made[0]), np.asarray(made[1])
        if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
            raise ShapeError(f"Loader: the transform {step!r} returned x {x.shape}, y {y.shape}; need a y for each x")
        real = x.dtype.kind == self.x.dtype.kind == "f"
        return Dataset(x.astype(self.x.dtype, copy=False) if real else x, y)

    def _checked_weight(self, step: Any, made: Any, dtype: np.dtype) -> np.ndarray:
        """The weights of what transform.weighted returned."""
        if not isinstance(made, (tuple, list)) or len(made) != 3:
            raise TypeError(f"Loader: {step!r}.weighted returned a {type(made).__name__}; need (x, y, weight)")
        weight = np.asarray(made[2])
        if weight.ndim != 1 or weight.dtype.kind != "f":
            raise ShapeError(
                f"Loader: {step!r}.weighted returned weights {weight.dtype} {weight.shape}; need one float for each row"
            )
        return weight.astype(dtype, copy=False)

    def __repr__(self) -> str:
        order = f"shuffled by seed {self.seed}" if self.shuffle else "in order"
        order += "" if self.weight is None else ", weighted"
        return f"Loader({len(self)} batches of {self.batch_size}, x {self.x.shape[1:]} {self.x.dtype}, {order})"
