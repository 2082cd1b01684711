"""Matrix products: squares, the small shapes of training steps, transposed forms, vectors, odd sizes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, digest, empty

TITLE = "matmul: y = op(a) op(b)"
UNIT = "GFLOP/s"
ROOFS = ("FMA",)
KERNELS = ("matmul",)
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 1e-4

# m, k, n, and T where an operand is stored transposed: AᵀB is "784x32x64:T.", ABᵀ is "32x64x64:.T". "64*1x64x1" are 64
# products of a batch.
FLOAT32 = [
    "32x784x64",
    "32x64x64",
    "32x64x10",
    "784x32x64:T.",
    "64x32x10:T.",
    "32x64x64:.T",
    "32x64x784:.T",
    "128x1024x1024:.T",
    "64x64x64",
    "128x128x128",
    "256x256x256",
    "512x512x512",
    "1024x1024x1024",
    "128x784x1024",
    "7x13x5",
    "61x127x89",
    "499x491x487",
    "1x1024x1024",
    "1024x1024x1",
    "1x100000x1",
    "1x1024x1024:.T",
    "784x32x1:T.",
    "500x200x1:T.",
    "20x100000x1:T.",
    "1000x100x1",
    "1000x10x1",
    "64*1x64x1",
    "4096x8x8",
]
FLOAT64 = [
    "32x784x64",
    "32x64x64",
    "32x64x10",
    "784x32x64:T.",
    "32x64x64:.T",
    "128x1024x1024:.T",
    "512x512x512",
    "1024x1024x1024",
    "100x10x1",
]
QUICK = ["32x784x64", "32x64x10", "32x64x64:.T", "128x128x128"]


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are m x k x n, or one number for a cube; `:T.` and `:.T` transpose, `64*` before them makes a batch."""
    if sizes:
        return [one(size, "float32") for size in sizes]
    return [one(size, "float32") for size in (QUICK if quick else FLOAT32)] + [
        one(size, "float64") for size in (() if quick else FLOAT64)
    ]


def one(size: str, dtype: str) -> Case:
    batch, _, product = size.rpartition("*")
    numbers, _, transposed = product.partition(":")
    m, k, n = [int(x) for x in numbers.split("x")] if "x" in numbers else [int(numbers)] * 3
    ta, tb = transposed[:1] == "T", transposed[1:] == "T"
    name = f"{'AᵀB ' if ta else 'ABᵀ ' if tb else ''}({m}x{k})({k}x{n})" if not m == k == n or ta or tb else f"{m}³"
    count, size_of = int(batch or 1), 8 if dtype == "float64" else 4
    params = {"batch": [count] if batch else [], "m": m, "k": k, "n": n, "ta": ta, "tb": tb}
    return Case(
        f"{batch} " * bool(batch) + name + (" f64" if size_of == 8 else ""),
        dtype,
        params,
        2.0 * count * m * k * n,
        float(count * size_of * (m * k + k * n + m * n)),
    )


def operands(case: Case) -> tuple[Any, Any, Any, bool, bool]:
    batch, m, k, n, ta, tb = case.params.values()
    a = case.random(*batch, *((k, m) if ta else (m, k)))
    b = case.random(*batch, *((n, k) if tb else (k, n)), seed=1)
    return a, b, empty((*batch, m, n), case.dtype), ta, tb


def by_numpy(case: Case) -> dict[str, Run]:
    a, b, y, ta, tb = operands(case)
    a, b = a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b
    runs = {"": Run(partial(np.matmul, a, b, y), lambda: digest(y))}
    if y.ndim == 2 and 1 in y.shape:
        runs["dot"] = Run(partial(np.dot, a, b, y), lambda: digest(y))
    return runs


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    a, b, y, ta, tb = operands(case)
    call = partial(K.matmul, a, b, y, ta=ta, tb=tb) if ta or tb else partial(K.matmul, a, b, y)
    return {"": Run(call, lambda: digest(y))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    a, b, y, ta, tb = operands(case)
    a, b, out = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(y)
    product = partial(torch.matmul, a.mT if ta else a, b.mT if tb else b, out=out)
    return {"": Run(product, lambda: digest(y))}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    jax.config.update("jax_enable_x64", True)
    a, b, _, ta, tb = operands(case)
    a, b = jax.numpy.asarray(a), jax.numpy.asarray(b)
    product = jax.jit(lambda a, b: (a.mT if ta else a) @ (b.mT if tb else b))
    return {"": Run(lambda: product(a, b).block_until_ready(), lambda: digest(product(a, b)))}
