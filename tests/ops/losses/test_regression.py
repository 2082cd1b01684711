"""Losses of numbers against numbers: kinks, weights, nothing, NaN, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
LOSSES = [mg.l1_loss, mg.mse_loss, mg.huber_loss, mg.smooth_l1_loss]


def gradient(loss, x, t, **options):
    x = mg.tensor(x, dtype="float64", requires_grad=True)
    loss(x, t, reduction="sum", **options).backward()
    return x.grad.tolist()


def test_values_and_kinks():
    x, t = [0.0, 1.0, -1.0, 3.0, -4.0], np.zeros(5)
    for loss, options, values, slopes in [
        (mg.l1_loss, {}, [0, 1, 1, 3, 4], [0, 1, -1, 1, -1]),
        (mg.mse_loss, {}, [0, 1, 1, 9, 16], [0, 2, -2, 6, -8]),
        (mg.huber_loss, {}, [0, 0.5, 0.5, 2.5, 3.5], [0, 1, -1, 1, -1]),
        (mg.huber_loss, {"delta": 3.0}, [0, 0.5, 0.5, 4.5, 7.5], [0, 1, -1, 3, -3]),
        (mg.smooth_l1_loss, {"beta": 2.0}, [0, 0.25, 0.25, 2, 3], [0, 0.5, -0.5, 1, -1]),
        (mg.smooth_l1_loss, {"beta": 0}, [0, 1, 1, 3, 4], [0, 1, -1, 1, -1]),
    ]:
        assert loss(mg.tensor(x), t, reduction="none", **options).tolist() == values
        assert gradient(loss, x, t, **options) == slopes


@pytest.mark.parametrize("loss", LOSSES)
def test_nan_and_infinities(loss):
    assert np.isnan(gradient(loss, [1.0, np.nan], [0.0, 0.0])).tolist() == [False, True]
    x = mg.tensor([np.nan, np.inf, -np.inf, 1.0])
    values = loss(x, [0.0, 0.0, 0.0, np.nan], reduction="none").data
    np.testing.assert_array_equal(values, [np.nan, np.inf, np.inf, np.nan])


def test_large_errors_do_not_overflow_where_the_loss_is_linear():
    x = [1e30, -1e30]
    assert gradient(mg.huber_loss, x, [0, 0], delta=2.0) == [2, -2]
    assert mg.huber_loss(mg.tensor(x), [0, 0], delta=2.0).item() == pytest.approx(2e30)
    assert mg.smooth_l1_loss(mg.tensor(x), [0, 0], beta=2.0).item() == pytest.approx(1e30)


def test_a_weight_of_three_is_the_element_three_times():
    x, t, w = mg.tensor([1.0, 2.0, 4.0]), [0.0, 5.0, 1.0], [3.0, 0.0, 1.0]
    thrice = mg.tensor([1.0, 1.0, 1.0, 4.0]), [0.0, 0.0, 0.0, 1.0]
    for loss in (mg.l1_loss, mg.mse_loss):
        assert loss(x, t, weight=w).item() == pytest.approx(loss(*thrice).item())
        assert loss(x, t, weight=w, reduction="sum").item() == pytest.approx(loss(*thrice, reduction="sum").item())
    losses = mg.huber_loss(x, t, weight=w, reduction="none")
    assert mg.huber_loss(x, t, weight=w).item() == pytest.approx(losses.data.mean())  # as PyTorch has it
    with pytest.raises(mg.ShapeError, match=r"l1_loss: the input is \(3,\), the weight \(1,\)"):
        mg.l1_loss(x, t, weight=[1.0])


def test_the_target_has_a_gradient_too():
    for loss in LOSSES:
        assert mg.testing.gradcheck(loss, [np.array([0.5, 3.0]), np.array([0.1, -1.0])])


@pytest.mark.parametrize("loss", LOSSES)
def test_bad_input(loss):
    name = loss.__name__
    x = mg.tensor([[1.0], [2.0]])
    for wrong, error, match in [
        (lambda: loss(x, [1.0, 2.0]), mg.ShapeError, "no broadcast"),
        (lambda: loss(x.long(), x), mg.DTypeError, "int64"),
        (lambda: loss(x, x, reduction="avg"), ValueError, f"{name}.*'avg'|mse: .*'avg'"),
        (lambda: loss(mg.tensor(np.empty((0, 2))), np.empty((0, 2))), mg.ShapeError, "no mean of no losses"),
    ]:
        with pytest.raises(error, match=match):
            wrong()
    assert loss(mg.tensor(np.empty((0, 2))), np.empty((0, 2)), reduction="sum").item() == 0


def test_bad_options():
    for call, match in [
        (lambda: mg.huber_loss(mg.tensor([1.0]), [1], delta=0), "delta is 0; need more than 0"),
        (lambda: mg.huber_loss(mg.tensor([1.0]), [1], delta=float("nan")), "delta is nan"),
        (lambda: mg.smooth_l1_loss(mg.tensor([1.0]), [1], beta=-1), "beta is -1"),
    ]:
        with pytest.raises(ValueError, match=match):
            call()
