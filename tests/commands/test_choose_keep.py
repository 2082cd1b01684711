"""cv and path keep their models, and say R² or accuracy beside the error."""

import json

import numpy as np
import pytest
from commands.choosing import READ, run

from minigrad import data, linear_model, selection, tabular
from minigrad.commands.choose_keep import r_squared


def test_cv_keeps_both_picks(houses, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("cv", houses, *READ, "--count", 12, "--no-figures", "--out", out) == 0
    text = capsys.readouterr().out
    table = data.read_csv(houses, categorical="town", ignore="c")
    result = selection.cross_validate(linear_model.Regression(standardize=True), table.x, table.y, count=12)
    for name, model, i in (("model", result.model, result.best), ("model-1se", result.model_1se, result.one_se)):
        found = tabular.load(out / f"{name}.safetensors")
        assert found.coefficients.tobytes() == model.coefficients.tobytes()
        assert found.about["lambda"]["value"] == result.lambdas[i] and found.recipe == table.recipe
        assert f", R² {1 - result.mean[i] / table.y.var():.4g}" in text
    assert run("predict", out, houses, "--extra-columns", "ignore") == 0
    said = capsys.readouterr().out.split("\n")[1:-1]
    assert np.array(said, float).tobytes() == result.model.output(table.x).tobytes()
    assert run("show", out) == 0 and "another model in this folder" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--model", "mlp", "--epochs", "3", "--hidden", "4"], ["--l1-ratio", "0"]])
def test_accuracy_of_classes(houses, tmp_path, capsys, options):
    common = [
        "--target",
        "town",
        "--categorical",
        "town",
        "--missing",
        "mean",
        "--count",
        3,
        "--folds",
        3,
        "--no-figures",
    ]
    assert run("cv", houses, *common, *options, "--out", tmp_path / "out") == 0
    text = capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "cv.json").read_text())
    best = found["lambdas"].index(found["lambda_min"])
    mean = np.mean([fold[best] for fold in found["accuracy"]])
    assert f", accuracy {mean:.4g}" in text
    assert run("predict", tmp_path / "out", houses) == 0
    assert set(capsys.readouterr().out.split()[1:]) <= {"Aa", "Bb", "Cc"}
    assert tabular.load(tmp_path / "out").fills_gaps


@pytest.mark.parametrize("options", [[], ["--model", "mlp", "--epochs", "2", "--hidden", "4"]])
def test_path_keeps_the_model_at_the_smallest_lambda(houses, tmp_path, capsys, options):
    out = tmp_path / "out"
    assert run("path", houses, *READ, "--count", 4, "--no-figures", *options, "--out", out) == 0
    text = capsys.readouterr().out
    found = json.loads((out / "path.json").read_text())
    model = tabular.load(out)
    assert model.about["lambda"]["l1"] == found["lambdas"][-1] and "R² of these rows" in text
    scores = model.score(model.read(houses, extra_columns="ignore"))
    np.testing.assert_allclose(scores["R²"], found["R² of these rows"][-1], rtol=1e-9)
    if not options:
        assert model.coefficients.tolist() == found["coefficients"][-1]


def test_r_squared_of_weighted_rows():
    y = np.array([1.0, 2.0, 5.0])
    assert r_squared(0.5, y, np.array([2.0, 1, 1])) == pytest.approx(r_squared(0.5, np.array([1.0, 1, 2, 5])))
    assert np.isnan(r_squared(0.5, np.ones(3)))
