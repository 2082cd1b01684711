"""batch_norm, layer_norm, group_norm, rms_norm: numbers less their mean, by their standard deviation, with gradients.

Two families of ops stand behind them. Of rows: the numbers of one group of channels of one sample. Of channels: all
places of a channel in all samples. An op takes x of any shape and reads it as (samples, channels, inner).

With xhat = (x - mean) r, r = 1/√(var + eps) and m the mean over the numbers that are normalized together, the gradient
of xhat against h is J(h) = r (h - m(h) - xhat m(h xhat)): linear in h and symmetric. Its own gradient by x, against a,
is -r (xhat m(a J(h)) + m(h xhat) J(a) + m(a xhat) J(h)).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite, whole
from ...engine import Tensor, differentiable, touch
from ...errors import DTypeError, GraphError, ShapeError
from ..elementwise.arithmetic import add, div, mul, neg, square
from ..elementwise.exponential import sqrt
from ..reduce.statistics import center as centered
from ..reduce.statistics import mean
from ..shape.axes import check_real, given
from ..shape.broadcast import sum
from ..shape.slices import view
from ..shape.views import reshape

Shape = tuple[int, ...]


class Slopes:
    """What the rules of one normalization share: the gradient g of y, and gradients that one kernel gives together."""

    def __init__(self, g: Tensor, y: Tensor) -> None:
        self.g, self.moments = g, y.saved
        self._packed: Tensor | None = None

    def packed(self, made: Any) -> Tensor:
        """The result of made(), which is called once."""
        if self._packed is None:
            self._packed = made()
        return self._packed


# --- rows ------------------------------------------------------------------------------------------------------------


def _rows_sums(s: Slopes, i: int, x: Tensor, parameter: Tensor, options: dict[str, Any]) -> Tensor:
    both = s.packed(lambda: rows_sums(s.g, x, moments=s.moments, **options))
    return reshape(view(both, index=(i,)), shape=parameter.array.shape)


@differentiable(
    shared=Slopes,
    x=lambda s, y, x, weight, bias, **options: rows_grad(s.g, x, weight, moments=s.moments, **options),
    weight=lambda s, y, x, weight, bias, **options: _rows_sums(s, 0, x, weight, options),
    bias=lambda s, y, x, weight, bias, **options: _rows_sums(s, 1, x, bias, options),
)
def normalized_rows(x, weight=None, bias=None, *, shape, groups, eps, center):
    """y = xhat weight + bias by rows of x, read as `shape` = (samples, channels, inner) with its channels in groups."""
    x3, y = K.contiguous(x).reshape(shape), K.empty_like(x)
    moments = K.empty((2, shape[0] * groups), np.float64)
    K.standardize_rows(
        x3,
        y.reshape(shape),
        *moments,
        weight=None if weight is None else K.contiguous(weight),
        bias=None if bias is None else K.contiguous(bias),
        groups=groups,
        eps=eps,
        center=center,
    )
    return y, moments


def _moments_of_rows(x: np.ndarray, shape: Shape, groups: int, eps: float, center: bool) -> np.ndarray:
    """mean and rstd of rows, computed again."""
    moments = K.empty((2, shape[0] * groups), np.float64)
    K.standardize_rows(x, K.empty_like(x), *moments, groups=groups, eps=eps, center=center)
    return moments


def _in_rows(t: Tensor, shape: Shape, groups: int) -> Tensor:
    """t (or one number for each channel) with the dimensions samples, groups, channels of a group, inner."""
    samples, inner = (shape[0], shape[2]) if t.array.size == math.prod(shape) else (1, 1)
    return reshape(t, shape=(samples, groups, shape[1] // groups, inner))


def _times(g: Tensor, weight: Tensor | None, shape: Shape, groups: int) -> Tensor:
    """g weight, with the dimensions of _in_rows."""
    g = _in_rows(g, shape, groups)
    return g if weight is None else mul(g, _weights(weight, shape, groups))


def _weights(weight: Tensor, shape: Shape, groups: int) -> Tensor:
    return reshape(weight, shape=(1, groups, shape[1] // groups, 1))


def _row_mean(x: Tensor) -> Tensor:
    return mean(x, dim=(2, 3), keepdim=True)


def _rows_grad_g(a: Tensor, g: Tensor, x: Tensor, weight: Tensor | None, o: dict[str, Any]) -> Tensor:
    """weight J(a)."""
    made = rows_grad(a, x, None, **o)
    return reshape(_times(made, weight, o["shape"], o["groups"]), shape=x.array.shape)


def _rows_grad_weight(a: Tensor, g: Tensor, x: Tensor, weight: Tensor, o: dict[str, Any]) -> Tensor:
    """Σ J(a) g over each channel."""
    product = _in_rows(mul(rows_grad(a, x, None, **o), g), o["shape"], o["groups"])
    return reshape(sum(product, dim=(0, 3)), shape=weight.array.shape)


def _rows_grad_x(a: Tensor, z: Tensor, g: Tensor, x: Tensor, weight: Tensor | None, o: dict[str, Any]) -> Tensor:
    """-r (xhat m(a z) + m(h xhat) J(a) + m(a xhat) z), where z = J(h), h = g weight."""
    shape, groups, eps, center = o["shape"], o["groups"], o["eps"], o["center"]
    h = _times(g, weight, shape, groups)
    xhat = _in_rows(normalized_rows(x, shape=shape, groups=groups, eps=eps, center=center), shape, groups)
    other, x4 = _in_rows(rows_grad(a, x, None, **o), shape, groups), _in_rows(x, shape, groups)
    a, z = _in_rows(a, shape, groups), _in_rows(z, shape, groups)
    d = centered(x4, dims=(2, 3)) if center else x4
    made = add(mul(xhat, _row_mean(mul(a, z))), mul(_row_mean(mul(h, xhat)), other))
    made = div(add(made, mul(_row_mean(mul(a, xhat)), z)), sqrt(add(_row_mean(square(d)), eps)))
    return reshape(neg(made), shape=x.array.shape)


@differentiable(
    g=lambda a, z, g, x, weight, *, moments, **o: _rows_grad_g(a, g, x, weight, {**o, "moments": moments}),
    x=lambda a, z, g, x, weight, *, moments, **o: _rows_grad_x(a, z, g, x, weight, {**o, "moments": moments}),
    weight=lambda a, z, g, x, weight, *, moments, **o: _rows_grad_weight(a, g, x, weight, {**o, "moments": moments}),
)
def rows_grad(g, x, weight=None, *, shape, groups, eps, center, moments=None):
    """z = J(g weight): the gradient of normalized_rows by x. moments are its mean and rstd, else computed again."""
    z, x = K.empty_like(x), K.contiguous(x).reshape(shape)
    if moments is None:
        moments = _moments_of_rows(x, shape, groups, eps, center)
    w = None if weight is None else K.contiguous(weight)
    g3, out = K.contiguous(g).reshape(shape), z.reshape(shape)
    K.standardize_rows_grad(g3, x, *moments, out, weight=w, groups=groups, center=center)
    return z


def _rows_sums_g(a: Tensor, x: Tensor, o: dict[str, Any]) -> Tensor:
    """u xhat + v for a = (u, v)."""
    shape, groups = o["shape"], o["groups"]
    xhat = _in_rows(normalized_rows(x, **o), shape, groups)
    u, v = (_weights(view(a, index=(i,)), shape, groups) for i in (0, 1))
    return reshape(add(mul(u, xhat), v), shape=x.array.shape)


def _rows_sums_x(a: Tensor, g: Tensor, x: Tensor, moments: Any, o: dict[str, Any]) -> Tensor:
    """J(u g) for a = (u, v)."""
    return rows_grad(g, x, view(a, index=(0,)), moments=moments, **o)


@differentiable(
    g=lambda a, z, g, x, *, moments, **o: _rows_sums_g(a, x, o),
    x=lambda a, z, g, x, *, moments, **o: _rows_sums_x(a, g, x, moments, o),
)
def rows_sums(g, x, *, shape, groups, eps, center, moments=None):
    """z (2, channels): Σ g xhat and Σ g over each channel, the gradients of normalized_rows by weight and bias."""
    z, x = K.empty((2, shape[1]), x.dtype), K.contiguous(x).reshape(shape)
    if moments is None:
        moments = _moments_of_rows(x, shape, groups, eps, center)
    K.standardize_rows_sums(K.contiguous(g).reshape(shape), x, *moments, *z, groups=groups)
    return z


# --- channels --------------------------------------------------------------------------------------------------------


def _channels_part(s: Slopes, i: int, x: Tensor, weight: Tensor | None, like: Tensor, o: dict[str, Any]) -> Tensor:
    """Part i of channels_grad: the gradients of x, weight and bias lie one behind the other."""
    if o["fixed"] is not None:  # the running mean and variance may be written later: these are copies
        o = {**o, "fixed": tuple(s.moments[:2])}
    both = s.packed(lambda: channels_grad(s.g, x, weight, saved=s.moments, **o))
    return _part(both, i, x.array.size, o["shape"][1], like.array.shape)


def _part(packed: Tensor, i: int, size: int, channels: int, shape: Shape) -> Tensor:
    start = 0 if i == 0 else size + (i - 1) * channels
    return reshape(view(packed, index=(slice(start, start + (size if i == 0 else channels)),)), shape=shape)


@differentiable(
    shared=Slopes,
    x=lambda s, y, x, weight, bias, **o: _channels_part(s, 0, x, weight, x, o),
    weight=lambda s, y, x, weight, bias, **o: _channels_part(s, 1, x, weight, weight, o),
    bias=lambda s, y, x, weight, bias, **o: _channels_part(s, 2, x, weight, bias, o),
)
def normalized_channels(x, weight=None, bias=None, *, shape, eps, fixed=None):
    """y = xhat weight + bias by channels of x, read as `shape` = (samples, channels, inner).

    fixed: arrays (mean, var) in place of those of x.
    """
    y, x = K.empty_like(x), K.contiguous(x).reshape(shape)
    moments = _moments_of_channels(x, y.reshape(shape), shape, eps, fixed, weight, bias)
    return y, moments


def _moments_of_channels(
    x: np.ndarray, y: np.ndarray, shape: Shape, eps: float, fixed: Any, weight: Any = None, bias: Any = None
) -> np.ndarray:
    """mean, var and rstd of channels (3, channels); y is written."""
    moments = K.empty((3, shape[1]), np.float64)
    for given_array, row in zip(fixed or (), moments):
        K.copy(given_array, row)
    w, b = (None if array is None else K.contiguous(array) for array in (weight, bias))
    K.standardize_channels(x, y, *moments, weight=w, bias=b, eps=eps, given=fixed is not None)
    return moments


def _channels_rules(which: str, a: Tensor, g: Tensor, x: Tensor, weight: Tensor | None, o: dict[str, Any]) -> Tensor:
    """The gradients of channels_grad, of S = <a₀, weight J(g)> + <a₁, Σ g xhat> + <a₂, Σ g>, for a = (a₀, a₁, a₂)."""
    shape, eps, fixed, saved = o["shape"], o["eps"], o["fixed"], o["saved"]
    size, n, each = x.array.size, shape[1], (1, shape[1], 1)
    u, v = (_part(a, i, size, n, each) for i in (1, 2))
    a, g3, x3 = _part(a, 0, size, n, shape), reshape(g, shape=shape), reshape(x, shape=shape)
    w = None if weight is None else reshape(weight, shape=each)
    options = {"shape": shape, "eps": eps, "fixed": fixed, "saved": saved}

    def slope(h: Tensor) -> Tensor:
        """J(h)."""
        return _part(channels_grad(h, x3, None, **options), 0, size, n, shape)

    def middle(t: Tensor) -> Tensor:
        return mean(t, dim=(0, 2), keepdim=True)

    if which == "weight":
        assert weight is not None
        return reshape(sum(mul(a, slope(g3)), dim=(0, 2)), shape=weight.array.shape)
    xhat = normalized_channels(x3, shape=shape, eps=eps, fixed=fixed)
    if which == "g":
        weighted = slope(a) if w is None else mul(w, slope(a))
        return reshape(add(add(weighted, mul(u, xhat)), v), shape=x.array.shape)
    made = slope(mul(u, g3))
    if fixed is None:
        z, deviation = slope(g3), sqrt(add(middle(square(centered(x3, dims=(0, 2)))), eps))
        curved = add(mul(xhat, middle(mul(a, z))), mul(middle(mul(g3, xhat)), slope(a)))
        curved = div(add(curved, mul(middle(mul(a, xhat)), z)), deviation)
        made = add(made, neg(curved if w is None else mul(w, curved)))
    return reshape(made, shape=x.array.shape)


@differentiable(
    g=lambda a, z, g, x, weight, **o: _channels_rules("g", a, g, x, weight, o),
    x=lambda a, z, g, x, weight, **o: _channels_rules("x", a, g, x, weight, o),
    weight=lambda a, z, g, x, weight, **o: _channels_rules("weight", a, g, x, weight, o),
)
def channels_grad(g, x, weight=None, *, shape, eps, fixed=None, saved=None):
    """z = (weight J(g), Σ g xhat, Σ g), flat: the gradients of normalized_channels by x, weight and bias.

    saved: its moments, else computed again. Where mean and var are fixed, J(g) is r g.
    """
    x3, channels = K.contiguous(x).reshape(shape), shape[1]
    z = K.empty((x.size + 2 * channels,), x.dtype)
    if saved is None:
        saved = _moments_of_channels(x3, K.empty_like(x3), shape, eps, fixed)
    sums = z[x.size :].reshape(2, channels)
    w = None if weight is None else K.contiguous(weight)
    g3, out = K.contiguous(g).reshape(shape), z[: x.size].reshape(shape)
    K.standardize_channels_grad(g3, x3, saved[0], saved[2], out, *sums, weight=w, given=fixed is not None)
    return z


# --- what users call -------------------------------------------------------------------------------------------------


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
    """y = (input - mean) / √(var + eps) · weight + bias over the last dimensions of input, for each place before them.

    normalized_shape is the size of the last dimension, or the sizes of several; weight and bias have that shape, None
    stands for 1 and 0. var is Σ (input - mean)² / n. mean and var are formed in float64, in two passes. A row does not
    see other rows.

    source    Ba, Kiros, Hinton 2016, Layer normalization

    >>> import minigrad as mg
    >>> mg.layer_norm(mg.tensor([[1.0, 3.0], [20.0, 40.0]]), 2, eps=0)
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    return _last_dims("layer_norm", input, normalized_shape, weight, bias, eps, True)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """y = input / √(m + eps) · weight, m the mean of input² over the last dimensions: layer_norm without the mean.

    normalized_shape is the size of the last dimension, or the sizes of several; weight has that shape, None stands for
    1. eps None is the distance from 1 to the next number of input's dtype.

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
    """y = (input - mean) / √(var + eps) · weight + bias over each group of channels of each row, with all its places.

    input is (rows, channels, ...); its channels make num_groups groups of equally many, side by side. weight and bias
    have one number for each channel; None stands for 1 and 0. A row does not see other rows.

    source    Wu, He 2018, Group normalization

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
    """y = (input - mean) / √(var + eps) · weight + bias by channels of input (rows, channels, ...).

    In training mean and var = Σ (input - mean)² / n are those of the n numbers of a channel in this batch, and
    running_mean and running_var, if given, are written: (1 - momentum) of the old and momentum of the new, where the
    variance is that of a sample, Σ (input - mean)² / (n - 1). Else mean and var are running_mean and running_var, and a
    row does not see other rows. weight and bias have one number for each channel; None stands for 1 and 0. ShapeError
    for a single value per channel in training: its variance says nothing.

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
    """batch_norm with the running mean, variance and number of batches, or None. momentum None: the mean of all."""
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
        K.running_moments(
            moments[0], moments[1], *(t.array for t in buffers), count, momentum=momentum, correction=n / (n - 1)
        )
        touch(t for t in running if t is not None)
    return y


def check_running(op: str, t: Tensor, x: Tensor, channels: Shape) -> Tensor:
    """A running mean or variance: a constant with one number of x's dtype for each channel."""
    if t.tracked:
        raise GraphError(f"{op}: a running mean or variance requires grad; need a constant, which training may write")
    made = parameter(op, "the running mean or variance", t, x, channels)
    assert made is not None
    return made
