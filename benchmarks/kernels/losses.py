"""Losses with their gradients: softmax cross-entropy, binary cross-entropy with logits, mean squared error."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, digest, like

TITLE = "losses with gradient, mean over rows or elements, float32"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("cross_entropy", "cross_entropy_grad", "mse", "mse_grad", "bce_with_logits", "bce_with_logits_grad")
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 1e-4
MEAN = 1


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are rows x classes."""
    given = [tuple(map(int, size.split("x"))) for size in sizes]
    if any(len(shape) != 2 for shape in given):
        raise ValueError("losses: --sizes are rows x classes, 32x10 for instance")
    shapes = {"cross_entropy": [(32, 10), (128, 1000)], "mse": [(32, 10), (1000, 1000)], "bce": [(32, 1), (1000, 1)]}
    return [
        Case(f"{name} {shape[0]}x{shape[1]}", "float32", {"name": name, "shape": shape}, 0.0, 8.0 * shape[0] * shape[1])
        for name in (["cross_entropy"] if quick else shapes)
        for shape in given or shapes[name][: 1 if quick else 2]
    ]


def operands(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, targets, and room for the gradient."""
    x, random = case.random(*case.params["shape"]), np.random.default_rng(2)
    if case.params["name"] == "cross_entropy":
        return x, random.integers(0, x.shape[1], len(x)), like(x)
    t = (
        random.integers(0, 2, x.shape).astype(np.float32)
        if case.params["name"] == "bce"
        else case.random(*x.shape, seed=1)
    )
    return x, t, like(x)


def by_numpy(case: Case) -> dict[str, Run]:
    x, t, g = operands(case)
    rows, ones, index = np.empty((len(x), 1), x.dtype), np.ones((x.shape[1], 1), x.dtype), np.arange(len(x))
    e, f, loss, n = like(x), like(x), [0.0], np.float32(x.size)

    def cross_entropy() -> None:
        np.max(x, 1, keepdims=True, out=rows)
        np.subtract(x, rows, out=e)
        np.exp(e, out=g)
        picked = e[index, t].sum()
        np.matmul(g, ones, out=rows)
        loss[0] = (float(np.log(rows).sum()) - float(picked)) / len(x)
        np.divide(g, rows, out=g)
        g[index, t] -= 1
        np.multiply(g, np.float32(1 / len(x)), out=g)

    def mse() -> None:
        np.subtract(x, t, out=g)
        flat = g.ravel()
        loss[0] = float(np.dot(flat, flat)) / x.size
        np.multiply(g, np.float32(2) / n, out=g)

    def bce() -> None:
        np.abs(x, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)
        np.log1p(e, out=f)
        np.maximum(x, 0, out=g)
        loss[0] = (float(f.sum()) + float(g.sum()) - float(np.dot(x.ravel(), t.ravel()))) / x.size
        np.add(e, 1, out=f)
        np.divide(np.where(x < 0, e, 1), f, out=g)
        np.subtract(g, t, out=g)
        np.divide(g, n, out=g)

    run = {"cross_entropy": cross_entropy, "mse": mse, "bce": bce}[case.params["name"]]
    return {"": Run(run, lambda: digest(g, loss[0]))}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    x, t, g = operands(case)
    one, loss, probs = np.ones((), np.float32), np.empty((), np.float32), like(x)
    name = {"bce": "bce_with_logits"}.get(case.params["name"], case.params["name"])
    forward, backward = getattr(K, name), getattr(K, f"{name}_grad")

    def cross_entropy() -> None:
        forward(x, t, loss, probs, reduction=MEAN)
        backward(probs, t, one, g, reduction=MEAN)

    def elementwise() -> None:
        forward(x, t, loss, reduction=MEAN)
        backward(x, t, one, g, reduction=MEAN)

    return {"": Run(cross_entropy if name == "cross_entropy" else elementwise, lambda: digest(g, loss))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    x, t, _ = operands(case)
    logits, target = torch.from_numpy(x).requires_grad_(), torch.from_numpy(t)
    functional = torch.nn.functional
    function = {
        "cross_entropy": functional.cross_entropy,
        "mse": functional.mse_loss,
        "bce": functional.binary_cross_entropy_with_logits,
    }[case.params["name"]]
    last: list[Any] = [None]

    def run() -> None:
        logits.grad = None
        last[0] = function(logits, target)
        last[0].backward()

    return {"": Run(run, lambda: digest(logits.grad, last[0].detach()))}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    from ..peers import jax_tools

    jnp = jax_tools.numpy()
    x, t, _ = operands(case)

    def cross_entropy(x: Any, t: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(x), t[:, None], 1).mean()

    def mse(x: Any, t: Any) -> Any:
        return ((x - t) ** 2).mean()

    def bce(x: Any, t: Any) -> Any:
        return (jnp.maximum(x, 0) - x * t + jnp.log1p(jnp.exp(-jnp.abs(x)))).mean()

    function = jax.value_and_grad({"cross_entropy": cross_entropy, "mse": mse, "bce": bce}[case.params["name"]])
    return jax_tools.run(lambda x, t: function(x, t)[::-1], jnp.asarray(x), jnp.asarray(t))


def by_numba(case: Case) -> dict[str, Run]:
    import numba

    x, t, g = operands(case)
    if case.params["name"] != "cross_entropy":
        return {}

    @numba.njit(fastmath=True, parallel=numba.get_num_threads() > 1)
    def cross_entropy(x: Any, t: Any, g: Any) -> Any:
        loss = 0.0
        for i in numba.prange(x.shape[0]):
            top = x[i].max()
            total = np.float32(0)
            for j in range(x.shape[1]):
                g[i, j] = np.exp(x[i, j] - top)
                total += g[i, j]
            loss += np.log(total) - (x[i, t[i]] - top)
            factor = np.float32(1) / (total * np.float32(x.shape[0]))
            for j in range(x.shape[1]):
                g[i, j] *= factor
            g[i, t[i]] -= np.float32(1) / np.float32(x.shape[0])
        return loss / x.shape[0]

    return {"": Run(partial(cross_entropy, x, t, g), lambda: digest(g, cross_entropy(x, t, g)))}
