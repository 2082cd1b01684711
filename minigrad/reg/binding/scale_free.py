"""Weights whose scale does not matter, because a batch norm stands behind them: L2 on them only changes their step."""

from __future__ import annotations

import collections
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from ...engine import Tensor
from ...nn.containers import Identity
from ...nn.module import Module
from ...nn.normalization import BatchNorm1d, BatchNorm2d, Normalization
from ...nn.parametrizations import SpectralNorm
from ...nn.sequential import Sequential


def scales(model: Module) -> set[int]:
    """The ids of the scales of normalization layers, which terms leave out unless they are selected."""
    return {id(m.weight) for m in model.modules() if isinstance(m, Normalization) and m.weight is not None}


def in_a_row(model: Module) -> Iterator[list[Module]]:
    """The layers of each outermost Sequential, those of Sequentials in it in their place."""
    inner: set[int] = set()
    for module in model.modules():
        if type(module) is Sequential and id(module) not in inner:
            layers, waiting = [], list(module)[::-1]
            while waiting:
                layer = waiting.pop()
                if type(layer) is Sequential:
                    inner.add(id(layer))
                    waiting.extend(list(layer)[::-1])
                else:
                    layers.append(layer)
            yield layers


def scale_free(model: Module) -> set[int]:
    """The ids of the weights before a batch norm in a Sequential: y is the same if such a weight is multiplied.

    Between the two there is nothing but what passes a positive factor on: the layer's own relu, an Identity. Left out
    are weights that other layers share, and those before a batch norm in evaluation while the model trains: it divides
    by what it once saw. Of spectral_norm, `original` is such a weight wherever its layer stands.
    """
    owners = collections.Counter(id(t) for module in model.modules() for t in own_tensors(module))
    found = {id(m.original) for m in model.modules() if isinstance(m, SpectralNorm)}
    for layers in in_a_row(model):
        for layer, behind in itertools.pairwise(layer for layer in layers if type(layer) is not Identity):
            if isinstance(behind, (BatchNorm1d, BatchNorm2d)) and (behind.training or not model.training):
                found |= passing_on(layer)
    return {weight for weight in found if owners[weight] == 1}


def own_tensors(module: Module) -> list[Tensor]:
    """The tensors that stand in a module itself."""
    return [t for t in vars(module).values() if isinstance(t, Tensor)]


def passing_on(layer: Module) -> set[int]:
    """The id of a layer's weight, if a positive factor of it is one of the layer's output."""
    weight, activation = layer.__dict__.get("weight"), getattr(layer, "activation", None)
    passes = activation in (None, "relu") and not isinstance(layer, Normalization)
    return {id(weight)} if passes and isinstance(weight, Tensor) else set()


def warn_if_scale_free(model: Module, term: Any, matched: tuple[tuple[str, Tensor], ...]) -> None:
    """Say once for these parameters that a pure L2 does not do there what it does elsewhere (rule 10)."""
    l1, l2 = getattr(term, "l1", None), getattr(term, "l2", None)
    if l1 != 0 or not l2:
        return
    free = scale_free(model)
    names = [name for name, w in matched if id(w) in free]
    if names:
        verb = "stands" if len(names) == 1 else "stand"
        warnings.warn(
            f"reg.on: {', '.join(names)} {verb} before a batch norm, or in one of nn.spectral_norm, behind which the "
            f"scale of a weight is lost: there {term!r} does not hold the function small, it only makes the steps of "
            "these weights larger, as they shrink. Select others, or put the term on what comes behind",
            stacklevel=4,
        )
