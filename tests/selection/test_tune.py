"""Tuned strengths: at least as good as a grid, better where columns differ, never worse than the start, and said so."""

import dataclasses
import json
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, selection
from minigrad.errors import NonFiniteError, ShapeError
from minigrad.linear_model import Logistic, Regression
from minigrad.selection import KFold, Unrolled, cross_validate, nested_tune, tune

compiled = pytest.mark.skipif(
    mg.kernels.backend() == "reference", reason="the reference kernels take ten times as long"
)
pytestmark = pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")


def sparse(n=120, p=30, seed=0, noise=2.0):
    """5 columns of 30 matter."""
    draw = np.random.default_rng(seed)
    x, truth = draw.standard_normal((n + 2000, p)), np.zeros(p)
    truth[:5] = [3.0, -2.0, 2.0, 1.0, -1.0]
    y = x @ truth + noise * draw.standard_normal(n + 2000)
    return (x[:n], y[:n]), (x[n:], y[n:])


def test_the_loss_is_that_of_cross_validation():
    (x, y), _ = sparse()
    family, folds = Regression(standardize=True), KFold(5, seed=3)
    found = tune(family, x, y, folds=folds)
    lam = found.lambdas["l1"]
    assert found.value == pytest.approx(cross_validate(family, x, y, [lam], folds=folds).mean[0], rel=1e-9)
    assert found.model.coefficients == pytest.approx(family.start(x, y).fit(lam).coefficients, rel=1e-9, abs=1e-12)
    for start, value in found.grid.items():
        assert value == pytest.approx(cross_validate(family, x, y, [start], folds=folds).mean[0], rel=1e-9)


@compiled
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", ["diabetes", "breast cancer"])
def test_real_data_at_least_the_best_of_50_lambdas(name, l1_ratio):
    sets = pytest.importorskip("sklearn.datasets", reason="real data come from scikit-learn")
    load = sets.load_diabetes if name == "diabetes" else sets.load_breast_cancer
    x, y = load(return_X_y=True)
    family = (Regression if name == "diabetes" else Logistic)(l1_ratio, standardize=True)
    grid = cross_validate(family, x, y, count=50, refit=False)
    found = tune(family, x, y)
    assert found.value <= grid.mean[grid.best] * (1 + 1e-4)
    assert found.value <= found.start_value == min(found.grid.values())


@compiled
@pytest.mark.parametrize("seed", range(3))
def test_a_strength_for_each_column_improves_the_ridge_on_new_rows(seed):
    (x, y), (new_x, new_y) = sparse(seed=seed)
    family = Regression(l1_ratio=0.0)
    one, each = tune(family, x, y), tune(family, x, y, per="feature")
    errors = [float(np.mean((found.model.output(new_x) - new_y) ** 2)) for found in (one, each)]
    assert each.value < 0.8 * one.value and errors[1] < 0.95 * errors[0]
    assert len(each.lambdas) == 30
    matter, noise = np.split(np.array(list(each.lambdas.values())), [5])
    assert np.median(noise) > 100 * np.median(matter)


@compiled
def test_groups_of_columns():
    (x, y), _ = sparse()
    found = tune(Regression(0.5), x, y, per=["real"] * 5 + ["noise"] * 25, names=[f"c{j}" for j in range(30)])
    assert found.names == ["noise", "real"]
    numbers = tune(Regression(0.5), x, y, per=[1] * 5 + [0] * 25, names=[f"c{j}" for j in range(30)], steps=1)
    assert numbers.names == ["group 0: c5, ...", "group 1: c0, ..."]
    lambdas = list(found.lambdas.values())
    assert lambdas[0] > 5 * lambdas[1] and found.value < found.start_value
    factors = np.array(found.family.penalty_factor)
    assert len(set(factors[:5])) == 1 and factors[0] == pytest.approx(lambdas[1], rel=1e-12)


