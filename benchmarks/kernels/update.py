"""Updates with an L2 penalty: Adam, momentum, SGD, RMSprop, Adagrad; one array, and six arrays in one call."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, count, digest, human, zeros_like
from ..peers import numpy_by_hand

TITLE = "update of float32 weights with an L2 penalty: one array, or the 6 arrays of 784-64-64-10"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("adam_update", "sgd_update", "rmsprop_update", "adagrad_update")
STATEFUL = True  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 2e-3
LR, L2, MOMENTUM, ALPHA, EPS, BLOCK = 1e-3, 1e-3, 0.9, 0.99, 1e-8, 8192
NETWORK = [784 * 64, 64 * 64, 64 * 10, 64, 64, 10]
# Arrays of 4 bytes per element that a step moves: w read and written, g read, states as w.
ARRAYS = {"adam": 7, "momentum": 5, "sgd": 3, "rmsprop": 5, "adagrad": 5}
FLOPS = {"adam": 14.0, "momentum": 6.0, "sgd": 4.0, "rmsprop": 10.0, "adagrad": 8.0}


def cases(sizes: list[str], quick: bool) -> list[Case]:
    wanted = [[count(size)] for size in sizes] or [[55_000], *([] if quick else [NETWORK, [1_000_000]])]
    return [
        Case(
            f"{rule} {'6 arrays' if len(n) > 1 else human(n[0])}",
            "float32",
            {"sizes": n, "rule": rule},
            FLOPS[rule] * sum(n),
            4.0 * ARRAYS[rule] * sum(n),
        )
        for rule in (("adam",) if quick else ARRAYS)
        for n in wanted
    ]


def operands(case: Case) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and gradients."""
    sizes = case.params["sizes"]
    return [case.random(n) for n in sizes], [case.random(n, seed=1) for n in sizes]


def answer(case: Case, ws: Any) -> list[float]:
    """How far all weights went, in units of the learning rate."""
    moved = [(np.asarray(w, np.float64) - start) / LR for w, start in zip(ws, operands(case)[0], strict=True)]
    return digest(np.concatenate(moved))


