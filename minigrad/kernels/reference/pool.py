"""Pools of planes in NumPy: loops over the windows.

Arrays are x (samples, channels, height, width) and y (samples, channels, rows, columns), one element for each window.
kernel, stride, padding and dilation are pairs, for rows and columns. Window i covers the places i · stride + tap ·
dilation − padding that lie in x.
"""

import numpy as np

from .gather import check_indices


def windows(x, y, kernel, stride, padding, dilation=(1, 1)):
    """For each window: row and column of y, slices of its rows and columns in x, and its size with its padding.

    kernel (0, 0) divides x evenly among the windows: window i begins at i · n / m, rounded down, and ends before
    (i + 1) · n / m, rounded up, for n places of x and m of y.
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
    """y = the largest element of each window, index (int64) = its place in its plane.

    Of equal elements the first counts. NaN counts as larger than any number, and of several NaN the last one counts.
    """
    places = np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    for i, j, rows, columns, _ in windows(x, y, kernel, stride, padding, dilation):
        here = places[rows, columns].ravel()
        seen = x[:, :, rows, columns].reshape(*x.shape[:2], here.size)
        at = np.argmax(seen, axis=2)
        last = seen.shape[2] - 1 - np.argmax(np.isnan(seen[:, :, ::-1]), axis=2)
        at = np.where(np.isnan(seen).any(2), last, at)  # the last NaN: the native kernel takes each NaN that it reads
        y[:, :, i, j] = np.take_along_axis(seen, at[:, :, None], 2)[:, :, 0]
        index[:, :, i, j] = here[at]


def pool_pick(x, index, y):
    """y = x[index], where index numbers the places of a plane."""
    check_indices("pool_pick", "index", index, x.shape[2] * x.shape[3])
    places = index.reshape(*y.shape[:2], y.shape[2] * y.shape[3])
    planes = x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
    y[...] = np.take_along_axis(planes, places, 2).reshape(y.shape)


def pool_put(y, index, x):
    """x = 0, then x[index] += y in the order of y: the gradient of pool_pick's x, where y is the gradient of its y."""
    check_indices("pool_put", "index", index, x.shape[2] * x.shape[3])
    x[...] = 0
    planes, places = x.shape[0] * x.shape[1], y.shape[2] * y.shape[3]
    at = np.arange(planes)[:, None], index.reshape(planes, places)
    np.add.at(x.reshape(planes, x.shape[2] * x.shape[3]), at, y.reshape(planes, places))


def avg_pool2d(x, y, *, kernel, stride, padding, count_include_pad=True, divisor=0):
    """y = the sum of each window / divisor. A divisor of 0 means the number of places of the window: those in x and in
    its padding, or those in x alone if count_include_pad is False.
    """
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
