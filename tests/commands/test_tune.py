"""minigrad tune: strengths of terms, columns and inputs, what it keeps, and errors of one line."""

import json

import numpy as np
import pytest

from minigrad import data, tabular
from minigrad.linear_model import Regression
from minigrad.selection import nested_tune, tune

from .choosing import READ, run

PLAIN = ["--no-figures", "--folds", 3]


def test_it_is_the_function(houses, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("tune", houses, *READ, *PLAIN, "--steps", 5, "--seed", 2, "--out", out) == 0
    said = capsys.readouterr()
    assert said.err == "" and "l1" in said.out and "kept in" in said.out
    table = data.read_csv(houses, categorical="town", ignore="c")
    found = tune(Regression(l1_ratio=0.5, standardize=True), table.x, table.y, folds=3, steps=5, seed=2)
    plain = json.loads((out / "tune.json").read_text(encoding="utf-8"))
    assert plain["lambdas"] == found.lambdas and plain["value"] == found.value
    kept = tabular.load(out)
    assert kept.coefficients.tobytes() == found.model.coefficients.tobytes()
    assert kept.predict(houses).tobytes() == found.model.output(table.x).tobytes()
    assert run("show", out) == 0
    assert f"{found.value:.6g} at the end: l1 {found.lambdas['l1']:.4g}" in capsys.readouterr().out


def test_columns_of_words_have_one_strength(houses, tmp_path, capsys):
    options = ["--per", "column", "--nested", "--l1-ratio", 0, "--steps", 4, "--out", tmp_path]
    assert run("tune", houses, *READ, *PLAIN, *options) == 0
    table = data.read_csv(houses, categorical="town", ignore="c")
    per = [name.partition("=")[0] for name in table.names]
    family = Regression(l1_ratio=0.0, standardize=True)
    found = tune(family, table.x, table.y, folds=3, steps=4, per=per)
    plain = json.loads((tmp_path / "tune.json").read_text(encoding="utf-8"))
    assert plain["lambdas"] == found.lambdas and set(found.lambdas) == set(per) and "town" in per
    outer = nested_tune(family, table.x, table.y, outer=3, folds=3, steps=4, per=per)
    assert plain["nested"]["scores"] == outer.scores.tolist()
    gain = outer.start_scores - outer.scores
    error = np.std(gain, ddof=1) / np.sqrt(len(gain))
    assert f"lower by {gain.mean():.2g} ± {error:.2g} over folds" in capsys.readouterr().out


def test_inputs_have_a_strength_each_and_a_figure(houses, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    assert run("tune", houses, *READ, "--per", "input", "--steps", 2, "--out", tmp_path) == 0
    plain = json.loads((tmp_path / "tune.json").read_text(encoding="utf-8"))
    assert list(plain["lambdas"]) == data.read_csv(houses, categorical="town", ignore="c").names
    assert (tmp_path / "tune.svg").read_bytes().startswith(b"<svg")
    assert "Tuned strengths for price" in (tmp_path / "tune.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--count", "--ratio", "--hidden", "--epochs", "--lr", "--repeats", "--log"])
def test_options_that_would_change_nothing_are_not_there(houses, option, capsys):
    with pytest.raises(SystemExit):
        run("tune", houses, *READ, option, "3")
    assert "unrecognized arguments" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([*READ, "--model", "mlp"], "--model mlp: networks are tuned in Python"),
        ([*READ, "--penalty-groups", "all"], "--penalty-groups: tune has no slope beside norms of groups"),
        ([*READ, "--offset", "a"], "--offset: tune has no slope beside an offset"),
        (["--categorical", "town", "--missing", "mean"], "--missing mean: tune has no imputer for each fold"),
        ([*READ, "--family", "huber"], "--family huber: tune has no slope for it"),
        ([], "column 'town' is"),
    ],
)
def test_errors_are_one_line(houses, options, said, tmp_path, capsys):
    assert run("tune", houses, *options, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad tune: ") and said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
