"""Which way a column gets better: known from its name, said, or asked for before the first batch."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.train import Callback, EarlyStopping, LearningRate, accuracy, evaluate, fit
from minigrad.train.columns import named
from minigrad.train.monitors import direction

MORE = ["accuracy", "val_accuracy", "binary_accuracy", "top5_accuracy", "r2", "val_r2", "R2Score", "F1Score", "AUC"]
LESS = [
    "loss",
    "val_loss",
    "total",
    "mse",
    "val_rmse",
    "mean_absolute_error",
    "error_rate",
    "L1Loss",
    "cross_entropy",
    "BCEWithLogitsLoss",
    "log_loss",
    "perplexity",
]
OPEN = [
    "score",
    "val_score",
    "brier_score",
    "neg_log_loss",
    "negative_log_likelihood",
    "inaccuracy",
    "epoch",
    "<lambda>",
    "accuracy_loss",
    "success",
    "glossary",
    "",
]


@pytest.mark.parametrize(
    ("name", "way"), [(n, "max") for n in MORE] + [(n, "min") for n in LESS] + [(n, None) for n in OPEN]
)
def test_directions(name, way):
    assert direction(name) == way


def test_metrics_of_the_package_say_their_direction():
    metrics = [train.accuracy, train.binary_accuracy, train.top_k_accuracy, train.balanced_accuracy, train.f1, train.r2]
    metrics += [train.precision, train.recall, train.roc_auc, train.average_precision]
    metrics += [functools.partial(train.f1, average="macro"), functools.partial(train.top_k_accuracy, k=5)]
    assert [direction(name) for name in named(metrics)] == ["max"] * len(metrics)
    assert direction("mean_absolute_error") == "min" and direction("matthews_corrcoef") == "max"


def test_a_metric_of_all_rows_has_no_number_before_the_end_of_the_epoch():
    model, optimizer = start()
    rates = LearningRate(optim.ReduceLROnPlateau(optimizer, mode="max"), every="batch", monitor="f1")
    with pytest.raises(ValueError, match="'f1' is measured once an epoch; need every='epoch'"):
        fit(model, SEEN, mg.cross_entropy, optimizer, metrics=[train.f1], callbacks=[rates])
    rates = LearningRate(optim.ReduceLROnPlateau(optimizer, mode="max"), monitor="f1")
    stop = EarlyStopping("val_f1", patience=1)
    options = {"metrics": [train.f1], "callbacks": [rates, stop], "epochs": 20, "validation_data": HELD_OUT}
    history = fit(model, SEEN, mg.cross_entropy, optimizer, **options)
    assert history["val_f1"][stop.best_epoch - 1] == max(history["val_f1"])


RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4)).astype(np.float32)
Y = (X[:, 0] + 0.5 * RNG.standard_normal(120) > 0).astype(int)
SEEN, HELD_OUT = (X[:80], Y[:80]), (X[80:], Y[80:])


def start():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8, activation="tanh"), nn.Linear(8, 2))
    return model, optim.Adam(model.parameters(), lr=0.02)


def run(*callbacks, **options):
    """The model, the history or the error, and whether a weight moved."""
    model, optimizer = start()
    before = model[0].weight.data.copy()
    metrics = {"accuracy": accuracy, "hits": accuracy}
    options = {"validation_data": HELD_OUT, "metrics": metrics, "epochs": 12, **options}
    try:
        found = fit(model, SEEN, mg.cross_entropy, optimizer, callbacks=callbacks, **options)
    except (TypeError, ValueError) as error:
        found = error
    return model, found, bool((model[0].weight.data != before).any())


@pytest.mark.parametrize(("monitor", "mode"), [("val_accuracy", None), ("val_hits", "max")])
def test_accuracy_is_kept_at_its_highest(monitor, mode):
    stopping = EarlyStopping(monitor, patience=3, mode=mode)
    model, history, _ = run(stopping, epochs=30)
    kept = evaluate(model, HELD_OUT, mg.cross_entropy, [accuracy])["accuracy"]
    assert kept == stopping.best_value == max(history["val_accuracy"]) > history["val_accuracy"][0]


def test_said_beats_the_name():
    stopping = EarlyStopping("val_accuracy", mode="min", patience=20)
    _, history, _ = run(stopping)
    assert stopping.best_value == min(history["val_accuracy"])


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (EarlyStopping("val_hits"), "'val_hits' does not say.*pass mode='max' or mode='min'"),
        (EarlyStopping("epoch"), "'epoch' does not say"),
        (EarlyStopping("val_acuracy"), "did you mean 'val_accuracy'"),
        (EarlyStopping("valloss"), "did you mean 'val_loss'"),
    ],
)
def test_what_is_open_is_asked_for_before_anything_is_trained(callback, words):
    _, error, moved = run(callback)
    assert isinstance(error, ValueError) and not moved
    with pytest.raises(ValueError, match=words):
        raise error


def test_without_validation_data_there_is_nothing_to_watch():
    for callback in (EarlyStopping(), EarlyStopping("val_accuracy")):
        _, error, moved = run(callback, validation_data=None)
        assert "pass validation_data to fit" in str(error) and not moved


def test_a_monitor_is_a_word():
    for make in (lambda: EarlyStopping(5), lambda: LearningRate(optim.ReduceLROnPlateau(start()[1]), monitor=None)):
        with pytest.raises(TypeError, match="need the name of a column"):
            make()


class Own(Callback):
    """Writes a column of its own."""

    def on_epoch_end(self, run):
        run.row["own_score"] = -float(run.epoch)


def test_columns_of_other_callbacks():
    """They are known after the first epoch; a name that nothing wrote, or that is open, is an error then."""
    stopping = EarlyStopping("own_score", mode="min", patience=2)
    model, history, _ = run(Own(), stopping)
    assert stopping.best_epoch == len(history) == 12
    _, error, _ = run(Own(), EarlyStopping("own_score"))
    assert "'own_score' does not say" in str(error)
    _, error, _ = run(Own(), EarlyStopping("own_scor", mode="min"))
    assert "did you mean 'own_score'" in str(error)


def test_a_penalty_is_better_when_it_is_less():
    model, optimizer = start()
    terms = reg.on(model, {"ridge": ("*.weight", reg.L2(0.1))})
    stopping = EarlyStopping("val_ridge", patience=3)
    history = fit(
        model, SEEN, mg.cross_entropy, optimizer, terms, epochs=5, validation_data=HELD_OUT, callbacks=[stopping]
    )
    assert stopping.best_value == min(history["val_ridge"]) == terms.value()["ridge"]


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "total", "ridge"])
def test_training_columns_with_one_batch_an_epoch_keep_the_weights_that_were_measured(monitor):
    mg.manual_seed(0)
    model = nn.Linear(4, 2)
    terms = reg.on(model, {"ridge": ("weight", reg.L2(0.01))})
    stopping = EarlyStopping(monitor, patience=50)
    optimizer = optim.SGD(model.parameters(), lr=7.0)  # a little too large: it goes up and down
    history = fit(
        model,
        SEEN,
        mg.cross_entropy,
        optimizer,
        terms,
        epochs=15,
        batch_size=80,
        metrics=[accuracy],
        callbacks=[stopping],
    )
    best = max if monitor == "accuracy" else min
    assert stopping.best_value == best(history[monitor])
    restored = evaluate(model, SEEN, mg.cross_entropy, [accuracy], penalty=terms)[monitor]
    assert restored == pytest.approx(stopping.best_value, rel=1e-6)


def test_training_columns_of_several_batches_belong_to_no_weights():
    for monitor in ("loss", "accuracy"):
        _, error, moved = run(EarlyStopping(monitor), batch_size=40)
        assert f"Monitor 'val_{monitor}'" in str(error) and "mean over 2 batches" in str(error) and not moved
    stopping = EarlyStopping("loss", patience=20, restore=False)
    _, history, _ = run(stopping, batch_size=40)
    assert stopping.best_value == min(history["loss"])


def test_best_weights_survive_what_ends_a_fit():
    class Interrupts(Callback):
        def on_batch_end(self, run):
            if run.epoch == 6:
                raise KeyboardInterrupt

    model, optimizer = start()
    stopping = EarlyStopping("val_loss", patience=20)
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(
            model,
            SEEN,
            mg.cross_entropy,
            optimizer,
            epochs=9,
            validation_data=HELD_OUT,
            callbacks=[stopping, Interrupts()],
        )
    assert evaluate(model, HELD_OUT, mg.cross_entropy)["loss"] == stopping.best_value
    assert stopping.best_value == min(caught.value.history["val_loss"]) and len(caught.value.history) == 5


def plateau(way=None, **options):
    model, optimizer = start()
    schedule = optim.ReduceLROnPlateau(optimizer, patience=0, **({} if way is None else {"mode": way}))
    callback = LearningRate(schedule, **options)
    before = model[0].weight.data.copy()
    try:
        fit(
            model,
            SEEN,
            mg.cross_entropy,
            optimizer,
            epochs=3,
            validation_data=HELD_OUT,
            callbacks=[callback],
            metrics={"accuracy": accuracy, "hits": accuracy},
        )
    except ValueError as error:
        assert (before == model[0].weight.data).all()
        return error
    return callback.rates


def test_a_plateau_goes_the_way_of_its_monitor():
    assert len(plateau()) == len(plateau("max", monitor="val_accuracy")) == 3
    assert len(plateau("max", monitor="val_hits", mode="max")) == len(plateau(monitor="val_accuracy", mode="min")) == 3
    assert "ReduceLROnPlateau(..., mode='max')" in str(plateau(monitor="val_accuracy"))
    assert "mode='min'" in str(plateau("max"))
    assert "'val_hits' does not say" in str(plateau("max", monitor="val_hits"))
    assert "did you mean 'val_loss'" in str(plateau(monitor="val_los"))
    assert "measured once an epoch" in str(plateau(every="batch"))
    with pytest.raises(ValueError, match="LearningRate: mode is 'up'"):
        LearningRate(optim.StepLR(start()[1], 1), mode="up")
