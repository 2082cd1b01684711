"""batch_norm, layer_norm, group_norm, rms_norm: (x - mean) / standard deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite, whole
from ...engine import Tensor, touch
from ...errors import DTypeError, GraphError, ShapeError
from ..shape.axes import check_real, given
from .standardize import Shape, normalized_channels, normalized_rows


def parameter(op: str, name: str, value: Any, x: Tensor, shape: Shape) -> Tensor | None:
    """A weight or bias as a tensor of this shape in x's dtype, or None."""
    if value is None:
        return None
    t = given(value)
    if t.array.shape != shape:
        raise ShapeError(f"{op}: {name} is {t.array.shape}; need {shape}")
    if t.array.dtype != x.array.dtype:
        dtype = str(t.array.dtype)
        raise DTypeError(f"{op}: x is {x.array.dtype}, {name} {dtype}; need one dtype: use x.to({dtype!r})")
    return t


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """y = (input - mean) / √(var + eps) · weight + bias, with mean and var over the last dimensions of input.

    normalized_shape is the size of the last dimension, or the sizes of several; weight and bias have that shape, None
    means 1 and 0. var is Σ (input - mean)² / n. mean and var are computed in float64, in two passes, for each row by
    itself.

    source    Ba, Kiros, Hinton 2016, Layer normalization

    ShapeError if normalized_shape, weight or bias does not fit input; DTypeError for integers or several dtypes;
    ValueError for an eps below 0.

    >>> import minigrad as mg
    >>> mg.layer_norm(mg.tensor([[1.0, 3.0], [20.0, 40.0]]), 2, eps=0)
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    return _last_dims("layer_norm", input, normalized_shape, weight, bias, eps, True)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """y = input / √(m + eps) · weight, m the mean of input² over the last dimensions: layer_norm without the mean.

    normalized_shape is the size of the last dimension, or the sizes of several; weight has that shape, None means 1.
    eps None is the distance from 1 to the next number of input's dtype. Errors as for layer_norm.

    source    Zhang, Sennrich 2019, Root mean square layer normalization

    >>> import minigrad as mg
    >>> mg.rms_norm(mg.tensor([[3.0, 3.0, -3.0]]), 3, eps=0)
    tensor([[ 1.,  1., -1.]])
    """
    x = given(input)
    check_real("rms_norm", x)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    return _last_dims("rms_norm", x, normalized_shape, weight, None, eps, False)


def _last_dims(op: str, input: Any, dims: Any, weight: Any, bias: Any, eps: float, center: bool) -> Tensor:
    """layer_norm and rms_norm."""
    x = given(input)
    check_real(op, x)
    shape = sizes(op, dims)
    if x.array.shape[-len(shape) :] != shape:
        raise ShapeError(f"{op}: x is {x.array.shape}; need (..., {', '.join(map(str, shape))}), the normalized shape")
    n = math.prod(shape)
    w, b = parameter(op, "weight", weight, x, shape), parameter(op, "bias", bias, x, shape)
    rows = math.prod(x.array.shape[: x.array.ndim - len(shape)])
    return normalized_rows(x, w, b, shape=(rows, n, 1), groups=1, eps=tolerance(op, eps), center=center)


def sizes(op: str, dims: Any) -> Shape:
    """normalized_shape as a tuple."""
    shape = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if not shape:
        raise ShapeError(f"{op}: normalized_shape is empty; need the size of at least one dimension")
    return tuple(whole(n, f"{op}: normalized_shape", 1) for n in shape)


def tolerance(op: str, eps: float) -> float:
    """eps as a number of at least 0."""
    return finite(eps, f"{op}: eps", at_least=0.0)


def channels_of(op: str, x: Tensor, least: int = 2) -> Shape:
    """(samples, channels, inner) of an x (samples, channels, ...)."""
    check_real(op, x)
    shape = x.array.shape
    if len(shape) < least:
        raise ShapeError(f"{op}: x is {shape}; need (rows, channels, ...)")
    return shape[0], shape[1], math.prod(shape[2:])


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """y = (input - mean) / √(var + eps) · weight + bias, with mean and var over each group of channels of each row.

    input is (rows, channels, ...); its channels are divided into num_groups groups of neighbours, of equal size. mean
    and var are over all places of a group. weight and bias have one number for each channel; None means 1 and 0. Each
    row is normalized by itself.

    source    Wu, He 2018, Group normalization

    ShapeError if num_groups does not divide the channels, or weight and bias do not have one number for each.

    >>> import minigrad as mg
    >>> mg.group_norm(mg.tensor([[1.0, 3.0, 20.0, 40.0]]), 2, eps=0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    x = given(input)
    shape = channels_of("group_norm", x)
    groups = whole(num_groups, "group_norm: num_groups", 1)
    if shape[1] % groups:
        raise ShapeError(f"group_norm: x has {shape[1]} channels, num_groups is {groups}; need groups of equally many")
    w, b = (parameter("group_norm", name, t, x, shape[1:2]) for name, t in (("weight", weight), ("bias", bias)))
    return normalized_rows(x, w, b, shape=shape, groups=groups, eps=tolerance("group_norm", eps), center=True)


def batch_norm(
    input: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (input - mean) / √(var + eps) · weight + bias, with mean and var of each channel of input.

    input is (rows, channels, ...). In training mean and var = Σ (input - mean)² / n are those of the n numbers of a
    channel in this batch, and running_mean and running_var, if given, become (1 - momentum) times the old plus momentum
    times the new, where the new variance is that of a sample, Σ (input - mean)² / (n - 1). In evaluation mean and var
    are running_mean and running_var, so that rows do not influence each other. weight and bias have one number for each
    channel; None means 1 and 0.

    ShapeError for a single number per channel in training, which has no variance; ValueError for evaluation without
    running_mean and running_var; GraphError if these require grad.

    source    Ioffe, Szegedy 2015, Batch normalization

    >>> import minigrad as mg
    >>> mean, var = mg.zeros(1), mg.ones(1)
    >>> mg.batch_norm(mg.tensor([[1.0], [3.0]]), mean, var, training=True, momentum=0.5, eps=0)
    tensor([[-1.],
            [ 1.]])
    >>> mean, var
    (tensor([1.]), tensor([1.5]))
    """
    running = None if running_mean is None or running_var is None else (running_mean, running_var, None)
    if running is None and not training:
        raise ValueError("batch_norm: evaluation needs running_mean and running_var, or training=True")
    share = finite(momentum, "batch_norm: momentum", 0.0, 1.0)
    return by_batch("batch_norm", given(input), running, weight, bias, training, share, eps)


def by_batch(
    op: str,
    x: Tensor,
    running: tuple[Tensor, Tensor, Tensor | None] | None,
    weight: Any,
    bias: Any,
    training: bool,
    momentum: float | None,
    eps: float,
) -> Tensor:
    """batch_norm; running is (mean, variance, number of batches) or None. With momentum None it is the mean of all."""
    shape, eps = channels_of(op, x), tolerance(op, eps)
    n, channels = shape[0] * shape[2], shape[1:2]
    w, b = (parameter(op, name, t, x, channels) for name, t in (("weight", weight), ("bias", bias)))
    buffers = [] if running is None else [check_running(op, t, x, channels) for t in running[:2]]
    if not training:
        return normalized_channels(x, w, b, shape=shape, eps=eps, fixed=tuple(t.array for t in buffers))
    if n < 2:
        raise ShapeError(
            f"{op}: x is {x.array.shape}, {'one value' if n else 'no value'} for each channel, which has no variance; "
            "training needs more rows: drop the last batch if it is short, or call eval()"
        )
    y = normalized_channels(x, w, b, shape=shape, eps=eps)
    if running is not None:
        count = running[2].array if running[2] is not None else np.zeros(1, np.int64)
        moments = y.saved
        own_mean, own_var = (t.array for t in buffers)
        correction = n / (n - 1)
        K.running_moments(moments[0], moments[1], own_mean, own_var, count, momentum=momentum, correction=correction)
        touch(t for t in running if t is not None)
    return y


def check_running(op: str, t: Tensor, x: Tensor, channels: Shape) -> Tensor:
    """A running mean or variance: a constant with one number of x's dtype for each channel."""
    if t.tracked:
        raise GraphError(f"{op}: a running mean or variance requires grad; need a constant, which training may write")
    made = parameter(op, "the running mean or variance", t, x, channels)
    assert made is not None
    return made
