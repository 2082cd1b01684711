"""Anomaly mode names the op and the user's line at which NaN or infinity came up first."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import engine


def line():
    return sys._getframe(1).f_lineno


def test_forward_names_op_shapes_and_line(backend):
    x = mg.tensor([[0.0, 1.0]], requires_grad=True)
    with pytest.raises(mg.NonFiniteError) as caught, mg.debug.anomaly():
        here = line() + 1
        mg.exp(mg.log(x) * 2)
    assert f"{__file__}:{here} in test_forward" in str(caught.value)
    assert "log: 1 of 2 results is not finite (-inf at (0, 0)), from x (1, 2)" in str(caught.value)


def test_backward_names_where_the_op_was_called(backend):
    x = mg.tensor([0.0, 4.0], requires_grad=True)
    with pytest.raises(mg.NonFiniteError) as caught, mg.debug.anomaly():
        here = line() + 1
        y = mg.sqrt(x)
        mg.sum(y).backward()
    assert f"{__file__}:{here} in test_backward" in str(caught.value)
    assert "backward of sqrt: 1 of 2 elements is not finite (inf at (0,)) of a gradient" in str(caught.value)
    assert x.grad is None


def test_a_layer_is_named_with_its_path(backend):
    model = mg.nn.Sequential(mg.nn.Linear(2, 2), mg.nn.Linear(2, 1))
    with mg.no_grad():
        model[1].weight.copy_(np.full((2, 1), 3e38))
        model[1].bias.copy_([3e38])
        model[0].bias.copy_([3e38, 3e38])
    with pytest.raises(mg.NonFiniteError, match=r"model\.1 \(Linear 2->1\): affine: 1 of 1 result"), mg.debug.anomaly():
        model(mg.tensor([[1.0, 1.0]]))


def test_only_the_first_is_blamed_and_infinities_may_pass(backend):
    x = mg.tensor([np.inf, 1.0], requires_grad=True)
    with mg.debug.anomaly():
        y = x * 2  # infinite, because x was
        with pytest.raises(mg.NonFiniteError, match="sub: 1 of 2 results is not finite"):
            mg.tensor([3e38, 1.0]) - mg.tensor([-3e38, 1.0])
    with mg.debug.anomaly(infinities=False):
        z = mg.div(mg.tensor([1.0, 1.0]), mg.tensor([0.0, 1.0]))
        with pytest.raises(mg.NonFiniteError, match="div: 1 of 1 result is NaN"):
            mg.div(mg.tensor([0.0]), mg.tensor([0.0]))
    assert np.isinf(z.data[0])
    assert np.isinf(y.data[0])


def test_the_mode_ends_and_nests(backend):
    with mg.debug.anomaly() as outer:
        with pytest.raises(ZeroDivisionError), mg.debug.anomaly():
            1 / 0  # noqa: B018
        assert engine._watch == outer._watch
        mg.tensor([1.0]) + 1
    assert engine._watch is None
    assert not outer.places
    mg.log(mg.tensor([0.0]))


def test_places_go_with_their_tensors():
    with mg.debug.anomaly() as mode:
        x = mg.tensor([1.0], requires_grad=True)
        for _ in range(50):
            (x * 2).sum().backward()
        assert len(mode.places) < 10
