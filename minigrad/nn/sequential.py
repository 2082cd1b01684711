"""Modules that hold others in a row: Sequential, and Flatten between convolutions and matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, overload

from ..engine import Tensor
from ..errors import ShapeError
from ..ops.shape.views import reshape
from ..tensor import tensor
from .module import ERRORS, Module


class Sequential(Module):
    """Layers applied in order. Layer i is model[i], and is named by its index.

    TypeError for a layer that is no Module, a class for instance.

    >>> from minigrad import nn
    >>> nn.Sequential(nn.Linear(64, 32, activation="relu"), nn.Dropout(0.5), nn.Linear(32, 10))
    Sequential()
      0: Linear(64->32, relu)
      1: Dropout(p=0.5)
      2: Linear(32->10)
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):  # append counts the layers anew, and many would take a while
            self._set(i, layer)

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end."""
        self._set(len(self), layer)
        return self

    def _set(self, i: int, layer: Module) -> None:
        if not isinstance(layer, Module):
            cure = f"; did you mean {layer.__name__}()?" if isinstance(layer, type) else ", such as nn.Linear(2, 1)"
            raise TypeError(f"Sequential: layer {i} is {layer!r}; need a Module{cure}")
        setattr(self, str(i), layer)

    def __len__(self) -> int:
        return len(self.children())

    def __iter__(self) -> Iterator[Module]:
        return iter(self.children())

    @overload
    def __getitem__(self, i: int) -> Any: ...
    @overload
    def __getitem__(self, i: slice) -> Sequential: ...
    def __getitem__(self, i: int | slice) -> Any:
        layers = list(self)
        return Sequential(*layers[i]) if isinstance(i, slice) else layers[i]

    def __setitem__(self, i: int, layer: Module) -> None:
        self._set(range(len(self))[i], layer)

    def forward(self, x: Any) -> Any:
        waiting = self.children()[::-1]
        layer: Module = self
        try:
            while waiting:  # a loop, not calls, through chains within chains: they may be deeper than Python recurses
                layer = waiting.pop()
                seen = layer.watchers or layer._hooks
                if type(layer) is Sequential and not seen:
                    waiting += layer.children()[::-1]
                else:
                    x = layer(x) if seen else layer.forward(x)
        except ERRORS as error:
            layer._locate(error)
            raise
        return x


class Flatten(Module):
    """(rows, a, b, ...) to (rows, a b ...).

    ShapeError for a single number, which has no rows.

    >>> import minigrad as mg
    >>> mg.nn.Flatten()(mg.zeros(5, 2, 3)).shape
    (5, 6)
    """

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        if not x.array.ndim:
            raise ShapeError("x is a single number; need (rows, ...)")
        return reshape(x, shape=(x.array.shape[0], math.prod(x.array.shape[1:])))
