"""Training steps: forward, loss, penalty, backward, update, each peer in its own idiom. The programs are in steps/."""

from __future__ import annotations

from statistics import median
from typing import Any

from ..harness.case import Case, Run
from . import STEPS, STEPS_A_CALL, Step

TITLE = "training step: forward, loss, backward, gradient of the penalty, update (steps/__init__.py has the networks)"
UNIT = "GFLOP/s"
ROOFS = ("FMA", "copy")
KERNELS = ()
STATEFUL = True  # whether a call changes what the next one computes
ALL_VARIANTS = False  # naive and generic too
TOLERANCE = 2e-2
WIDTH = 48  # of the column of names
# What a replay may take of the time of XLA's loop, both with 10,000 steps a call and one thread; S2-10 microseconds.
OF_XLA = {"S0": 0.75, "S1-SGD": 0.75, "S1-Adam": 0.75, "S4": 0.75, "S0-256": 0.8, "S2-100": 0.65, "S3": 0.3, "L1": 0.9}
MICROSECONDS = {"S2-10": 0.2}
OF_ONE = {"S0": 0.8, "S0-256": 0.6, "L1": 0.55}  # what two threads may take of the time of one, on a quiet machine


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are names: S0, S0-256, S1-SGD, S1-Adam, S2-10, S2-100, S3, S4, L1, R1, C1."""
    unknown = set(sizes) - set(STEPS)
    if unknown:
        raise ValueError(f"step: there is no step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    return [case(STEPS[name]) for name in sizes or (["S0", "S3"] if quick else STEPS)]


def case(step: Step) -> Case:
    return Case(step.title, step.dtype, {"step": step.name}, step.flops, step.bytes)


def by_numpy(case: Case) -> dict[str, Run]:
    from . import by_hand

    step = STEPS[case.params["step"]]
    if step.filters or step.sequence:
        return {}  # nobody writes convolutions or an LSTM's gradient by hand
    return by_hand.runs(step)


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    from . import minigrad

    return minigrad.runs(STEPS[case.params["step"]])


def by_torch(case: Case) -> dict[str, Run]:
    from . import torch

    return torch.runs(STEPS[case.params["step"]])


def by_jax(case: Case) -> dict[str, Run]:
    from . import jax

    return jax.runs(STEPS[case.params["step"]])


def notes(results: list[dict[str, Any]], peers: list[str], quick: bool) -> list[str]:
    """What a replay takes beside the step in Python, XLA's loop and PyTorch, and two threads beside one.

    Each figure is a median over rounds in which both were measured one after the other, and stands beside its target.
    """
    lines = [_note(title, results) for title in dict.fromkeys(r["case"] for r in results)]
    return [
        f"replay, {STEPS_A_CALL[-1]:,} steps a call: time and shares of others' times (targets)",
        *filter(None, lines),
    ]


def _note(title: str, results: list[dict[str, Any]]) -> str:
    """One case: the replay over each of the others."""
    name = title.partition(":")[0]
    mine = [r for r in results if r["case"] == title and r["threads"] == 1]
    end = f"{STEPS_A_CALL[-1]:,} steps a call"
    replays = [r for r in mine if "replay" in r["who"] and r["who"].endswith(end)]
    if not replays:
        return ""
    best = min(replays, key=lambda r: r["seconds"])
    said = [f"{1e6 * best['seconds']:.2f} us" + _target(1e6 * best["seconds"], MICROSECONDS.get(name))]
    eager = [r for r in mine if r["who"] == best["who"].partition(" replay")[0]]
    xla = [r for r in mine if r["who"] == f"JAX loop inside XLA, {end}"]
    torch = sorted((r for r in mine if r["who"].startswith("PyTorch")), key=lambda r: r["seconds"])[:1]
    two = [r for r in results if r["case"] == title and r["threads"] == 2 and r["who"] == best["who"]]
    for other, words, target in (
        (eager, "of Python's", None),
        (xla, "of XLA's", OF_XLA.get(name)),
        (torch, "of PyTorch's", None),
    ):
        said += [f"{ratio:.2f} {words}{_target(ratio, target)}" for ratio in (_ratio(best, r) for r in other)]
    said += [
        f"two threads {ratio:.2f} of one{_target(ratio, OF_ONE.get(name))}" for ratio in (_ratio(r, best) for r in two)
    ]
    return f"  {name:8} " + ", ".join(said)


def _ratio(a: dict[str, Any], b: dict[str, Any]) -> float:
    """a's time over b's, round by round where they have the same rounds."""
    x, y = a["samples"], b["samples"]
    return median(i / j for i, j in zip(x, y, strict=True)) if len(x) == len(y) else a["seconds"] / b["seconds"]


def _target(value: float, most: float | None) -> str:
    return "" if most is None else f" ({most}{'' if value <= most else ': missed'})"
