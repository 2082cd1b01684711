"""splitting: disjoint, complete, of the size asked for, in proportion, and a function of the seed alone."""

import numpy as np
import pytest

from minigrad.data import split
from minigrad.errors import ShapeError


def rows(n):
    """x and y that both tell their row."""
    return np.stack([np.arange(n), np.arange(n)], 1).astype(float), np.arange(n)


@pytest.mark.parametrize(
    ("n", "test", "size"), [(10, 0.3, 3), (10, 3, 3), (2, 0.5, 1), (1797, 0.2, 359), (7, np.float32(0.5), 4)]
)
@pytest.mark.parametrize("stratify", [False, True])
def test_parts_are_disjoint_complete_and_of_that_size(n, test, size, stratify):
    x, y = rows(n)
    train, held_out = split(x, y, test, stratify=y % 3 if stratify else None)
    assert len(held_out.y) == size
    assert sorted([*train.y, *held_out.y]) == list(range(n))
    for part in (train, held_out):
        np.testing.assert_array_equal(part.x[:, 0], part.y)


def test_the_order_is_random_and_a_function_of_the_seed():
    x, y = rows(100)
    a, b, c = split(x, y, seed=1), split(x, y, seed=1), split(x, y, seed=2)
    np.testing.assert_array_equal(a.test.y, b.test.y)
    np.testing.assert_array_equal(a.train.y, b.train.y)
    assert set(a.test.y) != set(c.test.y)
    assert (np.diff(a.train.y) < 0).any()


def test_every_row_is_as_likely_to_be_held_out():
    x, y = rows(10)
    counts = np.bincount(np.concatenate([split(x, y, 0.3, seed=seed).test.y for seed in range(1000)]), minlength=10)
    assert abs(counts - 300).max() < 4.5 * (1000 * 0.3 * 0.7) ** 0.5


def test_classes_keep_their_proportion():
    y = np.repeat(["a", "b", "c"], [50, 30, 20])
    _, test = split(np.zeros((100, 1)), np.arange(100), 0.1, stratify=y)
    assert sorted(y[test.y]) == ["a"] * 5 + ["b"] * 3 + ["c"] * 2
    # 7 of 10: quotas 4.2, 2.1, 0.7: floors 4, 2, 0, and the one left over goes to the largest remainder
    y = np.repeat([4, 5, 6], [6, 3, 1])
    _, test = split(np.zeros((10, 1)), np.arange(10), 7, stratify=y)
    assert sorted(y[test.y]) == [4] * 4 + [5] * 2 + [6]


def test_missing_values_and_dtypes_stay_as_they_are():
    x = np.array([[1.0, np.nan]] * 4, np.float32)
    train, test = split(x, np.zeros(4, np.int8), 0.5)
    assert train.x.dtype == np.float32
    assert test.y.dtype == np.int8
    assert np.isnan(train.x[:, 1]).all()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"test": 0.01}, ValueError, "puts 0 of 10 rows"),
        ({"test": 1.0}, ValueError, "puts 10 of 10 rows"),
        ({"test": 10}, ValueError, "puts 10 of 10 rows"),
        ({"test": -0.5}, ValueError, "test is -0.5"),
        ({"test": float("nan")}, ValueError, "test is nan"),
        ({"test": "half"}, TypeError, "test is 'half'"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"stratify": True}, ShapeError, r"stratify is \(\)"),
        ({"stratify": [0, 1]}, ShapeError, r"stratify is \(2,\)"),
    ],
)
def test_bad_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        split(*rows(10), **arguments)
    with pytest.raises(ShapeError, match="x has 3 rows, y has 2"):
        split(np.ones((3, 1)), np.ones(2))
