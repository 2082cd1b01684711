"""What train.Record keeps: as much as fits, in files that are whole after a kill; no bit of the training changes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from train.travel.recorded import X, Y, arguments, everything, plain, record, same

import minigrad as mg
from minigrad.train import Checkpoint, Record, fit, open_run
from minigrad.train.travel.folder import LOSSES, snapshots

SCRIPT = Path(__file__).with_name("recorded_run.py")


def trained(folder, build, epochs=6, resume=None, more=(), seed=3, **options):
    mg.manual_seed(seed)
    given = arguments(build())
    callbacks = [*given.pop("callbacks", ()), *more, *([] if folder is None else [Record(folder, **options)])]
    fit(**given, data=(X, Y), epochs=epochs, batch_size=32, seed=5, callbacks=callbacks, resume=resume)
    return given["model"]


def size(folder):
    return sum(file.stat().st_size for file in Path(folder).iterdir())


def test_recording_changes_no_bit(tmp_path):
    alone, recorded = trained(None, everything), trained(tmp_path / "run", everything, seconds=0)
    assert same(dict(alone.state_dict()), dict(recorded.state_dict()))


@pytest.mark.parametrize("megabytes", [0.05, 0.1, 0.4])
def test_the_folder_stays_within_its_room_and_uses_half_of_it(megabytes, tmp_path):
    sizes = []

    class Look(mg.train.Callback):
        def on_batch_end(self, run):
            sizes.append(size(tmp_path / "run"))

    trained(tmp_path / "run", everything, epochs=30, more=[Look()], megabytes=megabytes, seconds=0)
    assert max(sizes) <= 1e6 * megabytes and size(tmp_path / "run") <= 1e6 * megabytes
    steps = list(snapshots(tmp_path / "run", 5))
    apart = json.loads((tmp_path / "run" / "run.json").read_text())["apart"]
    assert steps[0] == 0 and steps[-1] == 150 and apart & (apart - 1) == 0
    assert steps[:-1] == list(range(0, 150, apart))
    if megabytes < 0.4:
        assert size(tmp_path / "run") >= 0.35e6 * megabytes and apart > 1


def test_a_model_too_large_keeps_the_first_snapshot_and_the_newest(tmp_path):
    with pytest.warns(UserWarning, match="Record: a snapshot takes 0.0 MB, and megabytes is 0.01"):
        trained(tmp_path / "run", everything, megabytes=0.01, seconds=0)
    assert list(snapshots(tmp_path / "run", 5)) == [0, 30]
    assert open_run(tmp_path / "run", everything, (X, Y)).check().startswith("equal: 30 steps")


def test_snapshots_are_as_far_apart_as_seconds_say(tmp_path):
    trained(tmp_path / "run", everything, seconds=1e3)
    assert list(snapshots(tmp_path / "run", 5)) == [0, 30]
    assert len(open_run(tmp_path / "run", everything, (X, Y)).losses) == 30


def test_another_training_is_not_written_over(tmp_path):
    trained(tmp_path / "run", plain())
    with pytest.raises(
        ValueError, match="holds the record of an earlier training; name another folder, remove this one, or"
    ):
        trained(tmp_path / "run", plain())


def test_a_checkpoint_and_a_record_are_resumed_together(tmp_path):
    """The checkpoint is newer than the newest snapshot, or older: the record goes on at the place of the checkpoint."""
    whole = trained(tmp_path / "whole", everything, epochs=9)

    def part(folder, epochs, every, **options):
        save = Checkpoint(tmp_path / folder / "saved", every=every)
        resume = tmp_path / folder / "saved"
        return trained(tmp_path / folder / "run", everything, epochs, resume, [save], seed=4, **options)

    for folder, seconds in (("near", 0), ("far", 1e3)):
        mg.manual_seed(3)
        save = [Checkpoint(tmp_path / folder / "saved", every="epoch", keep=None)]
        trained(tmp_path / folder / "run", everything, 6, more=save, seconds=seconds)
        last = sorted((tmp_path / folder / "saved").iterdir())[-1]
        last.unlink()  # as if it had been killed in between: the record is newer
        model = part(folder, 9, "epoch", seconds=seconds)
        assert same(dict(model.state_dict()), dict(whole.state_dict()))
        run = open_run(tmp_path / folder / "run", everything, (X, Y))
        assert run.steps == 45 and run.check().startswith("equal: 45 steps")
        assert run.losses.tolist() == open_run(tmp_path / "whole", everything, (X, Y)).losses.tolist()


def test_losses_that_were_not_kept_are_nan(tmp_path):
    trained(tmp_path / "run", plain())
    with open(tmp_path / "run" / LOSSES, "r+b") as file:
        file.truncate(8 * 20 + 3)
    run = open_run(tmp_path / "run", plain(), (X, Y))
    assert np.isnan(run.losses).tolist() == [False] * 20 + [True] * 10 and run.check()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize("compile", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_kill_leaves_a_run_that_opens_and_goes_on(compile, tmp_path):
    sys.path.insert(0, str(SCRIPT.parent))
    import recorded_run

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(mg.__file__).parent.parent), *sys.path])}
    folder, kills, reached = tmp_path / "run", 0, []
    while kills < 3:
        child = subprocess.Popen(
            [sys.executable, SCRIPT, folder, str(int(compile))], stdout=subprocess.PIPE, env=environment
        )
        assert child.stdout.readline() == b"begins\n"
        try:
            child.wait(0.4 + 0.23 * kills)
        except subprocess.TimeoutExpired:
            child.kill()
        child.communicate()
        kills += 1
        assert child.returncode in (0, -signal.SIGKILL)
        run = open_run(folder, recorded_run.build, recorded_run.DATA)
        reached.append(run.steps)
        assert not list(folder.glob("*.part"))
        if run.steps:
            assert run.check(1) and same(run.at(run.steps).after, dict(run.state_after(run.steps).model))
    assert reached == sorted(reached) and reached[-1] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [({"megabytes": -1}, "megabytes"), ({"seconds": "1"}, "seconds"), ({"megabytes": float("nan")}, "megabytes")],
)
def test_options_are_checked(options, said, tmp_path):
    with pytest.raises((ValueError, TypeError), match=f"Record: {said}"):
        Record(tmp_path, **options)
    with pytest.raises(TypeError, match="Record: folder is 3"):
        Record(3)


def test_what_the_user_says_is_kept(tmp_path):
    trained(tmp_path / "run", plain(), about={"note": "first try"})
    assert open_run(tmp_path / "run", plain(), (X, Y)).about["about"] == {"note": "first try"}


def test_a_record_of_a_record_is_refused_where_data_changed(tmp_path):
    trained(tmp_path / "run", plain())
    given = arguments(plain()())
    with pytest.raises(ValueError, match="of another training"):
        fit(
            **given, data=(X + 1, Y), epochs=9, batch_size=32, seed=5, resume=tmp_path / "run",
            callbacks=[Record(tmp_path / "run")],
        )  # fmt: skip
    assert record(tmp_path / "other", plain())[1].steps == 60
