"""compact: the smaller dense network that computes the same, once a penalty has emptied channels of a larger one.

A channel (a unit, a filter, a column of a table, a hidden unit) is dead in one of two ways:

    nothing leaves it    every weight that reads it is zero, or leads to channels that are dead themselves: it goes
    nothing enters it    it is the same number c for every input: what reads it gets c times its weights into its bias,
                         and the channel goes. A filter of zeros gives act(bias); a batch norm with scale 0 its shift

A constant that reaches a convolution with a border of zeros is another number at the border than inside; no bias says
that, so such a channel stays, unless c is 0. In a residual sum channel j goes only where both branches let it: then all
layers that make it, and all that read it, shrink together. Groups of a convolution keep equally many channels each.

Zeros alone make no product faster; smaller matrices do.
"""

from __future__ import annotations

import copy
import operator
from typing import Any

import numpy as np

from ...nn import activations as act
from ...nn import pool
from ...nn.containers import Identity, Lambda, Residual
from ...nn.conv import Conv1d, Conv2d, Convolutional, ConvTranspose1d, ConvTranspose2d
from ...nn.dropout.channels import Dropout1d, Dropout2d, StochasticDepth, VariationalDropout, WordDropout
from ...nn.dropout.drop_block import DropBlock2d
from ...nn.dropout.dropout import Dropout
from ...nn.dropout.noise import GaussianDropout, GaussianNoise
from ...nn.embedding import Embedding, EmbeddingBag
from ...nn.linear import Linear
from ...nn.module import Module
from ...nn.normalization import BatchNorm1d, BatchNorm2d, Normalization
from ...nn.parametrized import HELD_IN
from ...nn.recurrent import GRU, LSTM, RNN
from ...nn.sequential import Flatten, Sequential
from ...ops.elementwise.arithmetic import add
from ...recording import no_grad
from .hidden_units import Recurrent
from .stations import Alone, Average, Dense, Depthwise, Filters, Norm, Station, Table, shared
from .wires import PLANES, ROWS, STEPS, Space, Wire, constants, refusal

# They act on each unit alone.
ACTIVATIONS = (
    act.ReLU,
    act.Tanh,
    act.Sigmoid,
    act.LeakyReLU,
    act.ELU,
    act.CELU,
    act.GELU,
    act.SiLU,
    act.Hardtanh,
    act.Softplus,
    act.Softsign,
    act.LogSigmoid,
)
NOISE = (
    Dropout,
    Dropout1d,
    Dropout2d,
    DropBlock2d,
    WordDropout,
    VariationalDropout,
    StochasticDepth,
    GaussianDropout,
    GaussianNoise,
)
AVERAGES = (pool.AvgPool1d, pool.AvgPool2d)
POOLS = (
    pool.MaxPool1d,
    pool.MaxPool2d,
    pool.AdaptiveAvgPool1d,
    pool.AdaptiveAvgPool2d,
    pool.Upsample,
    DropBlock2d,
)  # in eval mode a constant plane stays what it is
STATIONS: dict[type, type[Station]] = {
    Linear: Dense,
    **dict.fromkeys((Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d), Filters),
    **dict.fromkeys((BatchNorm1d, BatchNorm2d), Norm),
    **dict.fromkeys((Embedding, EmbeddingBag), Table),
    **dict.fromkeys((RNN, LSTM, GRU), Recurrent),
    **dict.fromkeys((*ACTIVATIONS, *NOISE), Alone),
    **dict.fromkeys(AVERAGES, Average),
}
TAKEN = (*STATIONS, *POOLS, Flatten, Identity, act.Softmax, Residual)


