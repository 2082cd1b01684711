"""What follows a loss, a gradient or a weight that is not finite: an exception, or what run.non_finite says."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import NonFiniteError
from minigrad.train import Callback, fit

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(12, 1)
Y = 2 * X


class Policy(Callback):
    def __init__(self, policy):
        self.policy, self.flags = policy, []

    def on_train_begin(self, run):
        self.run, run.non_finite = run, self.policy

    def on_batch_end(self, run):
        self.flags.append(run.skip_update)


def broken_at(numbers, value=math.nan):
    """A loss that is `value` in the calls with these numbers, counted from the first batch of the training."""
    calls = []

    def loss(output, y):
        found = mg.mse(output, y)
        if len(output.data) == 4:  # a batch, and not the first rows that fit tries the loss on
            calls.append(1)
            if len(calls) in numbers:
                return found * value
        return found

    return loss


def train(policy, loss, epochs=2, callbacks=()):
    mg.manual_seed(3)
    model = mg.nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    watch = Policy(policy)
    history = fit(model, (X, Y), loss, optimizer, epochs=epochs, batch_size=4, callbacks=[watch, *callbacks])
    return model, history, watch


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_skip_leaves_the_update_out_and_counts_it(value):
    model, history, watch = train("skip", broken_at({2, 5}, value))
    assert watch.run.skipped == 2 and watch.run.updates == 4
    assert watch.flags == [False, True, False, False, True, False]
    assert np.isfinite(history["loss"]).all() and np.isfinite(model.weight.data).all()
    assert history.stopped == ""


def test_skip_in_the_first_batch_shows_no_means_yet():
    rows = []

    class Rows(Callback):
        def on_batch_end(self, run):
            rows.append(dict(run.row))

    train("skip", broken_at({1}), epochs=1, callbacks=[Rows()])
    assert math.isnan(rows[0]["loss"]) and rows[0].keys() == rows[1].keys() and rows[1]["loss"] > 0


def test_an_epoch_without_a_finite_loss_is_an_error():
    with pytest.raises(NonFiniteError, match="in epoch 2 the loss of all 3 batches is NaN or infinite"):
        train("skip", broken_at({4, 5, 6}))


def test_stop_ends_with_the_weights_before_the_batch():
    model, history, watch = train("stop", broken_at({5}), epochs=4)
    assert len(history) == 1 and watch.run.updates == 4
    assert history.stopped.startswith("the loss is nan in epoch 2, batch 2; the weights are those before this batch")
    assert history.stopped in repr(history)
    assert mg.train.History.from_json(history.to_json()).stopped == history.stopped

    class Stop(Callback):
        def on_batch_end(self, run):
            run.stop_now = run.updates == 4

    same, short, _ = train("raise", mg.mse, epochs=4, callbacks=[Stop()])
    assert same.weight.data == model.weight.data and len(short) == 1 and short.stopped == ""


@pytest.mark.parametrize("policy", ["skip", "stop"])
def test_gradients_are_looked_at_too(policy):
    class Break(Callback):
        def on_gradients(self, run):
            if (run.epoch, run.batch) == (1, 2):
                run.optimizer.param_groups[0]["params"][0].grad.array[...] = np.inf

    model, history, watch = train(policy, mg.mse, callbacks=[Break()])
    assert np.isfinite(model.weight.data).all()
    if policy == "skip":
        assert watch.run.skipped == 1 and watch.run.updates == 5
    else:
        assert history.stopped.startswith("the gradient of weight is not finite in epoch 1, batch 2")


def test_raise_is_the_rule():
    with pytest.raises(NonFiniteError, match="the loss is nan in epoch 1, batch 2"):
        train("raise", broken_at({2}))


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="non_finite is 'ignore'; need 'raise', 'skip' or 'stop'"):
        train("ignore", mg.mse)
