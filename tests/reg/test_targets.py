"""The confidence penalty: minus the entropy of the softmax, through the graph, in fit by its name."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.testing import gradcheck


def negative_entropy(y):
    p = np.exp(y - y.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return (p * np.log(p)).sum(1).mean()


def test_value_and_gradient(backend, rng):
    y = rng.standard_normal((5, 4))
    term = reg.ConfidencePenalty(0.3)
    assert term.value(y) == pytest.approx(0.3 * negative_entropy(y), rel=1e-12)
    assert gradcheck(term, [y])
    assert reg.ConfidencePenalty(1.0).value(np.zeros((3, 7))) == pytest.approx(-np.log(7), rel=1e-6)
    assert reg.ConfidencePenalty(1.0).value(np.eye(3) * 1e4) == 0.0  # sure of itself, and finite


def test_fit_reports_it_by_name_and_the_network_is_less_sure(backend, rng):
    x, t = rng.standard_normal((40, 4)), rng.integers(0, 3, 40)
    sizes = []
    for strength in (0.0, 0.5):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 16, activation="tanh", dtype="float64"), nn.Linear(16, 3, dtype="float64"))
        terms = reg.on(model, {"entropy": ("", reg.ConfidencePenalty(strength))})
        optimizer = optim.Adam(model.parameters(), lr=0.02)
        history = train.fit(model, (x, t), mg.cross_entropy, optimizer, terms, epochs=20)
        assert history.penalties == ["entropy"]
        last = history.last
        assert last["total"] == pytest.approx(last["loss"] + last["entropy"], abs=1e-12)
        sizes.append(negative_entropy(model(mg.tensor(x)).data))
    assert sizes[1] < sizes[0] - 0.03


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "much"])
def test_strength_is_checked(strength):
    with pytest.raises(ValueError, match="ConfidencePenalty: strength is"):
        reg.ConfidencePenalty(strength)
