"""Whatever trains in a block is watched: by fit, in loops, several optimizers, models that are met at work."""

import numpy as np
import pytest
from train.patients import DIGITS, linear, mlp, relu, watched

import minigrad as mg
from minigrad import engine, nn, optim, train
from minigrad.optim.base import Optimizer
from minigrad.train.health.script import watching

X, Y = DIGITS


def looped(model, optimizer, steps, loss=mg.cross_entropy):
    for i in range(steps):
        rows = slice(32 * (i % 50), 32 * (i % 50) + 32)
        optimizer.zero_grad()
        loss(model(mg.tensor(X[rows])), Y[rows]).backward()
        optimizer.step()


def test_fit_and_a_loop_are_seen_with_equal_bits():
    weights = []
    plain = Optimizer.__init__, Optimizer.step
    for watch in (False, True):
        with watching(10) if watch else open("/dev/null") as seen:
            model = mlp()
            optimizer = optim.Adam(model.parameters(), lr=1e-3)
            train.fit(model, DIGITS, mg.cross_entropy, optimizer, epochs=1, seed=0)
            looped(model, optimizer, 20)
        weights.append(b"".join(p.data.tobytes() for p in model.parameters()))
    assert weights[0] == weights[1]
    (found,) = seen.found
    assert found.course.updates == 57 + 20 == len(found.course.losses)
    assert found.title == "Sequential, trained by Adam"
    assert [row["layer"] for row in found.table[:3]] == ["0", "1", "2"]
    assert found.findings == []
    assert (Optimizer.__init__, Optimizer.step) == plain and engine._watch is None


def test_numbers_are_those_of_a_callback():
    own = watched(mlp(), epochs=1, every=10)
    with watching(10) as seen:
        model = mlp()
        train.fit(
            model, DIGITS, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.05, momentum=0.9), epochs=1, seed=0
        )
    keys = ("step", "layer", "output", "zeros", "dead", "gradient", "weight", "update")
    rows = [[{key: row[key] for key in keys} for row in watch.table] for watch in (own, seen.found[0])]
    assert rows[0] == rows[1]


def test_two_optimizers_have_a_watch_each():
    with watching(5) as seen:
        body, head = relu(64, 16), linear(16, 10)
        one, two = optim.SGD(body.parameters(), lr=0.1), optim.SGD(head.parameters(), lr=0.1)
        idle = optim.SGD([nn.Parameter([1.0])], lr=0.1)
        for _ in range(12):
            for optimizer in (one, two):
                optimizer.zero_grad()
            mg.cross_entropy(head(body(mg.tensor(X[:32]))), Y[:32]).backward()
            one.step()
            two.step()
    assert idle.state
    assert [found.course.updates for found in seen.found] == [12, 12]
    assert [found.table[0]["layer"] for found in seen.found] == ["model", "model"]
    assert all(found.steps[-1].weights[0].update > 0 for found in seen.found)


def test_accumulated_gradients_in_a_loop():
    """Two backward passes for one update are no steps in time."""
    with watching(5) as seen:
        model = mlp()
        optimizer = optim.SGD(model.parameters(), lr=0.05)
        for _ in range(6):
            optimizer.zero_grad()
            for part in (0, 16):
                mg.cross_entropy(model(mg.tensor(X[part : part + 16])), Y[part : part + 16]).backward()
            optimizer.step()
    (found,) = seen.found
    assert found.course.updates == 6
    assert all(not layer.through_time for step in found.steps for layer in step.layers)


def test_an_error_leaves_the_block_with_what_was_seen():
    seen = watching(5)
    with pytest.raises(mg.NonFiniteError), seen:
        model = mlp()
        train.fit(model, (X * 1e3, Y), mg.cross_entropy, optim.SGD(model.parameters(), lr=1e20), epochs=1, seed=0)
    assert engine._watch is None
    assert [each.kind for each in seen.found[0].findings][:1] == ["rate too large"]
    assert "broke off" in seen.found[0].findings[0].words


def test_a_model_that_detaches_is_seen():
    class Cut(nn.Module):
        def __init__(self):
            mg.manual_seed(0)
            self.body, self.head = relu(64, 16), linear(16, 10)

        def forward(self, x):
            return self.head(self.body(x).detach())

    with watching(5) as seen:
        model = Cut()
        looped(model, optim.SGD(model.parameters(), lr=np.float64(0.05)), 8)
    assert [(each.kind, each.layer) for each in seen.found[0].findings] == [("no gradient", "body")]
