"""Grids of λ, combinations, random settings; scores."""

import numpy as np
import pytest

from minigrad import nn, selection
from minigrad.errors import ShapeError
from minigrad.selection.scores import accuracy, as_score, log_loss, mse, output_of


@pytest.mark.usefixtures("backend")
def test_log_spaced():
    values = selection.log_spaced(3.0, 0.003, 31)
    assert values[0] == 3.0 and values[-1] == 0.003
    np.testing.assert_allclose(values[1:] / values[:-1], 10**-0.1, rtol=1e-13)
    assert selection.log_spaced(2.0, 2.0, 1).tolist() == [2.0]
    with pytest.raises(ValueError, match=r"from 1\.0 down to 2\.0"):
        selection.log_spaced(1.0, 2.0, 5)


def test_random_settings():
    def draw(count, seed=0):
        return selection.random_settings(
            count, seed=seed, l2=selection.LogUniform(1e-4, 1.0), p=selection.Uniform(0.2, 0.8), width=[8, 16]
        )

    many = draw(4000)
    assert all(1e-4 <= s["l2"] < 1 and 0.2 <= s["p"] < 0.8 and s["width"] in (8, 16) for s in many)
    for decade in range(4):  # 1000 each, within 5 standard deviations
        assert abs(sum(10 ** (decade - 4) <= s["l2"] < 10 ** (decade - 3) for s in many) - 1000) < 140
    assert abs(sum(s["width"] == 8 for s in many) - 2000) < 160
    assert draw(4) == draw(4) != draw(4, seed=1)
    with pytest.raises(ValueError, match="l2, low"):
        selection.random_settings(3, l2=selection.LogUniform(0.0, 1.0))


def test_scores():
    y = np.array([0, 1, 2])
    logits = np.array([[2.0, 0, 0], [0, 3.0, 0], [5.0, 0, 1]])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert log_loss(logits, y) == pytest.approx(-np.log(p[range(3), y]).mean())
    assert accuracy(logits, y) == pytest.approx(2 / 3)
    one, t = np.array([[2.0], [-1.0], [40.0]]), np.array([1, 1, 1])
    assert log_loss(one, t) == pytest.approx(np.log1p(np.exp(-one)).mean())
    assert accuracy(one, t) == pytest.approx(2 / 3)
    assert mse(np.array([1, 2], np.float32), np.array([1, 4])) == 2.0
    assert as_score("neg_log_loss").name == "log_loss" and as_score("accuracy").sign == -1
    with pytest.raises(ValueError, match="need one of mse, log_loss, accuracy"):
        as_score("r2")
    with pytest.raises(ShapeError, match="one output per target"):
        mse(np.zeros((2, 2)), np.zeros(2))


def test_outputs_of_a_module_are_those_of_eval_mode():
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.9))
    out = output_of(model, np.ones((2000, 2)))
    assert out.shape == (2000, 3) and (out == out[0]).all() and model[1].training
