"""Pooling layers: options, errors in the layer's name, ties, indices; Upsample and Unfold."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_layers_call_their_functions(backend):
    x = mg.randn(2, 3, 9, 8)
    for layer, expected in [
        (nn.MaxPool2d((3, 2), stride=2, padding=1), mg.max_pool2d(x, (3, 2), 2, 1)),
        (nn.MaxPool2d(2, dilation=2, ceil_mode=True), mg.max_pool2d(x, 2, 2, 0, 2, True)),
        (nn.AvgPool2d(2, 3, 1, count_include_pad=False), mg.avg_pool2d(x, 2, 3, 1, count_include_pad=False)),
        (nn.AvgPool2d(3, divisor_override=2), mg.avg_pool2d(x, 3, divisor_override=2)),
        (nn.AdaptiveAvgPool2d((3, None)), mg.adaptive_avg_pool2d(x, (3, 8))),
        (nn.Upsample(scale_factor=2, mode="bilinear"), mg.upsample(x, None, 2, "bilinear")),
        (nn.Unfold(3, stride=2), mg.unfold(x, 3, stride=2)),
    ]:
        assert np.array_equal(layer(x).data, expected.data), repr(layer)
    signal = mg.randn(2, 3, 9)
    for layer, expected in [
        (nn.MaxPool1d(2), mg.max_pool1d(signal, 2)),
        (nn.AvgPool1d(2, padding=1), mg.avg_pool1d(signal, 2, padding=1)),
        (nn.AdaptiveAvgPool1d(4), mg.adaptive_avg_pool1d(signal, 4)),
        (nn.AdaptiveAvgPool1d(None), signal),
    ]:
        np.testing.assert_allclose(layer(signal).data, expected.data, rtol=1e-6)


def test_the_first_among_equals_gets_the_gradient(backend):
    x = mg.tensor([[[[1.0, 3.0], [3.0, 3.0]]]], requires_grad=True)
    y, index = nn.MaxPool2d(2, return_indices=True)(x)
    y.sum().backward()
    assert index.data.tolist() == [[[[1]]]]
    assert x.grad.data.tolist() == [[[[0, 1], [0, 0]]]]


def test_windows_that_overlap_add_their_gradients(backend):
    x = mg.tensor([[[0.0, 9.0, 0.0]]], requires_grad=True)
    mg.max_pool1d(x, 2, 1).sum().backward()
    assert x.grad.data.tolist() == [[[0, 2, 0]]]


def test_global_pooling_is_the_mean(backend):
    x = mg.randn(2, 3, 4, 5)
    np.testing.assert_array_equal(nn.AdaptiveAvgPool2d(1)(x).data, mg.mean(x, dim=(2, 3), keepdim=True).data)


def test_upsampled_edges_or_corners_lie_on_each_other(backend):
    x = mg.tensor([[[[0.0, 4.0]]]])
    for options, expected in [
        ({"mode": "nearest"}, [0, 0, 4, 4]),
        ({"mode": "bilinear"}, [0, 1, 3, 4]),
        ({"mode": "bilinear", "align_corners": True}, [0, 4 / 3, 8 / 3, 4]),
    ]:
        np.testing.assert_allclose(mg.upsample(x, (1, 4), **options).data.ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.MaxPool2d(5)(mg.ones(1, 1, 4, 9)), r"MaxPool2d 5: .*window \(5, 5\) is larger than the padded"),
        (lambda: nn.MaxPool2d(2)(mg.ones(4, 9)), r"MaxPool2d 2: x is \(4, 9\); need \(rows, channels, height, width\)"),
        (lambda: nn.AvgPool1d(2)(mg.ones(1, 1, 4, 9)), r"AvgPool1d 2: x is .*need \(rows, channels, length\)"),
        (lambda: nn.MaxPool2d(2, padding=2)(mg.ones(1, 1, 4, 4)), "at most half"),
        (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size is 0"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), "AvgPool2d: divisor_override is 0"),
        (lambda: nn.MaxPool2d(2, ceil_mode="no"), "MaxPool2d: ceil_mode is 'no'"),
        (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), "AdaptiveAvgPool2d: output_size"),
        (lambda: mg.max_pool2d(mg.ones(1, 1, 2, 2).long(), 2), "need float32 or float64"),
        (lambda: mg.adaptive_avg_pool2d(mg.ones(1, 1, 0, 2), 1), "no mean of nothing"),
        (lambda: mg.upsample(mg.ones(1, 1, 2, 2)), "exactly one"),
        (lambda: mg.upsample(mg.ones(1, 1, 2, 2), 3, mode="cubic"), "need nearest, or bilinear"),
        (lambda: mg.upsample(mg.ones(1, 1, 2, 2), scale_factor=-1), "above 0"),
        (lambda: mg.unfold(mg.ones(1, 1, 2, 2), 3), "unfold: the kernel"),
        (lambda: mg.fold(mg.ones(1, 4, 3), (2, 2), 2), r"fold: input is \(1, 4, 3\); need"),
    ],
)
def test_bad_options_are_named(make, says):
    with pytest.raises((ValueError, TypeError), match=says):
        make()


def test_text():
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(2)"
    assert repr(nn.AvgPool2d((3, 2), stride=1, padding=1)) == "AvgPool2d((3, 2), stride 1, padding 1)"
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor 2, nearest)"
