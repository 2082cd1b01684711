"""Checkpoint: when files are written, which stay, and what happens where they cannot be written."""

import errno
import os
import signal
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.train import Callback, Checkpoint, fit
from minigrad.train.checkpoint import time_of

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(12, 1)
Y = (X * X).astype(np.float32)


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def train(*callbacks, epochs=3, resume=None, validation_data=None, lr=0.1):
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(1, 4, activation="tanh"), mg.nn.Dropout(0.1), mg.nn.Linear(4, 1))
    optimizer = optim.Adam(model.parameters(), lr=lr)
    history = fit(
        model, (X, Y), mg.mse, optimizer, epochs=epochs, batch_size=4, callbacks=callbacks, resume=resume,
        validation_data=validation_data,
    )  # fmt: skip
    return model, history


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "every, want",
    [
        ("epoch", ["epoch-0001", "epoch-0002", "epoch-0003", "epoch-0004"]),
        ("3 epochs", ["epoch-0003", "epoch-0004"]),
        ("5 batches", ["epoch-0002-batch-000002", "epoch-0004-batch-000001", "epoch-0004"]),
        ("3 batches", [f"epoch-000{i}-batch-000003" for i in (1, 2, 3, 4)] + ["epoch-0004"]),
        (["2 epochs", "5 batches"], ["epoch-0002-batch-000002", "epoch-0002", "epoch-0004-batch-000001", "epoch-0004"]),
        ("100 hours", ["epoch-0004"]),
        ("100 epochs", ["epoch-0004"]),
    ],
)
def test_every(tmp_path, every, want):
    train(Checkpoint(tmp_path, every=every, keep=None), epochs=4)
    assert set(names(tmp_path)) == {f"{name}.safetensors" for name in want}


def test_by_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("minigrad.train.checkpoint.time.monotonic", lambda: now[0])

    class Clock(Callback):
        def on_batch_end(self, run):
            now[0] += 50.0

    train(Clock(), Checkpoint(tmp_path, every="2 minutes", keep=None), epochs=2)
    assert names(tmp_path) == [
        f"epoch-{name}.safetensors" for name in ("0001-batch-000003", "0002-batch-000003", "0002")
    ]


@pytest.mark.parametrize("every", ["daily", "ten minutes", "5", "0 epochs", "-1 batches", 5, None, "1.5 epochs", ""])
def test_a_time_that_is_none_is_refused(tmp_path, every):
    with pytest.raises(ValueError, match=r"every is .* need "):
        Checkpoint(tmp_path, every=every)


def test_times():
    assert time_of("batch") == (1, "batch") and time_of("1 epoch") == (1, "epoch") and time_of("90 seconds")[0] == 90
    with pytest.raises(ValueError, match=r"every is '0.5 batches'; need a whole number of batches"):
        time_of("0.5 batches")


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_a_count_that_is_none_is_refused(tmp_path, keep):
    with pytest.raises((ValueError, TypeError), match="Checkpoint: keep"):
        Checkpoint(tmp_path, keep=keep)


# --- which stay -----------------------------------------------------------------------------------------------------


def test_the_newest_stay(tmp_path):
    save = Checkpoint(tmp_path / "a" / "b", every="batch", keep=2)
    train(save, epochs=2)
    assert names(save.folder) == ["epoch-0002-batch-000003.safetensors", "epoch-0002.safetensors"]
    assert save.last == save.folder / "epoch-0002.safetensors"


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "epoch-1.txt").write_text("mine")
    train(Checkpoint(tmp_path, keep=1))
    assert names(tmp_path) == ["epoch-0003.safetensors", "epoch-1.txt", "notes.txt"]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_best_epoch(tmp_path, mode):
    kept = []

    class Score(Callback):
        scores = [3.0, float("nan"), 5.0, 2.0, 5.0, 2.0]

        def on_epoch_end(self, run):
            run.row["score"] = self.scores[run.epoch - 1]
            kept.append(run.model.state_dict())

    train(Score(), Checkpoint(tmp_path, best="score", mode=mode), epochs=6)
    best = mg.load(tmp_path / "best.safetensors")
    want = 3 if mode == "min" else 2  # the first of those that have the best score
    assert best.metadata["epoch"] == str(want + 1)
    for name, array in kept[want].items():
        np.testing.assert_array_equal(best.part("model")[name], array)


