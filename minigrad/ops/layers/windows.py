"""Arguments of convolutions and pools: sizes as pairs, of rows and of columns, and how many windows fit."""

from __future__ import annotations

from typing import Any

from ...checks import whole
from ...engine import Tensor
from ...errors import ShapeError
from ..shape.views import reshape

Pair = tuple[int, int]


def pair(op: str, name: str, value: Any, low: int) -> Pair:
    """value, one whole number or two, as (of rows, of columns), each at least `low`."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) == 1:
        both *= 2
    if len(both) != 2:
        raise ValueError(f"{op}: {name} is {value!r}; need one number, or (of rows, of columns)")
    return whole(both[0], f"{op}: {name}", low), whole(both[1], f"{op}: {name}", low)


def same_padding(op: str, stride: Pair, kernel: Pair, dilation: Pair) -> Pair:
    """The padding before x with which y has x's size; after x comes the same padding, or one more."""
    if stride != (1, 1):
        raise ValueError(f"{op}: padding 'same' with stride {stride}; need stride 1: y would not have the size of x")
    return (kernel[0] - 1) * dilation[0] // 2, (kernel[1] - 1) * dilation[1] // 2


def paddings(op: str, padding: Any, stride: Pair, kernel: Pair, dilation: Pair) -> Pair:
    """padding before x, of rows and columns, from a number, two, "valid" or "same"."""
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(f"{op}: padding is {padding!r}; need a number, two, 'valid' or 'same'")
        return (0, 0) if padding == "valid" else same_padding(op, stride, kernel, dilation)
    return pair(op, "padding", padding, 0)


def places(op: str, size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """How many rows and columns of windows fit into x with its padding on both sides."""
    found = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        if d * (k - 1) + 1 > n + 2 * p:
            spread = f", spread by dilation {dilation}," if dilation != (1, 1) else ""
            raise ShapeError(
                f"{op}: the kernel {kernel}{spread} is larger than the padded input, "
                f"{tuple(m + 2 * q for m, q in zip(size, padding))}"
            )
        found.append((n + 2 * p - d * (k - 1) - 1) // s + 1)
    return found[0], found[1]


def batched(x: Tensor) -> Tensor:
    """x with a first dimension of samples."""
    return x if x.array.ndim == 4 else reshape(x, shape=(1, *x.array.shape))


def as_given(y: Tensor, x: Tensor) -> Tensor:
    """y without its dimension of samples, if x came without one."""
    return y if x.array.ndim == 4 else reshape(y, shape=y.array.shape[1:])


def as_rows(op: str, x: Tensor, of: str) -> Tensor:
    """A signal (samples, channels, length), or without samples, as planes of one row."""
    shape = x.array.shape
    if len(shape) not in (2, 3):
        raise ShapeError(f"{op}: input is {shape}; need ({of}), or without samples")
    return reshape(x, shape=(*shape[:-1], 1, shape[-1]))


def as_signal(y: Tensor) -> Tensor:
    """Planes of one row as a signal."""
    return reshape(y, shape=(*y.array.shape[:-2], y.array.shape[-1]))


def of_columns(op: str, name: str, value: Any, low: int, rows: int) -> Pair:
    """One number, for the length of a signal, as (of its one row, of columns)."""
    one = value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
    return rows, whole(one, f"{op}: {name}", low)
