"""Coordinate descent on a Gram matrix: sweeps from a dense start, as a path makes them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, count, digest

TITLE = "descent: ten sweeps of coordinate descent on a Gram matrix, float64"
UNIT = "GFLOP/s"
ROOFS = ("FMA",)
KERNELS = ("coordinate_descent",)
STATEFUL = False  # a call starts from its own copies
ALL_VARIANTS = True
TOLERANCE = 1e-9
L1, L2, SWEEPS = 0.05, 0.1, 10


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Numbers of inputs; nearly all of them move in every sweep."""
    wanted = [count(size) for size in sizes] or ([100] if quick else [20, 100, 500])
    return [Case(f"{n} inputs", "float64", {"n": n}, 2.0 * SWEEPS * n * n, 8.0 * n * n) for n in wanted]


def operands(case: Case) -> tuple[np.ndarray, ...]:
    """gram, q = its correlations at w = 0, and room for w and r."""
    n = case.params["n"]
    x = case.random(2 * n, n)
    gram = x.T @ x / (2 * n)
    return gram, case.random(n, seed=1), np.empty(n), np.empty(n)


def by_numpy(case: Case) -> dict[str, Run]:
    gram, q, w, r = operands(case)

    def call() -> None:
        w[:] = 0
        r[:] = q
        for _ in range(SWEEPS):
            for j in range(len(q)):
                v = r[j] + gram[j, j] * w[j]
                new = np.sign(v) * max(abs(v) - L1, 0.0) / (gram[j, j] + L2)
                r[:] -= (new - w[j]) * gram[j]
                w[j] = new

    return {"": Run(call, lambda: digest(w, r))}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    gram, q, w, r = operands(case)
    l1, l2 = np.full(len(q), L1), np.full(len(q), L2)

    def call() -> None:
        w[:] = 0
        r[:] = q
        K.coordinate_descent(gram, l1, l2, w, r, sweeps=SWEEPS)

    return {"": Run(call, lambda: digest(w, r))}


def by_numba(case: Case) -> dict[str, Run]:
    import numba

    gram, q, w, r = operands(case)

    @numba.njit(fastmath=True)
    def call(gram: Any, q: Any, w: Any, r: Any) -> None:
        w[:] = 0
        r[:] = q
        for _ in range(SWEEPS):
            for j in range(q.size):
                v = r[j] + gram[j, j] * w[j]
                new = np.sign(v) * max(abs(v) - L1, 0.0) / (gram[j, j] + L2)
                step = new - w[j]
                for k in range(q.size):
                    r[k] -= step * gram[j, k]
                w[j] = new

    return {"": Run(partial(call, gram, q, w, r), lambda: digest(w, r))}
