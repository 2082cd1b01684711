"""compact: the same function from fewer units; sparsity: what was counted by hand."""

import numpy as np
import pytest
from reg.zeros.emptied import chain, empty_columns, empty_rows, write

import minigrad as mg
from minigrad import nn, optim, reg, train


def sizes(model):
    return [model[0].in_features, *(layer.out_features for layer in model if isinstance(layer, nn.Linear))]


def assert_equal_outputs(a, b, rng):
    x = mg.tensor(rng.standard_normal((9, a[0].in_features)))
    np.testing.assert_allclose(b.eval()(x).data, a.eval()(x).data, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", None])
def test_dead_units_go_and_outputs_stay(backend, rng, activation):
    model = chain(5, 8, 7, 3, activation=activation)
    empty_columns(model[0], [1, 3])  # constant units
    empty_rows(model[1], [3, 4])  # nobody listens; unit 3 is both
    empty_columns(model[1], [0])
    before = model.state_dict()
    small = reg.compact(model)
    assert sizes(small) == [5, 5, 6, 3]
    assert_equal_outputs(model, small, rng)
    assert all((before[k] == v).all() for k, v in model.state_dict().items())
    assert sizes(reg.compact(small)) == [5, 5, 6, 3]


def test_units_that_nobody_hears_leave_the_same_bits(rng):
    """Terms of exact zeros change no sum: where no constant is folded into a bias, outputs are equal bit for bit."""
    model = chain(5, 8, 3, dtype="float32")
    empty_rows(model[1], [0, 2, 5])
    x = mg.tensor(rng.standard_normal((9, 5)).astype(np.float32))
    assert (reg.compact(model)(x).data == model(x).data).all()


def test_one_removal_leads_to_the_next(backend, rng):
    model = chain(4, 6, 5, 3, 2)
    empty_rows(model[2], [0, 1, 2, 3])  # 4 units of layer 1 are unheard: only column 4 of layer 1 counts
    empty_rows(model[3], [2])
    write(model[1].weight, lambda w: w.__setitem__(([0, 1, 2], [4, 4, 4]), 0))  # so units 0, 1, 2 of layer 0 go as well
    small = reg.compact(model)
    assert sizes(small) == [4, 3, 1, 2, 2]
    assert_equal_outputs(model, small, rng)


def test_everything_dead_leaves_one_unit(backend, rng):
    model = chain(4, 6, 5, 2)
    empty_columns(model[1], slice(None))
    small = reg.compact(model)
    assert sizes(small) == [4, 1, 1, 2]
    assert_equal_outputs(model, small, rng)
    model = chain(4, 6, 2)
    empty_rows(model[1], slice(None))
    assert sizes(reg.compact(model)) == [4, 1, 2]
    assert_equal_outputs(model, reg.compact(model), rng)


@pytest.mark.parametrize("scaling", ["inverted", "classical"])
def test_layers_between(backend, rng, scaling):
    """Activations of their own, dropout (a constant unit counts as in eval mode), Flatten, nested chains, no bias."""
    mg.manual_seed(2)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(12, 6, dtype="float64"), nn.Tanh(), nn.Dropout(0.3, scaling=scaling)),
        nn.Flatten(),
        nn.Linear(6, 4, bias=False, dtype="float64"),
        nn.Softmax(),
    )
    first = model[1][0]
    write(first.bias, lambda b: b.__setitem__(slice(None), np.linspace(-1, 1, 6)))
    empty_columns(first, [0, 5])
    model.eval()
    small = reg.compact(model)
    kinds = [nn.Flatten, nn.Linear, nn.Tanh, nn.Dropout, nn.Flatten, nn.Linear, nn.Softmax]
    assert [type(layer) for layer in small] == kinds
    assert (small[1].out_features, small[5].in_features) == (4, 4)
    assert small[5].bias is not None  # the constants went there
    assert not small.training
    x = mg.tensor(rng.standard_normal((5, 3, 4)))
    np.testing.assert_allclose(small(x).data, model(x).data, rtol=1e-13)


def test_what_it_refuses_is_named():
    class Own(nn.Module):
        pass

    linear = nn.Linear(4, 4)
    for model, match in [
        (nn.Sequential(linear, nn.Sequential(Own())), r"model.1.0 is a Own; it takes chains of Linear"),
        (Own(), r"model is a Own"),
        (nn.Sequential(linear, nn.Softmax(), nn.Linear(4, 2)), "a Softmax between Linear layers"),
        (nn.Sequential(linear, nn.ReLU(), linear), r"model.2 stands in the chain twice"),
        (nn.Sequential(nn.Linear(4, 3), nn.Flatten(), nn.Linear(7, 2)), "takes 7 inputs, and 3 units meet it"),
        (nn.Sequential(nn.Linear(4, 3), nn.Linear(6, 2)), "takes 6 inputs, and 3 units meet it"),
        (nn.Sequential(nn.ReLU()), "has no Linear layer"),
        (3, "the model is a int"),
    ]:
        with pytest.raises(TypeError, match=match):
            reg.compact(model)


def test_after_group_lasso_in_training(rng):
    """The whole way: groups empty columns in Adam's prox, compact removes them, the loss stays."""
    x = rng.standard_normal((80, 6))
    data = x, (x[:, :2].sum(1, keepdims=True) > 0).astype(np.float64)
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16, activation="relu", dtype="float64"), nn.Linear(16, 1, dtype="float64"))
    terms = reg.on(model, "0.weight", reg.GroupLasso(0.02))
    train.fit(model, data, mg.bce_with_logits, optim.Adam(model.parameters(), lr=0.05, prox=terms), epochs=60)
    small = reg.compact(model)
    dead = reg.sparsity(model)[0].columns
    assert 4 <= dead < 16
    assert small[0].out_features == 16 - dead
    assert_equal_outputs(model, small, rng)
