"""For each kind of layer: which channels it reads, which constants it makes, how `compact` makes it smaller."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import Tensor
from ...nn.conv import Convolutional
from ...nn.embedding import Embedding, EmbeddingBag
from ...nn.linear import Linear
from ...nn.module import Module
from ...nn.normalization import BatchNorm1d
from ...ops.elementwise.arithmetic import add
from ...ops.layers.conv import conv1d, conv2d
from ...ops.linalg.matmul import matmul
from .wires import PLANES, ROWS, STEPS, Space, Wire, constants, refusal, replace


class Station:
    """A layer, and where it stands in the model."""

    def __init__(self, path: str, layer: Any) -> None:
        self.path, self.layer = path, layer

    def forward(self, wire: Wire) -> Wire:
        """What comes out of the layer."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def hear(self) -> bool:
        """Mark the channels that the needed outputs read; whether that is news."""
        return False

    def settle(self) -> bool:
        """Mark what has to stay because the layer has no form without it; whether that is news."""
        return False

    def shrink(self) -> None:
        """Remove the channels that are not needed from the layer."""

    def refuse_form(self, wire: Wire, *forms: str) -> None:
        """TypeError where the layer takes another axis for channels than the layer that made them."""
        if wire.known.size and wire.form not in forms:
            made = "planes of channels" if wire.form == PLANES else "channels on the last axis"
            raise refusal(self.path, self.layer, f"{made} come to it, which it would take for something else")
        if wire.joined:
            name = type(self.layer).__name__
            raise TypeError(f"compact: a {wire.joined} between {name} layers joins their units ({self.path})")


class Alone(Station):
    """A layer that maps each channel alone and has no numbers for it: an activation, dropout, a pool."""

    def forward(self, wire: Wire) -> Wire:
        return constants(wire, wire.known, np.asarray(self.layer(wire.value).array))


class Average(Station):
    """Means of windows: those at a border that have zeros of the padding in them are others."""

    def forward(self, wire: Wire) -> Wire:
        self.refuse_form(wire, PLANES)
        layer: Any = self.layer
        zeros = np.any(layer.padding) and layer.count_include_pad
        whole = not zeros and getattr(layer, "divisor_override", None) is None
        return wire if whole else constants(wire, wire.known & (wire.value == 0), wire.value)


class Norm(Station):
    """Batch norm, by its running moments: a channel whose scale is 0 is its shift."""

    wire: Wire

    def forward(self, wire: Wire) -> Wire:
        layer: Any = self.layer
        self.refuse_form(wire, *((ROWS, PLANES) if isinstance(layer, BatchNorm1d) else (PLANES,)))
        if wire.form == PLANES and wire.space.count not in (0, layer.num_features):
            raise refusal(self.path, layer, f"it takes {layer.num_features} channels, and {wire.space.count} come")
        self.wire = wire = wire.spread(layer.num_features, self.path, layer)
        x = wire.lined(wire.value)
        if layer.running_mean is None:
            y = np.zeros_like(x) if layer.bias is None else layer.bias.array
        else:
            x = x.astype(layer.running_mean.dtype)
            y = layer(x.reshape(1, -1, *(1,) * (max(layer.dims) - 2))).array.reshape(-1)
        known = wire.lined(wire.known) | (False if layer.weight is None else layer.weight.array == 0)
        return constants(wire, wire.folded(known), wire.folded(y))

    def shrink(self) -> None:
        keep = self.wire.kept()
        if keep.all():
            return
        self.layer.num_features = int(keep.sum())
        for name in ("weight", "bias", "running_mean", "running_var"):
            if getattr(self.layer, name) is not None:
                replace(self.layer, name, getattr(self.layer, name).array[keep])