def test_the_best_epoch_of_a_resumed_run(tmp_path):
    class Score(Callback):
        def on_epoch_end(self, run):
            run.row["score"] = [3.0, 1.0, 2.0, 1.5, 0.5, 0.7][run.epoch - 1]

    for epochs, best in [(1, 1), (3, 2), (4, 2), (6, 5)]:
        train(Score(), Checkpoint(tmp_path, best="score", mode="min"), epochs=epochs, resume=tmp_path)
        assert mg.load(tmp_path / "best.safetensors").metadata["epoch"] == str(best)


def test_a_best_column_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no 'val_los'"):
        train(Checkpoint(tmp_path, best="val_los"), validation_data=(X, Y))
    with pytest.raises(ValueError, match="best='loss' is a mean over batches, each before its update"):
        train(Checkpoint(tmp_path, best="loss"), validation_data=(X, Y))
    with pytest.raises(ValueError, match="need 'min' or 'max'"):
        Checkpoint(tmp_path, best="val_loss", mode="lowest")
    assert names(tmp_path) == []


# --- where they cannot be written -----------------------------------------------------------------------------------


class Count(Callback):
    batches = 0

    def on_batch_end(self, run):
        self.batches += 1


def test_a_folder_that_cannot_be_written_is_an_error_before_the_first_batch(tmp_path):
    (tmp_path / "file").write_text("")
    count = Count()
    impossible = ["/proc/minigrad"] * os.path.isdir("/proc")
    for folder in [*impossible, tmp_path / "file", tmp_path / "file" / "below"]:
        with pytest.raises(OSError, match="Checkpoint: no file can be made in the folder"):
            train(count, Checkpoint(folder))
    assert count.batches == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write into every folder")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="no file can be made in the folder"):
        train(Checkpoint(tmp_path))


def test_training_goes_on_where_the_disk_is_full(tmp_path):
    """A limit on the size of files stands for the disk: from the second epoch on, only small files can be written."""
    resource = pytest.importorskip("resource", reason="sizes of files are limited on POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    class Fill(Callback):
        def on_epoch_end(self, run):
            limit = before[0] if run.epoch in (1, 4) else 100
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))

    save = Checkpoint(tmp_path)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model, history = train(Fill(), save, epochs=5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    # After epochs 2, 3 and 5, and once more at the end.
    assert len(history) == 5 and len(said) == 4 and save.error.errno == errno.EFBIG
    assert names(tmp_path) == ["epoch-0001.safetensors", "epoch-0004.safetensors"]
    last = tmp_path / "epoch-0001.safetensors"
    text = f"[Errno 27] File too large: '{tmp_path / 'epoch-0002.safetensors'}'; training goes on, the newest"
    assert f"{text} checkpoint is {last}" in str(said[0].message)
    resumed, _ = train(Checkpoint(tmp_path), epochs=5, resume=tmp_path)
    assert (resumed[0].weight.data == model[0].weight.data).all()


def test_an_old_file_makes_room_on_a_full_disk(tmp_path, monkeypatch):
    """The disk holds two files: the third one is written in the place of the first, which would go anyway."""
    from minigrad.train import checkpoint

    write = checkpoint.write

    def on_a_small_disk(path, run):
        if len(names(tmp_path)) >= 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, run)

    monkeypatch.setattr(checkpoint, "write", on_a_small_disk)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(Checkpoint(tmp_path, keep=2), epochs=4)
    assert names(tmp_path) == ["epoch-0003.safetensors", "epoch-0004.safetensors"]


# --- one training, one folder ---------------------------------------------------------------------------------------


