"""The methods and operators of Tensor, each name once, by family: attached to the class at the end of this file."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from html import escape
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from . import kernels as K
from .convert import gathering
from .dtypes import REAL, check_dtype
from .engine import Tensor, touch
from .errors import DTypeError, GraphError, ShapeError
from .ops.elementwise.arithmetic import abs, add, div, mul, neg, sign, square, sub
from .ops.elementwise.compare import (
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
from .ops.elementwise.exponential import (
    ceil,
    erf,
    exp,
    expm1,
    floor,
    log,
    log1p,
    log2,
    logaddexp,
    pow,
    reciprocal,
    rsqrt,
    sqrt,
)
from .ops.elementwise.fused_activations import relu, sigmoid, tanh
from .ops.elementwise.trigonometric import asinh, atan, atan2, cos, cosh, hypot, sin, sinh, tan
from .ops.elementwise.where import clamp, lerp, masked_fill, maximum, minimum, where
from .ops.index.diagonals import diag, tril, triu
from .ops.index.gather import gather, index_select, masked_select, scatter_add, take_along_dim
from .ops.index.getitem import getitem
from .ops.linalg.matmul import matmul
from .ops.linalg.products import addmm, bmm, dot, inner, mm, mv, outer, vdot
from .ops.reduce.extremes import all, amax, amin, any, argmax, argmin, count_nonzero, max, min
from .ops.reduce.norms import norm
from .ops.reduce.order import argsort, sort, topk
from .ops.reduce.softmax import log_softmax, logsumexp, softmax
from .ops.reduce.statistics import cumsum, mean, prod, std, var
from .ops.shape.broadcast import broadcast_to, cast, expand, expand_as, repeat, sum, tile
from .ops.shape.join import roll
from .ops.shape.slices import chunk, flip, narrow, rows, select, split, unbind
from .ops.shape.views import as_one, flatten, movedim, permute, reshape, squeeze, swapaxes, t, transpose, unsqueeze
from .public import put_names
from .recording import is_grad_enabled, mode
from .tensor import tensor


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
    if t.tracked and gathering.tensors:
        raise GraphError(
            "a tensor among the numbers requires grad, and its graph would be lost; minigrad.stack joins "
            "tensors and keeps their graphs, t.item() is a number without one"
        )
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


def _repr_html(t: Tensor) -> str:
    """What a notebook shows: the numbers of small tensors; of others shape, range, mean, and the first ones."""
    shape = " × ".join(map(str, t.array.shape)) or "a number"
    grad = ", requires_grad" if t.tracked else ""
    head = f"<b>tensor</b> {shape}, {t.array.dtype}{grad}"
    if t.array.size <= 64 or t.array.dtype.kind not in "fiub":
        return f"{head}<pre>{escape(np.array2string(t.array, separator=', ', threshold=64))}</pre>"
    numbers = t.array[np.isfinite(t.array)] if t.array.dtype.kind == "f" else t.array
    told = f"{t.array.size:,} numbers, {np.count_nonzero(t.array == 0):,} of them 0"
    if numbers.size:
        told += f", {numbers.min():.4g} to {numbers.max():.4g}, mean {numbers.mean(dtype=np.float64):.4g}"
    if numbers.size < t.array.size:
        told += f", {t.array.size - numbers.size:,} not finite"
    first = np.array2string(t.array.reshape(-1)[:8], separator=", ")
    return f"{head}<br>{told}<pre>{escape(first[:-1])}, ...]</pre>"


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
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"copy_: the source is {array.dtype}; need numbers")
    if array.shape != t.array.shape:
        raise ShapeError(f"copy_: the source has shape {array.shape}, the tensor {t.array.shape}; need the same")
    # A parameter keeps its array, because optimizers hold it; a walk over a graph with views of it raises, because its
    # stamp changes. Views of a constant have no such check, so it gets a new array, and they keep the former numbers.
    target = t.array if t.tracked else _own_memory(t)
    K.copy(array, target)
    t.array = target
    touch([t])
    return t


def _own_memory(t: Tensor) -> np.ndarray:
    """A new array for the new numbers of a constant; in a step of mg.compile, the same array in every replay."""
    return K.empty(t.array.shape, t.array.dtype) if mode.step is None else mode.step.place_of(t)


def _augmented(sign: str, op: Callable[..., Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """t += x and the like: a leaf that requires grad is written in place, under no_grad; else t becomes a new tensor.

    If `p -= ...` made a new tensor of a parameter p, the loop `for p in model.parameters(): p -= ...` would leave the
    parameters as they are, and train nothing.
    """

    def assign(t: Tensor, other: Any) -> Tensor:
        if t.op is not None or not t.tracked:
            return op(t, other)
        if is_grad_enabled():
            raise GraphError(
                f"{sign}: this leaf requires grad; under `with minigrad.no_grad():` it is written in place"
                f", for a result with a graph write y = t {sign[:-1]} x"
            )
        result = op(t, other)
        if result.array.shape != t.array.shape:
            raise ShapeError(
                f"{sign}: the result has shape {result.array.shape}, this leaf {t.array.shape}; "
                "need the same, because it is written in place"
            )
        return _copy(t, result)

    return assign


def _reduce(t: Tensor) -> tuple[Any, ...]:
    """For copy, deepcopy and pickle: how to make the leaf again. The copy gets a stamp of its own, because the walk
    tells tensors apart by their stamps. Hooks are copied too, so that a copied model trains as the original does.
    """
    if t.tracked and t.op is not None:
        raise GraphError(f"copy: this tensor was made by {t.op.name}; use detach(), or copy the leaves")
    return tensor, (t.array, None, t.tracked), *([list(t.hooks)] if t.hooks else [])


def _set_hooks(t: Tensor, hooks: list[Any]) -> None:
    t.hooks = hooks


def _set_data(t: Tensor, value: Any) -> NoReturn:
    raise TypeError(
        "t.data = v: .data is a view of the numbers; write them by t.copy_(v), or t -= v and the like, "
        "under `with minigrad.no_grad():`"
    )


COMPARED = (Tensor, np.ndarray, np.generic, bool, int, float, list, tuple)


def _comparison(op: Callable[..., Tensor]) -> Callable[..., Any]:
    """The op as an operator. If the other operand is no number, Python decides: t == None is False, t < None fails."""
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
    """Set requires_grad, with its errors, and return the tensor."""
    t.requires_grad = requires_grad
    return t


def _register_hook(t: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
    """Call hook(g) in each backward once this tensor's gradient g is complete; a returned tensor is used in place of g.

    Returns a function that removes the hook. Raises GraphError if this tensor does not require grad, and TypeError if
    `hook` cannot be called.

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
    """Keep the gradient of this result of an op in `.grad`, as leaves do; each backward adds to it.

    Raises GraphError if this tensor is a result that does not require grad.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (3 * y).sum().backward()
    >>> y.grad
    tensor([3., 3.])
    """
    if t.op is None:
        return  # backward fills .grad of every leaf
    held = weakref.ref(t)

    def keep(g: Tensor) -> Tensor:
        y = held()
        if y is not None:
            y.grad = g.detach() if y.grad is None else y.grad + g
        return g

    _register_hook(t, keep)


