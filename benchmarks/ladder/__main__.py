"""`python -m benchmarks.ladder [N]`: compile ladder.c as kernels are compiled, check that rungs agree, time them."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

ROOT = Path(__file__).parent.parent.parent
RUNGS = {
    "naive": "three loops, scalar",
    "blocked": "+ blocks of 64",
    "vectorised": "three loops, vectors",
    "tiled": "+ a tile in registers",
    "packed": "+ b packed",
    "threaded": "+ two threads",
}
ROUNDS = 7


def compiled(folder: str, variant: str) -> ctypes.CDLL:
    """ladder.c for a CPU variant, with the flags of setup.py."""
    sys.path.insert(0, str(ROOT))
    from setup import CFLAGS, MACHINE, VARIANTS

    library = Path(folder, "ladder.so")
    flags = [*CFLAGS, *VARIANTS[MACHINE][variant], "-fvisibility=default", "-pthread", "-shared", "-fPIC"]
    sources = [str(Path(__file__).with_name("ladder.c")), str(ROOT / "src_c/team/team.c")]
    command = [*os.environ.get("CC", "cc").split(), *flags, f"-I{ROOT / 'src_c'}", *sources, "-o", str(library), "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def main(n: int) -> None:
    os.environ.update(OPENBLAS_NUM_THREADS="1")
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    import numpy as np

    import minigrad.kernels as K
    from minigrad.kernels.native import peaks

    from ..harness.machine import aligned

    if n % 32 or not 0 < n <= 1024:
        raise SystemExit(f"ladder: n is {n}; need a multiple of 32 up to 1024")
    variant = K.runtime.supported()[-1]
    K.set_num_threads(1)
    a, b, c = (aligned(n * n, "float32").reshape(n, n) for _ in range(3))
    for i, x in enumerate((a, b)):
        x[...] = np.random.default_rng(i).standard_normal((n, n))
    expected = np.empty_like(c)
    K.matmul(a, b, expected)
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(folder, variant)
        runs: dict[str, Callable[[], object]] = {}
        for name, what in RUNGS.items():
            rung = getattr(library, name)
            pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)]
            runs[what] = lambda rung=rung, pointers=pointers: rung(ctypes.c_size_t(n), *pointers)
            runs[what]()
            assert (c == expected).all(), f"{name} has other bits than minigrad.kernels.matmul"
        threads = runs.popitem()  # last: its helper thread goes on spinning for a while
        runs["minigrad, one thread"] = lambda: K.matmul(a, b, c)
        runs["NumPy, one thread"] = lambda: np.matmul(a, b, c)
        runs.update([threads])
        times: dict[str, list[float]] = {what: [] for what in runs}
        work, peak = peaks.peak_fma(32, 100_000), []
        for _ in range(ROUNDS):
            start = perf_counter()
            peaks.peak_fma(32, 100_000)
            peak.append(work / (perf_counter() - start) / 1e9)
            for what, run in runs.items():
                start, calls = perf_counter(), 0
                while calls == 0 or perf_counter() - start < 0.02:
                    run()
                    calls += 1
                times[what].append((perf_counter() - start) / calls)
            sleep(0.1)
    print(f"{n}³, float32, {variant}; FMA peak of one thread {median(peak):.0f} GFLOP/s; bits of all rungs equal")
    for what, seconds in times.items():
        rate = 2 * n**3 / median(seconds) / 1e9
        print(f"{what:24} {rate:8.1f} GFLOP/s {rate / median(peak):8.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
