"""Means over batches: for every loss, those of an epoch without updates are the loss of all rows at once."""

import functools
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import evaluate, fit
from minigrad.train.means import Means, Part, parts_of

ROWS, CLASSES = 45, 3
RNG = np.random.default_rng(5)
X = RNG.standard_normal((ROWS, 4))
LABELS = RNG.integers(0, CLASSES, ROWS)
SOME = np.where(np.arange(ROWS) % 4 == 1, -100, LABELS)  # a quarter of the rows is ignored
TABLE = RNG.random((ROWS, CLASSES))
SIGNS = np.where(TABLE > 0.5, 1.0, -1.0)
WEIGHT = np.array([1.0, 20.0, 0.25])


def by_hand(output, target):
    """Class weights as many write them: numbers of NumPy beside the losses of the rows."""
    own = WEIGHT[target]
    return (mg.cross_entropy(output, target, reduction="none") * mg.tensor(own)).sum() / own.sum()


def weighted_and_more(output, target):
    return 2 * mg.cross_entropy(output, target, weight=WEIGHT) - 0.5 * mg.square(output).mean()


def sums_over_rows(output, target):
    return mg.square(output - mg.tensor(target)).sum() / len(output.data)


LOSSES = {
    "cross-entropy": (mg.cross_entropy, LABELS),
    "class weights": (functools.partial(mg.cross_entropy, weight=WEIGHT), LABELS),
    "class weights in a module": (nn.CrossEntropyLoss(weight=WEIGHT), LABELS),
    "class weights in a lambda": (lambda o, t: mg.cross_entropy(o, t, weight=WEIGHT), LABELS),
    "class weights, halved": (lambda o, t: 0.5 * mg.cross_entropy(o, t, weight=WEIGHT), LABELS),
    "class weights by hand": (by_hand, LABELS),
    "class weights and more": (weighted_and_more, LABELS),
    "ignored rows": (mg.cross_entropy, SOME),
    "ignored rows and class weights": (functools.partial(mg.cross_entropy, weight=WEIGHT), SOME),
    "smoothed": (functools.partial(mg.cross_entropy, weight=WEIGHT, label_smoothing=0.2), LABELS),
    "probabilities": (mg.cross_entropy, TABLE / TABLE.sum(1, keepdims=True)),
    "nll": (lambda o, t: mg.nll_loss(mg.log_softmax(o), t, weight=WEIGHT), LABELS),
    "focal": (functools.partial(mg.softmax_focal_loss, weight=WEIGHT), SOME),
    "margins": (mg.multi_margin_loss, LABELS),
    "sum over rows": (functools.partial(mg.cross_entropy, reduction="sum"), LABELS),
    "weighted sum": (functools.partial(mg.cross_entropy, reduction="sum", weight=WEIGHT), LABELS),
    "half a sum of squares": (lambda o, t: 0.5 * mg.square(o - mg.tensor(t)).sum(), TABLE),
    "sum of squares by op": (functools.partial(mg.mse, reduction="sum"), TABLE),
    "sum divided by rows": (sums_over_rows, TABLE),
    "mse": (mg.mse, TABLE),
    "mse by hand": (lambda o, t: mg.square(o - mg.tensor(t)).mean(), TABLE),
    "mse, rows first": (lambda o, t: mg.square(o - mg.tensor(t)).sum(dim=1).mean(), TABLE),
    "huber": (mg.huber_loss, TABLE),
    "binary": (mg.bce_with_logits, TABLE),
    "binary, weights": (functools.partial(mg.binary_cross_entropy_with_logits, pos_weight=WEIGHT), TABLE),
    "hinge": (mg.hinge_loss, SIGNS),
    "float64 of float32": (lambda o, t: mg.mse(o, t).double() * 3, TABLE),
}


def model(dtype="float64"):
    mg.manual_seed(0)
    return nn.Linear(4, CLASSES, dtype=dtype)


@pytest.mark.parametrize(
    ("name", "size"),
    [(name, size) for name in LOSSES for size in (45, 32, 7, 1) if size > 1 or LOSSES[name][1] is not SOME],
)  # a batch of one ignored row has no mean
def test_an_epoch_and_an_evaluation_have_the_loss_of_all_rows(backend, name, size):
    loss, target = LOSSES[name]
    net = model()
    right = loss(net(mg.tensor(X)), target).item()
    assert evaluate(net, (X, target), loss, batch_size=size)["loss"] == pytest.approx(right, rel=1e-12)
    history = fit(net, (X, target), loss, optim.SGD(net.parameters(), lr=0.0), epochs=1, batch_size=size)
    assert history.last["loss"] == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("size", [45, 32, 7])
