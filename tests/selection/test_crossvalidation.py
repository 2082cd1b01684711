"""Cross-validation: picks and notes, no leak from test rows, networks from dense to sparse, nesting, search."""

import functools
import json
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import linear_model as linear
from minigrad import nn, selection
from minigrad.data import regression
from minigrad.errors import ShapeError
from minigrad.selection import CrossValidation

QUIET = pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")


def result(scores, **more):
    """A result by hand: a λ per column, falling."""
    scores = np.array(scores, np.float64)
    lambdas = np.array([10.0**-i for i in range(scores.shape[1])])
    return CrossValidation(lambdas, scores, np.ones(scores.shape), "mse", **more)


def test_picks_by_hand():
    found = result([[5, 2.3, 2, 2.2], [5, 3.3, 3, 3.2], [5, 2.2, 2.2, 2.4]])
    assert found.mean.tolist() == pytest.approx([5, 2.6, 2.4, 2.6])
    assert found.error[2] == pytest.approx(np.std([2, 3, 2.2], ddof=1) / math.sqrt(3))
    assert (found.best, found.one_se) == (2, 1) and not found.notes
    assert (found.lambda_min, found.lambda_1se) == (0.01, 0.1)
    table = found.table().splitlines()
    assert table[3].endswith("1se") and table[4].endswith("min")


def test_more_is_better_where_the_score_says_so():
    found = result([[0.5, 0.7, 0.8, 0.6], [0.5, 0.8, 0.9, 0.6]], greater_is_better=True)
    assert (found.best, found.one_se) == (2, 2)
    assert result([[0.5, 0.7, 0.7, 0.6], [0.5, 0.8, 1.0, 0.6]], greater_is_better=True).one_se == 1


def test_repeats_do_not_shrink_the_standard_error():
    once, twice = result([[1.0], [2.0], [3.0]]), result([[1.0], [2.0], [3.0]] * 2, repeats=2)
    assert twice.error[0] == pytest.approx(once.error[0] * math.sqrt(2 / 2.5))  # 6 - 1 against 3 - 1


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        ([[3, 2, 1], [3, 2, 1]], "the best λ, 0.01, is the smallest of the grid; try smaller ones"),
        ([[1, 2, 3], [1, 2, 3]], "the best λ, 1, is the largest of the grid; try larger ones"),
        ([[2.1, 1, 3], [2.1, 1, 3], [2.1, 4, 6]], "the one-standard-error λ, 1, is the largest"),
        ([[4, 1, 1, 3], [4, 1, 1, 3]], "2 λ share the best mean; the largest of them was taken"),
    ],
)
def test_edges_and_ties_are_noted(scores, note):
    found = result(scores)
    assert any(note in line for line in found.notes) and note in found.table()
    if "share" in note:
        assert found.best == 1


@QUIET
def test_edges_are_warned_of():
    x, y, _ = regression(50, 5, noise=0.01, seed=1, dtype="float64")
    with pytest.warns(selection.SelectionWarning, match="smallest of the grid"):
        selection.cross_validate(linear.Regression(), x, y, [1.0, 0.5])
    noise = np.random.default_rng(0).standard_normal(50)
    with pytest.warns(selection.SelectionWarning, match="every weight is 0: the inputs do not help"):
        selection.cross_validate(linear.Regression(), x, noise)


def test_incomplete_lambdas_are_not_picked_and_nothing_is_an_error():
    found = result([[3, math.nan, 2], [3, 0.1, 2]])
    assert found.best == 2 and found.counts.tolist() == [2, 1, 2]
    with pytest.raises(ValueError, match="no λ was fitted in every fold"):
        result([[math.nan, 1], [1, math.nan]])


def test_json_round_trip():
    found = result([[5, 2.5, math.nan, 2.2], [5, 3.5, 3, 3.2]], settings={"seed": 3}, failures=[])
    again = CrossValidation.from_json(found.to_json())
    assert again.to_json() == found.to_json() and "NaN" not in found.to_json()
    assert json.loads(found.to_json())["lambda_min"] == 0.001


@QUIET
def test_nothing_is_learned_from_test_rows():
    """Scaling, imputation and fit see training rows only: wild test rows change no model of their fold."""
    x, y, _ = regression(40, 4, noise=0.5, seed=2, dtype="float64")
    x[::7, 1] = np.nan
    seen = []

    class Spy(linear.Regression):
        def start(self, x, y, **options):
            solver = super().start(x, y, **options)
            seen.append((solver.design.centre.tolist(), solver.design.scale.tolist()))
            return solver

    folds = list(selection.KFold(4, seed=1).split(x))
    wild, test = x.copy(), folds[2][1]
    wild[test] = 1e6
    for data in (x, wild):
        selection.cross_validate(
            selection.Imputed(Spy(standardize=True)), data, y, [1.0, 0.1], folds=folds, refit=False
        )
    assert seen[2] == seen[6] and seen[1] != seen[5]
    train = folds[2][0]
    filled = np.where(np.isnan(x[train]), np.nanmean(x[train], 0), x[train])
    np.testing.assert_allclose(seen[2][0], filled.mean(0), rtol=1e-12)
    np.testing.assert_allclose(seen[2][1], filled.std(0), rtol=1e-12)


