"""What ends a training or leaves a batch out: losses that are not finite, and time."""

import math
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import NonFiniteError
from minigrad.train import Callback, Checkpoint, SkipNonFinite, StopOnNonFinite, TimeLimit, fit

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(12, 1)


def broken_at(*numbers):
    """A loss that is NaN in the batches with these numbers, counted from the first of the training."""
    calls = []

    def loss(output, y):
        found = mg.mse(output, y)
        if len(output.data) == 4:  # a batch, and not the first rows that fit tries the loss on
            calls.append(1)
            if len(calls) in numbers:
                return found * math.nan
        return found

    return loss


def train(loss, *callbacks, epochs=2, **options):
    mg.manual_seed(3)
    model = mg.nn.Linear(1, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    return model, fit(model, (X, 2 * X), loss, optimizer, epochs=epochs, batch_size=4, callbacks=callbacks, **options)


def test_stop():
    model, history = train(broken_at(5), StopOnNonFinite(), epochs=4)
    assert len(history) == 1 and history.stopped.startswith("the loss is nan in epoch 2, batch 2")
    assert np.isfinite(model.weight.data).all()
    assert train(mg.mse, StopOnNonFinite())[1].stopped == ""


def test_skip():
    skip = SkipNonFinite()
    _, history = train(broken_at(1, 5, 6), skip, epochs=3)
    assert history["skipped"] == [1, 2, 0] and skip.batches == [(1, 1), (2, 2), (2, 3)]
    train(mg.mse, skip)
    assert skip.batches == []


@pytest.mark.parametrize(("limit", "raises"), [(0, True), (1, True), (2, False), (3, False)])
def test_so_many_in_a_row(limit, raises):
    skip = SkipNonFinite(limit)
    if raises:
        words = (
            rf"of {limit + 1} batches in a row is NaN or infinite, up to epoch 2, batch {2 + limit}; limit is {limit}"
        )
        with pytest.raises(NonFiniteError, match=words):
            train(broken_at(5, 6, 8), skip, epochs=3)
    else:
        train(broken_at(5, 6, 8), skip, epochs=3)
        assert len(skip.batches) == 3


def test_one_policy_at_a_time():
    with pytest.raises(ValueError, match=r"StopOnNonFinite: another callback has said already .* 'skip'"):
        train(mg.mse, SkipNonFinite(), StopOnNonFinite())
    with pytest.raises(ValueError, match="SkipNonFinite: limit is -1"):
        SkipNonFinite(-1)


class Slow(Callback):
    def on_batch_end(self, run):
        time.sleep(0.02)


def test_time_is_over_inside_an_epoch():
    limit = TimeLimit(minutes=0.05 / 60)
    _, history = train(mg.mse, Slow(), limit, epochs=1000)
    assert limit.reached is not None and len(history) <= 2 and history.stopped == ""
    assert limit.reached[0] - len(history) in (0, 1)
    limit = TimeLimit(minutes=10)
    assert len(train(mg.mse, limit)[1]) == 2 and limit.reached is None


def test_the_epoch_is_finished():
    limit = TimeLimit(minutes=0.01 / 60, finish_epoch=True)
    _, history = train(mg.mse, Slow(), limit, epochs=1000)
    assert limit.reached == (1, 3) and len(history) == 1


@pytest.mark.parametrize("finish", [True, False])
def test_what_was_left_is_trained_later(tmp_path, finish):
    """With checkpoints, limited runs one after the other end with the bits of one run."""
    whole, rows = train(mg.mse, epochs=6)
    for _ in range(40):
        limit = TimeLimit(minutes=0.05 / 60, finish_epoch=finish)
        save = Checkpoint(tmp_path / "run", every="epoch")
        model, history = train(mg.mse, Slow(), save, limit, epochs=6, resume=tmp_path / "run")
        if limit.reached is None or len(history) == 6:
            break
    assert len(history) == 6 and model.weight.data.tobytes() == whole.weight.data.tobytes()
    assert history["loss"] == rows["loss"]


def test_a_compiled_fit_is_limited_too():
    limit = TimeLimit(minutes=0.2 / 60)
    _, history = train(mg.mse, limit, epochs=10**6, compile=True)
    assert limit.reached is not None and len(history) < 10**6


def test_bad_limits():
    for minutes, error in ((0, ValueError), (-1, ValueError), (math.nan, ValueError), ("5", ValueError)):
        with pytest.raises(error, match="TimeLimit: minutes is"):
            TimeLimit(minutes)
