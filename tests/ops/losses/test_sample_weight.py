"""Weights of rows in every loss: a row of weight 2 is the row twice, weight 1 changes no bit, and no row is Σ w = 0."""

import functools

import numpy as np
import pytest
from minigrad.testing import gradcheck

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
RNG = np.random.default_rng(5)
N = 7
X, SCORES, PLACES = RNG.standard_normal((N, 3)), RNG.standard_normal((N, 4)), RNG.standard_normal((N, 4, 2))
LABELS, LABELS_AT = RNG.integers(4, size=N), RNG.integers(4, size=(N, 2))
SOME = np.where(np.arange(N) % 3, LABELS, -100)
SOME_AT = np.where(RNG.random((N, 2)) < 0.3, -100, LABELS_AT)
P = RNG.random((N, 3))
SIGNS = np.where(RNG.random((N, 3)) < 0.5, -1.0, 1.0)
ROWS = RNG.random((N, 4))
WEIGHT = np.array([2, 0, 1, 3, 1, 2, 1])
CLASS = np.array([1.0, 0.5, 2.0, 3.0])
log_p = np.log(ROWS / ROWS.sum(1, keepdims=True))
part = functools.partial

LOSSES = {
    "mse": (mg.mse, X, P),
    "mse of one column": (mg.mse, X[:, 0], P[:, 0]),
    "mse_loss": (mg.mse_loss, X, P),
    "mse_loss, weight": (mg.mse_loss, X, P, {"weight": P + 1}),
    "l1_loss": (mg.l1_loss, X, P),
    "l1_loss, weight": (mg.l1_loss, X, P, {"weight": P + 1}),
    "huber_loss": (mg.huber_loss, X, P),
    "huber_loss, weight": (mg.huber_loss, X, P, {"weight": P + 1}),
    "smooth_l1_loss": (mg.smooth_l1_loss, X, P),
    "cross_entropy": (mg.cross_entropy, SCORES, LABELS),
    "cross_entropy, classes": (part(mg.cross_entropy, weight=CLASS, label_smoothing=0.1), SCORES, LABELS),
    "cross_entropy, ignored": (mg.cross_entropy, SCORES, SOME),
    "cross_entropy, rows": (mg.cross_entropy, SCORES, ROWS),
    "cross_entropy, weighted rows": (part(mg.cross_entropy, weight=CLASS), SCORES, ROWS),
    "cross_entropy, places": (part(mg.cross_entropy, weight=CLASS), PLACES, SOME_AT),
    "nll_loss": (mg.nll_loss, log_p, LABELS),
    "nll_loss, classes": (part(mg.nll_loss, weight=CLASS), log_p, SOME),
    "nll_loss, places": (mg.nll_loss, PLACES, SOME_AT),
    "softmax_focal_loss": (part(mg.softmax_focal_loss, weight=CLASS), SCORES, SOME),
    "softmax_focal_loss, places": (mg.softmax_focal_loss, PLACES, LABELS_AT),
    "multi_margin_loss": (part(mg.multi_margin_loss, weight=CLASS), SCORES, LABELS),
    "binary_cross_entropy": (mg.binary_cross_entropy, P, P[::-1]),
    "binary_cross_entropy, weight": (part(mg.binary_cross_entropy, weight=[1.0, 2.0, 3.0]), P, P[::-1]),
    "bce_with_logits": (mg.bce_with_logits, X, P),
    "with_logits": (mg.binary_cross_entropy_with_logits, X, P),
    "with_logits, pos_weight": (part(mg.binary_cross_entropy_with_logits, pos_weight=[1.0, 2.0, 3.0]), X, P),
    "sigmoid_focal_loss": (part(mg.sigmoid_focal_loss, reduction="mean"), X, (SIGNS + 1) / 2),
    "soft_margin_loss": (mg.soft_margin_loss, X, SIGNS),
    "hinge_loss": (mg.hinge_loss, X, SIGNS),
    "hinge_embedding_loss": (mg.hinge_embedding_loss, X, SIGNS),
    "kl_div": (mg.kl_div, X, P),
    "kl_div, batchmean": (part(mg.kl_div, reduction="batchmean"), X, P),
}


