"""reduce: one answer for every variant and thread count; exact or correctly rounded where that is promised."""

import math

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

REALS = [np.float32, np.float64]
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def numbers(shape, dtype, *, seed=0, specials=False):
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    if specials:
        x.reshape(-1)[: len(SPECIALS)] = np.array(SPECIALS)[: x.size].astype(dtype)
    return x


def reduced(name, x, first=0, last=None, kernels=K):
    """The outputs of sum, mean, max or min of x over its axes [first, last)."""
    last = x.ndim if last is None else last
    shape = x.shape[:first] + x.shape[last:]
    outs = [np.full(shape, 7, x.dtype)] + [np.full(shape, 7, np.int64)] * (name in ("max", "min"))
    getattr(kernels, name)(x, *outs, first, last)
    return tuple(outs)


CHUNK_EDGES = [1023, 1024, 1025, 2048, 3 * 1024 + 5, 70 * 1024 + 1]
SHAPES = [
    *[((n,), 0, 1) for n in [*EDGES, *CHUNK_EDGES, 16384 * 130 + 3]],
    *[((3, n), 1, 2) for n in [1, 10, 64, 1000, 40_000]],
    *[((n, 3), 0, 1) for n in [0, 1, 31, 32, 33, 63, 64, 65, 97, 1000]],
    *[((70, n), 0, 1) for n in [1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1100]],
    *[((3, 5, 7), first, last) for first, last in [(0, 1), (0, 2), (1, 2), (1, 3), (0, 3), (1, 1), (3, 3), (0, 0)]],
    ((40, 50, 60), 1, 2),
    ((1000, 130), 1, 2),
    ((2, 100, 700), 1, 2),
    ((0, 4), 1, 2),
    ((0, 4), 0, 1),
    ((4, 0), 0, 1),
]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("shape", "first", "last"), [*SHAPES, ((16384 * 130 + 3,), 0, 1)])  # parts of 4 x 16 chunks
def test_sum_and_mean_one_answer(shape, first, last, dtype):
    x = numbers(shape, dtype)
    for name in ("sum", "mean"):
        (naive,) = assert_one_answer(lambda name=name: reduced(name, x, first, last))
        (expected,) = reduced(name, x, first, last, reference)
        scale = 1 if name == "sum" else max(1, math.prod(shape[first:last]))
        np.testing.assert_allclose(naive, expected, rtol=2e-7 if dtype is np.float32 else 1e-14, atol=1e-11 / scale)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("shape", "first", "last"), [s for s in SHAPES if math.prod(s[0][s[1] : s[2]])])
def test_max_and_min_one_answer(shape, first, last, dtype):
    x = np.round(3 * numbers(shape, dtype))  # many ties
    for y in (x, numbers(shape, dtype, specials=True), -numbers(shape, dtype, specials=True)[..., ::-1].copy()):
        for name in ("max", "min"):
            naive = assert_one_answer(lambda y=y, name=name: reduced(name, y, first, last))
            for got, expected in zip(naive, reduced(name, y, first, last, reference), strict=True):
                assert bits(got) == bits(expected)


@pytest.mark.parametrize("place", [0, 1, 17, 1023, 1024, 2500, 4999])
@pytest.mark.parametrize(("name", "best"), [("max", 2.0), ("min", -2.0)])
def test_max_and_min_find_the_first(name, best, place):
    x = np.full(5000, -best * np.inf, np.float32)
    x[place:] = best
    assert [int(y) for y in reduced(name, x)] == [best, place]
    x[4999] = np.nan
    assert math.isnan(reduced(name, x)[0])
    assert reduced(name, x)[1] == 4999
    x[place : place + 3] = np.nan
    assert reduced(name, x)[1] == place
    assert reduced(name, x.reshape(-1, 1), 0, 1)[1] == place


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(
    ("shape", "first", "last"), [((5, 7), 0, 1), ((5, 7), 1, 2), ((3, 4, 6), 1, 2), ((4000, 33), 1, 2)]
)
def test_max_grad_one_answer(shape, first, last, dtype):
    _, index = reduced("max", numbers(shape, dtype), first, last)
    g = numbers(index.shape, dtype, seed=1, specials=True)

    def compute(kernels=K):
        out = np.full(shape, 7, dtype)
        kernels.max_grad(g, index, out, first, last)
        return out

    (naive,) = assert_one_answer(compute)
    assert bits(naive) == bits(compute(reference))


@pytest.mark.parametrize(("dtype", "ulps"), [(np.float32, 0.5001), (np.float64, 8)])
@pytest.mark.parametrize("shape", [(1_200_007,), (300_001, 4)])
def test_sums_of_a_million_are_accurate(shape, dtype, ulps):
    x = np.random.default_rng(3).uniform(0, 1, shape).astype(dtype)
    (got,) = reduced("sum", x, 0, 1)
    for column, y in zip(x.reshape(len(x), -1).T, got.reshape(-1), strict=True):
        assert abs(float(y) - math.fsum(column)) <= ulps * np.spacing(y)


