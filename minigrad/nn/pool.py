"""Layers that change the size of planes: pools, by the largest or the mean of each window; Upsample; Unfold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import truth, whole
from ..engine import Tensor
from ..errors import ShapeError
from ..ops.layers.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from ..ops.layers.unfold import unfold, upsample
from ..ops.layers.windows import pair
from ..tensor import tensor
from .module import Module


class Pool(Module):
    """What pooling layers share: sizes in numbers or pairs, the check of x, text."""

    dims: tuple[str, ...] = ("height", "width")
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any

    def _sizes(self, **sizes: Any) -> None:
        """Check and keep options: whole numbers, one for each dimension of a window."""
        who = type(self).__name__
        for name, value in sizes.items():
            low = 0 if name == "padding" else 1
            if len(self.dims) == 1:
                one = value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
                setattr(self, name, whole(one, f"{who}: {name}", low))
            else:
                setattr(self, name, pair(who, name, value, low))

    def _input(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        rank = 1 + len(self.dims)
        if len(x.array.shape) not in (rank, rank + 1):
            raise ShapeError(f"x is {x.array.shape}; need (rows, channels, {', '.join(self.dims)})")
        return x

    def _text(self, *names: str) -> str:
        parts = []
        for name in names:
            value = getattr(self, name)
            if (name == "stride" and value == self.kernel_size) or (name == "padding" and not np.any(value)):
                continue  # as usual
            one = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
            parts.append(str(one) if name in ("kernel_size", "output_size") else f"{name} {one}")
        return ", ".join(parts)


class MaxPool2d(Pool):
    """y = the largest element of each window: x (rows, channels, height, width); see max_pool2d for sizes and ties.

    kernel_size, stride (None: kernel_size), padding, dilation: a number or a pair (of rows, of columns). ceil_mode:
    also windows that reach beyond x. return_indices: forward gives (y, where in its plane each stands). ShapeError for
    an x that is smaller, with its padding, than the window.

    source    Ranzato, Huang, Boureau, LeCun 2007, Unsupervised learning of invariant feature hierarchies

    >>> import minigrad as mg
    >>> mg.nn.MaxPool2d(2)(mg.ones(5, 3, 28, 28)).shape
    (5, 3, 14, 14)
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        stride = kernel_size if stride is None else stride
        self._sizes(kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
        self.return_indices = truth(return_indices, f"{type(self).__name__}: return_indices")
        self.ceil_mode = truth(ceil_mode, f"{type(self).__name__}: ceil_mode")

    def forward(self, x: Any) -> Any:
        pool = max_pool2d if len(self.dims) == 2 else max_pool1d
        more = (self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)
        return pool(self._input(x), self.kernel_size, *more)

    def extra_repr(self) -> str:
        return self._text("kernel_size", "stride", "padding")


class MaxPool1d(MaxPool2d):
    """y = the largest element of each window of x (rows, channels, length): MaxPool2d with a number each.

    >>> import minigrad as mg
    >>> mg.nn.MaxPool1d(2)(mg.ones(5, 3, 28)).shape
    (5, 3, 14)
    """

    dims = ("length",)


class AvgPool2d(Pool):
    """y = the mean of each window: x (rows, channels, height, width); see avg_pool2d.

    kernel_size, stride (None: kernel_size), padding: a number or a pair (of rows, of columns). ceil_mode: also windows
    that reach beyond x. count_include_pad: whether zeros of the padding count; divisor_override divides the sums
    instead. ShapeError for an x that is smaller, with its padding, than the window.

    source    LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning applied to document recognition

    >>> import minigrad as mg
    >>> mg.nn.AvgPool2d(3, stride=2, padding=1)(mg.ones(5, 3, 28, 28)).shape
    (5, 3, 14, 14)
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        who = type(self).__name__
        self._sizes(kernel_size=kernel_size, stride=kernel_size if stride is None else stride, padding=padding)
        self.ceil_mode = truth(ceil_mode, f"{who}: ceil_mode")
        self.count_include_pad = truth(count_include_pad, f"{who}: count_include_pad")
        own = None if divisor_override is None else whole(divisor_override, f"{who}: divisor_override", 1)
        self.divisor_override = own

    def forward(self, x: Any) -> Tensor:
        more = (self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return avg_pool2d(self._input(x), self.kernel_size, *more, self.divisor_override)

    def extra_repr(self) -> str:
        return self._text("kernel_size", "stride", "padding")


class AvgPool1d(AvgPool2d):
    """y = the mean of each window of x (rows, channels, length): AvgPool2d with a number each.

    >>> import minigrad as mg
    >>> mg.nn.AvgPool1d(2)(mg.ones(5, 3, 28)).shape
    (5, 3, 14)
    """

    dims = ("length",)

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)

    def forward(self, x: Any) -> Tensor:
        more = (self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return avg_pool1d(self._input(x), self.kernel_size, *more)


class AdaptiveAvgPool2d(Pool):
    """y = the means of windows that share each plane evenly: x (rows, channels, height, width) to output_size.

    output_size is a number or a pair; None in a pair keeps a size; 1 is global pooling. See adaptive_avg_pool2d.

    source    Lin, Chen, Yan 2014, Network in network, section 3.2 (global pooling)

    ValueError for an output_size that is neither a number nor a pair; ShapeError for x of another number of dimensions.

    >>> import minigrad as mg
    >>> mg.nn.AdaptiveAvgPool2d(1)(mg.ones(5, 3, 28, 20)).shape
    (5, 3, 1, 1)
    """

    def __init__(self, output_size: Any) -> None:
        both = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * len(self.dims)
        checked = [n if n is None else whole(n, f"{type(self).__name__}: output_size", 1) for n in both]
        if len(checked) != len(self.dims):
            raise ValueError(f"{type(self).__name__}: output_size is {output_size!r}; need one for each of {self.dims}")
        self.output_size = tuple(checked)

    def forward(self, x: Any) -> Tensor:
        return adaptive_avg_pool2d(self._input(x), self.output_size)

    def extra_repr(self) -> str:
        return self._text("output_size")


class AdaptiveAvgPool1d(AdaptiveAvgPool2d):
    """y = the means of windows that share each signal evenly: x (rows, channels, length) to output_size.

    >>> import minigrad as mg
    >>> mg.nn.AdaptiveAvgPool1d(4)(mg.ones(5, 3, 30)).shape
    (5, 3, 4)
    """

    dims = ("length",)

    def forward(self, x: Any) -> Tensor:
        x = self._input(x)
        return adaptive_avg_pool1d(x, x.array.shape[-1] if self.output_size[0] is None else self.output_size[0])


class Upsample(Pool):
    """x (rows, channels, height, width) with larger planes, of `size` or scale_factor times as large; see upsample.

    mode: nearest, which repeats pixels, or bilinear, which weighs the four around, with or without align_corners.

    ValueError unless exactly one of size and scale_factor is given, and for another mode.

    >>> import minigrad as mg
    >>> mg.nn.Upsample(scale_factor=2)(mg.ones(5, 3, 7, 7)).shape
    (5, 3, 14, 14)
    """

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ValueError(f"Upsample: size is {size}, scale_factor {scale_factor}; need exactly one of them")
        if mode not in ("nearest", "bilinear"):
            raise ValueError(f"Upsample: mode is {mode!r}; need nearest or bilinear")
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners

    def forward(self, x: Any) -> Tensor:
        return upsample(self._input(x), self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        how = f"size {self.size}" if self.scale_factor is None else f"scale_factor {self.scale_factor}"
        return f"{how}, {self.mode}"


class Unfold(Pool):
    """The windows of x (rows, channels, height, width) as columns: (rows, channels · taps, windows); see unfold.

    >>> import minigrad as mg
    >>> mg.nn.Unfold(3, padding=1)(mg.ones(5, 2, 7, 7)).shape
    (5, 18, 49)
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self._sizes(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)

    def forward(self, x: Any) -> Tensor:
        return unfold(self._input(x), self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return self._text("kernel_size", "stride", "padding")
