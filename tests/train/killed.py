"""A training that tests kill and resume within their process, and what it comes to."""

import json

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import Callback, Checkpoint, fit

X = np.random.default_rng(5).normal(size=(20, 3)).astype(np.float32)
Y = (X[:, :1] * X[:, 1:2]).astype(np.float32)


class Killed(BaseException):
    """Stands for a kill that a test survives."""


class Kill(Callback):
    """Raises at the end of a batch, or (batch 0) of an epoch, when the checkpoints are written."""

    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def on_gradients(self, run):
        if (run.epoch, run.batch) == self.at:
            raise Killed

    def on_epoch_end(self, run):
        self.at = (run.epoch + 1, 1) if self.at == (run.epoch, 0) else self.at


def train(folder=None, *callbacks, resume=None, epochs=3, model=None, loss=mg.mse, data=None, **options):
    """Two random layers, a penalty on the loss, one in the gradient; returns model, optimizer and history."""
    mg.manual_seed(8)
    model = model or nn.Sequential(nn.Linear(3, 5, activation="tanh"), nn.Dropout(0.2), nn.DropConnect(5, 1, seed=2))
    on_loss = reg.on(model, {"l2": ("*.weight", reg.L2(lambda epoch: 0.01 * epoch))})
    bound = reg.on(model, {"l1": ("*.bias", reg.L1(0.01))})
    optimizer = optim.Adam(model.parameters(), lr=options.pop("lr", 0.05), penalty=bound)
    save = [] if folder is None else [Checkpoint(folder, every="batch")]
    history = fit(
        model, (X, Y) if data is None else data, loss, optimizer, on_loss, epochs=epochs, resume=resume,
        callbacks=[*callbacks, *save], **({"batch_size": 6} if data is None else {}), **options,
    )  # fmt: skip
    return model, optimizer, history


def bits(model, optimizer, history):
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    arrays = {**model.state_dict(), **optimizer.state_dict()["state"]}
    return {name: array.tobytes() for name, array in arrays.items()}, json.dumps(rows), mg.rng.get_state()
