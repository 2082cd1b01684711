"""Metrics: NaN in gives NaN out, what is ignored does not count, and what fits nothing is refused."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.train import accuracy, binary_accuracy, evaluate, fit, mean_absolute_error

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("make", [mg.tensor, np.array, list])
@pytest.mark.parametrize(
    ("output", "target", "share"),
    [
        ([[2.0, 1.0], [0.0, 3.0]], [0, 0], 0.5),
        ([[2.0, 1.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]], 1.0),
        ([[INF, 1.0], [-INF, 3.0]], [0, 1], 1.0),
        ([[NAN, NAN], [0.0, 3.0]], [0, 1], NAN),
        ([[1.0, NAN], [0.0, 3.0]], [0, 1], NAN),
        ([[2.0, 1.0], [0.0, 3.0]], [[NAN, 0.0], [0.0, 1.0]], NAN),
        ([[2.0, 1.0], [0.0, 3.0], [0.0, 3.0]], [-100, 0, 1], 0.5),
        ([[2.0, 1.0]], [-100], NAN),
    ],
)
def test_accuracy(make, output, target, share):
    found = accuracy(make(output), target)
    assert type(found) is float and (found == share or (math.isnan(found) and math.isnan(share)))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_labels_of_any_kind(dtype):
    assert accuracy(np.eye(2), np.array([0, 1], dtype)) == 1.0
    assert accuracy(np.eye(2), mg.tensor(np.array([1, 1], dtype))) == 0.5


@pytest.mark.parametrize("target", [[0, 2], [-1, 0], [-100, 2], [1, -101]])
def test_labels_that_are_no_class(target):
    with pytest.raises(ValueError, match=r"the target holds .*; need classes from 0 to 1"):
        accuracy(np.eye(2), target)
    with pytest.raises(ValueError, match="the target holds"):
        accuracy(np.eye(2), np.array(target, np.int32))


def test_metrics_of_numbers():
    assert binary_accuracy(mg.tensor([[2.0], [-1.0]]), [[1], [1]]) == 0.5
    assert binary_accuracy(np.array([[INF], [-INF]]), [[1], [0]]) == 1.0
    assert mean_absolute_error([1.0, 2.0], [2.0, 4.0]) == 1.5
    for dtype in (np.uint8, np.int8, bool):  # 0 - 1 is 255 in uint8, and of booleans there is no difference
        assert mean_absolute_error(np.array([0, 1, 1], dtype), np.array([1, 1, 1], dtype)) == 1 / 3
    assert mean_absolute_error(np.array([-128], np.int8), np.array([127], np.int8)) == 255
    for metric in (binary_accuracy, mean_absolute_error):
        assert math.isnan(metric(mg.tensor([NAN, 1.0]), [0, 1])) and math.isnan(metric([1.0, 1.0], [NAN, 1.0]))
        assert math.isnan(metric(np.zeros(0), np.zeros(0)))  # of nothing, and without a warning
    assert math.isnan(accuracy(np.zeros((0, 2)), np.zeros(0, int)))


@pytest.mark.parametrize("size", [3, 256])
def test_probabilities_are_no_logits(size):
    """All of them are above 0: the share of ones would be taken for an accuracy."""
    x = np.random.default_rng(0).standard_normal((8, 2)).astype(np.float32)
    y = (x[:, :1] > 0).astype(int)
    for model in (nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()), nn.Linear(2, 1, activation="sigmoid")):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        with pytest.raises(ValueError, match="made by a sigmoid, but needs logits"):
            fit(model, (x, y), mg.mse, optimizer, epochs=1, metrics=[binary_accuracy])
        with pytest.raises(ValueError, match="made by a sigmoid, but needs logits"):
            binary_accuracy(model(mg.tensor(x)), y)
    with pytest.raises(ValueError, match="made by a sigmoid, but needs logits"):
        model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
        evaluate(model, (x, y), mg.mse, [binary_accuracy], batch_size=size)
    shifted = {"hits": lambda output, target: binary_accuracy(output - 0.5, target)}
    assert 0 <= evaluate(model, (x, y), mg.mse, shifted, batch_size=size)["hits"] <= 1
