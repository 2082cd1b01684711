"""minigrad stability: the stable inputs of a table, what it writes, and errors of one line."""

import json

import numpy as np
import pytest

from minigrad.linear_model import Regression
from minigrad.selection import stability

from .choosing import READ, run

QUICK = ["--draws", 20, "--count", 30, "--no-figures"]


def test_the_stable_inputs_of_a_table(houses, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("stability", houses, *READ, *QUICK, "--bound", 3, "--out", out) == 0
    said = capsys.readouterr()
    assert "stable inputs: a, town=Bb, b\n" in said.out and said.err == ""
    assert "at most" in said.out and "share of halves" in said.out
    plain = json.loads((out / "stability.json").read_text(encoding="utf-8"))
    assert plain["stable"] == ["a", "town=Bb", "b"] and plain["bound"] <= 3.0 and plain["halves"] == 20
    html = (out / "stability.html").read_text(encoding="utf-8")
    assert "Stable inputs of price" in html and "town=Bb" in html
    assert (out / "stability.txt").read_text(encoding="utf-8") in said.out


def test_it_is_the_function(tmp_path, capsys):
    """The same shares as selection.stability of the same rows, with pairs and weights."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((50, 4)).round(3)
    y, w = (x[:, 0] - x[:, 2] + draw.standard_normal(50)).round(3), draw.integers(1, 4, 50)
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,d,w,y\n" + "\n".join(",".join(map(str, [*r, *v])) for r, v in zip(x, zip(w, y))) + "\n")
    options = ["--weights", "w", "--unimodal", "--cutoff", 0.8, "--seed", 3, "--out", tmp_path / "out"]
    assert run("stability", path, *QUICK, *options) == 0
    plain = json.loads((tmp_path / "out" / "stability.json").read_text(encoding="utf-8"))
    asked = {"cutoff": 0.8, "bound": 1.0, "pairs": True, "unimodal": True, "draws": 20, "count": 30, "seed": 3}
    found = stability(Regression(standardize=True), x, y, weights=w.astype(float), **asked)
    assert plain["frequencies"] == found.frequencies.tolist() and plain["bound"] == found.bound
    assert plain["halves"] == 40


def test_gaps_are_filled_from_each_half(houses, tmp_path, capsys):
    options = ["--categorical", "town", "--missing", "mean", "--out", tmp_path / "out"]
    assert run("stability", houses, *options, *QUICK) == 0
    assert "missing = mean" in capsys.readouterr().out


def test_it_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    assert run("stability", "regression", "--draws", 4, "--count", 5, "--out", tmp_path) == 0
    assert (tmp_path / "stability.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([*READ, "--model", "mlp"], "--model mlp has no coefficient for each input"),
        ([*READ, "--l1-ratio", "0"], "a ridge picks every input"),
        ([*READ, "--log", "/nowhere/log"], "--log /nowhere/log: need a file in a folder"),
        ([], "column 'town' is"),
    ],
)
def test_errors_are_one_line(houses, options, said, tmp_path, capsys):
    assert run("stability", houses, *options, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad stability: ") and said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "said"), [(["--cutoff", "0.5"], "above 0.5"), (["--bound", "0"], "above 0")])
def test_numbers_out_of_range(houses, options, said, capsys):
    with pytest.raises(SystemExit):
        run("stability", houses, *READ, *options)
    assert said in capsys.readouterr().err


def test_help(capsys):
    with pytest.raises(SystemExit):
        run("stability", "--help")
    said = capsys.readouterr().out
    assert "--cutoff" in said and "of each half" in said and "--folds" not in said
