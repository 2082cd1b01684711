"""Embeddings: rows of a table by number, their sums, means or maxima over bags, and one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...convert import owned
from ...engine import Tensor, differentiable
from ...errors import DTypeError, ShapeError
from ...kernels.reference.embedding_bag import BAG_MAX, BAG_MEAN, BAG_SUM
from ...recording import decided_by_numpy
from ..elementwise.where import where
from ..index.gather import as_index, gather
from ..shape.axes import check_real, given
from ..shape.views import reshape

MODES = {"sum": BAG_SUM, "mean": BAG_MEAN, "max": BAG_MAX}

# --- ops; by keyword the arrays index (n,) and offsets (bags,), the mode, the index to skip --------------------------


@differentiable(
    weight=lambda g, y, weight, scale, **o: bags_grad(g, scale, entries=len(weight.array), largest=y.saved, **o),
    scale=lambda g, y, weight, scale, *, index, offsets, mode, skip: bag_dots(
        g, weight, index=index, offsets=offsets, skip=skip
    ),
)
def bags(weight, scale=None, *, index, offsets=None, mode=BAG_SUM, skip=-1):
    """y (bags, width): the sum of weight[index[i]] scale[i] over each bag, or their mean or largest."""
    count = len(index) if offsets is None else len(offsets)
    y = K.empty((count, weight.shape[1]), weight.dtype)
    largest = K.empty(y.shape, np.int64) if mode == BAG_MAX else None
    own = None if scale is None else K.contiguous(scale)
    w = K.contiguous(weight)
    K.embedding_bag(w, index, y, mode=mode, offsets=offsets, scale=own, largest=largest, skip=skip)
    return y, largest


def _chosen(g: Tensor, largest: np.ndarray) -> Tensor:
    """The element of g (entries, width) in the row that each maximum came from; 0 for an empty bag."""
    decided_by_numpy("the gradient of a bag's largest", g.array)
    return where(largest >= 0, gather(g, 0, np.where(largest < 0, 0, largest)), 0.0)


def _bags_again(a: Tensor, scale: Tensor | None, largest: Any, o: dict[str, Any]) -> Tensor:
    """The gradient of bags_grad with respect to g: the bags of a, for a maximum from the same rows as in `largest`."""
    return _chosen(a, largest) if o["mode"] == BAG_MAX and len(a.array) else bags(a, scale, **o)


@differentiable(
    g=lambda a, z, g, scale, *, entries, largest, **o: _bags_again(a, scale, largest, o),
    scale=lambda a, z, g, scale, *, index, offsets, mode, skip, entries, largest: bag_dots(
        g, a, index=index, offsets=offsets, skip=skip
    ),
)
def bags_grad(g, scale=None, *, index, offsets=None, mode=BAG_SUM, skip=-1, entries, largest=None):
    """z (entries, width): the gradient of bags with respect to weight, added up in the order of the entries."""
    z = K.empty((entries, g.shape[1]), g.dtype)
    own = None if scale is None else K.contiguous(scale)
    g = K.contiguous(g)
    K.embedding_bag_grad(g, index, z, mode=mode, offsets=offsets, scale=own, largest=largest, skip=skip)
    return z


@differentiable(
    g=lambda a, z, g, weight, **o: bags(weight, a, mode=BAG_SUM, **o),
    weight=lambda a, z, g, weight, **o: bags_grad(g, a, mode=BAG_SUM, entries=len(weight.array), **o),
)
def bag_dots(g, weight, *, index, offsets=None, skip=-1):
    """z (n,): Σ g[b] weight[index[i]] for each entry i of each bag b: the gradient of bags with respect to scale."""
    z = K.empty(index.shape, weight.dtype)
    K.embedding_bag_dots(K.contiguous(g), K.contiguous(weight), index, z, offsets=offsets, skip=skip)
    return z


@differentiable(
    weight=lambda g, y, weight, *, index, frozen: bags_grad(
        g, None, index=index, skip=frozen, entries=len(weight.array)
    )
)
def rows_of_table(weight, *, index, frozen=-1):
    """y (n, width): weight[index]. Row number `frozen` gets no gradient."""
    y = K.empty((len(index), weight.shape[1]), weight.dtype)
    K.embedding_bag(K.contiguous(weight), index, y)
    return y


# --- what users call -------------------------------------------------------------------------------------------------


def _table(op: str, weight: Any, padding_idx: int | None) -> tuple[Tensor, int]:
    """weight as a table, and padding_idx as a row number, -1 for none."""
    w = given(weight)
    check_real(op, w)
    if w.ndim != 2:
        raise ShapeError(f"{op}: weight is {w.shape}; need (entries, width)")
    if padding_idx is None:
        return w, -1
    return w, int(as_index(f"{op}: padding_idx", padding_idx, len(w.array), negative=True).array)


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """weight[input]: rows of weight (entries, width), for integers of any shape. Row padding_idx gets no gradient.

    The gradient of weight is added up in the order of input. IndexError for an index outside of the table, ShapeError
    for a weight that is no matrix, DTypeError for an input of floats or a weight of integers.

    >>> import minigrad as mg
    >>> mg.embedding([1, 0, 1], mg.tensor([[1, 2], [3, 4]]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    w, frozen = _table("embedding", weight, padding_idx)
    index = as_index("embedding", input, len(w.array)).array
    y = rows_of_table(w, index=K.contiguous(index).reshape(-1), frozen=frozen)
    return y if index.ndim == 1 else reshape(y, shape=(*index.shape, w.array.shape[1]))


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    mode: str = "mean",
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """y (bags, width): for each bag the "sum", "mean" or "max" (by mode) of the rows of weight that its entries name.

    input is (bags, n), or (n,) with offsets (bags,): where each bag begins in it, rising from 0; with
    include_last_offset a last offset says where the last bag ends. An empty bag gives 0. per_sample_weights has a
    factor for each entry of input, for sums only. Entries with the index padding_idx are left out, also of a mean. A
    sum is added up in float64 in the order of the entries; the gradient of weight is added up in that order too.

    IndexError for an index outside of the table; ShapeError or ValueError for offsets that do not fit; ValueError for
    another mode, or per_sample_weights beside mean or max.

    >>> import minigrad as mg
    >>> weight = mg.tensor([[1, 2], [3, 4], [5, 6]])
    >>> mg.embedding_bag([0, 2, 1], weight, offsets=[0, 2], mode="sum")
    tensor([[6., 8.],
            [3., 4.]])
    """
    w, skip = _table("embedding_bag", weight, padding_idx)
    if mode not in MODES:
        raise ValueError(f"embedding_bag: mode is {mode!r}; need 'sum', 'mean' or 'max'")
    index = as_index("embedding_bag", input, len(w.array)).array
    starts = _starts(index, offsets, include_last_offset)
    scale = _factors(per_sample_weights, index, w, mode)
    return bags(w, scale, index=K.contiguous(index).reshape(-1), offsets=starts, mode=MODES[mode], skip=skip)


def _factors(weights: Any, index: np.ndarray, w: Tensor, mode: str) -> Tensor | None:
    """per_sample_weights as a vector."""
    if weights is None:
        return None
    if mode != "sum":
        raise ValueError(f"embedding_bag: per_sample_weights go with mode='sum'; got {mode!r}")
    t = weights if isinstance(weights, Tensor) else Tensor(owned(weights, w.dtype))
    if t.array.shape != index.shape:
        raise ShapeError(f"embedding_bag: per_sample_weights are {t.shape}, input {index.shape}; need the same")
    if t.array.dtype != w.array.dtype:
        raise DTypeError(f"embedding_bag: per_sample_weights are {t.dtype}, weight {w.dtype}; need one dtype")
    return t if t.ndim == 1 else reshape(t, shape=(-1,))


def _starts(index: np.ndarray, offsets: Any, include_last: bool) -> np.ndarray:
    """Where bags begin, int64."""
    if index.ndim == 2:
        if offsets is not None:
            raise ShapeError(f"embedding_bag: input is {index.shape}, whose rows are bags; need no offsets")
        return np.arange(len(index)) * index.shape[1]
    if index.ndim != 1 or offsets is None:
        raise ShapeError(f"embedding_bag: input is {index.shape}; need (bags, n), or (n,) with offsets")
    starts = K.contiguous(as_index("embedding_bag: offsets", offsets, index.size + 1).array)
    if starts.ndim != 1 or (include_last and not starts.size):
        raise ShapeError(f"embedding_bag: offsets are {starts.shape}; need (bags,)")
    if starts.size and (starts[0] != 0 or bool((starts[1:] < starts[:-1]).any())):
        raise ValueError(f"embedding_bag: offsets are {starts.tolist()!r:.60}; need them to begin with 0 and to rise")
    if include_last:
        if starts[-1] != index.size:
            raise ValueError(f"embedding_bag: the last offset is {starts[-1]}; need {index.size}, the end of input")
        starts = starts[:-1]
    return starts


def one_hot(x: Any, num_classes: int = -1) -> Tensor:
    """int64 (…, num_classes): 1 at the class in x, else 0; num_classes -1 means the largest class in x plus 1.

    ValueError for num_classes below 1, IndexError for a class outside [0, num_classes).

    >>> import minigrad as mg
    >>> mg.one_hot([0, 2])
    tensor([[1, 0, 0],
            [0, 0, 1]], dtype=int64)
    """
    classes = K.contiguous(x.array if isinstance(x, Tensor) else np.asarray(x))
    if num_classes == -1 and classes.size:
        num_classes = int(classes.max()) + 1
    if num_classes < 1:
        raise ValueError(f"one_hot: num_classes is {num_classes} for {classes.size} labels; need at least 1")
    index = as_index("one_hot", x, num_classes).array
    return Tensor((index[..., None] == np.arange(num_classes)).astype(np.int64))
