"""Convolutional layers: filters that slide over images and signals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import real_dtype, whole
from ..engine import Tensor
from ..errors import DTypeError, ShapeError
from ..ops.elementwise.fused_activations import ACTIVATION_GRADS
from ..ops.index.pad import BORDERS, pad
from ..ops.layers.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from ..ops.layers.windows import pair, same_padding
from ..tensor import tensor
from . import init as initializers
from .module import Module, Parameter


class Convolutional(Module):
    """What the four layers share: checks, parameters, errors in the layer's name, text."""

    dims: tuple[str, ...] = ("height", "width")
    transposed = False
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Any  # such a tuple, or of Conv2d a word
    output_padding: tuple[int, ...]

    def _set_up(
        self,
        channels: tuple[Any, Any],
        sizes: dict[str, Any],
        groups: Any,
        bias: bool,
        activation: str | None,
        init: str | Callable[..., Any],
        dtype: Any,
    ) -> None:
        """Check the arguments and draw the parameters: W (out, in / groups, kernel), or (in, out / groups, kernel)."""
        who = type(self).__name__
        self.in_channels = whole(channels[0], f"{who}: in_channels", 1)
        self.out_channels = whole(channels[1], f"{who}: out_channels", 1)
        self.groups = whole(groups, f"{who}: groups", 1)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"{who}: groups is {self.groups}; need a divisor of in_channels {self.in_channels} and of "
                f"out_channels {self.out_channels}"
            )
        if not (activation is None or activation in ACTIVATION_GRADS):
            raise ValueError(f"{who}: activation is {activation!r}; need None or {', '.join(ACTIVATION_GRADS)}")
        self.activation = activation
        for name, value in sizes.items():
            low = 0 if "padding" in name else 1
            setattr(self, name, value if isinstance(value, str) else self._each(name, value, low))
        real = real_dtype(dtype, f"{who}: dtype")
        many, few = self.out_channels, self.in_channels
        if self.transposed:
            many, few = few, many
        shape = (many, few // self.groups, *self.kernel_size)
        weight = np.asarray(initializers.find(init)(shape, real))
        if weight.shape != shape:
            raise ShapeError(f"{who}: init returned {weight.shape}; need {shape}")
        self.weight = Parameter(weight, real)
        limit = 1 / math.sqrt(math.prod(shape[1:]))
        first = initializers.uniform((self.out_channels,), real, low=-limit, high=limit) if bias else None
        self.bias = None if first is None else Parameter(first)

    def _each(self, name: str, value: Any, low: int) -> tuple[int, ...]:
        """One whole number for each dimension of a kernel."""
        who = type(self).__name__
        if len(self.dims) == 2:
            return pair(who, name, value, low)
        one = value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
        return (whole(one, f"{who}: {name}", low),)

    def _input(self, x: Any) -> Tensor:
        """x as a tensor (samples, channels, ...), or without samples, of the weight's dtype or whole numbers."""
        x = x if isinstance(x, Tensor) else tensor(x)
        shape, dtype, want = x.array.shape, x.array.dtype, self.weight.array.dtype
        rank = 1 + len(self.dims)
        if len(shape) not in (rank, rank + 1) or shape[-rank] != self.in_channels:
            need = ", ".join(("rows", str(self.in_channels), *self.dims))
            cure = ""
            if len(shape) == rank + 1 and shape[-1] == self.in_channels:
                cure = f": channels come before {self.dims[0]}; x.permute moves them"
            elif self.in_channels == 1 and len(shape) == rank and shape[0] != 1:
                cure = ": one channel is x[:, None]"
            raise ShapeError(f"x is {shape}; need ({need}){cure}")
        if dtype != want and dtype.kind == "f":
            raise DTypeError(f"x is {dtype}, the weight {want}; use x.to({str(want)!r}), or astype for an array")
        return x

    def extra_repr(self) -> str:
        text = f"{self.in_channels}->{self.out_channels}, {'x'.join(map(str, self.kernel_size))}"
        for name, usual in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)):
            value = getattr(self, name, None)
            if value is not None and value != (usual,) * len(self.dims):
                one = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
                text += f", {name} {one}"
        text += f", groups {self.groups}" if self.groups > 1 else ""
        text += f", {self.activation}" if self.activation else ""
        return text if self.bias is not None else text + ", no bias"


