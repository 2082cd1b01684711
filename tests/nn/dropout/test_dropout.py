"""Dropout: shares, scaling, its streams, its gradient, its edges."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


@pytest.fixture
def x(rng):
    return mg.tensor(rng.standard_normal((50, 40)))


def test_training_drops_and_scales_and_evaluation_does_not(backend, x):
    layer = nn.Dropout(0.25)
    y = layer(x)
    kept = layer.last_mask()
    np.testing.assert_array_equal(y.data, np.where(kept, x.data * (1 / 0.75), 0))
    assert abs(kept.mean() - 0.75) < 5 * np.sqrt(0.25 * 0.75 / kept.size)
    assert layer.eval()(x) is x


def test_classical_scaling_scales_at_evaluation(backend, x):
    inverted, classical = nn.Dropout(0.4, seed=7), nn.Dropout(0.4, scaling="classical", seed=7)
    np.testing.assert_allclose(classical(x).data, 0.6 * inverted(x).data, rtol=1e-15)  # the same masks
    np.testing.assert_array_equal(classical.eval()(x).data, 0.6 * x.data)


def test_every_call_is_another_draw_and_a_seed_repeats_them(x):
    mg.manual_seed(1)
    layer = nn.Dropout(0.5)
    first, second = layer(x).data, layer(x).data
    assert 0.4 < ((first == 0) == (second == 0)).mean() < 0.6
    mg.manual_seed(1)
    np.testing.assert_array_equal(nn.Dropout(0.5)(x).data, first)


def test_masks_do_not_depend_on_values_dtype_or_layout(backend, x):
    mask = {}
    for name, z in {"x": x, "zeros": x * 0, "float32": x.float(), "strided": mg.tensor(x.data.T.copy()).T}.items():
        layer = nn.Dropout(0.5, seed=3)
        y = layer(z)
        mask[name] = layer.last_mask()
        assert (y.data[~mask[name]] == 0).all()
    assert all((m == mask["x"]).all() for m in mask.values())


def test_the_own_stream_is_state(x):
    layer = nn.Dropout(0.5, seed=3)
    layer(x)
    saved = layer.state_dict()
    assert list(saved) == ["calls"]
    second = layer(x).data
    resumed = nn.Dropout(0.5, seed=3)
    resumed.load_state_dict(saved)
    np.testing.assert_array_equal(resumed(x).data, second)
    layer.calls.copy_(1)
    np.testing.assert_array_equal(layer(x).data, second)


def test_a_seeded_layer_leaves_the_streams_of_the_process_alone(x):
    before = mg.rng.get_state()
    nn.Dropout(0.5, seed=3)(x)
    assert mg.rng.get_state() == before
    state = np.random.get_state()[1].copy()
    nn.Dropout(0.5)(x)
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("p", [0.0, 1e-9, 1.0, 1 - 1e-9])
def test_edges(backend, x, p):
    mg.manual_seed(0)
    layer = nn.Dropout(p)
    x = mg.tensor(np.where(np.arange(40) == 3, np.inf if p else 1.0, x.data), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    if p < 0.5:
        np.testing.assert_allclose(y.data, x.data, rtol=1e-8)
        assert layer.last_mask().all()
    else:
        assert (y.data == 0).all()
        assert (x.grad.data == 0).all()
    nn.Dropout(0.5)(x)
    assert mg.rng.get_state()["dropout"] == 2  # a call number is taken whatever p is


def test_gradient_is_the_mask(backend, rng):
    def dropped(x):
        return nn.Dropout(0.5, seed=2)(x) * x

    assert mg.testing.gradcheck(dropped, [rng.standard_normal((4, 5))])


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), "half", None])
def test_p_is_checked(p):
    with pytest.raises(ValueError, match="the share that is dropped"):
        nn.Dropout(p)


def test_other_bad_input():
    with pytest.raises(ValueError, match="'inverted' or 'classical'"):
        nn.Dropout(0.5, scaling="none")
    with pytest.raises(ValueError, match="seed is -1"):
        nn.Dropout(0.5, seed=-1)
    with pytest.raises(RuntimeError, match="has not been called"):
        nn.Dropout(0.5).last_mask()
    with pytest.raises(mg.DTypeError, match="dropout: a tensor is int64"):
        nn.Dropout(0.5)(np.arange(3))


def test_empty_and_scalar(backend):
    layer = nn.Dropout(0.5)
    assert layer(np.zeros((0, 3), np.float32)).shape == (0, 3)
    assert layer.last_mask().shape == (0, 3)
    assert layer(np.float32(1.0).reshape(())).shape == ()


def test_the_mask_that_is_kept_for_backward_is_one_bit_per_element(backend):
    y = nn.Dropout(0.5)(mg.tensor(np.ones((7, 9)), requires_grad=True))
    assert (y.saved.dtype, y.saved.shape) == (np.uint8, (8,))


@pytest.mark.parametrize("seed", [None, 5])
def test_training_that_was_stopped_and_resumed_equals_training_that_was_not(backend, rng, seed):
    """Weights, Adam's moments, terms in the update and the streams of dropout: all of it comes back to the bit."""
    x, t = rng.standard_normal((30, 4)).astype(np.float32), rng.integers(0, 3, 30)

    def made():
        layers = nn.Linear(4, 16, activation="relu"), nn.Dropout(0.5, seed=seed), nn.Linear(16, 3)
        model = nn.Sequential(*layers)
        terms = mg.reg.on(model, "*.weight", mg.reg.ElasticNet(1e-2, 1e-2))
        return model, mg.optim.Adam(model.parameters(), lr=0.01, prox=terms)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            mg.cross_entropy(model(mg.tensor(x)), t).backward()
            optimizer.step()

    mg.manual_seed(1)
    model, optimizer = made()
    train(model, optimizer, 4)
    saved = model.state_dict(), optimizer.state_dict(), mg.rng.get_state()
    train(model, optimizer, 4)
    mg.manual_seed(99)  # another process, whose streams went elsewhere
    resumed, again = made()
    resumed.load_state_dict(saved[0])
    again.load_state_dict(saved[1])
    mg.rng.set_state(saved[2])
    train(resumed, again, 4)
    for name, w in model.state_dict().items():
        assert resumed.state_dict()[name].tobytes() == w.tobytes(), name
