"""Ops that cut tensors into pieces, which are views. `view` and `place` are the gradients of each other."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from .axes import normalize_dims, one_dim

FAN = 8  # up to so many pieces are cut from a tensor directly; see _cut

SMALL = 1 << 14  # up to this product of pieces and elements, all pieces are cut directly


@differentiable(x=lambda g, y, x, *, index: place(g, index=index, shape=x.shape))
def view(x, *, index):
    """y = x[index] for a tuple of integers, slices and None that fits x: NumPy's view."""
    return x[index + (...,)]


@differentiable(x=lambda g, y, x, *, index, shape, value: view(g, index=index))
def place(x, *, index, shape, value=0):
    """y[index] = x in a tensor of this shape, which is `value` elsewhere; the index, as in `view`, fits x."""
    y = K.empty(shape, x.dtype)
    if x.size < y.size:
        K.copy(value, y)
    K.place(K.contiguous(x), y[index + (...,)])
    return y


def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The `length` slices of x from `start` along dim; a negative start counts from the end. A view.

    IndexError if the slices reach outside of x.

    >>> import minigrad as mg
    >>> mg.narrow(mg.tensor([1, 2, 3, 4]), 0, 1, 2)
    tensor([2., 3.])
    """
    d = one_dim("narrow", dim, x.ndim)
    n = x.shape[d]
    first = start + n if start < 0 else start
    if not 0 <= first <= first + length <= n:
        raise IndexError(f"narrow: start {start}, length {length} along dim {dim} of {x.shape}; they reach outside")
    return view(x, index=(slice(None),) * d + (slice(first, first + length),))


def select(x: Tensor, dim: int, index: int) -> Tensor:
    """Slice `index` of x along dim, without that dimension. A view.

    IndexError for a slice that x does not have.

    >>> import minigrad as mg
    >>> mg.select(mg.tensor([[1, 2], [3, 4]]), 1, -1)
    tensor([2., 4.])
    """
    d = one_dim("select", dim, x.ndim)
    if not -x.shape[d] <= index < x.shape[d]:
        raise IndexError(f"select: index {index} is outside of dim {dim} of {x.shape}")
    return view(x, index=(slice(None),) * d + (operator.index(index),))


def flip(x: Tensor, dims: int | Sequence[int]) -> Tensor:
    """x in reverse along dims. A view.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.flip(mg.tensor([[1, 2], [3, 4]]), 1)
    tensor([[2., 1.],
            [4., 3.]])
    """
    turned = normalize_dims("flip", dims, x.ndim)
    return view(x, index=tuple(slice(None, None, -1 if d in turned else 1) for d in range(x.ndim)))


def _cut(x: Tensor, dim: int, ends: Sequence[int], drop: bool = False) -> tuple[Tensor, ...]:
    """x between neighbouring ends along dim; drop: these pieces, of size 1, without the dimension.

    If x is tracked and has many pieces, it is cut into at most FAN parts, and each part again. The gradient of a piece
    is placed in zeros of the size of what it was cut from, and added. So it is placed log(pieces) times, mostly in
    small parts, and not once in zeros of x's size. That is less work unless x is small.
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

    ShapeError for a size below 1, or sizes whose sum is not that of x along dim.

    >>> import minigrad as mg
    >>> mg.split(mg.tensor([1, 2, 3]), 2)
    (tensor([1., 2.]), tensor([3.]))
    """
    d = one_dim("split", dim, x.ndim)
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

    ValueError if chunks is below 1.

    >>> import minigrad as mg
    >>> [piece.size for piece in mg.chunk(mg.tensor([1, 2, 3, 4, 5]), 4)]
    [2, 2, 1]
    """
    d = one_dim("chunk", dim, x.ndim)
    if operator.index(chunks) < 1:
        raise ValueError(f"chunk: chunks is {chunks}; need at least 1")
    if x.shape[d] == 0:
        return split(x, [0] * chunks, d)
    return split(x, -(-x.shape[d] // chunks), d)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of x along dim, without that dimension. Views.

    ShapeError for a dim that x does not have.

    >>> import minigrad as mg
    >>> mg.unbind(mg.tensor([[1, 2], [3, 4]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    d = one_dim("unbind", dim, x.ndim)
    return _cut(x, d, range(x.shape[d] + 1), drop=True)


def rows(x: Tensor) -> Iterator[Tensor]:
    """The iterator of `for row in x`; TypeError for a single number."""
    if x.ndim == 0:
        raise TypeError("iteration: the tensor is a single number; use item() or reshape(1)")
    return iter(unbind(x))
