"""compact: the smaller dense network that computes the same, once a penalty has emptied units of a larger one.

A hidden unit j between two Linear layers is dead in one of two ways:

    nothing leaves it    row j of the next weight is zero: the unit goes
    nothing enters it    column j of its own weight is zero: it gives act(b_j) for every input, so that act(b_j) times
                         row j of the next weight goes into the next bias, and the unit with it

Removing one may empty others, so this is repeated until nothing is left to remove. Zeros alone make no product faster;
smaller matrices do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ... import kernels as K
from ...engine import Tensor
from ...nn import activations as act
from ...nn.dropout.dropout import Dropout
from ...nn.linear import Linear
from ...nn.module import Module
from ...nn.sequential import Flatten, Sequential
from ...recording import no_grad

# They act on each unit alone, so that they may stand between Linear layers.
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
BETWEEN = (*ACTIVATIONS, Dropout, Flatten)
TAKEN = (Linear, act.Softmax, *BETWEEN)


def compact(model: Module) -> Sequential:
    """A Sequential without the dead hidden units of `model`, equal to it in eval mode to rounding; `model` stays.

    It takes chains (Sequential, also nested) of Linear, activations of one unit each, Dropout, Flatten and a last
    Softmax; other layers are refused by name. Inputs and outputs stay; of a hidden layer at least one unit does.

    >>> import numpy as np, minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(4, 8, activation="relu"), mg.nn.Linear(8, 2))
    >>> with mg.no_grad():
    ...     _ = model[0].weight.copy_(np.where(np.arange(8) < 3, model[0].weight.data, 0))
    >>> compact(model)
    Sequential()
      0: Linear(4->3, relu)
      1: Linear(3->2)
    """
    layers = [copy.deepcopy(layer) for layer in chain(model)]
    places = [i for i, layer in enumerate(layers) if isinstance(layer, Linear)]
    changed = True
    while changed:
        changed = False
        for first, second in pairwise(places):
            changed |= _shrink(layers, first, second)
    made = Sequential(*layers)
    made.training = model.training
    return made


def chain(model: Module) -> list[Module]:
    """The layers of a chain in order, nested ones unfolded; an error names the first that compact cannot take."""
    if not isinstance(model, Module):
        raise TypeError(f"compact: the model is a {type(model).__name__}; need an nn.Sequential")
    found: list[Module] = []
    pending = [("model", model)]
    while pending:
        path, module = pending.pop()
        if type(module) is Sequential:
            pending.extend((f"{path}.{name}", child) for name, child in reversed(module.named_children()))
        elif type(module) not in TAKEN:
            raise TypeError(
                f"compact: {path} is a {type(module).__name__}; it takes chains of "
                "Linear, Dropout, Flatten, Softmax, "
                f"{', '.join(kind.__name__ for kind in ACTIVATIONS)}"
            )
        elif isinstance(module, Linear) and module in found:
            raise TypeError(f"compact: {path} stands in the chain twice; units cannot be removed at one place alone")
        else:
            found.append(module)
    _check_units_pass_alone(found)
    return found


def _check_units_pass_alone(layers: list[Module]) -> None:
    """TypeError unless each unit of a Linear layer reaches the next one as one input of it."""
    linear = [layer for layer in layers if isinstance(layer, Linear)]
    if not linear:
        raise TypeError("compact: the model has no Linear layer")
    for a, b in pairwise(linear):
        between = layers[layers.index(a) + 1 : layers.index(b)]
        wrong = [layer for layer in between if not isinstance(layer, BETWEEN)]
        if wrong:
            raise TypeError(f"compact: a {type(wrong[0]).__name__} between Linear layers joins their units")
        if a.out_features != b.in_features:
            raise TypeError(
                f"compact: {a.out_features} units meet {b.in_features} inputs; a Flatten between them "
                "joins the units of several positions"
            )


def _shrink(layers: list[Module], first: int, second: int) -> bool:
    """Remove the dead units between two Linear layers; whether there were any that can go."""
    before, after = layers[first], layers[second]
    assert isinstance(before, Linear) and isinstance(after, Linear)
    leaving = (after.weight.array != 0).any(1)
    entering = (before.weight.array != 0).any(0)
    keep = leaving & entering
    if not keep.any():
        keep[:1] = True
    if keep.all():
        return False
    bias = after.bias
    constant = ~keep & leaving
    if constant.any():
        bias = _with_constants(layers[first:second], after, constant)
    layers[first] = _linear(before, np.ones(before.in_features, bool), keep, before.bias)
    layers[second] = _linear(after, keep, np.ones(after.out_features, bool), bias)
    return True


def _with_constants(chain: Sequence[Module], after: Linear, constant: np.ndarray) -> Tensor:
    """The bias of `after` plus what the constant units give to it, in eval mode."""
    before = chain[0]
    assert isinstance(before, Linear)
    with no_grad():
        y = before.forward(np.zeros((1, before.in_features), before.weight.dtype))
        for layer in chain[1:]:
            training, layer.training = layer.training, False
            y = layer(y)
            layer.training = training
        y = y * constant.astype(y.dtype) @ after.weight
        return y.reshape(-1) if after.bias is None else y.reshape(-1) + after.bias


def _linear(layer: Linear, rows: np.ndarray, columns: np.ndarray, bias: Tensor | None) -> Linear:
    """A Linear of the chosen rows and columns of another, in its mode."""
    weight = np.ascontiguousarray(layer.weight.array[np.ix_(rows, columns)])
    m, n = weight.shape
    made = Linear(m, n, bias is not None, layer.activation, lambda shape, dtype: weight, layer.weight.dtype)
    if made.bias is not None and bias is not None:
        K.copy(bias.array[columns], made.bias.array)
    made.training = layer.training
    return made
