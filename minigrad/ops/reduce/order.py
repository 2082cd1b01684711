"""Elements in order: sorted, or the largest few, and their places. A gradient goes to the place of its element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import whole
from ...engine import Tensor
from ...errors import ShapeError
from ...recording import decided_by_numpy
from ..index.gather import gather
from ..shape.axes import given, one_dim
from .extremes import Extreme


def argsort(input: Any, dim: int = -1, descending: bool = False) -> Tensor:
    """int64 places of the elements of input along dim in rising order, or descending; equal ones in order of place.

    NaN counts as largest.

    ShapeError for a dim that input does not have.

    >>> import minigrad as mg
    >>> mg.argsort(mg.tensor([3, 1, 2])), mg.argsort(mg.tensor([3, 1, 3]), descending=True)
    (tensor([1, 2, 0], dtype=int64), tensor([0, 2, 1], dtype=int64))
    """
    x = given(input)
    d = one_dim("argsort", dim, x.ndim)
    decided_by_numpy("argsort", x.array)
    if not descending:
        return Tensor(np.argsort(x.array, axis=d, kind="stable"))
    order = np.argsort(np.flip(x.array, d), axis=d, kind="stable")  # of the reversed x, so equal ones keep their order
    return Tensor(np.ascontiguousarray(x.shape[d] - 1 - np.flip(order, d)))


def sort(input: Any, dim: int = -1, descending: bool = False) -> Extreme:
    """The elements of input along dim in rising order, or descending, and their places: (values, indices).

    Equal elements keep their order; NaN counts as largest.

    ShapeError for a dim that input does not have.

    >>> import minigrad as mg
    >>> mg.sort(mg.tensor([3, 1, 2])).values
    tensor([1., 2., 3.])
    """
    x = given(input)
    order = argsort(x, dim, descending)
    return Extreme(gather(x, dim, order), order)


def topk(input: Any, k: int, dim: int = -1, largest: bool = True) -> Extreme:
    """The k largest (or smallest) elements of input along dim, in order, and their places: (values, indices).

    Of equal elements the first are taken; NaN counts as largest.

    ShapeError for a k above the number of elements along dim.

    >>> import minigrad as mg
    >>> mg.topk(mg.tensor([3, 1, 2]), 2)
    Extreme(values=tensor([3., 2.]), indices=tensor([0, 2], dtype=int64))
    """
    x = given(input)
    d = one_dim("topk", dim, x.ndim)
    if whole(k, "topk: k", 0) > x.shape[d]:
        raise ShapeError(f"topk: k is {k}, dim {dim} of {x.shape} has {x.shape[d]} elements; need as many")
    order = argsort(x, dim, largest).array[(slice(None),) * d + (slice(k),)]
    return Extreme(gather(x, dim, order), Tensor(np.ascontiguousarray(order)))
