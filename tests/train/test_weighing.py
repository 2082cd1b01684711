"""Data with weights: a row of weight 2 is the row twice, weights of 1 are none, and measurements are weighted too."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, class_weights, sample_weights
from minigrad.train import SklearnMetric, accuracy, evaluate, f1, fit, over_all_rows
from minigrad.train.means import Means, Part

RNG = np.random.default_rng(3)
N = 20
X, Y = RNG.standard_normal((N, 4)), RNG.integers(3, size=N)
W = RNG.integers(0, 4, N).astype(float)


def start(dtype="float64", outputs=3):
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5, activation="tanh", dtype=dtype), nn.Linear(5, outputs, dtype=dtype))
    return model, optim.Adam(model.parameters(), lr=0.05)


def trained(data, loss=mg.cross_entropy, batch_size=N, dtype="float64", **options):
    model, optimizer = start(dtype)
    history = fit(model, data, loss, optimizer, **{"epochs": 5, "batch_size": batch_size, **options})
    return model, history


def test_a_row_of_weight_two_is_the_row_twice(backend):
    twice = np.repeat(np.arange(N), W.astype(int))
    one, first = trained((X, Y, W))
    other, second = trained((X[twice], Y[twice]), batch_size=len(twice))
    for a, b in zip(one.parameters(), other.parameters()):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-10)


@pytest.mark.parametrize("loss", [mg.cross_entropy, nn.CrossEntropyLoss(weight=[1, 2, 3]), mg.nn.MultiMarginLoss()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_one_are_none(backend, loss, dtype):
    options = {"batch_size": 6, "dtype": dtype, "metrics": [accuracy], "validation_data": (X, Y)}
    one, first = trained((X, Y), loss, **options)
    other, second = trained((X, Y, np.ones(N)), loss, **{**options, "validation_data": (X, Y, np.ones(N))})
    for name, array in one.state_dict().items():
        assert array.tobytes() == other.state_dict()[name].tobytes()
    for column in ("loss", "val_loss"):
        assert first[column] == second[column]
    np.testing.assert_allclose(first["accuracy"], second["accuracy"], rtol=1e-15)


@pytest.mark.filterwarnings("ignore:fit.compile=True.. trained batch by batch")
@pytest.mark.parametrize("first", [0.5, 1.0])
@pytest.mark.parametrize("rest", [1.0, 2.0])
def test_compiled_fits_see_the_weights_of_each_batch(first, rest):
    """Also where the batches that are recorded weigh 1, and later ones do not."""
    x, y = np.tile(X, (5, 1)), np.tile(Y, 5)
    weight = np.where(np.arange(5 * N) < 60, first, rest ** (np.arange(5 * N) % 3))
    found = []
    for compiled in (False, True):
        model, optimizer = start()
        loader = Loader(x, y, 4, shuffle=False, weight=weight)
        history = fit(model, loader, mg.cross_entropy, optimizer, epochs=3, metrics=[accuracy], compile=compiled)
        found.append((model[0].weight.data.tobytes(), history["loss"], history["accuracy"]))
    assert found[0] == found[1]
    if first == rest == 1:
        plain, history = trained(Loader(x, y, 4, shuffle=False), batch_size=None, epochs=3)
        assert found[0][:2] == (plain[0].weight.data.tobytes(), history["loss"])


def rows_of(model, loss):
    return loss(model(mg.tensor(X)), Y, reduction="none").data


@pytest.mark.parametrize("batch_size", [N, 7])
def test_what_is_measured_is_weighted(backend, batch_size):
    """With a rate of 0 all batches see one model: the loss of the epoch is the weighted mean over all of its rows."""

    def alike(output, target):  # without weights: all rows count alike
        return accuracy(output, target)

    model, _ = start()
    weights = W + 0.5
    history = fit(
        model,
        (X, Y, weights),
        mg.cross_entropy,
        optim.SGD(model.parameters(), lr=0.0),
        epochs=1,
        batch_size=batch_size,
        metrics={"hits": accuracy, "alike": alike, "f1": functools.partial(f1, average="macro")},
        validation_data=(X, Y, weights),
    )
    losses = rows_of(model, mg.cross_entropy)
    said = model.predict(X)
    row = history.last
    for prefix in ("", "val_"):
        assert row[f"{prefix}loss"] == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-12)
        assert row[f"{prefix}hits"] == pytest.approx(accuracy(said, Y, weights), rel=1e-12)
        assert row[f"{prefix}alike"] == pytest.approx(accuracy(said, Y), rel=1e-12)
        assert row[f"{prefix}f1"] == pytest.approx(f1(said, Y, weights, average="macro"), rel=1e-12)
    found = evaluate(model, (X, Y, weights), mg.cross_entropy, [accuracy], batch_size=3)
    assert found["loss"] == pytest.approx(row["val_loss"]) and found["accuracy"] == row["val_hits"]
    assert evaluate(model, Loader(X, Y, 3, weight=weights), mg.cross_entropy)["loss"] == found["loss"]


def test_weights_by_class_are_weights_of_rows():
    one, first = trained((X, Y, sample_weights(Y, 3, "float64")), batch_size=7)
    other, second = trained((X, Y), nn.CrossEntropyLoss(weight=class_weights(Y, 3, "float64")), batch_size=7)
    for a, b in zip(one.parameters(), other.parameters()):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-10)


def test_a_loss_of_the_user():
    def mine(output, y, sample_weight):
        losses = mg.cross_entropy(output, y, reduction="none")
        return (losses * sample_weight).sum() / sample_weight.sum()

    one, first = trained((X, Y, W + 0.5), mine, batch_size=7)
    other, second = trained((X, Y, W + 0.5), batch_size=7)
    np.testing.assert_allclose(one[0].weight.data, other[0].weight.data, rtol=1e-9)
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-12)

    def without(output, y):
        return mg.cross_entropy(output, y)

    for act in (trained, lambda data, loss: evaluate(start()[0], data, loss)):
        with pytest.raises(TypeError, match=r"the loss 'without' has no parameter sample_weight(.|\n)*def loss"):
            act((X, Y, W), without)
    with pytest.raises(TypeError, match="the loss 'without' has no parameter sample_weight"):
        trained((X, Y), without, validation_data=(X, Y, W))
    with pytest.raises(TypeError, match=r"the loss takes .*; it is called with \(output, target\)"):
        trained((X, Y), mine)


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        (W[:-1], mg.ShapeError, r"weight is \(19,\); need one number for each row, \(20,\)"),
        (np.where(np.arange(N) == 4, np.nan, W), mg.NonFiniteError, "weight: row 4 is nan"),
        (np.where(np.arange(N) == 4, -1, W), ValueError, "weight: row 4 is -1; need weights of at least 0"),
        (np.zeros(N), ValueError, "weight: all 20 are 0"),
        (["a"] * N, mg.DTypeError, "weight is <U1"),
    ],
)
def test_bad_weights_are_named(weight, error, words):
    with pytest.raises(error, match=f"^{words}"):
        trained((X, Y, weight))
    with pytest.raises(error, match=f"^validation_data: {words}"):
        trained((X, Y), validation_data=(X, Y, weight))
    with pytest.raises(error, match=f"^{words}"):
        evaluate(start()[0], (X, Y, weight), mg.cross_entropy)


def test_a_batch_that_weighs_nothing():
    weight = np.where(np.arange(N) < 4, 0.0, 1.0)
    with pytest.raises(mg.NonFiniteError, match="no row counts, because all are ignored or weigh 0"):
        trained(Loader(X, Y, 4, shuffle=False, weight=weight), batch_size=None)
    trained((X, Y, weight))  # the first rows, on which the loss is tried, weigh nothing


def test_penalties_stand_beside_the_weighted_loss(backend):
    terms = {"*.weight": reg.L2(0.1)}
    twice = np.repeat(np.arange(N), W.astype(int))
    found = []
    for data, size in (((X, Y, W), N), ((X[twice], Y[twice]), len(twice))):
        model, optimizer = start()
        history = fit(
            model,
            data,
            mg.cross_entropy,
            optimizer,
            reg.on(model, terms),
            epochs=3,
            batch_size=size,
            metrics=[accuracy],
        )
        found.append((model[0].weight.data, history["total"], history["accuracy"]))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-9)


class Two(nn.Module):
    """A model with two outputs."""

    def __init__(self):
        self.body, self.head = nn.Linear(4, 3, dtype="float64"), nn.Linear(4, 1, dtype="float64")

    def forward(self, x):
        return {"classes": self.body(x), "number": (self.head(x), x)}


def test_metrics_of_all_rows_see_any_output(backend):
    seen = []

    @over_all_rows
    def both(output, target):
        seen.append((len(target), output["classes"].shape, output["number"][0].shape))
        return f1(output["classes"], target, average="macro")

    mg.manual_seed(0)
    model = Two()
    history = fit(
        model,
        (X, Y),
        lambda output, y: mg.cross_entropy(output["classes"], y) + output["number"][0].mean() * 0.0,
        optim.SGD(model.parameters(), lr=0.0),
        epochs=2,
        batch_size=6,
        metrics=[both],
    )
    assert seen == [(N, (N, 3), (N, 1))] * 2
    assert history["both"] == [f1(model(mg.tensor(X))["classes"], Y, average="macro")] * 2


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (f1, "f1: average='binary' is of two classes, and there are 3"),
        (SklearnMetric(f1, "classes"), "need .n, classes. and"),
        (lambda output, target: 0.0, None),
    ],
)
def test_a_metric_of_all_rows_that_does_not_fit_is_said_in_the_first_batch(metric, words):
    """And one of the user's, which may refuse a few rows, is called with all of them alone."""
    seen = []

    @over_all_rows
    def mine(output, target):
        seen.append(len(target))
        if len(target) < N:
            raise ValueError("few rows")
        return 0.0

    model, optimizer = start()
    before = model[0].weight.data.copy()
    target = np.eye(2)[Y % 2] if words and "need" in words else Y
    loss = mg.cross_entropy if target is Y else (lambda output, y: mg.mse(output[:, :2], y))
    options = {"metrics": {"a": metric, "b": mine}, "epochs": 1, "batch_size": 6}
    if words is None:
        fit(model, (X, target), loss, optimizer, **options)
        assert seen == [N]
    else:
        with pytest.raises(ValueError, match=words):
            fit(model, (X, target), loss, optimizer, **options)
        assert (model[0].weight.data == before).all() and seen == []


