"""The table of kernels: every number of minigrad is computed by a function named here.

`K.matmul(a, b, y)` calls the kernel of the backend in use: `native` (Cython over C), `reference` (NumPy), or a module
of your own. `use_backend` switches all of them at once, for the whole process; `report` lists where each comes from.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import compared, reference

if TYPE_CHECKING:
    from .reference import *  # noqa: F403  (the kernels as a type checker sees them)

NAMES = reference.NAMES
FAMILIES = (
    "memory",
    "gather",
    "elementwise",
    "elementary",
    "matmul",
    "conv",
    "pool",
    "reduce",
    "scans",
    "softmax",
    "standardize",
    "embedding_bag",
    "recurrent",
    "losses",
    "penalty",
    "group_norms",
    "dropout",
    "random",
    "update",
    "descent",
    "sparse",
)
runtime: Any = None  # the compiled module of CPU variants and threads, or None
blocks: Any = None  # the compiled module that keeps large blocks of memory, or None
tape: Any = None  # the compiled module that notes kernel calls and replays them, or None

_server: dict[str, str] = {}  # kernel -> where it comes from
_backend: str | ModuleType = "reference"
_native: dict[str, Any] = {}
_opaque: set[str] = set()


def _load_native() -> None:
    """Put the compiled kernels into _native. If this installation has none, warn, and the reference kernels serve.

    A compiled module that cannot be loaded raises its error.
    """
    global runtime, blocks, tape
    if os.environ.get("MINIGRAD_NO_NATIVE") == "1":
        warnings.warn("minigrad: MINIGRAD_NO_NATIVE=1, so the NumPy reference kernels serve", stacklevel=4)
        return
    if importlib.util.find_spec(f"{__name__}.native.runtime") is None:
        warnings.warn(
            "minigrad: no compiled kernels in this installation, so the slower NumPy reference kernels serve; "
            "`pip install .` with a C compiler builds them",
            stacklevel=4,
        )
        return
    runtime = importlib.import_module(f"{__name__}.native.runtime")
    blocks = importlib.import_module(f"{__name__}.native.block_cache")
    tape = importlib.import_module(f"{__name__}.native.tape")
    for family in FAMILIES:
        module = importlib.import_module(f"{__name__}.native.{family}")
        for name in NAMES:
            if hasattr(module, name):
                _native[name] = getattr(module, name)
    if not runtime.denormals_kept():
        warnings.warn(
            "minigrad: another library set this process to flush denormal numbers to zero (it was probably linked with "
            "-ffast-math); results may differ from other machines in the last bits",
            stacklevel=4,
        )


def _fill(backend: str | ModuleType) -> None:
    """Point every name of the table at its kernel."""
    global _backend
    if isinstance(backend, ModuleType):
        fills = [(backend.__name__, vars(backend)), ("native", _native), ("reference", vars(reference))]
    elif backend == "native" and _native:
        fills = [("native", _native), ("reference", vars(reference))]
    elif backend == "reference":
        fills = [("reference", vars(reference))]
    elif backend == "compare" and _native:
        fills = [("compare", vars(compared.table(_native, NAMES))), ("reference", vars(reference))]
    elif backend in ("native", "compare"):
        raise RuntimeError(
            f"use_backend({backend!r}): this process has no compiled kernels; see minigrad.kernels.report()"
        )
    else:
        raise ValueError(
            f"use_backend: {backend!r} is none of 'native', 'reference', 'compare', or a module of kernels"
        )
    for name in NAMES:
        _server[name], functions = next((who, found) for who, found in fills if name in found)
        globals()[name] = functions[name]
    _backend = backend


class use_backend:
    """Compute with `native`, `reference`, or a module of your own kernels, from now on and in the whole process.

    `compare` makes every call with both and raises KernelMismatch, with the kernel and its arguments, if their results
    differ by more than compared.BOUND allows: a check for a new processor or compiler.

    In a `with` statement the former backend returns at the end. A module may define any of the kernels of
    `minigrad.kernels.reference`; for other names the native kernels are used.

    Raises RuntimeError for `native` and `compare` if there are no compiled kernels, and ValueError for another name.

    >>> import minigrad as mg
    >>> with mg.use_backend("reference"):
    ...     mg.kernels.backend()
    'reference'
    """

    def __init__(self, backend: str | ModuleType) -> None:
        self._before = _backend
        _fill(backend)

    def __enter__(self) -> use_backend:
        return self

    def __exit__(self, *error: object) -> None:
        _fill(self._before)

    def __repr__(self) -> str:
        return f"use_backend({backend()!r})"


def backend() -> str:
    """Name of the backend in use."""
    return _backend if isinstance(_backend, str) else _backend.__name__


def cpu_variant() -> str:
    """The CPU variant of the native kernels (generic, avx2, avx512, neon), or `none` on reference kernels."""
    return runtime.get_variant() if runtime is not None else "none"


def set_num_threads(n: int) -> None:
    """Use at most n threads per kernel call. The results do not depend on it.

    Raises ValueError if n is no whole number or below 1.

    >>> import minigrad as mg
    >>> before = mg.get_num_threads()
    >>> mg.set_num_threads(1)
    >>> mg.get_num_threads()
    1
    >>> mg.set_num_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: n is {n!r}; need a whole number of at least 1")
    if runtime is not None:
        runtime.set_num_threads(n)


def get_num_threads() -> int:
    """The largest number of threads that a kernel call uses; 1 on reference kernels."""
    return runtime.get_num_threads() if runtime is not None else 1


def _threads_from_environment() -> int:
    for variable in ("MINIGRAD_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "").split(",")[0].strip()
        if text:
            if text.isdigit() and int(text) >= 1:
                return int(text)
            raise ValueError(f"{variable}={text!r}: need a whole number of at least 1")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def opaque(name: str) -> None:
    """Note the name of an op that does not compute with kernels (a user's forward in NumPy), for `report`."""
    _opaque.add(name)


def report() -> str:
    """What computes: backend, CPU variant, threads, which module serves each kernel, and the opaque ops.

    >>> import minigrad as mg
    >>> print(mg.kernels.report())  # doctest: +ELLIPSIS
    backend ...
    """
    lines = [
        f"backend      {backend()}",
        f"variant      {cpu_variant()} (this processor runs: {', '.join(runtime.supported()) if runtime else 'none'})",
        f"threads      {get_num_threads()}",
        f"numpy        {sys.modules['numpy'].__version__}",
    ]
    for who in dict.fromkeys(_server.values()):
        lines.append(f"{who:<12} {' '.join(name for name in NAMES if _server[name] == who)}")
    lines.append(f"opaque ops   {' '.join(sorted(_opaque)) or 'none'}")
    return "\n".join(lines)


_load_native()
if runtime is not None:
    runtime.set_variant(os.environ.get("MINIGRAD_CPU") or runtime.supported()[-1])
    runtime.set_num_threads(_threads_from_environment())
_fill(os.environ.get("MINIGRAD_BACKEND") or ("native" if _native else "reference"))
