"""The engine: time and memory per recorded op on chains of ops of size 1, where there is nothing but overhead."""

from __future__ import annotations

import mmap
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from ..harness.case import Case, Run, count, human

TITLE = "engine: per recorded op of size 1, in a chain; float32, one thread, collector paused"
UNIT = ""
ROOFS = ()
KERNELS = ()
STATEFUL = False
ALL_VARIANTS = False
TOLERANCE = 1e-5
BASE = "torch"
OPS = ("y * 0.999", "tanh(y)", "y + c")
TARGETS = {"forward": 0.6, "backward": 0.5}  # of PyTorch's time
FLAT = 1.3  # the time per op in the longest chain over that in the shortest, at most
BYTES = 880  # per recorded op, at most
MEMORY = Path("/proc/self/statm")  # what a process holds; Linux has it


class Chain(NamedTuple):
    """What a peer records: `extended(y, n)` is y after n ops, x its leaf, `zero_grad` forgets the gradient of x."""

    x: Any
    extended: Callable[[Any, int], Any]
    zero_grad: Callable[[], None]

    def forward(self, n: int) -> float:
        start = perf_counter()
        y = self.extended(self.x, n)
        seconds = perf_counter() - start
        del y
        return seconds

    def backward(self, n: int) -> float:
        self.zero_grad()
        y = self.extended(self.x, n)
        start = perf_counter()
        y.backward()
        return perf_counter() - start

    def freeing(self, n: int) -> float:
        y = self.extended(self.x, n)
        start = perf_counter()
        del y
        return perf_counter() - start


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are lengths of the chain. The cases named `flat` compare the shortest with the longest."""
    lengths = sorted({count(size) for size in sizes} or ({1000, 10_000} if quick else {10_000, 1_000_000}))
    n, longest = lengths[0], lengths[-1]
    wanted = [(phase, op, [n]) for op in OPS[: 1 if quick else None] for phase in TARGETS]
    wanted.append(("freeing", OPS[0], [n]))
    if longest > n:
        wanted += [(phase, OPS[0], [n, longest]) for phase in TARGETS]
    return [
        Case(f"{phase} {'flat' if len(ns) > 1 else op}", "float32", {"phase": phase, "op": op, "lengths": ns}, 1, 0)
        for phase, op, ns in wanted
    ]


def chain(op: str, tensor: Callable, tanh: Callable) -> Chain:
    x, c = tensor([0.5], requires_grad=True), tensor([0.5])

    def extended(y: Any, n: int) -> Any:
        if op == "y * 0.999":
            for _ in range(n):
                y = y * 0.999
        elif op == "tanh(y)":
            for _ in range(n):
                y = tanh(y)
        else:
            for _ in range(n):
                y = y + c
        return y

    return Chain(x, extended, lambda: setattr(x, "grad", None))


def of_minigrad(op: str) -> Chain:
    import minigrad as mg

    return chain(op, mg.tensor, mg.tanh)


def of_torch(op: str) -> Chain:
    import torch

    return chain(op, torch.tensor, torch.tanh)


CHAINS = {"minigrad": of_minigrad, "torch": of_torch}


def runs(c: Chain, case: Case) -> dict[str, Run]:
    phase, lengths = case.params["phase"], case.params["lengths"]
    short, total = lengths[0], lengths[-1]

    def once() -> None:
        c.zero_grad()
        c.extended(c.x, short).backward()

    def per_op(n: int) -> float:
        chains = min(total // n, 10)
        return sum(getattr(c, phase)(n) for _ in range(chains)) / (chains * n)

    def answer() -> list[float]:
        return [c.extended(c.x, short).item(), c.x.grad.item()]

    return {human(n) if len(lengths) > 1 else "": Run(once, answer, timed=partial(per_op, n)) for n in lengths}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    alone = len(case.params["lengths"]) > 1 and K.backend() == "reference"  # flatness is the engine's, not the kernels'
    return {} if alone or K.get_num_threads() > 1 else runs(of_minigrad(case.params["op"]), case)


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    alone = len(case.params["lengths"]) > 1  # ours alone: PyTorch would take a minute
    return {} if alone or torch.get_num_threads() > 1 else runs(of_torch(case.params["op"]), case)


def notes(results: list[dict[str, Any]], peers: list[str], quick: bool) -> list[str]:
    """The figures beside their targets, and the memory, which a process of its own per peer measures."""
    lines = []
    for phase, target in TARGETS.items():
        ours = [r for r in results if r["case"].startswith(phase) and r["who"].startswith("minigrad ")]
        shares = [1 / r["times torch"] for r in ours if r["times torch"]]
        flat = [r["seconds"] for r in ours if r["case"].endswith("flat")]
        if shares:
            lines.append(f"{phase}: {', '.join(f'{x:.2f}' for x in shares)} of PyTorch's time (target {target})")
        if flat:
            lines.append(f"{phase}: {flat[-1] / flat[-2]:.2f} of the shortest chain's in the longest (target {FLAT})")
    ops = 100_000 if quick else 1_000_000
    for peer in peers if MEMORY.exists() else []:
        if peer in CHAINS:
            done = subprocess.run(
                [sys.executable, "-m", __name__, peer, str(ops)],
                capture_output=True,
                text=True,
                cwd=Path(__file__).parents[2],
                check=True,
            )
            lines.append(f"{peer}: {float(done.stdout):.0f} bytes per recorded op, {human(ops)} ops (target {BYTES})")
    return lines


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(MEMORY.read_text().split()[1]) * mmap.PAGESIZE


def bytes_per_op(peer: str, ops: int) -> float:
    """Growth of the process while `ops` ops are recorded; a first chain brings in what is loaded once."""
    c = CHAINS[peer](OPS[0])
    c.extended(c.x, 100).backward()
    before = resident()
    y = c.extended(c.x, ops)
    grown = resident() - before
    del y
    return grown / ops


if __name__ == "__main__":
    print(bytes_per_op(sys.argv[1], int(sys.argv[2])))
