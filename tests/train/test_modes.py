"""Modes of modules in fit, what an exception leaves of one, and what ends its callbacks."""

import gc
import json
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.train import AverageWeights, Callback, ClipGradients, EarlyStopping, LearningRate, fit

X = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
Y = np.arange(20) % 2


def network():
    mg.manual_seed(0)
    body = nn.Sequential(nn.Linear(4, 8, activation="tanh"), nn.Dropout(0.5))
    return nn.Sequential(body, nn.Dropout(0.5), nn.Linear(8, 2))


def modes(model):
    return [module.training for _, module in model.named_modules()]


class Look(Callback):
    def __init__(self, act=lambda run: None):
        self.act, self.seen = act, []

    def on_batch_end(self, run):
        self.seen.append(modes(run.model))
        self.act(run)

    def on_epoch_end(self, run):
        self.seen.append(modes(run.model))


def train(model, *callbacks, data=(X, Y), **options):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    options = {"epochs": 2, "batch_size": 10, "validation_data": (X, Y), **options}
    return fit(model, data, mg.cross_entropy, optimizer, callbacks=callbacks, **options)


@pytest.mark.parametrize("mode", [True, False])
def test_it_trains_in_training_mode_and_leaves_the_mode_as_found(mode):
    """A model in eval mode trains to the same bits as one in training mode."""
    model, twin, look = network().train(mode), network(), Look()
    train(model, look)
    assert all(all(seen) for seen in look.seen) and len(look.seen) == 6
    assert modes(model) == [mode] * 6
    mg.manual_seed(0)
    twin = network()
    train(twin)
    assert all((a.data == b.data).all() for a, b in zip(model.parameters(), twin.parameters()))


def test_a_part_in_eval_mode_stays_so():
    model, look = network(), Look()
    model[0].eval()
    found = modes(model)
    train(model, look)
    assert all(seen == found for seen in look.seen) and modes(model) == found == [True, False, False, False, True, True]


def test_a_model_in_eval_mode_with_a_part_in_training_stays_so():
    model, look = network().eval(), Look()
    model[1].train()
    found = modes(model)
    train(model, look)
    assert all(seen == found for seen in look.seen) and modes(model) == found


@pytest.mark.parametrize("frozen", [True, False])
def test_a_callback_that_calls_eval_does_not_end_the_training_mode(frozen):
    model = network()
    if frozen:
        model[0].eval()
    found = modes(model)
    look = Look(lambda run: run.model.eval())
    train(model, look)
    assert [seen for seen in look.seen if any(seen)] == [found] * 4 and modes(model) == found


def test_a_callback_may_freeze_a_part():
    model, look = network(), Look(lambda run: run.model[0].eval())
    train(model, look)
    assert look.seen[-1] == [True, False, False, False, True, True] and modes(model) == [True] * 6


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("mode", [True, False])
def test_an_exception_leaves_modes_the_collector_and_the_history(error, mode):
    def act(run):
        if run.epoch == 3:
            raise error("now")

    model = network().train(mode)
    model[0].eval()
    found = modes(model)
    with pytest.raises(error) as caught:
        train(model, Look(act), epochs=5)
    assert modes(model) == found and gc.isenabled() and mg.is_grad_enabled()
    history = caught.value.history
    assert history["epoch"] == [1, 2] and json.loads(history.to_json())["epochs"]
    notes = getattr(caught.value, "__notes__", [])
    assert len(notes) == (error is KeyboardInterrupt and sys.version_info >= (3, 11))
    assert all("the 2 epochs before are in the exception's .history" in note for note in notes)


def test_a_diverged_fit_says_so_and_has_its_history():
    model = nn.Linear(4, 1)
    for rate, words in ((1e3, r"loss is inf in epoch \d"), (3e38, "has a number that is not finite in epoch 1, after")):
        mg.manual_seed(0)
        model = nn.Linear(4, 1)
        with pytest.raises(mg.NonFiniteError, match=words) as caught:
            optimizer = optim.SGD(model.parameters(), lr=rate)
            fit(model, (X, 1e3 * X[:, :1]), mg.mse, optimizer, epochs=20, batch_size=20)
        assert "batch 1" in str(caught.value) or "weight" in str(caught.value) or "bias" in str(caught.value)
        assert all(np.isfinite(loss) for loss in (row["loss"] for row in caught.value.history.rows))


def test_a_batch_without_a_row_that_counts_is_named():
    y = np.where(np.arange(20) < 18, -100, Y)
    with pytest.raises(mg.NonFiniteError, match="no row counts"):
        train(network(), data=(X, y), batch_size=2, validation_data=None)


class Noted(Callback):
    def __init__(self, log, name, fails=()):
        self.log, self.name, self.fails = log, name, fails

    def _note(self, point):
        self.log.append(f"{point} {self.name}")
        if point in self.fails:
            raise ValueError(f"{self.name} fails at {point}")

    def on_train_begin(self, run):
        self._note("begin")

    def on_train_end(self, run):
        self._note("end")


def test_who_has_begun_is_ended_whatever_fails():
    log = []
    with pytest.raises(ValueError, match="b fails at begin"):
        train(network(), Noted(log, "a"), Noted(log, "b", ["begin"]), Noted(log, "c"))
    assert log == ["begin a", "begin b", "end a"]
    log.clear()
    with pytest.raises(ValueError, match="a fails at end"):
        train(network(), Noted(log, "a", ["end"]), Noted(log, "b"))
    assert log == ["begin a", "begin b", "end a", "end b"]


def test_an_error_at_the_beginning_is_the_one_that_is_said():
    """Callbacks that have not begun have nothing to restore: neither an error of their own nor old weights."""
    model, other = network(), network()
    average = AverageWeights(0.5)
    train(other, average)
    before = model[2].weight.data.copy()
    schedule = optim.StepLR(optim.SGD(other.parameters(), lr=0.1), 1)
    with pytest.raises(ValueError, match="on another optimizer"):
        train(model, LearningRate(schedule), EarlyStopping(), average, ClipGradients(1.0))
    assert (model[2].weight.data == before).all()


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        ([EarlyStopping], r"EarlyStopping is a class; did you mean EarlyStopping\(\)"),
        (EarlyStopping(), "callbacks is one EarlyStopping; need a list"),
        ([lambda run: None], "has no on_train_begin; need a minigrad.train.Callback"),
        ([None], "None has no on_train_begin"),
        (["early"], "'early' has no on_train_begin"),
        ([optim.StepLR(optim.SGD([nn.Parameter([1.0])], lr=0.1), 1)], r"train\.LearningRate\(schedule\)"),
    ],
)
def test_callbacks_that_are_none(callbacks, words):
    model = network()
    twice = EarlyStopping()
    with pytest.raises(ValueError, match="is given twice"):
        train(model, twice, twice)
    with pytest.raises(TypeError, match=words):
        fit(model, (X, Y), mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), callbacks=callbacks)


def test_a_loss_that_trains_nothing_is_refused():
    model = network()
    for p in model.parameters():
        p.requires_grad = False
    other = network()
    with pytest.raises(mg.GraphError, match="depends on no parameter that requires grad, so that nothing"):
        fit(model, (X, Y), mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(mg.GraphError, match="the loss detaches the output"):
        fit(other, (X, Y), lambda o, t: mg.cross_entropy(o.detach(), t), optim.SGD(other.parameters(), lr=0.1))
    with pytest.raises(mg.GraphError, match="called under no_grad"), mg.no_grad():
        train(other)
