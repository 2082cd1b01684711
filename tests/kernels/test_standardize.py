"""Normalization kernels: one answer, right against float64, rows that stand alone, the stated order, bad input."""

import numpy as np
import pytest
from kernels.test_order import BIG, check, laned, pairwise
from kernels.twins import SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

REALS = [np.float32, np.float64]
# (samples, channels, inner), groups: around vectors, panels of 64 columns, chains of 32 samples, chunks of 1024
SHAPES = [((0, 3, 1), 1), ((1, 1, 1), 1), ((3, 5, 1), 5), ((5, 8, 1), 2), ((33, 65, 1), 1), ((65, 9, 1), 3)]
SHAPES += [((70, 130, 1), 2), ((2, 6, 2), 3), ((3, 4, 7), 2), ((33, 3, 17), 1), ((2, 2, 1025), 1), ((1, 3, 4), 3)]
LARGE = [((400, 200, 1), 1), ((300, 4, 100), 2), ((7, 70, 200), 7)]
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def numbers(shape, dtype, seed=0, special=False):
    rng = np.random.default_rng(seed)
    x = (3 * rng.standard_normal(shape) + 5).astype(dtype)
    if special and x.size:
        x.reshape(-1)[rng.integers(0, x.size, 3)] = rng.choice(np.array(SPECIALS).astype(dtype), 3)
    return x


def rows(x, groups, center=True, affine=True, kernels=K, eps=1e-5):
    """y, mean, rstd, dx, dw, db."""
    (samples, channels, _), dtype = x.shape, x.dtype
    w, b = (numbers(channels, dtype, seed) if affine else None for seed in (1, 2))
    g = numbers(x.shape, dtype, 3)
    y, dx, mean, rstd = np.full_like(x, 7), np.full_like(x, 7), *np.full((2, samples * groups), 7.0)
    dw, db = np.full((2, channels), 7, dtype)
    kernels.standardize_rows(x, y, mean, rstd, weight=w, bias=b, groups=groups, eps=eps, center=center)
    options = {"weight": w, "groups": groups, "center": center}
    kernels.standardize_rows_grad(g, x, mean, rstd, dx, weight_grad=dw, bias_grad=db, **options)
    again = np.full_like(x, 7)
    kernels.standardize_rows_grad(g, x, mean, rstd, again, **options)
    assert bits(again) == bits(dx)
    return y, mean, rstd, dx, dw, db


def channels(x, affine=True, given=False, kernels=K, eps=1e-5):
    """y, mean, var, rstd, dx, dw, db."""
    n, dtype = x.shape[1], x.dtype
    w, b = (numbers(n, dtype, seed) if affine else None for seed in (1, 2))
    g = numbers(x.shape, dtype, 3)
    y, dx, (mean, var, rstd) = np.full_like(x, 7), np.full_like(x, 7), np.abs(numbers((3, n), np.float64, 4))
    dw, db = np.full((2, n), 7, dtype)
    kernels.standardize_channels(x, y, mean, var, rstd, weight=w, bias=b, eps=eps, given=given)
    kernels.standardize_channels_grad(g, x, mean, rstd, dx, dw, db, weight=w, given=given)
    return y, mean, var, rstd, dx, dw, db


