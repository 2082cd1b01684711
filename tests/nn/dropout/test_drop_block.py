"""DropBlock: whole blocks, their share, the scale, replay. What all random layers promise: test_random_layers.py."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


def by_hand(corners, size, height, width):
    """The mask of one channel from the places at which blocks begin, pixel by pixel."""
    kept = np.ones((height, width), bool)
    for i, j in zip(*np.nonzero(corners)):
        kept[i : i + size, j : j + size] = False
    return kept


@pytest.mark.parametrize(("size", "height", "width"), [(1, 4, 5), (2, 5, 7), (3, 3, 9), (4, 8, 4), (5, 5, 5)])
def test_blocks_are_whole_and_begin_where_their_stream_says(backend, size, height, width):
    layer = nn.DropBlock2d(0.4, size, seed=7)
    x = mg.tensor(np.random.default_rng(0).uniform(1, 2, (3, 6, height, width)), requires_grad=True)
    y = layer(x)
    places = (3, 6, height - size + 1, width - size + 1)
    key, stream = layer.last_draw()
    ones = mg.tensor(np.ones(places))
    gamma = 0.4 / size**2 * height * width / (places[2] * places[3])
    corners = mg.dropout(ones, p=gamma, key=key, stream=stream, scale=1.0).data == 0
    assert corners.any()
    expected = np.array([[by_hand(channel, size, height, width) for channel in row] for row in corners])
    np.testing.assert_array_equal(layer.last_mask(), expected)
    assert len({mask.tobytes() for mask in expected.reshape(18, -1)}) > 1  # each channel has its own
    scale = expected[0].size / np.maximum(expected.sum((1, 2, 3), keepdims=True), 1)
    np.testing.assert_allclose(y.data, x.data * expected * scale, rtol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.data, expected * scale, rtol=1e-15)


def test_the_share_that_is_dropped(backend):
    """Of many blocks far from each other: nearly p; and the sum over a row of ones stays what it was."""
    layer, x = nn.DropBlock2d(0.05, 3, seed=1), np.ones((20, 16, 24, 20), np.float32)
    y = layer(x).data
    dropped = 1 - layer.last_mask().mean()
    assert 0.9 * 0.05 < dropped < 1.04 * 0.05
    np.testing.assert_allclose(y.sum((1, 2, 3), dtype=np.float64), x[0].size, rtol=1e-5)
    assert layer.eval()(mg.tensor(x)).data.tobytes() == x.tobytes()


def test_a_block_as_large_as_the_image_drops_whole_channels(backend):
    layer = nn.DropBlock2d(0.5, 4, seed=3)
    assert layer.gamma(4, 4) == 0.5 / 16 * 16
    mask = layer(mg.ones(30, 20, 4, 4)).data != 0
    assert (mask == mask[:, :, :1, :1]).all() and 0.4 < mask.mean() < 0.6


def test_a_row_of_which_nothing_is_left_is_zero(backend):
    layer = nn.DropBlock2d(1.0, 1, seed=0)
    x = mg.ones(2, 3, 4, 4, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert (y.data == 0).all() and (x.grad.data == 0).all() and not layer.last_mask().any()


def test_what_does_not_fit():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.DropBlock2d(0.1, 4))
    with pytest.raises(mg.ShapeError, match=r"model\.1 \(DropBlock2d .*x is \(2, 2, 3, 3\); .*at least 4, a block"):
        model(mg.ones(2, 1, 5, 5))
    with pytest.raises(mg.ShapeError, match=r"x is \(5, 5\); need \(rows, channels, height, width\)$"):
        model[1](mg.ones(5, 5))
    assert mg.rng.get_state()["dropout"] == 0
    with pytest.raises(ValueError, match="DropBlock2d: block_size is 0"):
        nn.DropBlock2d(0.1, 0)


@pytest.mark.parametrize("seed", [None, 5])
def test_compiled_equals_eager(seed):
    ends = []
    x = np.random.default_rng(0).normal(size=(24, 2, 8, 8)).astype(np.float32)
    for compiled in (False, True):
        mg.manual_seed(1)
        model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.DropBlock2d(0.3, 2, seed=seed), nn.Flatten(), nn.Linear(144, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.01)

        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = mg.square(model(x)).mean()
            loss.backward()
            optimizer.step()
            return loss

        step = mg.compile(step) if compiled else step
        losses = [step(mg.tensor(x[i : i + 4])).item() for i in range(0, 24, 4)]
        if compiled:
            assert all(entry.program is not None for entry in step._entries.values()), "it was replayed"
        ends.append((losses, {name: a.tobytes() for name, a in model.state_dict().items()}))
    assert ends[0] == ends[1]


def test_compact_takes_it_within_a_chain():
    mg.manual_seed(0)
    first = nn.Conv2d(1, 6, 3, activation="relu")
    model = nn.Sequential(first, nn.DropBlock2d(0.2, 2), nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(64, 3)).eval()
    with mg.no_grad():
        for w in (first.weight, first.bias):
            w.copy_(np.where(np.arange(6).reshape(-1, *[1] * (w.ndim - 1)) % 2, w.data, 0))
    small, x = mg.reg.compact(model), mg.tensor(np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32))
    assert small[0].out_channels == 3
    np.testing.assert_allclose(small(x).data, model(x).data, rtol=0, atol=1e-6)
