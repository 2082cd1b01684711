"""What every random layer promises: one draw forward, backward, in parts and on any machine; edges; bad input."""

import random

import numpy as np
import pytest
from kernels.twins import every_variant, needs_native
from nn.dropout.random_layers import LAYERS, MASKING

import minigrad as mg
from minigrad import nn

each = pytest.mark.parametrize("name", LAYERS)


def made(name, p=0.5, **options):
    """A layer and an input without zeros."""
    make, shape = LAYERS[name]
    mg.manual_seed(3)
    return make(p, **options), mg.tensor(np.random.default_rng(1).uniform(1, 2, shape), requires_grad=True)


@each
def test_training_draws_evaluation_does_not(backend, name):
    layer, x = made(name)
    first, second, evaluated = layer(x).data, layer(x).data, layer.eval()(x).data
    assert (first != second).any()
    assert (layer(x).data == evaluated).all()
    expected = 0.5 * x.data if name == "classical" else x.data
    if name != "DropConnect":
        np.testing.assert_array_equal(evaluated, expected)
    assert mg.rng.get_state()["noise" if name == "GaussianNoise" else "dropout"] == 2


@pytest.mark.parametrize("name", MASKING[:-1])
def test_the_mask_backward_is_the_mask_forward(backend, name):
    layer, x = made(name)
    y = layer(x)
    y.sum().backward()
    np.testing.assert_array_equal(y.data != 0, layer.last_mask())
    np.testing.assert_array_equal(x.grad.data, layer.last_mask() * (1.0 if name == "classical" else 2.0))
    np.testing.assert_array_equal(y.data, x.data * x.grad.data)


def test_noise_can_be_looked_at(backend):
    for name in ("GaussianDropout", "GaussianNoise"):
        layer, x = made(name)
        y = layer(x).data
        noise = layer.last_noise()
        np.testing.assert_array_equal(y, x.data * noise if name == "GaussianDropout" else x.data + noise)
        with pytest.raises(RuntimeError, match="has not been called"):
            made(name)[0].last_noise()


def test_the_weights_that_dropconnect_dropped_get_no_gradient(backend):
    layer, x = made("DropConnect")
    y = layer(x)
    y.sum().backward()
    kept = 2.0 * layer.last_mask()
    assert 0.3 < (kept == 0).mean() < 0.7
    np.testing.assert_allclose(y.data, x.data @ (layer.weight.data * kept), rtol=1e-13)
    np.testing.assert_allclose(layer.weight.grad.data, x.data.sum(0)[:, None] * kept, rtol=1e-13)
    np.testing.assert_allclose(x.grad.data, np.broadcast_to((layer.weight.data * kept).sum(1), x.shape), rtol=1e-12)


@pytest.mark.parametrize("name", ["GaussianDropout", "GaussianNoise", "DropConnect", "Dropout2d"])
def test_gradients_to_second_order(backend, name):
    layer, x = made(name)
    layer(x)

    def squared(x):
        with nn.replay(layer):
            return mg.square(layer(x))

    assert mg.testing.gradcheck(squared, [x.data[:1]])


@each
@pytest.mark.parametrize("seed", [None, 9])
def test_a_batch_in_parts_keeps_its_masks(backend, name, seed):
    layer, x = made(name, seed=seed)
    layer(x)
    streams = mg.rng.get_state()
    whole = layer(x).data
    if seed is None:
        mg.rng.set_state(streams)
    else:
        layer.calls.copy_(1)
    parts = [layer(mg.tensor(x.data[:1])).data]
    for start, stop in ((1, 4), (4, 6)):
        with nn.replay(layer, row=start):
            parts.append(layer(mg.tensor(x.data[start:stop])).data)
    rounding = 1e-12 if (name, backend) == ("DropConnect", "reference") else 0  # NumPy's products depend on the rows
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=rounding)
    with nn.replay(layer, call=1):
        np.testing.assert_array_equal(layer(x).data, whole)
    assert layer(x).data.tolist() != whole.tolist()  # behind the block: the next draw


