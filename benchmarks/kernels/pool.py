"""Pools of planes: the largest and the mean of windows, forward and backward."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, digest, empty

TITLE = "pool: the largest and the mean of windows, and their gradients, float32"
UNIT = "GB/s"
ROOFS = ("copy",)
KERNELS = ("max_pool2d", "pool_put", "avg_pool2d", "avg_pool2d_grad")
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = False  # naive and generic too
TOLERANCE = 1e-5
FLOAT32 = ["64x16x28:2,2", "64x32x14:2,2", "16x64x28:3,2"]
QUICK = ["2x4x8:2,2"]
WAYS = ("max", "max back", "mean", "mean back")


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are SAMPLESxCHANNELSxSIDE:WINDOW,STRIDE."""
    return [one(size, way) for size in sizes or (QUICK if quick else FLOAT32) for way in WAYS]


def one(size: str, way: str) -> Case:
    shape, _, window = size.partition(":")
    (n, channels, side), (kernel, stride) = map(int, shape.split("x")), map(int, window.split(","))
    places = (side - kernel) // stride + 1
    params = {"way": way, "x": (n, channels, side, side), "y": (n, channels, places, places)}
    numbers = float(np.prod(params["x"]) + np.prod(params["y"]))
    params |= {"kernel": (kernel, kernel), "stride": (stride, stride)}
    moved = 4 * numbers + 8.0 * float(np.prod(params["y"])) * way.startswith("max")
    return Case(f"{way} {shape}, {kernel}x{kernel} by {stride}", "float32", params, numbers, moved)


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    x, y = case.random(*case.params["x"]), case.random(*case.params["y"], seed=1)
    found, back, index = empty(y.shape, x.dtype), empty(x.shape, x.dtype), empty(y.shape, np.int64)
    how = {"kernel": case.params["kernel"], "stride": case.params["stride"], "padding": (0, 0)}
    largest = partial(K.max_pool2d, x, found, index, dilation=(1, 1), **how)
    largest()
    call, answer = {
        "max": (largest, found),
        "max back": (partial(K.pool_put, y, index, back), back),
        "mean": (partial(K.avg_pool2d, x, found, **how), found),
        "mean back": (partial(K.avg_pool2d_grad, y, back, **how), back),
    }[case.params["way"]]
    return {"": Run(call, lambda: digest(answer))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    x, y = (torch.from_numpy(case.random(*case.params[name], seed=i)) for i, name in enumerate("xy"))
    size, stride, way = list(case.params["kernel"]), list(case.params["stride"]), case.params["way"]
    ops, ones, none = torch.ops.aten, [1, 1], [0, 0]
    if way == "max":
        call = partial(torch.nn.functional.max_pool2d, x, size, stride, return_indices=True)
        return {"": Run(call, lambda: digest(call()[0]))}
    if way == "max back":
        _, index = torch.nn.functional.max_pool2d(x, size, stride, return_indices=True)
        back = partial(ops.max_pool2d_with_indices_backward, y, x, size, stride, none, ones, False, index)
        return {"": Run(back, lambda: digest(back()))}
    mean = partial(torch.nn.functional.avg_pool2d, x, size, stride)
    if way == "mean back":
        mean = partial(ops.avg_pool2d_backward, y, x, size, stride, none, False, True, None)
    return {"": Run(mean, lambda: digest(mean()))}
