"""Arguments of ops: operands as tensors, dimensions as sorted axes, and what a reduction kernel takes for them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import kernels as K
from ...convert import owned
from ...dtypes import REAL
from ...engine import Tensor
from ...errors import DTypeError, ShapeError


def given(x: Any) -> Tensor:
    """x as a tensor."""
    return x if isinstance(x, Tensor) else Tensor(owned(x))


def as_dtype(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The numbers of x in another dtype, in a new array."""
    y = K.empty(x.shape, dtype)
    K.copy(x, y)
    return y


def normalize_dims(op: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """dim as sorted, distinct, non-negative axes; None is all of them."""
    if dim is None:
        return tuple(range(ndim))
    if type(dim) is int and -ndim <= dim < ndim:  # by far the most frequent
        return (dim % ndim,)
    try:
        dims = (dim,) if isinstance(dim, (int, np.integer)) else tuple(map(operator.index, dim))
    except TypeError:
        dims = (True,)
    if any(isinstance(d, bool) for d in dims):  # True would mean dimension 1, where keepdim is given in dim's place
        raise TypeError(f"{op}: dim is {dim!r}; need an integer, or several")
    for d in dims:
        if not -ndim <= d < ndim:
            raise ShapeError(f"{op}: dim {d} is outside of a tensor with {ndim} dimensions")
    found = tuple(sorted(d % ndim for d in dims))
    if len(set(found)) < len(found):
        raise ShapeError(f"{op}: dim {dims} names a dimension twice")
    return found


def one_dim(op: str, dim: int, ndim: int) -> int:
    """dim as one non-negative axis."""
    dims = normalize_dims(op, dim, ndim)
    if dim is None or len(dims) != 1:
        raise ShapeError(f"{op}: dim is {dim!r}; need one dimension")
    return dims[0]


def reduced_dims(op: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """normalize_dims for a reduction, where an empty dim means all dimensions, as in PyTorch."""
    return normalize_dims(op, dim, ndim) or tuple(range(ndim))


def reduced_shape(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """The shape that is left when dims are reduced."""
    if keepdim:
        return tuple(1 if i in dims else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in dims)


def reduction(op: str, x: np.ndarray, dim: Any, keepdim: bool) -> tuple[np.ndarray, np.ndarray, int, int]:
    """What a reduction kernel takes for dim: x contiguous, an empty output, and the axes of x, first <= axis < last.

    Axes that are not next to each other are moved to the end.
    """
    x, ndim = K.contiguous(x), x.ndim
    if type(dim) is int and -ndim <= dim < ndim:  # by far the most frequent
        first = dim % ndim
        return x, K.empty_reduced(x, first, first + 1, keepdim), first, first + 1
    dims = reduced_dims(op, dim, ndim)
    first, last = (dims[0], dims[-1] + 1) if dims else (0, 0)
    if last - first == len(dims):
        return x, K.empty_reduced(x, first, last, keepdim), first, last
    kept = tuple(i for i in range(x.ndim) if i not in dims)
    y = K.empty(reduced_shape(x.shape, dims, keepdim), x.dtype)
    return K.contiguous(x.transpose(kept + dims)), y, len(kept), x.ndim


def check_real(op: str, *tensors: Any) -> None:
    """Raise DTypeError for tensors of integers or booleans; the error says how to convert them."""
    for t in tensors:
        if isinstance(t, Tensor) and t.array.dtype not in REAL:
            raise DTypeError(
                f"{op}: a tensor is {t.array.dtype}; need float32 or float64: use .float() or .double(), "
                "of an array .astype('float32')"
            )
