"""The channels between layers: which layers read them, and which channels are constants.

A channel is a unit of a Linear, a channel of a convolution, a column of an Embedding, a hidden unit of an LSTM. Layers
that act on each channel alone pass it on; a residual sum makes the channels of both its branches one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine import Tensor
from ...nn.module import Module, Parameter

ROWS, STEPS, PLANES = "rows", "steps", "planes"  # (rows, channels); (..., steps, channels); (rows, channels, places)


class Space:
    """Channels that can only be removed together, at every place; the numbers of joined spaces are in their root."""

    def __init__(self, count: int | None) -> None:
        self.into: Space | None = None
        self.fixed = count is None  # the input of the model, whose size its first reader tells
        self.needed = np.zeros(0 if count is None else count, bool)

    def root(self) -> Space:
        """The space that this one was joined into, or itself."""
        space = self
        while space.into is not None:
            space = space.into
        return space

    @property
    def count(self) -> int:
        """How many channels there are; 0 where no layer has told so far."""
        return len(self.root().needed)

    @property
    def keep(self) -> np.ndarray:
        """Which channels stay."""
        return self.root().needed

    def sized(self, count: int) -> None:
        """Take the size of the model's input from its first reader."""
        root = self.root()
        if root.fixed and not len(root.needed):
            root.needed = np.ones(count, bool)

    def need(self, which: np.ndarray | bool) -> bool:
        """Mark channels as needed; whether that is news."""
        root = self.root()
        before = int(root.needed.sum())
        root.needed = root.needed | which
        return int(root.needed.sum()) > before

    def join(self, other: Space) -> None:
        """Join another space to this one: their channels are then the same."""
        a, b = self.root(), other.root()
        if a is not b:
            a.sized(len(b.needed))
            b.sized(len(a.needed))
            a.fixed = a.fixed or b.fixed
            a.needed = np.ones(len(a.needed), bool) if a.fixed else a.needed
            b.into = a


@dataclass(frozen=True)
class Wire:
    """What runs between two layers.

    known, value  which channels are the same number for every input and place, in eval mode, and which number:
                  (channels, places) each; one place before a Flatten, behind it as many as features come from a channel
    inner         whether the places of a channel lie apart (behind a Flatten of steps), not side by side (of planes)
    flat          whether a Flatten came, so that the next layer with a size tells the places
    joined        the layer that mixed channels: behind it, there may be no reader
    tuple         whether it is the pair (output, state) of a recurrent layer
    """

    space: Space
    known: np.ndarray
    value: np.ndarray
    form: str = ROWS
    inner: bool = False
    flat: bool = False
    joined: str = ""
    tuple: bool = False

    def spread(self, features: int, path: str, layer: Module) -> Wire:
        """The wire with the places that a layer of so many features tells; TypeError where they do not fit."""
        self.space.sized(features)
        count, places = self.space.count, self.known.shape[1]
        if not self.known.size:
            return constants(self, np.zeros((count, 1), bool), np.zeros((count, 1), np.float32))
        if count * places == features:
            return self
        if not self.flat or places > 1 or features % count:
            raise refusal(path, layer, f"it takes {features} inputs, and {count * places} units meet it")
        many = (1, features // count)
        return constants(self, np.tile(self.known, many), np.tile(self.value, many))

    def lined(self, array: np.ndarray) -> np.ndarray:
        """(channels, places) as the features of a layer behind a Flatten."""
        return (array.T if self.inner else array).reshape(-1)

    def folded(self, features: np.ndarray) -> np.ndarray:
        """The other way round."""
        count = self.space.count
        return features.reshape(-1, count).T if self.inner else features.reshape(count, -1)

    def kept(self) -> np.ndarray:
        """Which features of a layer behind this wire stay."""
        return self.lined(np.broadcast_to(self.space.keep[:, None], self.known.shape))


def constants(wire: Wire, known: np.ndarray, value: np.ndarray, **changes: Any) -> Wire:
    """A wire with other constants; numbers that are not known are zeros."""
    found = {name: getattr(wire, name) for name in ("space", "form", "inner", "flat", "joined", "tuple")}
    return Wire(known=known, value=np.where(known, value, 0).astype(value.dtype), **{**found, **changes})


def refusal(path: str, layer: Module, why: str) -> TypeError:
    """The error about a layer that compact cannot take."""
    return TypeError(f"compact: {path} is a {type(layer).__name__}: {why}")


def replace(layer: Module, name: str, array: np.ndarray) -> None:
    """A parameter or a buffer of a layer with other numbers; what was frozen stays so."""
    old = getattr(layer, name)
    array = np.ascontiguousarray(array)
    if name in layer._parts and layer._parts[name] == "buffer":
        layer.register_buffer(name, array)
        return
    new = Parameter(array)
    setattr(layer, name, new)
    if isinstance(old, Tensor) and not old.tracked:
        new.requires_grad_(False)
