"""The golden run of normalization, embeddings and attention: two networks, three batches with Adam."""

from __future__ import annotations

import numpy as np

from ... import nn, optim, rng
from ...ops.losses.classes import cross_entropy
from ...ops.shape.join import cat
from ...rng import Streams
from ...tensor import tensor
from .hashes import gradients, stage_hashes

ROWS, CLASSES, WORDS, STEPS, WIDTH = 67, 5, 23, 6, 18


def of_planes(dtype):
    return nn.Sequential(
        nn.BatchNorm2d(6, momentum=None, dtype=dtype),
        nn.GroupNorm(3, 6, dtype=dtype),
        nn.Flatten(),
        nn.Linear(6 * 5 * 7, 70, dtype=dtype),
        nn.BatchNorm1d(70, dtype=dtype),
        nn.ReLU(),
        nn.Residual(nn.LayerNorm(70, dtype=dtype), nn.Linear(70, 70, activation="tanh", dtype=dtype), drop=0.2),
        nn.RMSNorm(70, dtype=dtype),
        nn.Linear(70, CLASSES, dtype=dtype),
    )


def of_words(dtype):
    return nn.Sequential(
        nn.Embedding(WORDS, WIDTH, padding_idx=0, dropout=0.1, dtype=dtype),
        nn.TransformerEncoderLayer(WIDTH, 3, 21, norm_first=True, batch_first=True, dtype=dtype),
        nn.Flatten(),
        nn.Linear(STEPS * WIDTH, CLASSES, dtype=dtype),
    )


def bags(dtype):
    """The sum, the mean and the largest of bags of words, side by side."""
    layers = [nn.EmbeddingBag(WORDS, 9, mode=mode, padding_idx=1, dtype=dtype) for mode in ("sum", "mean", "max")]
    return nn.ModuleList([*layers, nn.Linear(27, CLASSES, dtype=dtype)])


def logits_of(model, x):
    if isinstance(model, nn.ModuleList):
        return model[3](cat([bag(x) for bag in model[:3]], dim=1))
    return model(x)


def trained(model, batches, labels, dtype):
    """Hashes of the first logits and gradients, and of the state after all batches."""
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    found: dict[str, dict[str, str]] = {}
    for x in batches:
        optimizer.zero_grad()
        logits = logits_of(model, x)
        cross_entropy(logits, labels).backward()
        if not found:
            found["first forward"] = stage_hashes({"logits": logits.data})
            found["first gradients"] = stage_hashes(gradients(model))
        optimizer.step()
    state = model.state_dict()  # the count of batches is a whole number
    found["end"] = stage_hashes({name: a if a.dtype.kind == "f" else a.astype(dtype) for name, a in state.items()})
    found["evaluation"] = stage_hashes({"logits": logits_of(model.eval(), batches[0]).data})
    return found


def run(dtype: str) -> dict[str, dict[str, str]]:
    """stage -> hashes, for planes, words and bags."""
    rng.manual_seed(20261202)
    labels = [i * 3 % CLASSES for i in range(ROWS)]
    planes = [tensor(x) for x in Streams(9).normal((3, ROWS, 6, 5, 7), dtype=dtype)]
    words = [(np.arange(ROWS * STEPS).reshape(ROWS, STEPS) * k) % WORDS for k in (7, 11, 17)]
    found = {}
    for name, model, batches in (
        ("planes", of_planes(dtype), planes),
        ("words", of_words(dtype), words),
        ("bags", bags(dtype), words),
    ):
        found.update({f"{name}: {stage}": hashes for stage, hashes in trained(model, batches, labels, dtype).items()})
    return found
