"""matmul: every variant and thread count equals the naive twin; the naive twin equals the contract."""

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from kernels.twins import SPECIALS, assert_one_answer, bits, every_variant, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

pytestmark = needs_native
REAL = [np.float32, np.float64]
# Around the tiles (14x2, 24x1, 6x2, 12x1 vectors of 2 to 16), the panels and the chunks of k (512, 1024).
SHAPES = [
    (0, 3, 4),
    (3, 0, 4),
    (3, 4, 0),
    (0, 0, 0),
    (1, 1, 1),
    (1, 5, 1),
    (1, 7, 3),
    (1, 70, 300),
    (2, 33, 130),
    (3, 16, 129),
    (4, 4, 4),
    (5, 6, 7),
    (6, 8, 8),
    (7, 9, 9),
    (11, 15, 16),
    (12, 16, 17),
    (13, 17, 15),
    (14, 31, 31),
    (15, 32, 32),
    (16, 33, 33),
    (23, 12, 16),
    (24, 13, 10),
    (25, 14, 64),
    (28, 64, 48),
    (29, 65, 63),
    (32, 64, 10),
    (33, 63, 65),
    (61, 40, 89),
    (17, 90, 225),
    (16, 70, 113),
    (18, 40, 60),
    (80, 20, 140),
    (5, 511, 5),
    (5, 512, 9),
    (5, 513, 4),
    (3, 1023, 2),
    (2, 1024, 17),
    (4, 1025, 3),
    (2, 2049, 2),
    (0, 5, 1),
    (3, 0, 1),
    (5, 31, 1),
    (7, 32, 1),
    (8, 33, 1),
    (17, 63, 1),
    (33, 64, 1),
    (129, 65, 1),
    (257, 96, 1),
    (3, 511, 1),
    (2, 513, 1),
    (1, 1023, 1),
    (17, 1024, 1),
    (9, 1025, 1),
    (1, 2049, 1),
    (200, 140, 1),
    (45, 1030, 1),
    (2, 1030, 70),
    (3, 20, 2100),
    (64, 33, 70),
    (72, 15, 31),
    (90, 1, 100),
    (90, 700, 1),
    (137, 257, 1),
    (19, 3, 8),
    (50, 9, 4),
    (27, 5, 1),
    (7, 1, 1),
    (33, 1, 1),
    (200, 1, 1),
]


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def arrays(m, k, n, dtype, ta=False, tb=False, seed=0):
    """a and b (transposed in memory as ta, tb say), a bias and a c, with ordinary numbers."""
    r = np.random.default_rng([m, k, n, seed])
    a, b, bias, c = (r.standard_normal(s).astype(dtype) for s in ((m, k), (k, n), (n,), (m, n)))
    return np.ascontiguousarray(a.T) if ta else a, np.ascontiguousarray(b.T) if tb else b, bias, c


def product(a, b, kernels=K, c=None, **how):
    """matmul into a new array: garbage, or a copy of c."""
    m, n = a.shape[how.get("ta", False)], b.shape[not how.get("tb", False)]
    out = np.full((m, n), 7, a.dtype) if c is None else c.copy()
    kernels.matmul(a, b, out, **how)
    return out


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_answer(shape, dtype):
    """All variants, threads, transposes and epilogues at the edges of tiles, panels and chunks; close to NumPy."""
    m, k, n = shape
    plain = {}
    for ta, tb in itertools.product((False, True), repeat=2):
        a, b, bias, c = arrays(*shape, dtype, ta, tb)
        for how in (
            {},
            {"bias": bias, "activation": "relu"},
            {"bias": bias, "activation": "tanh"},
            {"activation": "sigmoid"},
            {"c": c, "accumulate": True},
        ):
            (naive,) = assert_one_answer(lambda a=a, b=b, how=how: product(a, b, ta=ta, tb=tb, **how), threads=(1,))
            key = str(how.get("activation")), "c" in how
            assert bits(naive) == plain.setdefault(key, bits(naive)), "the answer depends on the layout"
            error = np.abs(naive - product(a, b, reference, ta=ta, tb=tb, **how))
            size = np.abs(a.T if ta else a) @ np.abs(b.T if tb else b) + 4
            assert (error <= 4 * math.sqrt(k + 1) * np.finfo(dtype).eps * size).all()


