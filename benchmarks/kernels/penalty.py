"""Penalties: value and gradient of the elastic net in one pass, the gradient alone, and the proximal map."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, count, digest, human, like

TITLE = "penalty: elastic net, float32: value and gradient; gradient; proximal map"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("elastic_net", "elastic_net_grad", "soft_threshold")
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 1e-4
L1, L2, STEP, BLOCK = 1e-3, 1e-2, 0.5, 16384


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """55k is the number of weights of a network of 784-64-64-10."""
    wanted = [count(size) for size in sizes] or ([55_000] if quick else [55_000, 1_000_000, 16_000_000])
    return [
        Case(f"{human(n)} {what}", "float32", {"n": n, "what": what}, flops * n, 8.0 * n)
        for what, flops in (("value+grad", 6), ("grad", 3), ("prox", 4))[: 1 if quick else 3]
        for n in wanted
        if n <= 1_000_000 or what == "value+grad" or sizes
    ]


def operands(case: Case) -> tuple[np.ndarray, np.ndarray, str]:
    w = case.random(case.params["n"])
    return w, like(w), case.params["what"]


def by_numpy(case: Case) -> dict[str, Run]:
    w, out, what = operands(case)
    n, l1, l2, shrink = len(w), np.float32(L1), np.float32(L2), np.float32(1 / (1 + STEP * L2))
    signs = like(w)
    t = np.float32(STEP * L1)
    value = [0.0]

    def value_and_grad(w: np.ndarray, out: np.ndarray, signs: np.ndarray) -> float:
        np.sign(w, out=signs)
        total = L1 * float(np.dot(w, signs)) + 0.5 * L2 * float(np.dot(w, w))  # Σ|w| as a product with the signs
        grad(w, out, signs)
        return total

    def grad(w: np.ndarray, out: np.ndarray, signs: np.ndarray) -> None:
        np.sign(w, out=signs)
        np.multiply(signs, l1, out=signs)
        np.multiply(w, l2, out=out)
        np.add(out, signs, out=out)

    def prox(w: np.ndarray, out: np.ndarray, signs: np.ndarray) -> None:
        np.clip(w, -t, t, out=out)  # v - clip(v) is the soft threshold
        np.subtract(w, out, out=out)
        np.multiply(out, shrink, out=out)

    step = {"value+grad": value_and_grad, "grad": grad, "prox": prox}[what]

    def whole() -> None:
        value[0] = step(w, out, signs)

    def in_blocks() -> None:  # that stay in the cache between the passes
        total = 0.0
        for i in range(0, n, BLOCK):
            total += step(w[i : i + BLOCK], out[i : i + BLOCK], signs[: min(BLOCK, n - i)]) or 0.0
        value[0] = total

    def answer() -> list[float]:
        return digest(out, value[0]) if what == "value+grad" else digest(out)

    return {"": Run(whole, answer), **({"in blocks": Run(in_blocks, answer)} if n > BLOCK else {})}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    w, out, what = operands(case)
    value = np.empty((), "float32")
    if what == "prox":
        return {"": Run(partial(K.soft_threshold, w, out, step=STEP, l1=L1, l2=L2), lambda: digest(out))}
    if what == "grad":
        return {"": Run(partial(K.elastic_net_grad, w, out, l1=L1, l2=L2), lambda: digest(out))}
    return {"": Run(partial(K.elastic_net, w, value, out, l1=L1, l2=L2), lambda: digest(out, value))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    w, out, what = operands(case)
    w, out = torch.from_numpy(w), torch.from_numpy(out)
    value = [0.0]

    def grad() -> None:
        torch.mul(w, L2, out=out)
        out.add_(torch.sign(w), alpha=L1)

    def value_and_grad() -> None:
        value[0] = L1 * w.abs().sum() + 0.5 * L2 * torch.dot(w, w)
        grad()

    def prox() -> None:
        torch.mul(torch.nn.functional.softshrink(w, STEP * L1), 1 / (1 + STEP * L2), out=out)

    run = {"value+grad": value_and_grad, "grad": grad, "prox": prox}[what]
    return {"": Run(run, lambda: digest(out, value[0]) if what == "value+grad" else digest(out))}


def by_jax(case: Case) -> dict[str, Run]:
    from ..peers import jax_tools

    jnp = jax_tools.numpy()
    w, _, what = operands(case)
    w = jnp.asarray(w)

    def grad(w: Any) -> Any:
        return L1 * jnp.sign(w) + L2 * w

    def value_and_grad(w: Any) -> Any:
        return grad(w), L1 * jnp.abs(w).sum() + 0.5 * L2 * (w * w).sum()

    def prox(w: Any) -> Any:
        return (w - jnp.clip(w, -STEP * L1, STEP * L1)) / (1 + STEP * L2)

    return jax_tools.run({"value+grad": value_and_grad, "grad": grad, "prox": prox}[what], w)


def by_numba(case: Case) -> dict[str, Run]:
    import numba

    w, out, what = operands(case)
    l1, l2, t, shrink = np.float32(L1), np.float32(L2), np.float32(STEP * L1), np.float32(1 / (1 + STEP * L2))
    jit = numba.njit(fastmath=True, parallel=numba.get_num_threads() > 1)

    @jit
    def value_and_grad(w: Any, out: Any) -> Any:
        first = second = np.float32(0)
        for i in numba.prange(w.size):
            x = w[i]
            first += abs(x)
            second += x * x
            out[i] = l1 * np.sign(x) + l2 * x
        return L1 * first + 0.5 * L2 * second

    @jit
    def grad(w: Any, out: Any) -> None:
        for i in numba.prange(w.size):
            out[i] = l1 * np.sign(w[i]) + l2 * w[i]

    @jit
    def prox(w: Any, out: Any) -> None:
        for i in numba.prange(w.size):
            out[i] = (w[i] - min(max(w[i], -t), t)) * shrink

    run = {"value+grad": value_and_grad, "grad": grad, "prox": prox}[what]
    return {"": Run(partial(run, w, out), lambda: digest(out, run(w, out)) if what == "value+grad" else digest(out))}
