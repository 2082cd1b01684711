"""Random fits: models, losses, terms, optimizers and callbacks. fit(compile=True) leaves the bits of fit."""

import warnings

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="needs hypothesis: minigrad[dev]")
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim, reg, train

RNG = np.random.default_rng(4)
X = RNG.normal(size=(61, 16)).astype(np.float32)
Y = RNG.integers(0, 3, 61)
T = RNG.normal(size=(61, 3)).astype(np.float32)
W = RNG.uniform(0.5, 2.0, 61).astype(np.float32)


class Shaped(nn.Module):
    """Rows of another shape, and of two dimensions again behind the layer."""

    def __init__(self, layer, *shape):
        self.layer, self.shape = layer, shape

    def forward(self, x):
        y = self.layer(x.reshape(-1, *self.shape))
        y = y[0] if isinstance(y, tuple) else y
        return y.reshape(x.shape[0], -1)


LAYERS = {
    "dropout": lambda: nn.Dropout(0.3),
    "dropout of its own": lambda: nn.Dropout(0.3, seed=3),
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "noise": lambda: nn.GaussianNoise(0.1),
    "linear": lambda: nn.Linear(16, 16, activation="relu"),
    "batch norm": lambda: nn.BatchNorm1d(16),
    "layer norm": lambda: nn.LayerNorm(16),
    "convolution": lambda: Shaped(nn.Conv2d(1, 1, 3, padding=1), 1, 4, 4),
    "recurrent": lambda: Shaped(nn.GRU(4, 4, batch_first=True), 4, 4),
    "long short-term memory": lambda: Shaped(nn.LSTM(4, 4, batch_first=True), 4, 4),
    "a hook": lambda: hooked(nn.Linear(16, 16)),
}
LOSSES = {
    "classes": (mg.cross_entropy, Y),
    "weights of classes": (nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.5]), Y),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), Y),
    "squares": (mg.mse, T),
    "a sum": (nn.CrossEntropyLoss("sum"), Y),
    "two means": (lambda o, y: mg.cross_entropy(o, y, weight=[1.0, 2.0, 0.5]) + 0.1 * mg.square(o).mean(), Y),
    "focal": (nn.SoftmaxFocalLoss(), Y),
}
WEIGHTED = ("classes", "weights of classes", "squares")
TERMS = {
    "l1": lambda: reg.L1(1e-2),
    "l2": lambda: reg.L2(1e-2),
    "elastic": lambda: reg.ElasticNet(1e-2, 1e-3),
    "group": lambda: reg.GroupLasso(1e-2),
    "sparse group": lambda: reg.SparseGroupLasso(1e-2, 0.5),
    "a ramp": lambda: reg.L2(reg.Ramp(0.0, 1e-2, 3)),
}
ONLY_IN_THE_LOSS = ("group", "sparse group")
OPTIMIZERS = {
    "sgd": lambda p, **terms: optim.SGD(p, lr=0.05, momentum=0.9, **terms),
    "adam": lambda p, **terms: optim.Adam(p, lr=0.01, **terms),
    "adamw": lambda p, **terms: optim.AdamW(p, lr=0.01, amsgrad=True, **terms),
    "rmsprop": lambda p, **terms: optim.RMSprop(p, lr=0.01, centered=True, **terms),
    "adagrad": lambda p, **terms: optim.Adagrad(p, lr=0.05, lr_decay=0.01, **terms),
    "tiny eps": lambda p, **terms: optim.Adam(p, lr=0.01, eps=1e-13, **terms),
}
CALLBACKS = {
    "clip": lambda o: train.ClipGradients(0.5),
    "clip value": lambda o: train.ClipGradients(clip_value=0.05),
    "norms": lambda o: train.GradientNorms(by_parameter=True),
    "accumulate": lambda o: train.AccumulateGradients(2),
    "skip": lambda o: train.SkipNonFinite(),
    "average": lambda o: train.AverageWeights(0.9),
    "schedule": lambda o: train.LearningRate(optim.ExponentialLR(o, 0.97), every="batch"),
    "cycle": lambda o: train.LearningRate(
        optim.OneCycleLR(o, 0.05, 40, cycle_momentum=not isinstance(o, optim.Adagrad)), every="batch"
    ),
    "plateau": lambda o: train.LearningRate(optim.ReduceLROnPlateau(o, patience=1), every="batch", monitor="loss"),
    "stop": lambda o: train.EarlyStopping("val_loss", patience=1),
}
RATES = ("schedule", "cycle", "plateau")


