"""Coefficients by the names of their inputs, in the terminal, the report and the JSON."""

import json
import re

import numpy as np
import pytest
from commands.choosing import READ, run

from minigrad import linear_model, selection
from minigrad.commands import choose_weights
from minigrad.data import read_csv


def test_coefficients_by_name(houses, tmp_path, capsys):
    """Printed, in the report and in the JSON; those that the README's Python line gives, in the units of the data."""
    out = tmp_path / "out"
    options = ["--categorical", "town", "--ignore", "c", "--count", 9, "--no-figures", "--out", out]
    assert run("cv", houses, *options) == 0
    said = capsys.readouterr().out
    found = json.loads((out / "cv.json").read_text())
    table = read_csv(houses, categorical="town", ignore="c")
    family = linear_model.Regression(standardize=True)
    right = selection.cross_validate(family, table.x, table.y, count=9)
    assert found["lambda_min"] == right.lambda_min
    at = found["coefficients"]["at"]
    assert found["coefficients"]["inputs"] == table.names and found["coefficients"]["classes"] is None
    assert at["best"] == {
        "lambda": right.lambda_min,
        "intercept": right.model.intercept,
        "coefficients": right.model.coefficients.tolist(),
    }
    assert at["one-standard-error"]["coefficients"] == right.model_1se.coefficients.tolist()
    lines = said[said.index("Coefficients, in the units of the data, for price") :].splitlines()
    assert lines[1].startswith("input") and lines[2].startswith("(intercept)") and lines[3].split()[0] == "a"
    assert float(lines[3].split()[1]) == float(f"{right.model.coefficients[0]:.6g}")
    assert "in the units of the data, for price" in (out / "cv.html").read_text(encoding="utf-8")
    assert run("path", houses, *options) == 0
    said = capsys.readouterr().out
    assert "inputs that enter (-: leave)" in said and "the smallest λ" in said
    rows = [line for line in said.splitlines() if re.match(r"[\d.e-]+ +[1-9]\d* ", line)]
    assert re.search(" a$| a,", rows[0])  # the first input to enter


def test_the_largest_effects_come_first(tmp_path, capsys):
    """An effect is a coefficient times the deviation of its column: units do not decide. Zeros are left out."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 30))
    y = 3 * x[:, 0] + 2 * x[:, 1] + 0.01 * x[:, 2:].sum(1)
    x[:, 0] *= 1000  # in metres, not in kilometres
    path = tmp_path / "t.csv"
    path.write_text(
        ",".join(f"v{i}" for i in range(30))
        + ",y\n"
        + "\n".join(",".join(map(repr, row)) for row in np.column_stack([x, y]).tolist())
    )
    assert run("path", path, "--count", 3, "--ratio", 1e-4, "--no-figures", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.split("Coefficients, in the units of the data, for y")[1].splitlines()
    assert "(5 smaller ones stand in the JSON)" in lines[0]
    assert [line.split()[0] for line in lines[1:5]] == ["input", "(intercept)", "v0", "v1"]
    assert len(lines[1:]) == 2 + 25 + 4
    assert run("path", path, "--count", 2, "--ratio", 0.9, "--no-figures", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.split("Coefficients, in the units of the data, for y")[1].splitlines()
    assert lines[0] == " (29 of 30 inputs have none)" and lines[3].startswith("v0 ")


@pytest.mark.parametrize("command", ["cv", "path"])
def test_coefficients_of_classes_and_networks(command, houses, tmp_path, capsys):
    options = [*READ, "--target", "town", "--count", 4, "--no-figures", "--out", tmp_path]
    assert run(command, houses, *options) == 0
    said = capsys.readouterr().out
    assert re.search(r"for each town.*\ninput +Aa +Bb +Cc\n\(intercept\)", said)
    assert run(command, houses, *options, "--model", "mlp", "--epochs", 1, "--hidden", 3) == 0
    assert "Length of the weights from each input" in capsys.readouterr().out
    found = json.loads((tmp_path / f"{command}.json").read_text())["input_weights"]
    assert found["inputs"] == ["a", "b", "d", "price"] and found["classes"] == ["Aa", "Bb", "Cc"]
    text = houses.read_text().replace("Cc", "Bb")
    houses.write_text(text)
    assert run(command, houses, *options) == 0
    assert "for log odds of town = Bb" in capsys.readouterr().out


@pytest.mark.parametrize("unit", [1e160, 1e-160, 1.0])
def test_the_order_of_effects_at_any_scale(unit):
    """Squares of 1e160 leave float64, and no warning says so; gaps are left out of the spread."""
    x = np.random.default_rng(0).standard_normal((50, 3))
    x[4, 1] = np.nan
    values = np.array([[1.0], [-3.0], [2.0]])
    plain = np.log(np.nanstd(x, axis=0) * np.abs(values[:, 0]))
    scale = np.array([1.0, unit, 1.0])
    scaled = choose_weights._effects(x * scale, values / scale[:, None])
    np.testing.assert_allclose(scaled, plain, rtol=1e-12)
    constant = choose_weights._effects(np.full((4, 1), 7.0), np.ones((1, 1)))
    assert constant.tolist() == [-np.inf]
