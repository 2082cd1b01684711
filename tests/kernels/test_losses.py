"""bce_with_logits and mse: one answer, relative accuracy of sure answers, gradients that fit."""

import math

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference
from minigrad.kernels.reference.losses import MEAN, NONE, SUM

REALS = [np.float32, np.float64]
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def data(n, dtype, *, specials=True):
    rng = np.random.default_rng(n)
    x, t = (3 * rng.standard_normal(n)).astype(dtype), rng.uniform(size=n).astype(dtype)
    if specials:
        x[: len(SPECIALS)] = np.array(SPECIALS)[:n].astype(dtype)
        t[::3] = np.round(t[::3])
    return x, t


def both(name, x, t, reduction, kernels=K, g=None):
    """(loss, gradient)."""
    loss, out = np.full(x.shape if reduction == NONE else (), 7, x.dtype), np.full_like(x, 7)
    g = np.linspace(0.5, 1.5, loss.size, dtype=x.dtype).reshape(loss.shape) if g is None else g
    getattr(kernels, name)(x, t, loss, reduction=reduction)
    getattr(kernels, f"{name}_grad")(x, t, g, out, reduction=reduction)
    return loss, out


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", ["bce_with_logits", "mse"])
@pytest.mark.parametrize("n", [*EDGES, 1023, 1025, 5000, 70_001])
def test_one_answer(n, name, dtype):
    x, t = data(n, dtype)
    x_finite, eps = np.where(np.isfinite(x) & (abs(x) < 1e30), x, 1), np.finfo(dtype).eps
    for reduction in (NONE, MEAN, SUM) if n else (NONE, SUM):
        assert_one_answer(lambda r=reduction: both(name, x, t, r), threads=(1, 2, 3, 4) if n > 4000 else (1, 2))
        pairs = (both(name, x_finite, t, reduction, kernels) for kernels in (K, reference))
        for got, expected in zip(*pairs, strict=True):
            np.testing.assert_allclose(got, expected, rtol=6 * eps, atol=6 * eps)


@pytest.mark.parametrize("dtype", REALS)
def test_bce_of_sure_answers_keeps_its_digits(dtype):
    x = np.array([-40, -20, -5, -1, 0, 1, 5, 20, 40, 80, 1e4, 1e30], dtype)
    eps = np.finfo(dtype).eps
    for t in (np.zeros_like(x), np.ones_like(x)):
        loss, grad = both("bce_with_logits", x, t, NONE, g=np.ones_like(x))
        for z, target, got, slope in zip(x.astype(float), t, loss, grad, strict=True):
            wrong = -z if target else z  # log(1 + e^wrong), and its derivative
            exact = math.log1p(math.exp(wrong)) if wrong < 700 else wrong
            sigmoid = math.exp(min(wrong, 0)) / (1 + math.exp(-abs(wrong)))
            assert abs(got - exact) <= 4 * eps * exact + np.finfo(dtype).smallest_subnormal
            assert abs(abs(slope) - sigmoid) <= 4 * eps * sigmoid + np.finfo(dtype).smallest_subnormal
            assert slope == 0 or (slope < 0) == bool(target)
    assert both("bce_with_logits", dtype([40]), dtype([1]), SUM)[0] == pytest.approx(4.248354255291589e-18, rel=1e-6)


@pytest.mark.parametrize("dtype", REALS)
def test_softplus_is_accurate(dtype):
    x = np.linspace(-30, 0, 20_001).astype(dtype)
    loss = both("bce_with_logits", x, np.zeros_like(x), NONE)[0]
    exact = np.array([math.log1p(math.exp(z)) for z in x.astype(float)])
    assert np.max(np.abs(loss - exact) / np.spacing(exact.astype(dtype))) <= 3


@pytest.mark.parametrize("name", ["bce_with_logits", "mse"])
def test_nan_in_nan_out(name):
    x, t = data(40, np.float32, specials=False)
    for bad_x, bad_t in [(3, 39), (39, 3)]:
        y, u = x.copy(), t.copy()
        y[bad_x], u[bad_t] = np.nan, np.nan
        loss, grad = both(name, y, u, NONE)
        assert set(np.flatnonzero(np.isnan(loss))) == set(np.flatnonzero(np.isnan(grad))) == {3, 39}
        assert np.isnan(both(name, y, u, MEAN)[0])


@pytest.mark.parametrize("name", ["bce_with_logits", "mse"])
def test_a_mean_loss_is_the_mean_of_the_losses(name):
    x, t = data(3001, np.float32, specials=False)
    losses, mean, total = (both(name, x, t, reduction)[0] for reduction in (NONE, MEAN, SUM))
    expected = [np.empty((), np.float32) for _ in range(2)]
    K.mean(losses, expected[0], 0, 1)
    K.sum(losses, expected[1], 0, 1)
    assert [mean, total] == expected


@pytest.mark.parametrize("name", ["bce_with_logits", "mse"])
def test_gradients_are_differences(name):
    (x, t), v, h = data(30, np.float64, specials=False), np.random.default_rng(4).standard_normal(30), 1e-6
    for reduction in (MEAN, SUM, NONE):
        g = np.full(30 if reduction == NONE else (), 2.5)
        slope = sum(s * (g * both(name, x + s * h * v, t, reduction)[0]).sum() for s in (1, -1)) / (2 * h)
        np.testing.assert_allclose((both(name, x, t, reduction, g=g)[1] * v).sum(), slope, rtol=1e-8)


def test_bad_input_is_refused_before_anything_is_written():
    x, t, loss, g = (np.full((2, 3), value, np.float32) for value in (1, 0, 7, 1))
    for error, text, call in [
        (
            DTypeError,
            "bce_with_logits: x is float32 .*, t is int64",
            lambda: K.bce_with_logits(x, t.astype(np.int64), loss, reduction=NONE),
        ),
        (
            ShapeError,
            r"mse: x is float32 \(2, 3\), t is float32 \(3, 2\); need the same shape",
            lambda: K.mse(x, t.reshape(3, 2), loss, reduction=NONE),
        ),
        (ShapeError, "mse: .* need one element", lambda: K.mse(x, t, loss, reduction=MEAN)),
        (ShapeError, "mse: .* no mean of no losses", lambda: K.mse(x[:0], t[:0], loss.reshape(-1)[:1], reduction=MEAN)),
        (DTypeError, "mse: an array is int64", lambda: K.mse(*[np.ones(3, np.int64)] * 3, reduction=NONE)),
        (ValueError, "strided", lambda: K.mse(x.T, t.T, loss.T, reduction=NONE)),
        (ValueError, "reduction is -1", lambda: K.bce_with_logits(x, t, loss, reduction=-1)),
        (ShapeError, "mse_grad: .* g is", lambda: K.mse_grad(x, t, g, loss, reduction=SUM)),
        (
            DTypeError,
            "bce_with_logits_grad: x is float32 .*, out is float64",
            lambda: K.bce_with_logits_grad(x, t, g, loss.astype(float), reduction=NONE),
        ),
    ]:
        with pytest.raises(error, match=text):
            call()
    assert (loss == 7).all()