def test_what_is_added_to_a_loss_of_weighted_classes_keeps_its_value(size):
    """A penalty on the weights, and one on what the model computed on its way, beside a weighted mean."""

    class Hidden(nn.Module):
        def __init__(self):
            self.first, self.last = nn.Linear(4, 6, dtype="float64"), nn.Linear(6, CLASSES, dtype="float64")

        def forward(self, x):
            self.h = mg.tanh(self.first(x))
            return self.last(self.h)

    mg.manual_seed(0)
    net = Hidden()

    def loss(output, target):
        data = mg.cross_entropy(output, target, weight=WEIGHT)
        return data + 0.1 * mg.square(net.last.weight).sum() + 0.2 * net.h.abs().mean()

    right = loss(net(mg.tensor(X)), LABELS).item()
    assert evaluate(net, (X, LABELS), loss, batch_size=size)["loss"] == pytest.approx(right, rel=1e-12)
    history = fit(net, (X, LABELS), loss, optim.SGD(net.parameters(), lr=0.0), epochs=1, batch_size=size)
    assert history.last["loss"] == pytest.approx(right, rel=1e-12)


def test_penalties_and_the_total_beside_a_weighted_loss():
    net = model()
    terms = reg.on(net, {"ridge": ("weight", reg.L2(0.1))})
    loss = functools.partial(mg.cross_entropy, weight=WEIGHT)
    data = (X, LABELS)
    history = fit(net, data, loss, optim.SGD(net.parameters(), lr=0.0), terms, epochs=1, batch_size=7)
    found = evaluate(net, data, loss, penalty=terms, batch_size=7)
    assert {name: history.last[name] for name in found} == pytest.approx(found, rel=1e-12)


def test_a_loss_that_no_mean_explains_is_taken_by_rows():
    """The root of a mean in training: by rows, as documented; in an evaluation: that of all rows."""
    net = model()

    def loss(output, target):
        return mg.sqrt(mg.mse(output, target))

    history = fit(net, (X, TABLE), loss, optim.SGD(net.parameters(), lr=0.0), epochs=1, batch_size=32, seed=0)
    rows = mg.data.Loader(X, TABLE, 32, seed=0)
    losses = [loss(net(mg.tensor(x)), y).item() for x, y in rows]
    assert history.last["loss"] == pytest.approx(np.average(losses, weights=[32, 13]), rel=1e-12)
    right = loss(net(mg.tensor(X)), TABLE).item()
    assert evaluate(net, (X, TABLE), loss, batch_size=7)["loss"] == pytest.approx(right, rel=1e-12)


def test_parts_of_a_loss():
    output = mg.tensor(RNG.standard_normal((6, 3)), requires_grad=True) * 1.0
    w = mg.nn.Parameter(np.ones(6))
    t = np.zeros((6, 3))
    ce = functools.partial(mg.cross_entropy, output, [0, 1, 2, 0, 1, 2])
    for loss, weights in [
        (ce(), [6]),
        (ce(weight=[1.0, 2.0, 4.0]), [14.0]),
        (ce(reduction="sum"), [None]),
        (mg.mse(output, t), [18]),
        (ce(reduction="sum") / 6, [6.0]),
        (ce(reduction="sum") * 0.5, [None]),
        (ce(reduction="sum") / 14.5, [14.5]),
        (ce(reduction="sum") / 2, [None]),
        (ce(reduction="sum") * (1 / 18), [18.0]),
        (ce() + mg.mse(output, t), [6, 18]),
        (ce() + 0.1 * mg.square(w).sum() - 3.0, [6, 6, 6]),
        (mg.exp(ce()), [6]),
        (mg.square(w).mean(), [6]),
        (mg.norm(output), [6]),
    ]:
        parts = parts_of(loss, [output], 6)
        assert [part.weight for part in parts] == pytest.approx(weights)
        assert sum(part.value for part in parts) == pytest.approx(loss.item(), rel=1e-12)


def test_losses_that_change_their_form_are_taken_by_rows():
    means = Means()
    for rows, parts in [(2, [Part(1.0, 2)]), (1, [Part(4.0, 1), Part(3.0, None)])]:
        means.add(rows, parts, {"a": float(rows)})
    assert means.row() == {"loss": (2 * 1.0 + 1 * 7.0) / 3, "a": 5 / 3}


def test_the_graph_is_as_free_as_before():
    """Reading the parts keeps nothing: memory of an epoch does not grow with its batches."""
    net, seen = model(), []

    def loss(output, target):
        value = mg.cross_entropy(output, target, weight=WEIGHT)
        seen.append(value)
        return value

    fit(net, (X, LABELS), loss, optim.SGD(net.parameters(), lr=0.1), epochs=1, batch_size=9)
    assert all(value.inputs is None for value in itertools.islice(reversed(seen), 5))
