"""The constructors of tensors: `tensor` copies, `from_numpy` shares. The methods of tensors are in methods.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .convert import owned
from .dtypes import check_dtype
from .engine import Tensor


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested lists, an array, or a tensor.

    Python numbers become float32 (booleans stay boolean); NumPy arrays keep their dtype: float32, float64, int64,
    int32, uint8 or bool. `requires_grad` asks for gradients: floats only. The copy has no graph: of a tensor that
    requires grad only the numbers are copied, as detach() does.

    Raises DTypeError for other dtypes, for what is no number, and for gradients of integers; ShapeError if nested lists
    have different lengths; GraphError for a list of tensors that require grad, because their graphs would be lost
    (`stack` keeps them).

    >>> import minigrad as mg
    >>> mg.tensor([1, 2, 3])
    tensor([1., 2., 3.])
    """
    return Tensor(owned(data.array if isinstance(data, Tensor) else data, dtype), requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array: later writes into the array show in the tensor.

    Such a write between forward and backward is not noticed, and the gradient is then wrong: prefer `minigrad.tensor`,
    which copies.

    Raises TypeError if `array` is no NumPy array, and DTypeError if tensors do not have its dtype.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: got a {type(array).__name__}; need a NumPy array (or use minigrad.tensor)")
    check_dtype("from_numpy", array.dtype)
    return Tensor(array)
