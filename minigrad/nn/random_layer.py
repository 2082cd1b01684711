"""Layers that draw random numbers in training: from which stream, and how a draw is made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import rng
from ..arguments import whole
from ..engine import Tensor
from .module import Module

Source = Callable[["RandomLayer"], tuple[int, int]]


class RandomLayer(Module):
    """A layer that draws. What it draws is a function of (seed, call number, position) alone.

    seed None: the streams of the process (minigrad.manual_seed); a number: streams of the layer's own, whose next call
    number is the buffer `calls`: `calls.copy_(0)` starts again. Every call in training takes a number.
    """

    calls: Tensor
    purpose = rng.DROPOUT

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else whole(seed, f"{type(self).__name__}: seed", 0, rng.SEEDS)
        if seed is not None:
            self.register_buffer("calls", np.zeros((), np.int64))
        self._source: Source | None = None  # who gives streams in place of the seed, inside `drawing_from`
        self._row = 0  # the row of the drawn batch at which x begins, inside `replay`
        self._last: tuple[int, int] | None = None
        self._held: tuple[int, int] | None = None  # a draw that later calls share (VariationalDropout)

    def draw(self) -> tuple[int, int]:
        """(key, stream) of this call."""
        if self._source is not None:
            found = self._source(self)
        elif self.seed is None:
            found = rng.next_stream(self.purpose)
        else:
            call = self.calls.array
            call += 1
            found = self.seed, rng.stream(self.purpose, int(call) - 1)
        self.__dict__["_last"] = found  # not a part: no need to look at what it is
        return found

    def last_draw(self) -> tuple[int, int]:
        """(key, stream) of the last call in training."""
        if self._last is None:
            raise RuntimeError(f"this {type(self).__name__} has not been called in training mode: it has no last draw")
        return self._last

    def replay(self, call: int | None = None, row: int = 0) -> Any:
        """`with layer.replay():` the last draw again; see minigrad.nn.replay."""
        return replay(self, call, row)


def replay(model: Module, call: int | None = None, row: int = 0) -> Any:
    """A `with` block in which every random layer of the model makes its last draw again, or that of call number `call`.

    row says where in the drawn batch x begins: a batch that comes in parts keeps its masks if the first part draws and
    the others replay from their first row on. No call number is taken. A layer that is used several times in one
    forward pass replays the last of its draws.

    >>> import minigrad as mg
    >>> layer, x = mg.nn.Dropout(0.5), mg.tensor([[1.0] * 8] * 4)
    >>> whole = layer(x)
    >>> with mg.nn.replay(layer, row=3):
    ...     bool((layer(mg.tensor([[1.0] * 8])).data == whole.data[3:]).all())
    True
    """
    at = whole(row, "replay: row", 0)
    if call is None:
        return drawing_from(model, RandomLayer.last_draw, at)
    number = whole(call, "replay: call", 0, rng.CALLS)

    def chosen(layer: RandomLayer) -> tuple[int, int]:
        key = rng.get_state()["seed"] if layer.seed is None else layer.seed
        return key, rng.stream(layer.purpose, number)

    return drawing_from(model, chosen, at)


@contextmanager
def drawing_from(model: Module, source: Source, row: int = 0) -> Iterator[list[RandomLayer]]:
    """Let source(layer) give the (key, stream) of every draw in the model; yields its random layers."""
    layers = [module for _, module in model.named_modules() if isinstance(module, RandomLayer)]
    before = [(layer._source, layer._row, layer._held) for layer in layers]
    for layer in layers:
        layer._source, layer._row, layer._held = source, row, None
    try:
        yield layers
    finally:
        for layer, state in zip(layers, before):
            layer._source, layer._row, layer._held = state
