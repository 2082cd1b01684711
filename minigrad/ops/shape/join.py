"""Tensors put together: concatenation, stacking, rolling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import kernels as K
from ...dtypes import REAL
from ...engine import Tensor, differentiable
from ...errors import DTypeError, ShapeError
from .axes import one_dim
from .broadcast import match
from .slices import narrow, split, unbind
from .views import reshape


@differentiable(
    shared=lambda g, y: split(g, [x.shape[y.options["dim"]] for x in y.inputs], y.options["dim"]),
    xs=lambda i, pieces, y, *xs, dim: match(pieces[i], xs[i]),
)
def concatenate(*xs, dim):
    """y = the xs joined along dim, in the dtype that holds all."""
    shape = xs[0].shape
    return _joined(xs, shape[:dim] + (sum([x.shape[dim] for x in xs]),) + shape[dim + 1 :], dim)


@differentiable(
    shared=lambda g, y: unbind(g, y.options["dim"]),
    xs=lambda i, slices, y, *xs, dim: match(slices[i], xs[i]),
)
def pile(*xs, dim):
    """y = the xs, of one shape, as slices along a new dimension dim, in the dtype that holds all."""
    return _joined(xs, xs[0].shape[:dim] + (len(xs),) + xs[0].shape[dim:], dim)


def _joined(xs: Sequence[np.ndarray], shape: tuple[int, ...], dim: int) -> np.ndarray:
    """The xs along dim of an array of this shape, in the dtype that holds all."""
    dtype = xs[0].dtype
    for x in xs:
        if x.dtype != dtype:
            dtype = np.result_type(*xs)
            break
    y = K.empty(shape, dtype)
    K.join([_in_dtype(x, dtype) for x in xs], y, dim)
    return y


def _in_dtype(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """x contiguous in this dtype."""
    if x.dtype != dtype:
        x, given = K.empty(x.shape, dtype), x
        K.copy(given, x)
    return K.contiguous(x)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors joined along dim; their other sizes are equal. float32 with float64 gives float64.

    ShapeError if their other sizes differ, DTypeError for other dtypes that differ, TypeError for what is no list or
    tuple of tensors, ValueError for an empty one.

    >>> import minigrad as mg
    >>> mg.cat([mg.tensor([[1, 2]]), mg.tensor([[3, 4], [5, 6]])])
    tensor([[1., 2.],
            [3., 4.],
            [5., 6.]])
    """
    shape = _first("cat", tensors).array.shape
    d = one_dim("cat", dim, len(shape))
    for i, x in enumerate(tensors):
        own = x.array.shape
        if own != shape and (len(own) != len(shape) or own[:d] + own[d + 1 :] != shape[:d] + shape[d + 1 :]):
            raise ShapeError(f"cat: tensor {i} is {own}, tensor 0 {shape}; need equal sizes but along {dim}")
    return concatenate(*tensors, dim=d)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, of one shape, as slices along a new dimension, dim of the result.

    ShapeError for tensors of several shapes; other errors as those of cat.

    >>> import minigrad as mg
    >>> mg.stack([mg.tensor([1, 2]), mg.tensor([3, 4])], dim=1)
    tensor([[1., 3.],
            [2., 4.]])
    """
    shape = _first("stack", tensors).array.shape
    d = one_dim("stack", dim, len(shape) + 1)
    for i, x in enumerate(tensors):
        if x.array.shape != shape:
            raise ShapeError(f"stack: tensor {i} is {x.shape}, tensor 0 {shape}; need one shape")
    return pile(*tensors, dim=d)


def _first(op: str, tensors: Sequence[Tensor]) -> Tensor:
    """The first of the tensors; raises unless all are tensors and have dtypes that can be joined."""
    if isinstance(tensors, Tensor) or not all(isinstance(x, Tensor) for x in tensors):
        others = [] if isinstance(tensors, Tensor) else [type(x).__name__ for x in tensors if not isinstance(x, Tensor)]
        came = f"a {type(tensors).__name__}" + (f" with a {others[0]}" if others else "")
        raise TypeError(f"{op}: got {came}; need a list or tuple of tensors")
    if not tensors:
        raise ValueError(f"{op}: got no tensors; need at least one")
    dtype = tensors[0].array.dtype
    for i, x in enumerate(tensors):
        if x.array.dtype != dtype and not {x.dtype, dtype} <= set(REAL):
            raise DTypeError(f"{op}: tensor {i} is {x.dtype}, tensor 0 {dtype}; cast one with to()")
    return tensors[0]


def roll(x: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """x with its elements moved by `shifts` along dims; elements that leave at the end come back at the front.

    Without dims, the flattened x is rolled. ShapeError for another number of shifts than of dims.

    >>> import minigrad as mg
    >>> mg.roll(mg.tensor([1, 2, 3]), 1)
    tensor([3., 1., 2.])
    """
    if dims is None:
        return reshape(roll(reshape(x, shape=(-1,)), shifts, 0), shape=x.shape)
    by, along = ([v] if isinstance(v, int) else list(v) for v in (shifts, dims))
    if len(by) != len(along):
        raise ShapeError(f"roll: {len(by)} shifts along {len(along)} dims; need as many")
    for shift, dim in zip(by, along):
        d = one_dim("roll", dim, x.ndim)
        n = x.shape[d]
        if n and shift % n:
            x = concatenate(narrow(x, d, n - shift % n, shift % n), narrow(x, d, 0, n - shift % n), dim=d)
    return x