class Conv2d(Convolutional):
    """y = activation(x * W + b): x (rows, in_channels, height, width) to y (rows, out_channels, places, places).

    y[s, o, i, j] = Σ W[o, c, t, u] x[s, c, i·stride + t·dilation − padding, …] + b[o]; W is (out_channels,
    in_channels / groups, kernel height, kernel width). kernel_size, stride, padding, dilation: a number or a pair (of
    rows, of columns); padding also "valid" (0) and "same" (y has x's size). groups: filters of a group see the channels
    of that group; groups = in_channels is a depthwise convolution. padding_mode: zeros, or reflect, replicate,
    circular. activation is None, "relu", "tanh" or "sigmoid", computed in the same pass. W and b start as PyTorch's do,
    uniform in ±1/√fan_in, fan_in = in_channels / groups · kernel height · kernel width; init is the name of a function
    of minigrad.nn.init or such a function, for W. ShapeError for an x with other channels, or one that is smaller, with
    its padding, than the kernel.

    source    LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning applied to document recognition

    >>> import minigrad as mg
    >>> layer = mg.nn.Conv2d(3, 8, 5, padding="same", activation="relu")
    >>> layer(mg.ones(2, 3, 32, 32)).shape, layer.weight.shape
    ((2, 8, 32, 32), (8, 3, 5, 5))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        activation: str | None = None,
        init: str | Callable[..., Any] = "fan_in_uniform",
        dtype: Any = "float32",
    ) -> None:
        sizes = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
        self._set_up((in_channels, out_channels), sizes, groups, bias, activation, init, dtype)
        self.padding_mode = padding_mode
        self._borders = self._border_widths()

    def _border_widths(self) -> tuple[int, ...] | None:
        """What `pad` takes, (left, right) of the last dimension first; None where the kernel does with zeros."""
        who = type(self).__name__
        mode, padding, ones = self.padding_mode, self.padding, (1,) * (2 - len(self.dims))
        if mode != "zeros" and mode not in BORDERS:
            raise ValueError(f"{who}: padding_mode is {mode!r}; need zeros, {', '.join(BORDERS)}")
        if isinstance(padding, str):
            if padding not in ("valid", "same"):
                raise ValueError(f"{who}: padding is {padding!r}; need a number, 'valid' or 'same'")
            kernel: Any = (*ones, *self.kernel_size)
            dilation: Any = (*ones, *self.dilation)
            stride: Any = (*ones, *self.stride)
            before = same_padding(who, stride, kernel, dilation) if padding == "same" else (0, 0)
            both = [((k - 1) * d if padding == "same" else 0) for k, d in zip(kernel, dilation)]
            widths = [(b, n - b) for b, n in zip(before, both)][len(ones) :]
        else:
            widths = [(p, p) for p in padding]
        return None if mode == "zeros" else tuple(w for each in widths[::-1] for w in each)

    def forward(self, x: Any) -> Tensor:
        return self.by_weight(x, self.weight)

    def by_weight(self, x: Any, w: Tensor) -> Tensor:
        """activation(x * w + b), w the weight or what a subclass makes of it."""
        x, padding = self._input(x), self.padding
        if self._borders is not None:
            x, padding = pad(x, self._borders, self.padding_mode), 0
        function = conv2d if len(self.dims) == 2 else conv1d
        return function(x, w, self.bias, self.stride, padding, self.dilation, self.groups, self.activation)


class Conv1d(Conv2d):
    """y = activation(x * W + b) along a signal: x (rows, in_channels, length), W (out_channels, in_channels / groups,
    kernel). Arguments, start and errors are those of Conv2d, a number each.

    >>> import minigrad as mg
    >>> mg.nn.Conv1d(2, 4, 3, stride=2)(mg.ones(5, 2, 9)).shape
    (5, 4, 4)
    """

    dims = ("length",)


class ConvTranspose2d(Convolutional):
    """y = the gradient of a convolution's input from x, plus b: x (rows, in_channels, height, width) to planes of
    (height − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1 rows, and as many columns likewise.

    W is (in_channels, out_channels / groups, kernel height, kernel width). Arguments as PyTorch's, in its order; W and
    b start uniform in ±1/√fan_in with PyTorch's fan_in of such a weight, out_channels / groups · kernel height · kernel
    width. ShapeError for an x with other channels, or one whose y would be empty.

    source    Zeiler, Krishnan, Taylor, Fergus 2010, Deconvolutional networks

    >>> import minigrad as mg
    >>> mg.nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)(mg.ones(2, 8, 16, 16)).shape
    (2, 3, 32, 32)
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        init: str | Callable[..., Any] = "fan_in_uniform",
        dtype: Any = "float32",
    ) -> None:
        sizes = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
        sizes |= {"padding": padding, "output_padding": output_padding}
        if isinstance(padding, str):
            raise ValueError(f"{type(self).__name__}: padding is {padding!r}; need a number or a pair")
        self._set_up((in_channels, out_channels), sizes, groups, bias, None, init, dtype)

    def forward(self, x: Any) -> Tensor:
        function = conv_transpose2d if len(self.dims) == 2 else conv_transpose1d
        more = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return function(self._input(x), self.weight, self.bias, *more)


class ConvTranspose1d(ConvTranspose2d):
    """ConvTranspose2d along a signal: x (rows, in_channels, length), W (in_channels, out_channels / groups, kernel).

    >>> import minigrad as mg
    >>> mg.nn.ConvTranspose1d(2, 4, 3, stride=2)(mg.ones(5, 2, 9)).shape
    (5, 4, 19)
    """

    dims = ("length",)
