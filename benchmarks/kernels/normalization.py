"""Batch norm and layer norm of (rows, features) and (rows, channels, places), their gradients; those of embeddings."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, digest, like

TITLE = "normalization, float32, and the gradient of an embedding"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("standardize_rows", "standardize_channels", "embedding_bag_grad")
STATEFUL = False
ALL_VARIANTS = True
TOLERANCE = 1e-3
EPS = 1e-5
PASSES = {"batch norm": 2, "batch norm grad": 3, "layer norm": 2, "layer norm grad": 3}  # over memory, at the least
SHAPES = [(128, 64), (512, 768), (64, 64, 784)]


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are rows x features, or rows x channels x places."""
    given = [tuple(map(int, size.split("x"))) for size in sizes]
    if any(len(shape) not in (2, 3) for shape in given):
        raise ValueError("normalization: --sizes are rows x features, or rows x channels x places: 64x64x784")
    found = [
        Case(f"{name} {'x'.join(map(str, shape))}", "float32", {"name": name, "shape": shape}, *work(shape, passes))
        for name, passes in PASSES.items()
        for shape in given or SHAPES[: 1 if quick else None]
        if len(shape) == 2 or not name.startswith("layer")
    ]
    for rows, width, entries in [] if given else [(3200, 64, 10000), (6400, 128, 5000)][: 1 if quick else None]:
        params = {"name": "embedding grad", "shape": (rows, width), "entries": entries}
        moved = 4.0 * width * (3 * rows + entries)  # rows of g; those of the table are read and written
        found.append(Case(f"embedding grad {rows}x{width} of {entries}", "float32", params, float(rows * width), moved))
    return found


def work(shape: tuple[int, ...], passes: int) -> tuple[float, float]:
    n = float(np.prod(shape))
    return 8 * n, 4 * passes * n


class Operands:
    """x (rows, channels, places), g, y, a weight, and room for what is found beside y."""

    def __init__(self, case: Case) -> None:
        shape = case.params["shape"]
        self.x, self.g = (case.random(*shape, seed=seed) for seed in (0, 1))
        self.rows, self.channels, self.places = (*shape, 1)[:3]
        self.y, self.weight = like(self.x), np.ones(self.channels, self.x.dtype)
        self.sums = np.zeros((2, self.channels), self.x.dtype)
        self.axes = (0, 2) if len(shape) == 3 else (0,)
        self.index = np.random.default_rng(2).integers(0, case.params.get("entries", 1), self.rows)
        self.table = np.zeros((case.params.get("entries", 1), self.channels), self.x.dtype)


def by_numpy(case: Case) -> dict[str, Run]:
    o, name = Operands(case), case.params["name"]
    axes = (1,) if name.startswith("layer") else o.axes
    weight = o.weight[:, None] if len(o.x.shape) == 3 else o.weight
    if name == "embedding grad":

        def scatter() -> None:
            o.table[...] = 0
            np.add.at(o.table, o.index, o.g)

        return {"": Run(scatter, lambda: digest(o.table))}

    def forward() -> None:
        mean, var = o.x.mean(axes, keepdims=True), o.x.var(axes, keepdims=True)
        np.multiply((o.x - mean) / np.sqrt(var + EPS), weight, out=o.y)

    rstd = 1 / np.sqrt(o.x.var(axes, keepdims=True) + EPS)
    xhat = (o.x - o.x.mean(axes, keepdims=True)) * rstd

    def backward() -> None:
        h = o.g * weight
        level, slope = h.mean(axes, keepdims=True), (h * xhat).mean(axes, keepdims=True)
        np.multiply(h - level - xhat * slope, rstd, out=o.y)
        o.sums[0], o.sums[1] = (o.g * xhat).sum(o.axes), o.g.sum(o.axes)

    return {"": Run(backward if name.endswith("grad") else forward, lambda: digest(o.y))}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    o, name = Operands(case), case.params["name"]
    x, g, y = (a.reshape(o.rows, o.channels, o.places) for a in (o.x, o.g, o.y))
    if name == "embedding grad":
        return {"": Run(partial(K.embedding_bag_grad, o.g, o.index, o.table), lambda: digest(o.table))}
    if name.startswith("layer"):
        mean, rstd = np.empty((2, o.rows))
        forward = partial(K.standardize_rows, x, y, mean, rstd, weight=o.weight, eps=EPS)
        more = {"weight": o.weight, "weight_grad": o.sums[0], "bias_grad": o.sums[1]}
        backward = partial(K.standardize_rows_grad, g, x, mean, rstd, y, **more)
    else:
        mean, var, rstd = np.empty((3, o.channels))
        forward = partial(K.standardize_channels, x, y, mean, var, rstd, weight=o.weight, eps=EPS)
        backward = partial(K.standardize_channels_grad, g, x, mean, rstd, y, *o.sums, weight=o.weight)
    forward()
    return {"": Run(backward if name.endswith("grad") else forward, lambda: digest(o.y))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    o, name, aten = Operands(case), case.params["name"], torch.ops.aten
    x, g, weight, zeros = map(torch.from_numpy, (o.x, o.g, o.weight, np.zeros_like(o.weight)))
    held: list[Any] = [None]

    def keep(function: Any, *arguments: Any) -> None:
        held[0] = function(*arguments)

    if name == "embedding grad":
        index = torch.from_numpy(o.index)
        run = partial(keep, aten.embedding_dense_backward, g, index, len(o.table), -1, False)
        return {"": Run(run, lambda: digest(held[0].numpy()))}
    if name.startswith("layer"):
        forward = partial(keep, aten.native_layer_norm, x, [o.channels], weight, zeros, EPS)
        forward()
        _, mean, rstd = held[0]
        every = [True, True, True]
        backward = partial(keep, aten.native_layer_norm_backward, g, x, [o.channels], mean, rstd, weight, zeros, every)
    else:
        forward = partial(keep, aten.native_batch_norm, x, weight, zeros, None, None, True, 0.1, EPS)
        forward()
        _, mean, rstd = held[0]
        every = [True, True, True]
        backward = partial(
            keep, aten.native_batch_norm_backward, g, x, weight, None, None, mean, rstd, True, EPS, every
        )
    return {"": Run(backward if name.endswith("grad") else forward, lambda: digest(held[0][0].numpy()))}
