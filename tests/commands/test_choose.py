"""minigrad cv and minigrad path: tables, files and figures, and errors in one line."""

import json
import sys

import numpy as np
import pytest
from commands.choosing import READ, run
from lab.reading import read

from minigrad import cli


def test_cv_of_a_file(houses, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    out = tmp_path / "out"
    options = ["--categorical", "town", "--missing", "mean", "--count", 12, "--folds", 4, "--nested", "--out", out]
    assert run("cv", houses, *options, "--log", tmp_path / "log") == 0
    text = capsys.readouterr().out
    assert "price of houses.csv: 60 rows, 7 inputs, Regression" in text and "missing = mean" in text
    assert "nested cross-validation, λ chosen anew in each of 4 outer folds: mse" in text and "1se" in text
    assert sorted(p.name for p in out.iterdir()) == [
        *["cv.html", "cv.json", "cv.txt", "error.svg"],
        *["model-1se.json", "model-1se.safetensors", "model.json", "model.safetensors", "path.svg"],
    ]
    assert text.startswith((out / "cv.txt").read_text())
    found = json.loads((out / "cv.json").read_text())
    assert len(found["lambdas"]) == 12 and found["settings"]["missing"] == "mean" and found["nested"]["mean"] > 0
    page = read((out / "cv.html").read_text())
    assert len(page.images) == 2 and page.loads == []
    assert run("cv", houses, *options, "--log", tmp_path / "log") == 0  # from the log
    assert capsys.readouterr().out == text


def test_path_of_a_file(houses, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--categorical", "town", "--ignore", "c", "--count", 8, "--no-figures", "--out", out]
    assert run("path", houses, *options) == 0
    found = json.loads((out / "path.json").read_text())
    assert found["names"] == ["a", "b", "d", "town=Aa", "town=Bb", "town=Cc"]
    assert found["nonzeros"][0] == 0 < found["nonzeros"][-1] and np.shape(found["coefficients"]) == (8, 6)
    assert "non-zeros" in capsys.readouterr().out


@pytest.mark.parametrize("raw", [False, True])
def test_columns_are_standardized_unless_asked_not_to(houses, raw, tmp_path, capsys):
    options = ["--categorical", "town", "--missing", "mean", "--count", 3, "--no-figures", "--out", tmp_path]
    assert run("path", houses, *options, *(["--no-standardize"] if raw else [])) == 0
    assert f"standardize = {not raw}" in capsys.readouterr().out


def test_what_does_not_converge_is_noted_once(tmp_path, capsys):
    """Three columns and their sum, almost: at the least λ the sweeps would not end."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 3))
    rows = np.column_stack([x, x.sum(1) + 1e-7 * rng.standard_normal(30), x[:, 0] + rng.standard_normal(30)])
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b,c,d,y", *(",".join(map(repr, row)) for row in rows.tolist())]))
    for command in ("path", "cv"):
        assert run(command, path, "--ratio", 1e-9, "--count", 3, "--no-figures", "--out", tmp_path) == 0
        said = capsys.readouterr()
        assert "sweeps left a duality gap of" in said.out and said.err == ""


@pytest.mark.parametrize("command", ["cv", "path"])
@pytest.mark.parametrize("options", [["moons"], ["blobs", "--model", "mlp", "--epochs", 1, "--hidden", 4]])
def test_data_sets_by_name(command, options, tmp_path, capsys):
    assert run(command, *options, "--count", 3, "--no-figures", "--out", tmp_path) == 0
    assert ("Network" if "mlp" in options else "Logistic") in capsys.readouterr().out


def test_a_path_of_a_network_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    assert run("path", "moons", "--model", "mlp", "--epochs", 1, "--count", 3, "--out", tmp_path) == 0
    assert (tmp_path / "path.svg").read_bytes().startswith(b"<svg")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "houses.csv:2: column 'town' is"),
        ([*READ, "--score", "accuracy"], "price is a column of numbers: name it in --categorical"),
        ([*READ, "--score", "log_loss"], "--score log_loss needs classes"),
        ([*READ, "--target", "town", "--score", "mse"], "town holds classes: use log_loss or accuracy"),
        ([*READ, "--categorical", "price"], "price has 59 classes in 60 rows; if it holds numbers"),
        ([*READ, "--weights", "town"], "column 'town' holds words"),
        ([*READ, "--fold-groups", "town"], "3 groups do not fill --folds 5"),
        ([*READ, "--folds", "61"], "60 rows do not fill --folds 61"),
        ([*READ, "--log", "/nowhere/log"], "--log /nowhere/log: need a file in a folder"),
        ([*READ, "--seed", str(2**64)], "--seed 18446744073709551616: need less than"),
        (["--delimiter", ""], "the delimiter is ''; need one sign"),
        (["--categorical", "town"], "houses.csv:5: column 'c' is missing"),
        (["--categorical", "twon"], "houses.csv:1: there is no column 'twon'; did you mean 'town'?"),
        (["--target", "town", "--categorical", "town", "--ignore", "c", "--model", "linear"], "use logistic or mlp"),
        (["--categorical", "town", "--missing", "mean", "--model", "logistic"], "name it in --categorical"),
    ],
)
def test_errors_are_one_line(houses, options, said, tmp_path, capsys):
    assert run("cv", houses, *options, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad cv: ") and said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("command", "options"), [("cv", ["--nested"]), ("cv", ["--repeats", 2]), ("path", [])])
def test_groups_and_weights(command, options, houses, tmp_path, capsys):
    """Rows of weight 2 are rows that stand twice; groups are never cut in two."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((40, 3)).round(3)
    y = (x[:, 0] * 2 - x[:, 1] + 0.3 * rng.standard_normal(40)).round(3)
    twice = np.arange(40) % 4 == 0
    once = [f"{','.join(map(str, row))},g{i % 8},{1 + twice[i]},{y[i]}" for i, row in enumerate(x)]
    doubled = [line for i, line in enumerate(once) for _ in range(1 + twice[i])]
    groups = ["--fold-groups", "group"] if command == "cv" else ["--ignore", "group"]
    common = ["--count", 6, "--no-figures", *options, *groups]
    found = []
    for name, lines, option in (("once", once, ["--weights", "w"]), ("doubled", doubled, ["--ignore", "w"])):
        path = tmp_path / f"{name}.csv"
        path.write_text("a,b,c,group,w,y\n" + "\n".join(lines))
        assert run(command, path, *common, *option, "--out", tmp_path / name) == 0
        found.append(json.loads((tmp_path / name / f"{command}.json").read_text()))
    said = capsys.readouterr().out
    assert "40 rows" in said and ", weighted" in said and (command == "path" or "in 8 groups" in said)
    np.testing.assert_allclose(found[0]["lambdas"], found[1]["lambdas"], rtol=1e-10)
    if command == "path":
        np.testing.assert_allclose(found[0]["coefficients"], found[1]["coefficients"], rtol=1e-8, atol=1e-10)


def test_missing_files_and_extras(tmp_path, capsys, monkeypatch):
    assert run("cv", tmp_path / "nowhere.csv") == 2
    assert "nowhere.csv" in capsys.readouterr().err
    assert run("cv", "moons", "--target", "y") == 2
    assert "of CSV files only: --target" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "joblib", None)
    assert run("cv", "moons", "--jobs", 2, "--out", tmp_path) == 2
    assert "minigrad[parallel]" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["cv", "path"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for word in ("--target", "--categorical", "--missing", "--l1-ratio", "training rows", "examples:", "digits, mnist"):
        assert word in text
    assert all(len(line) <= 110 for line in text.splitlines())