def test_sums_cancel_where_float32_accumulators_would_not():
    x = np.tile(np.array([1e8, 1, -1e8], np.float32), 1000)
    assert reduced("sum", x)[0] == 1000
    assert reduced("sum", x.reshape(-1, 1), 0, 1)[0] == 1000


@pytest.mark.parametrize("dtype", REALS)
def test_sums_pass_on_what_is_not_finite(dtype):
    for special, expected in [(np.nan, np.nan), (np.inf, np.inf), (-np.inf, -np.inf)]:
        for place in (0, 70, 1500):
            x = numbers((1501, 1), dtype)
            x[place] = special
            got = [reduced(name, x, 0, last)[0].item() for name in ("sum", "mean") for last in (1, 2)]
            np.testing.assert_equal(got, [expected] * 4)
    x[70] = np.inf
    assert np.isnan(reduced("sum", x)[0])


def test_mean_divides_before_rounding():
    x = np.array([1, 1, 2**-23 * 3], np.float32)  # the sum needs 25 bits: rounding it first would lose the last
    assert reduced("mean", x)[0] == np.float32(np.float64(x).sum() / 3)
    assert reduced("mean", np.full(3, 3e38, np.float32))[0] == np.float32(3e38)  # the sum is over float32's range
    assert np.isnan(reduced("mean", np.empty(0, np.float32))[0])


@pytest.mark.parametrize("dtype", REALS)
def test_an_output_depends_on_its_row_or_column_alone(dtype):
    x = numbers((300, 77), dtype)
    np.testing.assert_array_equal(reduced("sum", x, 1, 2)[0][5], reduced("sum", x[5])[0])
    np.testing.assert_array_equal(reduced("sum", x, 0, 1)[0][70], reduced("sum", x[:, 70:71].copy(), 0, 1)[0][0])
    y = numbers((4, 300, 77), dtype)
    np.testing.assert_array_equal(reduced("sum", y, 1, 2)[0][2], reduced("sum", y[2], 0, 1)[0])


def test_bad_input_is_refused_before_anything_is_written():
    x, out, index = np.ones((4, 6), np.float32), np.full(4, 7, np.float32), np.full(4, 7, np.int64)
    read_only = out.copy()
    read_only.flags.writeable = False
    for error, text, call in [
        (ShapeError, r"sum: axes \[1, 3\)", lambda: K.sum(x, out, 1, 3)),
        (ShapeError, r"mean: axes \[2, 1\)", lambda: K.mean(x, out, 2, 1)),
        (
            ShapeError,
            r"sum: x is float32 \(4, 6\), out is float32 \(4,\); need out \(6,\) for axes \[0, 1\)",
            lambda: K.sum(x, out, 0, 1),
        ),
        (DTypeError, "sum: x is float32", lambda: K.sum(x, np.empty(4), 1, 2)),
        (DTypeError, "sum: an array is int64", lambda: K.sum(x.astype(np.int64), out, 1, 2)),
        (ValueError, "strided", lambda: K.sum(x[:, ::2], out, 1, 2)),
        (ValueError, "writable", lambda: K.sum(x, read_only, 1, 2)),
        (ShapeError, "max: axes .* have no element", lambda: K.max(x[:, :0].copy(), out, index, 1, 2)),
        (ShapeError, "min: axes .* have no element", lambda: K.min(x[:, :0].copy(), out, index, 1, 2)),
        (DTypeError, "max: index is int32", lambda: K.max(x, out, index.astype(np.int32), 1, 2)),
        (ShapeError, "min: index is", lambda: K.min(x, out, index[:3], 1, 2)),
        (
            IndexError,
            r"max_grad: index\[2\] is 6; need 0 <= index < 6",
            lambda: K.max_grad(out, np.array([0, 5, 6, 1]), x, 1, 2),
        ),
        (IndexError, r"max_grad: index\[3\] is -1", lambda: K.max_grad(out, np.array([0, 5, 3, -1]), x, 1, 2)),
        (ShapeError, "max_grad: g is", lambda: K.max_grad(out[:3], index, x, 1, 2)),
        (DTypeError, "max_grad: index is", lambda: K.max_grad(out, index.astype(float), x, 1, 2)),
        (TypeError, "ndarray", lambda: K.sum([1.0], out, 0, 1)),
    ]:
        with pytest.raises(error, match=text):
            call()
    assert (x == 1).all()
    assert (out == 7).all()
    assert (index == 7).all()