@pytest.mark.parametrize("dtype", REAL)
def test_the_order_is_the_contract(dtype):
    """The naive twin, recomputed in exact fractions: chains per chunk of 4 KiB; 32 lanes and halves where n is 1."""
    chunk = 4096 // np.dtype(dtype).itemsize
    a, b, _, _ = arrays(1, chunk + 40, 2, dtype)
    real = np.float64 if dtype is np.float64 else np.float32

    def rounded(x):
        return float(nearest(x, real))

    def chain(x, y):
        total = Fraction(0)
        for p, q in zip(x.tolist(), y.tolist(), strict=True):
            total = Fraction(rounded(Fraction(p) * Fraction(q) + total))
        return total

    def lanes(x, y):
        lane = [chain(x[i::32], y[i::32]) for i in range(32)]
        while len(lane) > 1:
            half = len(lane) // 2
            lane = [Fraction(rounded(lane[i] + lane[i + half])) for i in range(half)]
        return lane[0]

    parts = [slice(0, chunk), slice(chunk, None)]
    for way, columns in ((chain, b), (lanes, b[:, :1])):
        (got,) = assert_one_answer(lambda columns=columns: product(a, columns))
        for j in range(columns.shape[1]):
            x, y = (way(a[0, part], columns[part, j]) for part in parts)
            assert got[0, j] == rounded(x + y)


def nearest(x, real):
    """The float nearest to a fraction: float() rounds to double once; single needs the tie looked at exactly."""
    if real is np.float64:
        return float(x)
    near = np.float32(float(x))
    around = [near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))]
    return min(around, key=lambda y: (abs(Fraction(float(y)) - x), int(y.view(np.uint32)) & 1))


@pytest.mark.parametrize(
    "shape", [(32, 784, 64), (130, 60, 200), (200, 130, 130), (65, 520, 300), (900, 70, 1), (3, 90, 600)]
)
def test_threads_change_nothing(shape):
    """Large enough for threads and for copies of a and b; tuned variants against each other, as naive is slow here."""
    for ta, tb in itertools.product((False, True), repeat=2):
        a, b, bias, c = arrays(*shape, np.float32, ta, tb)
        answers = {
            bits(product(a, b, ta=ta, tb=tb, **how))
            for variant, _ in every_variant()
            if variant not in ("naive", "generic")
            for how in ({"bias": bias, "activation": "sigmoid"},)
        }
        assert len(answers) <= 1


@pytest.mark.parametrize("dtype", REAL)
def test_layout_changes_nothing(dtype):
    """Transposed, Fortran, every second, backwards, broadcast: the bits of the contiguous copy."""
    r = np.random.default_rng(1)
    big = r.standard_normal((150, 170)).astype(dtype)
    for m, k, n in [(17, 40, 35), (70, 64, 50), (33, 45, 1), (1, 70, 33)]:
        views = {
            "every second": lambda m, n: big[: 2 * m : 2, : 2 * n : 2],
            "backwards": lambda m, n: big[m - 1 :: -1, n - 1 :: -1],
            "fortran": lambda m, n: np.asfortranarray(big[:m, :n]),
            "row broadcast": lambda m, n: np.broadcast_to(big[0, :n], (m, n)),
            "column broadcast": lambda m, n: np.broadcast_to(big[:m, :1], (m, n)),
        }
        for x, y in itertools.product(views.values(), repeat=2):
            a, b = x(m, k), y(k, n)
            expected = bits(product(np.ascontiguousarray(a), np.ascontiguousarray(b)))
            assert bits(product(a, b)) == expected
            assert bits(product(a.T, b.T, ta=True, tb=True)) == expected


def test_padded_rows_change_nothing():
    """Row strides of 2 and 4 KiB are where operands are copied."""
    r = np.random.default_rng(2)
    for row in (512, 1024):
        a, b = (r.standard_normal((s, row)).astype(np.float32)[:, :150] for s in (130, 150))
        expected = bits(product(a.copy(), b.copy()))
        for ta, tb in itertools.product((False, True), repeat=2):
            x = r.standard_normal((150, row)).astype(np.float32)[:, :130] if ta else a
            x[...] = a.T if ta else a
            y = r.standard_normal((150, row)).astype(np.float32)[:, :150] if tb else b
            y[...] = b.T if tb else b
            assert bits(product(x, y, ta=ta, tb=tb)) == expected


