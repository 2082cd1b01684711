"""Gradients through depth: what is measured is the gradient, and the matrices are what they are called."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import load_digits
from minigrad.lab.gallery import depth


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits("float64")
    return (x - x.mean(0))[:8], y[:8]


@pytest.mark.parametrize("structure", depth.STRUCTURES)
def test_layer_gradients_against_differences(digits, structure):
    """The length of the gradient at the input, by central differences of the loss along it."""
    x, y = digits
    mg.manual_seed(0)
    model = depth.Deep("tanh", "Glorot", structure, depth=3)
    found = depth.layer_gradients(model, x, y)
    t = mg.tensor(x, requires_grad=True)
    g = mg.grad(mg.cross_entropy(model(t), y), t).data
    step = 1e-6 * g / np.linalg.norm(g)
    sides = [mg.cross_entropy(model(mg.tensor(x + sign * step)), y).item() for sign in (1, -1)]
    assert len(found) == 4 and found[0] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5)


def test_a_linear_recurrence_has_its_radius():
    mg.manual_seed(3)
    w = depth.with_radius(12, 0.8)
    values = np.linalg.eigvalsh(w)
    assert values.max() == pytest.approx(0.8) and np.abs(values[:-1]).max() == pytest.approx(0.72)
    norms = depth.step_gradients(w, None, 120)
    assert len(norms) == 121
    assert depth.slope(norms[:60]) == pytest.approx(np.log(0.8), rel=1e-3)
    assert depth.slope(depth.step_gradients(w, mg.tanh, 120)) < np.log(0.8)


def test_orthogonal():
    mg.manual_seed(0)
    q = depth.orthogonal((9, 9))
    assert np.allclose(q @ q.T, np.eye(9), atol=1e-14)
    assert (q != depth.orthogonal((9, 9))).any()
    assert depth.orthogonal((3, 3), "float32").dtype == np.float32
    wide = depth.orthogonal((3, 8))
    assert np.allclose(wide @ wide.T, np.eye(3), atol=1e-14)


def test_gradients_of_starts_are_those_of_networks_made_alone(digits):
    found = depth.start_gradients(*digits, starts=2, inits=("He",))
    assert set(found) == {(s, a, "He") for s in depth.STRUCTURES for a in depth.ACTIVATIONS}
    mg.manual_seed(1)
    alone = depth.layer_gradients(depth.Deep("relu", "He", "residual"), *digits)
    assert np.array_equal(found["residual", "relu", "He"][1], alone) and len(alone) == depth.DEPTH + 1


def test_unrolled_slopes_leave_out_the_last_steps():
    run = depth.unrolled(0.7, None, factor=0.5, steps=90, units=8)
    assert len(run.norms) == 91 and run.slope == depth.slope(run.norms[:40])
    assert run.slope == pytest.approx(np.log(0.35), rel=1e-3)


def test_trained_begins_with_its_seed(digits):
    models = [depth.trained("tanh", "He", seed, *digits, steps, 1e-3) for seed, steps in ((4, 0), (4, 1), (5, 0))]
    first = [model.layers[0].weight.data for model in models]
    assert 0 < np.abs(first[0] - first[1]).max() < 0.01 < np.abs(first[0] - first[2]).max()


def test_normalized_rows(rng):
    y = depth.normed(mg.tensor(5 + 3 * rng.normal(size=(4, 50)))).data
    assert np.allclose(y.mean(1), 0) and np.allclose(y.std(1), 1, atol=1e-5)


def test_structures_differ_as_they_say(digits):
    mg.manual_seed(1)
    model = depth.Deep("relu", "He", depth=2)
    x = mg.tensor(digits[0])
    plain = [h.data for h in model.states(x)]
    model.structure = "residual"
    assert np.allclose(model.states(x)[1].data, digits[0] + plain[1])
    model.structure = "normed residual"
    layer, rows = model.layers[0], digits[0] - digits[0].mean(1, keepdims=True)
    rows /= np.sqrt((rows**2).mean(1, keepdims=True) + 1e-5)
    new = np.maximum(rows @ layer.weight.data + layer.bias.data, 0)
    assert np.allclose(model.states(x)[1].data, digits[0] + new)


def test_a_shallow_network_trains(digits):
    before, after = (depth.loss_after("plain", "relu", 2, 3, *digits, steps) for steps in (0, 60))
    assert after < 0.5 < 2 < before
    assert depth.loss_after("plain", "relu", 2, 3, *digits, 0) == before  # a function of its seed


def test_slope():
    assert depth.slope(0.5 ** np.arange(10.0)[::-1]) == pytest.approx(np.log(0.5))  # on the way back it halves
    assert depth.slope(np.array([0.0, 1.0])) == -np.inf


def test_training_shrinks_where_the_gradient_has_vanished(digits):
    mg.manual_seed(0)
    model = depth.Deep("sigmoid", "small", depth=30)
    first, bias = model.layers[0].weight.data.copy(), model.layers[0].bias.data.copy()
    losses = depth.train(model, *digits, steps=5, rate=0.1, l2=0.5)
    assert np.allclose(model.layers[0].weight.data, 0.95**5 * first, atol=1e-14)
    assert np.allclose(model.layers[0].bias.data, bias, atol=1e-14)  # L2 is on weights alone
    assert len(losses) == 6 and losses[-1] < losses[0]


def test_a_diverging_training_ends_at_once(digits):
    mg.manual_seed(0)
    losses = depth.train(depth.Deep("relu", "large"), *digits, steps=20, rate=1.0)
    assert len(losses) < 20 and np.isfinite(losses[:-1]).all() and not np.isfinite(losses[-1])
    mg.manual_seed(0)
    losses = depth.train(depth.Deep("relu", "large"), *digits, steps=20, rate=0.1, clip=1.0)
    assert len(losses) == 21 and losses[-1] < losses[0]
