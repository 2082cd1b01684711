"""fit(..., resume=path): which file is taken, what has to fit; a run goes on with equal bits from any batch."""

import json
import os
import shutil

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import (
    AverageWeights,
    Callback,
    Checkpoint,
    ClipGradients,
    EarlyStopping,
    History,
    LearningRate,
    fit,
)

X = np.random.default_rng(5).normal(size=(20, 3)).astype(np.float32)
Y = (X[:, :1] * X[:, 1:2]).astype(np.float32)


class Killed(BaseException):
    """Stands for a kill that a test survives."""


class Kill(Callback):
    """Raises at the end of a batch, or (batch 0) of an epoch, when the checkpoints are written."""

    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def on_gradients(self, run):
        if (run.epoch, run.batch) == self.at:
            raise Killed

    def on_epoch_end(self, run):
        self.at = (run.epoch + 1, 1) if self.at == (run.epoch, 0) else self.at


def train(folder=None, *callbacks, resume=None, epochs=3, model=None, loss=mg.mse, data=None, **options):
    """Two random layers, a penalty on the loss, one in the gradient; returns model, optimizer and history."""
    mg.manual_seed(8)
    model = model or nn.Sequential(nn.Linear(3, 5, activation="tanh"), nn.Dropout(0.2), nn.DropConnect(5, 1, seed=2))
    on_loss = reg.on(model, {"l2": ("*.weight", reg.L2(lambda epoch: 0.01 * epoch))})
    bound = reg.on(model, {"l1": ("*.bias", reg.L1(0.01))})
    optimizer = optim.Adam(model.parameters(), lr=options.pop("lr", 0.05), penalty=bound)
    save = [] if folder is None else [Checkpoint(folder, every="batch")]
    history = fit(
        model, (X, Y) if data is None else data, loss, optimizer, on_loss, epochs=epochs, resume=resume,
        callbacks=[*callbacks, *save], **({"batch_size": 6} if data is None else {}), **options,
    )  # fmt: skip
    return model, optimizer, history


def bits(model, optimizer, history):
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    arrays = {**model.state_dict(), **optimizer.state_dict()["state"]}
    return {name: array.tobytes() for name, array in arrays.items()}, json.dumps(rows), mg.rng.get_state()


# --- equal bits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch, batch", [(1, 2), (1, 4), (2, 1), (2, 3), (3, 2), (3, 4)])
def test_from_any_batch(tmp_path, epoch, batch, backend):
    """Killed in this batch: the one before is the last that was saved."""
    held_out = {"validation_data": (X[:9], Y[:9]), "metrics": [mg.train.mean_absolute_error]}
    with pytest.raises(Killed):
        train(tmp_path, Kill(epoch, batch), **held_out)
    mg.rng.uniform(3)  # what the next process may have drawn
    assert bits(*train(tmp_path, resume=tmp_path, **held_out)) == bits(*train(**held_out))


def test_from_the_end_of_an_epoch(tmp_path):
    train(tmp_path, epochs=2)
    model, optimizer, history = train(tmp_path, resume=tmp_path, epochs=4)
    assert bits(model, optimizer, history) == bits(*train(epochs=4))
    assert history["epoch"] == [1, 2, 3, 4]


def test_a_run_that_is_done_gives_its_model_and_history(tmp_path):
    done = bits(*train(tmp_path, epochs=2))
    batches = []

    class Count(Callback):
        def on_batch_end(self, run):
            batches.append(run.batch)

    assert bits(*train(tmp_path, Count(), resume=tmp_path, epochs=2)) == done and batches == []


def test_without_a_checkpoint_callback(tmp_path):
    train(tmp_path, epochs=2)
    files = sorted(os.listdir(tmp_path))
    assert bits(*train(resume=tmp_path)) == bits(*train()) and sorted(os.listdir(tmp_path)) == files


