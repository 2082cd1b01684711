"""The golden run of dense layers: every kernel of a training step, with sizes that fit no block.

A relu and a tanh layer, dropout, cross-entropy, Adam with a proximal L1 and a penalty, the shuffling loader; large
enough that threads share the work.
"""

from __future__ import annotations

import numpy as np

from ... import nn, optim, reg, rng
from ...data import Loader
from ...ops.losses.classes import cross_entropy
from ...rng import Streams
from ...tensor import tensor
from .hashes import gradients, stage_hashes

ROWS, FEATURES, HIDDEN, CLASSES, BATCH, EPOCHS = 387, 301, 257, 11, 129, 2


def run(dtype: str) -> dict[str, dict[str, str]]:
    """Train the fixed network; stage -> hashes: init, first forward, first gradients, first update, end."""
    rng.manual_seed(20261120)
    x = Streams(7).normal((ROWS, FEATURES), dtype=dtype)
    labels = np.arange(ROWS) * 7 % CLASSES
    model = nn.Sequential(
        nn.Linear(FEATURES, HIDDEN, activation="relu", dtype=dtype),
        nn.Dropout(0.3),
        nn.Linear(HIDDEN, 17, activation="tanh", dtype=dtype),
        nn.Linear(17, CLASSES, dtype=dtype),
    )
    sparse = reg.on(model, {"0.weight": reg.L1(1e-3)})
    smooth = reg.on(model, {"[23].weight": reg.ElasticNet(l1=1e-4, l2=1e-2)})
    optimizer = optim.Adam(model.parameters(), lr=3e-3, prox=sparse, penalty=smooth)
    stages = {"init": stage_hashes(model.state_dict())}
    loader = Loader(x, labels, batch_size=BATCH, seed=3)
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        for batch, target in loader:
            optimizer.zero_grad()
            logits = model(tensor(batch))
            loss = cross_entropy(logits, target)
            loss.backward()
            if "first update" not in stages:
                stages["first forward"] = stage_hashes({"logits": logits.data, "loss": loss.data})
                stages["first gradients"] = stage_hashes(gradients(model))
            optimizer.step()
            if "first update" not in stages:
                stages["first update"] = stage_hashes(model.state_dict())
    stages["end"] = stage_hashes(model.state_dict())
    return stages
