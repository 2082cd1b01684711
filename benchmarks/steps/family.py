"""Training steps: forward, loss, penalty, backward, update, each peer in its own idiom. The programs are in steps/."""

from __future__ import annotations

from typing import Any

from ..harness.case import Case, Run
from . import STEPS, Step

TITLE = "training step: forward, loss, backward, gradient of the penalty, update (steps/__init__.py has the networks)"
UNIT = "GFLOP/s"
ROOFS = ("FMA", "copy")
KERNELS = ()
STATEFUL = True  # whether a call changes what the next one computes
ALL_VARIANTS = False  # naive and generic too
TOLERANCE = 2e-2


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
