"""Logs: what they hold is the history, after kills, resumed runs, other runs, new columns and full disks."""

import copy
import csv
import errno
import json
import math
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.train import Callback, Checkpoint, CSVLogger, JSONLogger, accuracy, fit, logs

X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
Y = np.arange(12) % 2
LOGGERS = [CSVLogger, JSONLogger]


def train(*callbacks, epochs=3, **options):
    mg.manual_seed(1)
    model = mg.nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    options = {"batch_size": 5, "validation_data": (X, Y), **options}
    return fit(model, (X, Y), mg.cross_entropy, optimizer, epochs=epochs, callbacks=list(callbacks), **options)


def read(log):
    """The rows of a log, read by other means than its own: NaN where JSON has null, nothing where CSV has none."""
    text = log.file.read_text(encoding="utf-8")
    if isinstance(log, JSONLogger):
        rows = [json.loads(line) for line in text.splitlines()]
        return [{k: math.nan if v is None else v for k, v in row.items()} for row in rows]
    return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(text.splitlines())]


def unlike(rows):
    """The rows without the seconds that they took."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


@pytest.fixture(params=LOGGERS)
def log(request, tmp_path):
    return request.param(tmp_path / "log")


class Stop(Callback):
    """Raise at a point, as a kill would: what stands behind it in the list is not called."""

    def __init__(self, epoch, batch=None):
        self.epoch, self.batch = epoch, batch

    def on_batch_end(self, run):
        if (run.epoch, run.batch) == (self.epoch, self.batch):
            raise RuntimeError("killed")

    def on_epoch_end(self, run):
        if run.epoch == self.epoch and self.batch is None:
            raise RuntimeError("killed")


def test_rows_are_those_of_the_history(log):
    seen = []

    class See(Callback):
        def on_epoch_end(self, run):
            seen.append(read(log))  # already in the file

    history = train(log, See(), metrics=[accuracy])
    assert read(log) == history.rows and [len(rows) for rows in seen] == [1, 2, 3]
    assert list(read(log)[0]) == history.names


def test_numbers_are_written_in_full(log):
    values = [1 / 3, 1e-300, math.nan, 5e-324, -0.0, math.inf]

    class Odd(Callback):
        def on_epoch_end(self, run):
            run.row.update({f'a, "b" é{i}': value for i, value in enumerate(values)})

    train(Odd(), log, epochs=1)
    row = read(log)[0]
    for i, value in enumerate(values):
        found = row[f'a, "b" é{i}']
        assert found == value or (not math.isfinite(value) and not math.isfinite(found))
    assert math.copysign(1, row['a, "b" é4']) == -1


def test_another_run_is_refused_appended_or_replaced(log):
    first = train(log)
    before = log.file.read_bytes()
    with pytest.raises(FileExistsError, match=r"log holds 3 epochs of another run; need a new file, append=True"):
        train(type(log)(log.file))
    assert log.file.read_bytes() == before
    second = train(type(log)(log.file, append=True), epochs=2, metrics=[accuracy])  # with a new column
    rows = read(log)
    assert rows == first.rows + second.rows and "accuracy" not in rows[0] and "accuracy" in rows[3]
    third = train(type(log)(log.file, append=True), epochs=1)  # with one less
    assert read(log) == first.rows + second.rows + third.rows
    last = train(type(log)(log.file, overwrite=True))
    assert read(log) == last.rows


def test_columns_that_come_late(log):
    class Late(Callback):
        def on_epoch_end(self, run):
            if run.epoch == 2:
                run.row["late"] = 7.5

    history = train(Late(), log)
    rows = read(log)
    assert [row.get("late") for row in rows] == [None, 7.5, None]
    assert [row["loss"] for row in rows] == history["loss"]


@pytest.mark.parametrize("stop", [(1, 2), (2, None), (2, 3), (3, 1)])
@pytest.mark.parametrize("order", ["log first", "checkpoint first"])
@pytest.mark.parametrize("every", ["epoch", "2 batches"])
def test_a_resumed_run_continues_its_file(log, tmp_path, stop, order, every):
    """Whatever came to the file and to the checkpoints before the kill: each epoch stands there once."""
    whole = train(type(log)(tmp_path / "whole"), epochs=4)

    def callbacks():
        both = [type(log)(log.file, overwrite=True), Checkpoint(tmp_path / "run", every)]
        return both if order == "log first" else both[::-1]

    with pytest.raises(RuntimeError, match="killed"):
        first, second = callbacks()
        train(first, Stop(*stop), second, epochs=4, resume=tmp_path / "run")
    history = train(*callbacks(), epochs=4, resume=tmp_path / "run")
    assert read(log) == history.rows
    assert unlike(history.rows) == unlike(whole.rows)


def test_rows_before_the_run_stay_when_it_is_resumed(log, tmp_path):
    first = train(log, epochs=2)
    for stop in (Stop(1, 2), Stop(3, 1)):
        with pytest.raises(RuntimeError, match="killed"):
            train(
                type(log)(log.file, append=True),
                Checkpoint(tmp_path / "run", "batch"),
                stop,
                epochs=4,
                resume=tmp_path / "run",
            )
    history = train(
        type(log)(log.file, append=True), Checkpoint(tmp_path / "run", "batch"), epochs=4, resume=tmp_path / "run"
    )
    assert read(log) == first.rows + history.rows


def test_a_resumed_run_refuses_the_file_of_another(log, tmp_path):
    train(log, Checkpoint(tmp_path / "run"), epochs=2)
    text = log.file.read_text()
    lines = text.splitlines(keepends=True)
    loss = str(read(log)[0]["loss"])
    log.file.write_text(text.replace(loss, "0.125"))
    with pytest.raises(ValueError, match=r"is the log of another run: in epoch 1 loss is 0.125 there"):
        train(type(log)(log.file), Checkpoint(tmp_path / "run"), epochs=3, resume=tmp_path / "run")
    log.file.unlink()  # a file that is gone is written anew
    history = train(type(log)(log.file), Checkpoint(tmp_path / "run"), epochs=3, resume=tmp_path / "run")
    assert read(log) == history.rows and log.file.read_text().startswith("".join(lines))


def test_a_file_cut_at_any_byte(log, tmp_path):
    """A kill or a full disk may leave half a line; the resumed run mends it."""
    train(log, Checkpoint(tmp_path / "run"), epochs=2)
    data = log.file.read_bytes()
    for size in range(0, len(data) + 1, 7):
        log.file.write_bytes(data[:size])
        again = type(log)(log.file)
        history = train(again, Checkpoint(tmp_path / "run"), epochs=2, resume=tmp_path / "run")
        assert log.file.read_bytes() == data and history.rows == read(log)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (CSVLogger, b"a,b\n1,2\n", "no log of a training: its first line has no column 'epoch'"),
        (CSVLogger, b"epoch,loss\n1,0.5\n2\n", "line 3 has 1 cells, the first line 2"),
        (CSVLogger, b"epoch,loss\n1,low\n", "line 2 has 'low', which is no number"),
        (CSVLogger, b"epoch,\xff\n", "no log of a training: 'utf-8' codec"),
        (JSONLogger, b'{"epoch": 1}\nhello\n', "line 2 is no JSON"),
        (JSONLogger, b"[1]\n", "line 1 has no 'epoch'"),
        (JSONLogger, b'{"epoch": 1, "loss": "low"}\n', "'loss' is 'low', which is no number"),
    ],
)
def test_files_that_are_no_log(tmp_path, kind, data, words):
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(ValueError, match=words):
        train(kind(tmp_path / "log", append=True))
    assert (tmp_path / "log").read_bytes() == data


def test_a_full_disk_is_said_once_and_mended(log, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")

    class Disk(Callback):
        def on_epoch_end(self, run):
            broken = run.epoch in (2, 3)

            def fail(*args, **options):
                raise full

            with monkeypatch.context() as patch:
                if broken:
                    patch.setattr(logs, "open", fail, raising=False)
                    patch.setattr(logs, "atomic_write", fail)
                log.on_epoch_end(run)

    log.on_train_begin(type("Run", (), {"callbacks": [], "history": mg.train.History(), "resumed": None}))
    with pytest.warns(RuntimeWarning, match="cannot be written .No space left on device.; training goes on") as caught:
        history = train(Disk(), epochs=5)
    assert len(caught) == 1 and log.error is full
    assert read(log) == history.rows


def test_a_folder_that_is_missing_is_said_before_the_first_batch(tmp_path):
    for path in (tmp_path / "none" / "log", tmp_path):
        with pytest.raises(OSError, match=r"folder"):
            train(CSVLogger(path))


def test_arguments(tmp_path):
    for make, error, words in [
        (lambda: CSVLogger(3), TypeError, "CSVLogger: path is 3; need the name of a file"),
        (lambda: JSONLogger("a", append="yes"), TypeError, "JSONLogger: append is 'yes'; need True or False"),
        (lambda: CSVLogger("a", append=True, overwrite=True), ValueError, "append and overwrite are both True"),
    ]:
        with pytest.raises(error, match=words):
            make()
    with pytest.raises(ValueError, match="two callbacks write"):
        train(CSVLogger(tmp_path / "a"), JSONLogger(tmp_path / "b" / ".." / "a"))


def test_copies_go_on_by_themselves(log):
    train(log, epochs=2)
    for twin in (copy.deepcopy(log), pickle.loads(pickle.dumps(log))):
        twin.file = twin.file.with_name("other")
        twin.overwrite = True
        history = train(twin, epochs=1)
        assert read(twin) == history.rows


SCRIPT = """
import sys, numpy as np, minigrad as mg
from minigrad.train import Checkpoint, CSVLogger, JSONLogger, fit
folder = sys.argv[1]
mg.manual_seed(1)
x = np.random.default_rng(0).standard_normal((64, 3)).astype(np.float32)
model = mg.nn.Linear(3, 2)
optimizer = mg.optim.Adam(model.parameters())
logs = [CSVLogger(f"{folder}/log.csv", overwrite=True), JSONLogger(f"{folder}/log.jsonl", overwrite=True)]
save = Checkpoint(f"{folder}/run", every=["epoch", "3 batches"])
fit(model, (x, np.arange(64) % 2), mg.cross_entropy, optimizer, epochs=int(sys.argv[2]), batch_size=4,
    callbacks=[logs[0], save, logs[1]], resume=f"{folder}/run")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_runs(tmp_path):
    """SIGKILL at some moments, and the same script again: each epoch stands in the files once, in order."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    for at_least in (2, 9):
        process = subprocess.Popen([*command, "1000000"])
        file = tmp_path / "log.jsonl"
        while process.poll() is None and (not file.exists() or file.read_bytes().count(b"\n") < at_least):
            pass
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    done = max(len(read(CSVLogger(tmp_path / "log.csv"))), len(read(JSONLogger(file)))) + 1
    subprocess.run([*command, str(done)], check=True)
    for log in (CSVLogger(tmp_path / "log.csv"), JSONLogger(file)):
        assert [row["epoch"] for row in read(log)] == list(range(1, done + 1))
    assert read(CSVLogger(tmp_path / "log.csv")) == read(JSONLogger(file))
