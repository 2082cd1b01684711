"""Groups over several parameters in the prox: the map, the trajectories of one stacked parameter, what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.errors import DTypeError

OPTIMIZERS = {
    "SGD": lambda params, **terms: optim.SGD(params, lr=0.3, **terms),
    "momentum": lambda params, **terms: optim.SGD(params, lr=0.05, momentum=0.9, **terms),
    "Adam": lambda params, **terms: optim.Adam(params, lr=0.1, betas=(0.9, 0.99), **terms),
    "AdamW": lambda params, **terms: optim.AdamW(params, lr=0.1, weight_decay=0.3, **terms),
    "AMSGrad": lambda params, **terms: optim.Adam(params, lr=0.1, amsgrad=True, **terms),
    "RMSprop": lambda params, **terms: optim.RMSprop(params, lr=0.02, centered=True, eps=0.01, **terms),
    "Adagrad": lambda params, **terms: optim.Adagrad(params, lr=0.3, lr_decay=0.1, **terms),
}


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("step", [0.4, 2.0])
def test_the_map_is_the_minimum(backend, rng, scaled, step):
    """Groups of 6, 2 and 1 elements; two elements are in none and stay as they are."""
    groups = {"a": [("w", np.s_[:, 0]), ("v", np.s_[:2])], "b": [("w", np.s_[:2, 1])], "c": [("v", 2)]}
    term = reg.NamedGroupLasso(0.7, groups, scaled=scaled)
    start = {"w": rng.standard_normal((4, 2)) * [1.5, 0.5], "v": rng.standard_normal(3)}
    found = {name: w.data for name, w in term.prox(start, step).items()}

    def split(x):
        return {"w": x[:8].reshape(4, 2), "v": x[8:]}

    def objective(x):
        w, v = split(x).values()
        norms = np.linalg.norm(np.concatenate([w[:, 0], v[:2]])), np.linalg.norm(w[:2, 1]), abs(v[2])
        roots = np.sqrt([6, 2, 1]) if scaled else np.ones(3)
        square = sum(((a - b) ** 2).sum() for a, b in zip((w, v), start.values()))
        return square / 2 + step * 0.7 * (roots * norms).sum()

    x = np.concatenate([found["w"].ravel(), found["v"]])
    for scale in (1e-4, 1e-2, 1.0):  # the objective is strongly convex: beyond its minimum it grows by half the square
        for move in scale * rng.standard_normal((300, 11)):
            assert objective(x + move) >= objective(x) + (move * move).sum() / 2 - 1e-13
    assert (found["w"][2:, 1] == start["w"][2:, 1]).all()


def two_weights(a, b):
    model = nn.Sequential()
    model.a, model.b = nn.Parameter(a), nn.Parameter(b)
    return model


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaled", [False, True])
def test_it_moves_as_one_stacked_weight_would(backend, rng, name, dtype, scaled):
    """Columns over two weights are the columns of the stacked one, whatever the optimizer."""
    x, y = (mg.tensor(rng.standard_normal(shape).astype(dtype)) for shape in ((40, 7), (40, 3)))
    start = (0.5 * rng.standard_normal((7, 3))).astype(dtype)
    parts = two_weights(start[:5], start[5:])
    columns = {str(j): [("a", np.s_[:, j]), ("b", np.s_[:, j])] for j in range(3)}
    named = reg.on(parts, reg.everything, reg.NamedGroupLasso(0.01, columns, scaled=scaled))
    whole = nn.Sequential()
    whole.w = nn.Parameter(start)
    stacked = reg.on(whole, "w", reg.GroupLasso(0.01, "columns", scaled=scaled))
    optimizers = [OPTIMIZERS[name](m.parameters(), prox=t) for m, t in ((parts, named), (whole, stacked))]
    for _ in range(30):
        for optimizer in optimizers:
            optimizer.zero_grad()
        mg.mse(x[:, :5] @ parts.a + x[:, 5:] @ parts.b, y).backward()
        mg.mse(x @ whole.w, y).backward()
        for optimizer in optimizers:
            optimizer.step()
    assert whole.w.data.any()
    bound = {"rtol": 1e-9, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-3, "atol": 2e-4}
    np.testing.assert_allclose(np.concatenate([parts.a.data, parts.b.data]), whole.w.data, **bound)
    (value,), (expected,) = named.value().values(), stacked.value().values()
    assert value == pytest.approx(expected, rel=1e-3)


def test_a_unit_goes_with_all_that_belongs_to_it(backend, rng):
    """Column, bias and the row that leaves it become zero in one step, and compact removes the unit."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 12, activation="tanh"), nn.Linear(12, 1))
    units = {f"{j}": [("0.weight", np.s_[:, j]), ("0.bias", j), ("1.weight", j)] for j in range(12)}
    terms = reg.on(model, {"units": (reg.everything, reg.NamedGroupLasso(0.05, units))})
    optimizer = optim.Adam(model.parameters(), lr=0.02, prox=terms)
    assert optimizer.penalty_values() == terms.value()
    x = mg.tensor(rng.standard_normal((60, 4)).astype("float32"))
    y = mg.tensor(np.sin(2 * x.data[:, :1]))
    for _ in range(300):
        optimizer.zero_grad()
        mg.mse(model(x), y).backward()
        before = terms.value()["units"]
        optimizer.step()
    assert optimizer.penalty_values()["units"] == pytest.approx(before, rel=1e-6)
    gone = (model[0].weight.data == 0).all(0)
    assert 3 <= gone.sum() < 12
    assert (gone == (model[1].weight.data == 0).all(1)).all()
    assert (gone == (model[0].bias.data == 0)).all()
    small = reg.compact(model)
    assert small[0].out_features == 12 - gone.sum()
    np.testing.assert_allclose(small(x).data, model(x).data, atol=1e-6)


