"""The confidence penalty: its value by hand, its gradient by differences, and what it refuses."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg


def test_value_by_hand(backend, rng):
    z = rng.normal(size=(5, 4))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    surplus = np.log(4) + (p * np.log(p)).sum(1)
    assert reg.ConfidencePenalty(0.3).value(z) == pytest.approx(0.3 * surplus.mean())
    assert reg.ConfidencePenalty(1.0).value(np.zeros((3, 7))) == pytest.approx(0, abs=1e-12)
    assert reg.ConfidencePenalty(1.0).value(1e3 * np.eye(6)) == pytest.approx(np.log(6))


def test_gradient(rng):
    assert mg.testing.gradcheck(reg.ConfidencePenalty(0.7), [rng.normal(size=(3, 4))])


def test_a_step_down_makes_a_model_less_sure(rng):
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5, dtype="float64"), nn.Softmax())
    terms = reg.on(model, "0", reg.ConfidencePenalty(1.0))
    x = mg.tensor(rng.normal(size=(20, 6)))
    before = model(x).data.max(1).mean()
    terms().backward()
    with mg.no_grad():
        model[0].weight.copy_(model[0].weight.data - 0.5 * model[0].weight.grad.data)
    assert model(x).data.max(1).mean() < before


def test_refusals():
    with pytest.raises(ValueError, match=r"ConfidencePenalty\(1\): an output is \(3,\); need logits"):
        reg.ConfidencePenalty(1.0).value([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="ConfidencePenalty: strength"):
        reg.ConfidencePenalty(-1.0)


def test_a_list_of_tensors_is_refused_with_the_cure():
    """What article 000 does: a penalty called with all variables of a model."""
    parameters = list(nn.Linear(2, 3).parameters())
    for call in (reg.L2(0.1), reg.L2(0.1).value, reg.L1(0.1)):
        with pytest.raises(TypeError, match="got a list of 2 tensors; a penalty takes one"):
            call(parameters)
