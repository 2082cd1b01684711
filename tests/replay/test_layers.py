"""Random models and steps: a replay leaves the bits of the step. What is refused by name stands in test_record.py."""

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="needs hypothesis: minigrad[dev]")
from hypothesis import given, settings
from hypothesis import strategies as st
from replay.twins import X, Y, state

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.nn.clipping import clip_grad_norm_

LAYERS = {
    "dropout": lambda: nn.Dropout(0.3),
    "dropout of its own": lambda: nn.Dropout(0.3, seed=3),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "noise": lambda: nn.GaussianNoise(0.1),
    "softmax": lambda: nn.Softmax(dim=1),
    "linear": lambda: nn.Linear(8, 8, activation="relu"),
    "no bias": lambda: nn.Linear(8, 8, bias=False),
    "connect": lambda: nn.DropConnect(8, 8, p=0.2),
    **{
        name: make
        for name, make in {
            "batch norm": lambda: nn.BatchNorm1d(8),
            "layer norm": lambda: nn.LayerNorm(8),
            "alpha dropout": lambda: nn.AlphaDropout(0.2),
        }.items()
        if hasattr(nn, {"batch norm": "BatchNorm1d", "layer norm": "LayerNorm", "alpha dropout": "AlphaDropout"}[name])
    },
}
MOMENTS = ["none", "penalty", "prox", "constraints", "loss"]
TERMS = {
    "l1": lambda: reg.L1(1e-2),
    "l2": lambda: reg.L2(1e-2),
    "elastic": lambda: reg.ElasticNet(1e-2, 1e-3),
    "group": lambda: reg.GroupLasso(1e-2),
}
OPTIMIZERS = {
    "sgd": lambda p, **terms: optim.SGD(p, lr=0.05, momentum=0.9, **terms),
    "adam": lambda p, **terms: optim.Adam(p, lr=0.01, **terms),
    "adamw": lambda p, **terms: optim.AdamW(p, lr=0.01, amsgrad=True, **terms),
    "rmsprop": lambda p, **terms: optim.RMSprop(p, lr=0.01, centered=True, **terms),
    "adagrad": lambda p, **terms: optim.Adagrad(p, lr=0.05, lr_decay=0.01, **terms),
}


@st.composite
def steps(draw):
    """What a step is made of."""
    return {
        "layers": draw(st.lists(st.sampled_from(sorted(LAYERS)), max_size=4)),
        "moment": draw(st.sampled_from(MOMENTS)),
        "term": draw(st.sampled_from(sorted(TERMS))),
        "optimizer": draw(st.sampled_from(sorted(OPTIMIZERS))),
        "loss": draw(st.sampled_from(["cross_entropy", "mse"])),
        "clip": draw(st.booleans()),
        "schedule": draw(st.booleans()),
        "average": draw(st.booleans()),
        "batch": draw(st.sampled_from([7, 10, 16, 37])),
    }


def made(wanted):
    """(model, optimizer, step) of what was drawn."""
    mg.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 8), *(LAYERS[name]() for name in wanted["layers"]), nn.Linear(8, 3))
    last = f"{len(wanted['layers']) + 1}.weight"
    term = reg.MaxNorm(0.8) if wanted["moment"] == "constraints" else TERMS[wanted["term"]]()
    terms = None if wanted["moment"] == "none" else reg.on(model, last, term)
    bound = {wanted["moment"]: terms} if wanted["moment"] in ("penalty", "prox", "constraints") else {}
    if wanted["moment"] == "penalty" and wanted["term"] == "group":
        bound = {}
    optimizer = OPTIMIZERS[wanted["optimizer"]](model.parameters(), **bound)
    schedule = optim.ExponentialLR(optimizer, 0.95) if wanted["schedule"] else None
    average = optim.EMA(model, 0.9) if wanted["average"] else None

    def step(x, y):
        optimizer.zero_grad()
        output = model(x)
        loss = (
            mg.cross_entropy(output, y) if wanted["loss"] == "cross_entropy" else mg.mse(output, output.detach() * 0.5)
        )
        if wanted["moment"] == "loss":
            loss = loss + terms()
        loss.backward()
        if wanted["clip"]:
            clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        if average is not None:
            average.update()
        if schedule is not None:
            schedule.step()
        return loss, output

    return model, optimizer, step


def losses_of(step, compiled, batch):
    found = []
    for epoch in range(3):
        loader = mg.data.Loader(X, Y, batch, seed=epoch)
        if compiled:
            found += step.epoch(loader)[0].tolist()
        else:
            found += [step(mg.tensor(x), mg.tensor(y))[0].item() for x, y in loader]
    return found


