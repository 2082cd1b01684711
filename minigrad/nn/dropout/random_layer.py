"""Layers that draw random numbers in training, and the stream that each draw is from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import rng
from ...checks import whole
from ...engine import Tensor
from ...recording import mode
from ..module import Module


class RandomLayer(Module):
    """A layer that draws. What it draws is a function of (seed, call number, position) alone.

    seed None: the streams of the process (minigrad.manual_seed); a number: streams of the layer's own, whose next call
    number is the buffer `calls`: `calls.copy_(0)` starts again. Every call in training takes a number.

    last_draw raises RuntimeError before the first call in training mode.

    >>> import minigrad as mg
    >>> layer = mg.nn.Dropout(0.5, seed=3)
    >>> _ = layer(mg.ones(4))
    >>> isinstance(layer, mg.nn.RandomLayer), len(layer.last_draw())  # the key and the stream that it drew from
    (True, 2)
    """

    calls: Tensor
    purpose = rng.DROPOUT

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else whole(seed, f"{type(self).__name__}: seed", 0, rng.SEEDS)
        if seed is not None:
            self.register_buffer("calls", np.zeros((), np.int64))
        self.source: Callable[[RandomLayer], tuple[int, int]] | None = None  # what redraw.py puts in place of the seed
        self.row = 0  # the row of the drawn batch at which x begins
        self._last: tuple[int, int] | None = None
        self.held: tuple[int, int] | None = None  # a draw that later calls share (VariationalDropout)

    def draw(self) -> tuple[int, int]:
        """(key, stream) of this call; in a forward pass that minigrad.checkpoint repeats, those of the first time."""
        if mode.draws is None:
            return self.drawn()
        self.__dict__["_last"] = found = mode.draws.of(self.drawn)
        return found

    def drawn(self) -> tuple[int, int]:
        """(key, stream) of a new call."""
        if self.source is not None:
            found = self.source(self)
        elif self.seed is None:
            found = rng.next_stream(self.purpose)
        else:
            call = self.calls.array
            call += 1
            found = self.seed, rng.stream(self.purpose, int(call) - 1)
        self.__dict__["_last"] = found  # not a part: no need to look at what it is
        if mode.step is not None:
            mode.step.drew(self, found)
        return found

    def last_draw(self) -> tuple[int, int]:
        """(key, stream) of the last call in training."""
        if self._last is None:
            raise RuntimeError(f"this {type(self).__name__} has not been called in training mode: it has no last draw")
        return self._last