@pytest.mark.parametrize("n", [1, 10, 40, 300])
@pytest.mark.parametrize("tb", [False, True])
def test_a_row_does_not_depend_on_the_others(n, tb):
    a, b, bias, _ = arrays(90, 100, n, np.float32, tb=tb)
    whole = product(a, b, tb=tb, bias=bias)
    for m in (1, 2, 3, 4, 15, 25, 64, 89):
        assert bits(product(a[:m], b, tb=tb, bias=bias)) == bits(whole[:m])


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("shape", [(13, 12, 17), (20, 33, 1), (61, 1, 1), (17, 40, 33)], ids=str)
def test_special_numbers(shape, dtype):
    """NaN, infinities, zeros of both signs, denormals, overflow; nothing is skipped because it is 0."""
    m, k, n = shape
    r = np.random.default_rng(3)
    with np.errstate(over="ignore"):
        special = np.array(SPECIALS).astype(dtype)
    for share in (0.02, 0.5):
        a, b, bias, c = arrays(*shape, dtype)
        for x in (a, b, bias, c):
            x[...] = np.where(r.random(x.shape) < share, r.choice(special, x.shape), x)
        for ta, tb in itertools.product((False, True), repeat=2):
            x, y = np.ascontiguousarray(a.T) if ta else a, np.ascontiguousarray(b.T) if tb else b
            for how in ({"bias": bias, "activation": "relu"}, {"activation": "tanh"}, {"c": c, "accumulate": True}):
                assert_one_answer(lambda x=x, y=y, how=how: product(x, y, ta=ta, tb=tb, **how), threads=(1,))
    zero, infinite = np.zeros((m, k), dtype), np.full((k, n), np.inf, dtype)
    assert np.isnan(product(zero, infinite)).all()
    tiny = np.full((m, k), np.finfo(dtype).smallest_subnormal)
    assert (product(tiny, np.ones((k, n), dtype)) == k * np.finfo(dtype).smallest_subnormal).all()


@pytest.mark.parametrize("dtype", REAL)
def test_one_column_times_one_number(dtype):
    """k = 1: the 31 lanes without a product turn a -0 into +0; in a batch of dot products each row has its own."""
    tiny = np.full((37, 1), -np.finfo(dtype).tiny)
    (y,) = assert_one_answer(lambda: product(tiny, -tiny[:1]), threads=(1,))
    assert not y.any()
    assert not np.signbit(y).any()
    a, b, _, c = arrays(70_000, 1, 1, dtype)
    own = b[0, 0] + np.arange(70_000, dtype=dtype).reshape(-1, 1, 1)
    for how in ({}, {"accumulate": True}):
        (y,) = assert_one_answer(lambda how=how: product(a, b, c=c, **how))
        assert (y == a * b + (c if how else 0)).all()
        out = np.zeros((70_000, 1, 1), dtype)
        assert_one_answer(lambda out=out: K.matmul(a[:, :, None], own, out) or out.copy())
        assert (out == a[:, :, None] * own).all()


@pytest.mark.parametrize("dtype", REAL)
def test_lanes_beyond_k_keep_the_sign_of_their_zero(dtype):
    """Products that underflow to -0 in all 32 lanes; k = 37, 69 leave 27 lanes without a second or third one."""
    tiny = np.full((3, 37), -np.finfo(dtype).tiny)
    wide = np.full((130, 69), tiny[0, 0])
    (y,) = assert_one_answer(lambda: product(wide.T.copy().T, -wide[:1].T), threads=(1,))
    assert np.signbit(y).all()
    for a in (tiny, np.asfortranarray(tiny)):
        (y,) = assert_one_answer(lambda a=a: product(a, -tiny[:1].T), threads=(1,))
        assert np.signbit(y).all()


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize(("m", "k"), [(20, 27000), (100, 5200), (61, 18000), (7, 80000), (600, 1000), (601, 1000)])
def test_columns_from_beyond_the_cache(m, k, dtype):
    """Over 2 MiB, the columns of a contiguous: other ways through a, the same lanes."""
    a, b, _, _ = arrays(m, k, 1, dtype, ta=True)
    assert_one_answer(lambda: product(a, b, ta=True), threads=(1, 2))


