"""Networks that are healthy or ill in one known way, and short trainings of them under a Watch."""

import contextlib

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim, train

DIGITS = data.load_digits()


def linear(inputs, units, activation=None, init="glorot_uniform"):
    return nn.Linear(inputs, units, activation=activation, init=init)


def relu(inputs, units):
    return linear(inputs, units, "relu", "he_uniform")


def network(*layers, seed=0):
    """What `layers` makes, from a fixed seed."""
    mg.manual_seed(seed)
    return nn.Sequential(*[layer() for layer in layers])


def mlp(activation=relu):
    return network(lambda: activation(64, 32), lambda: activation(32, 32), lambda: linear(32, 10))


def sigmoid(inputs, units):
    return linear(inputs, units, "sigmoid")


def tanh(inputs, units):
    return linear(inputs, units, "tanh")


def normal(deviation):
    """A start of this deviation."""
    return lambda shape, dtype: np.random.default_rng(1).normal(0, deviation, shape).astype(dtype)


def sgd(rate, momentum=0.9):
    return lambda model: optim.SGD(model.parameters(), lr=rate, momentum=momentum)


def adam(rate):
    return lambda model: optim.Adam(model.parameters(), lr=rate)


def watched(model, optimizer=None, rows=None, epochs=4, loss=mg.cross_entropy, every="1 epoch", limits=None, **options):
    """The Watch over a training of a model; a training that breaks off is one, too."""
    watch = train.Watch(every, **(limits or {}))
    with contextlib.suppress(mg.NonFiniteError):
        train.fit(
            model,
            DIGITS if rows is None else rows,
            loss,
            (optimizer or sgd(0.05))(model),
            epochs=epochs,
            callbacks=[watch],
            seed=0,
            **options,
        )
    return watch


def kinds(watch):
    return [each.kind for each in watch.findings]


class Recurrent(nn.Module):
    """A recurrent layer, and classes from its last output, or from the mean of all."""

    def __init__(self, kind, features=8, width=16, classes=10, mean=False):
        self.rnn = kind(features, width, batch_first=True)
        self.head, self.mean = nn.Linear(width, classes), mean

    def forward(self, x):
        output, _ = self.rnn(x)
        return self.head(output.mean(dim=1) if self.mean else output[:, -1])


def sequences(steps=60, rows=192):
    """Sequences whose class is the sign of the first step."""
    x = np.random.default_rng(0).normal(size=(rows, steps, 2)).astype(np.float32)
    return x, (x[:, 0, 0] > 0).astype(np.int64)
