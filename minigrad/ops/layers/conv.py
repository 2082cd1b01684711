"""Convolutions, by PyTorch's names, with gradients of every order.

`convolution` (of x by w), `conv2d_input` and `conv2d_weight` are the three ways to sum one product over places, taps
and channels: each is linear in both arguments, and the gradients of each are the two others. Their options are pairs,
for rows and columns; conv2d and the other public functions make them of their arguments. The order of a sum depends
only on the layer's sizes, except for the gradient of a weight, which is a sum over all samples (docs/kernels.md).
"""

from __future__ import annotations

from typing import Any

from ... import kernels as K
from ...checks import whole
from ...engine import Tensor, differentiable
from ...errors import DTypeError, ShapeError
from ..elementwise.arithmetic import add
from ..elementwise.fused_activations import ACTIVATION_GRADS
from ..shape.axes import as_dtype, given
from ..shape.broadcast import cast, sum
from ..shape.views import reshape
from .windows import as_given, as_rows, as_signal, batched, of_columns, paddings, pair, places


@differentiable(
    y=lambda g, x, y, w, *, size, **how: convolution(g, w, size=y.array.shape[2:], **how),
    w=lambda g, x, y, w, *, size, **how: conv2d_weight(g, y, size=w.array.shape[2:], **how),
    called="the gradient of a convolution's input",
)
def conv2d_input(y, w, *, size, stride, padding, dilation, groups):
    """x, of `size`, from the gradient y: the gradient of `convolution`, and itself a transposed convolution."""
    x = K.empty((y.shape[0], w.shape[1] * groups, *size), y.dtype)
    K.conv2d_input(
        K.contiguous(y), K.contiguous(w), x, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return x


@differentiable(
    x=lambda g, w, x, y, *, size, **how: conv2d_input(y, g, size=x.array.shape[2:], **how),
    y=lambda g, w, x, y, *, size, **how: convolution(x, g, size=y.array.shape[2:], **how),
    called="the gradient of a convolution's weight",
)
def conv2d_weight(x, y, *, size, stride, padding, dilation, groups):
    """w, of `size`, from the input x and the gradient y."""
    w = K.empty((y.shape[1], x.shape[1] // groups, *size), x.dtype)
    K.conv2d_weight(
        K.contiguous(x), K.contiguous(y), w, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return w


def _before_activation(g: Tensor, y: Tensor) -> Tensor:
    options: Any = y.options
    return ACTIVATION_GRADS[options["activation"]](g, y) if options["activation"] else g


def _input_grad(g, y, x, w, b, *, size, activation, **how):
    return conv2d_input(g, w, size=x.array.shape[2:], **how)


def _weight_grad(g, y, x, w, b, *, size, activation, **how):
    return conv2d_weight(x if y.saved is None else Tensor(y.saved), g, size=w.array.shape[2:], **how)


@differentiable(
    shared=_before_activation,
    x=_input_grad,
    w=_weight_grad,
    b=lambda g, y, x, w, b, **how: sum(sum(g, dim=(2, 3)), dim=0),
    called="conv2d",
)
def convolution(x, w, b=None, *, size, stride, padding, dilation, groups, activation=None):
    """y, of `size`: y[s, o, i, j] = activation(Σ w[o, c, t, u] x[s, c, places of i and t, of j and u] + b[o])."""
    cast = x.dtype.kind != "f"
    x = as_dtype(x, w.dtype) if cast else K.contiguous(x)
    y = K.empty((x.shape[0], w.shape[0], *size), x.dtype)
    K.conv2d(
        x,
        K.contiguous(w),
        y,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=None if b is None else K.contiguous(b),
        activation=activation,
    )
    return (y, x) if cast else y  # the gradient of w is a sum over the same numbers


# --- what users call ---------------------------------------------------------------------------------------------


def check_planes(op: str, input: Tensor, weight: Tensor, channels: int, of: str) -> None:
    """Raise unless input (samples, channels, height, width) has as many channels as the weight takes, and its dtype."""
    shape, have, own = input.array.shape, input.array.dtype, weight.array.shape
    if len(shape) not in (3, 4) or len(own) != 4:
        need = f"(samples, channels, height, width), or without samples, and {of}"
        raise ShapeError(f"{op}: input is {shape}, weight is {own}; need {need}")
    if shape[-3] != channels:
        raise ShapeError(f"{op}: input is {shape}, with {shape[-3]} channels; the weight {own} takes {channels}")
    if have != weight.array.dtype and have.kind == "f":
        cure = "need one dtype: use .float() or .double()"
        raise DTypeError(f"{op}: input is {have}, weight is {weight.array.dtype}; {cure}")


def checked_groups(op: str, groups: Any, weight: Tensor, name: str) -> int:
    """groups as an int; ShapeError unless it divides the first size of the weight."""
    groups, shape = whole(groups, f"{op}: groups", 1), weight.array.shape
    if shape and shape[0] % groups:
        raise ShapeError(f"{op}: groups is {groups}; need a divisor of the {shape[0]} {name}")
    return groups


def check_bias(op: str, bias: Tensor | None, channels: int) -> None:
    if bias is not None and bias.shape != (channels,):
        raise ShapeError(f"{op}: bias is {bias.shape}; need {(channels,)}")


def conv2d(
    input: Any,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Tensor:
    """y = activation(input * weight + bias): input (samples, channels, height, width), weight (out, channels / groups,
    kernel height, kernel width), bias (out,), y (samples, out, rows, columns).

    y[s, o, i, j] = Σ weight[o, c, t, u] input[s, c, i·stride + t·dilation − padding, …], zeros outside of input; the
    filters of a group use only its channels. rows = ⌊(height + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
    stride, padding and dilation are numbers or pairs (of rows, of columns); padding may be "valid" (0) or "same" (y has
    input's size, for stride 1). activation is None, relu, tanh or sigmoid, in the same pass. Integers in input are
    converted to weight's dtype. If input has no dimension of samples, y has none.

    ShapeError if channels do not fit or the kernel is larger than the padded input; DTypeError for two dtypes of
    floats; ValueError for another activation or padding, or a stride, padding or dilation that is too small.

    source    LeCun, Boser, Denker, Henderson, Howard, Hubbard, Jackel 1989, Backpropagation applied to handwritten zip
              code recognition

    >>> import minigrad as mg
    >>> x, w = mg.tensor([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]), mg.tensor([[[[1, 0], [0, 1]]]])
    >>> mg.conv2d(x, w)
    tensor([[[[ 6.,  8.],
              [12., 14.]]]])
    >>> mg.conv2d(x, w, stride=2, padding=1).shape, mg.conv2d(x, w, padding="same").shape
    ((1, 1, 2, 2), (1, 1, 3, 3))
    """
    op, x, w = "conv2d", given(input), given(weight)
    groups, own = checked_groups(op, groups, w, "filters"), w.array.shape
    check_planes(op, x, w, own[1] * groups if len(own) > 1 else 0, "(out, channels / groups, height, width)")
    check_bias(op, bias, own[0])
    if activation is not None and activation not in ACTIVATION_GRADS:
        raise ValueError(f"conv2d: activation is {activation!r}; need None or one of {', '.join(ACTIVATION_GRADS)}")
    how: dict[str, Any] = {"stride": pair(op, "stride", stride, 1), "dilation": pair(op, "dilation", dilation, 1)}
    how["padding"] = paddings(op, padding, how["stride"], own[2:], how["dilation"])
    size = x.array.shape[-2:] if padding == "same" else places(op, x.array.shape[-2:], own[2:], **how)
    return as_given(convolution(batched(x), w, bias, size=size, groups=groups, activation=activation, **how), x)


def conv1d(
    input: Any,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Tensor:
    """y = activation(input * weight + bias) along a signal: input (samples, channels, length), weight (out, channels /
    groups, kernel), y (samples, out, places): conv2d of planes of one row, with its formula and errors.

    stride, padding ("same" and "valid" too) and dilation are numbers, groups and activation as in conv2d.

    ShapeError if weight does not have three dimensions.

    >>> import minigrad as mg
    >>> mg.conv1d(mg.tensor([[[1, 2, 3, 4]]]), mg.tensor([[[1, -1]]]), stride=2)
    tensor([[[-1., -1.]]])
    """
    x, weight = given(input), given(weight)
    if weight.array.ndim != 3:
        raise ShapeError(f"conv1d: weight is {weight.array.shape}; need (out, channels / groups, kernel)")
    rows = as_rows("conv1d", x, "samples, channels, length")
    y = conv2d(
        rows,
        as_rows("conv1d", weight, "out, channels / groups, kernel"),
        bias,
        of_columns("conv1d", "stride", stride, 1, 1),
        padding if isinstance(padding, str) else of_columns("conv1d", "padding", padding, 0, 0),
        of_columns("conv1d", "dilation", dilation, 1, 1),
        groups,
        activation,
    )
    return as_signal(y)


def conv_transpose2d(
    input: Any,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """y = the gradient of conv2d's input where `input` is that of its output, plus bias: larger planes from small ones.

    input (samples, channels, height, width), weight (channels, out / groups, kernel height, kernel width), bias (out,),
    y (samples, out, rows, columns) with rows = (height − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding
    + 1. output_padding, below stride or dilation, chooses one of the sizes for which conv2d gives the same size.

    source    Zeiler, Krishnan, Taylor, Fergus 2010, Deconvolutional networks

    ShapeError for channels that do not fit, or if y would have no rows or columns; ValueError for an output_padding
    that is neither less than the stride nor than the dilation; DTypeError for two dtypes of floats.

    >>> import minigrad as mg
    >>> mg.conv_transpose2d(mg.tensor([[[[1, 2]]]]), mg.tensor([[[[1, 1]]]]), stride=2)
    tensor([[[[1., 1., 2., 2.]]]])
    """
    op = "conv_transpose2d"
    x, weight = given(input), given(weight)
    kernel, shape = weight.array.shape[2:], weight.array.shape
    check_planes(op, x, weight, shape[0] if shape else 0, "(channels, out / groups, height, width)")
    groups = checked_groups(op, groups, weight, "channels")
    s, p, d = pair(op, "stride", stride, 1), pair(op, "padding", padding, 0), pair(op, "dilation", dilation, 1)
    more = pair(op, "output_padding", output_padding, 0)
    if any(m >= max(a, b) for m, a, b in zip(more, s, d)):
        raise ValueError(f"{op}: output_padding is {output_padding}; need less than stride {s} or dilation {d}")
    check_bias(op, bias, shape[1] * groups)
    size = tuple(
        (n - 1) * a - 2 * b + c * (k - 1) + m + 1 for n, k, a, b, c, m in zip(x.array.shape[-2:], kernel, s, p, d, more)
    )
    if min(size) < 1:
        raise ShapeError(f"{op}: input is {x.array.shape}, the kernel {kernel}, padding {p}: y would have size {size}")
    y = batched(x if x.array.dtype.kind == "f" else cast(x, dtype=weight.array.dtype))
    y = conv2d_input(y, weight, size=size, stride=s, padding=p, dilation=d, groups=groups)
    return as_given(y if bias is None else add(y, reshape(bias, shape=(-1, 1, 1))), x)


def conv_transpose1d(
    input: Any,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """conv_transpose2d along a signal: input (samples, channels, length), weight (channels, out / groups, kernel).

    bias (out,); stride, padding, output_padding and dilation are numbers, and groups as in conv_transpose2d.

    ShapeError if weight does not have three dimensions; other errors as for conv_transpose2d.

    >>> import minigrad as mg
    >>> mg.conv_transpose1d(mg.tensor([[[1, 2]]]), mg.tensor([[[1, 10]]]), stride=2)
    tensor([[[ 1., 10.,  2., 20.]]])
    """
    op, w = "conv_transpose1d", given(weight)
    if w.array.ndim != 3:
        raise ShapeError(f"{op}: weight is {w.array.shape}; need (channels, out / groups, kernel)")
    y = conv_transpose2d(
        as_rows(op, given(input), "samples, channels, length"),
        as_rows(op, w, "channels, out / groups, kernel"),
        bias,
        of_columns(op, "stride", stride, 1, 1),
        of_columns(op, "padding", padding, 0, 0),
        of_columns(op, "output_padding", output_padding, 0, 0),
        groups,
        of_columns(op, "dilation", dilation, 1, 1),
    )
    return as_signal(y)
