"""Both backends at once: every kernel call is made by the native kernel and by its NumPy reference, and compared.

`use_backend("compare")` uses this table. The native kernel computes in the caller's arrays, so that a program continues
as it would without the comparison; the reference computes in copies. A difference above BOUND raises KernelMismatch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import KernelMismatch
from . import reference
from .reference.segments import Segments

# Kernels that round once, choose or copy: their results equal the reference's bit for bit.
EXACT = frozenset(
    [
        "neg",
        "abs",
        "sign",
        "sqrt",
        "relu",
        "copy",
        "add",
        "sub",
        "mul",
        "div",
        "relu_grad",
        "maximum",
        "minimum",
        "floor",
        "ceil",
        "step",
        "where",
        "take",
        "place",
        "join",
        "class_places",
        "contiguous",
        "dropout_bits",
        "random_bits",
        "uniform",
        "masked_scale",
        "dropout",
        "max",
        "min",
        "max_pool2d",
        "pool_pick",
        "keep_steps",
        "soft_threshold",
        "check_finite",
    ]
)
BOUND = 1024  # of all other kernels, in units in the last place of the largest number among arguments and results


def table(native: Mapping[str, Callable], names: list[str]) -> ModuleType:
    """A backend that calls each of these native kernels and its reference; kernels of SILENT and REFUSED run alone."""
    module = ModuleType("compare")
    for name in names:
        kernel = native.get(name)
        if kernel is not None:
            alone = name in reference.SILENT or name in reference.REFUSED
            setattr(module, name, kernel if alone else beside(name, kernel, getattr(reference, name)))
    return module


def beside(name: str, kernel: Callable, twin: Callable) -> Callable:
    """A function that calls the kernel and its reference `twin`, and compares what they wrote."""
    signature = inspect.signature(twin)
    written = reference.WRITES.get(name, ("out",))

    def compared(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options).arguments
        copies: dict[tuple, np.ndarray] = {}  # an array that is given twice is copied once, so that it stays one array
        others = {key: copied(x, copies) for key, x in given.items()}
        largest = max(map(size_of, arrays(given.values())), default=0.0)
        result = kernel(*args, **options)
        bound = signature.bind_partial()
        bound.arguments.update(others)
        expected = twin(*bound.args, **bound.kwargs)
        pairs = [
            pair
            for key in written
            if key in given
            for pair in zip(arrays([given[key]]), arrays([others[key]]), strict=True)
        ]
        if isinstance(result, np.ndarray) and isinstance(expected, np.ndarray):
            pairs.append((result, expected))
        for ours, theirs in pairs:
            hold(name, ours, theirs, largest, args, options)
        return result

    return compared


def arrays(values: Iterable[Any]) -> list[np.ndarray]:
    """The arrays among values, in lists and in tables of updates too, always in the same order."""
    found: list[np.ndarray] = []
    for x in values:
        if isinstance(x, np.ndarray):
            found.append(x)
        elif isinstance(x, (list, tuple)):
            found += arrays(x)
        elif hasattr(x, "scalars"):
            found += [*x.params, *(part for state in x.states for part in state), x.sums]
            found += [] if x.counters is None else [x.counters]
    return found


def copied(x: Any, copies: dict[tuple, np.ndarray]) -> Any:
    """A copy of an argument, for the reference to write to; `copies` keeps the copies of arrays by place in memory."""
    if isinstance(x, np.ndarray):
        place = (x.__array_interface__["data"][0], x.shape, x.strides, x.dtype.str)
        if place not in copies:
            copies[place] = np.array(x, order="K")
        return copies[place]
    if isinstance(x, (list, tuple)):
        return type(x)(copied(part, copies) for part in x)
    if hasattr(x, "scalars"):
        states = ([copied(p, copies) for p in state] for state in x.states)
        other = Segments([copied(p, copies) for p in x.params], *states)
        other.scalars[...], other.sums[...], other.summed = x.scalars, x.sums, x.summed
        other.counters = copied(x.counters, copies)
        return other
    return x


def size_of(x: np.ndarray) -> float:
    """The largest finite magnitude in x; 0 for dtypes that are no floats."""
    if x.dtype.kind != "f" or not x.size:
        return 0.0
    with np.errstate(all="ignore"):
        sizes = np.abs(x)
        return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))


def hold(
    name: str, ours: np.ndarray, theirs: np.ndarray, largest: float, args: Any, options: Mapping[str, Any]
) -> None:
    """Raise KernelMismatch if two results of a kernel differ by more than its bound."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        came = f"{ours.dtype} {ours.shape} and {theirs.dtype} {theirs.shape}"
        raise KernelMismatch(f"{name}({said(args, options)}): the native kernel and the reference made {came}")
    with np.errstate(all="ignore"):
        same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
        if same.all():
            return
        if ours.dtype.kind == "f":
            unit = float(np.spacing(ours.dtype.type(max(largest, size_of(theirs)))))
            apart = np.where(same, 0.0, np.abs(ours.astype(np.float64) - theirs.astype(np.float64)) / unit)
            apart = np.where(np.isnan(apart), np.inf, apart)
        else:
            apart = np.where(same, 0.0, np.inf)
    bound = 0 if name in EXACT else BOUND
    if apart.max() > bound:
        place = tuple(int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))
        raise KernelMismatch(
            f"{name}({said(args, options)}): the native kernel gave {ours[place]!r}, the reference {theirs[place]!r} "
            f"at {place}, {apart.max():.3g} units in the last place of the largest number apart; {bound} are allowed"
        )


def said(args: Any, options: Mapping[str, Any]) -> str:
    """The arguments of a call, arrays by dtype and shape."""

    def one(x: Any) -> str:
        if isinstance(x, np.ndarray):
            return f"{x.dtype} {x.shape}"
        if hasattr(x, "scalars"):
            return f"a table of {len(x.params)} parameters"
        if isinstance(x, (list, tuple)):
            return f"[{', '.join(map(one, x))}]"
        return repr(x)

    return ", ".join([*map(one, args), *(f"{key}={one(x)}" for key, x in options.items())])
