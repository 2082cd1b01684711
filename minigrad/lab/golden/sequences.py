"""The golden run of recurrent layers: each kind, two batches with Adam, lengths, both directions."""

from __future__ import annotations

from ... import nn, optim, rng
from ...ops.losses.classes import cross_entropy
from ...rng import Streams
from ...tensor import tensor
from .hashes import gradients, stage_hashes

ROWS, STEPS, FEATURES, WIDTH, CLASSES = 67, 7, 11, 33, 5
LAYERS = {
    "LSTM": lambda dtype: nn.LSTM(
        FEATURES, WIDTH, 2, bidirectional=True, dropout=0.2, recurrent_dropout=0.1, forget_bias=1.0, dtype=dtype
    ),
    "GRU": lambda dtype: nn.GRU(FEATURES, WIDTH, bidirectional=True, recurrent_init="orthogonal", dtype=dtype),
    "RNN": lambda dtype: nn.RNN(FEATURES, WIDTH, 2, nonlinearity="relu", dropout=0.3, variational=True, dtype=dtype),
}


def trained(core, batches, labels, lengths, dtype):
    """Hashes of the first outputs and gradients, and of the state after both batches."""
    model = nn.ModuleList([core, nn.Linear(WIDTH * (1 + core.bidirectional), CLASSES, dtype=dtype)])
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    found: dict[str, dict[str, str]] = {}
    for x, ends in zip(batches, (lengths, None), strict=True):
        optimizer.zero_grad()
        output, state = core(x, lengths=ends)
        logits = model[1](output.sum(dim=0))
        cross_entropy(logits, labels).backward()
        if not found:
            states = dict(zip("hc", state if isinstance(state, tuple) else (state,)))
            arrays = {"output": output.data, **{name: s.data for name, s in states.items()}}
            found["first forward"] = stage_hashes(arrays)
            found["first gradients"] = stage_hashes(gradients(model, x=x))
        optimizer.step()
    found["end"] = stage_hashes(model.state_dict())
    return found


def run(dtype: str) -> dict[str, dict[str, str]]:
    """stage -> hashes, for each kind of layer."""
    rng.manual_seed(20261203)
    labels, lengths = [i * 3 % CLASSES for i in range(ROWS)], [1 + i * 5 % STEPS for i in range(ROWS)]
    arrays = Streams(10).normal((2, STEPS, ROWS, FEATURES), dtype=dtype)
    found = {}
    for kind, make in LAYERS.items():
        batches = [tensor(x, requires_grad=True) for x in arrays]
        for stage, hashes in trained(make(dtype), batches, labels, lengths, dtype).items():
            found[f"{kind}: {stage}"] = hashes
    return found
