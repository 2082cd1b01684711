"""What a penalty of one's own gets from the base; scheduled strengths; the orthogonal penalty."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.insight.gradcheck import gradcheck


class LogCosh(reg.Penalty):
    """strength Σ log cosh w, in ten lines."""

    def __init__(self, strength):
        self.strength = strength

    def __call__(self, w):
        return mg.sum(mg.log((mg.exp(w) + mg.exp(-w)) * 0.5)) * self.strength


class Cardinality:
    """strength times the number of weights that are not 0: no base, a value for the eye and a prox for the update."""

    def __init__(self, strength):
        self.strength = strength

    def value(self, w):
        return self.strength * float((np.asarray(w) != 0).sum())

    def prox(self, v, step):
        return mg.tensor(np.where(v.data**2 > 2 * step * self.strength, v.data, 0))


def test_a_penalty_of_ones_own(backend, rng):
    w = rng.standard_normal((3, 2))
    term = LogCosh(0.1)
    assert term.value(w) == pytest.approx(0.1 * np.log(np.cosh(w)).sum())
    assert gradcheck(term, [w])
    assert repr(term) == "<LogCosh(0.1): strength = 0.1; moment: loss>"
    with pytest.raises(ValueError, match="LogCosh: strength is -1"):
        LogCosh(-1)
    with pytest.raises(TypeError, match="int64"):
        term.value(np.arange(3))
    model = nn.Linear(3, 2)
    data = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = train.fit(model, data, mg.mse, optimizer, reg.on(model, "weight", term), epochs=2)
    assert "LogCosh(0.1) weight" in history.last


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_prox_of_ones_own(backend, rng, name):
    """Hard thresholds: under Adam, the whole parameter takes its smallest step."""
    model = nn.Linear(4, 3, dtype="float64")
    w0, g = model.weight.data.copy(), rng.standard_normal((4, 3))
    terms = reg.on(model, "weight", Cardinality(0.5))
    optimizer = getattr(optim, name)(model.parameters(), lr=0.2, prox=terms)
    assert optimizer.penalty_values() == terms.value()
    model.weight.grad = mg.tensor(g)
    optimizer.step()
    step = 0.2 if name == "SGD" else 0.2 / (np.abs(g).max() + 1e-8)
    v = w0 - step * g
    np.testing.assert_allclose(model.weight.data, np.where(v * v > step, v, 0), rtol=1e-12)
    assert (model.weight.data == 0).any()
    assert optimizer.penalty_values() == {f"{terms.entries[0].name}": 6.0}


# --- schedules -------------------------------------------------------------------------------------------------------


def test_strengths_follow_the_epochs_of_fit(backend, rng):
    seen = []

    class See(train.Callback):
        def on_batch_end(self, run):
            seen.append((run.epoch, terms.entries[0].term.l1, bound.entries[0].term.strength))

    model = nn.Linear(3, 2)
    terms = reg.on(model, "weight", reg.L1(lambda epoch: 0.1 * epoch))
    bound = reg.on(model, {"norm": ("bias", reg.Norm(reg.Ramp(0.0, 1.0, 3)))})
    optimizer = optim.SGD(model.parameters(), lr=0.1, prox=bound)
    data = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    history = train.fit(model, data, mg.mse, optimizer, terms, epochs=4, callbacks=[See()])
    assert [round(l1, 9) for _, l1, _ in seen] == [0.1, 0.2, 0.3, 0.4]
    assert [s for *_, s in seen] == [0.0, 0.5, 1.0, 1.0]
    assert history["norm"][0] == 0.0
    assert list(terms.value()) == ["L1(<lambda>) weight"]


@pytest.mark.parametrize("moment", ["penalty", "prox"])
def test_tables_follow_the_strengths_by_hand(backend, moment):
    model = nn.Sequential()
    model.weight = nn.Parameter([10.0])
    terms = reg.on(model, "weight", reg.L1(lambda epoch: float(epoch)))
    optimizer = optim.SGD(model.parameters(), lr=1.0, **{moment: terms})
    for epoch, expected in ((1, 9.0), (2, 7.0), (3, 4.0)):
        terms.at_epoch(epoch)
        optimizer.step()
        assert model.weight.data == expected


def test_bad_schedules_and_numbers_that_end_one():
    with pytest.raises(ValueError, match="L1: l1 in epoch 1 is -1"):
        reg.L1(lambda epoch: -1.0)
    term = reg.L2(lambda epoch: 1.0 if epoch < 3 else float("nan"))
    with pytest.raises(ValueError, match="L2: l2 in epoch 3 is nan"):
        term.at_epoch(3)
    term.l2 = 0.5
    term.at_epoch(3)
    assert term.l2 == 0.5
    assert [reg.Ramp(0.5, 1, 3)(epoch) for epoch in (0, 1, 2, 3, 4)] == [0.5, 0.5, 0.75, 1.0, 1.0]
    with pytest.raises(ValueError, match="epochs is 1; need at least 2"):
        reg.Ramp(0, 1, 1)
    with pytest.raises(ValueError, match="a strength is -1"):
        reg.Ramp(-1, 1, 3)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
@pytest.mark.parametrize("make", [reg.L1, lambda ramp: reg.GroupLasso(ramp, "rows", scaled=True)], ids=["L1", "groups"])
def test_copies_keep_their_schedule(make, again):
    term = make(reg.Ramp(0, 1, 5))
    made = again(term)
    assert repr(made) == repr(term)
    made.at_epoch(5)
    assert getattr(made, "l1", None) == 1.0 or made.strength == 1.0


def test_setting_a_strength_of_a_copy_leaves_the_schedule_of_the_original():
    for term in (reg.L1(reg.Ramp(0, 1, 5)), LogCosh(reg.Ramp(0, 1, 5))):
        name = term.strengths[0]
        twin = copy.copy(term)
        setattr(twin, name, 0.25)
        for each in (term, twin):
            each.at_epoch(5)
        assert (getattr(term, name), getattr(twin, name)) == (1.0, 0.25)


# --- orthogonal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_orthogonal(backend, rng, shape):
    w = rng.standard_normal(shape)
    small = min(shape)
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    term = reg.Orthogonal(0.3)
    assert term.value(w) == pytest.approx(0.3 * ((gram - np.eye(small)) ** 2).sum(), rel=1e-12)
    assert gradcheck(term, [w])
    t = mg.tensor(w, requires_grad=True)
    term(t).backward()
    expected = w @ (gram - np.eye(small)) if shape[0] >= shape[1] else (gram - np.eye(small)) @ w
    np.testing.assert_allclose(t.grad.data, 4 * 0.3 * expected, rtol=1e-11, atol=1e-12)
    q = np.linalg.qr(rng.standard_normal((max(shape), small)))[0]
    assert term.value(q if shape[0] >= shape[1] else q.T) < 1e-28


def test_orthogonal_takes_filters_and_no_vectors(backend, rng):
    w = rng.standard_normal((2, 3, 2, 2))
    assert reg.Orthogonal(1.0).value(w) == pytest.approx(reg.Orthogonal(1.0).value(w.reshape(2, 12)))
    with pytest.raises(mg.ShapeError, match=r"a parameter is \(3,\); need a matrix"):
        reg.Orthogonal(1.0).value([1.0, 2.0, 3.0])


def test_training_with_it_makes_singular_values_equal(backend):
    mg.manual_seed(0)
    layer = nn.Linear(6, 4, dtype="float64")
    terms = reg.on(layer, "weight", reg.Orthogonal(1.0))
    optimizer = optim.SGD(layer.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        terms().backward()
        optimizer.step()
    np.testing.assert_allclose(np.linalg.svd(layer.weight.data)[1], 1, atol=1e-9)