def test_columns_of_metrics_keep_their_order():
    history = trained((X, Y), epochs=1, metrics={"f": functools.partial(f1, average="micro"), "hits": accuracy})[1]
    assert history.names == ["epoch", "loss", "f", "hits", "seconds"]
    assert history["f"] == pytest.approx(history["hits"])


def test_means_go_on_from_their_state():
    def batch(i):
        rows = slice(4 * i, 4 * i + 4)
        return mg.tensor(X[rows]), Y[rows], W[rows]

    def note(means, i):
        output, y, w = batch(i)
        means.keep(output, y, w)
        means.add(4, [Part(0.5 * i, w.sum()), Part(i, None)], {"a": 1.0 * i, "b": 2.0 * i}, w.sum(), {"b"})

    one, other = Means(), Means()
    for i in range(5):
        note(one, i)
    for i in range(3):
        note(other, i)
    resumed = Means()
    resumed.load_state_dict(other.state_dict())
    for i in (3, 4):
        note(resumed, i)
    assert resumed.row() == one.row() and resumed.rows == one.rows
    for (output, target, weight), (x, y, w) in zip([one.kept(), resumed.kept()], [(X, Y, W)] * 2):
        assert np.array_equal(output.data, x) and np.array_equal(target, y) and np.array_equal(weight, w)
    only = Means()
    only.load_state_dict(other.state_dict())
    assert only.kept()[0].shape == (12, 4)