@QUIET
def test_classes_of_any_name():
    x, y = mg.data.blobs(90, classes=3, spread=3.0, seed=1, dtype="float64")
    numbers = selection.cross_validate(linear.Logistic(), x, y, count=5)
    words = selection.cross_validate(linear.Logistic(), x, np.array(["b", "c", "d"])[y], count=5)
    assert (numbers.scores == words.scores).all() and numbers.score == "log_loss"
    best = selection.cross_validate(linear.Logistic(), x, y, numbers.lambdas, score="accuracy")
    assert best.mean.max() > 0.6 and best.greater_is_better
    assert numbers.accuracy is not None and (numbers.accuracy == best.scores).all()  # whatever the score is
    assert (CrossValidation.from_json(numbers.to_json()).accuracy == numbers.accuracy).all()
    assert selection.cross_validate(linear.Regression(), x, y * 1.0, count=3).accuracy is None


def test_a_class_that_is_missing_in_a_training_part_is_refused():
    x, y = np.arange(12.0).reshape(12, 1), np.array([0] * 6 + [1] * 5 + [2])
    with pytest.raises(ValueError, match="class 0 has 6 rows in all, none of them among the 5 training rows of fold 0"):
        selection.cross_validate(linear.Logistic(), x, y, [1.0], folds=[(range(6, 11), range(6)), (range(6), [11])])


def test_classes_have_no_gaps():
    with pytest.raises(mg.NonFiniteError, match="y: row 2 is nan"):
        selection.cross_validate(linear.Logistic(), np.eye(4), [0.0, 1.0, math.nan, 1.0])


@pytest.mark.parametrize("bad", [[], [-1.0], [[1.0]], [math.inf], [math.nan]])
def test_bad_lambdas(bad):
    with pytest.raises(ValueError, match="lambdas are"):
        selection.cross_validate(linear.Regression(), np.eye(4), np.arange(4.0), bad)
    with pytest.raises(ShapeError, match="one class per row"):
        selection.cross_validate(linear.Logistic(), np.eye(4), np.ones(4, int), bad)


def build():
    return nn.Sequential(nn.Linear(2, 8, activation="relu"), nn.Linear(8, 3))


@QUIET
def test_networks_go_from_dense_to_sparse():
    """λ_max is the first λ at which all is zero; on the way there weights only leave, by and large."""
    x, y = mg.data.blobs(120, classes=3, spread=3.0, seed=1)
    family = selection.Network(build, mg.cross_entropy, options=(("lr", 0.02),), epochs=4, low=1e-3, warm=True)
    solver = family.start(x, y)
    top = solver.lambda_max()
    assert family.start(x, y).lambda_max() == top and solver.state is None
    found = selection.cross_validate(family, x, y, count=7, folds=3)
    assert found.lambdas[0] == top and found.lambdas[-1] == 1e-3
    counts = [model.nonzeros for model in found.path]
    assert counts[-1] > 30 and counts[0] < 4 and sorted(counts)[-1] in counts[-2:]
    assert found.model.output(x).shape == (120, 3)
    zeroed = [w for _, w in found.path[0].weights]
    assert all((w == 0).mean() > 0.9 for w in zeroed)


@QUIET
def test_nested_figures_are_of_rows_that_no_choice_saw():
    x, y, _ = regression(60, 20, noise=2.0, nonzero=3, seed=5, dtype="float64")
    found = selection.nested_cross_validate(linear.Regression(), x, y, count=15, outer=4, folds=3, seed=2, pick="1se")
    folds = list(selection.KFold(4, seed=2).split(x))
    assert len(found.scores) == len(found.lambdas) == 4
    for (train, test), lam, score, inner in zip(folds, found.lambdas, found.scores, found.inner):
        assert lam == inner.lambda_1se and inner.scores.shape == (3, 15)
        model = linear.Regression().start(x[train], y[train]).fit(lam)
        assert score == pytest.approx(((model.output(x[test]) - y[test]) ** 2).mean(), rel=1e-7)
    assert found.error == pytest.approx(np.std(found.scores, ddof=1) / 2)
    with pytest.raises(ValueError, match="need 'min' or '1se'"):
        selection.nested_cross_validate(linear.Regression(), x, y, pick="best")


def train(x, y, seed, l2, width):
    """What a user writes: any model, from named settings."""
    if width == 3:
        raise RuntimeError("three is unlucky")
    model = nn.Sequential(nn.Linear(2, width, activation="relu"), nn.Linear(width, 2))
    terms = mg.reg.on(model, "*.weight", mg.reg.L2(l2))
    optimizer = mg.optim.Adam(model.parameters(), lr=0.02, penalty=terms)
    mg.train.fit(model, (x, y), mg.cross_entropy, optimizer, epochs=3, seed=seed)
    return model


