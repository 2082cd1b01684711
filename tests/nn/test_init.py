"""Initializers: bounds and spread by the fans, one network in both precisions, one stream."""

from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


@pytest.mark.parametrize(
    "name, limit", [("glorot_uniform", np.sqrt(6 / 300)), ("he_uniform", np.sqrt(6 / 200)), ("uniform", 1.0)]
)
def test_uniform_bounds(name, limit):
    w = nn.init.find(name)((200, 100))
    assert limit * 0.999 < np.abs(w).max() <= limit
    assert abs(w.mean()) < 5 * limit / np.sqrt(3 * w.size)


@pytest.mark.parametrize(
    "name, std", [("glorot_normal", np.sqrt(2 / 300)), ("he_normal", np.sqrt(2 / 200)), ("normal", 1.0)]
)
def test_normal_spread(name, std):
    w = nn.init.find(name)((200, 100), "float64")
    assert w.dtype == np.float64
    assert w.std() == pytest.approx(std, rel=0.03)
    assert abs(w.mean()) < 5 * std / np.sqrt(w.size)


def test_both_precisions_start_from_one_network():
    weights = {}
    for dtype in ("float32", "float64"):
        mg.manual_seed(3)
        weights[dtype] = nn.Sequential(nn.Linear(5, 4, dtype=dtype), nn.Linear(4, 3, init="he_uniform", dtype=dtype))
    for a, b in zip(weights["float32"].parameters(), weights["float64"].parameters()):
        assert (a.data == b.data.astype(np.float32)).all()


def test_a_seed_fixes_the_network_and_layers_differ():
    mg.manual_seed(3)
    a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    mg.manual_seed(3)
    assert (nn.Linear(4, 4).weight.data == a.weight.data).all()
    assert (a.weight.data != b.weight.data).any()


def test_constants_and_keywords():
    assert (nn.init.zeros((2, 3)) == 0).all()
    assert (nn.init.constant((2, 3), value=0.5) == 0.5).all()
    layer = nn.Linear(2, 2, init=partial(nn.init.uniform, low=3.0, high=4.0))
    assert (layer.weight.data >= 3).all()


def test_fans_need_two_sizes():
    with pytest.raises(mg.ShapeError, match=r"glorot_uniform: the shape is \(3,\)"):
        nn.init.glorot_uniform((3,))
    assert nn.init.he_normal((0, 0)).shape == (0, 0)
