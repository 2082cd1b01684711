"""fit: what it trains, what it measures, and what it refuses."""

import gc

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader, load_digits
from minigrad.train import Callback, History, accuracy, evaluate, fit


@pytest.fixture
def digits():
    x, y = load_digits()
    return x[:100], y[:100]


def network(seed=0, dtype="float32"):
    mg.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 8, activation="relu"), nn.Dropout(0.3), nn.Linear(8, 10)).to(dtype)


def weights(model):
    return {name: p.data.copy() for name, p in model.named_parameters()}


def same(a, b):
    return all((a[name] == b[name]).all() for name in a)


def test_fit_is_the_visible_loop(digits, backend):
    """The same bits as the loop written out, and the history is what that loop saw before each update."""
    x, y = digits
    model = network()
    terms = reg.on(model, "*.weight", reg.L2(0.01))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    rows, losses, penalties, hits = [], [], [], []
    for batch_x, batch_y in Loader(x, y, 32, seed=5):
        optimizer.zero_grad()
        logits = model(mg.tensor(batch_x))
        loss = mg.cross_entropy(logits, batch_y)
        rows.append(len(batch_x))
        losses.append(loss.item())
        penalties.append(sum(terms.value().values()))
        hits.append((logits.data.argmax(1) == batch_y).sum())
        (loss + terms()).backward()
        optimizer.step()

    again = network()
    terms = reg.on(again, "*.weight", reg.L2(0.01))
    history = fit(
        again,
        digits,
        mg.cross_entropy,
        optim.Adam(again.parameters(), lr=0.01),
        terms,
        epochs=1,
        batch_size=32,
        metrics=[accuracy],
        seed=5,
    )
    assert same(weights(model), weights(again))
    assert rows == [32, 32, 32, 4]
    assert history.penalties == ["L2(0.01) *.weight"]
    assert history.last["loss"] == pytest.approx(np.average(losses, weights=rows), rel=1e-12)
    assert history.last["L2(0.01) *.weight"] == pytest.approx(np.average(penalties, weights=rows), rel=1e-6)
    assert history.last["total"] == pytest.approx(history.last["loss"] + history.last["L2(0.01) *.weight"], rel=1e-12)
    assert history.last["accuracy"] == pytest.approx(sum(hits) / 100)


@pytest.mark.parametrize("moment", ["penalty", "prox"])
def test_bound_terms_are_reported(digits, moment):
    """Terms in the optimizer are measured like those in the loss; the first batch sees the weights of the start."""
    model = network()
    terms = reg.on(model, {"first": ("0.weight", reg.L1(0.01)), "last": ("2.weight", reg.L2(0.02))})
    start = terms.value()
    optimizer = optim.SGD(model.parameters(), lr=0.1, **{moment: terms})
    history = fit(model, digits, mg.cross_entropy, optimizer, epochs=1, batch_size=100, validation_data=digits)
    row = history.last
    assert {name: row[name] for name in start} == pytest.approx(start, rel=1e-6)
    assert row["total"] == pytest.approx(row["loss"] + sum(start.values()))
    assert {name: row[f"val_{name}"] for name in start} == pytest.approx(terms.value(), rel=1e-12)
    assert row["val_total"] == pytest.approx(row["val_loss"] + sum(terms.value().values()))


def test_graph_and_fused_route_agree(digits):
    graph, fused = network(dtype="float64"), network(dtype="float64")
    terms = reg.on(graph, "*.weight", reg.ElasticNet(0.01, 0.02))
    bound = reg.on(fused, "*.weight", reg.ElasticNet(0.01, 0.02))
    results = []
    for model, optimizer, penalty in (
        (graph, optim.Adam(graph.parameters(), lr=0.01), terms),
        (fused, optim.Adam(fused.parameters(), lr=0.01, penalty=bound), None),
    ):
        mg.manual_seed(1)  # the same dropout masks
        results.append(fit(model, digits, mg.cross_entropy, optimizer, penalty, epochs=3).last)
    for name, value in weights(graph).items():
        np.testing.assert_allclose(weights(fused)[name], value, rtol=1e-9, atol=1e-12)
    assert {k: v for k, v in results[0].items() if k != "seconds"} == pytest.approx(
        {k: v for k, v in results[1].items() if k != "seconds"}
    )


def test_runs_repeat_and_seeds_differ(digits):
    def run(seed):
        model = network()
        fit(model, digits, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), epochs=2, seed=seed)
        return weights(model)

    assert same(run(1), run(1))
    assert not same(run(1), run(2))


def test_a_loader_gives_its_own_batches(digits):
    model, again = network(), network()
    loader = Loader(*digits, batch_size=10, seed=7)
    fit(model, loader, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), epochs=2)
    assert loader.epoch == 2
    mg.manual_seed(0)
    again = network()
    fit(again, digits, mg.cross_entropy, optim.SGD(again.parameters(), lr=0.1), epochs=2, batch_size=10, seed=7)
    assert same(weights(model), weights(again))
    with pytest.raises(ValueError, match="leave both out"):
        fit(model, loader, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), batch_size=10)
    with pytest.raises(ValueError, match="leave both out"):
        fit(model, loader, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), seed=7)
    with pytest.raises(mg.DTypeError, match="pass dtype to the Loader"):
        fit(network(dtype="float64"), loader, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1))