def test_a_loader_that_has_been_used(tmp_path):
    def loader():
        used = mg.data.Loader(X, Y, 6, seed=4)
        used.set_epoch(7)
        return used

    with pytest.raises(Killed):
        train(tmp_path, Kill(2, 3), data=loader())
    fresh = mg.data.Loader(X, Y, 6, seed=4)
    assert bits(*train(resume=tmp_path, data=fresh)) == bits(*train(data=loader())) and fresh.epoch == 10


@pytest.mark.parametrize("read_ahead", [0, 3])
def test_rows_in_a_file(tmp_path, read_ahead):
    np.save(tmp_path / "x.npy", X)

    def loader():
        return mg.data.Loader(np.load(tmp_path / "x.npy", mmap_mode="r"), Y, 6, seed=2, read_ahead=read_ahead)

    with pytest.raises(Killed):
        train(tmp_path / "run", Kill(2, 3), data=loader())
    assert bits(*train(resume=tmp_path / "run", data=loader())) == bits(*train(data=mg.data.Loader(X, Y, 6, seed=2)))


def test_progress_says_it(tmp_path, capsys):
    with pytest.raises(Killed):
        train(tmp_path, Kill(2, 3))
    train(None, mg.train.Progress(True), resume=tmp_path)
    assert capsys.readouterr().err.startswith("resumed: 1 of 3 epochs and 2 of 4 batches are done\nepoch    loss")


def test_a_stopped_run_stays_stopped(tmp_path):
    def stopping():
        return EarlyStopping("val_loss", patience=2)

    held_out = {"validation_data": (X[:9], -Y[:9]), "epochs": 30, "lr": 0.2}
    model, _, history = train(tmp_path, stopping(), **held_out)
    assert len(history) < 30
    again, _, resumed = train(tmp_path, stopping(), resume=tmp_path, **held_out)
    assert len(resumed) == len(history)
    assert {n: a.tobytes() for n, a in again.state_dict().items()} == {
        n: a.tobytes() for n, a in model.state_dict().items()
    }


def test_stop_now_is_no_end(tmp_path):
    """As a limit of time sets it: the next start goes on there."""

    class Limit(Callback):
        def on_batch_end(self, run):
            run.stop_now = run.updates % 3 == 0

    starts, found = 0, None
    while found is None or len(found[2]) < 3:
        starts, found = starts + 1, train(tmp_path, Limit(), resume=tmp_path)
    state = bits(*found)
    assert state == bits(*train()) and starts == 5  # the last one begins behind the last batch


def test_a_run_stopped_at_a_loss_that_is_not_finite(tmp_path):
    class Stop(Callback):
        def on_train_begin(self, run):
            run.non_finite = "stop"

        def on_gradients(self, run):
            if (run.epoch, run.batch) == (2, 2):
                run.optimizer.param_groups[0]["params"][0].grad.array[...] = np.nan

    _, _, history = train(tmp_path, Stop())
    _, _, resumed = train(tmp_path, Stop(), resume=tmp_path)
    assert history.stopped == resumed.stopped != "" and len(resumed) == 1


def test_state_beside_the_arrays(tmp_path):
    """What callbacks have changed: p of a Dropout, a strength, a frozen parameter, a part in eval mode, skips."""

    class Change(Callback):
        def on_train_begin(self, run):
            run.non_finite = "skip"

        def on_gradients(self, run):
            if (run.epoch, run.batch) == (1, 2):
                run.optimizer.param_groups[0]["params"][1].grad.array[...] = np.inf

        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (1, 3):
                run.model[1].p = 0.5
                run.terms[1].entries[0].term.l1 = 0.2
                run.model[0].bias.requires_grad_(False)
                run.model[2].eval()

    with pytest.raises(Killed):
        train(tmp_path, Change(), Kill(2, 2))
    seen = []

    class See(Callback):
        def on_train_end(self, run):
            seen.append((run.skipped, run.updates, run.resumed, run.model[2].training))

    assert bits(*train(tmp_path, Change(), See(), resume=tmp_path)) == bits(*train(None, Change(), See()))
    assert seen == [(1, 11, (1, 1), False), (1, 11, None, False)]


