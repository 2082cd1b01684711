"""Specs of the convolutions: every option, odd sizes, batches of 0 and 1, groups, and tensors without samples."""

from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg
from minigrad.ops.layers import conv

ACTIVATIONS = st.sampled_from([None, None, "relu", "tanh", "sigmoid"])
SMALL = st.integers(1, 3)


@st.composite
def geometry(draw, dims, transposed=False):
    """(groups, kernel, options) of a call."""
    kernel = tuple(draw(SMALL) for _ in range(dims))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    options = {"groups": groups}
    for name, low in ("stride", 1), ("padding", 0), ("dilation", 1):
        each = tuple(draw(st.integers(low, low + 2)) for _ in range(dims))
        options[name] = each if draw(st.booleans()) else each[0]
    if transposed:
        least = [max(a, b) for a, b in zip(*(both(options[name], dims) for name in ("stride", "dilation")))]
        options["output_padding"] = tuple(draw(st.integers(0, n - 1)) for n in least)
    return groups, kernel, options


def both(value, dims):
    return value if isinstance(value, tuple) else (value,) * dims


@st.composite
def convolutions(draw, dims=2):
    groups, kernel, options = draw(geometry(dims))
    samples = draw(st.sampled_from([None, 0, 1, 1, 2]))
    channels, filters = draw(st.integers(1, 2)), draw(st.sampled_from([1, 4]))
    spread = [(k - 1) * d + 1 for k, d in zip(kernel, both(options["dilation"], dims))]
    least = [max(1, n - 2 * p) for n, p in zip(spread, both(options["padding"], dims))]
    size = tuple(n + draw(st.integers(0, 2)) for n in least)
    if draw(st.integers(0, 4)) == 0 and dims == 2:
        options |= {"padding": draw(st.sampled_from(["same", "valid"])), "stride": 1}
        size = tuple(max(a, b) for a, b in zip(size, spread))
    x = values((*((samples,) if samples is not None else ()), groups * channels, *size), 20, 0.1)
    arrays = [x, values((groups * filters, channels, *kernel), 21, 0.1), values((groups * filters,), 22, 0.1)]
    options["activation"] = draw(ACTIVATIONS)
    return arrays[: draw(st.integers(2, 3))], options


@st.composite
def transposed(draw, dims=2):
    groups, kernel, options = draw(geometry(dims, transposed=True))
    samples = draw(st.sampled_from([None, 0, 1, 1, 2]))
    channels, filters = draw(st.integers(1, 2)), draw(st.sampled_from([1, 2]))
    size = tuple(draw(st.integers(1, 2)) + p for p in both(options["padding"], dims))
    size = tuple(n + p for n, p in zip(size, both(options["padding"], dims)))
    x = values((*((samples,) if samples is not None else ()), groups * channels, *size), 23)
    arrays = [x, values((groups * channels, filters, *kernel), 24), values((groups * filters,), 25)]
    return arrays[: draw(st.integers(2, 3))], options


def theirs(name):
    def call(torch, x, w, b=None, activation=None, **options):
        y = getattr(torch.nn.functional, name)(x, w, b, **options)
        return y if activation is None else getattr(torch, activation)(y)

    return call


@st.composite
def gradients(draw, which):
    """Arrays of the two gradients, whose options are worked out already."""
    groups, kernel, how = draw(geometry(2))
    how = {name: n if name == "groups" else both(n, 2) for name, n in how.items()}
    samples, channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.sampled_from([1, 4]))
    size = tuple(draw(st.integers(1, 2)) for _ in range(2))
    larger = tuple(
        (n - 1) * s + d * (k - 1) + 1 + draw(st.integers(0, 1))
        for n, s, d, k in zip(size, how["stride"], how["dilation"], kernel)
    )
    x = values((samples, groups * channels, *larger), 26)
    y, w = values((samples, groups * filters, *size), 27), values((groups * filters, channels, *kernel), 28)
    return ([y, w], {"size": larger, **how}) if which == "input" else ([x, y], {"size": kernel, **how})


SPECS = {
    "conv2d": Spec(mg.conv2d, convolutions(), theirs("conv2d"), rtol=1e-11, atol=1e-11),
    "convolution": Spec(mg.conv1d, convolutions(1), theirs("conv1d"), rtol=1e-11, atol=1e-11),
    "conv_transpose2d": Spec(mg.conv_transpose2d, transposed(), theirs("conv_transpose2d"), rtol=1e-11, atol=1e-11),
    "conv_transpose1d": Spec(mg.conv_transpose1d, transposed(1), theirs("conv_transpose1d"), rtol=1e-11, atol=1e-11),
    "the gradient of a convolution's input": Spec(conv.conv2d_input, gradients("input")),
    "the gradient of a convolution's weight": Spec(conv.conv2d_weight, gradients("weight")),
}
