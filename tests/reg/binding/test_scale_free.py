"""Selectors and normalization: scales are left out unless selected; L2 before a batch norm warns of what it does."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg


def network():
    return nn.Sequential(
        nn.Linear(3, 4, activation="relu"),
        nn.BatchNorm1d(4),
        nn.Sequential(nn.Linear(4, 4)),
        nn.LayerNorm(4),
        nn.Linear(4, 2),
    )


def names(terms):
    return [name for entry in terms.entries for name, _ in entry.parameters]


def test_scales_are_left_out_unless_they_are_selected():
    model = network()
    assert names(reg.on(model, "*.weight", reg.L1(0.1))) == ["0.weight", "2.0.weight", "4.weight"]
    assert names(reg.on(model, nn.Module, reg.L1(0.1))) == ["0.weight", "2.0.weight", "4.weight"]
    assert names(reg.on(model, "1.weight", reg.L1(0.1))) == ["1.weight"]
    assert names(reg.on(model, nn.BatchNorm1d, reg.L1(0.1))) == ["1.weight"]
    assert names(reg.on(model, nn.LayerNorm, reg.L1(0.1))) == ["3.weight"]
    assert len(names(reg.on(model, reg.everything, reg.L1(0.1)))) == 10
    assert names(reg.on(model, "*.bias", reg.L1(0.1))) == [f"{i}.bias" for i in ("0", "1", "2.0", "3", "4")]


def test_layer_types_select_their_own():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2), nn.Residual(nn.Linear(2, 2)))
    assert names(reg.on(model, nn.Embedding, reg.GroupLasso(0.1, groups="rows"))) == ["0.weight"]
    assert names(reg.on(model, nn.Linear, reg.L2(0.1))) == ["1.weight", "2.branch.weight"]


def test_l2_before_a_batch_norm_is_told_what_it_does():
    model = network()
    with pytest.warns(UserWarning, match=r"reg\.on: 0\.weight stands before a batch norm.*L2\(0\.1\).*steps") as found:
        reg.on(model, "*.weight", reg.L2(0.1))
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reg.on(model, "4.weight", reg.L2(0.1))
        reg.on(model, "*.weight", reg.L1(0.1))  # L1 still chooses among the weights of a unit
        reg.on(model, reg.everything, reg.ElasticNet(0.1, 0.1))
        sharp = nn.Sequential(nn.Linear(3, 4, activation="tanh"), nn.BatchNorm1d(4))
        reg.on(sharp, "*.weight", reg.L2(0.1))
        apart = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
        reg.on(apart, "*.weight", reg.L2(0.1))


def test_where_the_scale_is_lost_and_where_it_is_not():
    """An Identity between passes it on; a layer that shares the weight, or a batch norm that is frozen, needs it."""
    frozen = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    frozen[1].eval()
    tied = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    tied[2].weight = tied[0].weight
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (frozen, tied):
            reg.on(model, "*.weight", reg.L2(0.1))
    for model, name in (
        (nn.Sequential(nn.Linear(3, 4), nn.Identity(), nn.BatchNorm1d(4)), r"0\.weight"),
        (nn.Sequential(nn.Residual(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))), r"0\.branch\.0\.weight"),
        (frozen.eval(), r"0\.weight"),  # the whole model in evaluation: it is not known how it will be trained
        (nn.Sequential(nn.spectral_norm(nn.Linear(3, 4))), r"0\.parametrizations\.weight\.original"),
    ):
        with pytest.warns(UserWarning, match=rf"reg\.on: {name} stands before a batch norm, or in one of"):
            reg.on(model, reg.everything, reg.L2(0.1))


@pytest.mark.parametrize("activation", [None, "relu"])
def test_what_the_warning_says_is_so(backend, activation):
    """The output does not change when such a weight is halved; its gradient doubles."""
    x = np.random.default_rng(0).standard_normal((16, 3))
    norm = nn.BatchNorm1d(4, eps=0.0, dtype="float64")
    layer = nn.Linear(3, 4, activation=activation, dtype="float64")
    outputs, slopes = [], []
    for _ in range(2):
        layer.zero_grad()
        y = norm(layer(x))
        mg.cos(3.0 * y).sum().backward()
        outputs.append(y.data)
        slopes.append(layer.weight.grad.data)
        with mg.no_grad():
            layer.weight.copy_(layer.weight.data / 2)
            layer.bias.copy_(layer.bias.data / 2)
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slopes[1], 2 * slopes[0], rtol=1e-6, atol=1e-9)
