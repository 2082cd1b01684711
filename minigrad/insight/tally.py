"""Kernel calls counted and timed: the table of kernels, each name wrapped, as a backend of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from .. import kernels as K
from ..kernels import reference

ROUNDS = 5  # of a kernel beside NumPy


class KernelCall(NamedTuple):
    """One call: when it began and how long it took (seconds), what it read and wrote (bytes), its FLOPs or 0.

    floor is the room of the package that called it ("ops", "optim", ...), or "" for the user's own code.
    """

    name: str
    start: float
    seconds: float
    bytes: int
    flops: int
    floor: str


@dataclass
class Beside:
    """A kernel against its NumPy reference on copies of the same arguments: the least seconds of each in a few rounds.

    ulps is the largest difference of their results, in units in the last place of the largest number of the array.
    """

    ours: float
    numpy: float
    ulps: float


class Tally:
    """The calls of kernels between `start` and `stop`, in their order; at most `most` of them are kept one by one."""

    def __init__(self, beside: bool, most: int) -> None:
        self.beside, self.most = beside, most
        self.calls: list[KernelCall] = []
        self.left_out = 0
        self.away = 0.0  # seconds of comparisons
        self.pauses: list[tuple[float, float]] = []  # when each of them began, and its seconds
        self.compared: dict[str, Beside] = {}  # by kernel: its first call with that many bytes or more

    def start(self) -> None:
        """Count from now on, whichever backend serves."""
        self.served = {name: getattr(K, name) for name in K.NAMES}
        self.module = ModuleType(f"{K.backend()}, profiled")
        for name, kernel in self.served.items():
            setattr(self.module, name, self.wrapped(name, kernel))
        self.backend = K.use_backend(self.module)

    def stop(self) -> None:
        """Stop counting, and set the backend back."""
        self.backend.__exit__()

    def wrapped(self, name: str, kernel: Callable) -> Callable:
        """The kernel, counted."""
        # NumPy's twin gets copies of arrays: what makes arrays, or writes into a table of them, has nothing to compare.
        unlike = name in reference.SILENT or name in reference.REFUSED or name.endswith("_update")

        def counted(*args: Any, **options: Any) -> Any:
            if self.beside and not unlike and name not in self.compared:
                began = time.perf_counter()
                self.compared[name] = against(kernel, getattr(reference, name), args, options)
                self.pauses.append((began, time.perf_counter() - began))
                self.away += self.pauses[-1][1]
            began = time.perf_counter()
            result = kernel(*args, **options)
            took = time.perf_counter() - began
            caller = sys._getframe(1).f_globals.get("__name__", "")
            self._note(
                KernelCall(name, began, took, bytes_of(args, options), flops_of(name, args, options), room(caller))
            )
            return result

        return counted

    def paused(self, start: float, end: float) -> float:
        """Seconds of comparisons that began in a stretch of time."""
        return sum(seconds for began, seconds in self.pauses if start <= began < end)

    def _note(self, call: KernelCall) -> None:
        if len(self.calls) < self.most:
            self.calls.append(call)
        else:
            self.left_out += 1


def against(kernel: Callable, twin: Callable, args: tuple, options: dict) -> Beside:
    """A kernel and its NumPy reference on the same arguments, which stay as they are: both get copies."""
    best, made = [], []
    for function in (kernel, twin):
        seconds = []
        for _ in range(ROUNDS):
            given = tuple(copied(x) for x in args), {key: copied(x) for key, x in options.items()}
            began = time.perf_counter()
            function(*given[0], **given[1])
            seconds.append(time.perf_counter() - began)
        best.append(min(seconds))
        made.append([x for x in (*given[0], *given[1].values()) if isinstance(x, np.ndarray) and x.dtype.kind == "f"])
    return Beside(best[0], best[1], max((ulps(a, b) for a, b in zip(*made)), default=0.0))


def copied(x: Any) -> Any:
    """An argument that NumPy may write to."""
    return x.copy() if isinstance(x, np.ndarray) else x


def ulps(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two arrays, in units in the last place of the largest number in them."""
    with np.errstate(all="ignore"):
        largest = np.maximum(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64)) / float(np.spacing(largest))
    return float(np.nan_to_num(apart, nan=0.0, posinf=np.inf).max(initial=0.0))


def bytes_of(args: tuple, options: dict) -> int:
    """The bytes of a call's arrays, each counted once: what it reads or writes at least."""
    arrays = [x for x in (*args, *options.values()) if isinstance(x, np.ndarray)]
    for x in args:
        for part in (getattr(x, "params", ()), *getattr(x, "states", ())):
            arrays += [p for p in part if isinstance(p, np.ndarray)]
    return sum(array.size * array.itemsize for array in {id(array): array for array in arrays}.values())


PLACES = {"conv2d": (1, 2), "conv2d_input": (1, 0), "conv2d_weight": (2, 1)}  # of filters and outputs among arguments


def flops_of(name: str, args: tuple, options: dict) -> int:
    """Floating-point operations of a product or a convolution: two for each multiplication; 0 for other kernels."""
    if name == "matmul":
        a, out = args[0], args[2] if len(args) > 2 else options["out"]
        return 2 * a.shape[-2 if options.get("ta") and a.ndim > 1 else -1] * out.size
    if name in PLACES:
        filters, outputs = (args[i] for i in PLACES[name])
        return 2 * outputs.size * (filters.size // max(1, len(filters)))
    return 0


def room(module: str) -> str:
    """The room of the package that a module stands in; "" for the user's own."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "minigrad" else ""