def every_way(x, groups, kernels=K):
    """The outputs of all kernels, with and without what is optional."""
    found = ()
    for affine in (True, False):
        found += rows(x, groups, affine=affine, kernels=kernels) + rows(x, groups, False, affine, kernels)
        found += channels(x, affine, kernels=kernels) + channels(x, affine, True, kernels)
    return found


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("shape", "groups"), SHAPES + LARGE)
def test_one_answer(shape, groups, dtype):
    threads = (1, 2, 3) if (shape, groups) in LARGE else (1,)
    for special in (False, True):
        x = numbers(shape, dtype, special=special)
        assert_one_answer(lambda x=x: every_way(x, groups), threads=threads)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(
    ("shape", "groups"),  # of a single number nothing but rounding is left
    [
        (shape, groups)
        for shape, groups in SHAPES + LARGE
        if min(shape[0] * shape[2], shape[1] // groups * shape[2]) > 1
    ],
)
def test_agrees_with_reference(shape, groups, dtype):
    x, eps = numbers(shape, dtype), np.finfo(dtype).eps
    for got, expected in zip(every_way(x, groups), every_way(x, groups, reference), strict=True):
        size = max(np.abs(expected[np.isfinite(expected)]).max(initial=1), x.size)  # sums of so many cancel
        np.testing.assert_allclose(got, expected, rtol=20 * eps, atol=20 * eps * size)


@pytest.mark.parametrize("offset", [0, 1e3, 1e6])
def test_float32_is_accurate_where_the_mean_is_large(offset):
    """x - mean loses nothing that x has: numbers at 1e6 with a spread of 1 are right to 1e-6 of that spread."""
    x = (np.random.default_rng(0).integers(-64, 64, (8, 4, 50)) / 32 + offset).astype(np.float32)
    exact = every_way(x.astype(np.float64), 2)
    for i, (got, expected) in enumerate(zip(every_way(x, 2), exact, strict=True)):
        if i < 6 or 12 <= i < 19:  # rows and channels with weight and bias, less their mean
            assert np.abs(got - expected).max() < 2e-6 * np.abs(expected).max(), i


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("shape", "groups"), [((90, 65, 1), 5), ((40, 6, 9), 2)])
def test_a_row_stands_alone(shape, groups, dtype):
    """But for the sums over samples, and channels in training."""
    x = numbers(shape, dtype)
    among, g = rows(x, groups), numbers(shape, dtype, 3)
    for i in (0, 31, 32, 39):
        one = x[i : i + 1].copy()
        alone, dx = rows(one, groups), np.empty_like(one)
        per_row = slice(i * groups, (i + 1) * groups)
        assert bits(among[0][i : i + 1]) == bits(alone[0])
        assert all(bits(among[j][per_row]) == bits(alone[j]) for j in (1, 2))
        w = numbers(shape[1], dtype, 1)
        K.standardize_rows_grad(g[i : i + 1].copy(), one, *alone[1:3], dx, weight=w, groups=groups)
        assert bits(among[3][i : i + 1]) == bits(dx)
        mean, var = np.abs(numbers((3, shape[1]), np.float64, 4))[:2]
        y, rstd = np.empty_like(one), np.empty(shape[1])
        K.standardize_channels(
            one, y, mean, var, rstd, weight=w, bias=numbers(shape[1], dtype, 2), eps=1e-5, given=True
        )
        assert bits(channels(x, given=True)[0][i : i + 1]) == bits(y)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("inner", [1, 5])
def test_a_sum_over_a_channel_is_flat_sums_in_chains_of_32_samples(dtype, inner):
    samples = 77
    n = samples * inner
    index = list(range(n))
    flat = [laned(index[i : i + inner], 64) if inner > 1 else index[i] for i in range(0, n, inner)]
    tree = pairwise([flat[i : i + 32] for i in range(0, samples, 32)])

    def bias_grad(x):
        g = np.zeros((samples, 3, inner), dtype)
        g[:, 1] = x.reshape(samples, inner)
        dw, db = np.empty((2, 3), dtype)
        K.standardize_channels_grad(g, g, np.zeros(3), np.ones(3), np.empty_like(g), dw, db)
        again, zeros = np.empty_like(db), np.zeros(samples)
        K.standardize_rows_grad(g, g, zeros, zeros + 1, np.empty_like(g), weight_grad=dw, bias_grad=again)
        assert again[1] == db[1]
        return db[1]

    check(bias_grad, tree, n, dtype)


