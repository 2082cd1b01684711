"""The golden run of convolutions and pools: a network with each of them, two batches with Adam."""

from __future__ import annotations

from ... import nn, optim, rng
from ...ops.losses.classes import cross_entropy
from ...rng import Streams
from ...tensor import tensor
from .hashes import gradients, stage_hashes

ROWS, CLASSES, SIDE = 22, 5, 21


def network(dtype):
    return nn.Sequential(
        nn.Conv2d(2, 9, 5, padding="same", activation="relu", dtype=dtype),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(9, 12, 3, stride=2, padding=1, groups=3, activation="tanh", dtype=dtype),
        nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False, dtype=dtype),
        nn.ConvTranspose2d(12, 7, 3, stride=2, padding=1, dtype=dtype),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Conv2d(7, 33, 1, activation="relu", dtype=dtype),
        nn.AdaptiveAvgPool2d((4, 3)),
        nn.Conv2d(33, 6, 3, dilation=(1, 2), padding=(0, 1), activation="sigmoid", dtype=dtype),
        nn.Flatten(),
        nn.Linear(12, CLASSES, dtype=dtype),
    )


def run(dtype: str) -> dict[str, dict[str, str]]:
    """stage -> hashes: first forward, first gradients, end."""
    rng.manual_seed(20261201)
    x = Streams(8).normal((2, ROWS, 2, SIDE, SIDE), dtype=dtype)
    labels = [i * 3 % CLASSES for i in range(ROWS)]
    model = network(dtype)
    stages: dict[str, dict[str, str]] = {}
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    for batch in x:
        optimizer.zero_grad()
        planes = tensor(batch, requires_grad=True)
        logits = model(planes)
        loss = cross_entropy(logits, labels)
        loss.backward()
        if not stages:
            stages["first forward"] = stage_hashes({"logits": logits.data, "loss": loss.data})
            stages["first gradients"] = stage_hashes(gradients(model, x=planes))
        optimizer.step()
    stages["end"] = stage_hashes(model.state_dict())
    return stages