def compact(model: Module) -> Sequential:
    """A Sequential without the dead channels of `model`, equal to it in eval mode to rounding; `model` stays.

    It takes chains (Sequential, also nested, and Residual in them) of Linear, convolutions, batch norm, activations and
    dropouts, pools, Flatten, Embedding and EmbeddingBag, recurrent layers, behind which
    nn.Lambda(operator.itemgetter(0)) takes the output, and a last Softmax. Inputs and outputs stay; of hidden channels
    at least one does. What comes back has parameters of its own, frozen where they were: optimizers and terms (reg.on)
    are to be made anew for it.

    TypeError, with the path of the layer, for what it cannot take.

    >>> import numpy as np, minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(4, 8, activation="relu"), mg.nn.Linear(8, 2))
    >>> with mg.no_grad():
    ...     _ = model[0].weight.copy_(np.where(np.arange(8) < 3, model[0].weight.data, 0))
    >>> compact(model)
    Sequential()
      0: Linear(4->3, relu)
      1: Linear(3->2)
    """
    if not isinstance(model, Module):
        raise TypeError(f"compact: the model is a {type(model).__name__}; need an nn.Sequential")
    memo: dict[int, Any] = {}
    layers = [(path, copy.deepcopy(layer, memo)) for path, layer in _unfolded("model", model)]
    modes = [(module, module.training) for _, layer in layers for module in layer.modules()]
    for module, _ in modes:
        module.__dict__["training"] = False  # constants are those of eval mode
    with no_grad():
        while _smaller(layers):  # groups that were filled up to equal sizes may let go more the next time
            pass
    for module, training in modes:
        module.__dict__["training"] = training
    made = Sequential(*(layer for _, layer in layers))
    made.training = model.training
    return made


def _smaller(layers: list[tuple[str, Module]]) -> bool:
    """Take all dead channels out of the layers; whether there were any."""
    walk = Walk()
    wire = walk.through(layers, Wire(Space(None), np.zeros((0, 1), bool), np.zeros((0, 1), np.float32)))
    if not any(isinstance(station, (Dense, Filters, Table, Recurrent)) for station in walk.stations):
        raise TypeError("compact: the model has no Linear layer, convolution, table or recurrent layer")
    wire.space.need(True)
    walk.decide()
    for station in walk.stations:
        station.shrink()
    return any(not space.keep.all() for space in walk.spaces)


def _unfolded(path: str, model: Module) -> list[tuple[str, Module]]:
    """The layers of a chain in order, each with its path, those of Sequentials in it in their place."""
    found: list[tuple[str, Module]] = []
    pending = [(path, model)]
    while pending:
        path, module = pending.pop()
        if type(module) is Sequential:
            pending.extend((f"{path}.{name}", child) for name, child in reversed(module.named_children()))
        else:
            found.append((path, module))
    return found