@QUIET
def test_search(tmp_path):
    x, y = mg.data.moons(80, noise=0.2, seed=1)
    settings = selection.grid(l2=[0.0, 10.0], width=[16, 3])
    options = {"score": "accuracy", "folds": 3, "stratified": True}
    with pytest.warns(selection.SelectionWarning, match="'width': 3}, fold 0 failed: RuntimeError: three is unlucky"):
        found = selection.search(train, settings, x, y, log=tmp_path / "log", **options)
    assert found.best == {"l2": 0.0, "width": 16} and len(found.failures) == 6
    assert found.table(1).splitlines()[1].split()[:2] == ["0", "16"]
    assert json.loads(found.to_json())["best"] == found.best
    again = selection.search(train, settings, x, y, log=tmp_path / "log", **options)
    np.testing.assert_array_equal(again.scores, found.scores)
    alone = selection.search(train, settings[:1], x, y, **options)
    assert (alone.scores[0] == found.scores[0]).all()
    with pytest.raises(ShapeError, match="the same names in all of them"):
        selection.search(train, [{"l2": 1.0}, {"width": 3}], x, y, score="mse")


@QUIET
@pytest.mark.parametrize("kind", ["regression", "two classes", "three classes"])
@pytest.mark.parametrize("score", [None, "accuracy"])
def test_weights_are_rows_that_stand_several_times(kind, score):
    """In λ_max, in fits, in scores and in the refit; a row of weight 0 is not there."""
    if kind == "regression" and score:
        return
    rng = np.random.default_rng(0)
    x = rng.standard_normal((48, 4))
    y = x[:, 0] - x[:, 1] + 0.5 * rng.standard_normal(48)
    family = linear.Regression() if kind == "regression" else linear.Logistic()
    if kind != "regression":
        y = np.digitize(y, [0.0] if kind == "two classes" else [-0.6, 0.6])
    weights = np.arange(48) % 4
    rows = np.repeat(np.arange(48), weights)
    groups = np.arange(48) // 4
    order = [np.flatnonzero(groups % 3 != i) for i in range(3)], [np.flatnonzero(groups % 3 == i) for i in range(3)]
    folds = list(zip(*order))
    places = [[np.flatnonzero(np.isin(rows, part)) for part in pair] for pair in folds]
    options = {"count": 8, "score": score}
    found = selection.cross_validate(family, x, y, folds=folds, weights=weights, **options)
    right = selection.cross_validate(family, x[rows], y[rows], folds=places, **options)
    np.testing.assert_allclose(found.lambdas, right.lambdas, rtol=1e-12)
    np.testing.assert_allclose(found.scores, right.scores, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.model.coefficients, right.model.coefficients, rtol=1e-6, atol=1e-9)
    assert found.settings["data"] != right.settings["data"]


@QUIET
def test_groups_in_nested_folds():
    """The folds inside an outer fold keep groups together, too."""
    rng = np.random.default_rng(0)
    x, groups = rng.standard_normal((60, 2)), np.repeat(np.arange(12), 5)
    seen = []

    class Watched(linear.Regression):
        def start(self, x, y, weights=None):
            seen.append({tuple(row) for row in np.asarray(x)})
            return super().start(x, y, weights)

    options = {"groups": groups, "weights": np.ones(60)}
    selection.nested_cross_validate(Watched(), x, x[:, 0], [0.1, 0.01], outer=3, folds=3, **options)
    of_row = {tuple(row): group for row, group in zip(x, groups)}
    assert len(seen) >= 12
    for rows in seen:
        used = {of_row[row] for row in rows}
        assert len(rows) == 5 * len(used)  # whole groups only


@QUIET
def test_weights_that_cannot_be():
    x, y = np.random.default_rng(0).standard_normal((20, 2)), np.arange(20.0)
    run = functools.partial(selection.cross_validate, linear.Regression(), x, y, count=3)
    for weights, what in (
        (np.ones(19), r"weights are \(19,\); need one for each of 20 rows"),
        (-np.eye(20)[3], "weights: row 3 is -1; need at least 0"),
        (np.arange(20) < 4, r"weights: every test row of fold \d has weight 0"),
    ):
        with pytest.raises(ValueError, match=what):
            run(weights=weights)
    with pytest.raises(ValueError, match=r"score mine takes no weights of rows; need function\(output, y, weights\)"):
        run(weights=np.ones(20), score=selection.Score("mine", lambda output, y: 0.0))
    network = selection.Network(lambda: mg.nn.Linear(2, 1), mg.mse, classifies=False)
    with pytest.raises(ValueError, match="weights: Network takes no weights of rows; linear models do"):
        selection.cross_validate(network, x, y, count=3, weights=np.ones(20))