class Reader(Station):
    """A layer that makes new channels of those that come: Linear and convolutions.

    link   (outputs, inputs): whether a weight that is not 0 leads from an input to an output
    solid  inputs that are constants which the bias can take over exactly
    """

    wire: Wire
    out: Space
    link: np.ndarray
    solid: np.ndarray

    def read(self, wire: Wire, link: np.ndarray, solid: np.ndarray, form: str) -> Wire:
        """Take the channels that come, and make the wire of the outputs."""
        self.wire, self.link, self.solid = wire, link, solid
        self.out = Space(len(link))
        known = ~(link & ~solid).any(1)
        value = self.constant(np.where(solid, wire.lined(wire.value), 0), self.layer.activation)
        return constants(Wire(self.out, known, value, form), known[:, None], value[:, None])

    def constant(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """What a place of the outputs is where every place of the inputs is x."""
        raise NotImplementedError(f"{type(self).__name__} defines no constant()")

    def hear(self) -> bool:
        loud = self.link[self.out.keep].any(0) & ~self.solid
        return self.wire.space.need(np.asarray(self.wire.folded(loud).any(1)))

    def shrink(self) -> None:
        taken, made = self.wire.kept(), self.out.keep
        lost = ~taken & self.solid
        if (self.link[made][:, lost] & (self.wire.lined(self.wire.value)[lost] != 0)).any():
            bias = self.constant(np.where(lost, self.wire.lined(self.wire.value), 0), None)
            replace(self.layer, "bias", bias[made])
        elif self.layer.bias is not None and not made.all():
            replace(self.layer, "bias", self.layer.bias.array[made])
        if not (taken.all() and made.all()):
            self.cut(taken, made)

    def cut(self, taken: np.ndarray, made: np.ndarray) -> None:
        """Let the weight have these inputs and outputs alone."""
        raise NotImplementedError(f"{type(self).__name__} defines no cut()")


class Dense(Reader):
    """Linear."""

    def forward(self, wire: Wire) -> Wire:
        self.refuse_form(wire, ROWS, STEPS)
        layer: Linear = self.layer
        wire = wire.spread(layer.in_features, self.path, layer)
        return self.read(wire, layer.weight.array.T != 0, wire.lined(wire.known), STEPS if wire.form == STEPS else ROWS)

    def constant(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        layer: Linear = self.layer
        x = x.astype(layer.weight.dtype).reshape(1, -1)
        if activation is not None:
            return layer.forward(x).array[0]
        y = matmul(Tensor(x), layer.weight)
        return (y if layer.bias is None else add(y, layer.bias)).array[0]

    def cut(self, taken: np.ndarray, made: np.ndarray) -> None:
        replace(self.layer, "weight", self.layer.weight.array[np.ix_(taken, made)])
        self.layer.in_features, self.layer.out_features = int(taken.sum()), int(made.sum())


class Filters(Reader):
    """Convolutions, in groups too. The places of a constant differ at a border of zeros, and where windows overlap."""

    layer: Convolutional

    def forward(self, wire: Wire) -> Wire:
        self.refuse_form(wire, PLANES)
        layer: Any = self.layer
        wire.space.sized(layer.in_channels)
        if wire.space.count != layer.in_channels:
            raise refusal(self.path, layer, f"it takes {layer.in_channels} channels, and {wire.space.count} come")
        wire = wire.spread(layer.in_channels, self.path, layer)
        solid = wire.known[:, 0] & ((wire.value[:, 0] == 0) | (not self._differs_by_place()))
        return self.read(wire, self._links(), solid, PLANES)

    def _links(self) -> np.ndarray:
        """(out_channels, in_channels): whether a kernel is not all zeros."""
        layer: Any = self.layer
        there = (layer.weight.array != 0).reshape(*layer.weight.shape[:2], -1).any(2)
        link = np.zeros((layer.out_channels, layer.in_channels), bool)
        for rows, columns, part in zip(*self._blocks(), np.split(there, layer.groups)):
            link[np.ix_(rows, columns)] = part.T if layer.transposed else part
        return link

    def _blocks(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The outputs and the inputs of each group."""
        layer: Any = self.layer
        outputs, inputs = (np.arange(n) for n in (layer.out_channels, layer.in_channels))
        return np.split(outputs, layer.groups), np.split(inputs, layer.groups)

    def _differs_by_place(self) -> bool:
        """Whether a constant that is not 0 gives other numbers at some places."""
        layer: Any = self.layer
        if layer.transposed:
            return True
        if layer._borders is not None or layer.padding == "valid":
            return False
        return any(n > 1 for n in layer.kernel_size) if layer.padding == "same" else bool(np.any(layer.padding))

    def constant(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        layer: Any = self.layer
        if layer.transposed:  # x is 0 where its constants are taken
            return np.zeros(layer.out_channels, layer.weight.dtype) if layer.bias is None else layer.bias.array
        extent = [(k - 1) * d + 1 for k, d in zip(layer.kernel_size, layer.dilation)]
        planes = np.ones((1, layer.in_channels, *extent), layer.weight.dtype) * x.reshape(1, -1, *[1] * len(extent))
        function = conv2d if len(extent) == 2 else conv1d
        planes = Tensor(planes.astype(layer.weight.dtype))
        return function(planes, layer.weight, layer.bias, 1, 0, layer.dilation, layer.groups, activation).array.reshape(
            -1
        )

    def settle(self) -> bool:
        """The groups that stay have equally many inputs, and equally many outputs."""
        if self.layer.groups == 1:
            return False
        outputs, inputs = self._blocks()
        out, into = self.out.keep.copy(), self.wire.space.keep.copy()
        stay = [i for i, (o, c) in enumerate(zip(outputs, inputs)) if out[o].any() or into[c].any()]
        for needed, blocks in ((out, outputs), (into, inputs)):
            most = max([1, *(int(needed[blocks[i]].sum()) for i in stay)])
            for i in stay:
                spare = [j for j in blocks[i] if not needed[j]]
                needed[spare[: most - int(needed[blocks[i]].sum())]] = True
        news = self.out.need(out)
        return self.wire.space.need(into) or news

    def cut(self, taken: np.ndarray, made: np.ndarray) -> None:
        layer: Any = self.layer
        parts = np.split(layer.weight.array, layer.groups)
        first, second = (taken, made) if layer.transposed else (made, taken)
        left = []
        for part, a, b in zip(parts, np.split(first, layer.groups), np.split(second, layer.groups)):
            if a.any():
                left.append(part[np.ix_(a, b)])
        replace(layer, "weight", np.concatenate(left))
        layer.groups = len(left)
        layer.in_channels, layer.out_channels = int(taken.sum()), int(made.sum())


class Depthwise(Filters):
    """A depthwise convolution: output channel i is made from input channel i alone, so both are removed together."""

    def read(self, wire: Wire, link: np.ndarray, solid: np.ndarray, form: str) -> Wire:
        made = super().read(wire, link, solid, form)
        self.out = wire.space
        return constants(made, made.known, made.value, space=wire.space)

    def hear(self) -> bool:
        return False

    def settle(self) -> bool:
        return False

    def shrink(self) -> None:
        keep = self.out.keep
        if self.layer.bias is not None and not keep.all():
            replace(self.layer, "bias", self.layer.bias.array[keep])
        if not keep.all():
            self.cut(keep, keep)


class Table(Station):
    """Embeddings: their columns are channels; whole numbers come in."""

    out: Space

    def forward(self, wire: Wire) -> Wire:
        if wire.known.size or not wire.space.fixed:
            raise refusal(self.path, self.layer, "it takes whole numbers, so that no layer stands before it")
        layer: Any = self.layer
        w = layer.weight.array
        same = (w == w[:1]).all(0) if isinstance(layer, Embedding) else (w == 0).all(0)  # an empty bag is 0
        self.out = Space(layer.embedding_dim)
        form = ROWS if isinstance(layer, EmbeddingBag) else STEPS
        return constants(Wire(self.out, same, w[0], form), same[:, None], w[0][:, None])

    def shrink(self) -> None:
        keep = self.out.keep
        if not keep.all():
            replace(self.layer, "weight", self.layer.weight.array[:, keep])
            self.layer.embedding_dim = int(keep.sum())


def shared(layer: Module) -> bool:
    """Whether a layer has numbers for each channel, so that it may stand at one place alone."""
    return bool(layer._parts) and set(layer._parts) != {"calls"}