def _format(t: Tensor, spec: str) -> str:
    """f"{loss:.3f}": the only element, formatted as a number; without a format, the text that print shows."""
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
    return _cast(t, want)


def _cast(t: Tensor, dtype: Any) -> Tensor:
    """In another dtype. Integers and booleans are constants: no gradient passes through them."""
    return cast(t if not t.tracked or np.dtype(dtype) in REAL else Tensor(t.array), dtype=dtype)


def _no_write(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(t: Tensor, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{name}: tensors are values, which ops do not change; {instead}")

    return refuse


# NumPy calls one of these functions for an operator such as array + tensor; the op of the same meaning answers.
ON_ARRAYS: dict[str, Callable[..., Any]] = {
    "add": add,
    "subtract": sub,
    "multiply": mul,
    "divide": div,
    "power": pow,
    "matmul": matmul,
    "equal": eq,
    "not_equal": ne,
    "less": lt,
    "less_equal": le,
    "greater": gt,
    "greater_equal": ge,
    "bitwise_and": _on_booleans("&", logical_and),
    "bitwise_or": _on_booleans("|", logical_or),
}
# NumPy's name -> minigrad's name, where they differ.
RENAMED = {
    "absolute": "abs",
    "fabs": "abs",
    "negative": "neg",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "float_power": "pow",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "power": "pow",
    "equal": "eq",
    "not_equal": "ne",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "fmax": "maximum",
    "fmin": "minimum",
    "true_divide": "div",
    "concatenate": "cat",
}
JOINS = {"stack": None, "cat": None, "einsum": None, "tensordot": None}  # functions of minigrad that are no methods


def _ufunc(t: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """array + tensor and NumPy's other operators, by ops; TypeError for any other ufunc, with what to write instead."""
    op, out = ON_ARRAYS.get(ufunc.__name__), options.pop("out", (inputs[0],))
    if op is not None and method == "__call__" and not options and out[0] is inputs[0]:  # array += t: out is the array
        return op(*inputs)
    raise TypeError(f"np.{ufunc.__name__}: got a tensor; {_instead(ufunc.__name__, [t])}")


def _instead(name: str, tensors: list[Tensor]) -> str:
    """For an error: what to write in place of NumPy's function of this name."""
    here = RENAMED.get(name, name)
    whole = f"minigrad.{here} takes tensors and keeps their graph; for the numbers " if here in METHODS | JOINS else ""
    numbers = "t.detach().numpy()" if [t for t in tensors if t.tracked] else "t.numpy()"
    return f"{whole}pass {numbers}"


def _array_function(t: Tensor, function: Callable[..., Any], types: Any, args: Any, options: Any) -> Any:
    """np.mean(t) and the like: NumPy's result for the numbers; GraphError if a graph would be lost by that."""
    tracked: list[Tensor] = []

    def numbers(x: Any) -> Any:
        if isinstance(x, Tensor):
            tracked.extend([x] if x.tracked else [])
            return read_only(x)
        return type(x)(map(numbers, x)) if type(x) in (list, tuple) else x

    found = function(*numbers(tuple(args)), **{name: numbers(x) for name, x in options.items()})
    name = function.__name__
    real = isinstance(found, (np.ndarray, np.floating)) and found.dtype.kind == "f"
    if tracked and real and not name.endswith("_like"):
        raise GraphError(f"np.{name}: a tensor requires grad, and its graph would be lost; {_instead(name, tracked)}")
    return found


METHODS: dict[str, Any] = {
    # numbers out
    "data": property(read_only, _set_data),
    "numpy": _numpy,
    "__array__": _array,
    "__array_ufunc__": _ufunc,
    "__array_function__": _array_function,
    "item": _item,
    "__repr__": _repr,
    "_repr_html_": _repr_html,
    "__format__": _format,
    "tolist": lambda t: t.array.tolist(),
    "__float__": lambda t: float(_item(t)),
    "__int__": lambda t: int(_item(t)),
    "__bool__": _truth,
    # what it is
    "shape": property(lambda t: t.array.shape),
    "dtype": property(lambda t: t.array.dtype),
    "ndim": property(lambda t: t.array.ndim),
    "dim": lambda t: t.array.ndim,
    "__len__": _size_of_first,
    "size": property(lambda t: t.array.size),
    "numel": lambda t: t.array.size,
    "is_leaf": property(lambda t: t.op is None or not t.tracked),
    # gradients
    "requires_grad_": _requires_grad,
    "register_hook": _register_hook,
    "retain_grad": _retain_grad,
    # arithmetic
    "__add__": add,
    "__sub__": sub,
    "__mul__": mul,
    "__truediv__": div,
    "__radd__": lambda t, other: add(other, t),
    "__rsub__": lambda t, other: sub(other, t),
    "__rmul__": lambda t, other: mul(other, t),
    "__rtruediv__": lambda t, other: div(other, t),
    "__pow__": _power,
    "__rpow__": lambda t, other: pow(other, t),
    "__neg__": neg,
    "__pos__": lambda t: t,
    "__abs__": abs,
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "neg": neg,
    "pow": pow,
    "abs": abs,
    "sign": sign,
    # copies and dtypes
    "clone": _clone,
    "contiguous": lambda t: t,
    "to": _to,
    "cpu": lambda t: t,
    "float": lambda t: cast(t, dtype=np.float32),
    "double": lambda t: cast(t, dtype=np.float64),
    "int": lambda t: _cast(t, np.int32),
    "long": lambda t: _cast(t, np.int64),
    "bool": lambda t: _cast(t, np.bool_),
    "__reduce__": _reduce,
    "__setstate__": _set_hooks,
    # writing, and what is refused
    "copy_": _copy,
    "__setitem__": _no_assignment,
    "__iadd__": _augmented("+=", add),
    "__isub__": _augmented("-=", sub),
    "__imul__": _augmented("*=", mul),
    "__itruediv__": _augmented("/=", div),
    "__ipow__": _augmented("**=", _power),
    "__imatmul__": _augmented("@=", matmul),
    **{
        f"{op}_": _no_write(f"{op}_", f"write t = t.{op}(...), or copy_ under no_grad()")
        for op in ("add", "sub", "mul", "div", "clamp", "masked_fill")
    },
    "zero_": _no_write(
        "zero_",
        "for a gradient write t.grad = None (optimizers have zero_grad()), for a parameter copy_ under no_grad()",
    ),
    "fill_": _no_write("fill_", "write mg.full_like(t, value), or copy_ under no_grad()"),
    # dimensions
    "reshape": _reshape,
    "view": _view,
    "ravel": lambda t: reshape(t, shape=(-1,)),
    "flatten": flatten,
    "permute": _permute,
    "transpose": transpose,
    "swapaxes": swapaxes,
    "movedim": movedim,
    "t": t,
    "T": property(_transposed),
    "mT": property(lambda t: transpose(t, -2, -1)),
    "unsqueeze": unsqueeze,
    "squeeze": squeeze,
    "broadcast_to": lambda t, shape: broadcast_to(t, shape=shape),
    "expand": expand,
    "expand_as": expand_as,
    "repeat": repeat,
    "tile": lambda t, *dims: tile(t, as_one(dims)),
    # pieces
    "narrow": narrow,
    "select": select,
    "flip": lambda t, *dims: flip(t, as_one(dims)),
    "split": split,
    "chunk": chunk,
    "unbind": unbind,
    "__iter__": rows,
    "roll": roll,
    "diag": diag,
    "tril": tril,
    "triu": triu,
    # indexing
    "__getitem__": getitem,
    "gather": gather,
    "scatter_add": scatter_add,
    "index_select": index_select,
    "take_along_dim": take_along_dim,
    "masked_select": masked_select,
    # sums, extremes and statistics
    "sum": lambda t, dim=None, keepdim=False: sum(t, dim=dim, keepdim=keepdim),
    "mean": lambda t, dim=None, keepdim=False: mean(t, dim=dim, keepdim=keepdim),
    "max": max,
    "min": min,
    "amax": amax,
    "amin": amin,
    "argmax": argmax,
    "argmin": argmin,
    "any": any,
    "all": all,
    "count_nonzero": count_nonzero,
    "prod": prod,
    "cumsum": cumsum,
    "var": var,
    "std": std,
    "logsumexp": logsumexp,
    "softmax": lambda t, dim=-1: softmax(t, dim=dim),
    "log_softmax": lambda t, dim=-1: log_softmax(t, dim=dim),
    "norm": norm,
    "sort": sort,
    "argsort": argsort,
    "topk": topk,
    # comparisons; a tensor is still hashed by identity, so that it can be a key: dict and set look at `is` first
    "__eq__": _comparison(eq),
    "__ne__": _comparison(ne),
    "__hash__": object.__hash__,
    "__lt__": _comparison(lt),
    "__le__": _comparison(le),
    "__gt__": _comparison(gt),
    "__ge__": _comparison(ge),
    "__and__": _on_booleans("&", logical_and),
    "__rand__": _on_booleans("&", logical_and),
    "__or__": _on_booleans("|", logical_or),
    "__ror__": _on_booleans("|", logical_or),
    "__invert__": _on_booleans("~", logical_not),
    "eq": eq,
    "ne": ne,
    "lt": lt,
    "le": le,
    "gt": gt,
    "ge": ge,
    "isnan": isnan,
    "isinf": isinf,
    "isfinite": isfinite,
    "logical_not": logical_not,
    "logical_and": logical_and,
    "logical_or": logical_or,
    "allclose": allclose,
    "equal": equal,
    "maximum": maximum,
    "minimum": minimum,
    "clamp": clamp,
    "clip": clamp,
    "lerp": lerp,
    "masked_fill": masked_fill,
    "where": lambda t, condition, other: where(condition, t, other),
    # elementary functions
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "log2": log2,
    "sqrt": sqrt,
    "rsqrt": rsqrt,
    "square": square,
    "reciprocal": reciprocal,
    "relu": relu,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "floor": floor,
    "ceil": ceil,
    "erf": erf,
    "logaddexp": logaddexp,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "sinh": sinh,
    "cosh": cosh,
    "asinh": asinh,
    "atan": atan,
    "atan2": atan2,
    "hypot": hypot,
    # products
    "__matmul__": lambda t, other: matmul(t, other),
    "__rmatmul__": lambda t, other: matmul(other, t),
    "matmul": matmul,
    "mm": mm,
    "mv": mv,
    "dot": dot,
    "vdot": vdot,
    "inner": inner,
    "outer": outer,
    "bmm": bmm,
    "addmm": addmm,
}

put_names(METHODS, "minigrad.ops.")
for _name, _method in METHODS.items():
    if isinstance(_method, FunctionType) and _method.__name__ == "<lambda>":
        _method.__qualname__ = _name  # Python's errors about wrong arguments print this name
    setattr(Tensor, _name, _method)
