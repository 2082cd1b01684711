"""softmax, log_softmax, cross_entropy: one answer, rows that stand alone, right at the extremes, gradients that fit."""

import numpy as np
import pytest
from kernels.twins import SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference
from minigrad.kernels.reference.losses import MEAN, NONE, SUM

REALS = [np.float32, np.float64]
SHAPES = [(0, 5), (1, 1), (5, 1), (3, 2), (1, 10), (32, 10), (33, 7), (40, 16), (9, 17), (5, 64), (3, 127), (2, 1000)]
LARGE = [(1100, 3), (2500, 40), (130, 1000), (3, 5000)]  # more than one wave of rows, chunk of classes, block
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def logits(shape, dtype, *, seed=0, scale=3):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def special(shape, dtype):
    """Logits with special values scattered in half of the rows, and a row of -inf."""
    x = logits(shape, dtype)
    rng = np.random.default_rng(1)
    for row in x[::2]:
        row[rng.integers(0, len(row), 2)] = rng.choice(np.array(SPECIALS).astype(dtype), 2)
    x[len(x) // 2 : len(x) // 2 + 1] = -np.inf
    return x


def targets(shape, dtype, kind):
    rng = np.random.default_rng(2)
    if kind == "labels":
        return rng.integers(0, shape[1], shape[0])
    t = rng.uniform(size=shape).astype(dtype)
    t[:, ::3] = 0
    return t


def row_kernel(name, *inputs, kernels=K):
    out = np.full_like(inputs[0], 7)
    getattr(kernels, name)(*inputs, out)
    return out


def cross_entropy(x, target, reduction, kernels=K, g=None):
    """(loss, probs, gradient)."""
    loss = np.full(len(x) if reduction == NONE else (), 7, x.dtype)
    probs, out = np.full_like(x, 7), np.full_like(x, 7)
    g = np.full_like(loss, 1.5) if g is None else g
    kernels.cross_entropy(x, target, loss, probs, reduction=reduction)
    kernels.cross_entropy_grad(probs, target, g, out, reduction=reduction)
    return loss, probs, out


def all_rows(x, kernels=K):
    """The outputs of all four row kernels."""
    y, log_y = (row_kernel(name, x, kernels=kernels) for name in ("softmax", "log_softmax"))
    g = logits(x.shape, x.dtype, seed=5)
    return (
        y,
        log_y,
        row_kernel("softmax_grad", g, y, kernels=kernels),
        row_kernel("log_softmax_grad", g, log_y, kernels=kernels),
    )


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", SHAPES + LARGE)
def test_rows_one_answer(shape, dtype):
    assert_one_answer(lambda: all_rows(special(shape, dtype)), threads=(1, 2, 3, 8) if shape in LARGE else (1,))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("shape", SHAPES + LARGE)
def test_cross_entropy_one_answer(shape, kind, dtype):
    x, target = special(shape, dtype), targets(shape, dtype, kind)
    for reduction in (NONE, MEAN, SUM):
        if len(x) or reduction != MEAN:
            assert_one_answer(
                lambda reduction=reduction: cross_entropy(x, target, reduction),
                threads=(1, 2, 3, 8) if shape in LARGE else (1,),
            )


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", [s for s in SHAPES + LARGE if s[0]])
def test_agrees_with_reference(shape, dtype):
    x, eps = logits(shape, dtype), np.finfo(dtype).eps
    for got, expected in zip(all_rows(x), all_rows(x, reference), strict=True):  # the gradients cancel: atol
        np.testing.assert_allclose(got, expected, rtol=6 * eps, atol=200 * eps)
    for kind in ("labels", "probabilities"):
        target = targets(shape, dtype, kind)
        for reduction in (NONE, MEAN, SUM):
            both = (cross_entropy(x, target, reduction, kernels) for kernels in (K, reference))
            for got, expected in zip(*both, strict=True):
                np.testing.assert_allclose(got, expected, rtol=8 * eps, atol=8 * eps)


@pytest.mark.parametrize("n", [3, 10, 100, 3000])
def test_float32_is_accurate(n):
    x = logits((20, n), np.float32, scale=5)
    exact, log_exact = all_rows(x.astype(np.float64), reference)[:2]
    half_ulps_of_difference = (x.max(1, keepdims=True) - x) / 2  # x - max is rounded, and exp makes that relative
    assert (np.abs(row_kernel("softmax", x) / exact - 1) < (2 + half_ulps_of_difference) * 2.0**-23).all()
    assert (np.abs(row_kernel("log_softmax", x) / log_exact - 1) < 4 * 2.0**-23).all()  # also near 0


@pytest.mark.parametrize("dtype", REALS)
def test_a_row_stands_alone(dtype):
    for n in (2, 10, 33, 1500):
        x, labels = logits((100, n), dtype), targets((100, n), dtype, "labels")
        g = np.ones(100, dtype)
        among, soft = cross_entropy(x, labels, NONE, g=g), all_rows(x)[:2]
        for i in (0, 31, 32, 77, 99):
            alone = cross_entropy(x[i : i + 1].copy(), labels[i : i + 1].copy(), NONE, g=g[:1])
            assert all(bits(a[i : i + 1]) == bits(b) for a, b in zip(among, alone, strict=True))
            assert all(bits(a[i : i + 1]) == bits(b) for a, b in zip(soft, all_rows(x[i : i + 1].copy()), strict=False))


def test_a_mean_loss_is_the_mean_of_the_losses():
    x, labels = logits((2500, 4), np.float32), targets((2500, 4), np.float32, "labels")
    losses, mean, total = (cross_entropy(x, labels, reduction)[0] for reduction in (NONE, MEAN, SUM))
    expected = [np.empty((), np.float32) for _ in range(2)]
    K.mean(losses, expected[0], 0, 1)
    K.sum(losses, expected[1], 0, 1)
    assert [mean, total] == expected


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_huge_logits(size, dtype):
    x = np.array([[size, -size, 0], [size, size, -size], [-size, -size, -size]], dtype)
    loss, probs, grad = cross_entropy(x, np.array([0, 1, 2]), NONE, g=np.ones(3, dtype))
    np.testing.assert_allclose(probs, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(loss, [0, np.log(2), np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(grad, probs - np.eye(3), rtol=1e-6)
    assert cross_entropy(x[:1], np.array([1]), SUM)[0] == dtype(2) * dtype(size)
    assert np.isfinite(row_kernel("log_softmax", x)).all()


@pytest.mark.parametrize("dtype", REALS)
def test_masked_logits(dtype):
    """-inf: probability 0, gradient 0. A row of only -inf, a NaN, +inf: NaN."""
    x = np.array([[0, -np.inf, 0], [-np.inf] * 3, [np.nan, 0, 0], [np.inf, 0, 0]], dtype)
    for target in (np.array([0, 1, 1, 1]), np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]], dtype)):
        loss, probs, grad = cross_entropy(x, target, NONE, g=np.ones(4, dtype))
        assert list(probs[0]) == [0.5, 0, 0.5]
        assert list(grad[0]) == [-0.5, 0, 0.5]
        assert loss[0] == dtype(np.log(2))
        assert np.isnan(probs[1:]).all()
        assert np.isnan(loss[1:]).all()
        assert np.isnan(grad[1:]).all()
    assert list(row_kernel("log_softmax", x)[0]) == [dtype(-np.log(2)), -np.inf, dtype(-np.log(2))]
    for target in (np.array([1]), np.array([[0.5, 0.5, 0]], dtype)):
        assert cross_entropy(x[:1], target, SUM)[0] == np.inf
    g = np.array([[1, 2, 3]], dtype)
    assert row_kernel("softmax_grad", g, row_kernel("softmax", x[:1]))[0, 1] == 0


def test_a_sure_answer_has_a_small_loss_not_none():
    x = np.array([[20, 0, 0]], np.float32)
    np.testing.assert_allclose(cross_entropy(x, np.array([0]), SUM)[0], np.log1p(2 * np.exp(-20.0)), rtol=1e-6)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_gradients_are_differences(n):
    x, v, g = (logits((4, n), np.float64, seed=seed, scale=1) for seed in (0, 1, 2))
    h = 1e-6

    def slope(f):
        return (f(x + h * v) - f(x - h * v)) / (2 * h)

    for name in ("softmax", "log_softmax"):
        grad = row_kernel(f"{name}_grad", g, row_kernel(name, x))
        expected = slope(lambda z, name=name: (row_kernel(name, z) * g).sum())
        np.testing.assert_allclose((grad * v).sum(), expected, rtol=1e-7)
    for kind in ("labels", "probabilities"):
        t = targets(x.shape, np.float64, kind)
        for reduction in (MEAN, SUM):
            grad = cross_entropy(x, t, reduction, g=np.array(2.5))[2]
            np.testing.assert_allclose(
                (grad * v).sum(), slope(lambda z, t=t, r=reduction: 2.5 * float(cross_entropy(z, t, r)[0])), rtol=1e-7
            )
        grad = cross_entropy(x, t, NONE, g=g[:, 0].copy())[2]
        expected = slope(lambda z, t=t: (cross_entropy(z, t, NONE)[0] * g[:, 0]).sum())
        np.testing.assert_allclose((grad * v).sum(), expected, rtol=1e-7)


def test_no_rows():
    x, labels = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    assert cross_entropy(x, labels, SUM)[0] == 0
    assert cross_entropy(x, labels, NONE)[0].shape == (0,)
    for kernels in (K, reference):
        with pytest.raises(ShapeError, match=r"cross_entropy: .* no mean of no losses"):
            cross_entropy(x, labels, MEAN, kernels)
    assert row_kernel("softmax", np.empty((3, 0), np.float32)).shape == (3, 0)


def test_bad_input_is_refused_before_anything_is_written():
    x, loss, probs = np.ones((4, 3), np.float32), np.full(4, 7, np.float32), np.full((4, 3), 7, np.float32)
    labels, t = np.array([0, 2, 1, 0]), np.ones((4, 3), np.float32)

    def call(x=x, target=labels, loss=loss, probs=probs, reduction=NONE):
        K.cross_entropy(x, target, loss, probs, reduction=reduction)

    for error, text, bad in [
        (IndexError, r"cross_entropy: label\[2\] is 3; need 0 <= label < 3", {"target": np.array([0, 2, 3, 0])}),
        (IndexError, r"label\[1\] is -100;", {"target": np.array([0, -100, 3, 0])}),
        (DTypeError, "label is int32", {"target": labels.astype(np.int32)}),
        (DTypeError, "label is float32", {"target": labels.astype(np.float32)}),
        (DTypeError, "target is float64", {"target": t.astype(np.float64)}),
        (DTypeError, "target is int64", {"target": t.astype(np.int64)}),
        (ShapeError, r"target is int64 \(3,\); need labels \(4,\)", {"target": labels[:3]}),
        (ShapeError, "target is float32", {"target": t[:, :2].copy()}),
        (ValueError, "strided", {"target": t[:, ::-1]}),
        (ShapeError, r"loss is float32 \(4,\); need one element", {"reduction": MEAN}),
        (ShapeError, r"loss is float32 \(2,\); need 4 losses", {"loss": loss[:2]}),
        (DTypeError, "loss is float64", {"loss": np.empty(4)}),
        (ValueError, "reduction is 3", {"reduction": 3}),
        (ShapeError, "x is float32", {"x": x.reshape(3, 4), "target": labels[:3]}),
        (ShapeError, "rows, classes", {"x": x.reshape(-1), "probs": probs.reshape(-1)}),
        (ShapeError, "at least one class", dict.fromkeys(("x", "probs", "target"), t[:, :0].copy())),
        (ValueError, "same dtype and size", {"probs": probs.astype(np.float64)}),
    ]:
        with pytest.raises(error, match=text):
            call(**bad)
    with pytest.raises(IndexError, match=r"cross_entropy: label\[1\] is -1; need 0 <= label < 3"):
        reference.cross_entropy(x, np.array([0, -1, 3, 0]), loss, probs, reduction=NONE)
    for error, text, g, out in [(ShapeError, "g is", loss[:1], probs), (DTypeError, "g is", np.ones(4), probs)]:
        with pytest.raises(error, match=text):
            K.cross_entropy_grad(x, labels, g, out, reduction=NONE)
    with pytest.raises(ShapeError, match="softmax: x is"):
        K.softmax(x.reshape(-1), probs)
    with pytest.raises(ShapeError, match="softmax_grad"):
        K.softmax_grad(x, x[:2].copy(), probs)
    assert (probs == 7).all()
    assert (loss == 7).all()
