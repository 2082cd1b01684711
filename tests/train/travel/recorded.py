"""Trainings that tests record, each with a log of every step as an eager run made it."""

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import Callback, ClipGradients, LearningRate, Record, fit, open_run

X = np.random.default_rng(7).normal(size=(150, 6)).astype(np.float32)
Y = (X[:, 0] + 0.5 * X[:, 1] > 0).astype(np.int64)


class Log(Callback):
    """Keeps the weights before and after each step, and the gradients of its update."""

    only_looks = True

    def __init__(self):
        self.steps = []

    def on_train_begin(self, run):
        run.optimizer.before_step(self.noted)
        self.model = run.model

    def on_gradients(self, run):
        self.before = dict(run.model.state_dict())
        self.noted(run.optimizer)

    def noted(self, optimizer):
        self.gradients = {n: p.grad.array.copy() for n, p in self.model.named_parameters() if p.grad is not None}

    def on_batch_end(self, run):
        self.steps.append((self.before, self.gradients, dict(run.model.state_dict())))

    def of(self, name, index):
        """One element after each step."""
        return np.array([after[name][index] for _, _, after in self.steps])


def network(bias=True):
    return nn.Sequential(nn.Linear(6, 8, bias=bias, activation="relu"), nn.Dropout(0.2), nn.Linear(8, 2))


def everything():
    """Adam, L1 in the prox, L2 in the loss, both scheduled, a schedule, clipped gradients, dropout."""
    model = network()
    optimizer = optim.Adam(
        model.parameters(), lr=0.02, prox=reg.on(model, "*.weight", reg.L1(lambda epoch: 2e-3 + 1e-4 * epoch))
    )
    penalty = reg.on(model, "*.bias", reg.L2(lambda epoch: 0.01 * epoch))
    callbacks = [LearningRate(optim.StepLR(optimizer, 2, 0.7)), ClipGradients(max_norm=1.0)]
    return {
        "model": model,
        "loss": mg.cross_entropy,
        "optimizer": optimizer,
        "penalty": penalty,
        "callbacks": callbacks,
    }


def plain(prox=None, penalty=None, lr=0.1, constraints=None, momentum=0.0, bias=True, loss=mg.cross_entropy):
    """SGD with these terms on all weights."""

    def build():
        model = network(bias)
        on = {"prox": prox, "penalty": penalty, "constraints": constraints}
        terms = {name: reg.on(model, "*.weight", term()) for name, term in on.items() if term is not None}
        return model, loss, optim.SGD(model.parameters(), lr=lr, momentum=momentum, **terms)

    return build


def arguments(made):
    return made if isinstance(made, dict) else dict(zip(("model", "loss", "optimizer", "penalty"), made))


def record(folder, build, data=(X, Y), epochs=12, compile=False, change=None, more=(), **options):
    """Train what build makes, recorded, and return (the log of its steps, the run)."""
    mg.manual_seed(3)
    given, log = arguments(build()), Log()
    if change is not None:
        change(given["model"])
    callbacks = [*more, *given.pop("callbacks", ()), *([] if compile else [log])]
    kept = {"megabytes": options.pop("megabytes", 20), "seconds": options.pop("seconds", 0)}
    fit(
        **given, data=data, epochs=epochs, batch_size=options.pop("batch_size", 32), seed=5, compile=compile,
        callbacks=[*callbacks, Record(folder, **kept)], **options,
    )  # fmt: skip
    return log, open_run(folder, build, data)


def same(a, b):
    """Whether two dicts of arrays have the same bits."""
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)
