"""Terms on outputs and on the gradient of the loss: values, gradients, the warning of a flat term, reports of fit."""

import copy
import gc
import warnings
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.insight.gradcheck import gradcheck


def make(*layers, seed=3):
    mg.manual_seed(seed)
    if not layers:
        layers = nn.Linear(4, 6, activation="tanh", dtype="float64"), nn.Linear(6, 3, dtype="float64")
    return nn.Sequential(*layers)


@pytest.fixture
def data(rng):
    return rng.standard_normal((12, 4)), rng.integers(0, 3, 12)


def norms(y):
    return np.abs(y).sum(1).mean(), np.sqrt((y**2).sum(1)).mean()


@pytest.mark.parametrize(
    "term, expected",
    [
        (reg.Activity(l1=0.3), lambda y: 0.3 * np.abs(y).sum(1).mean()),
        (reg.Activity(0.3, 0.5), lambda y: 0.3 * np.abs(y).sum(1).mean() + 0.25 * (y**2).sum(1).mean()),
        (reg.Activity(), lambda y: 0.0),
        (reg.ActivityNorm(0.01, 0.01), lambda y: 0.01 * sum(norms(y))),
        (reg.ActivityNorm(l2=2.0), lambda y: 2 * norms(y)[1]),
    ],
    ids=lambda t: getattr(t, "name", ""),
)
def test_activity_is_a_mean_over_samples(backend, rng, term, expected):
    y = rng.standard_normal((5, 3)) + 0.1
    assert term.value(y) == pytest.approx(expected(y), rel=1e-13)
    assert gradcheck(term, [y])


def test_the_norm_of_a_dead_sample_has_no_nan(backend):
    y = mg.tensor(np.array([[0.0, 0.0], [3.0, 4.0]]), requires_grad=True)
    reg.ActivityNorm(l2=1.0)(y).backward()
    np.testing.assert_allclose(y.grad.data, [[0, 0], [0.3, 0.4]], rtol=1e-15)


def test_terms_take_the_last_output(backend, data):
    model = make()
    out = (lambda name, module: module is model[1], reg.ActivityNorm(l2=0.1))
    terms = reg.on(model, {"hidden": ("0", reg.Activity(0.1)), "out": out})
    with pytest.raises(mg.GraphError, match="hidden: 0 has no output yet"):
        terms()
    assert np.isnan(terms.value()["hidden"])
    y = model(mg.tensor(data[0]))
    total = terms()
    hidden = np.tanh(data[0] @ model[0].weight.data)
    expected = {"hidden": 0.1 * np.abs(hidden).sum(1).mean(), "out": 0.1 * norms(y.data)[1]}
    assert terms.value() == pytest.approx(expected, rel=1e-12)
    assert total.item() == pytest.approx(sum(expected.values()), rel=1e-12)
    total.backward()
    assert model[0].weight.grad is not None
    with mg.no_grad():
        model(mg.tensor(data[0]))
    with pytest.raises(mg.GraphError, match="no output yet that was recorded"):
        terms()


def test_selectors_of_modules():
    model = make(nn.Linear(4, 6), nn.Sequential(nn.ReLU(), nn.Linear(6, 3)), nn.Softmax())

    def places(selector):
        return [place.split()[2] for place in reg.on(model, selector, reg.Activity(1)).entries[0].places()]

    assert places("0") == ["0"]
    assert places("1.*") == ["1.0", "1.1"]
    assert places("*") == ["0", "1", "1.0", "1.1", "2"]
    assert places("") == ["the"]  # the model
    assert places(nn.Linear) == ["0", "1.1"]
    assert places(nn.Softmax) == ["2"]
    assert places(lambda name, module: name.endswith("0")) == ["0", "1.0"]
    with pytest.raises(ValueError, match=r"'3' matches no module \('' is the model\); there are 0, 1, 1.0, 1.1, 2"):
        reg.on(model, "3", reg.Activity(1))
    with pytest.raises(TypeError, match="the selector is 3"):
        reg.on(model, 3, reg.Activity(1))
    with pytest.raises(ValueError, match="of one kind and both match 0"):
        reg.on(model, {"0": reg.Activity(1), nn.Linear: reg.Activity(2)})
    assert len(reg.on(model, {"0": reg.Activity(1), "1.1": reg.Activity(2), "*.weight": reg.L1(1)}).entries) == 3


def test_inner_chains_are_watched_too(data):
    """Sequential unfolds the chains within it, but for those that somebody watches."""
    model = make(nn.Sequential(nn.Linear(4, 6, dtype="float64"), nn.ReLU()), nn.Linear(6, 3, dtype="float64"))
    terms = reg.on(model, "0", reg.Activity(1.0))
    model(mg.tensor(data[0]))
    hidden = model[0](mg.tensor(data[0])).data
    assert terms().item() == pytest.approx(hidden.sum(1).mean())


def test_copies_are_not_watched_and_terms_are_not_kept_alive(data):
    model = make()
    terms = reg.on(model, "1", reg.Activity(1.0))
    model(mg.tensor(data[0]))
    value = terms().item()
    for other in (copy.deepcopy(model), copy.copy(model[1])):
        assert not other.watchers
    copy.deepcopy(model)(mg.tensor(10 * data[0]))
    assert terms().item() == value
    gone = weakref.ref(terms.entries[0].watched[0])
    gc.disable()
    try:
        del terms
        assert gone() is None
    finally:
        gc.enable()
    model(mg.tensor(data[0]))


