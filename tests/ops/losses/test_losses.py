"""Losses: accuracy where the naive form cancels, and what they refuse."""

import numpy as np
import pytest
from minigrad.testing import gradcheck

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
LOGITS = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bce_is_accurate_where_the_naive_form_cancels(dtype):
    x = mg.tensor([40.0, -40.0, 40.0, 0.0], dtype=dtype, requires_grad=True)
    loss = mg.bce_with_logits(x, [1.0, 0.0, 0.0, 0.5], reduction="none")
    np.testing.assert_allclose(loss.data, [4.248354255291589e-18, 4.248354255291589e-18, 40, np.log(2)], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.data, [0, 0, 1, 0], atol=1e-7)


@pytest.mark.parametrize("scale", [1e4, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits_stay_finite(scale, dtype):
    x = mg.tensor([[scale, 0.0, -scale]], dtype=dtype, requires_grad=True)
    np.testing.assert_array_equal(mg.softmax(x).data, [[1, 0, 0]])
    assert np.isfinite(mg.log_softmax(x).data).all()
    loss = mg.cross_entropy(x, [1])
    loss.backward()
    assert loss.item() == pytest.approx(scale, rel=1e-6)
    np.testing.assert_array_equal(x.grad.data, [[1, -1, 0]])


def test_a_masked_class_has_probability_and_gradient_zero():
    x = mg.tensor([[0.0, -np.inf, 0.0]], requires_grad=True)
    loss = mg.cross_entropy(x, [0])
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(x.grad.data, [[-0.5, 0, 0.5]])
    x.grad = None
    mg.cross_entropy(x, mg.tensor([[0.5, 0.0, 0.5]])).backward()
    np.testing.assert_allclose(x.grad.data, [[0, 0, 0]], atol=1e-7)
    assert np.isnan(mg.softmax(mg.tensor([[-np.inf, -np.inf]])).data).all()


def test_one_hot_and_classes_agree():
    x = mg.tensor(LOGITS, dtype="float64", requires_grad=True)
    by_class = mg.cross_entropy(x, [2, 0])
    one_hot = mg.cross_entropy(x, np.eye(3)[[2, 0]])
    assert by_class.item() == pytest.approx(one_hot.item(), rel=1e-14)
    np.testing.assert_allclose(mg.grad(by_class, x).data, mg.grad(one_hot, x).data, rtol=1e-12, atol=1e-15)


def test_the_double_softmax_is_refused_by_provenance():
    logits = mg.tensor(LOGITS, requires_grad=True)
    probabilities = mg.softmax(logits)
    with pytest.raises(ValueError, match=r"second softmax.*allow_probabilities"):
        mg.cross_entropy(probabilities, [0, 1])
    with mg.no_grad(), pytest.raises(ValueError, match="softmax"):
        mg.cross_entropy(mg.softmax(logits), [0, 1])
    with pytest.raises(ValueError, match="sigmoid"):
        mg.bce_with_logits(mg.sigmoid(logits), np.zeros((2, 3)))
    perfect = mg.softmax(mg.tensor(1e4 * np.eye(10)))
    floor = mg.cross_entropy(perfect, np.arange(10), allow_probabilities=True).item()
    assert floor == pytest.approx(1.4612, abs=5e-5)  # a perfect 10-class model cannot get below
    mg.cross_entropy(mg.tensor(probabilities.data), [0, 1])  # values are never looked at


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: mg.cross_entropy(x, [0, 3]), IndexError, r"label\[1\] is 3; need 0 <= label < 3"),
        (lambda x: mg.cross_entropy(x, [0, -1]), IndexError, r"label\[1\] is -1"),
        (lambda x: mg.cross_entropy(x, [0.0, 1.0]), mg.DTypeError, "integer dtype"),
        (lambda x: mg.cross_entropy(x, mg.tensor([0.0, 1.0])), mg.DTypeError, r"long\(\)"),
        (lambda x: mg.cross_entropy(x, [0]), mg.ShapeError, r"need \(2,\) or \(2, 3\)"),
        (lambda x: mg.cross_entropy(mg.tensor([1.0]), [0]), mg.ShapeError, "rows, classes"),
        (lambda x: mg.cross_entropy(x, [0, 1], reduction="avg"), ValueError, "'avg'"),
        (lambda x: mg.mse(x, [[1.0], [2.0]]), mg.ShapeError, "no broadcast"),
        (lambda x: mg.bce_with_logits(x, [0.0, 1.0]), mg.ShapeError, "no broadcast"),
        (lambda x: mg.mse(mg.tensor([1], dtype="int64"), [1]), mg.DTypeError, "int64"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call(mg.tensor(LOGITS))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_target_has_its_gradient_to_second_order(reduction):
    """∂/∂t of -Σ t log softmax(x) is -log softmax(x), that of a binary loss of logits -x, of (x - t)² 2 (t - x)."""
    x, t = np.asarray(LOGITS, np.float64), np.asarray(LOGITS, np.float64) ** 2 / 9
    divisor = {"mean": (len(x), x.size), "sum": (1, 1), "none": (1, 1)}[reduction]
    slopes = {
        mg.cross_entropy: -(x - np.log(np.exp(x).sum(1, keepdims=True))) / divisor[0],
        mg.bce_with_logits: -x / divisor[1],
        mg.binary_cross_entropy_with_logits: -x / divisor[1],
        mg.mse: 2 * (t - x) / divisor[1],
    }
    for loss, slope in slopes.items():
        target = mg.tensor(t, requires_grad=True)
        loss(mg.tensor(x), target, reduction=reduction).sum().backward()
        np.testing.assert_allclose(target.grad.data, slope, rtol=1e-12, atol=1e-15, err_msg=loss.__name__)
        gradcheck(lambda x, t, f=loss: f(x, t, reduction=reduction), [x, t], order=2)


def test_the_target_of_probabilities_has_its_gradient():
    x, t = np.array([0.2, 0.5, 0.9]), np.array([0.3, 0.1, 0.8])
    target = mg.tensor(t, requires_grad=True)
    mg.binary_cross_entropy(mg.tensor(x), target, reduction="sum").backward()
    np.testing.assert_allclose(target.grad.data, np.log(1 - x) - np.log(x), rtol=1e-12)
    gradcheck(lambda x, t: mg.binary_cross_entropy(x, t), [x, t], order=2)
    target = mg.tensor([0.0, 1.0], requires_grad=True)  # logarithms are held above -100 here too
    mg.binary_cross_entropy(mg.tensor([1.0, 0.0]), target, reduction="sum").backward()
    np.testing.assert_allclose(target.grad.data, [-100, 100], rtol=1e-3)


def test_a_target_of_another_dtype_has_a_gradient_of_its_own():
    for loss in (mg.cross_entropy, mg.bce_with_logits, mg.mse):
        target = mg.tensor(np.asarray(LOGITS, np.float64), requires_grad=True)
        loss(mg.tensor(LOGITS, dtype="float32"), target).backward()
        assert target.grad.dtype == np.float64
