"""compact layer by layer: convolutions, norms, sums, tables; what stays, what is refused."""

import operator

import numpy as np
import pytest
from reg.zeros.emptied import R, equal, filled, shapes, write, zero

import minigrad as mg
from minigrad import nn, optim, reg


def test_filters_of_zeros_go_through_norm_activation_pool_and_flatten(backend, rng):
    model = filled(
        nn.Sequential(
            nn.Conv2d(2, 6, 3, **R),
            nn.BatchNorm2d(6, **R),
            nn.Tanh(),
            nn.MaxPool2d(2),
            nn.DropBlock2d(0.2, 3),
            nn.Conv2d(6, 5, 3, bias=False, **R),
            nn.BatchNorm2d(5, **R),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(5 * 4, 3, bias=False, **R),
        )
    )
    zero(model, "0.weight", [1, 4])  # constants tanh(bn(bias)), which the second convolution takes over
    zero(model, "1.weight", [2])  # a scale of 0: the constant is the shift
    zero(model, "5.weight", (slice(None), 5))  # nobody reads channel 5
    zero(model, "9.weight", slice(8, 12))  # nor, behind the Flatten, the places of filter 2
    small = equal(model, mg.tensor(rng.standard_normal((3, 2, 10, 10))))
    assert shapes(small) == {
        "0.weight": (2, 2, 3, 3),
        "0.bias": (2,),
        "1.weight": (2,),
        "1.bias": (2,),
        "5.weight": (4, 2, 3, 3),
        "5.bias": (4,),  # the constants went there
        "6.weight": (4,),
        "6.bias": (4,),
        "9.weight": (16, 3),
    }
    assert small[1].running_mean.shape == small[1].running_var.shape == (2,)
    assert (small[1].num_features, small[5].in_channels, small[5].out_channels, small[9].in_features) == (2, 2, 4, 16)


@pytest.mark.parametrize(
    "padding, mode, shift, kept",
    [
        (1, "zeros", 0.5, 4),
        (1, "zeros", 0.0, 3),
        (0, "zeros", 0.5, 3),
        ("same", "zeros", 0.5, 4),
        (1, "reflect", 0.5, 3),
    ],
)
def test_a_constant_before_a_border_of_zeros_stays(backend, rng, padding, mode, shift, kept):
    """At the border the next layer sees zeros beside it: no bias says that. Where it is 0, or repeated, it goes."""
    model = filled(
        nn.Sequential(
            nn.Conv2d(1, 4, 3, **R), nn.Conv2d(4, 2, 3, padding=padding, padding_mode=mode, **R), nn.Flatten()
        )
    )
    zero(model, "0.weight", 2)
    write(model[0].bias, lambda b: b.__setitem__(2, shift))
    small = equal(model, mg.tensor(rng.standard_normal((2, 1, 7, 7))))
    assert small[0].out_channels == kept


def test_a_channel_of_a_sum_goes_only_where_both_branches_let_it(backend, rng):
    def block(*dead):
        model = filled(
            nn.Sequential(
                nn.Conv2d(1, 4, 1, bias=False, **R),
                nn.Residual(nn.Conv2d(4, 3, 3, padding=1, **R), nn.ReLU(), nn.Conv2d(3, 4, 1, bias=False, **R)),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(4, 2, **R),
            )
        )
        for name, index in dead:
            zero(model, name, index)
        return equal(model, mg.tensor(rng.standard_normal((2, 1, 6, 6))))

    both = ("0.weight", 1), ("1.branch.2.weight", 1)
    assert block(both[0])[0].out_channels == block(both[1])[0].out_channels == 4
    small = block(*both)
    assert small[0].out_channels == small[1].branch[0].in_channels == small[1].branch[2].out_channels == 3
    unread = ("5.weight", 2), ("1.branch.0.weight", (slice(None), 2))
    assert block(unread[0])[0].out_channels == 4  # the branch reads it still
    assert block(*unread)[0].out_channels == 3
    assert block(("1.branch.0.weight", 0), ("1.branch.0.bias", 0))[1].branch[0].out_channels == 2  # inside