def test_a_model_replays_all_of_its_layers(backend):
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.GaussianNoise(0.1),
        nn.Linear(5, 8, activation="relu", dtype="float64"),
        nn.Dropout(0.5, seed=4),
        nn.DropConnect(8, 3, dtype="float64"),
        nn.VariationalDropout(0.5, locked=True),
    )
    x = mg.tensor(np.random.default_rng(0).standard_normal((12, 5)))
    whole = model(x)
    mg.square(whole).sum().backward()
    gradients = [p.grad.data.copy() for p in model.parameters()]
    model.zero_grad()
    before = mg.rng.get_state()
    for start in (0, 5):
        with nn.replay(model, row=start):
            y = model(mg.tensor(x.data[start : start + 7][: 5 if start == 0 else 7]))
            mg.square(y).sum().backward()
    for p, g in zip(model.parameters(), gradients):
        np.testing.assert_allclose(p.grad.data, g, rtol=1e-12, atol=1e-14)
    assert mg.rng.get_state() == before
    assert model[2].calls.item() == 1


@each
def test_layout_does_not_change_a_draw(backend, name):
    layer, x = made(name, seed=5)
    expected = layer(x).data
    for other in (np.asfortranarray(x.data), np.repeat(x.data, 2, axis=-1)[..., ::2], x.data[::-1].copy()[::-1]):
        with nn.replay(layer):
            again = layer(mg.from_numpy(other)).data
        if backend == "reference":  # NumPy's products may round in another order for another layout
            np.testing.assert_allclose(again, expected, rtol=1e-13, atol=1e-14)
        else:
            np.testing.assert_array_equal(again, expected)


@needs_native
@each
def test_variants_threads_and_backends_do_not_change_a_draw(name):
    make, shape = LAYERS[name]
    x = np.random.default_rng(1).uniform(1, 2, (400, *shape[1:]))
    results = []
    with mg.use_backend("native"):
        for _variant, _threads in every_variant(threads=(1, 3)):
            layer, _ = made(name, seed=5)
            results.append(layer(mg.tensor(x)).data)
    assert all((y == results[0]).all() for y in results)
    with mg.use_backend("reference"):
        layer, _ = made(name, seed=5)
        np.testing.assert_allclose(layer(mg.tensor(x)).data, results[0], rtol=1e-12, atol=1e-12)


@each
def test_the_global_streams_of_numpy_and_python_are_neither_read_nor_advanced(name):
    results = []
    for seed in (0, 1):
        random.seed(seed)
        np.random.seed(seed)
        numbers, python = np.random.get_state()[1].copy(), random.getstate()
        layer, x = made(name)
        results.append(layer(x).data)
        assert (np.random.get_state()[1] == numbers).all() and np.random.get_state()[2] == 624
        assert random.getstate() == python
    np.testing.assert_array_equal(*results)


@each
def test_p_0_is_the_identity_and_takes_a_call_number(backend, name):
    layer, x = made(name, p=0.0)
    y = layer(x)
    y.sum().backward()
    if name != "DropConnect":
        np.testing.assert_array_equal(y.data, x.data)
        assert (x.grad.data == 1).all()
    else:
        np.testing.assert_array_equal(y.data, layer.eval()(x).data)
    assert layer.last_draw()[1] & 0xFFFF == 0 and layer.last_draw()[0] == 3


