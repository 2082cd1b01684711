"""Convolutions: every variant and thread count equals the naive twin, which is near NumPy; the order is as stated."""

import math

import numpy as np
import pytest
from kernels.test_order import check, halves
from kernels.twins import SPECIALS, assert_one_answer, bits, every_variant, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

pytestmark = needs_native
REAL = [np.float32, np.float64]
# (samples, groups, channels, filters of a group, height, width, kernel, stride, padding, dilation)
CASES = [
    (1, 1, 1, 1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    (2, 1, 3, 5, 6, 7, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 1, 3, 5, 6, 7, (3, 2), (2, 3), (2, 1), (1, 2)),
    (3, 2, 2, 4, 9, 5, (2, 3), (1, 2), (0, 2), (2, 1)),
    (2, 5, 1, 1, 11, 19, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 4, 1, 1, 10, 21, (3, 3), (2, 2), (1, 1), (1, 1)),
    (2, 3, 1, 2, 7, 34, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 2, 3, 3, 8, 37, (5, 1), (1, 3), (2, 0), (1, 1)),
    (3, 1, 17, 33, 5, 5, (1, 1), (1, 1), (0, 0), (1, 1)),
    (2, 1, 40, 30, 9, 9, (1, 1), (2, 2), (0, 0), (1, 1)),
    (1, 1, 4, 16, 40, 33, (5, 5), (1, 1), (2, 2), (1, 1)),
    (70, 1, 2, 9, 4, 3, (4, 3), (1, 1), (0, 0), (1, 1)),
    (9, 1, 3, 5, 2, 2, (2, 2), (2, 2), (0, 0), (1, 1)),
    (2, 1, 1, 1, 5, 300, (1, 7), (1, 1), (0, 3), (1, 1)),
    # rows of places that fill vectors of 16, 8 or 4 numbers, or nearly: the planes are read in place
    (2, 1, 3, 5, 5, 14, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 2, 2, 23, 3, 15, (3, 3), (1, 1), (1, 1), (1, 1)),
    (1, 1, 60, 16, 7, 16, (5, 5), (1, 1), (2, 2), (1, 1)),
    (1, 1, 5, 42, 4, 28, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 1, 2, 9, 3, 29, (3, 2), (2, 1), (1, 1), (1, 2)),
    (1, 1, 4, 7, 5, 59, (2, 3), (1, 2), (1, 1), (2, 1)),
    (1, 1, 3, 6, 3, 47, (1, 3), (1, 1), (0, 1), (1, 1)),
    (2, 1, 4, 4, 9, 8, (3, 3), (1, 1), (1, 1), (1, 1)),
    (1, 1, 130, 5, 3, 7, (3, 3), (1, 1), (1, 1), (1, 1)),
    (1, 1, 130, 6, 4, 5, (3, 3), (1, 1), (1, 1), (1, 1)),
    (1, 1, 130, 2, 4, 5, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 1, 2, 7, 6, 6, (2, 2), (4, 4), (0, 1), (2, 2)),
    (2, 1, 2, 7, 6, 9, (2, 3), (4, 3), (3, 1), (6, 2)),
    (2, 1, 6, 7, 3, 3, (2, 2), (9, 9), (0, 0), (1, 1)),
    (1, 1, 128, 20, 3, 5, (2, 2), (1, 1), (0, 1), (1, 1)),
    (0, 1, 2, 3, 4, 4, (3, 3), (1, 1), (0, 0), (1, 1)),
    (2, 2, 0, 3, 4, 4, (3, 3), (1, 1), (0, 0), (1, 1)),
    (2, 1, 3, 0, 4, 4, (3, 3), (1, 1), (0, 0), (1, 1)),
]


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def places(size, kernel, stride, padding, dilation):
    return max(0, (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)


def arrays(case, dtype, seed=0):
    """x, w, y, bias with ordinary numbers, and the options of a call."""
    n, groups, channels, filters, height, width, kernel, stride, padding, dilation = case
    r = np.random.default_rng([n, groups, channels, filters, height, width, seed])
    y = [places(*sizes) for sizes in zip((height, width), kernel, stride, padding, dilation)]
    shapes = [(n, groups * channels, height, width), (groups * filters, channels, *kernel), (n, groups * filters, *y)]
    found = [r.standard_normal(shape).astype(dtype) for shape in (*shapes, shapes[1][:1])]
    return *found, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def all_three(x, w, y, bias, how, kernels=K, activation="relu"):
    """The convolution with and without what follows it, and both gradients."""
    out = [np.full_like(a, 7) for a in (y, y, x, w)]
    kernels.conv2d(x, w, out[0], **how)
    kernels.conv2d(x, w, out[1], bias=bias, activation=activation, **how)
    kernels.conv2d_input(y, w, out[2], **how)
    kernels.conv2d_weight(x, y, out[3], **how)
    return tuple(out)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_answer(case, dtype):
    *a, how = arrays(case, dtype)
    ours = assert_one_answer(lambda: all_three(*a, how), threads=(1,))
    sizes = all_three(*map(np.abs, a), how, reference)
    for got, expected, size in zip(ours, all_three(*a, how, reference), sizes):
        assert (np.abs(got - expected) <= 200 * np.finfo(dtype).eps * (size + 1)).all()


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", None])
def test_what_follows_the_sum(activation):
    for case in CASES[1], CASES[4], CASES[14], CASES[18]:
        *a, how = arrays(case, np.float32)
        ours = assert_one_answer(lambda a=a, how=how: all_three(*a, how, activation=activation), threads=(1,))
        np.testing.assert_allclose(ours[1], all_three(*a, how, reference, activation)[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "case",
    [
        (5, 1, 16, 32, 20, 20, (3, 3), (1, 1), (1, 1), (1, 1)),
        (1, 1, 16, 32, 40, 40, (3, 3), (1, 1), (1, 1), (1, 1)),
        (1, 1, 32, 32, 43, 29, (6, 6), (1, 1), (3, 3), (1, 1)),
        (1, 1, 16, 32, 41, 40, (3, 3), (2, 2), (1, 1), (1, 1)),
        (3, 40, 1, 1, 30, 30, (3, 3), (1, 1), (1, 1), (1, 1)),
        (1, 3, 8, 2, 60, 60, (3, 3), (2, 1), (1, 1), (1, 1)),
    ],
    ids=str,
)
def test_threads_change_nothing(case):
    """Large enough for threads; tuned variants against each other, as naive is slow here."""
    *a, how = arrays(case, np.float32)
    found = {tuple(map(bits, all_three(*a, how))) for v, _ in every_variant() if v not in ("naive", "generic")}
    assert len(found) <= 1


@pytest.mark.parametrize("dtype", REAL)
def test_a_sample_does_not_depend_on_the_others(dtype):
    for case in CASES[1:8]:
        x, w, y, bias, how = arrays((5, *case[1:]), dtype)
        whole = all_three(x, w, y, bias, how)
        one = all_three(x[2:3].copy(), w, y[2:3].copy(), bias, how)
        for a, b in zip(whole[:3], one[:3]):
            assert bits(a[2:3]) == bits(b)


@pytest.mark.parametrize("dtype", REAL)
def test_the_order_is_that_of_a_product(dtype):
    """A convolution is a product with what the taps see; so is the gradient of w, over all places of all samples."""
    x, w, y, _, how = arrays((7, 1, 150, 5, 13, 12, (3, 3), (1, 1), (1, 1), (1, 1)), dtype)
    seen = [s for *_, s, _ in reference_taps(x, w, y, how)]  # of each tap: (samples, 1, channels, places)
    seen = np.stack(seen, 3).reshape(7, 150 * 9, -1)
    got = [np.empty_like(y), np.empty_like(w)]
    K.conv2d(x, w, got[0], **how)
    K.conv2d_weight(x, y, got[1], **how)
    plain, gradient = np.empty((7, 5, 156), dtype), np.empty((1350, 5), dtype)
    K.matmul(w.reshape(5, -1), seen, plain)
    assert bits(plain) == bits(got[0].reshape(plain.shape))
    terms = np.ascontiguousarray(seen.transpose(1, 0, 2)).reshape(1350, -1)
    K.matmul(terms, np.ascontiguousarray(y.transpose(0, 2, 3, 1)).reshape(-1, 5), gradient)
    assert bits(np.ascontiguousarray(gradient.T)) == bits(got[1].reshape(5, -1))


@pytest.mark.parametrize("dtype", REAL)
def test_the_order_of_a_gradient_of_few_filters_is_32_lanes_for_some_samples(dtype):
    """Column j in lane j mod 32, rows in order, lanes added by halves, chunks of samples in order: from outside."""
    samples, rows, columns = 7, 4, 70
    x, w = np.ones((samples, 1, rows, columns), dtype), np.empty((1, 1, 1, 1), dtype)

    def compute(y):
        K.conv2d_weight(x, y.reshape(x.shape), w, stride=(1, 1), padding=(0, 0), dilation=(1, 1))
        return w.item()

    place = np.arange(x.size).reshape(samples, rows, columns)
    chunk = 4096 // np.dtype(dtype).itemsize // (rows * columns)
    chunks = [place[first : first + chunk] for first in range(0, samples, chunk)]
    tree = [halves([some[:, :, lane::32].ravel().tolist() for lane in range(32)]) for some in chunks]
    check(compute, tree, x.size, dtype)


def reference_taps(x, w, y, how):
    from minigrad.kernels.reference.conv import taps

    return taps(x, w, y, **how)


@pytest.mark.parametrize("dtype", REAL)
def test_special_numbers(dtype):
    """NaN, infinities, zeros of both signs, denormals; zeros outside take part: an infinite weight makes NaN there."""
    r = np.random.default_rng(3)
    with np.errstate(over="ignore"):
        special = np.array(SPECIALS).astype(dtype)
    for case in CASES[1:8]:
        *a, how = arrays(case, dtype)
        for x in a:
            x[...] = np.where(r.random(x.shape) < 0.05, r.choice(special, x.shape), x)
        assert_one_answer(lambda a=a, how=how: all_three(*a, how), threads=(1,))
    x, w, y = np.ones((1, 1, 2, 2), dtype), np.full((1, 1, 3, 3), np.inf, dtype), np.empty((1, 1, 2, 2), dtype)
    K.conv2d(x, w, y, stride=(1, 1), padding=(1, 1), dilation=(1, 1))
    assert np.isnan(y).all()


X, W, Y = (np.ones(s, np.float32) for s in ((2, 4, 5, 5), (6, 2, 3, 3), (2, 6, 3, 3)))
HOW = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 2}


@pytest.mark.parametrize(
    ("x", "w", "y", "more", "error", "says"),
    [
        (X[0], W, Y, {}, ShapeError, "need"),
        (X[:, :2].copy(), W, Y, {}, ShapeError, r"x is float32 \(2, 2, 5, 5\)"),
        (X, W[:5].copy(), Y[:, :5].copy(), {}, ShapeError, "multiple of groups"),
        (X[:1].copy(), W, Y, {}, ShapeError, "need"),
        (X.astype(np.float64), W, Y, {}, ShapeError, "one dtype"),
        (X.astype(int), W.astype(int), Y.astype(int), {}, DTypeError, "float32 or float64"),
        (X.swapaxes(2, 3), W, Y, {}, ValueError, "contiguous"),
        (X, W, Y, {"stride": (0, 1)}, ValueError, "stride 0"),
        (X, W, Y, {"dilation": (1, 0)}, ValueError, "dilation 0"),
        (X, W, Y, {"padding": (-1, 0)}, ValueError, "padding -1"),
        (X, W, Y, {"padding": (2**62, 0)}, ValueError, "less than"),
        (X, W, Y, {"stride": (3, 3)}, ValueError, "beyond"),
        (X, W[:, :, :0].copy(), Y, {}, ValueError, "kernel 0"),
        (X, W, Y, {"groups": 0}, ShapeError, "groups 0"),
        (X, W, Y, {"stride": (1,)}, IndexError, "tuple"),
        (X, W, Y, {"bias": np.ones(5, np.float32)}, ShapeError, "bias"),
        (X, W, Y, {"activation": "gelu"}, ValueError, "'relu', 'tanh' or 'sigmoid'"),
        (None, W, Y, {}, TypeError, "None"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(x, w, y, more, error, says):
    before = bits(y), bits(w)
    with pytest.raises(error, match=says):
        K.conv2d(x, w, y, **{**HOW, **more})
    if not {"bias", "activation"} & set(more) and x is not None:
        with pytest.raises(error, match=says):
            K.conv2d_weight(x, y, w, **{**HOW, **more})
    assert (bits(y), bits(w)) == before


def test_out_must_be_apart():
    x = np.ones((1, 1, 4, 4), np.float32)
    with pytest.raises(ValueError, match="shares memory"):
        K.conv2d(x, np.ones((1, 1, 1, 1), np.float32), x, stride=(1, 1), padding=(0, 0), dilation=(1, 1))


def test_places_before_and_behind_are_free():
    """Padding may differ on both sides: the size of y says what follows x. ("same" for an even kernel.)"""
    x, w = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5), np.ones((1, 1, 1, 2), np.float32)
    y = np.empty((1, 1, 1, 5), np.float32)
    K.conv2d(x, w, y, stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    assert y.ravel().tolist() == [1, 3, 5, 7, 4]
    assert math.isclose(float(y.sum()), 20)