def test_a_shortcut_of_layers_shrinks_with_the_branch(backend, rng):
    shortcut = nn.Sequential(nn.Conv2d(2, 4, 1, **R), nn.BatchNorm2d(4, **R))
    block = nn.Residual(nn.Conv2d(2, 4, 3, padding=1, **R), nn.BatchNorm2d(4, **R), shortcut=shortcut)
    model = filled(nn.Sequential(block, nn.Flatten(), nn.Linear(4 * 25, 2, **R)))
    for name in ("0.branch.1.weight", "0.shortcut.1.weight"):
        zero(model, name, [0, 3])
    small = equal(model, mg.tensor(rng.standard_normal((2, 2, 5, 5))))
    assert [p.shape[0] for _, p in small[0].named_parameters()] == [2] * 8
    assert small[2].in_features == 50


def test_depthwise_and_grouped_convolutions(backend, rng):
    model = filled(
        nn.Sequential(
            nn.Conv2d(1, 6, 1, **R),
            nn.Conv2d(6, 6, 3, groups=6, **R),
            nn.Conv2d(6, 9, 1, groups=3, **R),
            nn.Flatten(),
            nn.Linear(9 * 16, 2, **R),
        )
    )
    x = mg.tensor(rng.standard_normal((2, 1, 6, 6)))
    zero(model, "2.weight", [0, 1, 2])  # group 0 reads nothing: its inputs go, and its outputs, which are constants
    zero(model, "1.weight", 2)  # input 0 of group 1; input 1 stays, and so group 2 has to keep two: none of them goes
    small = equal(model, x)
    assert (small[0].out_channels, small[1].groups, small[2].groups, small[2].out_channels) == (4, 4, 2, 6)
    zero(model, "1.weight", 5)  # now each group has one to spare
    small = equal(model, x)
    assert (small[0].out_channels, small[1].groups, small[2].in_channels, small[2].groups) == (2, 2, 2, 2)


@pytest.mark.parametrize("transposed", [nn.ConvTranspose1d, nn.ConvTranspose2d])
def test_transposed_convolutions(backend, rng, transposed):
    flat = transposed is nn.ConvTranspose1d
    conv = nn.Conv1d if flat else nn.Conv2d
    model = filled(nn.Sequential(conv(1, 4, 1, **R), transposed(4, 4, 3, stride=2, groups=2, **R), conv(4, 1, 2, **R)))
    zero(model, "0.weight", [0, 2])
    zero(model, "0.bias", 0)
    zero(model, "1.weight", (slice(None), 1))
    x = mg.tensor(rng.standard_normal((2, 1, 5) if flat else (2, 1, 5, 4)))
    small = equal(model, x)  # channel 2 is a constant, and windows overlap: it stays, and group 0 keeps as many
    assert (small[0].out_channels, small[1].out_channels) == (4, 2)
    zero(model, "0.bias", 2)
    assert equal(model, x)[0].out_channels == 2


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_columns_of_a_table(backend, rng, kind):
    bags = kind is nn.EmbeddingBag
    layers = [nn.Linear(6, 2, **R)] if bags else [nn.Flatten(), nn.Linear(24, 2, **R)]
    model = filled(nn.Sequential(kind(9, 6, **R), *layers))
    write(model[0].weight, lambda w: w.__setitem__((slice(None), [0, 2]), 0))
    write(model[0].weight, lambda w: w.__setitem__((slice(None), 3), 0.5))  # an empty bag is 0 all the same
    if not bags:
        write(model[2].weight, lambda w: w.__setitem__(slice(5, None, 6), 0))
    small = equal(model, rng.integers(0, 9, (5, 4)))
    assert small[0].embedding_dim == (4 if bags else 2)
    assert small[-1].in_features == (4 if bags else 8)


def test_channels_that_nobody_reads_leave_the_same_bits(rng):
    """Their terms are zeros: in sums of one chunk the others are added in the same order."""
    if mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    with mg.use_backend("native"):
        layers = nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)
        model = filled(nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)))
        zero(model, "3.weight", (slice(None), [0, 3, 6]))
        zero(model, "6.weight", slice(9, 18))
        small = reg.compact(model)
        x = mg.tensor(rng.standard_normal((3, 2, 6, 6)).astype(np.float32))
        assert (small[0].out_channels, small[3].out_channels) == (5, 3)
        assert (small(x).data == model(x).data).all()


