"""Gathers, scatters and joins in NumPy: numbers move, and only add_at adds them."""

import numpy as np


def take(x, index, out, axis=0):
    """out[i] = x[index[i]] along an axis; index is int64 of any shape, each in [0, x.shape[axis])."""
    check_indices("take", "row", index, x.shape[axis])
    np.take(x, index, axis=axis, out=out)


def add_at(x, index, out, axis=0):
    """out[index[i]] += x[i] along an axis, i rising; index is int64 of any shape, each in [0, out.shape[axis])."""
    check_indices("add_at", "row", index, out.shape[axis])
    np.add.at(out, (slice(None),) * axis + (index,), x)


def class_places(index, out, classes):
    """out[i] = i classes + index[i]: the place of each row's class in the flattened (rows, classes); index is int64."""
    check_indices("class_places", "index", index, classes)
    np.add(np.arange(len(index)) * classes, index, out=out)


def place(x, out):
    """out[...] = x, which has out's shape and dtype. out may have any strides, but must not hold an element twice."""
    np.copyto(out, x)


def check_indices(kernel, what, index, n):
    """IndexError for an index outside [0, n). NumPy's check is not enough: it takes -1 for the last element."""
    outside = np.flatnonzero((index < 0) | (index >= n))
    if outside.size:
        at = outside[0]
        raise IndexError(f"{kernel}: {what}[{at}] is {index.flat[at]}; need 0 <= {what} < {n}")


def join(xs, out, axis):
    """out = the xs joined along axis. Each x has out's shape except along axis; without that axis it counts as one."""
    start = 0
    for x in xs:
        piece = x[(slice(None),) * axis + (None,)] if x.ndim < out.ndim else x
        end = start + piece.shape[axis]
        out[(slice(None),) * axis + (slice(start, end),)] = piece
        start = end
