"""Losses against several classes: weights, ignored rows, smoothing, accuracy of sure answers, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
LOGITS = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]
NAN, INF = np.nan, np.inf
BY_CLASS = [mg.cross_entropy, mg.nll_loss, mg.softmax_focal_loss, mg.multi_margin_loss]
IGNORING = [mg.cross_entropy, mg.nll_loss, mg.softmax_focal_loss]


def logits(dtype="float64"):
    return mg.tensor(LOGITS, dtype=dtype, requires_grad=True)


def test_without_options_it_is_the_one_fused_op():
    x = logits()
    y = mg.cross_entropy(x, [2, 0, 1])
    assert y.op.forward.__name__ == "softmax_cross_entropy"
    assert y.inputs[0] is x
    assert mg.cross_entropy(x, np.eye(3)).op.forward.__name__ == "softmax_cross_entropy"


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", ">i8"])
def test_ignored_rows_are_found_in_labels_of_every_dtype(dtype):
    x, kept = logits(), logits()
    loss = mg.cross_entropy(x, np.array([2, -100, 1], dtype))
    wanted = mg.cross_entropy(kept[[0, 2]], np.array([2, 1], dtype))
    loss.backward()
    wanted.backward()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-14)
    np.testing.assert_allclose(x.grad.data, kept.grad.data, rtol=1e-14)
    assert mg.cross_entropy(x, np.array([2, 0, 1], dtype)).item() == mg.cross_entropy(x, [2, 0, 1]).item()


def test_errors_name_the_function_that_was_called():
    x = logits()
    with pytest.raises(mg.DTypeError, match=r"^cross_entropy: the target holds words, such as 'no'.* np\.unique\("):
        mg.cross_entropy(x, ["no", "yes", "no"])
    with pytest.raises(mg.DTypeError, match=r"^nll_loss: the target holds words"):
        mg.nll_loss(mg.log_softmax(x), np.array([None, "no", "no"], dtype=object))
    with pytest.raises(mg.ShapeError, match=r"^bce_with_logits: "):
        mg.bce_with_logits(x, [1.0, 0.0])
    with pytest.raises(IndexError, match=r"^cross_entropy: label\[1\] is 3; need 0 <= label < 3"):
        mg.cross_entropy(x, [0, 3, 1])
    with pytest.raises(mg.DTypeError, match=r"^cross_entropy: .*integer dtype"):
        mg.cross_entropy(x, [0.0, 1.0, 2.0])
    with pytest.raises(mg.ShapeError, match=r"^cross_entropy: the input is \(3, 3\), the target \(2,\)"):
        mg.cross_entropy(x, [0, 1])


def test_a_class_weight_of_two_is_the_row_twice():
    x, w = logits(), [2.0, 1.0, 0.0]
    for loss in IGNORING:
        twice = mg.tensor([LOGITS[i] for i in (0, 0, 1)], dtype="float64")
        expected = loss(twice, [0, 0, 1]).item()
        assert loss(x, [0, 1, 2], weight=w).item() == pytest.approx(expected, rel=1e-14)
        assert loss(x, [0, 1, 2], weight=w, reduction="none").tolist()[2] == 0


@pytest.mark.parametrize("loss", IGNORING)
@pytest.mark.parametrize("ignore_index", [-100, 1, 7])
def test_ignored_rows_count_for_nothing_whatever_they_hold(loss, ignore_index):
    bad = mg.tensor([*LOGITS, [NAN, 1, INF], [-INF, -INF, -INF]], dtype="float64", requires_grad=True)
    labels = np.array([2, 0, 0, ignore_index, ignore_index])
    y = loss(bad, labels, ignore_index=ignore_index)
    y.backward()
    x = logits()
    expected = loss(x, labels[:3])
    expected.backward()
    assert y.item() == pytest.approx(expected.item(), rel=1e-14)
    np.testing.assert_allclose(bad.grad.data[:3], x.grad.data, rtol=1e-13)
    assert (bad.grad.data[3:] == 0).all()
    assert loss(bad, labels, ignore_index=ignore_index, reduction="none").tolist()[3:] == [0, 0]
    if loss is mg.cross_entropy:
        options = {"weight": [1.0, 2.0, 3.0], "label_smoothing": 0.2}
        smooth = loss(bad, labels, ignore_index=ignore_index, **options)
        assert smooth.item() == pytest.approx(loss(x, labels[:3], **options).item(), rel=1e-14)
    everything = np.full(5, ignore_index)
    assert np.isnan(loss(bad, everything, ignore_index=ignore_index).item())
    assert loss(bad, everything, ignore_index=ignore_index, reduction="sum").item() == 0


def test_smoothing_mixes_in_the_uniform_distribution():
    x, e = logits(), 0.3
    uniform = np.full((3, 3), 1 / 3)
    smooth = mg.cross_entropy(x, [2, 0, 1], label_smoothing=e)
    mixed = mg.cross_entropy(x, (1 - e) * np.eye(3)[[2, 0, 1]] + e * uniform)
    assert smooth.item() == pytest.approx(mixed.item(), rel=1e-14)
    np.testing.assert_allclose(mg.grad(smooth, x).data, mg.grad(mixed, x).data, rtol=1e-13, atol=1e-16)
    one_hot = mg.cross_entropy(x, np.eye(3)[[2, 0, 1]], label_smoothing=e)
    assert smooth.item() == pytest.approx(one_hot.item(), rel=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [40.0, 1e4, 1e30])
def test_sure_answers_keep_their_digits_with_options(dtype, size):
    x = mg.tensor([[size, 0.0]], dtype=dtype, requires_grad=True)
    options = {"weight": [1.0, 3.0], "reduction": "none"}
    right, wrong = (mg.cross_entropy(x, [label], **options).item() for label in (0, 1))
    assert wrong == pytest.approx(3 * size, rel=1e-6)
    if dtype == "float64":
        assert right == pytest.approx(np.log1p(np.exp(-size)), rel=1e-6, abs=1e-16)
    g = mg.grad(mg.cross_entropy(x, [1], label_smoothing=0.5), x)
    np.testing.assert_allclose(g.data, [[0.75, -0.75]], rtol=1e-6)
    focal = mg.softmax_focal_loss(x, [1], gamma=0.5)
    assert focal.item() == pytest.approx(size, rel=1e-6)
    assert np.isfinite(mg.grad(focal, x).data).all()


def test_focal_loss_of_a_sure_row_keeps_its_digits():
    x = mg.tensor([[0.0, 30.0]], dtype="float64", requires_grad=True)
    q = np.exp(-30) / (1 + np.exp(-30))
    y = mg.softmax_focal_loss(x, [1], gamma=2.0)
    assert y.item() == pytest.approx(q**2 * q, rel=1e-10)
    y.backward()
    np.testing.assert_allclose(x.grad.data, [[3 * q**3, -3 * q**3]], rtol=1e-10)
    sure = mg.tensor([[0.0, 1e30]], requires_grad=True)
    mg.softmax_focal_loss(sure, [1], gamma=0.5).backward()
    assert sure.grad.tolist() == [[0, 0]]


def test_a_masked_class_has_probability_and_gradient_zero():
    x = mg.tensor([[0.0, -INF, 0.0]], dtype="float64", requires_grad=True)
    for loss in (
        lambda: mg.cross_entropy(x, [0], weight=[2.0, 1.0, 1.0]),
        lambda: mg.nll_loss(mg.log_softmax(x), [0]),
        lambda: mg.softmax_focal_loss(x, [0]),
    ):
        y = loss()
        g = mg.grad(y, x)
        assert np.isfinite(y.item())
        assert g.data[0, 1] == 0
        assert g.data[0, 0] == pytest.approx(-g.data[0, 2])


def test_multi_margin_kinks_and_weights():
    x = mg.tensor([[1.0, 2.0, 0.0], [3.0, 0.0, 2.0]], dtype="float64", requires_grad=True)
    y = mg.multi_margin_loss(x, [0, 0], reduction="none")
    assert y.tolist() == [2 / 3, 0]  # the kink at 3 - 2 = margin gives 0, and so does its gradient
    y.sum().backward()
    np.testing.assert_allclose(x.grad.data * 3, [[-1, 1, 0], [0, 0, 0]])
    squared = mg.multi_margin_loss(x, [0, 0], 2, weight=[0.5, 1.0, 1.0], reduction="none")
    np.testing.assert_allclose(squared.data, [0.5 * 4 / 3, 0])


@pytest.mark.parametrize("loss", BY_CLASS)
def test_labels_and_shapes_are_checked(loss):
    x = logits()
    for call, error, match in [
        (lambda: loss(x, [0, 3, 1], weight=[1, 1, 1]), IndexError, r"label\[1\] is 3; need 0 <= label < 3"),
        (lambda: loss(x, [0, 1, -1]), IndexError, r"label\[2\] is -1"),
        (lambda: loss(x, [0.0, 1.0, 2.0], weight=[1, 1, 1]), mg.DTypeError, r"integer dtype, got float64; .*long\(\)"),
        (lambda: loss(x, [0, 1, 2], weight=[1, 1]), mg.ShapeError, r"weight is \(2,\), the input has 3 classes"),
        (lambda: loss(x.long(), [0, 1, 2], weight=[1, 1, 1]), mg.DTypeError, f"{loss.__name__}: a tensor is int64"),
        (lambda: loss(x, [0, 1]), mg.ShapeError, r"need \(3,\)"),
        (lambda: loss(mg.tensor(1.0), 0), mg.ShapeError, "rows, classes"),
        (lambda: loss(x, [0, 1, 2], reduction="avg"), ValueError, "'avg'"),
        (lambda: loss(mg.tensor(np.empty((0, 3))), np.empty(0, int)), mg.ShapeError, "no mean of no losses"),
        (
            lambda: loss(x, [0, 1, 2], weight=mg.tensor([1.0, 1.0, 1.0], requires_grad=True)),
            mg.GraphError,
            "weight has no gradient",
        ),
    ]:
        with pytest.raises(error, match=match):
            call()
    assert loss(mg.tensor(np.empty((0, 3))), np.empty(0, int), reduction="none").shape == (0,)


def test_rows_of_any_shape():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    labels = np.random.default_rng(1).integers(0, 3, (2, 4, 5))
    flat = np.moveaxis(x, 1, -1).reshape(-1, 3)
    for loss in IGNORING:
        got = loss(mg.tensor(x), labels, reduction="none")
        assert got.shape == (2, 4, 5)
        np.testing.assert_allclose(got.data.ravel(), loss(mg.tensor(flat), labels.ravel(), reduction="none").data)
    one = mg.cross_entropy(mg.tensor([0.0, 0.0]), 1, reduction="none")
    assert one.shape == ()
    assert one.item() == pytest.approx(np.log(2))
    assert mg.cross_entropy(mg.tensor(x), np.full((2, 3, 4, 5), 1 / 3)).shape == ()


def test_probabilities_of_a_softmax_are_refused_with_every_option():
    p = mg.softmax(logits())
    for options in ({"weight": [1, 1, 1]}, {"label_smoothing": 0.1}, {"ignore_index": 1}):
        with pytest.raises(ValueError, match="second softmax"):
            mg.cross_entropy(p, [0, 1, 2], **options)
        mg.cross_entropy(p, [0, 1, 2], **options, allow_probabilities=True)
    with pytest.raises(ValueError, match="second softmax"):
        mg.softmax_focal_loss(p, [0, 1, 2])


def test_bad_options():
    for call, match in [
        (lambda x: mg.cross_entropy(x, [0, 1, 2], label_smoothing=1.5), "label_smoothing is 1.5"),
        (lambda x: mg.cross_entropy(x, np.eye(3), ignore_index=1), "ignore_index names a class"),
        (lambda x: mg.multi_margin_loss(x, [0, 1, 2], p=3), "p is 3; need 1 or 2"),
        (lambda x: mg.softmax_focal_loss(x, [0, 1, 2], gamma=-1), "gamma is -1"),
    ]:
        with pytest.raises(ValueError, match=match):
            call(logits())


@pytest.mark.parametrize("make", [mg.softmax, mg.sigmoid, lambda x: mg.softmax(x).reshape(2, 2)])
def test_probabilities_are_no_log_probabilities(make):
    """-p would be a loss that is below 0 and never punishes a wrong answer."""
    with pytest.raises(ValueError, match=r"nll_loss: the input is the output of a (softmax|sigmoid).*log_softmax"):
        mg.nll_loss(make(mg.tensor([[0.0, 1.0], [2.0, 0.0]], requires_grad=True)), [1, 0])
    assert mg.nll_loss(mg.log(mg.softmax(mg.tensor([[0.0, 1.0]]))), [1]).item() > 0