def test_parameters_outside_of_the_model(tmp_path):
    """A loss with a parameter of its own, and a state."""

    class Scaled(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter([1.0])
            self.register_buffer("calls", 0.0)

        def forward(self, output, y):
            with mg.no_grad():
                self.calls.copy_(self.calls + 1)
            return mg.mse(output * self.scale, y) + 0.01 * (self.scale * self.scale).sum()

    def run(kill=None, folder=None, resume=None):
        mg.manual_seed(8)
        model, loss = nn.Linear(3, 1), Scaled()
        optimizer = optim.Adam([*model.parameters(), *loss.parameters()])
        callbacks = [*([kill] if kill else []), *([Checkpoint(folder, every="batch")] if folder else [])]
        fit(model, (X, Y), loss, optimizer, epochs=3, batch_size=6, callbacks=callbacks, resume=resume)
        return loss.scale.data.item(), loss.calls.data.item() % 100, model.weight.data.tolist()

    with pytest.raises(Killed):
        run(Kill(2, 3), tmp_path)
    scale, _, weight = run(None, tmp_path, tmp_path)
    assert (scale, weight) == run()[::2]


def test_callbacks_know_at_the_beginning(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, Kill(2, 3))
    seen = []

    class Log(Callback):
        def on_train_begin(self, run):
            seen.append((run.resumed, len(run.history)))

        def on_batch_end(self, run):
            if len(seen) == 1:
                seen.append((run.epoch, run.batch, run.updates))

    train(tmp_path, Log(), resume=tmp_path)
    assert seen == [((1, 2), 1), (2, 3, 7)]


def test_seconds_count_on(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("minigrad.train.run.time.perf_counter", lambda: now[0])

    class Clock(Callback):
        def on_gradients(self, run):
            now[0] += 1.0

    with pytest.raises(Killed):
        train(tmp_path, Clock(), Kill(2, 3))
    now[0] = 1000.0
    assert train(tmp_path, Clock(), resume=tmp_path)[2]["seconds"] == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("parts", [tuple, list, lambda pair: dict(zip("ab", pair))], ids=["tuple", "list", "dict"])
@pytest.mark.parametrize("at", [(2, 3), (2, 4), "validation"])
def test_metrics_of_all_rows(tmp_path, parts, at):
    """They see the outputs of the batches before the kill too, also where no batch is left."""

    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 1), nn.Linear(3, 1)

        def forward(self, x):
            return parts([self.a(x), self.b(x)])

    def pair(output):
        return output.values() if isinstance(output, dict) else output

    @mg.train.over_all_rows
    def spread(output, y):
        a, b = pair(output)
        if len(y) == 9 and at == "validation" and killing:
            raise Killed
        return float(np.ptp(a.data) + np.median(b.data))

    def loss(output, y):
        a, b = pair(output)
        return mg.mse(a, y) + mg.mse(b, y)

    def run(folder=None, *callbacks, resume=None):
        mg.manual_seed(1)
        model = Two()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        save = [Checkpoint(folder, every="batch")] if folder else []
        return bits(model, optimizer, fit(
            model, (X, Y), loss, optimizer, epochs=3, batch_size=6, metrics=[spread], resume=resume,
            validation_data=(X[:9], Y[:9]), callbacks=[*callbacks, *save],
        ))  # fmt: skip

    killing = True
    with pytest.raises(Killed):
        run(tmp_path, *([] if at == "validation" else [Kill(*at)]))
    killing = False
    assert run(tmp_path, resume=tmp_path) == run()


# --- which file -----------------------------------------------------------------------------------------------------


def test_a_folder_that_is_missing_or_empty_is_a_fresh_start(tmp_path):
    fresh = bits(*train())
    (tmp_path / "empty").mkdir()
    assert bits(*train(tmp_path / "empty", resume=tmp_path / "empty")) == fresh
    assert bits(*train(tmp_path / "missing", resume=str(tmp_path / "missing"))) == fresh


def test_a_file_that_was_named(tmp_path):
    train(tmp_path)
    fresh = bits(*train())
    file = sorted(tmp_path.glob("epoch-0003-*"))[0]
    assert bits(*train(resume=file)) == fresh
    with pytest.raises(FileNotFoundError):
        train(resume=tmp_path / "epoch-0009.safetensors")


@pytest.mark.parametrize("damage", ["cut", "byte", "empty"])
def test_a_damaged_file_is_said_and_the_one_before_is_taken(tmp_path, damage):
    train(tmp_path)
    newest, before = sorted(tmp_path.glob("epoch*"))[-1], sorted(tmp_path.glob("epoch*"))[-2]
    data = bytearray(newest.read_bytes())
    if damage == "byte":
        data[len(data) // 2] ^= 1
    newest.write_bytes({"cut": data[:-7], "byte": data, "empty": b""}[damage])
    with pytest.warns(UserWarning, match=f"{newest.name}: .*Training is resumed from {before.name}, the one before"):
        resumed = train(tmp_path, resume=tmp_path, epochs=4)
    assert bits(*resumed) == bits(*train(epochs=4))
    with pytest.raises(ValueError, match=newest.name):
        newest.write_bytes(b"")
        train(resume=newest)


def test_all_damaged(tmp_path):
    train(tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(b"0" * 40)
    with pytest.raises(ValueError, match=r"no checkpoint in .* is whole: .*epoch-0003"):
        train(resume=tmp_path)


def test_the_newest_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no checkpoints"):
        mg.train.newest_checkpoint(tmp_path)
    train(tmp_path)
    newest = mg.train.newest_checkpoint(str(tmp_path))
    assert newest.name == "epoch-0003.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert mg.train.newest_checkpoint(tmp_path).name == "epoch-0003-batch-000004.safetensors"


def test_what_is_no_checkpoint(tmp_path):
    mg.save(tmp_path / "model.safetensors", nn.Linear(3, 1))
    with pytest.raises(
        ValueError, match=r"model.safetensors: is no checkpoint of a training; weights alone are loaded"
    ):
        train(resume=tmp_path / "model.safetensors")
    with pytest.raises(TypeError, match="resume is True; need the path"):
        train(resume=True)


def test_the_best_file_can_be_named(tmp_path):
    held_out = {"validation_data": (X[:9], Y[:9])}
    train(None, Checkpoint(tmp_path, best="val_loss"), epochs=4, **held_out)
    assert bits(*train(resume=tmp_path / "best.safetensors", epochs=4, **held_out)) == bits(
        *train(epochs=4, **held_out)
    )


# --- what has to fit ------------------------------------------------------------------------------------------------


OTHERS = {
    "model": ({"model": nn.Sequential(nn.Linear(3, 1))}, "model 0.weight was float32 (3, 5), now it is float32 (3, 1)"),
    "layers": (
        {"model": nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.3), nn.DropConnect(5, 1, seed=2))},
        "layer 0 was Linear(3->5, tanh), now it is Linear(3->5); layer 1 was Dropout(p=0.2), now it is Dropout(p=0.3)",
    ),
    "seed of a layer": (
        {"model": nn.Sequential(nn.Linear(3, 5, activation="tanh"), nn.Dropout(0.2), nn.DropConnect(5, 1, seed=3))},
        "seed of layer 2 was 2, now it is 3",
    ),
    "rows": ({"data": mg.data.Loader(X[:19], Y[:19], 6)}, "data x was 20 rows of (3,) float32"),
    "other rows": ({"data": mg.data.Loader(X[::-1], Y, 6)}, "data x was 20 rows of (3,) float32, hash"),
    "weights": ({"data": mg.data.Loader(X, Y, 6, weight=np.ones(20))}, "data weight was none, now it is 20 rows"),
    "batch_size": ({"data": mg.data.Loader(X, Y, 5)}, "batch_size was 6, now it is 5"),
    "seed": ({"data": mg.data.Loader(X, Y, 6, seed=1)}, "seed was 0, now it is 1"),
    "shuffle": ({"data": mg.data.Loader(X, Y, 6, shuffle=False)}, "shuffle was True, now it is False"),
    "transform": (
        {"data": mg.data.Loader(X, Y, 6, transform=mg.data.Mixup(0.2))},
        "transforms was none, now it is Mixup",
    ),
    "lr": ({"lr": 0.01}, "options of the optimizer lr was 0.05, now it is 0.01"),
    "loss": ({"loss": mg.huber_loss}, "loss was mse, now it is huber_loss"),
    "metrics": ({"metrics": [mg.train.mean_absolute_error]}, "columns was epoch, loss"),
    "validation": ({"validation_data": (X, Y)}, "validation_data was None, now it is x=20 rows"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_does_not_fit_is_said_by_name(tmp_path, what):
    options, text = OTHERS[what]
    train(tmp_path, epochs=1)
    begun = []

    class Begin(Callback):
        def on_train_begin(self, run):
            begun.append(run)

    with pytest.raises(ValueError, match="is of another training: ") as caught:
        train(None, Begin(), resume=tmp_path, **options)
    assert text in str(caught.value) and not begun


def test_other_callbacks(tmp_path):
    train(tmp_path, ClipGradients(max_norm=1.0), epochs=1)
    for callbacks, text in [
        ([], "callbacks with a state was ClipGradients(max_norm=1.0, clip_value=None, norm_type=2.0), now it is none"),
        ([ClipGradients(max_norm=2.0)], "callbacks with a state max_norm was 1.0, now it is 2.0"),
        ([AverageWeights()], "callbacks with a state was ClipGradients, now it is AverageWeights"),
    ]:
        with pytest.raises(ValueError, match="is of another training") as caught:
            train(None, *callbacks, resume=tmp_path)
        assert text in str(caught.value)
    train(None, Kill(9, 9), ClipGradients(max_norm=1.0), resume=tmp_path)  # one without a state is free


def test_other_schedules_and_terms(tmp_path):
    def run(step_size, l1=0.1, folder=None):
        mg.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1, prox=reg.on(model, {"prox": ("weight", reg.L1(l1))}))
        rates = LearningRate(optim.StepLR(optimizer, step_size))
        callbacks = [rates, *([Checkpoint(folder)] if folder else [])]
        fit(model, (X, Y), mg.mse, optimizer, epochs=2, callbacks=callbacks, resume=tmp_path)

    run(1, folder=tmp_path)
    with pytest.raises(ValueError, match="callbacks with a state schedule step_size was 1, now it is 2"):
        run(2)
    with pytest.raises(ValueError, match=r"strengths prox was L1\(0.1\), now it is L1\(0.2\)"):
        run(1, 0.2)


def test_more_differences_than_are_shown(tmp_path):
    train(tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"and [0-9]+ more\. Give fit what it was given then") as caught:
        train(resume=tmp_path, model=nn.Linear(3, 1), data=mg.data.Loader(X[:5], Y[:5], 2, seed=3), lr=1.0)
    assert len(str(caught.value)) < 1500


def test_fewer_epochs_than_there_are(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, Kill(3, 3))
    with pytest.raises(ValueError, match="has 2 epochs and 2 batches, and epochs is 2; need more"):
        train(resume=tmp_path, epochs=2)
    assert bits(*train(resume=tmp_path, epochs=3)) == bits(*train(epochs=3))


# --- the same from outside ------------------------------------------------------------------------------------------


def test_a_folder_may_be_moved(tmp_path):
    train(tmp_path / "a", epochs=2)
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert bits(*train(tmp_path / "b", resume=tmp_path / "b")) == bits(*train())


def test_history_of_nan_and_infinity(tmp_path):
    """JSON of the file keeps what strict JSON does not have."""

    def odd(output, y):
        return {7: float("nan"), 20: float("inf")}.get(len(y), -0.0)

    train(tmp_path, metrics=[odd], validation_data=(X[:7], Y[:7]), epochs=2)
    history = train(resume=tmp_path, metrics=[odd], validation_data=(X[:7], Y[:7]), epochs=2)[2]
    assert isinstance(history, History) and all(np.isnan(history["val_odd"])) and history["odd"] == [-0.0, -0.0]