@settings(max_examples=40, deadline=None)
@given(steps())
def test_a_random_step(wanted):
    check(wanted)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(steps())
def test_many_random_steps(wanted):
    check(wanted)


def check(wanted):
    model, optimizer, step = made(wanted)
    expected = losses_of(step, False, wanted["batch"]), state(model, optimizer)
    model, optimizer, step = made(wanted)
    compiled = mg.compile(step)
    if wanted["schedule"] and (wanted["moment"], wanted["term"]) == ("prox", "group"):
        # The rate of terms on groups is an argument of their kernels, so that no schedule can act within the step.
        with pytest.raises(mg.ReplayError, match=r"a schedule sets lr .* which its terms on groups in the prox cannot"):
            losses_of(compiled, True, wanted["batch"])
        return
    got = losses_of(compiled, True, wanted["batch"])
    assert all(entry.program is not None for entry in compiled._entries.values()), "it was replayed"
    assert repr(got) == repr(expected[0])  # NaN too
    found = state(model, optimizer)
    assert [name for name in found if found[name] != expected[1][name]] == []


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_each_layer(name):
    check(
        {
            "layers": [name],
            "moment": "none",
            "term": "l2",
            "optimizer": "adam",
            "loss": "cross_entropy",
            "clip": False,
            "schedule": False,
            "average": False,
            "batch": 16,
        }
    )


class Rows(nn.Module):
    """A layer of sequences or images between layers of rows: (rows, 8) as (rows, *shape) and back."""

    def __init__(self, layer, *shape):
        self.layer, self.shape = layer, shape

    def forward(self, x):
        return self.layer(x.reshape(x.shape[0], *self.shape)).reshape(x.shape[0], 8)


class Words(nn.Module):
    """The rows of a table, some of which are dropped, by the numbers 0 and 1."""

    def __init__(self):
        self.table = nn.Embedding(2, 8, dropout=0.5)

    def forward(self, x):
        return x * self.table(np.array([0, 1, 1, 0])).sum(0)


SHARED = {
    "a row of noise": lambda: nn.Dropout(0.5, noise_shape=(1, None)),
    "a column of noise": lambda: nn.Dropout(0.5, noise_shape=(None, 1), scaling="classical"),
    "noise of its own": lambda: nn.Dropout(0.5, noise_shape=(1, None), seed=5),
    "channels of signals": lambda: Rows(nn.Dropout1d(0.5), 2, 4),
    "channels of images": lambda: Rows(nn.Dropout2d(0.5), 2, 2, 2),
    "words": lambda: Rows(nn.WordDropout(0.5), 4, 2),
    "features of sequences": lambda: Rows(nn.VariationalDropout(0.5), 4, 2),
    "branches": lambda: nn.StochasticDepth(0.5),
    "branches of a batch": lambda: nn.StochasticDepth(0.5, mode="batch"),
    "rows of a table": Words,
}


@pytest.mark.parametrize("name", sorted(SHARED))
def test_elements_that_share_their_fate(name, monkeypatch):
    monkeypatch.setitem(LAYERS, name, SHARED[name])
    test_each_layer(name)


def test_what_is_dropped_is_dropped_whatever_it_is():
    """+0 in place of NaN, infinities and negative numbers; the last mask is that of the last step."""
    x = np.tile(np.float32([np.nan, np.inf, -np.inf, -0.0, -3.0, 1e-40, 7.0, 0.0]), (4, 1))
    ends = []
    for compiled in (False, True):
        layer = nn.Dropout(0.5, noise_shape=(1, None), seed=3)
        call = mg.compile(layer.forward) if compiled else layer
        ends.append([call(mg.tensor(x)).data.tobytes() for _ in range(8)] + [layer.last_mask().tolist()])
    assert ends[0] == ends[1]


@pytest.mark.skipif(not hasattr(nn, "Conv2d"), reason="there are no convolutions yet")
def test_a_network_of_images():
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    labels = np.arange(40) % 3

    def make():
        mg.manual_seed(0)
        layers = [nn.Conv2d(1, 4, 3, activation="relu"), nn.MaxPool2d(2), nn.Conv2d(4, 6, 2), nn.AvgPool2d(2)]
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(6, 3))
        optimizer = optim.Adam(model.parameters())

        def step(x, y):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    ends = []
    for compiled in (False, True):
        model, optimizer, step = make()
        step = mg.compile(step) if compiled else step
        losses = [step(mg.tensor(images[i : i + 8]), mg.tensor(labels[i : i + 8])).item() for i in range(0, 40, 8)]
        ends.append((losses, state(model, optimizer)))
    assert ends[0] == ends[1]
