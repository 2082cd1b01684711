"""Windows of planes as columns, and columns added back; planes made larger, by repetition or interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...checks import truth
from ...engine import Tensor
from ...errors import ShapeError
from ..elementwise.arithmetic import add, mul
from ..index.gather import add_at, take
from ..index.pad import pad
from ..shape.axes import check_real, given
from ..shape.slices import view
from ..shape.views import reshape
from .windows import Pair, as_given, batched, pair, places


def window_places(size: Pair, kernel: Pair, stride: Pair, dilation: Pair, count: Pair) -> np.ndarray:
    """The place in a plane of this size of tap i of window j: (taps, windows)."""
    taps = (np.arange(kernel[0]) * dilation[0] * size[1])[:, None] + np.arange(kernel[1]) * dilation[1]
    windows = (np.arange(count[0]) * stride[0] * size[1])[:, None] + np.arange(count[1]) * stride[1]
    return taps.reshape(-1, 1) + windows.reshape(-1)


def _described(op: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Pair, Pair, Pair, Pair]:
    return (
        pair(op, "kernel_size", kernel_size, 1),
        pair(op, "stride", stride, 1),
        pair(op, "padding", padding, 0),
        pair(op, "dilation", dilation, 1),
    )


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of input (samples, channels, height, width) as columns: (samples, channels · taps, windows).

    A convolution is one product with them: weight (out, channels · taps) @ columns. kernel_size, dilation, padding and
    stride are numbers or pairs, of rows and columns. If input has no dimension of samples, the result has none.
    ShapeError if the kernel is larger than the padded input.

    >>> import minigrad as mg
    >>> mg.unfold(mg.tensor([[[[1, 2, 3], [4, 5, 6]]]]), (2, 2))
    tensor([[[1., 2.],
             [2., 3.],
             [4., 5.],
             [5., 6.]]])
    """
    op, x = "unfold", given(input)
    if x.array.ndim not in (3, 4):
        raise ShapeError(f"{op}: input is {x.array.shape}; need (samples, channels, height, width), or without samples")
    kernel, s, p, d = _described(op, kernel_size, dilation, padding, stride)
    count = places(op, x.array.shape[-2:], kernel, s, p, d)
    planes = batched(x)
    if p != (0, 0):
        planes = pad(planes, (p[1], p[1], p[0], p[0]))
    n, channels, height, width = planes.array.shape
    at = window_places((height, width), kernel, s, d, count)
    y = take(reshape(planes, shape=(n, channels, height * width)), Tensor(at), dim=2)
    y = reshape(y, shape=(n, channels * at.shape[0], at.shape[1]))
    return y if x.array.ndim == 4 else reshape(y, shape=y.array.shape[1:])


