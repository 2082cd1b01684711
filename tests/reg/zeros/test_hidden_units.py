"""compact of recurrent layers: units into which nothing is written, or that nobody reads."""

import operator

import pytest
from reg.zeros.emptied import R, equal, filled, write, zero

import minigrad as mg
from minigrad import nn


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_hidden_units(backend, rng, kind, bidirectional, bias):
    """A unit goes if nothing is written into it, or nothing leaves it; all layers and directions keep equally many."""
    ways = 1 + bidirectional
    core = kind(3, 5, num_layers=2, bias=bias, bidirectional=bidirectional, batch_first=True, **R)
    output, last = nn.Lambda(operator.itemgetter(0)), nn.Lambda(operator.itemgetter((slice(None), -1)))
    model = filled(nn.Sequential(nn.Embedding(7, 3, **R), core, output, last, nn.Linear(5 * ways, 2, **R)))
    x = rng.integers(0, 7, (4, 6))
    write(model[0].weight, lambda w: w.__setitem__((slice(None), 1), 0.25))  # a constant for bias_ih, if there is one
    assert equal(model, x)[0].embedding_dim == (2 if bias else 3)
    n = core.hidden_size
    for k in range(2):
        for ending in ("", "_reverse")[:ways]:
            written = (2 if kind is not nn.RNN else 0) * n + 1  # gate g or n of unit 1
            names = [
                f"1.{name}_l{k}{ending}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 2 + 2 * bias]
            ]
            for name in names:
                zero(model, name, (..., written))
            if k == 1:
                continue
            zero(model, f"1.weight_hh_l0{ending}", 4)  # nothing leaves unit 4 of layer 0
    for ending in ("", "_reverse")[:ways]:
        zero(model, f"1.weight_ih_l1{ending}", [4 + n * i for i in range(ways)])
    small = equal(model, x)
    assert small[1].hidden_size == 4  # layer 1 can spare but one
    for i, ending in enumerate(("", "_reverse")[:ways]):
        zero(model, f"1.weight_hh_l1{ending}", 3)
        zero(model, "4.weight", 3 + n * i)
    small = equal(model, x)
    assert (small[1].hidden_size, small[4].in_features) == (3, 3 * ways)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_unit_that_something_is_written_into_stays(backend, rng, kind):
    """By a bias, or by another unit; once that one is 0 as well, both go."""
    core, output = kind(2, 4, batch_first=True, zoneout=0.2, **R), nn.Lambda(operator.itemgetter(0))
    model = filled(nn.Sequential(core, output, nn.Linear(4, 2, **R)))
    x = mg.tensor(rng.standard_normal((3, 5, 2)))
    first = 0 if kind is nn.RNN else 8  # the column of gate g or n of unit 0
    zero(model, "0.weight_ih_l0", (..., [first, first + 1]))
    zero(model, "0.weight_hh_l0", (slice(None), first))
    zero(model, "0.weight_hh_l0", ([0, 1, 3], first + 1))  # unit 2 writes into unit 1, and a bias into unit 0
    for name in ("0.bias_ih_l0", "0.bias_hh_l0"):
        zero(model, name, first + 1)
    assert equal(model, x)[0].hidden_size == 4
    zero(model, "0.bias_ih_l0", first)
    assert equal(model, x)[0].hidden_size == 4
    zero(model, "0.bias_hh_l0", first)
    assert equal(model, x)[0].hidden_size == 3
    zero(model, "0.weight_hh_l0", (2, first + 1))
    small = equal(model, x)
    assert (small[0].hidden_size, small[2].in_features) == (2, 2)