def test_a_folder_with_checkpoints_of_another_training_is_refused(tmp_path):
    train(Checkpoint(tmp_path))
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with pytest.raises(ValueError, match=r"holds checkpoints of an earlier training \(3 files, up to epoch-0003"):
        train(Checkpoint(tmp_path))
    with pytest.raises(ValueError, match=r"later than the one that training goes on from \(2 files"):
        train(Checkpoint(tmp_path), resume=tmp_path / "epoch-0001.safetensors", epochs=5)
    assert before == {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    train(Checkpoint(tmp_path / "other"), resume=tmp_path / "epoch-0001.safetensors", epochs=5)
    assert names(tmp_path / "other")[-1] == "epoch-0005.safetensors"


def test_two_trainings_at_once(tmp_path):
    pytest.importorskip("fcntl", reason="folders are locked by fcntl")

    class Second(Callback):
        def on_batch_end(self, run):
            with pytest.raises(ValueError, match=r"another training writes into .* now; name another folder"):
                train(Checkpoint(tmp_path), epochs=1)
            with pytest.raises(ValueError, match="another training writes into"):
                train(Checkpoint(tmp_path), epochs=1, resume=tmp_path)

    train(Second(), Checkpoint(tmp_path), epochs=1)
    train(Checkpoint(tmp_path), epochs=2, resume=tmp_path)  # and the lock is gone


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


class Press(Callback):
    """Ctrl-C `times` times, at a point of batch 2 in epoch 2."""

    def __init__(self, times=1, point="on_gradients"):
        self.times = times
        setattr(self, point, self.press)

    def press(self, run):
        if (run.epoch, run.batch) == (2, 2):
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("point", ["on_gradients", "on_batch_end"])
def test_ctrl_c_leaves_a_checkpoint_of_the_batch(tmp_path, point):
    with pytest.raises(KeyboardInterrupt) as caught:
        train(Press(point=point), Checkpoint(tmp_path))
    assert names(tmp_path) == ["epoch-0001.safetensors", "epoch-0002-batch-000002.safetensors"]
    assert any(
        f"resume={str(tmp_path)!r}" in note
        for note in getattr(caught.value, "__notes__", [f"resume={str(tmp_path)!r}"])
    )
    whole, resumed = train(), train(Checkpoint(tmp_path), resume=tmp_path)
    assert (whole[0][0].weight.data == resumed[0][0].weight.data).all()
    assert whole[1]["loss"] == resumed[1]["loss"]


def test_ctrl_c_twice_leaves_the_checkpoints_that_there_are(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(Press(2), Checkpoint(tmp_path))
    assert names(tmp_path) == ["epoch-0001.safetensors"]
    assert train()[1]["loss"] == train(Checkpoint(tmp_path), resume=tmp_path)[1]["loss"]


def test_ctrl_c_in_the_validation(tmp_path):
    presses = []

    def metric(output, y):
        if len(y) == 5:  # the validation data
            presses.append(1)
            if len(presses) == 2:
                signal.raise_signal(signal.SIGINT)
        return 0.0

    def run(folder):
        mg.manual_seed(0)
        model = mg.nn.Linear(1, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        return fit(
            model, (X, Y), mg.mse, optimizer, epochs=3, batch_size=4, metrics=[metric], resume=folder,
            validation_data=(X[:5], Y[:5]), callbacks=[Checkpoint(folder)],
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a")
    assert names(tmp_path / "a")[-1] == "epoch-0002-batch-000003.safetensors"
    assert run(tmp_path / "a")["val_loss"] == run(tmp_path / "b")["val_loss"] and len(presses) == 2 + 2 + 3


def test_an_error_leaves_the_checkpoints_that_there_are(tmp_path):
    class Fail(Callback):
        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (2, 2):
                raise RuntimeError("of the user's")

    with pytest.raises(RuntimeError):
        train(Fail(), Checkpoint(tmp_path))
    assert names(tmp_path) == ["epoch-0001.safetensors"]


# --- what has no state ----------------------------------------------------------------------------------------------


def test_what_cannot_be_saved_is_an_error_before_the_first_batch(tmp_path):
    class Held(Count):
        def state_dict(self):
            return {"held": {1, 2}}

    held = Held()
    with pytest.raises(TypeError, match="a set; need numbers"):
        train(held, Checkpoint(tmp_path))
    assert held.batches == 0
    with pytest.raises(TypeError, match="also has 'list'"):
        Checkpoint(tmp_path, also={"list": []})
    with pytest.raises(TypeError, match="need a dict"):
        Checkpoint(tmp_path, also=mg.rng.Streams(1))
    with pytest.raises(TypeError, match="folder is None"):
        Checkpoint(None)


def test_the_model_of_a_checkpoint_predicts(tmp_path):
    model, _ = train(Checkpoint(tmp_path))
    again = mg.nn.Sequential(mg.nn.Linear(1, 4, activation="tanh"), mg.nn.Dropout(0.1), mg.nn.Linear(4, 1))
    again.load_state_dict(mg.load(tmp_path / "epoch-0003.safetensors").part("model"))
    assert (again.predict(X) == model.predict(X)).all()
