"""The same penalty through the graph and inside the update; the proximal route; who is touched; who may bind."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg

OPTIMIZERS = {
    "SGD": lambda params, **terms: optim.SGD(params, lr=0.1, **terms),
    "momentum": lambda params, **terms: optim.SGD(params, lr=0.02, momentum=0.9, **terms),
    "nesterov": lambda params, **terms: optim.SGD(params, lr=0.02, momentum=0.9, nesterov=True, **terms),
    "Adam": lambda params, **terms: optim.Adam(params, lr=0.01, **terms),
    "AdamW": lambda params, **terms: optim.AdamW(params, lr=0.01, **terms),
    "AMSGrad": lambda params, **terms: optim.Adam(params, lr=0.01, amsgrad=True, **terms),
    "RMSprop": lambda params, **terms: optim.RMSprop(params, lr=0.01, momentum=0.5, centered=True, eps=0.01, **terms),
    "Adagrad": lambda params, **terms: optim.Adagrad(params, lr=0.01, **terms),
}


def make(dtype="float64"):
    mg.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 6, activation="tanh", dtype=dtype), nn.Linear(6, 3, dtype=dtype))


@pytest.fixture
def data(rng):
    return mg.tensor(rng.standard_normal((20, 4))), rng.integers(0, 3, 20)


def train(model, optimizer, data, terms=None, steps=20):
    x, t = data
    for _ in range(steps):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), t)
        (loss if terms is None else loss + terms()).backward()
        optimizer.step()
    return [p.data.copy() for p in model.parameters()]


def three_terms(model):
    return reg.on(
        model,
        {
            "lasso": ("0.weight", reg.L1(0.01)),
            "net": ("1.weight", reg.ElasticNet(0.02, 0.1)),
            "bias": ("*.bias", reg.L2(0.3)),
        },
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_graph_route_equals_the_fused_route(backend, data, name, dtype):
    graph, fused = make(dtype), make(dtype)
    data = data[0].to(dtype), data[1]
    terms = three_terms(graph)
    expected = train(graph, OPTIMIZERS[name](graph.parameters()), data, terms)
    got = train(fused, OPTIMIZERS[name](fused.parameters(), penalty=three_terms(fused)), data)
    bound = {"rtol": 1e-12, "atol": 1e-15} if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-6}
    for g, e in zip(got, expected):
        np.testing.assert_allclose(g, e, **bound)


def test_weight_decay_is_l2_on_everything_but_not_in_adamw(backend, data):
    def weights(make_optimizer):
        model = make()
        return train(model, make_optimizer(model), data)

    decayed = weights(lambda m: optim.SGD(m.parameters(), lr=0.1, weight_decay=0.2))
    penalized = weights(lambda m: optim.SGD(m.parameters(), lr=0.1, penalty=reg.on(m, reg.everything, reg.L2(0.2))))
    assert all((a == b).all() for a, b in zip(decayed, penalized))
    coupled = weights(lambda m: optim.Adam(m.parameters(), lr=0.01, weight_decay=0.2))
    decoupled = weights(lambda m: optim.AdamW(m.parameters(), lr=0.01, weight_decay=0.2))
    difference = sum(((a - b) ** 2).sum() for a, b in zip(coupled, decoupled))
    assert difference > 1e-4 * sum((a**2).sum() for a in coupled)


def test_penalty_values_are_those_before_the_step(backend, data):
    model = make()
    terms = three_terms(model)
    optimizer = optim.Adam(model.parameters(), lr=0.01, penalty=terms)
    assert optimizer.penalty_values() == terms.value()  # no step yet
    train(model, optimizer, data, steps=3)
    before = terms.value()
    train(model, optimizer, data, steps=1)
    for name, value in optimizer.penalty_values().items():
        assert value == pytest.approx(before[name], rel=1e-13)
    terms.entries[0].term.l1 = 100.0  # what holds from the next step does not change the report of the last
    assert optimizer.penalty_values()["lasso"] == pytest.approx(before["lasso"], rel=1e-13)
    train(model, optimizer, data, steps=1)
    assert optimizer.penalty_values()["lasso"] > 100 * before["lasso"]


def test_steps_note_values_once_they_are_asked_for(backend, data):
    """The first call gives the present ones; no step before it has summed anything."""
    model = make()
    terms = three_terms(model)
    optimizer = optim.Adam(model.parameters(), lr=0.01, penalty=terms)
    train(model, optimizer, data, steps=2)
    (table,) = optimizer._tables
    assert not table.segments.sums.any()
    assert optimizer.penalty_values() == terms.value()
    before = terms.value()
    train(model, optimizer, data, steps=1)
    assert table.segments.sums.any()
    assert optimizer.penalty_values() == pytest.approx(before, rel=1e-13)


def test_the_same_terms_at_two_moments_are_refused():
    model = make()
    terms = reg.on(model, "*.weight", reg.L1(0.1))
    with pytest.raises(ValueError, match=r"Adam\(penalty=...\): the same terms are given as prox=, and would count"):
        optim.Adam(model.parameters(), penalty=terms, prox=terms)


# --- the proximal route ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "momentum", "AdamW", "Adam", "AMSGrad", "RMSprop", "Adagrad"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_prox_ends_the_update_with_each_coordinates_own_step(backend, rng, name, dtype):
    w0, g = rng.standard_normal((4, 3)).astype(dtype), rng.standard_normal((4, 3)).astype(dtype)
    g[0] *= 1e-3
    plain, proximal = nn.Parameter(w0), nn.Parameter(w0)
    model = nn.Sequential()
    model.weight = proximal
    terms = reg.on(model, "*.weight", reg.ElasticNet(0.7, 0.4))
    steps = {"SGD": 0.1, "momentum": 0.02 / (1 - 0.9)}
    for w, options in ((plain, {}), (proximal, {"prox": terms})):
        w.grad = mg.tensor(g)
        OPTIMIZERS[name]([w], **options).step()
    # At the first step of Adam, the step of a coordinate is lr / (|g| + eps); RMSprop, centered: the root of
    # 0.01 g² - 0.0001 g² takes the place of |g|, eps is 0.01, and the momentum of 0.5 doubles the step that lasts.
    size = np.abs(g.astype(np.float64))
    step = steps.get(name) or (0.02 / (size * 0.0099**0.5 + 0.01) if name == "RMSprop" else 0.01 / (size + 1e-8))
    v = plain.data.astype(np.float64)
    expected = np.sign(v) * np.maximum(np.abs(v) - step * 0.7, 0) / (1 + step * 0.4)
    np.testing.assert_allclose(proximal.data, expected, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-7)
    assert (proximal.data == 0).any() or name in steps


def test_l1_gives_exact_zeros_in_the_prox_and_none_in_the_gradient(backend, data):
    sub_gradient, proximal = make(), make()
    terms = [reg.on(model, "*.weight", reg.L1(0.02)) for model in (sub_gradient, proximal)]
    train(sub_gradient, optim.Adam(sub_gradient.parameters(), lr=0.01, penalty=terms[0]), data, steps=200)
    train(proximal, optim.Adam(proximal.parameters(), lr=0.01, prox=terms[1]), data, steps=200)
    zeros = [sum(int((layer.weight.data == 0).sum()) for layer in model) for model in (sub_gradient, proximal)]
    assert zeros[0] == 0
    assert zeros[1] >= 10
    assert not any(np.signbit(layer.weight.data[layer.weight.data == 0]).any() for layer in proximal)
    assert (proximal[0].bias.data != 0).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_map_reaches_the_weight_and_no_state(backend, rng, name):
    """Nothing of a proximal term is added to the gradient, and a momentum buffer is not mapped."""
    w0, gradients = rng.standard_normal((4, 3)), rng.standard_normal((3, 4, 3))
    states = []
    for with_prox in (False, True):
        model = nn.Sequential()
        model.weight = nn.Parameter(w0)
        terms = {"prox": reg.on(model, "*.weight", reg.ElasticNet(0.7, 0.4))} if with_prox else {}
        optimizer = OPTIMIZERS[name]([model.weight], **terms)
        for g in gradients:
            model.weight.grad = mg.tensor(g)
            optimizer.step()
        states.append((optimizer.state_dict()["state"], model.weight.data))
    (plain, w), (mapped, shrunk) = states
    assert plain.keys() == mapped.keys()
    assert all((plain[key] == mapped[key]).all() for key in plain)
    assert np.abs(shrunk).sum() < np.abs(w).sum()


# --- who is touched --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["penalty", "prox"])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_missing_gradient_leaves_alone_unless_a_term_is_on_it(backend, moment, kind):
    model = make()
    before = model.state_dict()
    terms = reg.on(model, {"first": ("0.weight", reg.L2(0.5)), "frozen": ("1.weight", reg.L2(0.5))})
    model[1].weight.requires_grad_(False)
    optimizer = OPTIMIZERS[kind](model.parameters(), **{moment: terms})
    stamps = [p.stamp for p in model.parameters()]
    optimizer.step()
    after = model.state_dict()
    changed = [name for name in before if (before[name] != after[name]).any()]
    assert changed == ["0.weight"]
    assert [p.stamp != s for p, s in zip(model.parameters(), stamps)] == [True, False, False, False]
    assert optimizer.penalty_values()["frozen"] == pytest.approx(0.25 * (before["1.weight"] ** 2).sum())


def test_adam_counts_the_steps_of_each_parameter(backend):
    late, always = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.Adam([late, always], lr=0.1)
    for step in range(3):
        always.grad = mg.tensor([0.5])
        late.grad = mg.tensor([0.5]) if step == 2 else None
        optimizer.step()
    assert late.data == pytest.approx(0.9)  # a first step, of size lr
    assert optimizer.state_dict()["state"]["0.beta1_power"] == 0.9


def test_nan_gradients_are_seen_not_skipped(backend):
    w = nn.Parameter([1.0, 2.0])
    w.grad = mg.tensor([np.nan, 1.0])
    optim.Adam([w], lr=0.1).step()
    assert np.isnan(w.data[0])
    assert w.data[1] == pytest.approx(1.9)


def test_a_graph_from_before_the_step_is_refused(data):
    model = make()
    loss = mg.cross_entropy(model(data[0]), data[1])
    train(model, optim.SGD(model.parameters(), lr=0.1), data, steps=1)
    with pytest.raises(mg.GraphError, match="written by copy_ or an optimizer"):
        loss.backward()


# --- who may bind ----------------------------------------------------------------------------------------------------


def test_bound_terms_raise_as_long_as_the_optimizer_lives():
    model = make()
    terms = reg.on(model, "*.weight", reg.L1(0.1))
    optimizer = optim.SGD(model.parameters(), lr=0.1, prox=terms)
    assert terms.optimizer is optimizer
    assert terms.moment == "prox"
    assert "prox in SGD" in repr(terms)
    with pytest.raises(mg.GraphError, match="act in SGD"):
        terms()
    with pytest.raises(mg.GraphError, match="count twice"):
        optim.Adam(model.parameters(), penalty=terms)
    with pytest.raises(mg.GraphError, match="count twice"):
        optim.Adam(model.parameters(), penalty=terms, prox=terms)
    gc.disable()
    try:
        gone = weakref.ref(optimizer)
        del optimizer
        assert gone() is None  # by reference counts alone
    finally:
        gc.enable()
    assert terms.moment == "loss"
    assert terms().item() > 0
    with pytest.raises(ValueError, match="lr"):
        optim.Adam(model.parameters(), lr=-1, penalty=terms)
    assert terms.optimizer is None  # an optimizer that was never made binds nothing


def test_what_an_optimizer_needs_of_terms():
    model = make()
    with pytest.raises(ValueError, match=r"'L1\(0.1\) \*.weight' is on 1.weight, which this optimizer does not hold"):
        optim.SGD(model[0].parameters(), lr=0.1, penalty=reg.on(model, "*.weight", reg.L1(0.1)))
    with pytest.raises(TypeError, match=r"need terms = reg.on"):
        optim.SGD(model.parameters(), lr=0.1, penalty=reg.L1(0.1))

    class Huber:
        def value(self, w):
            return 1.0

        def __repr__(self):
            return "Huber()"

    with pytest.raises(TypeError, match=r"SGD\(prox=...\) needs .*prox; Huber\(\) has no .*prox. Use it in the loss"):
        optim.SGD(model.parameters(), lr=0.1, prox=reg.on(model, "*.weight", Huber()))
    with pytest.raises(TypeError, match="Huber"):
        optim.SGD(model.parameters(), lr=0.1, penalty=reg.on(model, "*.weight", Huber()))
    terms = [reg.on(model, {"same": ("*.weight", term)}) for term in (reg.L1(0.1), reg.L2(0.1))]
    with pytest.raises(ValueError, match="two terms are named 'same'"):
        optim.SGD(model.parameters(), lr=0.1, penalty=terms[0], prox=terms[1])
