"""Specs of the pools: every option, odd sizes, batches of 0 and 1, and tensors without samples."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg
from minigrad.ops.layers import pool


def distinct(shape, seed):
    """Numbers at least 0.05 apart: the largest of a window stays so when one is moved a little."""
    n = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(n).reshape(shape) * 0.05 - n / 40).astype(np.float64)


@st.composite
def pools(draw, dims=2, largest=False):
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(dims))
    dilation = tuple(draw(st.sampled_from([1, 1, 2])) if largest else 1 for _ in range(dims))
    padding = tuple(draw(st.integers(0, k // 2)) if d == 1 else 0 for k, d in zip(kernel, dilation))
    stride = tuple(draw(st.integers(1, 3)) for _ in range(dims))
    size = tuple(d * (k - 1) + 1 + draw(st.integers(0, 3)) for k, d in zip(kernel, dilation))
    samples = draw(st.sampled_from([None, 0, 1, 2]))
    options = {"kernel_size": kernel if dims > 1 else kernel[0], "padding": padding if dims > 1 else padding[0]}
    options["ceil_mode"] = draw(st.booleans())
    if draw(st.booleans()):
        options["stride"] = stride if dims > 1 else stride[0]
    shape = (*((samples,) if samples is not None else ()), draw(st.integers(1, 2)), *size)
    if largest:
        options["dilation"] = dilation if dims > 1 else dilation[0]
        return [distinct(shape, draw(st.integers(0, 99)))], options
    options["count_include_pad"] = draw(st.booleans())
    if dims == 2 and draw(st.booleans()):
        options["divisor_override"] = draw(st.integers(1, 5))
    return [values(shape, draw(st.integers(0, 99)))], options


@st.composite
def shares(draw, dims=2):
    size = tuple(draw(st.integers(1, 7)) for _ in range(dims))
    samples = draw(st.sampled_from([None, 0, 1, 2]))
    shape = (*((samples,) if samples is not None else ()), 2, *size)
    output = tuple(draw(st.integers(1, 8)) for _ in range(dims))
    if draw(st.integers(0, 3)) == 0:
        output = (1,) * dims
    return [values(shape, draw(st.integers(0, 99)))], {"output_size": output if dims > 1 else output[0]}


@st.composite
def inner(draw, back):
    how = {"kernel": (2, 3), "stride": (draw(st.integers(1, 3)), 1), "padding": (0, 1)}
    if draw(st.booleans()):
        how = {"kernel": (0, 0), "stride": (1, 1), "padding": (0, 0)}
    how |= {"count_include_pad": draw(st.booleans()), "divisor": draw(st.sampled_from([0, 0, 3]))}
    large, small = (5, 4), (2, 3)
    return [values((2, 1, *(small if back else large)), 30)], {"size": large if back else small, **how}


@st.composite
def named(draw, back):
    index = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 12, (2, 1, 3, 2))
    if back:
        return [values(index.shape, 31)], {"index": index, "size": (3, 4)}
    return [values((2, 1, 3, 4), 32)], {"index": index}


def theirs(name):
    return lambda torch, x, **options: getattr(torch.nn.functional, name)(x, **options)


SPECS = {
    "max_pool2d": Spec(mg.max_pool2d, pools(largest=True), theirs("max_pool2d")),
    "max_pool1d": Spec(mg.max_pool1d, pools(1, largest=True), theirs("max_pool1d")),
    "avg_pool2d": Spec(mg.avg_pool2d, pools(), theirs("avg_pool2d")),
    "avg_pool1d": Spec(mg.avg_pool1d, pools(1), theirs("avg_pool1d")),
    "adaptive_avg_pool2d": Spec(mg.adaptive_avg_pool2d, shares(), theirs("adaptive_avg_pool2d")),
    "adaptive_avg_pool1d": Spec(mg.adaptive_avg_pool1d, shares(1), theirs("adaptive_avg_pool1d")),
    "the gradient of avg_pool2d": Spec(pool.means_back, inner(True)),
    "pool_put": Spec(pool.pool_put, named(True)),
    "pool_pick": Spec(pool.pool_pick, named(False)),
}
