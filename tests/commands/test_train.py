"""minigrad train: a model of a CSV file, kept in a folder."""

import json
import subprocess
import sys

import pytest
from commands.choosing import READ, run

from minigrad import data, selection, tabular


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "chosen by cross-validation: the best mean of 6 λ in 3 folds"),
        (["--pick", "1se"], "the largest within one standard error of the best of 6 λ"),
        (["--lambda", "0.1", "--l1-ratio", "0.5"], "penalty: l1 = 0.05, l2 = 0.05, as given"),
        (["--l1", "0.1"], "penalty: l1 = 0.1, l2 = 0, as given"),
        (
            ["--model", "mlp", "--epochs", "3", "--hidden", "8", "4", "--dropout", "0.1"],
            "units 6-8-4-1, relu, dropout 0.1; 3",
        ),
        (["--target", "town", "--categorical", "town", "--lambda", "0.1"], "3 classes: Aa, Bb, Cc"),
    ],
    ids=["linear", "1se", "λ", "l1", "mlp", "classes"],
)
def test_train(houses, tmp_path, capsys, options, said):
    out = tmp_path / "model"
    assert run("train", houses, *READ, "--count", 6, "--folds", 3, "--out", out, *options) == 0
    text = capsys.readouterr()
    assert said in text.out and "rows held out" in text.out and text.err == ""
    assert f"predict new rows: minigrad predict {out} new.csv" in text.out
    assert sorted(p.name for p in out.iterdir()) == ["model.json", "model.safetensors"]
    assert json.loads((out / "model.json").read_text(encoding="utf-8"))["about"]["data"] == "houses.csv"


def test_the_command_and_python_train_one_model(houses, tmp_path):
    assert run("train", houses, *READ, "--count", 6, "--seed", 3, "--out", tmp_path / "a") == 0
    table = data.read_csv(houses, categorical="town", ignore="c")
    model = tabular.train(table, count=6, seed=3)
    found = tabular.load(tmp_path / "a")
    assert found.coefficients.tobytes() == model.coefficients.tobytes() and found.recipe == model.recipe
    assert found.about == {**model.about, "data": "houses.csv"}


def test_a_model_in_its_place_is_told(houses, tmp_path, capsys):
    for said in ("kept in", "in place of the model that was there"):
        assert run("train", houses, *READ, "--lambda", "1", "--out", tmp_path / "m") == 0
        assert said in capsys.readouterr().out


def test_gaps_and_data_sets(houses, tmp_path, capsys):
    options = ["--categorical", "town", "--lambda", "0.1", "--out", tmp_path / "m"]
    assert run("train", houses, *options) == 2 and "--missing mean" in capsys.readouterr().err
    assert run("train", houses, *options, "--missing", "mean") == 0
    assert tabular.load(tmp_path / "m").fills_gaps
    assert run("train", "moons", "--lambda", "0.1", "--out", tmp_path / "m") == 0
    assert (
        tabular.load(tmp_path / "m").recipe is None
        and "minigrad predict" not in capsys.readouterr().out.split("moons")[-1]
    )


