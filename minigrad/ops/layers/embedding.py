"""Rows of a table by number, and numbers as one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor, differentiable
from ...errors import ShapeError
from ..elementwise.mask import masked_scale
from ..index.gather import as_index, take


@differentiable(x=lambda g, y, x, *, bits: masked_scale(g, bits=bits, scale=1.0))
def hold(x, *, bits):
    """y = x, but the gradient passes only where the element's bit is set."""
    return x.view()


def embedding(input: Any, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """The rows of weight (entries, width) that input names. Row padding_idx is read and gets no gradient.

    >>> import minigrad as mg
    >>> mg.embedding([1, 0, 1], mg.tensor([[1, 2], [3, 4]]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    if weight.ndim != 2:
        raise ShapeError(f"embedding: weight is {weight.shape}; need (entries, width)")
    index = as_index("embedding", input, weight.shape[0])
    y = take(weight, index, dim=0)
    if padding_idx is None:
        return y
    row = as_index("embedding: padding_idx", padding_idx, weight.shape[0], negative=True).array
    trained = np.broadcast_to((index.array != row)[..., None], y.shape)
    return hold(y, bits=np.packbits(trained, bitorder="little"))


def one_hot(x: Any, num_classes: int = -1) -> Tensor:
    """int64 (…, num_classes): 1 at the class that x names, else 0; -1 stands for the largest class and one.

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
