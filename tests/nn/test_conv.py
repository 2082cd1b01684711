"""Convolutional layers: parameters, starts, options, errors in the layer's name, agreement with PyTorch's modules."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


def test_parameters_are_pytorchs(backend):
    layer = nn.Conv2d(4, 6, (3, 2), groups=2)
    assert {name: a.shape for name, a in layer.state_dict().items()} == {"weight": (6, 2, 3, 2), "bias": (6,)}
    assert nn.Conv1d(4, 6, 3, bias=False).state_dict().keys() == {"weight"}
    assert nn.ConvTranspose2d(4, 6, 3, groups=2).weight.shape == (4, 3, 3, 3)
    assert nn.ConvTranspose1d(4, 6, 3).weight.shape == (4, 6, 3)
    assert nn.Conv2d(1, 1, 3, dtype="float64").weight.dtype == np.float64


def test_weights_start_uniform_within_one_over_the_root_of_fan_in():
    mg.manual_seed(1)
    for layer, fan_in in (nn.Conv2d(16, 64, 5, groups=4), 4 * 25), (nn.ConvTranspose2d(16, 8, 5), 8 * 25):
        limit = 1 / math.sqrt(fan_in)
        for values in layer.weight.data, layer.bias.data:
            assert np.abs(values).max() <= limit
        spread = float(np.std(layer.weight.data))
        assert abs(spread - limit / math.sqrt(3)) < 0.05 * limit
    assert not nn.Conv2d(3, 4, 3, init="zeros").weight.data.any()
    he = nn.Conv2d(3, 64, 3, init="he_uniform").weight.data
    assert 0.9 < np.abs(he).max() / math.sqrt(6 / 27) <= 1
    with pytest.raises(mg.ShapeError, match="init returned"):
        nn.Conv2d(3, 4, 3, init=lambda shape, dtype: np.zeros(shape[:2], dtype))


def test_a_signal_is_a_plane_of_one_row(backend):
    layer = nn.Conv1d(3, 4, 3, stride=2, padding=1, dilation=2, activation="relu")
    x = mg.randn(2, 3, 11)
    plane = mg.conv2d(x[:, :, None], layer.weight[:, :, None], layer.bias, (1, 2), (0, 1), (1, 2), activation="relu")
    assert np.array_equal(layer(x).data, plane.data[:, :, 0])


def test_integers_are_taken_in_the_weights_dtype(backend):
    x = np.random.default_rng(0).integers(0, 255, (2, 1, 6, 6)).astype(np.uint8)
    layer = nn.Conv2d(1, 2, 3)
    y = layer(x)
    y.sum().backward()
    wanted = layer.weight.grad.data
    layer.zero_grad()
    layer(mg.tensor(x.astype(np.float32))).sum().backward()
    assert np.array_equal(wanted, layer.weight.grad.data)
    assert layer(x[0]).shape == (2, 4, 4)


def test_same_padding_keeps_the_size_and_puts_one_more_behind(backend):
    for kernel in (1, 2, 3, 4, (5, 2)):
        assert nn.Conv2d(2, 3, kernel, padding="same", dilation=2)(mg.ones(1, 2, 9, 7)).shape == (1, 3, 9, 7)
    y = mg.conv1d(mg.tensor([[[1, 2, 3, 4, 5]]]), mg.ones(1, 1, 2), padding="same")
    assert y.data.ravel().tolist() == [3, 5, 7, 9, 5]
    y = mg.conv2d(mg.tensor([[[[1], [2], [3]]]]), mg.ones(1, 1, 2, 1), padding="same")
    assert y.data.ravel().tolist() == [3, 5, 3]


def test_a_transposed_convolution_is_the_transpose(backend):
    """<conv(x), y> = <x, conv_transpose(y)>."""
    x, w = mg.randn(2, 4, 9, 8, dtype="float64"), mg.randn(6, 2, 3, 3, dtype="float64")
    how = {"stride": 2, "padding": 1, "groups": 2}
    y = mg.randn(*mg.conv2d(x, w, **how).shape, dtype="float64")
    back = mg.conv_transpose2d(y, w, output_padding=(0, 1), **how)
    assert back.shape == x.shape
    left, right = (mg.conv2d(x, w, **how) * y).sum().item(), (x * back).sum().item()
    assert math.isclose(left, right, rel_tol=1e-10)


@pytest.mark.parametrize(
    ("make", "x", "says"),
    [
        (lambda: nn.Conv2d(3, 4, 5), (2, 4, 9, 9), r"Conv2d 3->4, 5x5: x is \(2, 4, 9, 9\); need \(rows, 3, height"),
        (lambda: nn.Conv2d(3, 4, 5), (2, 9, 9, 3), "channels come before height"),
        (
            lambda: nn.Conv2d(3, 4, 5),
            (2, 3, 4, 9),
            r"Conv2d .*kernel \(5, 5\) is larger than the padded input, \(4, 9\)",
        ),
        (lambda: nn.Conv2d(3, 4, 2, dilation=9), (2, 3, 8, 12), "spread by dilation"),
        (lambda: nn.Conv2d(1, 4, 3), (8, 9, 9), "one channel is x"),
        (lambda: nn.Conv1d(3, 4, 5), (2, 3, 9, 9), r"Conv1d 3->4, 5: x is .*need \(rows, 3, length\)"),
        (lambda: nn.ConvTranspose2d(3, 4, 2, padding=3), (2, 3, 2, 2), "ConvTranspose2d .*y would have size"),
    ],
)
def test_an_input_that_does_not_fit_is_named(make, x, says):
    with pytest.raises(mg.ShapeError, match=says):
        make()(mg.ones(*x))
    with pytest.raises(mg.ShapeError, match=r"model\.1 \(Conv"):
        nn.Sequential(nn.ReLU(), make())(mg.ones(*x))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.Conv2d(3, 4, 0), "Conv2d: kernel_size is 0; need at least 1"),
        (lambda: nn.Conv2d(3, 4, (1, 2, 3)), r"Conv2d: kernel_size is \(1, 2, 3\)"),
        (lambda: nn.Conv2d(0, 4, 3), "Conv2d: in_channels is 0"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "Conv2d: groups is 2; need a divisor of in_channels 3"),
        (lambda: nn.Conv2d(3, 4, 3, padding="sam"), "Conv2d: padding is 'sam'"),
        (lambda: nn.Conv2d(3, 4, 3, padding="same", stride=2), "Conv2d: padding 'same' with stride"),
        (lambda: nn.Conv2d(3, 4, 3, padding=-1), "Conv2d: padding is -1"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), "Conv2d: padding_mode is 'mirror'"),
        (lambda: nn.Conv2d(3, 4, 3, activation="gelu"), "Conv2d: activation is 'gelu'"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), "ConvTranspose2d: padding is 'same'"),
        (
            lambda: mg.conv_transpose2d(mg.ones(1, 1, 2, 2), mg.ones(1, 1, 2, 2), output_padding=1),
            "output_padding is 1",
        ),
        (lambda: mg.conv2d(mg.ones(1, 4, 3, 3), mg.ones(4, 2, 2, 2)), "with 4 channels; the weight"),
        (lambda: mg.conv2d(mg.ones(1, 2, 3, 3), mg.ones(4, 2, 2, 2), mg.ones(3)), r"bias is \(3,\); need \(4,\)"),
        (lambda: mg.conv2d(mg.ones(3, 3), mg.ones(4, 2, 2, 2)), "need .samples, channels, height, width."),
        (lambda: mg.conv1d(mg.ones(1, 1, 3, 3), mg.ones(1, 1, 2)), "conv1d: input is"),
        (lambda: mg.conv1d(mg.ones(1, 1, 3), mg.ones(1, 1, 1, 2)), "conv1d: weight is"),
    ],
)
def test_bad_options_are_named(make, says):
    with pytest.raises((ValueError, TypeError), match=says):
        make()


def test_mixed_floats_are_refused_with_the_cure():
    layer = nn.Conv2d(1, 2, 3)
    with pytest.raises(mg.DTypeError, match=r"x is float64, the weight float32; use x\.to"):
        layer(mg.ones(1, 1, 4, 4).double())
    with pytest.raises(mg.DTypeError, match="need one dtype"):
        mg.conv2d(mg.ones(1, 1, 4, 4).double(), layer.weight)


def test_text():
    assert repr(nn.Conv2d(1, 8, 5)) == "Conv2d(1->8, 5x5)"
    layer = nn.Conv2d(4, 8, (5, 3), stride=2, padding=(2, 1), groups=4, activation="relu", bias=False)
    assert repr(layer) == "Conv2d(4->8, 5x3, stride 2, padding (2, 1), groups 4, relu, no bias)"
    assert repr(nn.ConvTranspose1d(4, 8, 5, output_padding=0)) == "ConvTranspose1d(4->8, 5)"


def small(seed=0):
    mg.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, activation="relu"),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, stride=2, activation="tanh"),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def step_of(model, rate=1e-2):
    optimizer = optim.Adam(model.parameters(), lr=rate)

    def step(x, labels):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_a_network_learns_where_a_bar_lies(backend):
    """Horizontal or vertical: global pooling has only the filters to tell them apart."""
    mg.manual_seed(0)
    r = np.random.default_rng(0)
    x, y = np.zeros((64, 1, 9, 9), np.float32), r.integers(0, 2, 64)
    for image, upright in zip(x, y):
        bar = r.integers(6)  # where all filters look
        image[0, slice(None) if upright else bar, bar if upright else slice(None)] = 1
    model = small()
    step = step_of(model, 3e-2)
    for _ in range(60):
        loss = step(mg.tensor(x), y)
    assert loss.item() < 0.1


def test_a_recorded_step_has_the_bits_of_an_eager_one():
    with mg.use_backend("native" if mg.kernels.runtime is not None else "reference"):
        if mg.kernels.backend() != "native":
            pytest.skip("no compiled kernels in this installation")
        x = [mg.randn(6, 1, 9, 9) for _ in range(5)]
        labels = [np.arange(6) % 2 for _ in x]
        eager, recorded = small(), small()
        first, second = step_of(eager), mg.compile(step_of(recorded))
        for a, b in zip(x, labels):
            assert first(a, b).item() == second(a, b).item()
        for a, b in zip(eager.parameters(), recorded.parameters()):
            assert a.data.tobytes() == b.data.tobytes()


@pytest.mark.peers
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [2, (1, 2), "same", "valid"])
def test_padding_modes_agree_with_pytorch(mode, padding):
    torch = pytest.importorskip("torch", reason="peers: pip install torch==2.13.0")
    layer = nn.Conv2d(2, 3, (3, 5), padding=padding, padding_mode=mode)
    peer = torch.nn.Conv2d(2, 3, (3, 5), padding=padding, padding_mode=mode)
    peer.load_state_dict({name: torch.from_numpy(a) for name, a in layer.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((2, 2, 7, 8)).astype(np.float32)
    np.testing.assert_allclose(layer(x).data, peer(torch.from_numpy(x)).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.peers
def test_pytorch_states_load():
    torch = pytest.importorskip("torch", reason="peers: pip install torch==2.13.0")
    for name, args in (
        ("Conv1d", (2, 4, 3)),
        ("Conv2d", (2, 4, 3)),
        ("ConvTranspose1d", (2, 4, 3)),
        (
            "ConvTranspose2d",
            (2, 4, 3),
        ),
    ):
        peer, layer = getattr(torch.nn, name)(*args), getattr(nn, name)(*args)
        layer.load_state_dict({key: value.numpy() for key, value in peer.state_dict().items()})
        x = np.random.default_rng(0).standard_normal((2, 2, 7, 8)[: 2 + int(name[-2])]).astype(np.float32)
        np.testing.assert_allclose(layer(x).data, peer(torch.from_numpy(x)).detach().numpy(), rtol=1e-4, atol=1e-5)