def test_groups_are_held_out_whole(houses, tmp_path):
    lines = houses.read_text().split("\n")
    houses.write_text("\n".join([f"g,{lines[0]}", *(f"g{i // 4},{line}" for i, line in enumerate(lines[1:-1]))]) + "\n")
    options = [*READ, "--fold-groups", "g", "--count", 4, "--folds", 3]
    assert run("train", houses, *options, "--out", tmp_path / "m") == 0
    assert tabular.load(tmp_path / "m").about["rows"] == {"training": 48, "held out": 12}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lambda", "1", "--l1", "1"], "--lambda and --l1 or --l2"),
        (["--epochs", "3"], "--epochs: --model linear has no such option; add --model mlp"),
        (["--dropout", "0.1", "--patience", "3"], "--dropout, --patience: --model linear has no such option"),
        (["--model", "mlp", "--l1-ratio", "0.5"], "--l1-ratio: --model mlp has no such option"),
        (["--model", "logistic"], "--model logistic predicts classes, and price holds numbers"),
        (["--test", "0.999"], "puts 60 of 60 rows into the test part"),
        (["--folds", "61"], "60 rows do not fill --folds 61"),
        (["--target", "pryce"], "there is no column 'pryce'; did you mean 'price'?"),
    ],
)
def test_errors_are_one_line(houses, tmp_path, capsys, options, said):
    assert run("train", houses, *READ, "--out", tmp_path / "m", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad train: ") and said in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "options", [["--lambda", "x"], ["--test", "1"], ["--l1", "-1"], ["--hidden", "0"], ["--pick", "max"]]
)
def test_numbers_out_of_range_name_their_option(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("train", "a.csv", *options)
    assert stopped.value.code == 2 and f"argument {options[0]}: " in capsys.readouterr().err


MLP = ["--model", "mlp", "--hidden", "8", "--dropout", "0.2", "--l1", "0.001", "--epochs", "12"]
PROGRAM = """
import os, signal, sys
from minigrad import cli, train
from minigrad.tabular import perceptron

class Killed(train.Callback):
    adds_columns = False
    def on_epoch_end(self, run):
        if run.epoch == 5:
            os.kill(os.getpid(), signal.{signal})

perceptron._checkpoint = lambda folder: train.Checkpoint(folder, every="epoch", keep=1)
whole = perceptron.fit
perceptron.fit = lambda *args, callbacks, **options: whole(*args, callbacks=[*callbacks, Killed()], **options)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("signal", "status"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_an_interrupted_training_goes_on_to_the_same_bits(houses, tmp_path, capsys, signal, status):
    command = ["train", houses, *READ, *MLP]
    assert run(*command, "--out", tmp_path / "whole") == 0
    program, part = PROGRAM.replace("{signal}", signal), ["--out", tmp_path / "part"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *map(str, [*command, *part])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert ("--resume goes on from here" in done.stderr) == (signal == "SIGINT")
    assert [p.name for p in (tmp_path / "part").iterdir()] == ["unfinished"]
    capsys.readouterr()
    assert run(*command, *part) == 2 and "--resume goes on with it; or delete" in capsys.readouterr().err
    assert run(*command, *part, "--resume") == 0 and "going on with" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "part").iterdir()) == ["model.json", "model.safetensors"]
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_cross_validation_goes_on_from_its_log(houses, tmp_path, capsys, monkeypatch):
    """Finished folds are not fitted again: only the last one of three is."""
    command = ["train", houses, *READ, "--count", 5, "--folds", 3]
    assert run(*command, "--out", tmp_path / "whole") == 0
    folds, of = [], selection.crossvalidation.score_fold

    def counted(*args, **options):
        folds.append(1)
        if len(folds) == 3:
            raise KeyboardInterrupt
        return of(*args, **options)

    monkeypatch.setattr("minigrad.selection.crossvalidation.score_fold", counted)
    assert run(*command, "--out", tmp_path / "part") == 130
    assert "--resume goes on from here" in capsys.readouterr().err
    assert run(*command, "--out", tmp_path / "part", "--resume") == 0 and len(folds) == 4
    assert (tmp_path / "part" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


def test_nothing_to_go_on_with(houses, tmp_path, capsys):
    assert run("train", houses, *READ, "--l1", "1", "--out", tmp_path / "m", "--resume") == 0
    assert "nothing to go on with yet: training begins anew" in capsys.readouterr().out
    assert run("train", houses, *READ, "--l1", "1", "--out", tmp_path / "m", "--resume") == 0
    assert "holds a model that is finished" in capsys.readouterr().out
    wild = [*MLP, "--lr", "1e30"]
    assert run("train", houses, *READ, *wild, "--out", tmp_path / "m") == 2
    assert "smaller learning rate" in capsys.readouterr().err and not (tmp_path / "m" / "unfinished").exists()
    assert tabular.load(tmp_path / "m").kind == "linear"  # the old model stays
