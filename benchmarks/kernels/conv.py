"""Convolutions of images and their two gradients: 3 x 3 on the sizes of small networks, 1 x 1, depthwise, strided."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..harness.case import Case, Run, digest, empty

TITLE = "conv2d and its gradients: forward, of the input, of the weight, float32"
UNIT = "GFLOP/s"
ROOFS = ("FMA",)
KERNELS = ("conv2d", "conv2d_input", "conv2d_weight")
STATEFUL = False  # whether a call changes what the next one computes
ALL_VARIANTS = False  # naive and generic too
TOLERANCE = 1e-4

# samples x channels x side : filters, kernel, stride; d: one filter for each channel
FLOAT32 = ["16x32x28:32,3", "64x64x14:64,3", "16x32x28:32,1", "64x64x14:64,1", "16x32x28:d,3", "64x64x14:d,3"] + [
    "64x1x28:16,5",
    "64x16x14:32,5",
    "16x64x28:64,3,2",
]
QUICK = ["2x4x9:5,3"]
WAYS = ("forward", "input", "weight")


def cases(sizes: list[str], quick: bool) -> list[Case]:
    """Sizes are SAMPLESxCHANNELSxSIDE:FILTERS,KERNEL[,STRIDE]; FILTERS d is a depthwise convolution."""
    return [one(size, way) for size in sizes or (QUICK if quick else FLOAT32) for way in WAYS]


def one(size: str, way: str) -> Case:
    shape, _, filters = size.partition(":")
    (n, channels, side), (out, kernel, *stride) = shape.split("x"), filters.split(",")
    groups, step, width = (int(channels) if out == "d" else 1), int(stride[0]) if stride else 1, int(kernel)
    out_channels, places = (groups if out == "d" else int(out)), (int(side) - 1) // step + 1
    params = {
        "way": way,
        "x": (int(n), int(channels), int(side), int(side)),
        "w": (out_channels, int(channels) // groups, width, width),
        "y": (int(n), out_channels, places, places),
        "groups": groups,
        "stride": step,
    }
    flops = 2.0 * np.prod(params["y"]) * np.prod(params["w"][1:])
    numbers = sum(int(np.prod(params[name])) for name in "xwy")
    kind = "depthwise" if out == "d" else f"to {out}"
    name = f"{way} {shape} {kind}, {kernel}x{kernel}{f' by {step}' if step > 1 else ''}"
    return Case(name, "float32", params, float(flops), 4.0 * numbers)


def operands(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
    x, w, y = (case.random(*case.params[name], seed=i) for i, name in enumerate("xwy"))
    pad, stride = (w.shape[2] // 2,) * 2, (case.params["stride"],) * 2
    return x, w, y, {"stride": stride, "padding": pad, "dilation": (1, 1), "groups": case.params["groups"]}


def by_kernels(K: Any, case: Case) -> dict[str, Run]:
    x, w, y, how = operands(case)
    found = empty({"forward": y, "input": x, "weight": w}[case.params["way"]].shape, x.dtype)
    call = {
        "forward": partial(K.conv2d, x, w, found, **how),
        "input": partial(K.conv2d_input, y, w, found, **how),
        "weight": partial(K.conv2d_weight, x, y, found, **how),
    }[case.params["way"]]
    return {"": Run(call, lambda: digest(found))}


def by_torch(case: Case) -> dict[str, Run]:
    import torch

    *arrays, how = operands(case)
    x, w, y = (torch.from_numpy(a) for a in arrays)
    pad, stride, groups, way = list(how["padding"]), list(how["stride"]), how["groups"], case.params["way"]
    if way == "forward":
        call = partial(torch.nn.functional.conv2d, x, w, None, stride, pad, 1, groups)
        return {"": Run(call, lambda: digest(call()))}
    wanted = [way == "input", way == "weight", False]
    back = torch.ops.aten.convolution_backward
    call = partial(back, y, x, w, None, stride, pad, [1, 1], False, [0, 0], groups, wanted)
    return {"": Run(call, lambda: digest(call()[way == "weight"]))}


def by_jax(case: Case) -> dict[str, Run]:
    import jax

    *arrays, how = operands(case)
    x, w, y = (jax.numpy.asarray(a) for a in arrays)
    side = [(p, p) for p in how["padding"]]

    def forward(x: Any, w: Any) -> Any:
        return jax.lax.conv_general_dilated(x, w, how["stride"], side, feature_group_count=how["groups"])

    way = case.params["way"]
    runs = {
        "forward": jax.jit(lambda: forward(x, w)),
        "input": jax.jit(lambda: jax.vjp(lambda x: forward(x, w), x)[1](y)[0]),
        "weight": jax.jit(lambda: jax.vjp(lambda w: forward(x, w), w)[1](y)[0]),
    }
    return {"": Run(lambda: runs[way]().block_until_ready(), lambda: digest(runs[way]()))}
