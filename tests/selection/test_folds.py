"""Folds: disjoint, whole, stratified, functions of the seed; and the seeds of fits."""

import numpy as np
import pytest

from minigrad import selection
from minigrad.errors import ShapeError
from minigrad.selection.folds import as_folds, fit_seed, nested_seed, repeats_of


@pytest.mark.parametrize("n", [5, 23, 100])
@pytest.mark.parametrize("stratified", [False, True])
def test_every_row_is_tested_once_per_repeat(n, stratified):
    y = np.arange(n) % 3
    pairs = list(selection.KFold(5, repeats=3, stratified=stratified, seed=4).split(y, y))
    assert len(pairs) == 15 == selection.KFold(5, repeats=3).get_n_splits()
    for start in (0, 5, 10):
        tested = np.concatenate([test for _, test in pairs[start : start + 5]])
        assert sorted(tested) == list(range(n))
    for train, test in pairs:
        assert sorted([*train, *test]) == list(range(n)) and len(test) in (n // 5, n // 5 + 1)
        assert (np.diff(train) > 0).all()
    assert repeats_of(pairs, n) == 3
    assert n == 5 or any(a[1].tolist() != b[1].tolist() for a, b in zip(pairs[:5], pairs[5:10]))


def test_stratified_folds_have_their_share_of_each_class():
    y = np.array(["a"] * 50 + ["b"] * 12 + ["c"] * 7)
    for _, test in selection.KFold(5, stratified=True, seed=1).split(y, y):
        counts = [int((y[test] == name).sum()) for name in "abc"]
        assert counts[0] == 10 and counts[1] in (2, 3) and counts[2] in (1, 2)


def test_folds_are_a_function_of_the_seed():
    def rows(seed):
        return [test.tolist() for _, test in selection.KFold(4, seed=seed).split(np.zeros(30))]

    assert rows(1) == rows(1) != rows(2)


def test_what_else_serves_as_folds():
    x, y = np.zeros((6, 1)), np.zeros(6)
    pairs = [([0, 1, 2], [3, 4, 5]), (np.array([3, 4, 5]), (0, 1))]
    assert [test.tolist() for _, test in as_folds(pairs, x, y, False, 0)] == [[3, 4, 5], [0, 1]]
    assert len(as_folds(3, x, y, False, 0)) == 3
    splitters = pytest.importorskip("sklearn.model_selection", reason="needs scikit-learn, the extra `sklearn`")
    assert repeats_of(as_folds(splitters.RepeatedKFold(n_splits=3, n_repeats=2), x, y, False, 0), 6) == 2
    assert len(list(splitters.check_cv(selection.KFold(3)).split(x, y))) == 3  # and the other way round


@pytest.mark.parametrize(
    ("folds", "error", "match"),
    [
        (1, ValueError, "KFold: k is 1"),
        (7, ValueError, "6 rows do not fill 7 folds"),
        ([([0, 1], [1, 2]), ([0], [1])], ValueError, "fold 0 trains and tests on row 1"),
        ([([0, 1], [6]), ([0], [1])], IndexError, "fold 0, test rows: 6 is not one of 6 rows"),
        ([([0, 1], [-1]), ([0], [1])], IndexError, "-1 is not one of"),
        ([([0, 1], []), ([0], [1])], ValueError, "at least one row number"),
        ([([0, 1], [2])], ValueError, "there are 1; need at least 2"),
        ([3, 4], TypeError, "need a pair"),
    ],
)
def test_bad_folds(folds, error, match):
    with pytest.raises(error, match=match):
        as_folds(folds, np.zeros((6, 1)), np.zeros(6), False, 0)


def test_stratified_folds_need_classes():
    with pytest.raises(ShapeError, match="one class for each of 6 rows"):
        list(selection.KFold(2, stratified=True).split(np.zeros(6)))


def test_seeds_of_fits_differ():
    seeds = {fit_seed(s, f, i) for s in range(3) for f in range(4) for i in range(5)}
    seeds |= {nested_seed(s, f) for s in range(3) for f in range(4)}
    assert len(seeds) == 72 and all(0 <= seed < 2**64 for seed in seeds)


@pytest.mark.parametrize("repeats", [1, 3])
def test_groups_stay_together(repeats):
    """No group is cut in two, each row is tested once a repeat, and folds are as even as groups allow."""
    groups = np.repeat([f"g{i}" for i in range(12)], [9, 1, 4, 4, 2, 7, 3, 3, 5, 1, 6, 3])
    groups = groups[np.random.default_rng(0).permutation(len(groups))]
    found = list(selection.KFold(4, repeats=repeats, seed=3).split(np.zeros(len(groups)), None, groups))
    assert len(found) == 4 * repeats
    for train, test in found:
        assert not set(groups[train]) & set(groups[test]) and len(train) + len(test) == len(groups)
        assert abs(len(test) - 12) <= 1
    for i in range(repeats):
        assert sorted(np.concatenate([test for _, test in found[4 * i : 4 * i + 4]])) == list(range(len(groups)))
    again = list(selection.KFold(4, repeats=repeats, seed=3).split(np.zeros(len(groups)), None, groups))
    assert all((a[1] == b[1]).all() for a, b in zip(found, again))


def test_folds_of_groups_that_cannot_be():
    x = np.zeros((6, 1))
    with pytest.raises(ValueError, match="KFold: 2 groups do not fill 3 folds"):
        as_folds(3, x, None, False, 0, ["a", "a", "a", "b", "b", "b"])
    with pytest.raises(ShapeError, match=r"groups are \(2,\); need one for each of 6 rows"):
        as_folds(3, x, None, False, 0, ["a", "b"])
    for gap in (None, float("nan")):
        with pytest.raises(ValueError, match=r"groups: row 1 is .*; every row needs a group"):
            as_folds(2, x, None, False, 0, np.array([1, gap, 2, 2, 3, 3], dtype=object))
    pairs = [([0, 1, 2], [3, 4, 5]), ([3, 4, 5], [0, 1, 2])]
    assert len(as_folds(pairs, x, None, False, 0, [1, 1, 1, 2, 2, 2])) == 2
    with pytest.raises(ValueError, match="folds: fold 0 trains and tests on rows of group 2"):
        as_folds(pairs, x, None, False, 0, [1, 1, 2, 2, 3, 3])


def test_a_splitter_that_needs_groups():
    sklearn = pytest.importorskip("sklearn.model_selection", reason="needs the extra `sklearn`")
    x = np.zeros((6, 1))
    with pytest.raises(ValueError, match="folds: GroupKFold needs groups; pass groups=, one for each row"):
        as_folds(sklearn.GroupKFold(2), x, None, False, 0)
    assert len(as_folds(sklearn.GroupKFold(2), x, None, False, 0, [1, 1, 2, 2, 3, 3])) == 2