def hooked(layer):
    layer.register_forward_hook(lambda module, args, y: mg.tanh(y))
    return layer


@st.composite
def fits(draw):
    """What a fit is made of."""
    return {
        "layers": draw(st.lists(st.sampled_from(sorted(LAYERS)), max_size=3)),
        "loss": draw(st.sampled_from(sorted(LOSSES))),
        "weights": draw(st.booleans()),
        "moment": draw(st.sampled_from(["none", "penalty", "prox", "constraints", "loss", "activity"])),
        "term": draw(st.sampled_from(sorted(TERMS))),
        "optimizer": draw(st.sampled_from(sorted(OPTIMIZERS))),
        "callbacks": draw(st.lists(st.sampled_from(sorted(CALLBACKS)), unique=True, max_size=3)),
        "batch": draw(st.sampled_from([7, 10, 16, 61])),
    }


def terms_of(model, wanted):
    """The terms, and where they act."""
    moment, last = wanted["moment"], f"{len(wanted['layers']) + 1}"
    if moment == "none":
        return {}, None
    if moment == "activity":
        return {}, reg.on(model, last, reg.Activity(l1=1e-2))
    term = reg.MaxNorm(0.8) if moment == "constraints" else TERMS[wanted["term"]]()
    terms = reg.on(model, f"{last}.weight", term)
    if moment == "loss" or (moment == "penalty" and wanted["term"] in ONLY_IN_THE_LOSS):
        return {}, terms
    return {moment: terms}, None


def fitted(wanted, compiled):
    """The history, and all that training changed."""
    mg.manual_seed(2)
    model = nn.Sequential(nn.Linear(16, 16), *(LAYERS[name]() for name in wanted["layers"]), nn.Linear(16, 3))
    bound, penalty = terms_of(model, wanted)
    optimizer = OPTIMIZERS[wanted["optimizer"]](model.parameters(), **bound)
    rates = [name for name in wanted["callbacks"] if name in RATES]
    callbacks = [CALLBACKS[name](optimizer) for name in wanted["callbacks"] if name not in rates[1:]]
    loss, y = LOSSES[wanted["loss"]]
    data = (X, y, W) if wanted["weights"] and wanted["loss"] in WEIGHTED else (X, y)
    options = {"validation_data": (X[:23], y[:23]), "epochs": 4, "batch_size": wanted["batch"], "compile": compiled}
    try:
        history = train.fit(model, data, loss, optimizer, penalty, callbacks=callbacks, **options)
    except (mg.NonFiniteError, ValueError, TypeError) as error:  # the same one either way
        return type(error), str(error)
    found = {name: array.tobytes() for name, array in model.state_dict().items()}
    held = optimizer.state_dict()
    found |= {f"state {name}": array.tobytes() for name, array in held["state"].items()}
    found |= {"groups": repr(held["groups"]), "streams": mg.rng.get_state()}
    found |= {name: repr(history[name]) for name in history.names if name != "seconds"}
    return found | {f"callback {i}": repr(callback.state_dict()) for i, callback in enumerate(callbacks)}


def check(wanted):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"fit\(compile=True\)", category=UserWarning)
        assert fitted(wanted, True) == fitted(wanted, False)


@settings(max_examples=30, deadline=None)
@given(fits())
def test_a_random_fit(wanted):
    check(wanted)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(fits())
def test_many_random_fits(wanted):
    check(wanted)


PLAIN = {"layers": [], "loss": "classes", "weights": False, "moment": "none", "term": "l2", "optimizer": "adam"}


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_each_layer_is_replayed(name, recwarn):
    fitted({**PLAIN, "layers": [name], "callbacks": [], "batch": 10}, True)
    assert [str(seen.message) for seen in recwarn if "in Python" in str(seen.message)] == []
    check({**PLAIN, "layers": [name], "callbacks": [], "batch": 10})
