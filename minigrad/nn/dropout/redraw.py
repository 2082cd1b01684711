"""Draws made again: the same masks for another pass, or for the rest of a batch that comes in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ... import rng
from ...checks import whole
from ..module import Module
from .random_layer import RandomLayer

Source = Callable[[RandomLayer], tuple[int, int]]


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
    before = [(layer.source, layer.row, layer.held) for layer in layers]
    for layer in layers:
        layer.source, layer.row, layer.held = source, row, None
    try:
        yield layers
    finally:
        for layer, state in zip(layers, before):
            layer.source, layer.row, layer.held = state
