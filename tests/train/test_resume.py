"""fit(..., resume=path): which file is taken, and what has to fit; tests of equal bits are in test_resume_bits.py."""

import errno
import shutil
import warnings
import weakref

import numpy as np
import pytest
from train.killed import Kill, Killed, X, Y, bits, train

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import AverageWeights, Callback, Checkpoint, ClipGradients, History, LearningRate, fit

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


@pytest.mark.parametrize("damage", ["cut", "number", "text", "empty"])
def test_a_damaged_file_is_said_and_the_one_before_is_taken(tmp_path, damage):
    train(tmp_path)
    newest, before = sorted(tmp_path.glob("epoch*"))[-1], sorted(tmp_path.glob("epoch*"))[-2]
    data = bytearray(newest.read_bytes())
    if damage in ("number", "text"):  # a bit of the first tensor, or of the JSON at the end
        data[9 + int.from_bytes(data[:8], "little") if damage == "number" else -200] ^= 1
    newest.write_bytes({"cut": data[:-7], "empty": b""}.get(damage, data))
    with pytest.warns(UserWarning, match=f"{newest.name}: .*Training is resumed from {before.name}, the one before"):
        resumed = train(tmp_path, resume=tmp_path, epochs=4)
    assert bits(*resumed) == bits(*train(epochs=4))
    with pytest.raises(ValueError, match=newest.name):
        newest.write_bytes(b"")
        train(resume=newest)


def test_a_damaged_file_goes_when_a_whole_one_is_written(tmp_path):
    """Until then it counts as none: with keep=2 the whole one before stays, also where the disk is full."""
    train(tmp_path, epochs=1)
    newest = sorted(tmp_path.glob("epoch*"))[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    whole = sorted(tmp_path.glob("epoch*"))[-2]

    def full(path, run):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minigrad.train.checkpoint.write", full)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train(None, Checkpoint(tmp_path, keep=2), resume=tmp_path)
    assert whole.exists() and newest.exists()
    with pytest.warns(UserWarning, match="Training is resumed from"):
        train(None, Checkpoint(tmp_path, every="3 batches", keep=2), resume=tmp_path)
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["epoch-0003-batch-000004.safetensors", "epoch-0003.safetensors"]


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


def test_what_was_loaded_is_not_kept(tmp_path):
    """Else a resumed run would need the memory of its state twice."""
    train(tmp_path, epochs=1)
    seen = []

    class See(Callback):
        def on_train_begin(self, run):
            seen.append(weakref.ref(run.saved))

        def on_batch_end(self, run):
            seen.append(seen[0]() is None)

    train(None, See(), resume=tmp_path, epochs=2)
    assert all(seen[1:]) and len(seen) == 5


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
