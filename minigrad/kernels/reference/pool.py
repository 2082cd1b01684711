"""Pools of planes in NumPy: a loop over the windows, and over places where windows give something back.

Arrays are x (samples, channels, height, width) and y (samples, channels, rows, columns), one element for each window.
kernel, stride, padding and dilation are pairs, for rows and columns. Window i covers the places i · stride + tap ·
dilation − padding that lie in x.
"""

import numpy as np

from .gather import check_indices


def windows(x, y, kernel, stride, padding, dilation=(1, 1)):
    """(row of y, column of y, the rows and the columns of its window: slices, the size that counts its padding).

    kernel (0, 0): windows that share x evenly, from i · x / y, rounded down, to (i + 1) · x / y, rounded up.
    """
    sides = []
    for n, m, k, s, p, d in zip(x.shape[2:], y.shape[2:], kernel, stride, padding, dilation):
        side = []
        for i in range(m):
            start, end = i * s - p, i * s - p + (k - 1) * d + 1
            if k == 0:
                start, end, d = i * n // m, -(-(i + 1) * n // m), 1
            first = start if start >= 0 else start + -(start // d) * d
            side.append((slice(first, min(end, n), d), min(end, n + p) - start))
        sides.append(side)
    for i, (rows, height) in enumerate(sides[0]):
        for j, (columns, width) in enumerate(sides[1]):
            yield i, j, rows, columns, height * width


def max_pool2d(x, y, index, *, kernel, stride, padding, dilation):
    """y = the largest element of each window, index (int64) = where in its plane it stands first; NaN is largest."""
    places = np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    for i, j, rows, columns, _ in windows(x, y, kernel, stride, padding, dilation):
        here = places[rows, columns].ravel()
        seen = x[:, :, rows, columns].reshape(*x.shape[:2], here.size)
        at = np.argmax(seen, axis=2)
        last = seen.shape[2] - 1 - np.argmax(np.isnan(seen[:, :, ::-1]), axis=2)
        at = np.where(np.isnan(seen).any(2), last, at)  # the last NaN, as a scan that takes every NaN ends
        y[:, :, i, j] = np.take_along_axis(seen, at[:, :, None], 2)[:, :, 0]
        index[:, :, i, j] = here[at]


def pool_pick(x, index, y):
    """y = x[index], index counting the places of a plane."""
    check_indices("pool_pick", "index", index, x.shape[2] * x.shape[3])
    places = index.reshape(*y.shape[:2], y.shape[2] * y.shape[3])
    planes = x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
    y[...] = np.take_along_axis(planes, places, 2).reshape(y.shape)


def pool_put(y, index, x):
    """x = 0, then x[index] += y in the order of y: what pool_pick took, put back."""
    check_indices("pool_put", "index", index, x.shape[2] * x.shape[3])
    x[...] = 0
    planes, places = x.shape[0] * x.shape[1], y.shape[2] * y.shape[3]
    at = np.arange(planes)[:, None], index.reshape(planes, places)
    np.add.at(x.reshape(planes, x.shape[2] * x.shape[3]), at, y.reshape(planes, places))


def avg_pool2d(x, y, *, kernel, stride, padding, count_include_pad=True, divisor=0):
    """y = the sum of each window / divisor; 0: its count, of the places in x, or in x and its padding too."""
    for i, j, rows, columns, whole in windows(x, y, kernel, stride, padding):
        seen = x[:, :, rows, columns]
        count = divisor or (whole if count_include_pad else seen.shape[2] * seen.shape[3])
        y[:, :, i, j] = seen.sum((2, 3), dtype=np.float64) / count


def avg_pool2d_grad(y, x, *, kernel, stride, padding, count_include_pad=True, divisor=0):
    """x = the gradient of avg_pool2d's x, where y is the gradient of its y."""
    total = np.zeros(x.shape)
    for i, j, rows, columns, whole in windows(x, y, kernel, stride, padding):
        part = total[:, :, rows, columns]
        count = divisor or (whole if count_include_pad else part.shape[2] * part.shape[3])
        part += y[:, :, i, j, None, None].astype(np.float64) / count
    x[...] = total
