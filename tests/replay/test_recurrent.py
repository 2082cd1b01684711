"""Recurrent networks: a replayed step leaves the bits of the step in Python, lengths from the batch included."""

import numpy as np
import pytest
from replay.twins import state

import minigrad as mg
from minigrad import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6, 3)).astype(np.float32)
LENGTHS = RNG.integers(1, 7, 24)
Y = RNG.integers(0, 3, 24)


class Network(nn.Module):
    def __init__(self, kind, **options):
        self.core = getattr(nn, kind)(3, 5, batch_first=True, **options)
        self.head = nn.Linear(5 * (1 + self.core.bidirectional), 3)

    def forward(self, x, lengths=None):
        output, _ = self.core(x, lengths=lengths)
        return self.head(output.sum(dim=1))


def ends(compiled, with_lengths, kind, options):
    mg.manual_seed(1)
    model = Network(kind, **options)
    optimizer = optim.Adam(model.parameters(), lr=0.01)

    def step(x, lengths, y):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x, lengths if with_lengths else None), y)
        loss.backward()
        optimizer.step()
        return loss

    step = mg.compile(step) if compiled else step
    losses = []
    for _ in range(2):
        for i in range(0, 24, 8):
            part = slice(i, i + 8)
            losses.append(step(mg.tensor(X[part]), mg.tensor(LENGTHS[part]), mg.tensor(Y[part])).item())
    if compiled:
        assert all(entry.program is not None for entry in step._entries.values()), "it was replayed"
    return losses, state(model, optimizer)


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LSTM", {}),
        ("GRU", {"bidirectional": True}),
        ("RNN", {"nonlinearity": "relu"}),
        ("LSTM", {"num_layers": 2, "bidirectional": True, "dropout": 0.3, "recurrent_dropout": 0.2}),
    ],
)
def test_compiled_equals_eager(kind, options, with_lengths):
    assert ends(True, with_lengths, kind, options) == ends(False, with_lengths, kind, options)