def test_data_is_cast_to_the_model(digits):
    x, y = digits
    model = network(dtype="float64")
    seen = []

    def loss(output, target):
        seen.append((output.dtype, target.dtype))
        return mg.cross_entropy(output, target)

    fit(model, ((16 * x).astype(np.uint8), y.astype(np.int32)), loss, optim.SGD(model.parameters(), lr=0.01), epochs=1)
    assert set(seen) == {(np.dtype(np.float64), np.dtype(np.int64))}


def test_validation_is_in_eval_mode_and_leaves_no_trace(digits):
    """The same weights with and without validation: it draws no dropout mask, and modes return to what they were."""
    plain, watched = network(), network()
    fit(plain, digits, mg.cross_entropy, optim.SGD(plain.parameters(), lr=0.1), epochs=2)
    mg.manual_seed(0)
    watched = network()
    history = fit(
        watched, digits, mg.cross_entropy, optim.SGD(watched.parameters(), lr=0.1), epochs=2, validation_data=digits
    )
    assert same(weights(plain), weights(watched))
    assert evaluate(watched, digits, mg.cross_entropy)["loss"] == history.last["val_loss"]
    watched[1].eval()
    evaluate(watched, digits, mg.cross_entropy)
    assert watched[0].training and not watched[1].training


def test_evaluate_does_not_depend_on_its_batches(digits):
    model = network().eval()
    whole = evaluate(model, digits, mg.cross_entropy, [accuracy], batch_size=100)
    parts = evaluate(model, digits, mg.cross_entropy, [accuracy], batch_size=33)
    assert parts == pytest.approx(whole, rel=1e-6)
    assert whole["loss"] == mg.cross_entropy(model(mg.tensor(digits[0])), digits[1]).item()
    terms = reg.on(model, "*.weight", reg.L1(0.1))
    measured = evaluate(model, digits, mg.cross_entropy, penalty=terms)
    assert measured["total"] == measured["loss"] + measured["L1(0.1) *.weight"]


class Recorder(Callback):
    def __init__(self):
        self.seen = []

    def on_train_begin(self, run):
        self.seen.append(("begin", run.epoch, run.batch, gc.isenabled()))

    def on_batch_end(self, run):
        self.seen.append(("batch", run.epoch, run.batch, run.batches))

    def on_epoch_end(self, run):
        self.seen.append(("epoch", run.epoch, len(run.history), run.row == run.history.last))
        run.stop = run.epoch == 2

    def on_train_end(self, run):
        self.seen.append(("end", run.epoch, run.batch, gc.isenabled()))


def test_four_points_and_the_collector(digits):
    model, recorder = network(), Recorder()
    assert gc.isenabled()
    history = fit(
        model,
        digits,
        mg.cross_entropy,
        optim.SGD(model.parameters(), lr=0.1),
        epochs=9,
        batch_size=50,
        callbacks=[recorder],
    )
    assert gc.isenabled()
    assert len(history) == 2
    assert recorder.seen == [
        ("begin", 0, 0, False),
        ("batch", 1, 1, 2),
        ("batch", 1, 2, 2),
        ("epoch", 1, 1, True),
        ("batch", 2, 1, 2),
        ("batch", 2, 2, 2),
        ("epoch", 2, 2, True),
        ("end", 2, 2, False),
    ]


def test_after_an_error_everything_is_restored(digits):
    class Fails(Recorder):
        def on_batch_end(self, run):
            raise KeyboardInterrupt

    model, recorder = network(), Fails()
    with pytest.raises(KeyboardInterrupt):
        fit(model, digits, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), callbacks=[recorder])
    assert gc.isenabled()
    assert recorder.seen[-1][0] == "end"
    gc.disable()
    try:
        fit(model, digits, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), epochs=1)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_zero_epochs(digits):
    model = network()
    before = weights(model)
    history = fit(model, digits, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), epochs=0)
    assert len(history) == 0 and same(before, weights(model))
    assert isinstance(history, History)


def test_loss_that_is_not_finite_stops_before_the_update(digits):
    """The weights that the error speaks of are finite: the update of the bad batch did not happen."""
    x, y = digits
    model = nn.Sequential(nn.Linear(64, 1))
    target = (1e3 * y).reshape(-1, 1).astype(np.float32)
    with pytest.raises(mg.NonFiniteError, match=r"epoch \d+, batch \d+.*smaller learning rate"):
        fit(model, (x, target), mg.mse, optim.SGD(model.parameters(), lr=10.0), epochs=200)
    assert all(np.isfinite(w).all() for w in weights(model).values())


def test_a_loss_of_another_model(digits, backend):
    """A cell defined the loss with a model that was made again later: nothing of this one would be trained."""
    model, former = network(), network()
    optimizer, before = optim.SGD(model.parameters(), lr=0.1), weights(model)

    def loss(output, y):
        return mg.cross_entropy(former(mg.tensor(digits[0][: len(y)].astype(np.float32))), y)

    with pytest.raises(mg.GraphError, match="depends on no parameter that the optimizer holds"):
        fit(model, digits, loss, optimizer, epochs=1, batch_size=100)
    assert same(before, weights(model))
