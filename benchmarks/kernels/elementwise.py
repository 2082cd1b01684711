"""Elementwise: exp, log, tanh, sigmoid, expm1, log1p, sin, activations, add, mul, and a row added to rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, count, digest, empty, human, like

TITLE = "elementwise, float32 and float64"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = (
    "exp",
    "log",
    "tanh",
    "sigmoid",
    "expm1",
    "log1p",
    "sin",
    "relu",
    "relu_grad",
    "leaky_relu",
    "gelu_tanh",
    "add",
    "mul",
)
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = True  # naive and generic too
TOLERANCE = 1e-5
NAMES = [
    "exp",
    "tanh",
    "log",
    "sigmoid",
    "expm1",
    "log1p",
    "sin",
    "relu",
    "relu_grad",
    "leaky_relu",
    "gelu_tanh",
    "add",
    "add row",
    "mul",
]
QUICK = ["exp", "tanh", "relu"]
SLOPE = 0.01  # of leaky_relu
GELU_C, GELU_D = 1.5957691216057308, 0.07135481627260025  # gelu_tanh is x sigmoid(x (c + d x²))
ARRAYS = {"relu_grad": 3, "add": 3, "mul": 3}  # read and written; the others 2


def cases(sizes: list[str], quick: bool) -> list[Case]:
    wanted = [count(size) for size in sizes] or ([2048] if quick else [2048, 1_000_000])
    found = []
    for dtype, size in (("float32", 4), ("float64", 8)):
        for name in (QUICK if size == 4 else []) if quick else NAMES if size == 4 or sizes else NAMES[:2]:
            for n in wanted if size == 4 or sizes else wanted[-1:]:
                title = f"{name} {human(n)}" + (" f64" if size == 8 else "")
                found.append(Case(title, dtype, {"n": n, "name": name}, 0.0, float(size * ARRAYS.get(name, 2) * n)))
    return found


def operands(case: Case) -> list[np.ndarray]:
    """One or two inputs, and the output. A row has 64 elements, where they divide n."""
    n, name = case.params["n"], case.params["name"]
    x = case.random(n)
    if name in ("log", "log1p"):
        x = np.exp(x)
    if name == "add row":
        columns = 64 if n % 64 == 0 else n
        return [x.reshape(-1, columns), case.random(columns, seed=1), empty((n // columns, columns), case.dtype)]
    return [x, *([case.random(n, seed=1)] if name in ARRAYS else []), like(x)]


def by_numpy(case: Case) -> dict[str, Run]:
    *xs, y = operands(case)
    real, x, mask = y.dtype.type, xs[0], np.empty(y.shape, bool)
    half, one = real(0.5), real(1)

    def sigmoid_by_exp() -> None:
        np.negative(x, out=y)
        np.exp(y, out=y)
        np.add(y, one, out=y)
        np.reciprocal(y, out=y)

    def sigmoid_by_tanh() -> None:
        np.multiply(x, half, out=y)
        np.tanh(y, out=y)
        np.multiply(y, half, out=y)
        np.add(y, half, out=y)

    def relu_grad() -> None:
        np.greater(xs[1], 0, out=mask)
        np.multiply(x, mask, out=y)

    def leaky_relu() -> None:
        np.multiply(x, real(SLOPE), out=y)
        np.maximum(x, y, out=y)

    def gelu_tanh() -> None:
        np.multiply(x, x, out=y)
        np.multiply(y, real(GELU_D / 2), out=y)
        np.add(y, real(GELU_C / 2), out=y)
        np.multiply(x, y, out=y)
        np.tanh(y, out=y)
        np.add(y, one, out=y)
        np.multiply(y, half, out=y)
        np.multiply(x, y, out=y)

    name = case.params["name"]
    if name == "sigmoid":
        return {"by exp": Run(sigmoid_by_exp, lambda: digest(y)), "by tanh": Run(sigmoid_by_tanh, lambda: digest(y))}
    several = {"relu_grad": relu_grad, "leaky_relu": leaky_relu, "gelu_tanh": gelu_tanh}
    if name in several:
        return {"": Run(several[name], lambda: digest(y))}
    if name == "relu":
        return {"": Run(partial(np.maximum, x, real(0), y), lambda: digest(y))}
    ufunc = {"add": np.add, "add row": np.add, "mul": np.multiply}.get(name) or getattr(np, name)
    return {"": Run(partial(ufunc, *xs, y), lambda: digest(y))}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    *xs, y = operands(case)
    name = case.params["name"].split()[0]
    slope = [SLOPE] if name == "leaky_relu" else []
    return {"": Run(partial(getattr(K, name), *xs, *slope, y), lambda: digest(y))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    *xs, y = operands(case)
    xs, out = [torch.from_numpy(x) for x in xs], torch.from_numpy(y)
    name = case.params["name"].split()[0]
    if name == "relu":
        return {"": Run(partial(torch.clamp_min, xs[0], 0, out=out), lambda: digest(y))}
    if name == "relu_grad":
        backward = partial(torch.ops.aten.threshold_backward.grad_input, xs[0], xs[1], 0, grad_input=out)
        return {"": Run(backward, lambda: digest(y))}
    if name == "leaky_relu":
        return {"": Run(partial(torch.ops.aten.leaky_relu.out, xs[0], SLOPE, out=out), lambda: digest(y))}
    if name == "gelu_tanh":
        gelu = partial(torch.ops.aten.gelu.out, xs[0], approximate="tanh", out=out)
        return {"": Run(gelu, lambda: digest(y))}
    return {"": Run(partial(getattr(torch, name), *xs, out=out), lambda: digest(y))}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    from ..peers import jax_tools

    jnp = jax_tools.numpy()
    *xs, _ = operands(case)
    function = {
        "sigmoid": jax.nn.sigmoid,
        "relu": jax.nn.relu,
        "relu_grad": lambda g, y: jnp.where(y > 0, g, 0),
        "add row": jnp.add,
        "mul": jnp.multiply,
        "leaky_relu": jax.nn.leaky_relu,
        "gelu_tanh": jax.nn.gelu,
    }.get(case.params["name"]) or getattr(jnp, case.params["name"])
    return jax_tools.run(function, *[jnp.asarray(x) for x in xs])


def by_numba(case: Case) -> dict[str, Run]:
    import numba

    if case.params["name"] == "add row":
        return {}
    *xs, y = operands(case)
    jit = numba.njit(fastmath=True, parallel=numba.get_num_threads() > 1)
    zero, one, slope, c, d = (y.dtype.type(value) for value in (0, 1, SLOPE, GELU_C, GELU_D))
    scalar = {
        "exp": np.exp,
        "log": np.log,
        "tanh": np.tanh,
        "expm1": np.expm1,
        "log1p": np.log1p,
        "sin": np.sin,
        "sigmoid": lambda x: one / (one + np.exp(-x)),
        "relu": lambda x: max(x, zero),
        "relu_grad": lambda g, y: g if y > zero else zero,
        "leaky_relu": lambda x: x if x > zero else slope * x,
        "gelu_tanh": lambda x: x / (one + np.exp(-x * (c + d * x * x))),
        "add": lambda a, b: a + b,
        "mul": lambda a, b: a * b,
    }[case.params["name"]]
    scalar = numba.njit(fastmath=True)(scalar) if not isinstance(scalar, np.ufunc) else scalar

    @jit
    def unary(x: Any, y: Any) -> None:
        for i in numba.prange(x.size):
            y[i] = scalar(x[i])

    @jit
    def binary(a: Any, b: Any, y: Any) -> None:
        for i in numba.prange(a.size):
            y[i] = scalar(a[i], b[i])

    return {"": Run(partial(unary if len(xs) == 1 else binary, *xs, y), lambda: digest(y))}
