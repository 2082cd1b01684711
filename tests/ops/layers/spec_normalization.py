"""Specs of ops/layers/normalization.py, and of standardize.py."""

import math

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg
from minigrad.ops.layers import standardize

EPS = 0.1  # large: gradients of a few numbers that are nearly equal would be too steep for differences


@st.composite
def planes(draw, least=0, training=False):
    """x (rows, channels, ...) and a number of groups of its channels; in training at least two values a channel."""
    groups, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    inner = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    rows = draw(st.integers(least, 3))
    if training and rows * math.prod(inner) < 2:
        rows = 2
    return values((rows, groups * width, *inner), draw(st.integers(0, 99))), groups


@st.composite
def grouped(draw):
    x, groups = draw(planes())
    w, b = (values(x.shape[1:2], seed) for seed in (1, 2))
    affine = draw(st.integers(0, 2))
    return [x, w, b][: affine + 1], {"num_groups": groups, "eps": EPS}


def group_norm(x, weight=None, bias=None, *, num_groups, eps):
    return mg.group_norm(x, num_groups, weight, bias, eps)


def their_group_norm(torch, x, weight=None, bias=None, *, num_groups, eps):
    return torch.nn.functional.group_norm(x, num_groups, weight, bias, eps)


@st.composite
def layered(draw, most=2):
    """x that ends in a normalized shape, weight and bias of that shape."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    before = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    arrays = [values(before + shape, draw(st.integers(0, 99))), values(shape, 1), values(shape, 2)]
    return arrays[: draw(st.integers(0, most)) + 1], {"normalized_shape": shape, "eps": EPS}


def layer_norm(x, weight=None, bias=None, *, normalized_shape, eps):
    return mg.layer_norm(x, normalized_shape, weight, bias, eps)


def rms_norm(x, weight=None, *, normalized_shape, eps):
    return mg.rms_norm(x, normalized_shape, weight, eps)


@st.composite
def batched(draw):
    training = draw(st.booleans())
    x, _ = draw(planes(training=training))
    w, b = (values(x.shape[1:2], seed) for seed in (1, 2))
    return [x, w, b][: draw(st.integers(0, 2)) + 1], {"training": training, "eps": EPS}


def moments(n):
    """A running mean and variance that are not what they start from."""
    return np.linspace(-1, 1, n), np.linspace(0.5, 2, n)


def batch_norm(x, weight=None, bias=None, *, training, eps):
    mean, var = (mg.tensor(m, x.dtype) for m in moments(x.shape[1]))
    return mg.batch_norm(x, mean, var, weight, bias, training, 0.25, eps)


def their_batch_norm(torch, x, weight=None, bias=None, *, training, eps):
    mean, var = (torch.tensor(m, dtype=x.dtype) for m in moments(x.shape[1]))
    return torch.nn.functional.batch_norm(x, mean, var, weight, bias, training, 0.25, eps)


@st.composite
def sliced(draw, gradient, channels):
    """The arguments of an op behind the functions: x, or g and x, with a weight or not; the shape as it is read."""
    x, groups = draw(planes(least=1, training=channels))
    shape = (*x.shape[:2], math.prod(x.shape[2:]))
    arrays = ([values(x.shape, 7)] if gradient else []) + [x]
    if draw(st.booleans()):
        arrays.append(values(x.shape[1:2], 8))
    options = {"shape": shape, "eps": EPS} | ({"sums": draw(st.booleans())} if gradient else {})
    if channels:
        options["fixed"] = draw(st.sampled_from([None, moments(x.shape[1])]))
    else:
        options |= {"groups": groups, "center": draw(st.booleans())}
    return arrays, options


SPECS = {
    "group_norm": Spec(group_norm, grouped(), their_group_norm),
    "layer_norm": Spec(
        layer_norm,
        layered(),
        lambda torch, x, w=None, b=None, *, normalized_shape, eps: torch.nn.functional.layer_norm(
            x, normalized_shape, w, b, eps
        ),
    ),
    "rms_norm": Spec(
        rms_norm,
        layered(1),
        lambda torch, x, w=None, *, normalized_shape, eps: torch.nn.functional.rms_norm(x, normalized_shape, w, eps),
    ),
    "batch_norm": Spec(batch_norm, batched(), their_batch_norm),
    "normalized_rows": Spec(standardize.normalized_rows, sliced(False, False)),
    "rows_grad": Spec(standardize.rows_grad, sliced(True, False)),
    "normalized_channels": Spec(standardize.normalized_channels, sliced(False, True)),
    "channels_grad": Spec(standardize.channels_grad, sliced(True, True)),
}