def fold(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns, input (samples, channels · taps, windows), added back to planes of output_size: unfold transposed.

    kernel_size, dilation, padding and stride are those of unfold. Numbers for the same place are added in the order of
    the taps. ShapeError if the columns do not fit; DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.fold(mg.ones(1, 4, 2), (2, 3), (2, 2))
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """
    op, x = "fold", given(input)
    check_real(op, x)
    kernel, s, p, d = _described(op, kernel_size, dilation, padding, stride)
    size = pair(op, "output_size", output_size, 1)
    count, taps = places(op, size, kernel, s, p, d), kernel[0] * kernel[1]
    if x.array.ndim not in (2, 3) or x.array.shape[-2] % taps or x.array.shape[-1] != count[0] * count[1]:
        need = f"(samples, channels · {taps}, {count[0] * count[1]}), or without samples"
        raise ShapeError(f"{op}: input is {x.array.shape}; need {need} for {size} and the kernel {kernel}")
    height, width = size[0] + 2 * p[0], size[1] + 2 * p[1]
    n, channels = (1 if x.array.ndim == 2 else x.array.shape[0]), x.array.shape[-2] // taps
    at = window_places((height, width), kernel, s, d, count)
    columns = reshape(x, shape=(n, channels, *at.shape))
    y = add_at(0.0, columns, Tensor(at), dim=2, shape=(n, channels, height * width))
    y = reshape(y, shape=(n, channels, height, width))
    if p != (0, 0):
        inner = (slice(None), slice(None), slice(p[0], p[0] + size[0]), slice(p[1], p[1] + size[1]))
        y = view(y, index=inner)
    return y if x.array.ndim == 3 else reshape(y, shape=y.array.shape[1:])


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """input (samples, channels, height, width) with larger planes, of `size` or scale_factor times as large.

    mode nearest repeats pixels: y[i] = x[⌊i / factor⌋]. bilinear is a weighted mean of the four nearest pixels; with
    align_corners the centers of the corner pixels of both planes coincide, else the outer edges of these pixels. Give
    one of size and scale_factor, as a number or a pair.

    ShapeError for an input of another number of dimensions; ValueError for another mode, align_corners beside nearest,
    or unless one of size and scale_factor is given.

    >>> import minigrad as mg
    >>> mg.upsample(mg.tensor([[[[1, 2]]]]), scale_factor=2)
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    >>> mg.upsample(mg.tensor([[[[0, 3]]]]), size=(1, 4), mode="bilinear", align_corners=True)
    tensor([[[[0., 1., 2., 3.]]]])
    """
    op, x = "upsample", given(input)
    check_real(op, x)
    if x.array.ndim not in (3, 4):
        raise ShapeError(f"{op}: input is {x.array.shape}; need (samples, channels, height, width), or without samples")
    if mode not in ("nearest", "bilinear") or (align_corners is not None and mode == "nearest"):
        raise ValueError(f"{op}: mode is {mode!r}, align_corners {align_corners}; need nearest, or bilinear")
    corners = truth(align_corners or False, f"{op}: align_corners")
    y = batched(x)
    for dim, (n, m, factor) in enumerate(zip(x.array.shape[-2:], *_sizes(x.array.shape[-2:], size, scale_factor)), 2):
        if mode == "nearest":
            low = [min(int(i / factor) if factor else i * n // m, n - 1) for i in range(m)]
            y = take(y, Tensor(np.array(low, np.int64)), dim=dim)
        else:
            y = _between(y, dim, _fractions(n, m, factor, corners))
    return as_given(y, x)


def _sizes(shape: Any, size: Any, scale_factor: Any) -> tuple[Pair, tuple[float, float]]:
    """The new sizes, and the factors, or 0 if sizes were given. As in PyTorch, _fractions uses what was given."""
    if (size is None) == (scale_factor is None):
        raise ValueError(f"upsample: size is {size}, scale_factor {scale_factor}; need exactly one of them")
    if size is not None:
        return pair("upsample", "size", size, 1), (0.0, 0.0)
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * 2
    if len(factors) != 2 or not all(isinstance(f, (int, float)) and math.isfinite(f) and f > 0 for f in factors):
        raise ValueError(f"upsample: scale_factor is {scale_factor!r}; need a number above 0, or two")
    found = int(shape[0] * factors[0]), int(shape[1] * factors[1])
    if min(found) < 1:
        raise ShapeError(f"upsample: scale_factor {scale_factor} of {tuple(shape)} leaves {found}")
    return found, (float(factors[0]), float(factors[1]))


def _fractions(n: int, m: int, factor: float, corners: bool) -> list[float]:
    """The coordinate of each of m new places among n old ones."""
    if corners:
        return [i * ((n - 1) / (m - 1)) if m > 1 else 0.0 for i in range(m)]
    step = 1 / factor if factor else n / m
    return [max((i + 0.5) * step - 0.5, 0.0) for i in range(m)]


def _between(x: Tensor, dim: int, at: list[float]) -> Tensor:
    """x at places between its own along dim: (1 - t) x[low] + t x[low + 1]."""
    n = x.array.shape[dim]
    low = np.array([min(int(a), n - 1) for a in at], np.int64)
    high = (low + 1).clip(max=n - 1)
    shape = [1] * x.array.ndim
    shape[dim] = len(at)
    t = np.array([a - int(a) for a in at], x.array.dtype).reshape(shape)
    below = np.array([1 - (a - int(a)) for a in at], x.array.dtype).reshape(shape)
    return add(mul(take(x, Tensor(low), dim=dim), Tensor(below)), mul(take(x, Tensor(high), dim=dim), Tensor(t)))
