"""Norms of gradients as columns, and gradients of several batches that make one update."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader
from minigrad.nn.clipping import total_norm
from minigrad.train import (
    AccumulateGradients,
    AverageWeights,
    Callback,
    Checkpoint,
    ClipGradients,
    GradientNorms,
    LearningRate,
    SkipNonFinite,
    fit,
)

RNG = np.random.default_rng(0)
X, Y, W = RNG.standard_normal((22, 4)), RNG.integers(3, size=22), RNG.random(22) * 3


def start(optimizer=optim.SGD, dtype="float64", **options):
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6, activation="tanh", dtype=dtype), nn.Linear(6, 3, dtype=dtype))
    return model, optimizer(model.parameters(), lr=0.1, **options)


def trained(batch_size, *callbacks, data=(X, Y), loss=mg.cross_entropy, epochs=3, made=start, **options):
    model, optimizer = made()
    loader = Loader(*data[:2], batch_size, seed=4, weight=data[2] if len(data) > 2 else None)
    history = fit(model, loader, loss, optimizer, epochs=epochs, callbacks=callbacks, **options)
    return model, history


def assert_alike(one, other, rtol=1e-9):
    for a, b in zip(one.parameters(), other.parameters()):
        np.testing.assert_allclose(a.data, b.data, rtol=rtol, atol=1e-12)


LOSSES = {
    "rows": mg.cross_entropy,
    "classes": nn.CrossEntropyLoss(weight=[1.0, 5.0, 0.2]),
    "ignored": nn.CrossEntropyLoss(ignore_index=1),
    "sum": nn.CrossEntropyLoss(reduction="sum"),
    "two means": lambda output, y: mg.cross_entropy(output, y) + 0.1 * mg.mean(output * output),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("small", "k"), [(4, 2), (3, 3), (8, 1), (22, 2)])
def test_an_update_is_that_of_a_larger_batch(backend, name, small, k):
    """22 rows in batches of 8 leave 6, of 9 leave 4: the last updates have fewer and smaller batches."""
    loss = LOSSES[name]
    lr = 0.01 if name == "sum" else 0.1

    def made():
        model, optimizer = start(momentum=0.5)
        optimizer.param_groups[0]["lr"] = lr
        return model, optimizer

    one, first = trained(small * k, made=made, loss=loss)
    other, second = trained(small, AccumulateGradients(k), made=made, loss=loss)
    assert_alike(one, other)
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-9)


def test_weights_of_rows_count(backend):
    one, _ = trained(8, data=(X, Y, W))
    other, _ = trained(4, AccumulateGradients(2), data=(X, Y, W))
    assert_alike(one, other)
    plain, _ = trained(4, AccumulateGradients(2))
    assert np.abs(plain[0].weight.data - one[0].weight.data).max() > 1e-3


@pytest.mark.parametrize("route", ["loss", "penalty", "prox"])
def test_penalties_count_once(backend, route):
    def made():
        mg.manual_seed(0)
        model = nn.Linear(4, 3, dtype="float64")
        terms = reg.on(model, "weight", reg.L1(0.05))
        return model, optim.SGD(model.parameters(), lr=0.2, **({} if route == "loss" else {route: terms})), terms

    found = []
    for size, callbacks in ((8, []), (4, [AccumulateGradients(2)])):
        model, optimizer, terms = made()
        options = {"penalty": terms} if route == "loss" else {}
        loader = Loader(X, Y, size, seed=4)
        history = fit(model, loader, mg.cross_entropy, optimizer, epochs=3, callbacks=callbacks, **options)
        found.append((model, history))
    assert_alike(found[0][0], found[1][0])
    if route == "loss":
        model, optimizer, terms = made()
        loader, loss = Loader(X, Y, 4), nn.CrossEntropyLoss(reduction="sum")
        with pytest.raises(ValueError, match="its penalty would count once for each batch; bind the penalty"):
            fit(model, loader, loss, optimizer, terms, callbacks=[AccumulateGradients(2)])


def test_float32_is_close():
    one, _ = trained(8, data=(X.astype("float32"), Y), made=lambda: start(dtype="float32"))
    other, _ = trained(2, AccumulateGradients(4), data=(X.astype("float32"), Y), made=lambda: start(dtype="float32"))
    np.testing.assert_allclose(one[0].weight.data, other[0].weight.data, rtol=2e-5, atol=1e-7)


def test_one_batch_alone_keeps_its_bits():
    one, _ = trained(5)
    other, _ = trained(5, AccumulateGradients(1))
    for a, b in zip(one.parameters(), other.parameters()):
        assert a.data.tobytes() == b.data.tobytes()


def test_losses_that_cannot_be_put_together():
    def loss(output, y):
        return mg.cross_entropy(output, y, weight=[1.0, 5.0, 0.2]) + mg.mean(output * output)

    def sums_and_means(output, y):
        return mg.cross_entropy(output, y, reduction="sum") + mg.cross_entropy(output, y)

    for wrong in (loss, sums_and_means):
        with pytest.raises(ValueError, match="the loss is a sum of means over different weights"):
            trained(4, AccumulateGradients(2), loss=wrong)
    with pytest.raises(ValueError, match="two callbacks accumulate"):
        trained(4, AccumulateGradients(2), AccumulateGradients(2))
    with pytest.raises(ValueError, match="AccumulateGradients: batches is 0"):
        AccumulateGradients(0)


@pytest.mark.parametrize("first", [True, False])
def test_clipping_schedules_and_averages_go_by_updates(first):
    """Wherever the callback stands in the list: clipping sees the joined gradient."""

    def others(optimizer):
        rates = LearningRate(optim.StepLR(optimizer, 2, 0.5), every="batch")
        return [ClipGradients(max_norm=0.2), rates, AverageWeights(0.7), GradientNorms()]

    found = []
    for size, k in ((8, 1), (4, 2)):
        model, optimizer = start()
        callbacks = others(optimizer)
        callbacks = [AccumulateGradients(k), *callbacks] if first else [*callbacks, AccumulateGradients(k)]
        history = fit(model, Loader(X, Y, size, seed=4), mg.cross_entropy, optimizer, epochs=3, callbacks=callbacks)
        clip, rates = [c for c in callbacks if isinstance(c, (ClipGradients, LearningRate))]
        found.append((model, clip.norms, rates.rates, history["grad_norm"], history["grad_norm_max"]))
    assert_alike(found[0][0], found[1][0])
    for a, b in zip(found[0][1:], found[1][1:]):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert len(found[0][1]) == 9


class Break(Callback):
    """Make the gradient of some batches NaN, and note the updates."""

    def __init__(self, *places):
        self.places, self.updates = places, []

    def on_gradients(self, run):
        if (run.epoch, run.batch) in self.places:
            run.optimizer.param_groups[0]["params"][0].grad.array[...] = np.nan

    def on_batch_end(self, run):
        self.updates.append(run.updates)


@pytest.mark.parametrize("place", [(1, 1), (1, 2), (1, 6), (2, 3)])
def test_batches_that_are_skipped_are_not_summed(place):
    breaking, skip = Break(place), SkipNonFinite()
    model, _ = trained(4, skip, breaking, AccumulateGradients(2), epochs=2)
    assert skip.batches == [place]
    assert all(np.isfinite(p.data).all() for p in model.parameters())
    assert breaking.updates[-1] >= 5


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_resumed_run_goes_on_inside_an_update(tmp_path, at):
    class Stop(Callback):
        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (2, at):
                raise RuntimeError("killed")

    def callbacks(folder):
        return [GradientNorms(by_parameter=True), AccumulateGradients(3), Checkpoint(folder, "batch")]

    def run(folder, *more):
        model, optimizer = start(optim.Adam)
        loader = Loader(X, Y, 4, seed=4)
        done = [*callbacks(folder), *more]
        history = fit(
            model,
            loader,
            mg.cross_entropy,
            optimizer,
            epochs=3,
            callbacks=done,
            resume=folder,
            metrics=[mg.train.r2_like],
        )
        return model.state_dict(), [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows]

    @mg.train.over_all_rows
    def r2_like(output, target):
        return float(np.median(output.data[np.arange(len(target)), target]))

    mg.train.r2_like = r2_like
    try:
        whole, rows = run(tmp_path / "whole")
        with pytest.raises(RuntimeError, match="killed"):
            run(tmp_path / "cut", Stop())
        resumed, again = run(tmp_path / "cut")
    finally:
        del mg.train.r2_like
    assert {k: v.tobytes() for k, v in whole.items()} == {k: v.tobytes() for k, v in resumed.items()}
    assert rows == again and "r2_like" in rows[0] and "grad_norm 0.weight" in rows[0]


@pytest.mark.parametrize("norm_type", [1, 2, math.inf])
def test_norms_are_columns(backend, norm_type):
    seen = []

    class See(Callback):
        def on_gradients(self, run):
            seen.append([np.array(p.grad.data) for p in run.model.parameters()])

    model, history = trained(8, See(), GradientNorms(norm_type, by_parameter=True), epochs=2)
    norms = np.array([total_norm(grads, norm_type) for grads in seen]).reshape(2, 3)
    np.testing.assert_allclose(history["grad_norm"], norms.mean(1), rtol=1e-13)
    np.testing.assert_allclose(history["grad_norm_max"], norms.max(1), rtol=1e-15)
    first = np.array([total_norm(grads[:1], norm_type) for grads in seen]).reshape(2, 3)
    np.testing.assert_allclose(history["grad_norm 0.weight"], first.mean(1), rtol=1e-13)
    assert model.parameters()[0].grad is not None


def test_norms_before_and_behind_clipping():
    callbacks = [GradientNorms(), ClipGradients(max_norm=0.1), GradientNorms(name="clipped")]
    _, history = trained(8, *callbacks)
    assert min(history["grad_norm"]) > 0.1 and max(history["clipped_max"]) == pytest.approx(0.1, rel=1e-4)


def test_a_norm_that_is_nan_stays_the_largest():
    norms = GradientNorms()
    _, history = trained(8, Break((1, 2)), norms, SkipNonFinite(), epochs=1)
    assert np.isfinite(history["grad_norm"][0])  # the update was left out
    p = nn.Parameter([1.0])
    norms._forget()
    for value in (1.0, np.nan, 2.0):
        p.grad = mg.tensor([value])
        norms._measure(type("Optimizer", (), {"state": {p: {}}}))
    assert math.isnan(norms._max)


def test_bad_options():
    with pytest.raises(ValueError, match="norm_type is 3"):
        GradientNorms(3)
    with pytest.raises(TypeError, match="GradientNorms: by_parameter is 'yes'"):
        GradientNorms(by_parameter="yes")
