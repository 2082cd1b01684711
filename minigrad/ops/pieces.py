"""Ops that cut tensors into pieces and join them: slices, halves, and the way back.

Pieces are views. Two families carry the gradients: `view` with `place`, each the other's gradient, and `concatenate`
with `pile`, whose gradients are cut into pieces.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence

import numpy as np

from .. import kernels as K
from ..dtypes import REAL
from ..engine import Tensor, differentiable
from ..errors import DTypeError, ShapeError
from .shape import match, normalize_dims, reshape

FAN = 8  # pieces that are cut from one tensor
SMALL = 1 << 14  # pieces times elements of a tensor from which all pieces are cut


@differentiable(x=lambda g, y, x, *, index: place(g, index=index, shape=x.shape))
def view(x, *, index):
    """y = x[index] for a tuple of integers, slices and None: NumPy's view, for indices that fit."""
    return x[index + (...,)]


@differentiable(x=lambda g, y, x, *, index, shape, value: view(g, index=index))
def place(x, *, index, shape, value=0):
    """y[index] = x in a tensor of this shape, which is `value` elsewhere; the index, as in `view`, fits x."""
    y = K.empty(shape, x.dtype)
    if x.size < y.size:
        K.copy(value, y)
    K.place(K.contiguous(x), y[index + (...,)])
    return y


@differentiable(
    shared=lambda g, y: split(g, [x.shape[y.options["dim"]] for x in y.inputs], y.options["dim"]),
    xs=lambda i, pieces, y, *xs, dim: match(pieces[i], xs[i]),
)
def concatenate(*xs, dim):
    """y = the xs one behind the other along dim, in the dtype that holds all."""
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


def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The `length` slices of x from `start` along dim; a negative start counts from the end. A view.

    >>> import minigrad as mg
    >>> mg.narrow(mg.tensor([1, 2, 3, 4]), 0, 1, 2)
    tensor([2., 3.])
    """
    (d,) = normalize_dims("narrow", dim, x.ndim)
    n = x.shape[d]
    first = start + n if start < 0 else start
    if not 0 <= first <= first + length <= n:
        raise IndexError(f"narrow: start {start}, length {length} along dim {dim} of {x.shape}; they reach outside")
    return view(x, index=(slice(None),) * d + (slice(first, first + length),))


def select(x: Tensor, dim: int, index: int) -> Tensor:
    """Slice `index` of x along dim, without that dimension. A view.

    >>> import minigrad as mg
    >>> mg.select(mg.tensor([[1, 2], [3, 4]]), 1, -1)
    tensor([2., 4.])
    """
    (d,) = normalize_dims("select", dim, x.ndim)
    if not -x.shape[d] <= index < x.shape[d]:
        raise IndexError(f"select: index {index} is outside of dim {dim} of {x.shape}")
    return view(x, index=(slice(None),) * d + (operator.index(index),))


def flip(x: Tensor, dims: int | Sequence[int]) -> Tensor:
    """x in reverse along dims. A view.

    >>> import minigrad as mg
    >>> mg.flip(mg.tensor([[1, 2], [3, 4]]), 1)
    tensor([[2., 1.],
            [4., 3.]])
    """
    turned = normalize_dims("flip", dims, x.ndim)
    return view(x, index=tuple(slice(None, None, -1 if d in turned else 1) for d in range(x.ndim)))


def _cut(x: Tensor, dim: int, ends: Sequence[int], drop: bool = False) -> tuple[Tensor, ...]:
    """x between neighbouring ends along dim; drop: these pieces, of size 1, without the dimension.

    Tracked pieces are cut from pieces of at most FAN, and those again: each piece's gradient is then placed in zeros of
    a few pieces' size and added, log(pieces) times, and not once in zeros of x's size: less work, unless x is small.
    """
    items = [first if drop else slice(first, last) for first, last in itertools.pairwise(ends)]
    lead = (slice(None),) * dim
    if not x.tracked:
        return tuple(Tensor(x.array[lead + (item, ...)]) for item in items)
    if len(items) <= FAN or len(items) * x.size <= SMALL:
        return tuple(view(x, index=(*lead, item)) for item in items)
    many = -(-len(items) // FAN)
    found: list[Tensor] = []
    for i in range(0, len(items), many):
        own = ends[i : i + many + 1]
        part = view(x, index=(*lead, slice(own[0], own[-1])))
        found += _cut(part, dim, [end - own[0] for end in own], drop)
    return tuple(found)


def split(x: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along dim into views: split_size_or_sections is their size (the last may be smaller), or a list of sizes.

    >>> import minigrad as mg
    >>> mg.split(mg.tensor([1, 2, 3]), 2)
    (tensor([1., 2.]), tensor([3.]))
    """
    (d,) = normalize_dims("split", dim, x.ndim)
    n = x.shape[d]
    if isinstance(split_size_or_sections, Sequence):
        sizes = list(split_size_or_sections)
        if sum(sizes) != n or any(size < 0 for size in sizes):
            raise ShapeError(f"split: pieces of {sizes} along dim {dim} of {x.shape}; need their sum to be {n}")
    else:
        size = operator.index(split_size_or_sections)
        if size < 0 or size == 0 < n:
            raise ShapeError(f"split: pieces of {size} along dim {dim} of {x.shape}; need at least 1")
        sizes = [min(size, n - start) for start in range(0, n, size)] if n else [0]
    return _cut(x, d, [0, *itertools.accumulate(sizes)])


