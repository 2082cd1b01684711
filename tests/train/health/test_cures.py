"""Each remedy that a finding names cures its network: the same training with it lacks the finding, and learns.

What cannot be cured by the network (data that say nothing) has its remedy in the data.
"""

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
from minigrad import data, nn, optim, train
from minigrad.train.health.remedies import REMEDIES

X, Y = DIGITS
SHUFFLED = np.random.default_rng(1).permutation(len(Y))


def deep(layer):
    return network(lambda: linear(64, 32), *[layer] * 12, lambda: linear(32, 10))


def around():
    return nn.Residual(nn.RMSNorm(32), relu(32, 32))


def with_bias(bias):
    model = mlp()
    with mg.no_grad():
        model[0].bias.copy_(np.full(32, bias, np.float32))
    return model


def suggested(model):
    """SGD at the rate that find_lr suggests."""
    optimizer = optim.SGD(model.parameters(), lr=1e-9, momentum=0.9)
    rate = train.find_lr(model, DIGITS, mg.cross_entropy, optimizer).suggestion
    return optim.SGD(model.parameters(), lr=rate, momentum=0.9)


class Whole(nn.Module):
    """A network that uses all of its layers, or leaves one out, or cuts the way to one."""

    def __init__(self, way="whole"):
        mg.manual_seed(0)
        self.body, self.side, self.head, self.way = relu(64, 32), relu(32, 32), linear(32, 10), way

    def forward(self, x):
        x = self.body(x)
        if self.way == "unused":
            return self.head(x)
        return self.head(self.side(x.detach() if self.way == "cut" else x))


def recurrent(kind=nn.RNN, mean=False, scale=1.0, forget=None, orthogonal=False):
    mg.manual_seed(0)
    model = Recurrent(kind, 2, 16, 2, mean)
    with mg.no_grad():
        model.rnn.weight_hh_l0.copy_(model.rnn.weight_hh_l0.data * np.float32(scale))
        if orthogonal:
            model.rnn.weight_hh_l0.copy_(nn.init.orthogonal((16, 16)))
        if forget is not None:
            bias = model.rnn.bias_ih_l0.data.copy()
            bias[16:32] = forget
            model.rnn.bias_ih_l0.copy_(bias)
    return model


def standardized():
    scale = data.Standardizer(X * 300)
    return scale(X * 300).astype(np.float32), Y


def by_heart(y, y_held_out):
    build = network(lambda: relu(64, 96), lambda: linear(96, 10))
    return watched(build, adam(1e-2), (X[:600], y[:600]), 10, validation_data=(X[600:900], y_held_out))


def saying(y):
    return watched(network(lambda: linear(64, 10)), sgd(0.003), (X * 0.1, y), 3)


wide = lambda inputs, units: linear(inputs, units, "tanh", normal(3.0))
# remedy -> the kind of its finding, the ill training, and the same with the remedy; some remedies name several
CURES = {
    "vanishing": (
        "vanishing",
        lambda: watched(deep(lambda: sigmoid(32, 32))),
        lambda: watched(deep(lambda: relu(32, 32)), sgd(0.01), epochs=10),
        lambda: watched(deep(around), sgd(0.01), epochs=10),
    ),
    "exploding": (
        "exploding",
        lambda: watched(deep(lambda: linear(32, 32, init=normal(0.6))), sgd(1e-12, 0)),
        lambda: watched(deep(lambda: tanh(32, 32)), sgd(0.02), epochs=8),
    ),
    "rate too large": (
        "rate too large",
        lambda: watched(mlp(), sgd(3.0)),
        lambda: watched(mlp(), sgd(0.03)),
        lambda: watched(mlp(), suggested),
    ),
    "rate too small": (
        "rate too small",
        lambda: watched(mlp(), sgd(1e-9)),
        lambda: watched(mlp(), suggested),
    ),
    "dead at start": (
        "dead",
        lambda: watched(with_bias(-100)),
        lambda: watched(with_bias(0)),
        lambda: watched(network(lambda: linear(64, 32), lambda: nn.LeakyReLU(0.01), lambda: linear(32, 10))),
    ),
    "dead by rate": ("dead", lambda: watched(mlp(), sgd(3.0)), lambda: watched(mlp(), sgd(0.03))),
    "saturated": (
        "saturated",
        lambda: watched(mlp(wide), sgd(0.01)),
        lambda: watched(mlp(tanh), sgd(0.01)),
        lambda: watched(
            network(
                lambda: linear(64, 32, init=normal(3.0)), lambda: nn.LayerNorm(32), nn.Tanh, lambda: linear(32, 10)
            ),
            sgd(0.01),
        ),
    ),
    "saturated by inputs": (
        "saturated",
        lambda: watched(mlp(tanh), sgd(0.01), (X * 300, Y)),
        lambda: watched(mlp(tanh), sgd(0.01), standardized()),
    ),
    "unused": ("no gradient", lambda: watched(Whole("unused")), lambda: watched(Whole())),
    "cut": ("no gradient", lambda: watched(Whole("cut")), lambda: watched(Whole())),
    "constant inputs": (
        "constant inputs",
        lambda: watched(mlp(), rows=(np.zeros_like(X), Y)),
        lambda: watched(mlp()),
    ),
    "not learning": ("not learning", lambda: saying(Y[SHUFFLED]), lambda: watched(network(lambda: linear(64, 10)))),
    "memorizing": (
        "memorizing",
        lambda: by_heart(Y[SHUFFLED], Y[SHUFFLED][900:1200]),
        lambda: by_heart(Y, Y[600:900]),
    ),
    "plateau": (
        "plateau",
        lambda: watched(mlp_of_sigmoids(), sgd(0.05, 0.5), (X[::3], Y[::3]), 150),
        lambda: watched(mlp_of_sigmoids(), adam(3e-3), (X[::3], Y[::3]), 40),
    ),
    "vanishing through time": (
        "vanishing through time",
        lambda: watched(recurrent(scale=0.5), adam(3e-3), sequences(), 3),
        lambda: watched(recurrent(mean=True), adam(1e-2), sequences(), 12),
        lambda: watched(recurrent(nn.LSTM, forget=3.0), adam(3e-2), sequences(), 12),
    ),
    "exploding through time": (
        "exploding through time",
        lambda: watched(recurrent(scale=6.0), adam(1e-3), sequences(), 3),
        lambda: watched(recurrent(orthogonal=True), adam(1e-3), sequences(), 3),
    ),
}
HARD = ("vanishing through time", "exploding through time")  # the task stays hard; the gradient arrives


def mlp_of_sigmoids():
    return network(lambda: sigmoid(64, 32), *[lambda: sigmoid(32, 32)] * 2, lambda: linear(32, 10))


def test_every_remedy_is_tried():
    assert set(CURES) == set(REMEDIES)


@pytest.mark.parametrize("name", CURES)
def test_the_remedy_cures(name):
    kind, ill, *cured = CURES[name]
    watch = ill()
    found = [each for each in watch.findings if each.kind == kind]
    assert found, watch.report()
    assert (found[0].remedy, found[0].code) == REMEDIES[name]
    for cure in cured:
        after = cure()
        assert kind not in kinds(after), after.report()
        if name not in HARD:
            assert after.course.last_loss() < 0.5 * after.course.first_loss(), after.report()
