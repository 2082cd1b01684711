"""Convolutions in NumPy: a product for each tap of the kernel.

Arrays are x (samples, channels, height, width), w (filters, channels / groups, kernel height, kernel width) and
y (samples, filters, height, width). stride, padding and dilation are pairs, for rows and columns. Place i of y is
computed from the places i · stride + tap · dilation − padding of x; places outside of x count as 0. padding is the
number of zeros before x; the number after it follows from the size of y.
"""

import numpy as np

from ...errors import DTypeError, ShapeError
from .elementwise import ACTIVATIONS


def conv2d(x, w, y, *, stride, padding, dilation, groups=1, bias=None, activation=None):
    """y = activation(x * w + bias); bias is (filters,) or None; activation as in matmul."""
    check("conv2d", x, w, y, groups)
    sums = np.zeros(grouped(y, groups), y.dtype)
    for t, u, seen, _ in taps(x, w, y, stride, padding, dilation, groups):
        sums += filters(w, groups)[..., t, u] @ seen
    sums = sums.reshape(y.shape)
    if bias is not None:
        sums += bias[:, None, None]
    if activation is not None:
        ACTIVATIONS[activation](sums, sums)
    y[...] = sums


def conv2d_input(y, w, x, *, stride, padding, dilation, groups=1):
    """x = the gradient of conv2d's x, where y is the gradient of its y: a transposed convolution of y."""
    check("conv2d_input", x, w, y, groups)
    behind = np.zeros_like(bordered(x, w, y, stride, padding, dilation))
    for t, u, _, window in taps(x, w, y, stride, padding, dilation, groups):
        part = behind[window]
        part += (filters(w, groups)[..., t, u].swapaxes(1, 2) @ y.reshape(grouped(y, groups))).reshape(part.shape)
    rows, columns = (slice(p, p + n) for p, n in zip(padding, x.shape[2:]))
    x[...] = behind[:, :, rows, columns]


def conv2d_weight(x, y, w, *, stride, padding, dilation, groups=1):
    """w = the gradient of conv2d's w, where y is the gradient of its y."""
    check("conv2d_weight", x, w, y, groups)
    gradient = y.reshape(grouped(y, groups))
    for t, u, seen, _ in taps(x, w, y, stride, padding, dilation, groups):
        filters(w, groups)[..., t, u] = (gradient @ seen.swapaxes(2, 3)).sum(0)


def check(kernel, x, w, y, groups):
    if not x.dtype == w.dtype == y.dtype:
        raise DTypeError(f"{kernel}: x is {x.dtype}, w {w.dtype}, y {y.dtype}; need one dtype")
    fits = x.ndim == w.ndim == y.ndim == 4 and x.shape[0] == y.shape[0] and x.shape[1] == w.shape[1] * groups
    if not fits or y.shape[1] != w.shape[0] or w.shape[0] % groups:
        raise ShapeError(f"{kernel}: x is {x.shape}, w {w.shape}, y {y.shape}, groups {groups}")


def grouped(a, groups):
    """The shape (samples, groups, channels, places) of an array of planes."""
    return a.shape[0], groups, a.shape[1] // groups, a.shape[2] * a.shape[3]


def filters(w, groups):
    """w as (groups, filters, channels, kernel height, kernel width): a view."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])


def bordered(x, w, y, stride, padding, dilation):
    """x padded with zeros on all sides, as far as the windows of y reach."""
    widths = [(0, 0), (0, 0)]
    for before, size, kernel, places, s, d in zip(padding, x.shape[2:], w.shape[2:], y.shape[2:], stride, dilation):
        widths.append((before, max(0, (places - 1) * s + (kernel - 1) * d + 1 - before - size)))
    return np.pad(x, widths)


def taps(x, w, y, stride, padding, dilation, groups):
    """For each tap: row, column, the numbers it is multiplied by (samples, groups, channels, places), their slices."""
    whole = bordered(x, w, y, stride, padding, dilation)
    samples, _, channels, _ = grouped(x, groups)
    for t in range(w.shape[2]):
        for u in range(w.shape[3]):
            window = (slice(None), slice(None)) + tuple(
                slice(tap * d, tap * d + (n - 1) * s + 1 if n else tap * d, s)
                for tap, d, n, s in zip((t, u), dilation, y.shape[2:], stride)
            )
            yield t, u, whole[window].reshape(samples, groups, channels, y.shape[2] * y.shape[3]), window
