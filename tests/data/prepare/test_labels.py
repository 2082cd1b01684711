"""labels: in range or named; one-hot rows; noise of exactly the size asked for, towards other classes alike."""

import numpy as np
import pytest

from minigrad.data import check_labels, noisy_labels, one_hot
from minigrad.errors import DTypeError, ShapeError


def test_labels_in_range_become_int64():
    assert check_labels(np.array([0, 2], np.uint8), 3).dtype == np.int64
    assert check_labels([True, False], 2).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        ([0, 1, 3, -1], ValueError, "row 2 is 3; need labels from 0 to 2"),
        ([0, -1], ValueError, "row 1 is -1"),
        (np.array([2**64 - 1], np.uint64), ValueError, "row 0 is 18446744073709551615"),
        ([0.0, 1.0], DTypeError, "astype"),
        ([[0], [1]], ShapeError, r"y is \(2, 1\)"),
        (3, ShapeError, "single number"),
    ],
)
def test_other_labels_are_refused(y, error, words):
    for use in (check_labels, one_hot, lambda y, classes: noisy_labels(y, 0.5, classes)):
        with pytest.raises(error, match=words):
            use(y, 3)


def test_one_hot():
    y = np.array([2, 0, 1, 2])
    rows = one_hot(y, 4, "float64")
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows, np.eye(4)[y])


@pytest.mark.parametrize("share", [0, 0.3, 1.0])
def test_exactly_that_share_is_replaced_each_by_another_class(share):
    y = np.arange(1001) % 5
    before = y.copy()
    noisy = noisy_labels(y, share, 5, seed=1)
    np.testing.assert_array_equal(y, before)
    assert noisy.dtype == np.int64
    assert (noisy != y).sum() == round(share * 1001)
    assert noisy.min() >= 0
    assert noisy.max() <= 4


def test_other_classes_are_equally_likely():
    y = np.zeros(40_000, np.int64)
    counts = np.bincount(noisy_labels(y, 1.0, 5), minlength=5)
    assert counts[0] == 0
    chi2 = ((counts[1:] - 10_000) ** 2 / 10_000).sum()
    assert chi2 < 21.1  # 3 degrees of freedom: 1 in 10,000


def test_noise_is_a_function_of_the_seed():
    y = np.arange(300) % 10
    np.testing.assert_array_equal(noisy_labels(y, 0.5, 10, 4), noisy_labels(y, 0.5, 10, 4))
    assert (noisy_labels(y, 0.5, 10, 4) != noisy_labels(y, 0.5, 10, 5)).any()


def test_bad_arguments():
    with pytest.raises(ValueError, match="share is 1"):
        noisy_labels([0, 1], 1.5, 2)
    with pytest.raises(ValueError, match="classes is 1"):
        noisy_labels([0, 0], 0.5, 1)
