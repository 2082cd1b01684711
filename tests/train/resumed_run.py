"""A training that saves itself: run it as a script until it prints its digest, whatever kills it in between.

    python resumed_run.py CASE FOLDER [STEP]

With STEP the process kills itself, by SIGKILL, at that call of those that saves make: write, fsync, link, replace.
"""

import hashlib
import json
import os
import signal
import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import AverageWeights, Checkpoint, EarlyStopping, LearningRate, accuracy, fit

DRAW = np.random.default_rng(11)
X = DRAW.normal(size=(70, 6)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(np.int64)
STEPS = DRAW.normal(size=(40, 5, 3)).astype(np.float32)
SUMS = STEPS.sum((1, 2), keepdims=True)[:, 0]


def mlp(folder):
    """Dropout from the process's streams and from its own; Adam with an elastic net in the prox; a ramp on the loss."""
    mg.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(6, 16, activation="relu"), nn.Dropout(0.3), nn.Dropout(0.2, seed=5), nn.Linear(16, 2)
    )
    prox = reg.on(model, {"net": ("*.weight", reg.ElasticNet(reg.Ramp(0.0, 1e-2, 5), 1e-2))})
    on_loss = reg.on(model, {"bias": ("*.bias", reg.L2(1e-2))})
    optimizer = optim.Adam(model.parameters(), lr=0.02, prox=prox)
    save = Checkpoint(folder, every="3 batches", best="val_loss")
    data = mg.data.Loader(X, LABELS, 16, seed=3)
    held_out = (X[:20], LABELS[:20])
    history = fit(
        model, data, mg.cross_entropy, optimizer, on_loss, epochs=12, metrics=[accuracy], validation_data=held_out,
        callbacks=[save], resume=folder,
    )  # fmt: skip
    return model, optimizer, history, []


def averaged(folder):
    """Averaged weights, a schedule by batches, a plateau, early stopping, mixed rows, streams of its own."""
    mg.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 12, activation="tanh"), nn.GaussianNoise(0.1), nn.Linear(12, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    rates = LearningRate(optim.CosineAnnealingLR(optimizer, T_max=60), every="batch")
    plateau = LearningRate(optim.ReduceLROnPlateau(optimizer, patience=1, factor=0.5), monitor="loss")
    ema, stopping = AverageWeights(0.9, keep=False), EarlyStopping("val_loss", patience=6)
    streams = mg.rng.Streams(9)

    class Shake(mg.train.Callback):
        def on_gradients(self, run):
            for p in run.model.parameters():
                p.grad.array[...] += streams.normal(p.shape, std=0.01)

    save = Checkpoint(folder, every=["5 batches", "epoch"], keep=2, also={"shake": streams})
    data = mg.data.Loader(X, LABELS, 16, transform=mg.data.Mixup(0.3, classes=2))
    callbacks = [ema, save, rates, plateau, Shake(), stopping]
    history = fit(
        model, data, mg.cross_entropy, optimizer, epochs=25, validation_data=(X[:20], LABELS[:20]),
        callbacks=callbacks, resume=folder,
    )  # fmt: skip
    more = [*ema.ema.state_dict().values(), np.array(rates.rates), np.array(plateau.rates), stopping.best_value]
    return model, optimizer, history, [*more, json.dumps(streams.get_state())]


class GRU(nn.Module):
    """A gated recurrent unit of ops: the last state of a sequence, one number of it."""

    def __init__(self, inputs, size):
        self.of_input = nn.Linear(inputs, 3 * size)
        self.of_state = nn.Linear(size, 3 * size)
        self.drop = nn.VariationalDropout(0.2, locked=True)
        self.last = nn.Linear(size, 1)
        self.size = size

    def forward(self, x):
        n, h = self.size, mg.zeros((x.shape[0], self.size), dtype=x.dtype)
        self.drop.new_sequence()
        for step in range(x.shape[1]):
            a, b = self.of_input(x[:, step]), self.of_state(self.drop(h))
            reset = mg.sigmoid(a[:, :n] + b[:, :n])
            update = mg.sigmoid(a[:, n : 2 * n] + b[:, n : 2 * n])
            new = mg.tanh(a[:, 2 * n :] + reset * b[:, 2 * n :])
            h = (1 - update) * new + update * h
        return self.last(h)


def gru(folder):
    """A recurrent network in float64, accumulated gradients, clipped ones, a rate that a callback changes."""
    mg.manual_seed(4)
    model = GRU(3, 6).to("float64")
    optimizer = optim.RMSprop(model.parameters(), lr=0.01)

    class Accumulate(mg.train.Callback):
        def on_gradients(self, run):
            run.skip_update = run.keep_gradients = run.batch % 2 == 1

    save = Checkpoint(folder, every="batch", keep=2)
    callbacks = [Accumulate(), mg.train.ClipGradients(max_norm=1.0), save]
    history = fit(
        model, (STEPS, SUMS), mg.mse, optimizer, epochs=5, batch_size=8, seed=7, callbacks=callbacks, resume=folder
    )
    return model, optimizer, history, [np.array(callbacks[1].norms)]


def digest(model, optimizer, history, more):
    """SHA-256 of weights, optimizer, history without seconds, random streams, and what else there is."""
    found = hashlib.sha256()
    state = optimizer.state_dict()
    for name, array in [*model.state_dict().items(), *state["state"].items()]:
        found.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    found.update(json.dumps([rows, state["groups"], mg.rng.get_state()]).encode())
    for thing in more:
        found.update(thing.encode() if isinstance(thing, str) else np.asarray(thing).tobytes())
    return found.hexdigest()


def kill_in_a_save(step):
    """Let the process kill itself at a call of those that write files; steps are counted over all saves."""
    calls = []

    def counted(function):
        def call(*args, **options):
            calls.append(function)
            if len(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **options)

        return call

    for name in ("fsync", "link", "replace", "unlink"):  # and the writes into files, below
        setattr(os, name, counted(getattr(os, name)))
    fdopen = os.fdopen
    os.fdopen = lambda *args, **options: Counted(fdopen(*args, **options), counted)


class Counted:
    """A file whose writes are counted."""

    def __init__(self, file, counted):
        self.file, self.write = file, counted(file.write)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.file.__exit__(*error)


if __name__ == "__main__":
    case, folder, *step = sys.argv[1:]
    if step:
        kill_in_a_save(int(step[0]))
    print("begins", flush=True)
    print(digest(*{"mlp": mlp, "averaged": averaged, "gru": gru}[case](folder)), flush=True)
