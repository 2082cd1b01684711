"""The columns of metrics: their names before the first batch, their numbers in every form that users return."""

import fractions
import functools
import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import Callback, accuracy, evaluate, fit
from minigrad.train.columns import named, number

X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
Y = np.arange(12) % 2


class Hits:
    def __call__(self, output, target):
        return accuracy(output, target)

    def method(self, output, target):
        return accuracy(output, target)


def scaled(output, target, factor, shift=0.0):
    return factor * accuracy(output, target) + shift


def run(metrics, terms=None, **options):
    """One epoch: the history or the error, and whether a weight moved."""
    mg.manual_seed(0)
    model = nn.Linear(3, 2)
    before = model.weight.data.copy()
    penalty = None if terms is None else reg.on(model, terms)
    try:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        found = fit(model, (X, Y), mg.cross_entropy, optimizer, penalty, epochs=1, metrics=metrics, **options)
    except (TypeError, ValueError) as error:
        found = error
    return found, bool((model.weight.data != before).any())


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (accuracy, "accuracy"),
        (lambda output, target: 1.0, "<lambda>"),
        (Hits(), "Hits"),
        (Hits().method, "method"),
        (functools.partial(accuracy), "accuracy"),
        (functools.partial(scaled, factor=2.0), "scaled(factor=2.0)"),
        (functools.partial(functools.partial(scaled, factor=2.0), shift=1.0), "scaled(factor=2.0, shift=1.0)"),
        (nn.CrossEntropyLoss(), "CrossEntropyLoss"),
    ],
)
def test_every_metric_has_a_name(metric, name):
    history, _ = run([metric], validation_data=(X, Y))
    assert history.names == ["epoch", "loss", name, "val_loss", f"val_{name}", "seconds"]
    assert list(evaluate(nn.Linear(3, 2), (X, Y), mg.cross_entropy, [metric])) == ["loss", name]


def test_a_dict_names_them():
    both = {"top": accuracy, "again": lambda output, target: accuracy(output, target)}
    history, _ = run(both)
    assert history["top"] == history["again"]
    two = [functools.partial(scaled, factor=1.0), functools.partial(scaled, factor=3.0)]
    history, _ = run(two)
    assert history.last["scaled(factor=3.0)"] == pytest.approx(3 * history.last["scaled(factor=1.0)"])


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ([accuracy, accuracy], "two metrics have the name 'accuracy'"),
        ([lambda o, t: 1.0, lambda o, t: 2.0], "two metrics have the name '<lambda>'.*metrics={'name'"),
        ([Hits(), Hits()], "'Hits'"),
        ({"loss": accuracy}, "'loss', which the history needs"),
        ({"total": accuracy}, "'total', which the history needs"),
        ({"epoch": accuracy}, "'epoch', which the history needs"),
        ({"seconds": accuracy}, "'seconds', which the history needs"),
        ({"val_loss": accuracy}, "'val_loss', which the history needs"),
        ({"a": accuracy, "val_a": accuracy}, "'val_a', which a metric has too"),
        ({"val_a": accuracy, "a": accuracy}, "'a', whose column 'val_a' a metric has too"),
        ({"ridge": accuracy}, "'ridge', which a penalty has too"),
        ({"": accuracy}, "has the name ''"),
        ({3: accuracy}, "has the name 3"),
        (accuracy, "metrics is <function accuracy.*need a list"),
        ("accuracy", "metrics is 'accuracy'; need a list"),
        (5, "metrics is 5"),
        (None, "metrics is None"),
        (["accuracy"], "'accuracy' is no metric.*minigrad.train.accuracy"),
        ([nn.L1Loss], r"L1Loss is a class, no metric; did you mean L1Loss\(\)"),
        ({"a": "accuracy"}, "'accuracy' is no metric"),
        ([lambda y_true, y_pred: 1.0], r"takes \(y_true, y_pred\), but is called with \(output, target\)"),
        ([lambda target, output: 1.0], r"takes \(target, output\)"),
        ({"m": lambda output: 1.0}, r"the metric 'm' takes \(output\); it is called with \(output, target\)"),
        ([scaled], r"'scaled' takes \(output, target, factor, shift=0.0\)"),
    ],
)
def test_names_are_refused_before_anything_is_trained(metrics, words):
    error, moved = run(metrics, {"ridge": ("weight", reg.L2(0.1))}, validation_data=(X, Y))
    assert isinstance(error, (TypeError, ValueError)) and not moved
    with pytest.raises(type(error), match=words):
        raise error


@pytest.mark.parametrize("name", ["loss", "total", "epoch", "seconds", "val_loss", "accuracy", "val_accuracy"])
def test_a_penalty_takes_the_name_of_no_column(name):
    error, moved = run([accuracy], {name: ("weight", reg.L2(0.1))})
    assert isinstance(error, ValueError) and name in str(error) and not moved


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        [0.5],
        np.float32(0.5),
        np.float64(0.5),
        np.array(0.5),
        np.array([0.5], np.float32),
        fractions.Fraction(1, 2),
        mg.tensor(0.5),
        mg.tensor([0.5], requires_grad=True),
        mg.tensor(0.25, requires_grad=True) * 2.0,
    ],
)
def test_numbers_become_floats(value):
    history, _ = run({"m": lambda output, target: value}, validation_data=(X, Y))
    assert type(history.last["m"]) is float is type(history.last["val_m"]) and history.last["m"] == 0.5
    assert json.loads(history.to_json())["epochs"][0]["m"] == 0.5


@pytest.mark.parametrize("value", [True, np.True_, np.array(True), 1, np.int64(1), np.uint8(1)])
def test_counts_and_booleans_are_numbers(value):
    assert type(number("m", value)) is float and number("m", value) == 1.0


@pytest.mark.parametrize("value", [None, "0.5", [0.5, 0.5], np.ones(3), mg.tensor([1.0, 2.0]), 1j, {"m": 1.0}])
def test_what_is_no_number_is_an_error_before_the_first_update(value):
    error, moved = run({"m": lambda output, target: value})
    assert isinstance(error, TypeError) and "the metric 'm' returned" in str(error) and not moved


def test_a_metric_sees_a_constant_and_records_nothing():
    seen = []

    def look(output, target):
        seen.append((output.requires_grad, mg.is_grad_enabled(), output.numpy().shape, target.dtype, len(target)))
        return mg.mean(output * 2.0)

    run({"m": look}, validation_data=(X, Y))
    assert seen == [(False, False, (12, 2), np.int64, 12)] * 2


def test_an_evaluation_calls_a_metric_once_with_all_rows():
    calls = []
    model = nn.Linear(3, 2)

    def r2(output, target):  # no mean over rows: that of batches is another number
        calls.append(len(target))
        y = output.data[:, 0]
        return 1 - ((y - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()

    found = evaluate(model, (X, Y), mg.cross_entropy, [r2], batch_size=5)
    y = model.predict(X)[:, 0]
    assert calls == [12] and found["r2"] == pytest.approx(1 - ((y - Y) ** 2).sum() / (12 * Y.var()), rel=1e-6)


def test_names_that_c_functions_hide():
    assert list(named([np.maximum])) == ["maximum"] and list(named([])) == [] == list(named({}))


def test_metrics_in_callbacks_and_the_table():
    class See(Callback):
        def on_batch_end(self, run):
            assert run.columns == ["epoch", "loss", "hits", "seconds"] and set(run.row) == {"epoch", "loss", "hits"}

    history, _ = run({"hits": accuracy}, callbacks=[See()])
    assert "hits" in history.table()
