"""Scores and probabilities from outputs."""

import numpy as np
import pytest

from minigrad.tabular.judging import chosen, probabilities, scores_of_classes, scores_of_numbers


def test_scores_of_numbers():
    y, f = np.array([1.0, 2.0, 4.0]), np.array([[1.5], [2.0], [3.0]])
    found = scores_of_numbers(f, y)
    assert found == pytest.approx(
        {"R²": 1 - 1.25 / (14 / 3), "root mean squared error": (1.25 / 3) ** 0.5, "mean absolute error": 0.5}
    )
    weighted, repeated = (
        scores_of_numbers(f, y, np.array([2.0, 1, 1])),
        scores_of_numbers(f[[0, 0, 1, 2]], y[[0, 0, 1, 2]]),
    )
    assert weighted == pytest.approx(repeated)
    assert np.isnan(scores_of_numbers(f, np.ones(3))["R²"])


def test_probabilities_of_two_and_more():
    logits = np.array([-40.0, 0.0, 2.0, 40.0])
    two = probabilities(logits, 2)
    np.testing.assert_allclose(two[:, 1], 1 / (1 + np.exp(-logits)), rtol=1e-14)
    assert two[3, 0] == pytest.approx(np.exp(-40.0), rel=1e-12)  # 1 - p would be 0
    more = probabilities(np.array([[0.0, 1.0, -1.0]], np.float32), 3)
    assert more.sum() == pytest.approx(1) and chosen(np.array([[0.0, 1.0, -1.0]])).tolist() == [1]
    assert chosen(logits.reshape(-1, 1)).tolist() == [0, 0, 1, 1]


def test_scores_of_classes():
    found = scores_of_classes(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 0]))
    assert found["accuracy"] == 0.5 and found["log loss"] == pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.e)) / 2)
