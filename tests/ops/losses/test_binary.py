"""Losses against two classes or signs: accuracy where naive forms cancel, kinks, and what they refuse."""

import math

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
REALS = pytest.mark.parametrize("dtype", ["float32", "float64"])
SURE = 4.248354255291589e-18  # log(1 + exp(-40)), which is also the gradient


@REALS
def test_logits_of_40_keep_their_digits_with_options(dtype):
    x = mg.tensor([40.0, -40.0], dtype=dtype, requires_grad=True)
    for loss in (
        lambda: mg.binary_cross_entropy_with_logits(x, [1, 0], weight=[1.0, 1.0], reduction="none"),
        lambda: mg.binary_cross_entropy_with_logits(x, [1, 0], pos_weight=1.0, reduction="none"),
        lambda: mg.soft_margin_loss(x, [1, -1], reduction="none"),
        lambda: mg.sigmoid_focal_loss(x, [1, 0], alpha=-1, gamma=0),
    ):
        y = loss()
        np.testing.assert_allclose(y.data, [SURE, SURE], rtol=1e-6)
        np.testing.assert_allclose(mg.grad(y.sum(), x).data, [-SURE, SURE], rtol=1e-6)
    focal = mg.sigmoid_focal_loss(x, [1, 0], alpha=0.25, gamma=0.5)
    np.testing.assert_allclose(focal.data, [0.25 * SURE**1.5, 0.75 * SURE**1.5], rtol=1e-5)


@REALS
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_large_logits_stay_finite(dtype, size):
    x = mg.tensor([size, -size], dtype=dtype, requires_grad=True)
    for function, wrong, slope in [
        (lambda: mg.binary_cross_entropy_with_logits(x, [0, 1], pos_weight=1.0), size, 0.5),
        (lambda: mg.soft_margin_loss(x, [-1, 1]), size, 0.5),
        (lambda: mg.sigmoid_focal_loss(x, [0, 1], alpha=-1, reduction="mean"), size, 0.5),
    ]:
        y = function()
        assert y.item() == pytest.approx(wrong, rel=1e-6)
        np.testing.assert_allclose(mg.grad(y, x).data, [slope, -slope], rtol=1e-6)


@REALS
def test_bce_of_probabilities_at_the_edges(dtype):
    tiny = 1e-30
    x = mg.tensor([tiny, 0.0, 1.0, 0.0, 1.0], dtype=dtype, requires_grad=True)
    y = mg.binary_cross_entropy(x, [0, 0, 1, 1, 0], reduction="none")
    np.testing.assert_allclose(y.data, [tiny, 0, 0, 100, 100], rtol=1e-6)
    g = mg.grad(y.sum(), x)
    assert np.isfinite(g.data).all()
    np.testing.assert_allclose(g.data[3:], [-1e12, 1e12], rtol=1e-6)
    assert g.data[1:3].tolist() == [0, 0]
    nearly = np.nextafter(np.dtype(dtype).type(1), 0)
    y = mg.binary_cross_entropy(mg.tensor([nearly], dtype=dtype), [1], reduction="none")
    np.testing.assert_allclose(y.data, [1 - nearly], rtol=1e-6)
    assert np.isnan(mg.binary_cross_entropy(mg.tensor([np.nan]), [1.0]).item())


def test_pos_weight_of_two_is_the_positive_twice():
    x, t = mg.tensor([0.3, -2.0]), [1.0, 0.0]
    y = mg.binary_cross_entropy_with_logits(x, t, pos_weight=[2.0], reduction="sum")
    twice = mg.bce_with_logits(mg.tensor([0.3, 0.3, -2.0]), [1.0, 1.0, 0.0], reduction="sum")
    assert y.item() == pytest.approx(twice.item())
    rows = mg.binary_cross_entropy_with_logits(mg.tensor(np.zeros((2, 3))), np.ones((2, 3)), pos_weight=[1, 2, 3])
    assert rows.item() == pytest.approx(2 * math.log(2))


def test_hinges_at_their_kinks():
    x = mg.tensor([1.0, -1.0, 0.5], dtype="float64", requires_grad=True)
    y = mg.hinge_loss(x, [1, -1, -1], reduction="sum")
    assert (y.item(), mg.grad(y, x).tolist()) == (1.5, [0, 0, 1])
    y = mg.hinge_embedding_loss(x, [-1, 1, -1], reduction="sum")
    assert (y.item(), mg.grad(y, x).tolist()) == (-0.5, [0, 1, -1])


