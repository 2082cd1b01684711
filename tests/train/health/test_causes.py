"""Each illness is named by its kind and layer; healthy trainings have none, whatever zeros they have on purpose."""

import math

import numpy as np
import pytest
from train.patients import (
    DIGITS,
    Recurrent,
    adam,
    kinds,
    linear,
    mlp,
    network,
    normal,
    relu,
    sequences,
    sgd,
    sigmoid,
    tanh,
    watched,
)

import minigrad as mg
from minigrad import nn, optim, reg, train

X, Y = DIGITS
IMAGES = np.ascontiguousarray(X.reshape(-1, 1, 8, 8)), Y
ROWS = np.ascontiguousarray(X.reshape(-1, 8, 8)), Y


def convolutional():
    return network(
        lambda: nn.Conv2d(1, 4, 3, padding=1, activation="relu"),
        lambda: nn.MaxPool2d(2),
        lambda: nn.Conv2d(4, 8, 3, padding=1),
        nn.ReLU,
        lambda: nn.MaxPool2d(2),
        nn.Flatten,
        lambda: nn.Linear(32, 10),
    )


def residual():
    block = lambda: nn.Residual(nn.RMSNorm(32), tanh(32, 32))
    return network(lambda: linear(64, 32), *[block] * 12, lambda: nn.RMSNorm(32), lambda: linear(32, 10))


def recurrent(kind):
    mg.manual_seed(0)
    return Recurrent(kind)


def lasso(model):
    return optim.SGD(model.parameters(), lr=0.05, momentum=0.9, prox=reg.on(model, "0.weight", reg.L1(1e-2)))