def test_a_flat_term_warns_once(rng):
    """‖softmax‖₁ is 1 for all weights; ‖softmax‖₂ is not, nor is the L1 norm of anything else."""
    x = mg.tensor(rng.standard_normal((8, 4)).astype(np.float32))
    model = make(nn.Linear(4, 6, activation="relu"), nn.Linear(6, 3), nn.Softmax())
    terms = reg.on(model, nn.Softmax, reg.ActivityNorm(0.01, 0.01))
    model(x)
    with pytest.warns(UserWarning, match=r"gradient of ActivityNorm\(0.01, 0.01\): l1 is .* it moves no weight"):
        terms()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(x)
        terms()
        for selector, term in ((nn.Softmax, reg.ActivityNorm(l2=0.01)), ("0", reg.Activity(l1=1.0))):
            terms = reg.on(model, selector, term)
            model(x)
            terms().backward()
        dead = reg.on(model, "0", reg.Activity(l1=1.0))
        with mg.no_grad():
            model[0].bias.copy_(np.full(6, -100.0))
        model(x)
        dead()  # at a zero of the term there is nothing to say


# --- the gradient of the loss by the input ---------------------------------------------------------------------------


def test_input_gradient_against_single_samples(backend, data):
    model, (x, t) = make(), data
    terms = reg.on(model, "", reg.InputGradient(0.3))
    tx = mg.tensor(x, requires_grad=True)
    loss = mg.cross_entropy(model(tx), t)
    total = terms(loss)
    slopes = []
    for i in range(len(x)):
        xi = mg.tensor(x[i : i + 1], requires_grad=True)
        slopes.append(mg.grad(mg.cross_entropy(model(xi), t[i : i + 1]), xi).data)
    assert total.item() == pytest.approx(0.15 * np.mean([(s**2).sum() for s in slopes]), rel=1e-12)
    assert terms.value()["InputGradient(0.3)"] == total.item()


def test_input_gradient_is_differentiated_by_the_weights(backend, data):
    x, t = data

    def penalty(w, v):
        tx = mg.tensor(x, requires_grad=True)
        return reg.InputGradient(0.5)(mg.cross_entropy(mg.matmul(mg.tanh(mg.matmul(tx, w)), v), t), tx)

    rng = np.random.default_rng(0)
    assert gradcheck(penalty, [rng.standard_normal((4, 5)), rng.standard_normal((5, 3))], order=1)


def test_input_gradient_needs_loss_and_input(data):
    model = make()
    terms = reg.on(model, "", reg.InputGradient(0.3))
    loss = mg.cross_entropy(model(mg.tensor(data[0])), data[1])
    with pytest.raises(mg.GraphError, match=r"call terms\(loss\)"):
        terms()
    with pytest.raises(mg.GraphError, match=r"does not require grad; pass mg.tensor\(x, requires_grad=True\)"):
        terms(loss)
    with pytest.raises(ValueError, match="its selector is ''"):
        reg.on(model, "0", reg.InputGradient(0.3))


# --- fit and evaluation ----------------------------------------------------------------------------------------------


def test_fit_reports_every_term_by_name_and_their_shares(backend, data):
    model = make()
    terms = reg.on(
        model,
        {
            "act": ("0", reg.Activity(l1=0.01)),
            "slope": ("", reg.InputGradient(0.1)),
            "group": ("0.weight", reg.GroupLasso(0.01)),
            "ortho": ("1.weight", reg.Orthogonal(0.1)),
            "l1": ("1.weight", reg.L1(0.01)),
        },
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = train.fit(model, data, mg.cross_entropy, optimizer, terms, epochs=3, batch_size=5, validation_data=data)
    names = ["act", "slope", "group", "ortho", "l1"]
    assert history.penalties == names
    row = history.last
    for prefix in ("", "val_"):
        assert row[f"{prefix}total"] == pytest.approx(row[f"{prefix}loss"] + sum(row[prefix + n] for n in names))
    assert terms.shares == pytest.approx({n: row[n] / row["total"] for n in names})
    text = repr(terms).splitlines()
    assert text[0].split() == ["term", "l1", "l2", "moment", "share", "on"]
    assert text[1].split() == f"act 0.01 0 loss {terms.shares['act']:.1%} output of 0 (Linear)".split()
    assert text[2].split()[1:3] == ["-", "-"]
    # validation values are means over all rows, whatever the size of a batch
    tx = mg.tensor(data[0], requires_grad=True)
    loss = mg.cross_entropy(model(tx), data[1])
    terms(loss)
    for name, value in terms.value().items():
        assert row[f"val_{name}"] == pytest.approx(value, rel=1e-9), name
    for size in (5, 12):
        again = train.evaluate(model, data, mg.cross_entropy, penalty=terms, batch_size=size)
        assert again == pytest.approx({n: row[f"val_{n}"] for n in again}, rel=1e-9)


def test_the_share_of_a_given_loss(data):
    model = make()
    terms = reg.on(model, {"l2": ("*.weight", reg.L2(2.0))})
    value = terms.value()["l2"]
    assert f"{value / (value + 0.5):.1%}" in terms.table(loss=0.5)
    assert "share" not in repr(terms)


def test_terms_on_outputs_cannot_be_bound(data):
    model = make()
    with pytest.raises(TypeError, match=r"is on what the model computes\. Use it in the loss"):
        optim.SGD(model.parameters(), lr=0.1, penalty=reg.on(model, "0", reg.Activity(0.1)))


def test_outputs_need_samples_and_real_numbers(backend):
    with pytest.raises(mg.ShapeError, match=r"an output is \(3,\); need \(samples, features, ...\)"):
        reg.Activity(1.0)(mg.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(TypeError, match="int64"):
        reg.Activity(1.0)(mg.tensor(np.ones((2, 2), np.int64)))
