"""Sums and means over all, over rows, over columns; the largest of each row; softmax and log-softmax of rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, digest, human, like

TITLE = "reduce, float32 (float64 where said)"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("sum", "max", "softmax", "log_softmax")
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 1e-4
AXES = {"sum": None, "sum axis 0": 0, "sum axis 1": 1, "max axis 1": 1}


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are rows x columns."""
    given = [tuple(map(int, size.split("x"))) for size in sizes]
    if any(len(shape) != 2 for shape in given):
        raise ValueError("reduce: --sizes are rows x columns, 1000x1000 for instance")
    found = []
    for name in ("sum", "sum axis 0", "softmax") if quick else (*AXES, "softmax", "log_softmax"):
        soft = name.endswith("softmax")
        for shape in given or ([(32, 10), (128, 1000)] if soft else [(55, 1000), (1000, 1000)])[: 1 if quick else 2]:
            found.append(one(name, shape, "float32"))
        if not given and not quick and name in ("sum", "sum axis 0"):
            found.append(one(name, (1000, 1000), "float64"))
    return found


def one(name: str, shape: tuple[int, int], dtype: str) -> Case:
    size, n = (8 if dtype == "float64" else 4), shape[0] * shape[1]
    moved = size * n * (2 if name.endswith("softmax") else 1)
    text = human(n) if name == "sum" else f"{shape[0]}x{shape[1]}"
    return Case(
        f"{name} {text}{' f64' if size == 8 else ''}", dtype, {"name": name, "shape": shape}, float(n), float(moved)
    )


def operands(case: Case) -> tuple[np.ndarray, np.ndarray]:
    x, name = case.random(*case.params["shape"]), case.params["name"]
    if name.endswith("softmax"):
        return x, like(x)
    return x, np.empty((), x.dtype) if AXES[name] is None else np.empty(x.shape[1 - AXES[name]], x.dtype)


def by_numpy(case: Case) -> dict[str, Run]:
    x, y = operands(case)
    name = case.params["name"]
    rows, ones = np.empty((len(x), 1), x.dtype), np.ones((x.shape[1], 1), x.dtype)

    def softmax(total: Any) -> None:
        np.max(x, 1, keepdims=True, out=rows)
        np.subtract(x, rows, out=y)
        np.exp(y, out=y)
        total()
        np.divide(y, rows, out=y)

    exps = like(x)

    def log_softmax() -> None:
        np.max(x, 1, keepdims=True, out=rows)
        np.subtract(x, rows, out=y)
        np.exp(y, out=exps)
        np.matmul(exps, ones, out=rows)
        np.log(rows, out=rows)
        np.subtract(y, rows, out=y)

    def answer() -> list[float]:
        return digest(y)

    if name == "softmax":
        sums = {"": partial(np.sum, y, 1, keepdims=True, out=rows), "sum by matmul": partial(np.matmul, y, ones, rows)}
        return {label: Run(partial(softmax, total), answer) for label, total in sums.items()}
    if name == "log_softmax":
        return {"": Run(log_softmax, answer)}
    axis = AXES[name]
    runs = {"": Run(partial((np.max if name.startswith("max") else np.sum), x, axis, out=y), answer)}
    if name == "sum axis 0":
        runs["by matmul"] = Run(partial(np.matmul, np.ones(len(x), x.dtype), x, y), answer)
    if name == "sum axis 1":
        runs["by matmul"] = Run(partial(np.matmul, x, ones[:, 0], y), answer)
    return runs


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    x, y = operands(case)
    name = case.params["name"]
    if name.endswith("softmax"):
        return {"": Run(partial(getattr(K, name), x, y), lambda: digest(y))}
    first, last = (0, 2) if AXES[name] is None else (AXES[name], AXES[name] + 1)
    if name.startswith("max"):
        return {"": Run(partial(K.max, x, y, np.empty(y.shape, np.int64), first, last), lambda: digest(y))}
    return {"": Run(partial(K.sum, x, y, first, last), lambda: digest(y))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    x, y = operands(case)
    tensor, out, name = torch.from_numpy(x), torch.from_numpy(y), case.params["name"]
    if name.endswith("softmax"):
        run: Any = partial(getattr(torch, name), tensor, 1, out=out)
    elif name.startswith("max"):
        run = partial(torch.amax, tensor, 1, out=out)
    else:
        run = partial(torch.sum, tensor, (0, 1) if AXES[name] is None else AXES[name], out=out)
    return {"": Run(run, lambda: digest(y))}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    from ..peers import jax_tools

    jnp = jax_tools.numpy()
    name = case.params["name"]
    function = {"softmax": jax.nn.softmax, "log_softmax": jax.nn.log_softmax}.get(name) or partial(
        jnp.max if name.startswith("max") else jnp.sum, axis=AXES.get(name)
    )
    return jax_tools.run(function, jnp.asarray(operands(case)[0]))


def by_numba(case: Case) -> dict[str, Run]:
    import numba

    x, y = operands(case)
    if case.params["name"] != "sum":
        return {}

    @numba.njit(fastmath=True, parallel=numba.get_num_threads() > 1)
    def total(x: Any) -> Any:
        s = x.dtype.type(0)
        for i in numba.prange(x.size):
            s += x[i]
        return s

    flat = x.ravel()
    return {"": Run(partial(total, flat), lambda: digest(total(flat)))}