def test_columns_without_penalty_stay_so_and_factors_multiply():
    (x, y), _ = sparse(p=6)
    given = [0, 2, 1, 1, 1, 1]
    found = tune(Regression(0.0, penalty_factor=given), x, y, per="feature")
    assert found.names == ["x1", "x2", "x3", "x4", "x5"]
    assert found.family.penalty_factor[0] == 0
    assert found.family.penalty_factor[1] == pytest.approx(2 * found.lambdas["x1"], rel=1e-12)
    model = dataclasses.replace(found.family).start(x, y).solve(0.0, 1.0)
    assert found.model.coefficients == pytest.approx(model.coefficients, rel=1e-12)


def test_held_out_rows_weights_and_classes():
    draw = np.random.default_rng(2)
    x = draw.standard_normal((90, 6))
    y = np.where(x[:, 0] - x[:, 1] + draw.standard_normal(90) > 0, "yes", "no")
    weights = draw.uniform(0.5, 2, 90)
    rest = (x[60:], y[60:], weights[60:])
    found = tune(Logistic(0.5), x[:60], y[:60], held_out=rest, weights=weights[:60])
    l1, l2 = found.lambdas["l1"], found.lambdas["l2"]
    direct = selection.hypergradient(Logistic(), x[:60], y[:60], rest, l1, l2, weights=weights[:60])
    assert found.value == pytest.approx(direct.value, rel=1e-10) and math.isnan(found.error)
    assert found.held_out == 30 and "30 held-out rows" in found.headline()
    by_folds = tune(Logistic(0.5), x, y, weights=weights, groups=np.arange(90) // 2)
    assert by_folds.value <= by_folds.start_value and by_folds.held_out == 90


def test_the_end_is_never_worse_than_the_start():
    (x, y), _ = sparse(40, 10)
    for start in (1e-6, 0.1, 3.0, 1e5):
        found = tune(Regression(0.7), x, y, start=start, steps=5)
        assert found.value <= found.start_value
        assert [p.value for p in found.course] == sorted((p.value for p in found.course), reverse=True)


@compiled
def test_notes_say_what_the_numbers_do_not():
    (x, y), _ = sparse(60, 30)
    many = tune(Regression(0.0), x, y, per="feature")
    assert "30 strengths were chosen on the 60 held-out rows" in many.table() and "nested_tune" in many.table()
    few = tune(Regression(0.0), x, y)
    assert not [note for note in few.notes if "strengths were chosen" in note]
    empty = tune(Regression(), x, y, start=1e5)
    assert any("every weight is 0 there; start at a smaller λ" in note for note in empty.notes)
    short = tune(Regression(0.0), x, y, per="feature", steps=1)
    assert any("all 1 steps were taken, and the loss still fell" in note for note in short.notes)
    draw = np.random.default_rng(0)
    useless = tune(Regression(0.0), draw.standard_normal((60, 3)), draw.standard_normal(60), start=1e-7, tol=1e-12)
    assert "at the largest λ that was allowed: l2" in useless.notes and useless.lambdas["l2"] == pytest.approx(0.1)


@compiled
def test_report_and_figure(tmp_path):
    (x, y), _ = sparse()
    found = tune(Regression(0.5), x, y, per="feature", names=[f"<{j}>" for j in range(30)])
    assert found.table(3).splitlines()[0] == found.headline() and "27 more: table(top=30)" in found.table(3)
    assert "&lt;0&gt;" in found._repr_html_() and "<0>" not in found._repr_html_()
    plain = json.loads(found.to_json())
    assert plain["value"] == found.value and len(plain["course"]) == len(found.course)
    assert plain["lambdas"]["<3>"] == found.lambdas["<3>"]
    assert repr(found).startswith("Tuning(mse, 5 folds: ")
    pytest.importorskip("matplotlib", reason="figures are drawn by matplotlib: pip install minigrad[figures]")
    found.plot(tmp_path / "tuning.png")
    assert (tmp_path / "tuning.png").stat().st_size > 5000


@compiled
def test_the_same_twice_and_progress_on_stderr(capsys):
    (x, y), _ = sparse(60, 10)
    first = tune(Regression(0.5), x, y, per="feature", progress=True)
    assert "tune, steps: 1/50" in capsys.readouterr().err
    assert tune(Regression(0.5), x, y, per="feature").to_json() == first.to_json()


def test_a_network():
    """Strengths of the inputs of a small network: those that say nothing get a large one."""
    draw = np.random.default_rng(1)
    x = draw.standard_normal((90, 6))
    y = np.sin(2 * x[:, 0]) + x[:, 1] + 0.5 * draw.standard_normal(90)

    def build():
        return nn.Sequential(nn.Linear(6, 8, activation="tanh", dtype="float64"), nn.Linear(8, 1, dtype="float64"))

    terms = {"inputs": ("0.weight", "l2", "row"), "out": ("1.weight", "l2", "term")}
    network = Unrolled(build, mg.mse, terms, steps=150, lr=0.1, momentum=0.5)
    found = tune(network, x[:60], y[:60], held_out=(x[60:], y[60:]), steps=15)
    assert found.names == [*(f"inputs[{i}]" for i in range(6)), "out"]
    assert found.value < 0.9 * found.start_value
    assert min(found.lambdas, key=found.lambdas.get) == "inputs[0]"  # a steep sine needs large weights
    by_hand = network.hypergradient(
        x[:60],
        y[:60],
        (x[60:], y[60:]),
        {"inputs": [found.lambdas[f"inputs[{i}]"] for i in range(6)], "out": found.lambdas["out"]},
        seed=selection.folds.fit_seed(0, 0, 0),
    )
    assert by_hand.value == pytest.approx(found.value, rel=1e-9)
    folds = tune(dataclasses.replace(network, steps=20), x, y, folds=3, steps=2, start={"inputs": 0.1, "out": 0.01})
    assert folds.start_lambdas["out"] == pytest.approx(0.01) and len(folds.course[0].folds) == 3
    assert folds.model.output(x).shape == (90, 1)
    nested = nested_tune(dataclasses.replace(network, steps=20), x, y, outer=2, folds=2, steps=1)
    assert nested.scores.shape == (2,) and nested.inner[0].names == found.names


@compiled
def test_nested_says_what_is_left_on_other_rows():
    (x, y), _ = sparse(60, 20)
    found = nested_tune(Regression(0.0), x, y, per="feature", outer=3, folds=3)
    assert found.scores.shape == found.start_scores.shape == (3,) and len(found.inner) == 3
    assert found.mean > np.mean([inner.value for inner in found.inner])  # the choice flatters itself
    train, test = next(iter(KFold(3, seed=0).split(x)))
    again = tune(Regression(0.0), x[train], y[train], per="feature", folds=3, seed=selection.folds.nested_seed(0, 0))
    assert found.scores[0] == pytest.approx(np.mean((again.model.output(x[test]) - y[test]) ** 2), rel=1e-9)


def test_errors_name_what_came():
    (x, y), _ = sparse(60, 6)
    with pytest.raises(ValueError, match="per is 'columns'; need 'term', 'feature', or the group of each of 6"):
        tune(Regression(), x, y, per="columns")
    with pytest.raises(ShapeError, match="need a group for each of 6 columns"):
        tune(Regression(), x, y, per=[0, 1])
    with pytest.raises(ShapeError, match="2 names; need one for each of 6 columns"):
        tune(Regression(), x, y, per="feature", names=["a", "b"])
    with pytest.raises(TypeError, match="unknown keyword 'fold'; did you mean 'folds'"):
        tune(Regression(), x, y, fold=3)
    with pytest.raises(TypeError, match=r"selection\.Unrolled"):
        tune(selection.Network(nn.Identity, mg.mse, classifies=False), x, y)
    with pytest.raises(ValueError, match="start"):
        tune(Regression(), x, y, start=-1)
    with pytest.raises(ValueError, match="no derivative"):
        tune(Logistic(), x, y > 0, score="accuracy")
    with pytest.raises(TypeError, match="no held_out here"):
        nested_tune(Regression(), x, y, held_out=(x, y))
    network = Unrolled(lambda: nn.Linear(6, 1, dtype="float64"), mg.mse, {"l2": ("weight", "l2", "term")}, lr=1e3)
    with pytest.raises(ValueError, match="has its own loss and its own terms"):
        tune(network, x, y, per="feature")
    with pytest.raises(NonFiniteError, match=r"nothing could be fitted at the start.*lr = 1000 is too large"):
        tune(network, x, y)