class Walk:
    """The stations of a model, in the order in which an input passes them, and the spaces of their channels."""

    def __init__(self) -> None:
        self.stations: list[Station] = []
        self.spaces: list[Space] = []
        self._seen: set[int] = set()

    def through(self, layers: list[tuple[str, Module]], wire: Wire) -> Wire:
        """Pass a chain."""
        for path, layer in layers:
            wire = self._past(path, layer, wire)
            self.spaces.append(wire.space)
        return wire

    def _past(self, path: str, layer: Module, wire: Wire) -> Wire:
        """Pass one layer; TypeError if it cannot be taken."""
        if wire.tuple or type(layer) is Lambda:
            return _picked(path, layer, wire)
        if type(layer) not in TAKEN:
            raise _unknown(path, layer)
        if HELD_IN in layer._modules:
            cure = "call nn.remove_parametrizations on it first"
            raise refusal(path, layer, f"its weight is computed from others at every call: {cure}")
        if shared(layer) and id(layer) in self._seen:
            raise TypeError(f"compact: {path} stands in the chain twice; channels cannot go at one place alone")
        self._seen.add(id(layer))
        if isinstance(layer, Residual):
            return self._residual(path, layer, wire)
        if isinstance(layer, (Flatten, Identity, act.Softmax, *POOLS)):
            return _plain(path, layer, wire)
        if isinstance(layer, Dropout) and any(n not in (None, 1) for n in layer.noise_shape or ()):
            raise refusal(path, layer, f"its noise_shape {layer.noise_shape} says sizes, which would no longer fit")
        kind = STATIONS[type(layer)]
        if isinstance(layer, Convolutional) and layer.groups == layer.in_channels == layer.out_channels > 1:
            kind = Depthwise
        station = kind(path, layer)
        wire = station.forward(wire)
        self.stations.append(station)
        return wire

    def _residual(self, path: str, layer: Residual, wire: Wire) -> Wire:
        """Pass both branches of a sum, and make their channels one."""
        y = self.through(_unfolded(f"{path}.branch", layer.branch), wire)
        x = wire
        if layer.shortcut is not None:
            x = self.through(_unfolded(f"{path}.shortcut", layer.shortcut), wire)
        if x.joined or y.joined:
            raise refusal(path, layer, f"a {x.joined or y.joined} in it joins the channels")
        x.space.sized(y.space.count)
        y.space.sized(x.space.count)
        if not y.known.size:
            return x if x.known.size else y
        x = x if x.known.size else constants(y, np.zeros_like(y.known), y.value, space=x.space)
        sides = [(side.form, side.inner, side.known.shape) for side in (x, y)]
        if sides[0] != sides[1]:
            raise refusal(path, layer, f"its sides have channels and places {x.known.shape} and {y.known.shape}")
        x.space.join(y.space)
        return constants(x, x.known & y.known, add(x.value, y.value).array, flat=x.flat or y.flat)

    def decide(self) -> None:
        """Find the fewest channels that all outputs need: what needed ones read, until nothing is new."""
        news = True
        while news:
            while sum(station.hear() for station in reversed(self.stations)):  # all of them, not up to the first
                pass
            empty = [space for space in self.spaces if space.count and not space.keep.any()]
            for space in empty:
                space.need(np.arange(space.count) == 0)
            news = sum(station.settle() for station in self.stations) + len(empty) > 0


def _plain(path: str, layer: Module, wire: Wire) -> Wire:
    """Pass a layer that leaves constants what they are."""
    if isinstance(layer, Flatten):
        changed = {"form": ROWS, "inner": wire.form != PLANES, "flat": True}
        return constants(wire, wire.known, wire.value, **({} if wire.flat else changed))
    if isinstance(layer, act.Softmax):
        wire.space.need(True)
        return constants(wire, np.zeros_like(wire.known), wire.value, joined="Softmax")
    if isinstance(layer, POOLS):
        Station(path, layer).refuse_form(wire, PLANES)
        if getattr(layer, "return_indices", False):
            raise refusal(path, layer, "it returns places beside its output")
    return wire


def _picked(path: str, layer: Module, wire: Wire) -> Wire:
    """Pass nn.Lambda(operator.itemgetter(...)): the output of a recurrent layer, or some of its steps."""
    function = getattr(layer, "function", None)
    items: Any = function.__reduce__()[1] if isinstance(function, operator.itemgetter) else ()
    if wire.tuple:
        if type(layer) is not Lambda or items != (0,):
            need = "nn.Lambda(operator.itemgetter(0)) before it"
            raise refusal(path, layer, f"the output and the state of a recurrent layer come to it; need {need}")
        return constants(wire, wire.known, wire.value, tuple=False)
    index: Any = items[0] if len(items) == 1 else ()
    index = index if isinstance(index, tuple) else (index,)
    if not 1 <= len(index) <= 2 or wire.form != STEPS or not all(isinstance(i, (int, slice)) for i in index):
        raise refusal(path, layer, "what its function does to channels is not known")
    return constants(wire, wire.known, wire.value, form=ROWS if any(isinstance(i, int) for i in index) else STEPS)


def _unknown(path: str, layer: Module) -> TypeError:
    """The error about a layer of a kind that is not taken."""
    if isinstance(layer, Normalization):
        return refusal(path, layer, "it normalizes over channels, so that one that goes would change the others")
    names = ", ".join(kind.__name__ for kind in (*TAKEN, Sequential))
    return TypeError(f"compact: {path} is a {type(layer).__name__}; it takes chains of {names}")
