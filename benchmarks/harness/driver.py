"""The clock's side: one process per peer and thread count; they take turns in short slices; medians are kept.

Slices of all rows alternate, and every ratio is a median over rounds: what disturbs the machine disturbs all rows.
A process that is not measured is stopped (SIGSTOP), so that its idle threads do not spin on a processor in use.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from .case import Case, agree

TITLES = {"numpy": "NumPy", "minigrad": "", "torch": "PyTorch", "jax": "JAX", "numba": "numba"}
TITLES |= {"sklearn": "scikit-learn", "celer": "celer", "skglm": "skglm", "adelie": "adelie"}  # of linear models
ORDER = tuple(TITLES)
ROOFS = ("FMA peak", "copy")  # the rows that are no peer's, but the machine's
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "MINIGRAD_NUM_THREADS",
)
# OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE alone can halve the speed of NumPy's matrix products: all such settings go.
FIRST = 4  # slices, each at most ten times as many calls: a loop of steps gets faster with their number
CLEARED = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "NUMBA_", "XLA_", "JAX_", "TORCH_", "MINIGRAD_", "PYTHON")


def installed(peers: Iterable[str]) -> list[str]:
    """Those of the peers that can be imported."""
    return [peer for peer in peers if importlib.util.find_spec(peer) is not None]


def processors() -> list[int]:
    """The processors that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def clean_environment(threads: int) -> dict[str, str]:
    """The environment of a worker: no settings but the number of threads."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}
    return {**kept, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "ignore"}


class Worker:
    """A peer's process, stopped whenever it is not computing."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer, self.threads = peer, threads
        self.failed: set[str] = set()  # labels of the present case whose run raised
        cpus = ",".join(map(str, processors()[-threads:])) if sys.platform == "linux" else ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.harness.worker", peer, str(threads), cpus],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(threads),
            cwd=Path(__file__).parents[2],
        )

    def send(self, **command: Any) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            return {"error": f"the process ended with status {self.process.wait()}"}
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def ask(self, **command: Any) -> dict[str, Any]:
        self.send(**command)
        return self.receive()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@dataclass
class Row:
    """One line of a table: who, with how many threads, and the seconds per call of each round."""

    who: str
    peer: str
    label: str
    threads: int
    flops: float
    bytes: float
    answer: list[float]
    worker: Worker
    rounds: int
    times: int = 1
    samples: dict[int, float] = field(default_factory=dict)
    agrees: bool = True

    @property
    def median(self) -> float:
        return median(self.samples.values())

    @property
    def best(self) -> float:
        return min(self.samples.values())

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles, as a share of the median."""
        s = sorted(self.samples.values())
        return (s[(3 * len(s)) // 4 - (len(s) % 4 == 0)] - s[len(s) // 4]) / 2 / self.median if len(s) > 2 else 0.0

    def over(self, other: Row) -> float:
        """Median over the common rounds of other's time over this one's: above 1, this row is faster."""
        return median(
            [other.samples[i] / t for i, t in self.samples.items() if i in other.samples]
            or [other.median / self.median]
        )


class Driver:
    """All workers, and how long a slice and a case may take."""

    def __init__(
        self, peers: Sequence[str], threads: Sequence[int], slice_seconds: float, rounds: int, case_seconds: float
    ) -> None:
        self.slice_seconds, self.rounds, self.case_seconds = slice_seconds, rounds, case_seconds
        self.workers: list[Worker] = []
        try:
            for n in threads:
                for peer in peers:
                    self.workers.append(Worker(peer, n))
            for worker in self.workers:
                worker.send(version=True)
            replies = [worker.receive() for worker in self.workers]
        except BaseException:
            self.end()
            raise
        self.versions = {w.peer: r.get("version", "does not load") for w, r in zip(self.workers, replies, strict=True)}
        self.complaints: list[str] = []

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        for worker in self.workers:
            worker.end()

    def measure(
        self, family: str, case: Case, tolerance: float, base: str = "numpy", seconds: float | None = None
    ) -> list[Row]:
        """The rows of a case, with their samples; the answers are compared with those of the peer `base`.

        `seconds`, if given, instead of case_seconds for all rounds.
        """
        limit = self.case_seconds if seconds is None else seconds
        rows = self._prepare(family, case, limit)
        for row in rows:  # first slices that do not count tell how many calls fill the next
            for _ in range(FIRST if row.rounds > 1 else 0):
                before, row.times = row.times, max(1, min(10 * row.times, round(self.slice_seconds / self._slice(row))))
                if row.times < 2 * before:
                    break
        start = monotonic()
        for i in range(self.rounds):
            if i >= 3 and monotonic() - start > limit:
                break
            shift = i % max(1, len(rows))
            for row in rows[shift:] + rows[:shift]:  # nobody always follows the same neighbour
                if i < row.rounds:
                    row.samples[i] = self._slice(row)
                    if row.samples[i] > limit / 10:
                        row.rounds = 1
        rows = [row for row in rows if row.worker in self.workers and row.label not in row.worker.failed]
        rows.sort(key=lambda row: (row.label in ROOFS, ORDER.index(row.peer)))
        truth = next((row.answer for row in rows if row.peer == base), None)
        for row in rows:
            row.agrees = not row.answer or truth is None or agree(row.answer, truth, tolerance)
        return rows

    def _prepare(self, family: str, case: Case, limit: float) -> list[Row]:
        for worker in self.workers:
            worker.failed.clear()
            worker.send(prepare={"family": family, "case": case._asdict()})
        rows = []
        for worker in list(self.workers):
            reply = self._receive(worker, f"{family} {case.name}")
            for label, found in reply.get("rows", {}).items():
                who = f"{TITLES[worker.peer]} {label}".strip()
                row = Row(
                    who,
                    worker.peer,
                    label,
                    worker.threads,
                    found["flops"],
                    found["bytes"],
                    found["answer"],
                    worker,
                    self.rounds,
                )
                if found["once"] > limit / 10:
                    row.rounds = 1
                row.times = max(1, round(self.slice_seconds / found["once"] / 2))
                rows.append(row)
        return rows

    def _slice(self, row: Row) -> float:
        """Seconds per call, now."""
        if row.worker not in self.workers or row.label in row.worker.failed:
            return 1.0
        row.worker.send(run=row.label, times=row.times)
        reply = self._receive(row.worker, row.who)
        if "error" in reply:
            row.worker.failed.add(row.label)
        return max(reply.get("seconds", row.times), 1e-9) / row.times

    def _receive(self, worker: Worker, where: str) -> dict[str, Any]:
        """The answer; an error is noted, and a process that ended is forgotten."""
        reply = worker.receive()
        if "error" in reply:
            last = reply["error"].strip().splitlines()[-1]
            self.complaints.append(f"{worker.peer} with {worker.threads} thread(s), {where}: {last}")
            if worker.process.poll() is not None:
                self.workers.remove(worker)
        return reply
