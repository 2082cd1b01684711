"""Which weights of a parameter make a group: rows and columns by its shape, filters, channels, gates by its layer.

    whole      all of the parameter
    rows       slices of its first axis: an input of a Linear, an entry of an Embedding
    columns    slices of its last axis: a unit of a Linear
    filters    all that makes an output channel of a convolution
    channels   all that reads an input channel of a convolution
    kernels    the window with which one filter looks at one channel
    gates      the column of one gate of one unit of a recurrent layer
    units      all that makes one output: a column of a Linear or an Embedding, a filter, all gates of a recurrent unit

A transposed convolution keeps its filters on the second axis, a convolution in groups the channels of each group on
top of each other, a recurrent layer its gates side by side: a layout says so once, as a view and the axes that groups
are numbered by.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels as K
from ...errors import ShapeError
from ...nn.cells import Weights
from ...nn.conv import Convolutional
from ...nn.module import Module

BY_SHAPE = ("whole", "rows", "columns")
OF_CONVOLUTIONS = ("filters", "channels", "kernels")
BY_LAYER = (*OF_CONVOLUTIONS, "gates", "units")
GROUPS = (*BY_SHAPE, *BY_LAYER)


@dataclass(frozen=True, repr=False)
class Layout:
    """The groups of one parameter: its array in the shape `view`, a group for each index into the axes `kept`.

    >>> layout("rows", (16, 3, 5, 5)), layout("channels", (16, 3, 5, 5))
    (16 rows of 75, 3 channels of 400)
    """

    groups: str
    view: tuple[int, ...]
    kept: tuple[int, ...]

    @property
    def along(self) -> tuple[int, ...]:
        """The axes of the view that a group lies along."""
        return tuple(axis for axis in range(len(self.view)) if axis not in self.kept)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return math.prod(self.view[axis] for axis in self.kept)

    @property
    def size(self) -> int:
        """How many weights each of them has."""
        return math.prod(self.view[axis] for axis in self.along)

    @property
    def order(self) -> tuple[int, ...] | None:
        """The permutation that puts the axes of a group side by side; None if they are already."""
        along = self.along
        if all(b == a + 1 for a, b in itertools.pairwise(along)):
            return None
        return (*self.kept, *along)

    @property
    def axes(self) -> tuple[int, int]:
        """The axes first <= axis < last of what `taken` gives that a group lies along: what kernels for groups take."""
        if self.order is not None:
            return len(self.kept), len(self.view)
        return (self.along[0], self.along[-1] + 1) if self.along else (len(self.view), len(self.view))

    def seen(self, array: np.ndarray) -> np.ndarray:
        """A view of a contiguous array of the parameter's shape, its axes in the order that `axes` counts in."""
        viewed = array.reshape(self.view)
        return viewed if self.order is None else viewed.transpose(self.order)

    def taken(self, array: np.ndarray) -> np.ndarray:
        """The same, contiguous: a copy where axes had to be moved, else a view."""
        return K.contiguous(self.seen(array))

    def put_back(self, taken: np.ndarray, array: np.ndarray) -> None:
        """Write what `taken` gave, and was changed since, into the array; nothing to do where it is a view of it."""
        if self.order is not None:
            K.copy(taken.transpose(np.argsort(self.order)), array.reshape(self.view))

    def per_group(self, dtype: Any) -> np.ndarray:
        """An array with one element for each group, in the order in which kernels number them."""
        shape, (first, last) = self.seen(np.empty(self.view, bool)).shape, self.axes
        return K.empty(shape[:first] + shape[last:], dtype)

    def empty(self, array: np.ndarray) -> int:
        """How many groups hold nothing but zeros."""
        return int((~self.seen(np.ascontiguousarray(array) != 0).any(tuple(range(*self.axes)))).sum())

    def __repr__(self) -> str:
        word = self.groups if self.count != 1 else self.groups.removesuffix("s")
        return f"{self.count} {word} of {self.size}"


def check_groups(who: str, groups: Any) -> str:
    """groups, one of GROUPS."""
    if groups not in GROUPS:
        raise ValueError(f"{who}: groups is {groups!r}; need one of {', '.join(GROUPS)}")
    return groups


def layout(groups: str, shape: tuple[int, ...], layer: Module | None = None) -> Layout:
    """The groups of a parameter of this shape; without a layer, three axes and more are those of a Conv.

    ShapeError where there are no such groups: in a vector, or in a weight of another kind of layer.
    """
    last = len(shape) - 1
    if groups == "whole":
        return Layout(groups, shape, ())
    if last < 1:
        need = "two dimensions or more" if groups in BY_SHAPE else "a weight"
        raise ShapeError(f"groups={groups!r}: a parameter is {shape}; it has no {groups}: need {need}")
    if groups in ("rows", "columns"):
        return Layout(groups, shape, (0,) if groups == "rows" else (last,))
    if isinstance(layer, Convolutional) or (layer is None and last >= 2):
        return _of_convolution(groups, shape, layer)
    if groups == "gates" and (layer is None or isinstance(layer, Weights)):
        return Layout(groups, shape, (last,))
    if groups == "units":
        gates = layer.gates if isinstance(layer, Weights) else 1
        if gates == 1:
            return Layout(groups, shape, (last,))
        return Layout(groups, (*shape[:-1], gates, shape[-1] // gates), (last + 1,))
    raise _no_groups(groups, shape, layer)


def _of_convolution(groups: str, shape: tuple[int, ...], layer: Convolutional | None) -> Layout:
    """Filters, channels and kernels of W (out, in / parts, kernel), or, transposed, (in, out / parts, kernel)."""
    if groups == "kernels":
        return Layout(groups, shape, (0, 1))
    if groups not in ("filters", "channels", "units"):
        raise _no_groups(groups, shape, layer)
    parts, transposed = (layer.groups, layer.transposed) if layer is not None else (1, False)
    if (groups == "channels") == transposed:  # on the first axis
        return Layout(groups, shape, (0,))
    if parts == 1:
        return Layout(groups, shape, (1,))
    return Layout(groups, (parts, shape[0] // parts, *shape[1:]), (0, 2))


def _no_groups(groups: str, shape: tuple[int, ...], layer: Module | None) -> ShapeError:
    what = "a matrix" if layer is None else f"of a {type(layer).__name__}"
    need = "a recurrent layer" if groups == "gates" else "a convolution"
    return ShapeError(f"groups={groups!r}: a parameter is {shape}, {what}; it has no {groups}: need those of {need}")


def owner(model: Module, w: Any) -> Module | None:
    """The layer that has a parameter as its own, the first of several."""
    return next((module for module in model.modules() if any(w is own for own in vars(module).values())), None)