def case(name):
    loss, x, t, *by_row = LOSSES[name]
    by_row = by_row[0] if by_row else {}

    def of(rows, **options):
        """The loss of some rows and its gradient in their inputs."""
        leaf = mg.tensor(x[rows], requires_grad=True)
        weights = {name: weight[rows] for name, weight in by_row.items()}
        value = loss(leaf, np.ascontiguousarray(t[rows]), **weights, **options)
        return value, leaf

    return of


@pytest.mark.parametrize("name", LOSSES)
def test_a_row_of_weight_two_is_the_row_twice(name):
    of = case(name)
    weighted, leaf = of(np.arange(N), sample_weight=WEIGHT)
    again = np.repeat(np.arange(N), WEIGHT)
    twice, other = of(again)
    assert weighted.item() == pytest.approx(twice.item(), rel=1e-13)
    weighted.backward()
    twice.backward()
    summed = np.zeros_like(leaf.data)
    np.add.at(summed, again, other.grad.data)
    np.testing.assert_allclose(leaf.grad.data, summed, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_one_change_no_bit(name, dtype):
    loss, x, t, *by_row = LOSSES[name]
    found = []
    for weights in ({}, {"sample_weight": np.ones(N, dtype)}, {"sample_weight": [1] * N}):
        leaf = mg.tensor(x.astype(dtype), requires_grad=True)
        value = loss(leaf, t, **weights, **(by_row[0] if by_row else {}))
        value.backward()
        found.append((value.data.tobytes(), leaf.grad.data.tobytes()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", LOSSES)
def test_a_tensor_of_ones_is_not_looked_at(name):
    """A recorded step would take the same way with other weights; so the numbers are those without, to rounding."""
    loss, x, t, *by_row = LOSSES[name]
    options = by_row[0] if by_row else {}
    plain, own = (mg.tensor(x, requires_grad=True) for _ in range(2))
    value, weighted = loss(plain, t, **options), loss(own, t, sample_weight=mg.tensor(np.ones(N, int)), **options)
    assert value.item() == pytest.approx(weighted.item(), rel=1e-14)
    np.testing.assert_allclose(mg.grad(value, plain).data, mg.grad(weighted, own).data, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", LOSSES)
def test_sum_and_none(name):
    loss, x, t, *by_row = LOSSES[name]
    options = by_row[0] if by_row else {}
    plain = loss(x, t, **options | {"reduction": "none"}).data
    own = loss(x, t, **options | {"reduction": "none", "sample_weight": WEIGHT}).data
    np.testing.assert_allclose(own, plain * WEIGHT.reshape(-1, *[1] * (plain.ndim - 1)), rtol=1e-13)
    total = loss(x, t, **options | {"reduction": "sum", "sample_weight": WEIGHT}).item()
    assert total == pytest.approx(own.sum(), rel=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_weights_of_another_shape(name):
    loss, x, t, *by_row = LOSSES[name]
    for weight in (WEIGHT[:-1], WEIGHT[:, None], 2.0):
        with pytest.raises(mg.ShapeError, match=rf"sample_weight is .*; need one number for each row, \({N},\)"):
            loss(x, t, sample_weight=weight, **(by_row[0] if by_row else {}))


@pytest.mark.parametrize("name", ["mse", "cross_entropy, classes", "nll_loss", "bce_with_logits", "l1_loss, weight"])
def test_gradients(name):
    loss, x, t, *by_row = LOSSES[name]
    options = by_row[0] if by_row else {}
    gradcheck(lambda x: loss(x, t, sample_weight=WEIGHT, **options), [x])


def test_all_weights_are_zero():
    assert np.isnan(mg.mse(X, P, sample_weight=np.zeros(N)).item())


def test_modules_take_them_too():
    for module, function, x, t in [
        (mg.nn.CrossEntropyLoss(weight=CLASS), part(mg.cross_entropy, weight=CLASS), SCORES, LABELS),
        (mg.nn.MSELoss(), mg.mse_loss, X, P),
        (mg.nn.KLDivLoss("batchmean"), part(mg.kl_div, reduction="batchmean"), X, P),
    ]:
        assert module(x, t, sample_weight=WEIGHT).item() == function(x, t, sample_weight=WEIGHT).item()
        assert module(x, t).item() == function(x, t).item()


def test_one_row_without_a_dimension_of_rows():
    with pytest.raises(mg.ShapeError, match="sample_weight is"):
        mg.cross_entropy(SCORES[0], LABELS[0], sample_weight=[1.0])