def test_a_missing_gradient_counts_as_zero():
    model = two_weights(np.array([3.0]), np.array([4.0]))
    terms = reg.on(model, reg.everything, reg.NamedGroupLasso(1.0, {"both": [("a", 0), ("b", 0)]}))
    optim.SGD(model.parameters(), lr=2.5, prox=terms).step()
    assert (model.a.item(), model.b.item()) == (1.5, 2.0)


def test_what_is_refused():
    model = two_weights(np.ones(3), np.ones(2))
    pair = {"pair": [("a", 0), ("b", 0)]}

    def bound(groups, params=None, dtype=None, **options):
        chosen = model if dtype is None else two_weights(np.ones(3), np.ones(2, dtype))
        terms = reg.on(chosen, reg.everything, reg.NamedGroupLasso(0.1, groups))
        return optim.SGD(chosen.parameters() if params is None else params, lr=0.1, **{"prox": terms, **options})

    with pytest.raises(ValueError, match=r"1 elements, the first in b, are in two groups; .*use the term in the loss"):
        bound({**pair, "more": [("b", np.s_[:])]})
    with pytest.raises(DTypeError, match="its parameters are float32 and float64; need one dtype"):
        bound(pair, dtype="float32")
    with pytest.raises(ValueError, match="are in several groups of options; its groups take one step"):
        bound(pair, [{"params": model.a, "lr": 0.2}, {"params": model.b}])
    with pytest.raises(TypeError, match=r"has no l1, l2\. Use it in the loss, or as prox="):
        terms = reg.on(model, reg.everything, reg.NamedGroupLasso(0.1, pair))
        optim.SGD(model.parameters(), lr=0.1, penalty=terms)
    with pytest.raises(ValueError, match="prox: step"):
        reg.NamedGroupLasso(0.1, pair).prox({"a": np.ones(3), "b": np.ones(2)}, -1.0)
    optimizer = bound(pair)
    model.b.requires_grad_(False)
    before = model.state_dict()
    with pytest.raises(ValueError, match="do not all require grad; their groups shrink as one"):
        optimizer.step()
    assert all((model.state_dict()[name] == w).all() for name, w in before.items())
    model.a.requires_grad_(False)
    optimizer.step()
    assert all((model.state_dict()[name] == w).all() for name, w in before.items())


def test_a_group_that_came_late_to_adam_is_refused():
    model = two_weights(np.ones(3), np.ones(2))
    model.b.requires_grad_(False)
    optimizer = optim.Adam(model.parameters())
    model.a.grad = mg.tensor(np.ones(3))
    optimizer.step()
    model.b.requires_grad_(True)
    terms = reg.on(model, reg.everything, reg.NamedGroupLasso(0.1, {"pair": [("a", 0), ("b", 0)]}))
    late = optim.Adam(model.parameters(), prox=terms)
    late.load_state_dict(optimizer.state_dict())
    with pytest.raises(ValueError, match="took different numbers of steps"):
        late.step()