@pytest.mark.parametrize("dtype", REALS)
def test_the_mean_of_a_row_is_a_flat_sum(dtype):
    n = 2 * 1024 + 100
    index = list(range(n))
    tree = pairwise([laned(index[c : c + 1024], 64) for c in range(0, n, 1024)])

    def total(x):
        mean = np.empty(1)
        K.standardize_rows(x.reshape(1, 2, n // 2), np.empty((1, 2, n // 2), dtype), mean, np.empty(1), eps=1.0)
        return mean[0] * n

    def rounded(x):
        return np.rint(total(x))

    assert BIG[dtype] > n
    check(rounded, tree, n, dtype)


@pytest.mark.parametrize("dtype", REALS)
def test_running_moments(dtype):
    """By a share, and as the mean of all batches."""
    batches = [numbers((6, 3, 2), dtype, seed) for seed in range(4)]
    for kernels in (K, reference):
        for momentum in (None, 0.25):
            mean, var, count = np.zeros(3, dtype), np.ones(3, dtype), np.zeros((), np.int64)
            expected = np.zeros(3), np.ones(3)
            for i, x in enumerate(batches):
                _, new_mean, new_var, *_ = channels(x)
                kernels.running_moments(new_mean, new_var, mean, var, count, momentum=momentum, correction=12 / 11)
                share = 1 / (i + 1) if momentum is None else momentum
                new = x.astype(np.float64).mean((0, 2)), x.astype(np.float64).var((0, 2), ddof=1)
                expected = [(1 - share) * old + share * own for old, own in zip(expected, new)]
            assert count == 4
            np.testing.assert_allclose(mean, expected[0], rtol=1e-6)
            np.testing.assert_allclose(var, expected[1], rtol=1e-6)
    assert_one_answer(lambda: running(dtype))


def running(dtype):
    found = np.zeros(70, dtype), np.ones(70, dtype), np.zeros((), np.int64)
    for _ in range(2):
        K.running_moments(*numbers((2, 70), np.float64), *found, momentum=0.1, correction=1.5)
    return found


def test_bad_input_is_refused_before_anything_is_written():
    x = np.ones((4, 6, 2), np.float32)
    out, mean, rstd, w = np.full_like(x, 7), np.full(4, 7.0), np.full(4, 7.0), np.ones(6, np.float32)

    def call(x=x, out=out, mean=mean, rstd=rstd, weight=w, bias=w, groups=1):
        K.standardize_rows(x, out, mean, rstd, weight=weight, bias=bias, groups=groups, eps=1e-5)

    for error, text, bad in [
        (ShapeError, "need the same dtype and size", {"out": out.astype(np.float64)}),
        (ShapeError, r"need both \(samples, channels, inner\)", {"x": x.reshape(4, 12), "out": out.reshape(4, 12)}),
        (ShapeError, r"need both \(samples", {"out": out.reshape(4, 2, 6)}),
        (ShapeError, "groups is 4, x is .*; need groups of equally many channels", {"groups": 4}),
        (ShapeError, "groups is 0", {"groups": 0}),
        (DTypeError, r"mean is float32 \(4,\); need float64", {"mean": mean.astype(np.float32)}),
        (ShapeError, "rstd is .*; need 4 numbers", {"rstd": rstd[:3]}),
        (DTypeError, "weight is float64", {"weight": w.astype(np.float64)}),
        (ShapeError, "bias is .*; need one number for each channel", {"bias": w[:5]}),
        (ValueError, "strided", {"weight": np.ones(12, np.float32)[::2]}),
        (DTypeError, "need float32 or float64", {"x": x.astype(int), "out": out.astype(int)}),
    ]:
        with pytest.raises(error, match=text):
            call(**bad)
    block = np.full(49, 7, np.float32)
    with pytest.raises(ValueError, match=r"out is .* and overlaps an input; pass a copy"):
        K.standardize_rows_grad(block[:48].reshape(x.shape), x, mean, rstd, block[1:].reshape(x.shape))
    with pytest.raises(ValueError, match="overlaps an input"):
        call(x=block[:48].reshape(x.shape), out=block[1:].reshape(x.shape))
    with pytest.raises(ShapeError, match=r"count is int64 \(2,\); need one int64"):
        K.running_moments(mean, mean, w[:4].copy(), w[:4].copy(), np.zeros(2, np.int64), momentum=0.1, correction=1)
    assert (out == 7).all()
    assert (mean == 7).all()
    assert (rstd == 7).all()
