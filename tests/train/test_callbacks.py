"""History, early stopping, progress."""

import copy
import io
import math
import pickle
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import Callback, EarlyStopping, History, Progress, fit


class Scripted(Callback):
    """Writes a given series into the row, as if it had been measured, and the epoch into the first bias."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, run):
        run.row["val_loss"] = self.values[run.epoch - 1]
        with mg.no_grad():
            run.model.bias.copy_(np.full(3, run.epoch, np.float32))


def run(*callbacks, epochs=8, **options):
    mg.manual_seed(0)
    model = nn.Linear(4, 3)
    x = np.eye(4, dtype=np.float32)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    return model, fit(
        model, (x, [0, 1, 2, 0]), mg.cross_entropy, optimizer, epochs=epochs, callbacks=callbacks, **options
    )


@pytest.mark.parametrize(
    ("values", "options", "best", "length"),
    [
        ([5, 4, 3, 3.5, 3.2, 3.1, 9, 9], {"patience": 3}, 3, 6),
        ([5, 4, 3, 2, 1, 0, -1, -2], {"patience": 1}, 8, 8),
        ([5, math.nan, 4, math.nan, math.nan, 1, 1, 1], {"patience": 2}, 3, 5),
        ([1, 2, 3, 2.9, 2.8, 0, 0, 0], {"patience": 2, "mode": "max"}, 3, 5),
        ([5, 4.95, 4.9, 4.85, 4.8, 4, 4, 4], {"patience": 2, "min_delta": 0.1}, 1, 3),
        ([3, 3, 3, 3, 3, 3, 3, 3], {"patience": 4}, 1, 5),  # a tie is no improvement: the first of equals
        ([3, 2, 2, 2, 1, 1, 1, 1], {"patience": 3}, 5, 8),
        ([math.inf, 7, math.inf, 6, -math.inf, 0, 0, 0], {"patience": 3}, 5, 8),
    ],
)
def test_early_stopping_takes_the_best_epoch(values, options, best, length):
    stopping = EarlyStopping(**options)
    model, history = run(Scripted(values), stopping)
    assert (stopping.best_epoch, len(history)) == (best, length)
    assert stopping.best_value == values[best - 1]
    assert (model.bias.data == best).all()  # the weights of that epoch


@pytest.mark.parametrize("mode", ["min", "max"])
def test_early_stopping_on_nan_alone_restores_nothing(mode):
    stopping = EarlyStopping(patience=3, mode=mode)
    model, history = run(Scripted([math.nan] * 8), stopping)
    assert (stopping.best_epoch, len(history)) == (0, 3)
    assert (model.bias.data == 3).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "least"}, "mode is 'least'"),
        ({"patience": 0}, "patience is 0"),
        ({"min_delta": -0.1}, "min_delta is -0.1"),
        ({"min_delta": math.nan}, "min_delta is nan"),
    ],
)
def test_early_stopping_checks_its_options(options, words):
    with pytest.raises(ValueError, match=words):
        EarlyStopping(**options)
    with pytest.raises(ValueError, match="there is no 'val_los'; did you mean 'val_loss'"):
        run(Scripted([1.0]), EarlyStopping("val_los"))


def test_early_stopping_may_keep_the_last_weights():
    model, history = run(Scripted([1, 2, 3, 4, 5, 6, 7, 8]), EarlyStopping(patience=2, restore=False))
    assert (model.bias.data == len(history)).all()


def test_history_in_columns_text_and_json(tmp_path):
    mg.manual_seed(0)
    model = nn.Linear(4, 3)
    terms = reg.on(model, {"ridge": ("weight", reg.L2(0.1))})
    data = (np.eye(4, dtype=np.float32), [0, 1, 2, 0])
    history = fit(
        model, data, mg.cross_entropy, optim.SGD(model.parameters(), lr=0.1), terms, epochs=5, validation_data=data
    )
    assert history.names == ["epoch", "loss", "ridge", "total", "val_loss", "val_ridge", "val_total", "seconds"]
    assert history["epoch"] == [1, 2, 3, 4, 5]
    assert history["loss"][-1] < history["loss"][0]
    assert [len(set(map(len, text.splitlines()))) for text in (history.table(), history.table(every=2))] == [1, 1]
    assert [text.split()[0] for text in history.table(every=2).splitlines()] == ["epoch", "2", "4", "5"]
    again = History.from_json(history.to_json(tmp_path / "history.json"))
    assert again.rows == history.rows and again.penalties == ["ridge"]
    assert History.from_json((tmp_path / "history.json").read_text()).rows == history.rows
    with pytest.raises(KeyError, match="did you mean 'ridge'"):
        history["rigde"]
    with pytest.raises(mg.NotFittedError):
        History().last  # noqa: B018
    with pytest.raises(ValueError, match="columns"):
        history.append({"epoch": 6})


def test_json_has_no_nan():
    history = History([{"epoch": 1, "loss": math.nan}])
    assert "NaN" not in history.to_json()
    assert math.isnan(History.from_json(history.to_json())["loss"][0])


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_silent_unless_a_terminal_or_asked():
    silent, asked = io.StringIO(), io.StringIO()
    run(Progress(stream=silent), Progress(show=True, stream=asked, every=3))
    assert silent.getvalue() == ""
    assert [line.split()[0] for line in asked.getvalue().splitlines()] == ["epoch", "3", "6", "8"]
    assert "loss" in asked.getvalue().splitlines()[0]


def test_progress_on_a_terminal_without_rich(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    stream, refused = Terminal(), Terminal()
    run(Progress(stream=stream), Progress(show=False, stream=refused), epochs=2)
    assert len(stream.getvalue().splitlines()) == 3
    assert refused.getvalue() == ""


def test_progress_with_rich():
    pytest.importorskip("rich", reason="needs the extra `progress`")
    stream = Terminal()
    run(Progress(stream=stream), epochs=2)
    assert "epoch" in stream.getvalue() and "━" in stream.getvalue()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_of_progress(copied):
    """Also in the middle of a fit: what belongs to the terminal stays with the original."""
    used, twins = Progress(show=True), []

    class Copies(Callback):
        def on_epoch_end(self, run):
            twins.append(copied(used))

    run(used, Copies(), epochs=1)
    for twin in (*twins, copied(used)):
        assert (twin.show, twin.every, twin.stream) == (True, 1, None)
        run(twin, epochs=1)
    stream = io.StringIO()
    run(copy.deepcopy(Progress(show=True, stream=stream)), epochs=1)
    assert len(stream.getvalue().splitlines()) == 2


def test_columns_of_callbacks_are_numbers():
    class Writes(Callback):
        def __init__(self, value):
            self.value = value

        def on_batch_end(self, run):
            run.row["own"] = self.value

    for value in (np.float32(0.5), np.array(0.5), mg.tensor(0.25, requires_grad=True) * 2.0):
        _, history = run(Writes(value), epochs=1)
        assert type(history.last["own"]) is float and '"own": 0.5' in history.to_json()
    with pytest.raises(TypeError, match="the column 'own' holds 'much'; need one number"):
        run(Writes("much"), epochs=1)