def test_the_rest_of_a_layer_stays(rng):
    """Frozen parameters stay frozen, hooks and modes stay, and what does not shrink has the same numbers."""
    model = filled(nn.Sequential(nn.Conv2d(1, 3, 1, **R), nn.Dropout(0.3), nn.Flatten(), nn.Linear(12, 2, **R)))
    model.train()
    model[1].eval()
    model[0].requires_grad_(False)
    zero(model, "0.weight", 1)
    small = reg.compact(model)
    assert [layer.training for layer in small] == [True, False, True, True]
    assert [p.requires_grad for p in small.parameters()] == [False, False, True, True]
    assert small[0].weight.shape == (2, 1, 1, 1)
    assert all(a is not b for a in model.parameters() for b in small.parameters())


def test_a_compacted_model_trains_on(rng):
    """Terms and optimizers are made anew; groups are those of the smaller layers."""
    model = filled(nn.Sequential(nn.Conv2d(1, 4, 3, **R), nn.Flatten(), nn.Linear(16, 2, **R)))
    zero(model, "0.weight", [0, 3])
    small = reg.compact(model)
    terms = reg.on(small, nn.Conv2d, reg.GroupLasso(0.01, "filters"))
    assert "2 filters of 9" in repr(terms)
    optimizer = optim.Adam(small.parameters(), prox=terms)
    loss = mg.mse(small(mg.tensor(rng.standard_normal((3, 1, 4, 4)))), np.ones((3, 2)))
    loss.backward()
    optimizer.step()
    with pytest.raises(ValueError, match="which this optimizer does not hold"):
        optim.SGD(small.parameters(), lr=0.1, prox=reg.on(model, nn.Conv2d, reg.GroupLasso(0.01, "filters")))


def test_layers_that_cannot_be_taken_are_named():
    conv = nn.Conv2d(1, 4, 3)
    pick = nn.Lambda(operator.itemgetter(0))
    for model, match in [
        (nn.Sequential(conv, nn.GroupNorm(2, 4)), r"model.1 is a GroupNorm: it normalizes over channels"),
        (nn.Sequential(nn.Residual(nn.Linear(3, 3), nn.LayerNorm(3))), r"model.0.branch.1 is a LayerNorm"),
        (nn.Sequential(conv, nn.Linear(4, 2)), r"model.1 is a Linear: planes of channels come to it"),
        (nn.Sequential(nn.Linear(4, 4), nn.Conv1d(4, 2, 1)), r"model.1 is a Conv1d: channels on the last axis come"),
        (nn.Sequential(conv, nn.Conv2d(3, 2, 1)), r"model.1 is a Conv2d: it takes 3 channels, and 4 come"),
        (nn.Sequential(conv, nn.BatchNorm2d(3)), r"model.1 is a BatchNorm2d: it takes 3 channels, and 4 come"),
        (nn.Sequential(conv, nn.MaxPool2d(2, return_indices=True)), r"model.1 is a MaxPool2d: it returns places"),
        (
            nn.Sequential(nn.LSTM(2, 3), nn.Linear(3, 1)),
            r"model.1 is a Linear: the output and the state .*itemgetter\(0\)",
        ),
        (nn.Sequential(nn.LSTM(2, 3), pick, nn.BatchNorm1d(3)), r"model.2 is a BatchNorm1d: channels on the last axis"),
        (nn.Sequential(nn.Linear(2, 3), nn.Lambda(mg.square)), r"model.1 is a Lambda: what its function does"),
        (nn.Sequential(nn.Linear(2, 3), nn.Embedding(4, 3)), r"model.1 is a Embedding: it takes whole numbers"),
        (
            nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5, noise_shape=(None, 3))),
            r"model.1 is a Dropout: its noise_shape",
        ),
        (nn.Sequential(conv, nn.Residual(nn.Flatten())), r"model.1 is a Residual: its sides"),
        (
            nn.Sequential(nn.spectral_norm(nn.Linear(2, 3))),
            r"model.0 is a Linear: its weight is computed .*remove_param",
        ),
        (nn.Sequential(nn.MultiheadAttention(4, 2)), r"model.0 is a MultiheadAttention; it takes chains of"),
    ]:
        with pytest.raises(TypeError, match=match):
            reg.compact(model)
