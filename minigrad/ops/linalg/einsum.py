"""Einstein's notation: sums of products of tensors, by reduction to batched matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine import Tensor, differentiable
from ...errors import DTypeError, ShapeError
from ..elementwise.arithmetic import mul
from ..elementwise.mask import masked_scale
from ..shape.broadcast import broadcast_to, sum
from ..shape.views import as_one, permute, reshape
from .matmul import matmul

Labels = list[str | int]  # of the dimensions of an operand: letters, and negative numbers for an ellipsis


@differentiable(x=lambda g, y, x: on_diagonal(g))
def diagonal(x):
    """y[..., i] = x[..., i, i]. A view."""
    return np.diagonal(x, axis1=-2, axis2=-1)


def on_diagonal(g: Tensor) -> Tensor:
    """z[..., i, i] = g[..., i], and 0 elsewhere: the gradient of diagonal."""
    n = g.shape[-1]
    shape = (*g.shape, n)
    bits = np.packbits(np.broadcast_to(np.eye(n, dtype=bool), shape), bitorder="little")
    return masked_scale(broadcast_to(reshape(g, shape=(*g.shape, 1)), shape=shape), bits=bits, scale=1.0)


def einsum(equation: str, *operands: Any) -> Tensor:
    """y = the sum over all letters that are not in the output of the product of the operands, as `equation` names them.

    "ij,jk->ik" is a matrix product, "ii" a trace, "ij->ji" a transpose, "bij,bjk->bik" a batch, "i,j->ij" an outer
    product, "...ij->...ji" keeps the dimensions of the ellipsis, which broadcast. Without an arrow the output has the
    ellipsis, then every letter that occurs once, in alphabetical order. A size of 1 broadcasts to any other. Operands
    are multiplied from left to right, two at a time. They may be given as one list.

    ShapeError for an equation that is not valid or does not fit the operands, DTypeError for operands of two dtypes.

    >>> import minigrad as mg
    >>> x = mg.tensor([[1, 2], [3, 4]])
    >>> mg.einsum("ij,kj->ik", x, x)
    tensor([[ 5., 11.],
            [11., 25.]])
    >>> mg.einsum("ii", x)
    tensor(5.)
    """
    operands = as_one(operands)
    inputs, output = parse(equation, operands)
    sizes = sizes_of(equation, inputs, operands)
    terms = [simplify(labels, t, sizes) for labels, t in zip(inputs, operands)]
    labels, y = terms[0]
    for i, (others, t) in enumerate(terms[1:], 2):
        kept = {*output}.union(*(later for later, _ in terms[i:]))
        labels, y = join((labels, y), (others, t), kept, sizes)
    labels, y = reduce_to(labels, y, set(output))
    return permute(y, dims=tuple(labels.index(label) for label in output)) if labels != output else y


def sizes_of(equation: str, inputs: list[Labels], operands: Sequence[Tensor]) -> dict[str | int, int]:
    """The size of each label, which is the same in all operands, except that a size of 1 broadcasts to any other."""
    sizes: dict[str | int, int] = {}
    for labels, t in zip(inputs, operands):
        for d, (label, n) in enumerate(zip(labels, t.shape)):
            if sizes.setdefault(label, n) != n:
                if 1 not in (n, sizes[label]) or label in labels[:d]:  # the sizes of a diagonal do not broadcast
                    where = f"the letter {label!r}" if isinstance(label, str) else "a dimension of the ellipsis"
                    raise ShapeError(f"einsum: {equation!r}: {where} has the sizes {sizes[label]} and {n}")
                sizes[label] = n if sizes[label] == 1 else sizes[label]
    return sizes


def parse(equation: str, operands: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each operand, and those of the output."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise ShapeError(f"einsum: {equation!r} names {len(parts)} operands; {len(operands)} came")
    inputs = [expand(equation, part, t.ndim) for part, t in zip(parts, operands)]
    if len({t.dtype for t in operands}) > 1:
        raise DTypeError(
            f"einsum: operands are {', '.join(str(t.dtype) for t in operands)}; need one dtype: cast with "
            ".float() or .double()"
        )
    return inputs, output_of(equation, [label for labels in inputs for label in labels], right if arrow else None)


def output_of(equation: str, every: Labels, right: str | None) -> Labels:
    """The labels of the output, from all labels of the operands and what stands right of the arrow, if there is one."""
    dots: Labels = sorted({label for label in every if isinstance(label, int)})
    if right is None:
        return dots + sorted(label for label in set(every) - set(dots) if every.count(label) == 1)
    output = expand(equation, right, len(right.replace("...", "")) + (len(dots) if "..." in right else 0))
    if not set(output) <= set(every) or len(set(output)) < len(output):
        raise ShapeError(f"einsum: {equation!r}: the output needs letters of the operands, each once")
    return output


def expand(equation: str, part: str, ndim: int) -> Labels:
    """One label per dimension; those of an ellipsis are numbered -1, -2, ... from the right, as shapes broadcast."""
    before, dots, after = part.partition("...")
    hidden = ndim - len(before + after)
    if (not (before + after).isalpha() and before + after) or not (before + after).isascii():
        raise ShapeError(f"einsum: {equation!r}: {part!r} has something else than letters and one '...'")
    if hidden < 0 or (hidden and not dots):
        raise ShapeError(f"einsum: {equation!r}: {part!r} does not name the {ndim} dimensions of its operand")
    return [*before, *range(-hidden, 0), *after]


def simplify(labels: Labels, t: Tensor, sizes: dict[str | int, int]) -> tuple[Labels, Tensor]:
    """The diagonal for labels that occur twice, and without the dimensions of size 1 that broadcast."""
    stretched = [n == 1 and sizes[label] != 1 for label, n in zip(labels, t.shape)]
    if any(stretched):
        t = reshape(t, shape=tuple(n for n, drop in zip(t.shape, stretched) if not drop))
        labels = [label for label, drop in zip(labels, stretched) if not drop]
    while len(set(labels)) < len(labels):
        i = next(i for i, label in enumerate(labels) if label in labels[:i])
        first = labels.index(labels[i])
        rest = [d for d in range(len(labels)) if d not in (first, i)]
        t = diagonal(permute(t, dims=(*rest, first, i)))
        labels = [labels[d] for d in rest] + [labels[first]]
    return labels, t


def reduce_to(labels: Labels, t: Tensor, kept: set[str | int]) -> tuple[Labels, Tensor]:
    """The labels and the tensor after a sum over the labels that are not in `kept`."""
    dims = tuple(d for d, label in enumerate(labels) if label not in kept)
    return ([label for label in labels if label in kept], sum(t, dim=dims)) if dims else (labels, t)


def join(
    a: tuple[Labels, Tensor], b: tuple[Labels, Tensor], kept: set[str | int], sizes: dict[str | int, int]
) -> tuple[Labels, Tensor]:
    """The product of two terms: of their elements if nothing is summed, else a batch of matrix products."""
    (of_a, x), (of_b, y) = reduce_to(*a, kept | set(b[0])), reduce_to(*b, kept | set(a[0]))
    batch, summed, left, right = shares(of_a, of_b, kept)
    outer: list[Labels] = [batch] if batch else []
    if summed:
        x = arranged(x, of_a, [*outer, left, summed], sizes)
        y = arranged(y, of_b, [*outer, summed, right], sizes)
        z = matmul(x, y)
    else:
        z = mul(arranged(x, of_a, [*outer, left, []], sizes), arranged(y, of_b, [*outer, [], right], sizes))
    made = batch + left + right
    return made, shaped(z, tuple(sizes[label] for label in made))


def shares(of_a: Labels, of_b: Labels, kept: set[str | int]) -> tuple[Labels, Labels, Labels, Labels]:
    """The labels of two operands: in both and kept, in both and summed over, in a alone, in b alone."""
    both = [label for label in of_a if label in of_b]
    batch, summed = [label for label in both if label in kept], [label for label in both if label not in kept]
    left, right = [label for label in of_a if label not in both], [label for label in of_b if label not in both]
    return batch, summed, left, right


def arranged(t: Tensor, labels: Labels, groups: list[Labels], sizes: dict[str | int, int]) -> Tensor:
    """t with one dimension for each group of its labels, in this order; an empty group is a dimension of size 1."""
    order = tuple(labels.index(label) for group in groups for label in group)
    t = permute(t, dims=order) if order != tuple(range(t.ndim)) else t
    return shaped(t, tuple(math.prod(sizes[label] for label in group) for group in groups))


def shaped(t: Tensor, shape: tuple[int, ...]) -> Tensor:
    """t in this shape; t itself if it has this shape."""
    return reshape(t, shape=shape) if t.shape != shape else t