@pytest.mark.parametrize("name", MASKING)
def test_p_1_gives_zeros_and_no_nan(backend, name):
    layer, x = made(name, p=1.0)
    x = mg.tensor(np.where(np.arange(x.size).reshape(x.shape) == 3, np.nan, x.data), requires_grad=True)
    if name == "DropConnect":
        x = mg.tensor(np.ones(x.shape), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert (y.data == 0).all()
    assert (x.grad.data == 0).all()
    assert name != "DropConnect" or (layer.weight.grad.data == 0).all()


@each
@pytest.mark.parametrize("p", [-0.1, float("nan"), float("inf"), "half", None])
def test_p_is_checked(name, p):
    with pytest.raises(ValueError, match=f"(p|std).* is {p!r}"):
        LAYERS[name][0](p)


@each
def test_seeds_are_checked(name):
    for seed, error in ((-1, ValueError), (2**64, ValueError), (0.5, TypeError)):
        with pytest.raises(error, match="seed is"):
            LAYERS[name][0](0.5, seed=seed)


@each
def test_integers_and_empty_batches(backend, name):
    layer, x = made(name)
    assert layer(mg.tensor(x.data[:0])).shape[0] == 0
    ones = mg.tensor(np.ones(x.shape, np.int64))
    if name == "DropConnect":  # a product with weights, which takes integers
        assert layer(ones).shape == layer(x).shape
        return
    for mode in (True, False):  # in evaluation too, so that fit finds it out before it trains
        with pytest.raises(mg.DTypeError, match="int64"):
            layer.train(mode)(ones)


@pytest.mark.parametrize(
    "layer, shape, match",
    [
        (nn.Dropout1d(), (3, 4), r"x is \(3, 4\); need \(rows, channels, length\)"),
        (nn.Dropout2d(), (3, 4, 5), "need .rows, channels, height, width"),
        (nn.VariationalDropout(), (3, 4), "single steps need locked=True"),
        (nn.VariationalDropout(locked=True), (3,), "need .rows, steps, features"),
        (nn.Dropout(noise_shape=(None, 2)), (3, 4), r"noise_shape is \(None, 2\), x is \(3, 4\)"),
        (nn.Dropout(noise_shape=(None,)), (3, 4), "noise_shape is"),
    ],
)
def test_shapes_are_checked_before_a_number_is_taken(layer, shape, match):
    mg.manual_seed(0)
    with pytest.raises(mg.ShapeError, match=match):
        layer(mg.tensor(np.ones(shape)))
    assert mg.rng.get_state()["dropout"] == 0


def test_other_bad_input():
    with pytest.raises(ValueError, match="GaussianDropout: p is 1; need less"):
        nn.GaussianDropout(1.0)
    with pytest.raises(ValueError, match=r"noise_shape\[1\] is 0"):
        nn.Dropout(noise_shape=(None, 0))
    with pytest.raises(ValueError, match="replay: row is -1"):
        nn.replay(nn.Dropout(), row=-1)
    with pytest.raises(ValueError, match="replay: call is -2"):
        nn.replay(nn.Dropout(), call=-2)
    layer = nn.Dropout()
    with pytest.raises(RuntimeError, match="this Dropout has not been called in training mode"), nn.replay(layer):
        layer(mg.tensor([1.0]))
    with pytest.raises(TypeError, match="unknown keyword 'noise_shap'"):
        nn.Dropout(noise_shap=(1,))


def test_one_mask_over_time_until_the_next_sequence(backend):
    mg.manual_seed(1)
    layer, x = nn.VariationalDropout(0.5, locked=True), mg.tensor(np.ones((4, 30)))
    steps = [layer(x).data for _ in range(3)]
    assert all((y == steps[0]).all() for y in steps)
    piece = layer(mg.tensor(np.ones((4, 5, 30)))).data  # three dimensions: the same mask over its steps
    assert (piece == steps[0][:, None]).all()
    with nn.replay(layer):
        assert (layer(x).data == steps[0]).all()
    layer.new_sequence()
    assert (layer(x).data != steps[0]).any()
    free = nn.VariationalDropout(0.5)
    y = free(mg.tensor(np.ones((4, 5, 30)))).data
    assert (y == y[:, :1]).all()
    assert (free(mg.tensor(np.ones((4, 5, 30)))).data != y).any()


def test_channels_are_dropped_whole_and_one_by_one(backend):
    layer = nn.Dropout2d(0.3, seed=2)
    y = layer(mg.tensor(np.ones((50, 40, 3, 3)))).data
    assert (y == y[:, :, :1, :1]).all()
    share = (y[:, :, 0, 0] == 0).mean()
    assert abs(share - 0.3) < 4.5 * np.sqrt(0.3 * 0.7 / 2000)
    assert {round(value, 12) for value in np.unique(y)} == {0.0, round(1 / 0.7, 12)}
