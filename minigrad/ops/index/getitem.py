"""x[...]: an index as a view of x and, if it has arrays or masks, one gather from that view."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine import Tensor
from ...errors import DTypeError, ShapeError
from ..shape.slices import view
from ..shape.views import permute, reshape
from .gather import as_index, flat_places, take


def _plain(item: Any) -> Any:
    """One item of an index as an int, a slice, None, Ellipsis, or an array of integers or booleans."""
    if item is None or item is Ellipsis:
        return item
    if isinstance(item, slice):
        if item.step == 0:
            raise ValueError("x[...]: the step of a slice is 0; need another")
        return slice(*(v if v is None else operator.index(v) for v in (item.start, item.stop, item.step)))
    if isinstance(item, (Tensor, Sequence, np.ndarray, np.generic)):
        return _plain_array(item)
    if isinstance(item, bool) or not hasattr(item, "__index__"):
        raise TypeError(f"x[...]: {item!r} is no index; need integers, slices, None, ..., arrays of integers, or masks")
    return operator.index(item)


def _plain_array(item: Any) -> Any:
    """An item that holds several numbers, as an array of integers or booleans; an integer if it has no dimension."""
    array = item.array if isinstance(item, Tensor) else np.asarray(item)
    if array.dtype == np.uint8:
        raise DTypeError("x[...]: uint8 may mean a mask or indices; cast it with to(bool) or long()")
    if array.dtype == bool and array.ndim:
        return array
    if array.dtype.kind in "iu" or (array.size == 0 and isinstance(item, Sequence)):
        return array if array.ndim else int(array)
    raise DTypeError(f"x[...]: an index is {array.dtype} {array.shape}; need integers, or a mask of booleans")


def _parse(x: Tensor, index: Any) -> tuple[tuple[Any, ...], list[tuple[int, int, np.ndarray]]]:
    """An index of x in two parts: a basic index, with `:` in place of each array, and the arrays.

    Of an array: its first dimension in the result of the basic index, how many dimensions it indexes, its numbers. A
    mask becomes one array: the places where it is true in its flattened dimensions.
    """
    items = [_plain(item) for item in (index if isinstance(index, tuple) else (index,))]
    used = sum(_span(item) for item in items)
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if used > x.ndim or len(dots) > 1:
        raise IndexError(f"x[...]: {used} indices, {len(dots)} ellipses for {x.shape}; need at most {x.ndim} and one")
    at = dots[0] if dots else len(items)
    items[at : at + 1] = [slice(None)] * (x.ndim - used)

    basic: list[Any] = []
    arrays = []
    dim = dropped = 0
    for item in items:
        span = _span(item)
        here = x.shape[dim : dim + span]
        if isinstance(item, np.ndarray):
            if item.dtype != bool:
                where = as_index("x[...]", item, here[0], negative=True).array
            elif item.shape == here:
                where = np.flatnonzero(item)
            else:
                raise ShapeError(f"x[...]: a mask is {item.shape} at dim {dim} of {x.shape}; need {here}")
            arrays.append((len(basic) - dropped, span, where))
            basic += [slice(None)] * span
        else:
            if isinstance(item, int):
                if not -here[0] <= item < here[0]:
                    raise IndexError(f"x[...]: index {item} is outside of dim {dim} of {x.shape}")
                dropped += 1
            basic.append(item)
        dim += span
    return tuple(basic), arrays


def _span(item: Any) -> int:
    """How many dimensions of x an item of an index uses up."""
    if isinstance(item, np.ndarray) and item.dtype == bool:
        return item.ndim
    return item is not None and item is not Ellipsis


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index]: integers, slices, None and ... give a view; arrays and lists of integers, and masks, a gather.

    As in PyTorch, integers are applied first. Arrays broadcast with each other, and their dimensions take the place of
    the dimensions that they index, or come first if a slice or None lies between them. Unlike in PyTorch, the step of a
    slice may be negative.

    IndexError for an index outside of x, or too many; ShapeError for arrays that do not broadcast or a mask of another
    shape; DTypeError for arrays of floats or uint8; TypeError for other objects; ValueError for a step of 0.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1, 2, 3], [4, 5, 6]])
    >>> x[1, ::-1], x[:, [0, 2]], x[[0, 1], [2, 0]]
    (tensor([6., 5., 4.]), tensor([[1., 3.],
            [4., 6.]]), tensor([3., 4.]))
    """
    shape = x.array.shape
    if type(index) is int and shape and -shape[0] <= index < shape[0]:  # by far the most frequent
        return view(x, index=(index,))
    basic, arrays = _parse(x, index)
    if not arrays or any(not isinstance(item, slice) or item != slice(None) for item in basic):
        x = view(x, index=basic)
    if not arrays:
        return x
    return _gathered(x, arrays)


def _gathered(x: Tensor, arrays: list[tuple[int, int, np.ndarray]]) -> Tensor:
    """x indexed by the arrays of _parse: the dimensions that they index are joined to one, which `take` reads from."""
    wheres = [where for _, _, where in arrays]
    try:
        np.broadcast_shapes(*(where.shape for where in wheres))
    except ValueError:
        shapes = " and ".join(str(where.shape) for where in wheres)
        raise ShapeError(f"x[...]: the indices are {shapes}; need shapes that broadcast") from None
    dims = [d for first, span, _ in arrays for d in range(first, first + span)]
    flat = flat_places(wheres, [math.prod(x.shape[first : first + span]) for first, span, _ in arrays])
    first, behind = dims[0], dims[0] + len(dims)
    if dims[-1] >= behind:
        x = permute(x, dims=(*dims, *(d for d in range(x.ndim) if d not in dims)))
        first, behind = 0, len(dims)
    if len(dims) > 1:
        x = reshape(x, shape=(*x.shape[:first], math.prod(x.shape[first:behind]), *x.shape[behind:]))
    return take(x, flat, dim=first)
