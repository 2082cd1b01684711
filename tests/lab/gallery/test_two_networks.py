"""Two networks of images: their layers and sizes, where dropout stands, what it drops."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.lab.gallery.two_networks import Convolutional, Recurrent


@pytest.mark.parametrize(("side", "filters", "ends"), [(8, ((3, 1), (3, 1)), (6, 4)), (28, ((5, 2), (3, 2)), (12, 5))])
def test_convolutions_and_where_dropout_stands(side, filters, ends):
    images = mg.tensor(np.ones((3, side * side), np.float32))
    model = Convolutional(side, filters, lambda: nn.Dropout2d(0.5))
    assert model(images).shape == (3, 10)
    assert [type(layer).__name__ for layer in model.layers][:4] == ["Conv2d", "Dropout2d"] * 2
    dropped = [layer for layer in model.layers if isinstance(layer, nn.Dropout2d)]
    assert [layer.last_mask().shape for layer in dropped] == [(3, 8, *ends[:1] * 2), (3, 16, *ends[1:] * 2)]
    for layer in dropped:  # whole channels
        assert np.ptp(layer.last_mask().astype(int), axis=(2, 3)).max() == 0


def test_images_lie_row_after_row():
    """A filter that takes one pixel finds it where the flat image has it."""
    model = Convolutional(4, ((1, 1), (1, 1)), nn.Identity, channels=(1, 1), classes=16)
    with mg.no_grad():
        for layer in model.layers:
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_(np.ones((1, 1, 1, 1)))
                layer.bias.copy_([0.0])
        model.layers[-1].weight.copy_(np.eye(16))
    x = np.arange(16, dtype=np.float32)[None]
    np.testing.assert_array_equal(model(mg.tensor(x)).data, x)


def test_a_recurrence_sees_the_parts_in_their_order():
    """Against its own layers by hand, and one mask for all steps where it is variational."""
    mg.manual_seed(2)
    model = Recurrent(12, 3, units=5, classes=2, dropout=0.5, variational=True)
    x = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    _, h = model.eval().layers(mg.tensor(x.reshape(4, 3, 4)))
    np.testing.assert_array_equal(model(mg.tensor(x)).data, model.head(h[1]).data)
    model.train()(mg.tensor(x))
    mask = model.layers.between.last_mask()
    assert mask.shape == (4, 3, 5) and (mask == mask[:, :1]).all() and 0 < mask.mean() < 1
