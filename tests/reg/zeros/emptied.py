"""Models with zeros in chosen places, and compact held to what they compute."""

from itertools import pairwise

import numpy as np

import minigrad as mg
from minigrad import nn, reg

R = {"dtype": "float64"}


def chain(*sizes, activation="relu", dtype="float64", seed=0):
    mg.manual_seed(seed)
    layers = [nn.Linear(a, b, activation=activation, dtype=dtype) for a, b in pairwise(sizes)]
    for layer in layers:
        with mg.no_grad():
            layer.bias.copy_(np.linspace(-0.5, 0.7, layer.out_features))
    return nn.Sequential(*layers)


def write(w, change):
    """w with its array changed by a function."""
    array = w.data.copy()
    change(array)
    with mg.no_grad():
        w.copy_(array)


def empty_columns(layer, columns):
    write(layer.weight, lambda w: w.__setitem__((slice(None), columns), 0))


def empty_rows(layer, rows):
    write(layer.weight, lambda w: w.__setitem__(rows, 0))


def filled(model, seed=0):
    """Other numbers than layers start with, so that biases, shifts and running moments count."""
    rng = np.random.default_rng(seed)
    for layer in model.modules():
        for name in layer._parts:
            if name != "num_batches_tracked":
                t = getattr(layer, name)
                array = rng.standard_normal(t.shape)
                with mg.no_grad():
                    t.copy_((np.abs(array) + 0.5 if name == "running_var" else array).astype(t.data.dtype))
    return model.eval()


def zero(model, name, index):
    write(dict(model.named_parameters())[name], lambda w: w.__setitem__(index, 0))


def equal(model, x, rtol=1e-12):
    """The compacted model, which computes the same."""
    small = reg.compact(model)
    a, b = model(x), small(x)
    np.testing.assert_allclose(b.data, a.data, rtol=rtol, atol=1e-13)
    return small


def shapes(model):
    return {name: p.shape for name, p in model.named_parameters()}
