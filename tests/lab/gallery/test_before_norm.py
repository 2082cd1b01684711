"""A weight before a batch norm: its angle, its length, and what its training gives back."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import load_digits
from minigrad.lab.gallery import before_norm


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits("float64")
    return x[:200], y[:200]


def test_angles(rng):
    a = rng.standard_normal((4, 3))
    assert before_norm.turned(a, 7 * a) == pytest.approx(0, abs=1e-15)
    assert before_norm.turned(a, -a) == pytest.approx(np.pi)
    q = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    for angle in (1e-9, 0.3, 2.0):
        v = q @ [np.cos(angle), np.sin(angle)]
        assert before_norm.turned(q[:, 0], 2 * v) == pytest.approx(angle, rel=1e-6)


def test_the_first_step_by_hand(digits):
    """L2 on the first weight alone, and a rate of its own; what is noted is what happened."""
    x, y = digits
    made = before_norm.trained(x, y, 3, 1, l2=0.2, rate=lambda step: 0.03)
    model = before_norm.network(3)
    rows = np.random.default_rng(3).integers(0, len(x), before_norm.BATCH)
    loss = mg.cross_entropy(model(mg.from_numpy(x[rows])), y[rows])
    loss.backward()
    for (name, p), (_, found) in zip(model.named_parameters(), made.model.named_parameters()):
        rate, l2 = (0.03, 0.2) if name == "0.weight" else (before_norm.RATE, 0.0)
        np.testing.assert_allclose(found.data, p.data - rate * (p.grad.data + l2 * p.data), rtol=1e-12, atol=1e-14)
    w = made.model[0].weight.data
    assert made.losses[0] == loss.item() and made.lengths[0] == pytest.approx(np.linalg.norm(w))
    assert made.angles[0] == before_norm.turned(model[0].weight.data, w) > 0


def test_the_control_has_no_batch_norm(digits):
    made = before_norm.trained(*digits, 0, 2, normalized=False)
    assert [type(layer).__name__ for layer in made.model] == ["Linear", "ReLU", "Linear"]
    assert before_norm.outputs(made.model, digits[0]).shape == (200, 10) and len(made.losses) == 2