HEALTHY = {
    "mlp": lambda: watched(mlp()),
    "mlp, Adam": lambda: watched(mlp(), adam(3e-3)),
    "tanh": lambda: watched(mlp(tanh), adam(3e-3)),
    "tanh, long": lambda: watched(
        mlp(tanh), adam(1e-2), epochs=25
    ),  # sure of its task, so that units are at their ends
    "one layer of sigmoids": lambda: watched(network(lambda: sigmoid(64, 32), lambda: linear(32, 10)), adam(1e-2)),
    "convolutions": lambda: watched(convolutional(), adam(5e-3), IMAGES),
    "LSTM": lambda: watched(recurrent(nn.LSTM), adam(1e-2), ROWS, 3),
    "GRU": lambda: watched(recurrent(nn.GRU), adam(1e-2), ROWS, 3),
    "residual": lambda: watched(residual(), sgd(0.01)),
    "L1 with exact zeros": lambda: watched(mlp(), lasso, epochs=10),
    "dropout": lambda: watched(
        network(lambda: relu(64, 64), lambda: nn.Dropout(0.5), lambda: relu(64, 64), lambda: linear(64, 10)), adam(3e-3)
    ),
    "logistic regression from zeros": lambda: watched(network(lambda: linear(64, 10, init="zeros")), sgd(0.5, 0)),
    "batch normalization": lambda: watched(
        network(lambda: linear(64, 32), lambda: nn.BatchNorm1d(32), nn.ReLU, lambda: linear(32, 10)), adam(1e-2)
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_has_no_finding(name):
    watch = HEALTHY[name]()
    assert kinds(watch) == [], watch.report()
    assert watch.course.last_loss() < 0.6 * watch.course.first_loss()  # it is a training that learns
    assert watch.report().startswith("healthy: nothing found")


def test_vanishing_by_depth():
    watch = watched(network(lambda: sigmoid(64, 32), *[lambda: sigmoid(32, 32)] * 18, lambda: linear(32, 10)))
    (found,) = watch.findings
    assert (found.kind, found.layer, found.since) == ("vanishing", "0", 1)
    assert found.numbers["layers"] == 20
    assert found.numbers["by layer"] == pytest.approx(0.25, rel=0.2)  # the steepest slope of a sigmoid
    assert "19 (Linear 32->10)" in found.words and "He" in found.remedy


def test_small_gradients_of_a_network_that_has_learned_are_not_called_vanishing():
    watch = watched(mlp(), adam(1e-2), epochs=25)
    first, last = watch.steps[0], watch.steps[-1]
    assert last.layers[-1].gradient < 0.02 * first.layers[-1].gradient  # converged
    assert kinds(watch) == []


def test_exploding_by_depth():
    layer = lambda: linear(32, 32, init=normal(0.6))
    watch = watched(
        network(lambda: linear(64, 32, init=normal(0.6)), *[layer] * 9, lambda: linear(32, 10)), sgd(1e-12, 0)
    )
    assert kinds(watch) == ["exploding"]
    assert watch.findings[0].numbers["first / last"] > 1e3


@pytest.mark.parametrize("rate", [3.0, 100.0, 1e8])
def test_a_rate_that_is_too_large(rate):
    watch = watched(mlp(), sgd(rate))
    found = watch.findings[0]
    assert found.kind == "rate too large"
    assert found.numbers["rate"] == rate
    assert set(kinds(watch)) <= {"rate too large", "dead"}  # the units that it threw out are named behind it


def test_a_rate_that_is_too_small():
    assert kinds(watched(mlp(), sgd(1e-9))) == ["rate too small"]


@pytest.mark.parametrize("place", [0, 1])
def test_dead_units(place):
    model = mlp()
    with mg.no_grad():
        model[place].bias.copy_(np.full(32, -100, np.float32))
    watch = watched(model)
    (found,) = watch.findings
    assert (found.kind, found.layer, found.since, found.numbers["units"]) == ("dead", str(place), 1, 32)
    assert "from the start" in found.words and "bias" in found.code


def test_units_that_a_penalty_emptied_are_not_dead():
    model = mlp()
    with mg.no_grad():  # what L1 by the proximal map does in the end: no weight leads to 24 of 32 units
        model[0].weight.copy_(np.where(np.arange(32) < 8, model[0].weight.data, 0).astype(np.float32))
    model[0].requires_grad_(False)
    watch = watched(model, epochs=6)
    assert kinds(watch) == []
    assert {each.kind for each in watch.notes} == {"frozen", "zeros"}
    assert watch.table[0]["dead"] == 0 and watch.table[0]["zeros"] > 0.7


def test_saturated_by_inputs_and_by_weights():
    watch = watched(mlp(tanh), sgd(0.01), (X * 300, Y))
    assert (watch.findings[0].kind, watch.findings[0].layer) == ("saturated", "0")
    assert "Standardizer" in watch.findings[0].code and "rms" in watch.findings[0].words
    wide = lambda inputs, units: linear(inputs, units, "tanh", normal(3.0))
    watch = watched(mlp(wide), sgd(0.01))
    assert [(each.kind, each.layer) for each in watch.findings] == [("saturated", "0"), ("saturated", "1")]
    assert "Glorot" in watch.findings[1].remedy


class Parts(nn.Module):
    """Three layers, of which forward uses some in some way."""

    def __init__(self, way):
        mg.manual_seed(0)
        self.body, self.side, self.head, self.way = relu(64, 32), relu(32, 32), linear(32, 10), way

    def forward(self, x):
        if self.way == "unused":
            return self.head(self.body(x))
        if self.way == "no_grad":
            with mg.no_grad():
                x = self.body(x)
            return self.head(self.side(x))
        return self.head(self.side(self.body(x).detach()))


@pytest.mark.parametrize(
    ("way", "layer", "why"),
    [("unused", "side", "does not use it"), ("detached", "body", "the way is cut"), ("no_grad", "body", "no_grad")],
)
def test_a_layer_that_the_loss_does_not_reach(way, layer, why):
    watch = watched(Parts(way))
    (found,) = watch.findings
    assert (found.kind, found.layer) == ("no gradient", layer)
    assert why in found.words
    assert found.remedy


def test_a_penalty_in_the_update_does_not_hide_an_unused_layer():
    def penalised(model):
        return optim.SGD(model.parameters(), lr=0.05, penalty=reg.on(model, "side.weight", reg.L2(1e-3)))

    assert [each.layer for each in watched(Parts("unused"), penalised).findings] == ["side"]


def test_embeddings_are_layers():
    x = np.random.default_rng(0).integers(0, 20, (400, 3))
    model = network(lambda: nn.Embedding(20, 8), nn.Flatten, lambda: relu(24, 16), lambda: linear(16, 2))
    watch = watched(model, adam(1e-2), (x, (x[:, 0] > 9).astype(np.int64)), 8)
    assert kinds(watch) == []
    rows = watch.table[:3]
    assert [row["layer"] for row in rows] == ["0", "2", "3"]
    assert all(row["gradient"] > 0 and row["output"] > 0 for row in rows)
    assert watch.steps[0].inputs is None and np.isfinite(watch.course.constant())


def test_a_frozen_layer_is_a_note():
    model = mlp()
    model[0].requires_grad_(False)
    watch = watched(model)
    assert kinds(watch) == []
    assert [(each.kind, each.layer, each.level) for each in watch.notes] == [("frozen", "0", "note")]
    assert "as you said" in watch.notes[0].words


def test_constant_inputs():
    assert kinds(watched(mlp(), rows=(np.full_like(X, 0.5), Y))) == ["constant inputs"]


def shuffled(y, seed=1):
    return y[np.random.default_rng(seed).permutation(len(y))]


def test_shuffled_labels_are_learned_by_heart():
    watch = watched(
        network(lambda: relu(64, 96), lambda: linear(96, 10)),
        adam(1e-2),
        (X[:600], shuffled(Y)[:600]),
        12,
        validation_data=(X[600:900], shuffled(Y, 2)[:300]),
    )
    assert kinds(watch) == ["memorizing"]
    assert watch.findings[0].numbers["constant"] == pytest.approx(math.log(10), rel=0.01)


def test_inputs_that_say_nothing():
    x = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 3, 3000)
    watch = watched(network(lambda: linear(2, 3)), sgd(0.01), (x, y), 3)
    assert kinds(watch) == ["not learning"]
    assert "constant output has 1.09" in watch.findings[0].words


def test_a_plateau():
    layers = [lambda: sigmoid(64, 32), lambda: sigmoid(32, 32), lambda: sigmoid(32, 32), lambda: linear(32, 10)]
    watch = watched(network(*layers), sgd(0.05, 0.5), (X[::3], Y[::3]), 150, batch_size=32)
    assert kinds(watch) == ["plateau"], watch.report()
    assert "stood at 2.3" in watch.findings[0].words


@pytest.mark.parametrize(("scale", "kind"), [(0.5, "vanishing through time"), (6.0, "exploding through time")])
def test_through_time(scale, kind):
    mg.manual_seed(0)
    model = Recurrent(nn.RNN, 2, 16, 2)
    with mg.no_grad():
        model.rnn.weight_hh_l0.copy_(model.rnn.weight_hh_l0.data * np.float32(scale))
    watch = watched(model, adam(1e-3), sequences(), 3)
    assert [(each.kind, each.layer) for each in watch.findings] == [(kind, "rnn l0")]


def test_cells_in_a_loop_are_steps_in_time():
    class Loop(nn.Module):
        def __init__(self):
            mg.manual_seed(0)
            self.cell, self.head = nn.RNNCell(2, 8), nn.Linear(8, 2)

        def forward(self, x):
            h = None
            for t in range(12):
                h = self.cell(x[:, t], h)
            return self.head(h)

    watch = watched(Loop(), adam(1e-3), sequences(12), 1)
    curve = watch.steps[0].layers[0].through_time
    assert len(curve) == 12
    assert curve[0] < curve[-1]  # the first step is farthest from the loss


def test_limits_are_arguments():
    assert kinds(watched(mlp(), limits={"dead": 0.01, "vanishing": 0.0})) == ["dead", "dead"]
    with pytest.raises(TypeError, match="no limit 'deaf'"):
        train.Watch(deaf=0.5)
    with pytest.raises(ValueError, match="Watch: dead"):
        train.Watch(dead=-1.0)
