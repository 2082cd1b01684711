"""The methods and operators of Tensor: one visible list, attached to the class of engine.py at the end of this file."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import kernels as K
from .arrays import check_dtype
from .engine import Tensor, touch
from .errors import GraphError, ShapeError
from .ops.elementwise import abs, add, div, exp, log, mul, neg, relu, sigmoid, sign, sqrt, square, sub, tanh
from .ops.reduce import argmax, log_softmax, mean, softmax
from .ops.shape import broadcast_to, cast, permute, reshape, sum, transpose
from .owned import owned
from .recording import is_grad_enabled


def read_only(t: Tensor) -> np.ndarray:
    """The numbers as a NumPy array that cannot be written: a view, no copy."""
    view = t.array.view()
    view.flags.writeable = False
    return view


def _numpy(t: Tensor) -> np.ndarray:
    """The numbers as a read-only NumPy array; a tensor that requires grad must be detached first."""
    if t.tracked:
        raise GraphError("numpy: this tensor requires grad; use .detach().numpy(), or .data to look at the numbers")
    return read_only(t)


def _array(t: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    view = read_only(t)
    return view if dtype is None and not copy else np.array(view, dtype=dtype, copy=copy)


def _item(t: Tensor) -> Any:
    """The only element as a Python number."""
    if t.array.size != 1:
        raise ShapeError(f"item: the tensor has shape {t.array.shape}; need one element")
    return t.array.item()


def _repr(t: Tensor) -> str:
    text = np.array2string(t.array, separator=", ", prefix="tensor(", threshold=1000)
    if t.array.ndim == 0 and t.array.dtype.kind == "f":
        text = np.array2string(t.array.reshape(1))[1:-1]
    dtype = "" if t.array.dtype == np.float32 else f", dtype={t.array.dtype}"
    return f"tensor({text}{dtype}{', requires_grad=True' if t.tracked else ''})"


def _reshape(t: Tensor, *shape: Any) -> Tensor:
    return reshape(t, shape=shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape)


def _permute(t: Tensor, *dims: Any) -> Tensor:
    return permute(t, dims=dims[0] if len(dims) == 1 and not isinstance(dims[0], (int, np.integer)) else dims)


def _transposed(t: Tensor) -> Tensor:
    return permute(t, dims=tuple(reversed(range(t.array.ndim))))


def _copy(t: Tensor, source: Any) -> Tensor:
    """Write `source`, of the same shape, into this leaf. A leaf that requires grad needs `no_grad` around it.

    Graphs that used the former numbers raise when they are walked.
    """
    if t.tracked and t.op is not None:
        raise GraphError(f"copy_: this tensor was made by {t.op.name}; only leaves can be written")
    if t.tracked and is_grad_enabled():
        raise GraphError("copy_: this leaf requires grad; write into it under no_grad()")
    array = source.array if isinstance(source, Tensor) else np.asarray(source)
    if array.shape != t.array.shape:
        raise ShapeError(f"copy_: the source has shape {array.shape}, the tensor {t.array.shape}; need the same")
    # A parameter keeps its array: optimizers hold it, and recorded views are guarded by its stamp. Views of a constant
    # are not, so they keep the former numbers.
    target = t.array if t.tracked else K.empty(array.shape, t.array.dtype)
    K.copy(array, target)
    t.array = target
    touch([t])
    return t


def _reduce(t: Tensor) -> tuple[Any, ...]:
    """What copy, deepcopy and pickle make again: a leaf with a stamp of its own. To the walk, a stamp is one tensor.

    Its hooks go along, so that a copied model trains as the original would.
    """
    if t.tracked and t.op is not None:
        raise GraphError(f"copy: this tensor was made by {t.op.name}; use detach(), or copy the leaves")
    return tensor, (t.array, None, t.tracked), *([list(t.hooks)] if t.hooks else [])


def _set_hooks(t: Tensor, hooks: list[Any]) -> None:
    t.hooks = hooks


METHODS: dict[str, Any] = {
    # numbers out
    "data": property(read_only), "numpy": _numpy, "__array__": _array, "item": _item, "__repr__": _repr,
    "tolist": lambda t: t.array.tolist(), "__float__": lambda t: float(_item(t)), "__int__": lambda t: int(_item(t)),
    # what it is
    "shape": property(lambda t: t.array.shape), "dtype": property(lambda t: t.array.dtype),
    "ndim": property(lambda t: t.array.ndim), "size": property(lambda t: t.array.size),
    "is_leaf": property(lambda t: t.op is None or not t.tracked),
    # arithmetic
    "__add__": add, "__sub__": sub, "__mul__": mul, "__truediv__": div,
    "__radd__": lambda t, other: add(other, t), "__rsub__": lambda t, other: sub(other, t),
    "__rmul__": lambda t, other: mul(other, t), "__rtruediv__": lambda t, other: div(other, t),
    "__neg__": neg, "__abs__": abs,
    # ops as methods
    "abs": abs, "exp": exp, "log": log, "tanh": tanh, "sigmoid": sigmoid, "relu": relu, "sqrt": sqrt, "square": square,
    "sign": sign, "argmax": argmax,
    "sum": lambda t, dim=None, keepdim=False: sum(t, dim=dim, keepdim=keepdim),
    "mean": lambda t, dim=None, keepdim=False: mean(t, dim=dim, keepdim=keepdim),
    "softmax": lambda t, dim=-1: softmax(t, dim=dim), "log_softmax": lambda t, dim=-1: log_softmax(t, dim=dim),
    # shape and dtype
    "reshape": _reshape, "permute": _permute, "transpose": transpose, "T": property(_transposed),
    "broadcast_to": lambda t, shape: broadcast_to(t, shape=shape), "flatten": lambda t: _reshape(t, -1),
    "to": lambda t, dtype: cast(t, dtype=dtype), "float": lambda t: cast(t, dtype=np.float32),
    "double": lambda t: cast(t, dtype=np.float64), "long": lambda t: cast(t, dtype=np.int64),
    # writing, copies, and what is refused
    "copy_": _copy, "__reduce__": _reduce, "__setstate__": _set_hooks, "__array_ufunc__": None,
}  # fmt: skip


def attach(methods: dict[str, Any]) -> None:
    """Give Tensor these methods; methods.py adds those of the ops beyond the core."""
    for name, method in methods.items():
        setattr(Tensor, name, method)


attach(METHODS)


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested lists, an array, or a tensor.

    Python numbers become float32 (booleans stay boolean); NumPy arrays keep their dtype. float32, float64, int64,
    int32, uint8 and bool are taken; others raise DTypeError. `requires_grad` asks for gradients: floats only.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2, 3])
    tensor([1., 2., 3.])
    """
    return Tensor(owned(data.array if isinstance(data, Tensor) else data, dtype), requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array: later writes into the array show in the tensor.

    Nothing can notice such a write between forward and backward: prefer `minigrad.tensor`, which copies.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: got a {type(array).__name__}; need a NumPy array (or use minigrad.tensor)")
    check_dtype("from_numpy", array.dtype)
    return Tensor(array)
