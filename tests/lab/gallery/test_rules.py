"""Data of packages as tables of numbers, and what rules for λ lose on them."""

import importlib.metadata
import math

import numpy as np
import pytest

from minigrad.lab.gallery import packaged, paper, rules
from minigrad.lab.pages import rule_figures
from minigrad.linear_model import Regression
from minigrad.selection import cross_validate, lambda_grid, prepare


def write(path, text):
    path.write_text(text)
    return path


def test_words_gaps_and_row_names(tmp_path, monkeypatch):
    """R's file of row names has a head less than a row has cells."""
    text = "y,town,size\n1,3.5,oslo,7\n2,4.5,bergen,8\n3,NA,oslo,9\n4,5.5,oslo,10\n"
    monkeypatch.setattr(packaged, "shipped_file", lambda package, path: write(tmp_path / "data.csv", text))
    monkeypatch.setitem(packaged.SETS, "made", packaged.Packaged("ISLP", "y"))
    x, y, names = packaged.load("made")
    assert names == ["town = oslo", "size"] and y.tolist() == [3.5, 4.5, 5.5]
    assert x.tolist() == [[1.0, 7.0], [0.0, 8.0], [1.0, 10.0]]
    monkeypatch.setitem(packaged.SETS, "made", packaged.Packaged("ISLP", "y", ("town",)))
    assert packaged.load("made")[2] == ["size"]


@pytest.mark.parametrize("package", ["faraway", "ISLP"])
def test_every_data_set_is_numbers_without_its_target(package):
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"needs the data of {package}")
    names = [name for name, asked in packaged.SETS.items() if asked.package == package]
    assert len(packaged.SETS) >= 25 and names
    for name in names:
        x, y, columns = packaged.load(name)
        assert np.isfinite(x).all() and np.isfinite(y).all() and x.shape == (len(y), len(columns)), name
        assert packaged.SETS[name].target not in columns and not set(packaged.SETS[name].dropped) & set(columns)
        assert not any((column == y).all() for column in x.T), name


def test_missing_package_is_named(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(ImportError, match="pip install --no-deps faraway"):
        packaged.load("prostate")
    assert paper.shipped_file is packaged.shipped_file


def rows(n=200):
    draw = np.random.default_rng(0)
    x = draw.standard_normal((n, 8))
    return x, x @ np.array([2.0, -1, 0.5, 0, 0, 0, 0, 0]) + draw.standard_normal(n)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.0])
def test_excess_is_that_of_the_pick_over_the_best_of_the_test_rows(l1_ratio):
    x, y = rows()
    found = rules.excess(x, y, l1_ratio, seed=3)
    assert set(found) == set(rules.RULES) == set(rules.WORDS)
    train, test = rules.split(200, 3)
    assert len(train) == 100 and len(test) == 50 and not np.intersect1d(train, test).size
    family = Regression(l1_ratio, standardize=True, tol=rules.TOLERANCE)
    lambdas = lambda_grid(family, prepare(family, x[train], y[train]), rules.COUNT)
    cv = cross_validate(family, x[train], y[train], lambdas, folds=10, seed=3)
    errors = [np.mean((model.output(x[test]) - y[test]) ** 2) for model in cv.path]
    assert found["cv"] == pytest.approx(100 * math.log(errors[cv.best] / min(errors)), abs=1e-6)
    assert found["cv_1se"] == pytest.approx(100 * math.log(errors[cv.one_se] / min(errors)), abs=1e-6)
    assert math.isnan(found["loo"]) == (l1_ratio > 0) and math.isnan(found["stability"]) == (l1_ratio == 0)
    assert min(found[rule] for rule in ("cv", "gcv", "aic", "bic")) >= 0


def test_intervals():
    """Splits that share rows say less than so many data sets: with overlap 1/2 the interval never gets small."""
    values = [1.0, 3.0] * 50
    middle, half = rules.interval(values, 0.5)
    assert middle == 2.0 and half == pytest.approx(1.984217 * math.sqrt(100 / 99) * math.sqrt(0.01 + 0.5), rel=1e-5)
    assert rules.between(values)[1] == pytest.approx(half / math.sqrt(0.51) / 10, rel=1e-9)
    assert math.isnan(rules.interval([1.0], 0.5)[1])


def test_the_figure_tells_what_lies_outside():
    pytest.importorskip("matplotlib", reason="figures are drawn by matplotlib: pip install minigrad[figures]")
    png = rule_figures.excess_by_rule({"good": (1.0, 0.5), "fair": (2.0, 1.0), "bad": (400.0, math.nan)})
    assert png[:4] == b"\x89PNG" and len(png) > 5000