def by_numpy(case: Case) -> dict[str, Run]:
    def make(block: int | None) -> Run:
        ws, gs = operands(case)
        w, g = np.concatenate(ws), np.concatenate(gs)
        ends = np.cumsum(case.params["sizes"])[:-1]
        if case.params["rule"] == "adam":
            update: Any = numpy_by_hand.Adam(w, w.size, LR, l2=L2, block=block)
        elif case.params["rule"] in ("rmsprop", "adagrad"):
            update = numpy_by_hand.Adaptive(w, LR, L2, ALPHA if case.params["rule"] == "rmsprop" else None, block)
        else:
            momentum = MOMENTUM if case.params["rule"] == "momentum" else 0.0
            update = numpy_by_hand.SGD(w, w.size, LR, L2, momentum, block)
        return Run(partial(update, g), lambda: answer(case, np.split(w, ends)))

    return {"": make(None), "in blocks": make(BLOCK)}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    from minigrad.kernels.reference.segments import CORRECTION1, CORRECTION2
    from minigrad.kernels.reference.segments import L2 as L2_COLUMN
    from minigrad.kernels.reference.segments import LR as LR_COLUMN

    ws, gs = operands(case)
    rule = case.params["rule"]
    states = {"adam": 2, "sgd": 0}.get(rule, 1)
    table = K.segments(ws, *[[zeros_like(w) for w in ws] for _ in range(states)])
    table.scalars[:, LR_COLUMN], table.scalars[:, L2_COLUMN] = LR, L2
    table.summed = False  # as in an optimizer whose penalty_values nobody asks for
    powers = [1.0, 1.0]

    def adam() -> None:
        powers[0] *= 0.9
        powers[1] *= 0.999
        table.scalars[:, CORRECTION1] = 1 - powers[0]
        table.scalars[:, CORRECTION2] = 1 - powers[1]
        K.adam_update(table, gs, beta1=0.9, beta2=0.999, eps=1e-8)

    runs = {
        "adam": adam,
        "momentum": partial(K.sgd_update, table, gs, momentum=MOMENTUM),
        "sgd": partial(K.sgd_update, table, gs),
        "rmsprop": partial(K.rmsprop_update, table, gs, alpha=ALPHA, eps=EPS),
        "adagrad": partial(K.adagrad_update, table, gs, eps=EPS),
    }
    return {"": Run(runs[rule], lambda: answer(case, ws))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    def make(**way: bool) -> Run:
        ws, gs = operands(case)
        parameters = [torch.nn.Parameter(torch.from_numpy(w)) for w in ws]
        for p, g in zip(parameters, gs, strict=True):
            p.grad = torch.from_numpy(g)
        if case.params["rule"] == "adam":
            optimizer: Any = torch.optim.Adam(parameters, lr=LR, weight_decay=L2, **way)
        elif case.params["rule"] == "rmsprop":
            optimizer = torch.optim.RMSprop(parameters, lr=LR, alpha=ALPHA, eps=EPS, weight_decay=L2, **way)
        elif case.params["rule"] == "adagrad":
            optimizer = torch.optim.Adagrad(parameters, lr=LR, eps=EPS, weight_decay=L2, **way)
        else:
            momentum = MOMENTUM if case.params["rule"] == "momentum" else 0.0
            optimizer = torch.optim.SGD(parameters, lr=LR, momentum=momentum, weight_decay=L2, **way)
        return Run(optimizer.step, lambda: answer(case, ws))

    fused = {} if case.params["rule"] == "rmsprop" else {"fused": make(fused=True)}  # of which PyTorch has none
    return {**fused, "foreach": make(foreach=True)}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    from ..peers import jax_tools

    jnp = jax_tools.numpy()
    ws, gs = ([jnp.asarray(x) for x in arrays] for arrays in operands(case))
    step = getattr(jax_tools, case.params["rule"])
    update = jax.jit(
        lambda ws, gs, state: step(ws, [g + L2 * w for g, w in zip(gs, ws, strict=True)], state, LR),
        donate_argnums=(0, 2),
    )
    now = [ws, jax_tools.state(ws)]

    def run() -> None:
        now[:] = jax.block_until_ready(update(now[0], gs, now[1]))

    return {"": Run(run, lambda: answer(case, now[0]))}


def by_numba(case: Case) -> dict[str, Run]:
    """One loop per array; "exact" as IEEE 754 has it, like ours, "fast math" with approximate roots and divisions."""
    return {"exact": numba_loops(case, False), "fast math": numba_loops(case, True)}


def numba_loops(case: Case, fastmath: bool) -> Run:
    import numba

    ws, gs = operands(case)
    ms, vs = [zeros_like(w) for w in ws], [zeros_like(w) for w in ws]
    jit = numba.njit(fastmath=fastmath, error_model="numpy", parallel=numba.get_num_threads() > 1)
    f, powers = np.float32, [1.0, 1.0]

    @jit
    def adam(w: Any, g: Any, m: Any, v: Any, step: Any, root: Any) -> None:
        for i in numba.prange(w.size):
            d = g[i] + f(L2) * w[i]
            m[i] = f(0.9) * m[i] + f(1 - 0.9) * d
            v[i] = f(0.999) * v[i] + f(1 - 0.999) * d * d
            w[i] -= step * m[i] / (np.sqrt(v[i]) * root + f(1e-8))

    @jit
    def momentum(w: Any, g: Any, m: Any) -> None:
        for i in numba.prange(w.size):
            m[i] = f(MOMENTUM) * m[i] + g[i] + f(L2) * w[i]
            w[i] -= f(LR) * m[i]

    @jit
    def sgd(w: Any, g: Any) -> None:
        for i in numba.prange(w.size):
            w[i] -= f(LR) * (g[i] + f(L2) * w[i])

    @jit
    def rmsprop(w: Any, g: Any, v: Any) -> None:
        for i in numba.prange(w.size):
            d = g[i] + f(L2) * w[i]
            v[i] = f(ALPHA) * v[i] + f(1 - ALPHA) * d * d
            w[i] -= f(LR) * d / (np.sqrt(v[i]) + f(EPS))

    @jit
    def adagrad(w: Any, g: Any, v: Any) -> None:
        for i in numba.prange(w.size):
            d = g[i] + f(L2) * w[i]
            v[i] += d * d
            w[i] -= f(LR) * d / (np.sqrt(v[i]) + f(EPS))

    loops = {"momentum": momentum, "rmsprop": rmsprop, "adagrad": adagrad}
    rule = case.params["rule"]

    def run() -> None:
        powers[0] *= 0.9
        powers[1] *= 0.999
        step, root = f(LR / (1 - powers[0])), f(1 / np.sqrt(1 - powers[1]))
        for w, g, m, v in zip(ws, gs, ms, vs, strict=True):
            if rule == "adam":
                adam(w, g, m, v, step, root)
            elif rule == "sgd":
                sgd(w, g)
            else:
                loops[rule](w, g, m)

    return Run(run, lambda: answer(case, ws))
