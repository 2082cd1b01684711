"""Two threads against one: steps, products, a penalty and an update, on a quiet machine and beside a busy process.

The rows are those of any family. The notes come from a process of its own, which times every single call by one thread
and by two, in turn, while another process computes without end on one processor, with the same priority or a lower one.
`python -m benchmarks threads --peers`; `python -m benchmarks.engine.threads lower 10 S0 L1` for one condition.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import Any

from ..harness.case import Case, Run
from ..harness.driver import clean_environment, processors
from ..harness.families import family

TITLE = "threads: one call, by one thread and by two"
UNIT = "GFLOP/s"
ROOFS = ()
KERNELS = ()
STATEFUL = True
ALL_VARIANTS = False
TOLERANCE = 1e-2
CASES = {  # title: family, size
    "S0": ("step", "S0"),
    "S0-256": ("step", "S0-256"),
    "L1": ("step", "L1"),
    "matmul 32x784x64": ("matmul", "32x784x64"),
    "matmul 784x32x64:T.": ("matmul", "784x32x64:T."),
    "matmul 256x256x256": ("matmul", "256x256x256"),
    "matmul 128x1024x1024:.T": ("matmul", "128x1024x1024:.T"),
    "matmul 1024x1024x1024": ("matmul", "1024x1024x1024"),
    "penalty": ("penalty", "1M"),
    "update": ("update", "1M"),
}
QUICK = ["S0", "matmul 32x784x64"]
CONDITIONS = {"quiet": None, "equal": 0, "lower": 19}  # niceness of the process beside
SLICE = 0.2  # seconds by one thread, then by two
LIMITS = {"median": 1.1, "mean": 1.25, "p99": 1.25}  # two threads over one, at most, beside a busy process


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are titles: S0, `matmul 32x784x64`, penalty, ..."""
    unknown = set(sizes) - set(CASES)
    if unknown:
        raise ValueError(f"threads: there is no {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    return [case(title) for title in sizes or (QUICK if quick else CASES)]


def case(title: str) -> Case:
    of, size = CASES[title]
    found = family(of).cases([size], False)[0]
    return found._replace(name=title, params={"family": of, "case": found._asdict()})


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    """The first row of the family that the case comes from."""
    if K.backend() == "reference":
        return {}
    found = family(case.params["family"]).by_kernels(K, Case(**case.params["case"]))
    return {"": next(iter(found.values()))}


def notes(results: list[dict[str, Any]], peers: list[str], quick: bool) -> list[str]:
    """Each case beside a busy process: what two threads take of the time of one."""
    if len(processors()) < 2:
        return ["one processor: nothing to measure beside a busy process"]
    titles = list(dict.fromkeys(r["case"] for r in results))
    lines = [f"two threads over one beside a busy process; at most {LIMITS}"]
    for condition in ("equal", "lower"):
        command = [sys.executable, "-m", __name__, condition, "1" if quick else "3", *titles]
        root, clean = Path(__file__).parents[2], clean_environment(2)
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=clean)
        lines += [line(condition, title, times) for title, times in json.loads(done.stdout).items()]
    return lines


def summary(times: list[float]) -> dict[str, float]:
    return {"median": median(times), "mean": fmean(times), "p99": sorted(times)[int(0.99 * len(times))]}


def line(condition: str, title: str, times: dict[str, list[float]]) -> str:
    """One line: median, mean and 99th percentile by one thread, and what two take of each."""
    one, two = summary(times["1"]), summary(times["2"])
    shown = [f"{name} {1e6 * one[name]:9.1f} us x {two[name] / one[name]:6.2f}" for name in LIMITS]
    over = [name for name, most in LIMITS.items() if two[name] > most * one[name]] if condition != "quiet" else []
    return f"{condition:6} {title:26} " + ", ".join(shown) + (f"  over: {', '.join(over)}" if over else "")


class Busy:
    """A process that computes without end on the last processor; `niceness` None: no process."""

    def __init__(self, niceness: int | None) -> None:
        program = f"import os; os.nice({niceness})\n"
        if hasattr(os, "sched_setaffinity"):
            program += f"os.sched_setaffinity(0, [{processors()[-1]}])\n"
        command = [sys.executable, "-c", program + "while True: pass"]
        self.process = None if niceness is None else subprocess.Popen(command)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def timed(call: Callable[[], object], seconds: float, times: list[float]) -> None:
    """Add the seconds of every call of a slice; the first of it, which may start threads, does not count."""
    call()
    end = perf_counter() + seconds
    at = perf_counter()
    while at < end:
        call()
        now = perf_counter()
        times.append(now - at)
        at = now


def measure(title: str, seconds: float) -> dict[str, list[float]]:
    import minigrad.kernels as K

    call = by_kernels(K, case(title))[""].call
    found: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(max(1, round(seconds / SLICE / 2))):  # whatever disturbs the machine disturbs both
        for threads, times in found.items():
            K.set_num_threads(int(threads))
            timed(call, SLICE, times)
    return found


def main(condition: str, seconds: str, *titles: str) -> None:
    with Busy(CONDITIONS[condition]):
        print(json.dumps({title: measure(title, float(seconds)) for title in titles}))


if __name__ == "__main__":
    main(*sys.argv[1:])
