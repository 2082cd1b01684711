"""A recorded training in a process of its own, which a test kills: recorded_run.py FOLDER COMPILE."""

import sys

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import Record, fit

X = np.random.default_rng(1).normal(size=(320, 10)).astype(np.float32)
DATA = X, (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def build():
    mg.manual_seed(2)
    model = nn.Sequential(nn.Linear(10, 16, activation="relu"), nn.Dropout(0.1), nn.Linear(16, 2))
    return model, mg.cross_entropy, optim.Adam(model.parameters(), prox=reg.on(model, "*.weight", reg.L1(1e-3)))


if __name__ == "__main__":
    model, loss, optimizer = build()
    print("begins", flush=True)
    fit(
        model, DATA, loss, optimizer, epochs=100000, compile=bool(int(sys.argv[2])), resume=sys.argv[1],
        callbacks=[Record(sys.argv[1], megabytes=0.2, seconds=0.01)],
    )  # fmt: skip
