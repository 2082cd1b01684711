"""The machine: what it is called, and how fast it can be at best, measured."""

from __future__ import annotations

import glob
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.lab.pages.machine import cpu_name

from .driver import CLEARED, processors

MEMORY = 256 << 20  # bytes of the largest copy; a cache that is larger than that is called by its name


def describe() -> dict[str, Any]:
    """Names and sizes."""
    blas = np.show_config("dicts")["Build Dependencies"]["blas"]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cpu": cpu_name(),
        "processors": processors(),
        "caches": caches(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
    }


def caches() -> dict[str, int]:
    """L1 -> bytes of data cache that one processor sees; empty where the system does not tell."""
    found = {}
    for folder in sorted(glob.glob("/sys/devices/system/cpu/cpu0/cache/index*")):
        kind, level, size = (Path(folder, name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = int(size.rstrip("KM")) << (20 if size.endswith("M") else 10)
    return found


def copy_sizes(levels: dict[str, int]) -> dict[str, int]:
    """Where a copy lives -> the bytes that it reads and writes: half of each cache, and far more than the last."""
    sizes = {name: min(size // 2, MEMORY // 4) for name, size in (levels or {"L1": 32 << 10, "L2": 1 << 20}).items()}
    return {**sizes, "memory" if max(levels.values(), default=0) < MEMORY else "256 MiB": MEMORY}


def roofs(seconds: float = 0.004) -> dict[str, Any]:
    """Best rates of this process: GFLOP/s by dtype and variant, copy GB/s (read and written) by level.

    Runs inside a worker, which is tied to its processors.
    """
    import minigrad.kernels as K

    if K.runtime is None:
        return {}
    from minigrad.kernels.native import peaks

    fma: dict[str, dict[str, float]] = {}
    copy = {}
    with K.use_backend("native"):
        for variant in K.runtime.supported():
            K.runtime.set_variant(variant)
            for dtype, bits in (("float32", 32), ("float64", 64)):
                rounds = 1000
                while best(1, peaks.peak_fma, bits, rounds) < seconds / 2:
                    rounds *= 2
                operations = peaks.peak_fma(bits, rounds)
                fma.setdefault(dtype, {})[variant] = operations / best(9, peaks.peak_fma, bits, rounds) / 1e9
        for level, size in copy_sizes(caches()).items():
            x, y = aligned(size // 8, "float32"), aligned(size // 8, "float32")
            repeats = max(1, int(seconds * 50e9 / size))  # a first call fills the caches, many find a quiet moment
            copy[level] = size / best(9 * repeats, peaks.peak_copy, x, y) / 1e9
    return {"GFLOP/s": fma, "GB/s": copy, "copied bytes": copy_sizes(caches())}


def aligned(n: int, dtype: str) -> np.ndarray:
    """Ones that start on a cache line: a roof is measured where the machine likes it best."""
    size = np.dtype(dtype).itemsize
    buffer = np.ones(n + 64 // size, dtype)
    return buffer[-buffer.ctypes.data % 64 // size :][:n]


def best(times: int, run: Any, *arguments: Any) -> float:
    """The shortest of some runs in seconds: a roof is what the machine can do, not what it does on average."""
    shortest = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run(*arguments)
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def header(machine: dict[str, Any], threads: list[int]) -> list[str]:
    """What stands above the tables."""
    cpus, levels = machine["processors"], machine["caches"]
    used = "; ".join(f"{n} thread{'s' * (n > 1)}: cpu {', '.join(map(str, cpus[-n:]))}" for n in threads)
    lines = [
        f"{machine['date']}  {machine['cpu']}, {len(cpus)} processors, {machine['system']}",
        "caches  " + ("  ".join(f"{name} {size >> 10} KiB" for name, size in levels.items()) or "not known"),
        "peers   "
        + "  ".join(f"{name} {version}" for name, version in machine["versions"].items())
        + f"  (NumPy with {machine['blas']})",
        f"        each in its own process, tied to its processors ({used}); cleared before loading: "
        + " ".join(f"{name}*" for name in CLEARED if name != "PYTHON")
        + f"; OPENBLAS_CORETYPE was {os.environ.get('OPENBLAS_CORETYPE', 'not set')}",
    ]
    if machine["load"] is not None and machine["load"] > 0.5:
        lines.append(
            f"load    {machine['load']:.1f} processes ran here before: beside them, rows with threads mean little"
        )
    for n, roof in machine["roofs"].items():
        if roof:
            fma = "; ".join(
                f"{dtype} " + ", ".join(f"{v} {x:.4g}" for v, x in rates.items())
                for dtype, rates in roof["GFLOP/s"].items()
            )
            copies = ", ".join(f"{level} {x:.3g}" for level, x in roof["GB/s"].items())
            lines.append(f"peaks   {n} thread{'s' * (int(n) > 1)}: GFLOP/s {fma}; copy GB/s {copies}")
    return lines
