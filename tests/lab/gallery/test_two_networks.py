"""Networks written out: the convolution is the convolution, the recurrence drops what its dropout says."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.lab.gallery.two_networks import Convolution, Convolutional, Recurrent


@pytest.mark.parametrize(("side", "size", "stride"), [(6, 3, 1), (7, 3, 2), (8, 2, 3), (5, 5, 1)])
def test_a_convolution_is_the_sum_over_windows(rng, side, size, stride):
    mg.manual_seed(0)
    layer = Convolution(2, 3, side, size, stride)
    x = rng.normal(size=(4, 2, side, side)).astype(np.float32)
    filters, bias = layer.product.weight.data.reshape(2, size, size, 3), rng.normal(size=3).astype(np.float32)
    with mg.no_grad():
        layer.product.bias.copy_(bias)
    places = range(0, side - size + 1, stride)
    direct = np.array(
        [
            [np.einsum("rcij,cijo->ro", x[:, :, i : i + size, j : j + size], filters) + bias for j in places]
            for i in places
        ]
    )
    assert layer(mg.tensor(x)).shape == (4, 3, layer.side, layer.side) and layer.side == len(places)
    assert np.allclose(layer(mg.tensor(x)).data, np.maximum(direct, 0).transpose(2, 3, 0, 1), atol=1e-5)


def test_the_gradient_of_patches_goes_back_to_every_pixel():
    mg.manual_seed(0)
    layer = Convolution(1, 2, side=5, size=3, stride=1)
    with mg.no_grad():
        layer.product.bias.copy_(np.full(2, 9.0, np.float32))  # all of relu's slopes are 1
    x = mg.tensor(np.ones((1, 1, 5, 5), np.float32), requires_grad=True)
    (g,) = mg.grad(layer(x).sum(), [x])
    flat = np.zeros((5, 5))
    filters = layer.product.weight.data.reshape(3, 3, 2).sum(2)
    for i in range(3):
        for j in range(3):
            flat[i : i + 3, j : j + 3] += filters
    assert np.allclose(g.data[0, 0], flat, atol=1e-5)


def test_shapes_and_where_dropout_stands():
    images = mg.tensor(np.ones((3, 64), np.float32))
    cnn = Convolutional(8, ((3, 1), (3, 1)), lambda: nn.Dropout2d(0.5))
    assert cnn(images).shape == (3, 10)
    dropped = [layer for layer in cnn.layers if isinstance(layer, nn.Dropout2d)]
    assert [layer.last_mask().shape for layer in dropped] == [(3, 8, 6, 6), (3, 16, 4, 4)]
    for layer in dropped:  # whole channels
        assert np.ptp(layer.last_mask().astype(int), axis=(2, 3)).max() == 0


def test_a_recurrence_by_hand(rng):
    """Against NumPy: in eval mode, and in training with one mask for all steps."""
    mg.manual_seed(2)
    model = Recurrent(12, 3, lambda: nn.VariationalDropout(0.5, locked=True), units=5, classes=2)
    x = rng.normal(size=(4, 12)).astype(np.float32)
    w, b = model.inputs.weight.data, model.inputs.bias.data

    def by_hand(mask):
        h = np.tanh(x[:, :4] @ w + b)
        for t in (1, 2):
            h = np.tanh(x[:, 4 * t : 4 * t + 4] @ w + b + (mask * h) @ model.inner.weight.data)
        return (mask * h) @ model.head.weight.data + model.head.bias.data

    assert np.allclose(model.eval()(mg.tensor(x)).data, by_hand(1.0), atol=1e-6)
    seen = model.train()(mg.tensor(x)).data
    mask = 2.0 * model.dropout.last_mask()
    assert np.allclose(seen, by_hand(mask), atol=1e-5) and 0 < (mask == 0).mean() < 1
    model(mg.tensor(x))
    assert (2.0 * model.dropout.last_mask() != mask).any()  # another mask for another call
