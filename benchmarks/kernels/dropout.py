"""Dropout with p = 0.5: forward (random numbers, mask, scale) and backward from the kept mask."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, count, digest, human, like

TITLE = "dropout, p = 0.5, float32: forward draws a mask, backward applies it again"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("dropout", "masked_scale")
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 0.02  # masks differ between peers: the answer is the share of zeros and the largest scale
P, SCALE = 0.5, np.float32(2.0)


def cases(sizes: list[str], quick: bool) -> list[Case]:
    wanted = [count(size) for size in sizes] or ([65_536] if quick else [2048, 65_536, 1_000_000])
    return [
        Case(f"{'64x1024' if n == 65_536 else human(n)} {way}", "float32", {"n": n, "way": way}, 0.0, 8.0 * n)
        for way in ("forward", "backward")
        for n in wanted
    ]


def operands(case: Case) -> tuple[np.ndarray, np.ndarray, bool]:
    x = np.abs(case.random(case.params["n"])) + 1
    return x, like(x), case.params["way"] == "forward"


def answer(x: np.ndarray, y: Any) -> list[float]:
    """The share of zeros, and what kept elements were multiplied with. Small arrays vary too much to compare."""
    y = np.asarray(y)
    return digest((y == 0).mean(), (y / x).max()) if x.size > 10_000 else digest(0.5, (y / x).max())


def by_numpy(case: Case) -> dict[str, Run]:
    x, y, forward = operands(case)
    n = x.size
    r, keep, scaled = like(x), np.empty(n, bool), like(x)
    generator, sfc = np.random.Generator(np.random.SFC64(1)), np.random.SFC64(1)

    def apply() -> None:
        np.multiply(keep, SCALE, out=scaled)
        np.multiply(x, scaled, out=y)

    def floats() -> None:
        generator.random(out=r, dtype=np.float32)
        np.greater_equal(r, np.float32(P), out=keep)
        apply()

    def sixteen_bits() -> None:
        words = sfc.random_raw((n + 3) // 4).view(np.uint16)[:n]
        np.greater_equal(words, round(65536 * P), out=keep)
        apply()

    floats()  # the mask for backward
    if not forward:  # the scaled mask is kept
        return {"": Run(partial(np.multiply, x, scaled, y), lambda: answer(x, y))}
    return {"random floats": Run(floats, lambda: answer(x, y)), "raw 16 bits": Run(sixteen_bits, lambda: answer(x, y))}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    x, y, forward = operands(case)
    bits = np.empty((x.size + 7) // 8, np.uint8)
    stream = {"key": 1, "stream": 2, "offset": 0, "p": P, "scale": 2.0}
    K.dropout(x, y, bits, **stream)
    run = partial(K.dropout, x, y, bits, **stream) if forward else partial(K.masked_scale, x, bits, y, scale=2.0)
    return {"": Run(run, lambda: answer(x, y))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    x, _, forward = operands(case)
    tensor = torch.from_numpy(x)
    y, keep = torch.native_dropout(tensor, P, True)
    out = [y]

    def run() -> None:
        out[0] = (
            torch.native_dropout(tensor, P, True)[0]
            if forward
            else torch.ops.aten.native_dropout_backward(tensor, keep, 2.0)
        )

    return {"": Run(run, lambda: answer(x, out[0]))}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    from ..peers import jax_tools

    jnp = jax_tools.numpy()
    x, _, forward = operands(case)
    array = jnp.asarray(x)

    @jax.jit
    def drop(x: Any, key: Any) -> Any:
        key, now = jax.random.split(key)
        return jnp.where(jax.random.bernoulli(now, 1 - P, x.shape), x * SCALE, 0), key

    @jax.jit
    def again(x: Any, keep: Any) -> Any:
        return jnp.where(keep, x * SCALE, 0)

    state = list(drop(array, jax.random.key(1)))
    keep = state[0] != 0

    def run() -> None:
        state[:] = drop(array, state[1]) if forward else (again(array, keep), state[1])
        jax.block_until_ready(state)

    return {"": Run(run, lambda: answer(x, state[0]))}


def by_numba(case: Case) -> dict[str, Run]:
    import numba

    x, y, forward = operands(case)
    jit = numba.njit(fastmath=True, parallel=numba.get_num_threads() > 1)
    keep = np.arange(x.size) % 2 == 0

    @jit
    def drop(x: Any, y: Any) -> None:
        for i in numba.prange(x.size):
            y[i] = x[i] * SCALE if np.random.random() >= P else np.float32(0)

    @jit
    def again(x: Any, keep: Any, y: Any) -> None:
        for i in numba.prange(x.size):
            y[i] = x[i] * SCALE if keep[i] else np.float32(0)

    return {"": Run(partial(drop, x, y) if forward else partial(again, x, keep, y), lambda: answer(x, y))}