def test_kl_div_where_a_probability_is_zero():
    x = mg.tensor([[-np.inf, -1.0], [0.0, -2.0]], dtype="float64", requires_grad=True)
    t = mg.tensor([[0.0, 0.5], [1.0, 0.0]], dtype="float64", requires_grad=True)
    y = mg.kl_div(x, t, reduction="sum")
    assert y.item() == pytest.approx(0.5 * (math.log(0.5) + 1))
    y.backward()
    assert x.grad.tolist() == [[0, -0.5], [-1, 0]]
    assert np.isfinite(t.grad.data).all()
    logs = mg.tensor([[-np.inf, math.log(0.5)], [0.0, -np.inf]], dtype="float64")
    assert mg.kl_div(x, logs, log_target=True, reduction="sum").item() == pytest.approx(y.item())
    assert mg.kl_div(x, t).item() == pytest.approx(y.item() / 4)
    assert mg.kl_div(x, t, reduction="batchmean").item() == pytest.approx(y.item() / 2)
    same = mg.log_softmax(mg.tensor([[1.0, 2.0]]))
    assert mg.kl_div(same, same, log_target=True).item() == 0


@pytest.mark.parametrize(
    "loss",
    [
        mg.binary_cross_entropy,
        mg.binary_cross_entropy_with_logits,
        mg.sigmoid_focal_loss,
        mg.soft_margin_loss,
        mg.hinge_loss,
        mg.hinge_embedding_loss,
        mg.kl_div,
    ],
)
def test_nan_shapes_and_reductions(loss):
    x = mg.tensor([0.5, np.nan], requires_grad=True)
    y = loss(x, [1.0, 1.0], reduction="sum")
    y.backward()
    assert np.isnan(y.item())
    assert np.isnan(x.grad.data[1]) or loss is mg.kl_div or loss is mg.hinge_embedding_loss  # linear in x
    x = mg.tensor([0.5, 0.5])
    for call, error, match in [
        (lambda: loss(x, [[1.0], [1.0]]), mg.ShapeError, "no broadcast"),
        (lambda: loss(x, [1.0, 1.0], reduction="avg"), ValueError, "'avg'"),
        (lambda: loss(x.long(), [1, 1]), mg.DTypeError, "int64"),
        (
            lambda: loss(x[:0] if hasattr(x, "__getitem__") else mg.tensor(np.empty(0)), np.empty(0), reduction="mean"),
            mg.ShapeError,
            "no mean of no losses",
        ),
    ]:
        with pytest.raises(error, match=match):
            call()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: mg.binary_cross_entropy(mg.tensor([1.5, 0.5]), [1, 0]), "the input holds 1.5.*with_logits"),
        (lambda x: mg.binary_cross_entropy(x, [-1, 0]), "the target holds -1"),
        (lambda x: mg.hinge_loss(x, [1, 0]), "hinge_loss: the target holds 0.0; need -1 and 1"),
        (lambda x: mg.soft_margin_loss(x, [1, 2]), "soft_margin_loss: the target holds 2"),
        (lambda x: mg.hinge_embedding_loss(x, [0, 1]), "hinge_embedding_loss: the target holds 0"),
        (lambda x: mg.sigmoid_focal_loss(x, [0.5, 1]), "sigmoid_focal_loss: the target holds 0.5; need 0 and 1"),
        (lambda x: mg.sigmoid_focal_loss(x, [0, 1], alpha=2), "alpha is 2"),
        (lambda x: mg.binary_cross_entropy(x, [0, 1], weight=[1, 1, 1]), r"a weight is \(3,\), the input \(2,\)"),
        (lambda x: mg.binary_cross_entropy(x, [0, 1], weight=[[1], [1]]), "a weight is"),
        (lambda x: mg.kl_div(mg.tensor(0.5), 0.5, reduction="batchmean"), "batchmean"),
        (lambda x: mg.kl_div(x, [0, 1], reduction="avg"), "kl_div: reduction is 'avg'; need .*'batchmean'"),
        (lambda x: mg.sigmoid_focal_loss(mg.sigmoid(x), [0, 1]), "second sigmoid"),
        (lambda x: mg.binary_cross_entropy_with_logits(mg.sigmoid(x), [0, 1], pos_weight=2), "second sigmoid"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call(mg.tensor([0.25, 0.5]))


@pytest.mark.parametrize("make", [lambda x: mg.softmax(x, 1), mg.sigmoid, lambda x: mg.softmax(x, 1).reshape(4, 3)])
def test_kl_div_refuses_probabilities(backend, make):
    """Taken for log-probabilities they would give a divergence below 0."""
    x = mg.tensor(np.zeros((4, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=r"kl_div: the input is the output of a s.* takes log-probabilities"):
        mg.kl_div(make(x), np.full((4, 3), 1 / 3))
    assert mg.kl_div(mg.log_softmax(x, 1), np.full((4, 3), 1 / 3)).item() == pytest.approx(0.0, abs=1e-15)
