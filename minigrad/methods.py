"""The methods of Tensor beyond the core's list in tensor.py: one line for each, by family."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from .arrays import check_dtype
from .engine import Tensor
from .errors import DTypeError, GraphError, ShapeError
from .ops.arrange import as_one, expand, expand_as, flatten, movedim, repeat, squeeze, swapaxes, t, tile, unsqueeze
from .ops.choose import clamp, lerp, masked_fill, maximum, minimum, where
from .ops.compare import (
    allclose,
    eq,
    equal,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
)
from .ops.diagonals import diag, tril, triu
from .ops.elementwise import add, div, mul, neg, square, sub
from .ops.extremes import all, amax, amin, any, argmin, count_nonzero, max, min
from .ops.functions import ceil, erf, expm1, floor, log1p, log2, logaddexp, pow, reciprocal, rsqrt
from .ops.getitem import getitem
from .ops.indexing import gather, index_select, masked_select, scatter_add, take_along_dim
from .ops.linalg import matmul
from .ops.norms import norm
from .ops.order import argsort, sort, topk
from .ops.pieces import chunk, flip, narrow, roll, rows, select, split, unbind
from .ops.products import addmm, bmm, dot, inner, mm, mv, outer, vdot
from .ops.shape import cast, reshape, transpose
from .ops.statistics import cumsum, logsumexp, prod, std, var
from .ops.trigonometric import asinh, atan, atan2, cos, cosh, hypot, sin, sinh, tan
from .tensor import METHODS as CORE_METHODS
from .tensor import attach

COMPARED = (Tensor, np.ndarray, np.generic, bool, int, float, list, tuple)


def _comparison(op: Callable[..., Tensor]) -> Callable[..., Any]:
    """An operator that leaves what is no number to Python: t == None is False, t < None a TypeError."""
    return lambda t, other: op(t, other) if isinstance(other, COMPARED) else NotImplemented


def _on_booleans(sign: str, op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def operator(*operands: Any) -> Tensor:
        for x in operands:
            dtype = np.asarray(x.array if isinstance(x, Tensor) else x).dtype
            if dtype != np.bool_:
                raise DTypeError(f"{sign}: an operand is {dtype}; need bool, such as t > 0 (put it in parentheses)")
        return op(*operands)

    return operator


def _power(t: Tensor, exponent: Any) -> Tensor:
    return square(t) if isinstance(exponent, (int, float)) and exponent == 2 else pow(t, exponent)


def _size_of_first(t: Tensor) -> int:
    if t.array.ndim == 0:
        raise TypeError("len: the tensor is a single number")
    return t.array.shape[0]


def _truth(t: Tensor) -> bool:
    if t.array.size != 1:
        raise ValueError(f"bool: the tensor has shape {t.array.shape}; only one element is true or false")
    return bool(t.array)


def _no_assignment(t: Tensor, index: Any, value: Any) -> None:
    raise TypeError("t[i] = v: tensors are values; build a new one with ops, or write all of it: copy_ under no_grad")


def _requires_grad(t: Tensor, requires_grad: bool = True) -> Tensor:
    """Ask for gradients of this leaf, or no more; returns the tensor."""
    t.requires_grad = requires_grad
    return t


def _register_hook(t: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
    """Call hook(g) with this tensor's gradient whenever a walk has it whole; what it returns takes g's place.

    Returns a function that takes the hook away again. GraphError for a tensor that does not require grad.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> remove = x.register_hook(lambda g: 10 * g)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([20., 40.])
    """
    if not t.tracked:
        raise GraphError("register_hook: this tensor does not require grad, so no gradient will come")
    if not callable(hook):
        raise TypeError(f"register_hook: got {hook!r}; need a function of the gradient")
    hooks = t.hooks = t.hooks or []
    hooks.append(hook)

    def remove() -> None:
        if hook in hooks:
            hooks.remove(hook)

    return remove


def _retain_grad(t: Tensor) -> None:
    """Keep the gradient of a tensor that an op made in `.grad`, as leaves do; added up over walks.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (3 * y).sum().backward()
    >>> y.grad
    tensor([3., 3.])
    """
    if t.op is None:
        return  # a leaf keeps it anyway
    held = weakref.ref(t)

    def keep(g: Tensor) -> None:
        y = held()
        if y is not None:
            y.grad = g.detach() if y.grad is None else y.grad + g

    _register_hook(t, keep)


def _format(t: Tensor, spec: str) -> str:
    """f"{loss:.3f}": the only element as a number is written; without a format, whatever print shows."""
    if not spec:
        return str(t)
    if t.array.size != 1:
        raise ShapeError(f"format: the tensor has shape {t.array.shape}; only one number can be written as {spec!r}")
    return format(t.array.item(), spec)


def _view(t: Tensor, *shape: Any) -> Tensor:
    """The numbers in another shape: reshape, which copies only where no view will do."""
    return reshape(t, shape=as_one(shape))


def _clone(t: Tensor) -> Tensor:
    """A copy in memory of its own, whose gradient goes to this tensor; a constant copy is detach()."""
    return cast(t, dtype=t.array.dtype)


def _to(t: Tensor, dtype: Any) -> Tensor:
    """In another dtype; "cpu", where all tensors are, gives the tensor itself."""
    device = dtype.split(":")[0] if isinstance(dtype, str) else ""
    if device in ("cuda", "mps", "xpu"):
        raise ValueError(f"to: {dtype!r}: all tensors are in the processor's memory; leave the move out")
    if device == "cpu":
        return t
    try:
        want = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"to: {dtype!r} is no dtype") from None
    check_dtype("to", want)
    return cast(t, dtype=want)


def _no_write(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(t: Tensor, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{name}: tensors are values, which ops do not change; {instead}")

    return refuse


METHODS: dict[str, Any] = {
    # as Python's own: len(t), if t, t[i] = v
    "__len__": _size_of_first, "__bool__": _truth, "__setitem__": _no_assignment,
    # gradients
    "requires_grad_": _requires_grad, "register_hook": _register_hook, "retain_grad": _retain_grad,
    # by name what operators do, and what it is
    "add": add, "sub": sub, "mul": mul, "div": div, "neg": neg, "__pos__": lambda t: t, "__format__": _format,
    "numel": lambda t: t.array.size, "dim": lambda t: t.array.ndim,
    # copies and dtypes
    "clone": _clone, "contiguous": lambda t: t, "to": _to, "cpu": lambda t: t,
    "int": lambda t: cast(t, dtype=np.int32), "bool": lambda t: cast(t, dtype=np.bool_),
    # what is refused
    **{f"{op}_": _no_write(f"{op}_", f"write t = t.{op}(...), or copy_ under no_grad()")
       for op in ("add", "sub", "mul", "div", "clamp", "masked_fill")},
    "zero_": _no_write("zero_", "for a gradient write t.grad = None (optimizers have zero_grad()), for a parameter "
                                "copy_ under no_grad()"),
    "fill_": _no_write("fill_", "write mg.full_like(t, value), or copy_ under no_grad()"),
    # dimensions
    "view": _view, "ravel": lambda t: reshape(t, shape=(-1,)), "mT": property(lambda t: transpose(t, -2, -1)),
    "flatten": flatten, "unsqueeze": unsqueeze, "squeeze": squeeze, "t": t, "swapaxes": swapaxes, "movedim": movedim,
    "expand": expand, "expand_as": expand_as, "repeat": repeat, "tile": lambda t, *dims: tile(t, as_one(dims)),
    # pieces
    "narrow": narrow, "select": select, "flip": lambda t, *dims: flip(t, as_one(dims)), "split": split, "chunk": chunk,
    "unbind": unbind, "__iter__": rows, "roll": roll, "diag": diag, "tril": tril, "triu": triu,
    # indexing
    "__getitem__": getitem, "gather": gather, "scatter_add": scatter_add, "index_select": index_select,
    "take_along_dim": take_along_dim, "masked_select": masked_select,
    # extremes and statistics
    "max": max, "min": min, "amax": amax, "amin": amin, "argmin": argmin, "any": any, "all": all,
    "count_nonzero": count_nonzero, "prod": prod, "cumsum": cumsum, "var": var, "std": std, "logsumexp": logsumexp,
    "norm": norm, "sort": sort, "argsort": argsort, "topk": topk,
    # comparisons; a tensor is still hashed by identity, so that it can be a key: dict and set look at `is` first
    "__eq__": _comparison(eq), "__ne__": _comparison(ne), "__hash__": object.__hash__,
    "__lt__": _comparison(lt), "__le__": _comparison(le), "__gt__": _comparison(gt), "__ge__": _comparison(ge),
    "__and__": _on_booleans("&", logical_and), "__rand__": _on_booleans("&", logical_and),
    "__or__": _on_booleans("|", logical_or), "__ror__": _on_booleans("|", logical_or),
    "__invert__": _on_booleans("~", logical_not),
    "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge, "isnan": isnan, "isinf": isinf, "isfinite": isfinite,
    "logical_not": logical_not, "logical_and": logical_and, "logical_or": logical_or,
    "allclose": allclose, "equal": equal,
    "maximum": maximum, "minimum": minimum, "clamp": clamp, "clip": clamp, "lerp": lerp, "masked_fill": masked_fill,
    "where": lambda t, condition, other: where(condition, t, other),
    # elementary functions
    "__pow__": _power, "__rpow__": lambda t, other: pow(other, t),
    "pow": pow, "expm1": expm1, "log1p": log1p, "log2": log2, "reciprocal": reciprocal, "rsqrt": rsqrt,
    "floor": floor, "ceil": ceil, "erf": erf, "logaddexp": logaddexp,
    "sin": sin, "cos": cos, "tan": tan, "sinh": sinh, "cosh": cosh, "asinh": asinh, "atan": atan, "atan2": atan2,
    "hypot": hypot,
    # products
    "__matmul__": lambda t, other: matmul(t, other), "__rmatmul__": lambda t, other: matmul(other, t), "matmul": matmul,
    "mm": mm, "mv": mv, "dot": dot, "vdot": vdot, "inner": inner, "outer": outer, "bmm": bmm, "addmm": addmm,
}  # fmt: skip

attach(METHODS)
for _name, _method in (CORE_METHODS | METHODS).items():
    if isinstance(_method, FunctionType) and _method.__name__ == "<lambda>":
        _method.__qualname__ = _name  # which Python's own errors about arguments say
