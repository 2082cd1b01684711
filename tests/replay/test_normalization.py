"""Normalization, embeddings and attention in a step: replayed with the same bits, running moments included."""

import numpy as np
import pytest
from replay.twins import state

import minigrad as mg
from minigrad import nn, optim
from minigrad.kernels import runtime

pytestmark = pytest.mark.skipif(runtime is None, reason="replay needs the compiled kernels")
RNG = np.random.default_rng(0)
PLANES = RNG.standard_normal((30, 4, 3, 2)).astype(np.float32)
WORDS = RNG.integers(0, 7, (30, 5))
STEPS = RNG.standard_normal((30, 5, 8)).astype(np.float32)
LABELS = RNG.integers(0, 3, 30)


class Attending(nn.Module):
    def __init__(self):
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


MODELS = {
    "batch norm 2d": (lambda: nn.Sequential(nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(24, 3)), PLANES),
    "average": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(24, 6), nn.BatchNorm1d(6, momentum=None), nn.Linear(6, 3)),
        PLANES,
    ),
    "not affine": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(24, 6), nn.BatchNorm1d(6, affine=False), nn.Linear(6, 3)),
        PLANES,
    ),
    "group norm": (lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(24, 3)), PLANES),
    "rms norm": (lambda: nn.Sequential(nn.RMSNorm((3, 2)), nn.Flatten(), nn.Linear(24, 3)), PLANES),
    "residual": (
        lambda: nn.Sequential(nn.Flatten(), nn.Residual(nn.LayerNorm(24), nn.Linear(24, 24)), nn.Linear(24, 3)),
        PLANES,
    ),
    "embedding": (lambda: nn.Sequential(nn.Embedding(7, 4, padding_idx=0), nn.Flatten(), nn.Linear(20, 3)), WORDS),
    "bag": (lambda: nn.Sequential(nn.EmbeddingBag(7, 6, padding_idx=1), nn.Linear(6, 3)), WORDS),
    "largest": (lambda: nn.Sequential(nn.EmbeddingBag(7, 6, mode="max"), nn.Linear(6, 3)), WORDS),
    "attention": (lambda: nn.Sequential(Attending(), nn.Flatten(), nn.Linear(40, 3)), STEPS),
    "encoder": (
        lambda: nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(40, 3)),
        STEPS,
    ),
}


def trained(name, compiled):
    """State and losses after three epochs of batches, the last one smaller."""
    make, rows = MODELS[name]
    mg.manual_seed(3)
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)

    def step(x, y):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    replayed = mg.compile(step) if compiled else None
    for epoch in range(3):
        loader = mg.data.Loader(rows, LABELS, 8, seed=epoch)
        if replayed is not None:
            losses += replayed.epoch(loader).tolist()
        else:
            losses += [step(mg.tensor(x), mg.tensor(y)).item() for x, y in loader]
    if replayed is not None:
        assert all(entry.program is not None for entry in replayed._entries.values()), "it was replayed"
    return losses, state(model, optimizer)


@pytest.mark.parametrize("name", MODELS)
def test_a_replay_leaves_the_bits_of_the_step(name):
    with mg.use_backend("native"):
        (losses, plain), (again, replayed) = trained(name, False), trained(name, True)
    assert again == losses
    assert [key for key in plain if plain[key] != replayed[key]] == []


def test_an_index_outside_of_the_table_ends_the_replay():
    """Replayed steps look at their indices: a wrong one is an error, not memory of somebody else."""
    with mg.use_backend("native"):
        model = nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(20, 3))
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        @mg.compile
        def step(x, y):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        for i in range(3):
            step(WORDS[i : i + 8], LABELS[i : i + 8])
        wrong = WORDS[:8].copy()
        wrong[3, 2] = 700
        with pytest.raises(IndexError, match="embedding_bag: an index is outside of its table in step 0 of the run"):
            step(wrong, LABELS[:8])
