"""Pools, by PyTorch's names: the largest element, or the mean, of each window of each plane.

There are two pairs of ops: `pool_pick` reads the elements at an index and `pool_put` adds them there; `means` averages
windows and `means_back` distributes to each place its shares. The ops of a pair are linear, and the gradients of each
other, so gradients of every order exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import whole
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from ..reduce.statistics import mean
from ..shape.axes import check_real, given
from .windows import Pair, as_given, as_rows, as_signal, batched, of_columns, pair


@differentiable(x=lambda g, y, x, *, index: pool_put(g, index=index, size=x.array.shape[2:]))
def pool_pick(x, *, index):
    """y = x[index] in each plane, of the index's shape."""
    y = K.empty(index.shape, x.dtype)
    K.pool_pick(K.contiguous(x), index, y)
    return y


@differentiable(y=lambda g, x, y, *, index, size: pool_pick(g, index=index))
def pool_put(y, *, index, size):
    """x, planes of `size`: 0, then x[index] += y in the order of y."""
    x = K.empty((*y.shape[:2], *size), y.dtype)
    K.pool_put(K.contiguous(y), index, x)
    return x


@differentiable(
    x=lambda g, y, x, *, size, **how: pool_put(g, index=y.saved, size=x.array.shape[2:]), called="max_pool2d"
)
def largest(x, *, size, kernel, stride, padding, dilation):
    """y, of `size`: the largest of each window; saved: its first place, where the gradient goes."""
    y = K.empty((*x.shape[:2], *size), x.dtype)
    index = np.empty(y.shape, np.int64)
    K.max_pool2d(K.contiguous(x), y, index, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return y, index


@differentiable(x=lambda g, y, x, *, size, **how: means_back(g, size=x.array.shape[2:], **how), called="avg_pool2d")
def means(x, *, size, kernel, stride, padding, count_include_pad=True, divisor=0):
    """y, of `size`: the sum of each window divided by the divisor, or, if that is 0, by the number of its places.

    kernel (0, 0) divides a plane evenly among the windows.
    """
    y = K.empty((*x.shape[:2], *size), x.dtype)
    more = {"count_include_pad": count_include_pad, "divisor": divisor}
    K.avg_pool2d(K.contiguous(x), y, kernel=kernel, stride=stride, padding=padding, **more)
    return y


@differentiable(
    y=lambda g, x, y, *, size, **how: means(g, size=y.array.shape[2:], **how), called="the gradient of avg_pool2d"
)
def means_back(y, *, size, kernel, stride, padding, count_include_pad=True, divisor=0):
    """x, of `size`: the gradient of `means`."""
    x = K.empty((*y.shape[:2], *size), y.dtype)
    more = {"count_include_pad": count_include_pad, "divisor": divisor}
    K.avg_pool2d_grad(K.contiguous(y), x, kernel=kernel, stride=stride, padding=padding, **more)
    return x


# --- what users call -------------------------------------------------------------------------------------------------


def planes_of(op: str, input: Any) -> Tensor:
    """input (samples, channels, height, width), or without samples, of floats."""
    x = given(input)
    check_real(op, x)
    if x.array.ndim not in (3, 4):
        raise ShapeError(f"{op}: input is {x.array.shape}; need (samples, channels, height, width), or without samples")
    return x


def windows_of(op: str, size: Sequence[int], how: dict[str, Pair], ceil_mode: bool) -> Pair:
    """How many rows and columns of windows; ceil_mode adds those that begin before the end and reach beyond it."""
    found = []
    dilation = how.get("dilation", (1, 1))
    for n, k, s, p, d in zip(size, how["kernel"], how["stride"], how["padding"], dilation):
        reach = d * (k - 1) + 1
        if p > reach // 2:
            raise ValueError(f"{op}: padding is {how['padding']}; need at most half of the kernel {how['kernel']}")
        if reach > n + 2 * p or n == 0:
            padded = tuple(m + 2 * q for m, q in zip(size, how["padding"]))
            raise ShapeError(f"{op}: the window {how['kernel']} is larger than the padded input, {padded}")
        m = (n + 2 * p - reach + (s - 1 if ceil_mode else 0)) // s + 1
        found.append(m - 1 if ceil_mode and (m - 1) * s >= n + p else m)
    return found[0], found[1]


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = the largest element of each window: input (samples, channels, height, width) to (samples, channels, rows,
    columns), rows = ⌊(height + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, with ceil_mode rounded up.

    Sizes are numbers or pairs (of rows, of columns); stride None means kernel_size. Padding is never the largest. Of
    equal elements the first gets the gradient. NaN counts as largest. return_indices gives (y, the places of its
    elements in their planes, int64).

    ShapeError if the window is larger than the padded input; ValueError for a padding above half of the kernel;
    DTypeError for integers and booleans.

    >>> import minigrad as mg
    >>> mg.max_pool2d(mg.tensor([[[[1, 2, 3, 4], [8, 7, 6, 5]]]]), 2)
    tensor([[[[8., 6.]]]])
    """
    op, x = "max_pool2d", planes_of("max_pool2d", input)
    how = {"kernel": pair(op, "kernel_size", kernel_size, 1), "padding": pair(op, "padding", padding, 0)}
    how["stride"] = how["kernel"] if stride is None else pair(op, "stride", stride, 1)
    how["dilation"] = pair(op, "dilation", dilation, 1)
    y = largest(batched(x), size=windows_of(op, x.array.shape[-2:], how, ceil_mode), **how)
    index = y.saved
    y = as_given(y, x)
    return (y, Tensor(index.reshape(y.array.shape))) if return_indices else y


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """y = the mean of each window: input (samples, channels, height, width) to (samples, channels, rows, columns), with
    the rows and columns of max_pool2d, with and without ceil_mode.

    Zeros of the padding count, unless count_include_pad is False; divisor_override divides the sums instead. Sizes are
    numbers or pairs (of rows, of columns); stride None means kernel_size. Sums are added row by row in float64. Errors
    as for max_pool2d: ShapeError if the window is larger than the padded input, ValueError, DTypeError.

    >>> import minigrad as mg
    >>> mg.avg_pool2d(mg.tensor([[[[1, 2, 3, 4], [8, 7, 6, 5]]]]), 2)
    tensor([[[[4.5, 4.5]]]])
    """
    op, x = "avg_pool2d", planes_of("avg_pool2d", input)
    how = {"kernel": pair(op, "kernel_size", kernel_size, 1), "padding": pair(op, "padding", padding, 0)}
    how["stride"] = how["kernel"] if stride is None else pair(op, "stride", stride, 1)
    size = windows_of(op, x.array.shape[-2:], how, ceil_mode)
    divisor = 0 if divisor_override is None else whole(divisor_override, f"{op}: divisor_override", 1)
    return as_given(means(batched(x), size=size, count_include_pad=bool(count_include_pad), divisor=divisor, **how), x)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """y = the means of windows that divide each plane evenly: (samples, channels, height, width) to output_size.

    output_size is a number or a pair; None in it keeps a size. Window i begins at ⌊i·height / rows⌋ and ends before
    ⌈(i + 1)·height / rows⌉. output_size 1 is global pooling: the mean of each plane.

    ShapeError for planes without rows or columns, which have no mean, and for another number of dimensions.

    >>> import minigrad as mg
    >>> mg.adaptive_avg_pool2d(mg.tensor([[[[1, 2, 3], [4, 5, 6]]]]), (1, 2))
    tensor([[[[3., 4.]]]])
    """
    op, x = "adaptive_avg_pool2d", planes_of("adaptive_avg_pool2d", input)
    both = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    own = x.array.shape[-2:]
    size = pair(op, "output_size", tuple(n if m is None else m for n, m in zip(own, both)), 1)
    if 0 in own:
        raise ShapeError(f"{op}: input is {x.array.shape}; there is no mean of nothing")
    if size == (1, 1):
        return mean(x, dim=(-2, -1), keepdim=True)
    return as_given(means(batched(x), size=size, kernel=(0, 0), stride=(1, 1), padding=(0, 0)), x)


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = the largest element of each window of a signal: input (samples, channels, length), or without samples.

    kernel_size, stride, padding, dilation (numbers), ceil_mode, return_indices and errors as in max_pool2d.

    >>> import minigrad as mg
    >>> mg.max_pool1d(mg.tensor([[[1, 3, 2, 0]]]), 2)
    tensor([[[3., 2.]]])
    """
    op = "max_pool1d"
    found = max_pool2d(
        as_rows(op, given(input), "samples, channels, length"),
        of_columns(op, "kernel_size", kernel_size, 1, 1),
        None if stride is None else of_columns(op, "stride", stride, 1, 1),
        of_columns(op, "padding", padding, 0, 0),
        of_columns(op, "dilation", dilation, 1, 1),
        ceil_mode,
        return_indices,
    )
    return (as_signal(found[0]), Tensor(as_signal(found[1]).array)) if return_indices else as_signal(found)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """y = the mean of each window of a signal: input (samples, channels, length), or without samples.

    kernel_size, stride, padding (numbers), ceil_mode, count_include_pad and errors as in avg_pool2d.

    >>> import minigrad as mg
    >>> mg.avg_pool1d(mg.tensor([[[1, 3, 2, 0]]]), 2)
    tensor([[[2., 1.]]])
    """
    op = "avg_pool1d"
    y = avg_pool2d(
        as_rows(op, given(input), "samples, channels, length"),
        of_columns(op, "kernel_size", kernel_size, 1, 1),
        None if stride is None else of_columns(op, "stride", stride, 1, 1),
        of_columns(op, "padding", padding, 0, 0),
        ceil_mode,
        count_include_pad,
    )
    return as_signal(y)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:
    """y = the means of output_size windows that divide a signal evenly: input (samples, channels, length).

    Windows and errors are those of adaptive_avg_pool2d; if input has no dimension of samples, y has none.

    >>> import minigrad as mg
    >>> mg.adaptive_avg_pool1d(mg.tensor([[[1, 3, 2]]]), 2)
    tensor([[[2. , 2.5]]])
    """
    op = "adaptive_avg_pool1d"
    x = as_rows(op, given(input), "samples, channels, length")
    return as_signal(adaptive_avg_pool2d(x, of_columns(op, "output_size", output_size, 1, 1)))
