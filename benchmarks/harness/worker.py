"""One peer in a process of its own, commands as JSON lines on stdin:
`python -m benchmarks.harness.worker PEER THREADS CPUS`.

    {"prepare": {"family": "matmul", "case": {...}}}    -> {"rows": {label: {"once": seconds, "answer": [...], ...}}}
    {"run": label, "times": n}                          -> {"seconds": s}

The process ties itself to its processors before a numerical library is loaded: that bounds the threads of all of them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from itertools import repeat
from time import perf_counter
from typing import Any

ATTEMPTS = 4  # a slice in which the system gave the processor to another process is measured again
LONG = 0.02  # unless it is so long (seconds) that this would happen again


def taken_away() -> int:
    """How often that happened to this process."""
    try:
        import resource
    except ImportError:  # not a Unix
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def repeated(call: Callable[[], object], times: int) -> None:
    for _ in repeat(None, times):
        call()


def die_with_parent() -> None:
    """A worker that is stopped between its slices would outlive a driver that was killed."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


class Peer:
    """NumPy, PyTorch, JAX or numba: the family's function by_<peer>(case) says how each computes."""

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.threads = name, threads
        if name == "torch":
            import torch

            torch.set_num_threads(threads)

    def version(self) -> str:
        return importlib.import_module(self.name).__version__

    def rows(self, family: Any, case: Any) -> dict[str, tuple[Callable[[], None], Any, dict[str, float]]]:
        """label -> (what to do before it runs, the run, the work of one call where it is not the case's)."""
        make = getattr(family, f"by_{self.name}", None)
        runs = make(case) if make is not None else {}
        return {label: (lambda: None, run, {}) for label, run in runs.items()}


class Minigrad(Peer):
    """This project: the reference backend, every CPU variant of the native one, and the roofs of the machine."""

    def version(self) -> str:
        import minigrad

        return minigrad.__version__

    def select(self, backend: str, variant: str) -> None:
        import minigrad.kernels as K

        K.use_backend(backend)
        if backend == "native":
            K.runtime.set_variant(variant)

    def rows(self, family: Any, case: Any) -> dict[str, tuple[Callable[[], None], Any, dict[str, float]]]:
        import minigrad.kernels as K

        found = {}
        choices = [("reference", "reference")] if self.threads == 1 else []
        if K.runtime is not None:
            K.set_num_threads(self.threads)
            found = self.roofs(family, case)
            all_variants = self.threads == 1 and family.ALL_VARIANTS
            choices += [("native", v) for v in K.runtime.supported() if all_variants or v not in ("naive", "generic")]
        for backend, variant in choices:
            self.select(backend, variant)
            if backend == "native" and any(getattr(K, name) is getattr(K.reference, name) for name in family.KERNELS):
                continue  # the table has only the reference for it
            label = {"naive": "naive C", "reference": "reference"}.get(variant, f"minigrad {variant}")
            for more, run in family.by_kernels(K, case).items():
                found[f"{label} {more}".rstrip()] = (lambda b=backend, v=variant: self.select(b, v), run, {})
        return found

    def roofs_of_machine(self) -> dict[str, Any]:
        import minigrad.kernels as K

        from .machine import roofs

        K.set_num_threads(self.threads)
        return roofs()

    def roofs(self, family: Any, case: Any) -> dict[str, tuple[Callable[[], None], Any, dict[str, float]]]:
        """The best that the machine could do with the case's work, measured in the same rounds."""
        from minigrad.kernels import runtime
        from minigrad.kernels.native import peaks

        from .case import Run
        from .machine import aligned

        best = runtime.supported()[-1]
        found = {}
        if "FMA" in family.ROOFS:
            rounds = 2000 if best == "generic" else 20000
            self.select("native", best)
            work = {"flops": peaks.peak_fma(case.bits, rounds), "bytes": 0.0}
            run = Run(lambda: peaks.peak_fma(case.bits, rounds), list)
            found["FMA peak"] = (lambda: self.select("native", best), run, work)
        if "copy" in family.ROOFS:
            n = max(1, int(case.bytes) // (2 * case.bits // 8))
            x, y = aligned(n, case.dtype), aligned(n, case.dtype)
            found["copy"] = (
                lambda: self.select("native", best),
                Run(lambda: peaks.peak_copy(x, y), list),
                {"flops": 0.0},
            )
        return found


class Worker:
    """The rows of the present case, and the clock."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.rows: dict[str, Any] = {}

    def prepare(self, family: str, case: dict[str, Any]) -> dict[str, Any]:
        from . import families
        from .case import Case

        self.rows.clear()
        gc.collect()
        wanted = Case(**case)
        module = families.family(family)
        reply = {}
        for label, (select, run, work) in self.peer.rows(module, wanted).items():
            select()
            calls = []
            for _ in range(3):
                start = perf_counter()
                run.call()
                calls.append(perf_counter() - start)
                if calls[0] > 0.2 and not module.STATEFUL and self.peer.name == "minigrad":
                    break  # nothing to compile, and another call would change nothing
            once = min(calls)
            self.rows[label] = (select, run)
            reply[label] = {
                "once": once,
                "answer": list(run.answer()),
                "flops": wanted.flops,
                "bytes": wanted.bytes,
                **work,
            }
        return {"rows": reply}

    def run(self, label: str, times: int) -> dict[str, float]:
        """Seconds for `times` calls, after a tenth as many that bring code and data back into the caches."""
        select, run = self.rows[label]
        select()
        many = run.many or partial(repeated, run.call)
        gc.disable()
        try:
            if run.timed is None:
                many(1 + times // 10 if times > 1 else 0)
            for _ in range(ATTEMPTS):
                before = taken_away()
                start = perf_counter()
                if run.timed is None:
                    many(times)
                    seconds = perf_counter() - start
                else:
                    seconds = times * run.timed()
                if taken_away() == before or perf_counter() - start > LONG:
                    break
            return {"seconds": seconds}
        finally:
            gc.enable()


def main() -> None:
    name, threads, cpus = sys.argv[1], int(sys.argv[2]), [int(cpu) for cpu in sys.argv[3].split(",") if cpu]
    die_with_parent()
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    worker = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if worker is None:
                worker = Worker((Minigrad if name == "minigrad" else Peer)(name, threads))
            if "prepare" in command:
                reply = worker.prepare(**command["prepare"])
            elif "run" in command:
                reply = worker.run(command["run"], command["times"])
            elif "roofs" in command:
                reply = {"roofs": worker.peer.roofs_of_machine()}
            else:
                reply = {"version": worker.peer.version()}
        except Exception:
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
