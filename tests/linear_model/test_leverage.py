"""Leverages against the hat matrix written out."""

import numpy as np
import pytest

from minigrad.linear_model.leverage import leverages


@pytest.mark.parametrize("shape", [(30, 4), (9, 4), (6, 6), (5, 12)])
@pytest.mark.parametrize("l2", [0.0, 1e-3, 5.0])
def test_the_hat_matrix(shape, l2):
    z = np.random.default_rng(1).standard_normal(shape) * (10.0 ** np.arange(shape[1]) if shape[0] > shape[1] else 1)
    if shape[1] > shape[0] and l2 == 0:
        expected = np.ones(shape[0])
    else:
        expected = np.diag(z @ np.linalg.solve(z.T @ z + l2 * np.eye(shape[1]), z.T))
    assert leverages(z, l2) == pytest.approx(expected, rel=1e-8)


def test_strengths_of_each_column_and_dependent_columns():
    z = np.random.default_rng(2).standard_normal((20, 3))
    l2 = np.array([0.0, 1.0, 50.0])
    assert leverages(z, l2) == pytest.approx(np.diag(z @ np.linalg.solve(z.T @ z + np.diag(l2), z.T)), rel=1e-9)
    twice = np.column_stack([z, z[:, 0]])
    assert leverages(twice, 0.0) == pytest.approx(leverages(z, 0.0), rel=1e-9)
    assert leverages(z[:, :0], 0.0).tolist() == [0.0] * 20
