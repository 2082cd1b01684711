"""The constructors of tensors: `tensor` copies, `from_numpy` shares. Their methods stand in methods.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .convert import owned
from .dtypes import check_dtype
from .engine import Tensor


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested lists, an array, or a tensor.

    Python numbers become float32 (booleans stay boolean); NumPy arrays keep their dtype. float32, float64, int64,
    int32, uint8 and bool are taken; others raise DTypeError. `requires_grad` asks for gradients: floats only.

    The copy has no graph: of a tensor that requires grad it takes the numbers alone, as detach() does. A list of such
    tensors is refused, because `stack` is meant, which keeps their graphs. ShapeError for lists that are ragged.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2, 3])
    tensor([1., 2., 3.])
    """
    return Tensor(owned(data.array if isinstance(data, Tensor) else data, dtype), requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array: later writes into the array show in the tensor.

    Nothing can notice such a write between forward and backward: prefer `minigrad.tensor`, which copies.

    TypeError for what is no NumPy array, DTypeError for one of a dtype that tensors do not have.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: got a {type(array).__name__}; need a NumPy array (or use minigrad.tensor)")
    check_dtype("from_numpy", array.dtype)
    return Tensor(array)
