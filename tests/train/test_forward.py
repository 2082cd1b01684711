"""The forward pass of a validation, replayed: the numbers of the model, whatever it does."""

import numpy as np
import pytest
from train.test_replayed import T, X, Y, fitted

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.engine import touch
from minigrad.replay.entry import Entry
from minigrad.train.forward import Forward

HELD_OUT = np.random.default_rng(8).normal(size=(600, 6)).astype(np.float32)


def normalized():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))


class Two(nn.Module):
    """An output of several parts, one of them named by its softmax."""

    def __init__(self):
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        y = self.layer(x)
        return {"scores": y, "shares": mg.softmax(y)}


def of_two(output, y):
    return mg.nll_loss(mg.log(output["shares"]), y)


class Weighed(nn.Module):
    """Python reads its weights and draws, so that no recording can tell what they are."""

    def __init__(self):
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        y = self.layer(x)
        return y if self.training else y * (mg.rng.uniform(1).item() + float(np.abs(self.layer.weight.array).sum()))


class Multiplied(Weighed):
    """The same without draws: within one validation the number stays."""

    def forward(self, x):
        y = self.layer(x)
        return y if self.training else y * float(np.abs(self.layer.weight.array).sum())


class OfAll(nn.Module):
    """Outputs that look at all rows: they have to be computed in one batch."""

    def __init__(self):
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        y = self.layer(x)
        return y if self.training else y - y.mean(0)


@pytest.mark.parametrize("make", [normalized, Weighed, Multiplied, OfAll])
def test_validation_has_the_bits_of_fit(make):
    options = {"make": make, "validation_data": (HELD_OUT, np.arange(600) % 3), "metrics": [train.accuracy]}
    assert fitted(True, **options) == fitted(False, **options)


def test_an_output_of_several_parts():
    options = {"make": Two, "loss": of_two, "validation_data": (X, Y)}
    assert fitted(True, **options) == fitted(False, **options)


def test_it_is_replayed_after_two_recordings_between_which_weights_change(monkeypatch):
    mg.manual_seed(0)
    model, runs, run = normalized(), [], Entry.run
    monkeypatch.setattr(Entry, "run", lambda entry, steps: runs.append(steps) or run(entry, steps))
    forward, x = Forward(model), mg.tensor(HELD_OUT[:64])
    model.eval()
    with mg.no_grad():
        for i in range(6):
            if i % 2:
                model[0].weight.copy_(model[0].weight.data * np.float32(1.1))
            expected = model(x)
            got = forward(x)
            assert got.data.tobytes() == expected.data.tobytes()
            assert got.op is expected.op
    assert len(runs) == 4, "recorded before and after the first change, and replayed from then on"


def test_a_model_in_training_or_with_a_graph_computes_itself():
    model = normalized()
    forward, x = Forward(model), mg.tensor(HELD_OUT[:8])
    assert forward(x).requires_grad
    model.eval()
    with mg.no_grad():
        first = forward(x).data
        optim.SGD(model.parameters(), lr=0.1)
        assert (forward(x).data == first).all()


def test_a_model_that_changes_with_the_call_computes_itself():
    class Counting(nn.Module):
        def __init__(self):
            self.n, self.w = 0, nn.Parameter([1.0])

        def forward(self, x):
            self.n += 1
            return x * (1.0 / self.n)

    model = Counting()
    forward, x = Forward(model), mg.tensor([[1.0]])
    with mg.no_grad():
        for n in range(1, 9):
            touch([model.w])
            assert forward(x).item() == np.float32(1 / n)


def test_regression_with_early_stopping():
    options = {
        "loss": mg.mse,
        "data": (X, T),
        "validation_data": (X[:20], T[:20]),
        "callbacks": lambda m, o: [train.EarlyStopping("val_loss", patience=1)],
        "epochs": 9,
    }
    assert fitted(True, **options) == fitted(False, **options)