def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along dim into at most `chunks` pieces of one size (the last may be smaller). Views.

    >>> import minigrad as mg
    >>> [piece.size for piece in mg.chunk(mg.tensor([1, 2, 3, 4, 5]), 4)]
    [2, 2, 1]
    """
    (d,) = normalize_dims("chunk", dim, x.ndim)
    if operator.index(chunks) < 1:
        raise ValueError(f"chunk: chunks is {chunks}; need at least 1")
    if x.shape[d] == 0:
        return split(x, [0] * chunks, d)
    return split(x, -(-x.shape[d] // chunks), d)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of x along dim, without that dimension. Views.

    >>> import minigrad as mg
    >>> mg.unbind(mg.tensor([[1, 2], [3, 4]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    (d,) = normalize_dims("unbind", dim, x.ndim)
    return _cut(x, d, range(x.shape[d] + 1), drop=True)


def rows(x: Tensor) -> Iterator[Tensor]:
    """What `for row in x` goes through."""
    if x.ndim == 0:
        raise TypeError("iteration: the tensor is a single number; use item() or reshape(1)")
    return iter(unbind(x))


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one behind the other along dim; their other sizes are equal. float32 with float64 gives float64.

    >>> import minigrad as mg
    >>> mg.cat([mg.tensor([[1, 2]]), mg.tensor([[3, 4], [5, 6]])])
    tensor([[1., 2.],
            [3., 4.],
            [5., 6.]])
    """
    shape = _first("cat", tensors).array.shape
    (d,) = normalize_dims("cat", dim, len(shape))
    for i, x in enumerate(tensors):
        own = x.array.shape
        if own != shape and (len(own) != len(shape) or own[:d] + own[d + 1 :] != shape[:d] + shape[d + 1 :]):
            raise ShapeError(f"cat: tensor {i} is {own}, tensor 0 {shape}; need equal sizes but along {dim}")
    return concatenate(*tensors, dim=d)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, of one shape, as slices along a new dimension, dim of the result.

    >>> import minigrad as mg
    >>> mg.stack([mg.tensor([1, 2]), mg.tensor([3, 4])], dim=1)
    tensor([[1., 3.],
            [2., 4.]])
    """
    shape = _first("stack", tensors).array.shape
    dims = normalize_dims("stack", operator.index(dim), len(shape) + 1)
    for i, x in enumerate(tensors):
        if x.array.shape != shape:
            raise ShapeError(f"stack: tensor {i} is {x.shape}, tensor 0 {shape}; need one shape")
    return pile(*tensors, dim=dims[0])


def _first(op: str, tensors: Sequence[Tensor]) -> Tensor:
    """The first of the tensors, when they are tensors and have dtypes that can be joined."""
    if isinstance(tensors, Tensor) or not all(isinstance(x, Tensor) for x in tensors):
        raise TypeError(f"{op}: got {type(tensors).__name__} of something else; need a list or tuple of tensors")
    if not tensors:
        raise ValueError(f"{op}: got no tensors; need at least one")
    dtype = tensors[0].array.dtype
    for i, x in enumerate(tensors):
        if x.array.dtype != dtype and not {x.dtype, dtype} <= set(REAL):
            raise DTypeError(f"{op}: tensor {i} is {x.dtype}, tensor 0 {dtype}; cast one with to()")
    return tensors[0]


def roll(x: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """x with its elements moved on by `shifts` along dims, those behind the end coming back in front.

    Without dims, the flattened x is rolled.

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
        (d,) = normalize_dims("roll", dim, x.ndim)
        n = x.shape[d]
        if n and shift % n:
            x = concatenate(narrow(x, d, n - shift % n, shift % n), narrow(x, d, 0, n - shift % n), dim=d)
    return x