def test_no_products_make_zeros():
    bias = np.array([-1, 0, 2], np.float32)
    a, b = np.empty((2, 0), np.float32), np.empty((0, 3), np.float32)
    assert (product(a, b) == 0).all()
    assert (product(a, b, bias=bias, activation="relu") == [0, 0, 2]).all()
    assert (product(a, b, c=np.ones((2, 3), np.float32), accumulate=True) == 1).all()


def test_accumulate_adds_the_finished_product():
    """With k over a chunk: c + (chunk + chunk), not (c + chunk) + chunk."""
    a, b, _, c = arrays(5, 1500, 9, np.float32)
    assert bits(product(a, b, c=c, accumulate=True)) == bits(c + product(a, b))


X = np.ones((3, 4), np.float32)
Y = np.ones((4, 2), np.float32)
OUT = np.zeros((3, 2), np.float32)


def misaligned(shape):
    size = 4 * math.prod(shape)
    return np.zeros(size + 1, np.uint8)[1:].view(np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("a", "b", "out", "how", "error", "says"),
    [
        (X, Y[:3], OUT, {}, ShapeError, r"a is \(3, 4\), b is \(3, 2\); need a.shape\[1\] == b.shape\[0\]"),
        (X, Y, OUT, {"ta": True}, ShapeError, r"need a.shape\[0\] == b.shape\[0\]"),
        (X, Y, OUT, {"tb": True}, ShapeError, r"need a.shape\[1\] == b.shape\[1\]"),
        (X, Y, OUT.T, {}, ShapeError, r"need out \(3, 2\)"),
        (X[0], Y, OUT, {}, ShapeError, "two dimensions"),
        (np.array(1, np.float32), Y, OUT, {}, ShapeError, "two dimensions"),
        (X, Y, OUT, {"bias": np.zeros(3, np.float32)}, ShapeError, r"need bias \(2,\)"),
        (X.astype(np.float64), Y, OUT, {}, DTypeError, "a is float64, b is float32"),
        (X.astype(int), Y.astype(int), OUT.astype(int), {}, DTypeError, "float32 or float64"),
        (X, Y, OUT, {"bias": np.zeros(2)}, DTypeError, "bias is float64"),
        (misaligned((3, 4)), Y, OUT, {}, ValueError, "misaligned"),
        (X.astype(">f4"), Y, OUT, {}, ValueError, "byte-swapped"),
        (X, Y, np.zeros((3, 4), np.float32)[:, ::2], {}, ValueError, "C-contiguous"),
        (X, Y, OUT, {"activation": "gelu"}, ValueError, "'relu', 'tanh' or 'sigmoid'"),
        (X, Y, OUT, {"accumulate": True, "activation": "relu"}, ValueError, "neither bias nor activation"),
        (None, Y, OUT, {}, TypeError, "None"),
        ([[1.0]], Y, OUT, {}, TypeError, "ndarray"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(a, b, out, how, error, says):
    before = out.copy()
    with pytest.raises(error, match=says):
        K.matmul(a, b, out, **how)
    assert bits(out) == bits(before)


def test_out_must_be_writable_and_apart():
    frozen = OUT.copy()
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        K.matmul(X, Y, frozen)
    square = np.ones((4, 4), np.float32)
    for a, b, how in [
        (square, square.copy(), {}),
        (square.copy(), square[::-1, ::-1], {}),
        (Y.T, Y, {"bias": square[0]}),
    ]:
        out = square if not how else square.reshape(-1)[:4].reshape(2, 2)
        how = {key: value[:2] for key, value in how.items()}
        with pytest.raises(ValueError, match="shares memory"):
            K.matmul(a, b, out, **how)


def test_no_memory_is_an_exception():
    """Scratch for the finished product before it is added; nothing that large exists."""
    resource = pytest.importorskip("resource")
    a = np.broadcast_to(np.float32(1), (20_000, 2000))
    out = np.zeros((20_000, 9000), np.float32)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000, before[1]))
        with pytest.raises(MemoryError, match="matmul"):
            K.matmul(a, np.broadcast_to(np.float32(1), (2000, 9000)), out, accumulate=True)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert not out[::1000].any()
