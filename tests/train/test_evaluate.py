"""evaluate: what loss, metrics and penalties are on the whole data, and nothing changed by asking."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg
from minigrad.data import Loader
from minigrad.train import accuracy, evaluate

X = np.random.default_rng(1).standard_normal((37, 4)).astype(np.float32)
Y = np.arange(37) % 3
SIZES = [1, 5, 36, 37, 38, 256]


def network():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8, activation="relu"), nn.Dropout(0.5), nn.Linear(8, 3))


def rmse(output, target):
    return mg.sqrt(mg.mse(output, target))


def covariance(output, target):
    """Of no use as a loss, and no mean over rows either."""
    d = output - output.mean(dim=0)
    return mg.square(mg.matmul(d.T, d)).sum() + 0.0 * target.sum()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("loss", "target"),
    [(mg.cross_entropy, Y), (rmse, X[:, :3]), (covariance, X[:, :1]), (nn.CrossEntropyLoss(weight=[1, 2, 9]), Y)],
)
def test_the_same_bits_for_every_size_of_batches(backend, size, loss, target):
    model = network()
    found = evaluate(model, (X, target), loss, {"first": lambda o, t: o.data[0, 0]}, batch_size=size)
    output = model.eval()(mg.tensor(X))
    right = {"loss": loss(output, target).item(), "first": float(output.data[0, 0])}
    assert found == (right if backend == "native" else pytest.approx(right, rel=1e-5))  # OpenBLAS promises no bits


def test_streams_modes_and_gradients_are_left_as_found():
    model = network()
    model[1].eval()
    mg.cross_entropy(model(mg.tensor(X)), Y).backward()
    grads = [p.grad.data.copy() for p in model.parameters()]
    state = mg.rng.get_state()
    evaluate(model, (X, Y), mg.cross_entropy, [accuracy], batch_size=10)
    assert mg.rng.get_state() == state and model.training and not model[1].training
    assert all((p.grad.data == g).all() for p, g in zip(model.parameters(), grads))


def test_losses_that_look_into_the_model_are_computed_in_one_batch():
    """A penalty on what the model computed on its way would else be that of the last batch."""

    class Hidden(nn.Module):
        def __init__(self):
            self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x):
            self.h = mg.relu(self.first(x))
            return self.last(self.h)

    mg.manual_seed(0)
    model = Hidden()

    def loss(output, target):
        return mg.cross_entropy(output, target) + model.h.abs().mean()

    right = loss(model(mg.tensor(X)), Y).item()
    assert {evaluate(model, (X, Y), loss, batch_size=size)["loss"] for size in SIZES} == {right}


@pytest.mark.parametrize("size", SIZES)
def test_outputs_of_several_parts_and_in_other_orders(size):
    class Steps(nn.Module):
        def __init__(self, make):
            self.linear, self.make = nn.Linear(4, 3), make

        def forward(self, x):
            return self.make(self.linear(x))

    pair = Steps(lambda y: (y, {"half": y * 0.5}))
    right = mg.cross_entropy(pair.linear(mg.tensor(X)) * 0.5, Y).item()
    found = evaluate(pair, (X, Y), lambda o, t: mg.cross_entropy(o[1]["half"], t), batch_size=size)
    assert found["loss"] == right
    turned = Steps(lambda y: y.transpose(0, 1))  # classes first
    found = evaluate(turned, (X, Y), lambda o, t: mg.cross_entropy(o.transpose(0, 1), t), batch_size=size)
    assert found["loss"] == mg.cross_entropy(turned.linear(mg.tensor(X)), Y).item()


def test_penalties_that_depend_on_the_batch_are_means_over_rows():
    model = network().to("float64")
    terms = reg.on(model, {"act": ("0", reg.Activity(l1=0.01)), "ridge": ("*.weight", reg.L2(0.1))})
    right = evaluate(model, (X, Y), mg.cross_entropy, [accuracy], penalty=terms)
    assert list(right) == ["loss", "act", "ridge", "total", "accuracy"]
    for size in SIZES:
        found = evaluate(model, (X, Y), mg.cross_entropy, [accuracy], penalty=terms, batch_size=size)
        assert found == pytest.approx(right, rel=1e-12) and found["loss"] == right["loss"]


def test_a_loader_gives_its_rows_in_order():
    model = network()
    loader = Loader(X, Y, 7, seed=3)
    right = evaluate(model, (X, Y), mg.cross_entropy, [accuracy])
    assert evaluate(model, loader, mg.cross_entropy, [accuracy]) == right
    assert loader.epoch == 0


def test_nan_outputs_give_nan():
    model = network()
    with mg.no_grad():
        model[2].bias.copy_([np.nan, 0.0, 0.0])
    found = evaluate(model, (X, Y), mg.cross_entropy, [accuracy])
    assert np.isnan(found["loss"]) and np.isnan(found["accuracy"])


def test_no_metric_writes_into_the_data():
    y = np.zeros((37, 3), np.float32)

    def careless(output, target):
        target -= 1.0

    with pytest.raises(ValueError, match="read-only"):
        evaluate(network(), (X, y), mg.mse, [careless])
    assert (y == 0).all()
