"""Elementwise maps and copies: one answer for all variants, threads and layouts; NumPy's where operations are exact."""

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, every_variant

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

EXACT = ["neg", "abs", "sign", "sqrt", "relu"]
UNARY = [*EXACT, "exp", "log", "tanh", "sigmoid"]
BINARY = ["add", "sub", "mul", "div", "relu_grad", "tanh_grad", "sigmoid_grad"]
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def native():
    if K.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    with K.use_backend("native"):
        yield


def special_pairs(n, dtype):
    """Two arrays of n in which every pair of special values meets, as far as n reaches."""
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype)
    pairs = np.array([(p, q) for p in SPECIALS for q in SPECIALS]).astype(dtype, copy=False)
    k = min(n, len(pairs))
    a[:k], b[:k] = pairs[:k].T
    return a, b


def layouts(x):
    """The matrix x as it stands, in Fortran order, with gaps, reversed, misaligned, byte-swapped, and read-only."""
    gaps = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)[::2, ::3]
    shifted = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    reverse, fixed = x[::-1, ::-1].copy()[::-1, ::-1], x.copy()
    gaps[...] = shifted[...] = x
    fixed.flags.writeable = False
    return [x, np.asfortranarray(x), gaps, reverse, shifted, x.astype(x.dtype.newbyteorder()), fixed]


def call(name, *operands, shape=None, dtype=None, kernels=K):
    """The kernel's result in a new array."""
    x = next(x for x in operands if isinstance(x, np.ndarray))
    out = np.ones(x.shape if shape is None else shape, dtype or x.dtype.newbyteorder("="))
    with np.errstate(all="ignore"):
        getattr(kernels, name)(*operands, out)
    return out


@both
@pytest.mark.parametrize("n", EDGES)
def test_one_answer_and_numpys_bits(native, n, dtype):
    a, b = special_pairs(n, dtype)
    for name in UNARY:
        (y,) = assert_one_answer(lambda name=name: call(name, a), threads=(1,))
        assert name not in EXACT or bits(y) == bits(call(name, a, kernels=reference)), name
    for name in BINARY:
        (y,) = assert_one_answer(lambda name=name: call(name, a, b), threads=(1,))
        assert bits(y) == bits(call(name, a, b, kernels=reference)), name


@both
def test_threads_change_nothing(native, dtype):
    """Blocks of rows, of columns, and of outer axes, all large enough for threads."""
    rng = np.random.default_rng(0)
    flat = rng.standard_normal(100_003).astype(dtype)
    wide, cube = flat[:99_999].reshape(3, -1), flat[:96_000].reshape(20, 60, 80)
    for a, b in [
        (flat, flat[::-1]),
        (flat, 0.1),
        (wide, wide[:, ::-1]),
        (wide, wide[:, :1]),
        (wide.T, wide[0][:, None]),
        (cube, cube[:1, :, :1]),
        (cube.transpose(2, 0, 1), cube[0, 0, :, None, None]),
        (cube, cube[:, :, ::-1]),
    ]:
        (y,) = assert_one_answer(lambda a=a, b=b: call("add", a, b))
        assert bits(y) == bits(a + b)
    for name in UNARY:
        assert_one_answer(lambda name=name: call(name, flat[:40_000]), threads=(1, 3))


@both
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (16, 64), (17, 65), (37, 130), (1, 2000), (2000, 1)])
def test_layouts_equal_the_copy(native, shape, dtype):
    x, z = (np.random.default_rng(i).standard_normal(shape).astype(dtype) for i in (1, 2))
    for variant, _ in every_variant(threads=(1,)):
        for a in layouts(x):
            assert bits(call("relu", a)) == bits(np.where(x > 0, x, 0)), variant
            assert bits(call("copy", a)) == bits(x), variant
            for b in layouts(z):
                assert bits(call("sub", a, b)) == bits(x - z), variant


@both
@pytest.mark.parametrize(
    ("a", "b", "out"),
    [
        ((4, 5), (5,), (4, 5)),
        ((4, 5), (4, 1), (4, 5)),
        ((5,), (4, 1), (4, 5)),
        ((), (3, 4), (3, 4)),
        ((), (), ()),
        ((1, 1), (1,), (2, 3)),
        ((0, 3), (1, 3), (0, 3)),
        ((3, 0), (3, 1), (3, 0)),
        ((2, 1, 4), (3, 1), (2, 3, 4)),
        ((2, 3, 4, 5), (3, 1, 5), (2, 3, 4, 5)),
        ((2,) * 12, (1, 2) * 6, (2,) * 12),
    ],
)
def test_broadcasting(native, a, b, out, dtype):
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal(a).astype(dtype), rng.standard_normal(b).astype(dtype)
    (y,) = assert_one_answer(lambda: call("sub", a, b, shape=out), threads=(1,))
    assert bits(y) == bits(np.broadcast_to(a - b, out))
    assert bits(call("copy", a, shape=out)) == bits(np.broadcast_to(a, out))


def test_numbers_round_at_the_door(native):
    """0.1 is float32(0.1) beside float32, in both backends; integers, booleans and NumPy's scalars are numbers too."""
    x = np.array([1.0, 3.0], np.float32)
    for kernels in K, reference:
        assert bits(call("mul", x, 0.1, kernels=kernels)) == bits(x * np.float32(0.1))
    assert bits(call("sub", 0.1, x)) == bits(np.float32(0.1) - x)
    assert bits(call("add", x, True)) == bits(x + 1)
    assert bits(call("add", x, np.float64(1e300))) == bits(np.array([np.inf, np.inf], np.float32))
    out = np.empty(2)
    K.add(0.1, 0.2, out)
    assert (out == 0.1 + 0.2).all()
    for wrong in "1", None, 1j, [1.0]:
        with pytest.raises(TypeError):
            call("add", x, wrong)


def test_float32_beside_float64(native):
    x, y = np.array([0.1, 0.2], np.float32), np.array([1e-9, 1.0])
    assert bits(call("add", x, y, dtype=np.float64)) == bits(x + y)
    assert bits(call("exp", x, dtype=np.float64)) == bits(call("exp", x.astype(np.float64)))
    with pytest.raises(DTypeError, match=r"float64 \(2,\), out is float32"):
        call("add", x, y, dtype=np.float32)


@pytest.mark.parametrize("source", ["f4", "f8", "f2", "i1", "u1", "i4", "u4", "i8", "u8", "?", ">f4", ">i8"])
@pytest.mark.parametrize("target", ["f4", "f8", "i4", "i8", "u1", "?"])
def test_copy_converts(native, source, target):
    x = np.arange(96).reshape(6, 16).astype(source)
    for a, shape in (x, (6, 16)), (x.T, (16, 6)), (x[::-1, ::2], (6, 8)), (x[:, :1], (6, 16)), (x[0], (3, 16)):
        (y,) = assert_one_answer(lambda a=a, shape=shape: call("copy", a, shape=shape, dtype=target), threads=(1,))
        assert y.tobytes() == np.broadcast_to(a, shape).astype(target).tobytes()


def test_copy_moves_bits_and_fills(native):
    """Integers whose bits are a signalling NaN survive; a number fills; float64 rounds to float32 without a warning."""
    nan_bits = np.array([0x7F800001, 0x7FA00000, 0x7F800001], np.uint32)
    (y,) = assert_one_answer(lambda: call("copy", nan_bits[::2]), threads=(1,))
    assert y.tolist() == [0x7F800001] * 2
    (y,) = assert_one_answer(lambda: call("copy", nan_bits[:1], shape=(3, 40)), threads=(1,))
    assert (y == 0x7F800001).all()
    out = np.empty((3, 3), np.float32)
    K.copy(0.1, out)
    assert (out == np.float32(0.1)).all()
    K.copy(np.array([1e300, 1 + 2.0**-30, -1e-50]), out)
    assert bits(out[0]) == bits(np.array([np.inf, 1, -0.0], np.float32))


@both
def test_in_place_and_overlap(native, dtype):
    """out may be an operand; an operand that overlaps it otherwise is read as it was before."""
    start = np.random.default_rng(4).standard_normal(400).astype(dtype)
    for name in UNARY:
        x = start.copy()
        getattr(K, name)(x, x)
        assert bits(x) == bits(call(name, start))
    for view, out in [
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[398::-1], np.s_[:399]),
        (np.s_[:200], np.s_[200:]),
        (np.s_[:1], np.s_[:200]),
        (np.s_[::2], np.s_[:200]),
    ]:
        x, y = start.copy(), start.copy()
        K.copy(x[view], x[out])
        K.add(y[view], y[view], y[out])
        expected = np.broadcast_to(start[view], x[out].shape)
        assert bits(x[out]) == bits(expected)
        assert bits(y[out]) == bits(2 * expected)
    square = start.reshape(20, 20).copy()
    K.copy(square.T, square)
    assert bits(square) == bits(start.reshape(20, 20).T)


def test_errors_come_before_anything_is_written(native):
    x, y = np.ones((3, 4), np.float32), np.ones(5, np.float32)
    out = np.zeros((3, 4), np.float32)
    for operands in [(x, y), (y, x), (x[:2], x), (np.ones((2, 3, 4), np.float32), 1.0), (x[None], 1.0)]:
        with pytest.raises(ShapeError, match="add"):
            K.add(*operands, out)
    with pytest.raises(ShapeError, match="copy"):
        K.copy(y, out)
    for wrong in x.astype(np.int64), x.astype(np.float16), x > 0, x.astype(complex), x.astype(object):
        with pytest.raises(DTypeError, match="add"):
            K.add(x, wrong, out)
        with pytest.raises(DTypeError, match="exp"):
            K.exp(wrong, out)
    fixed = out.copy()
    fixed.flags.writeable = False
    misaligned = np.zeros(49, np.uint8)[1:].view(np.float32).reshape(3, 4)
    for target in fixed, np.asfortranarray(out), misaligned, out.astype(">f4"):
        for attempt in (lambda t=target: K.add(x, x, t), lambda t=target: K.copy(x, t)):
            with pytest.raises(ValueError, match="out is"):
                attempt()
    with pytest.raises(DTypeError, match="exp"):
        K.exp(x, np.zeros((3, 4), np.int64))
    for target in None, [1.0], 3:
        with pytest.raises(TypeError):
            K.add(x, x, target)
    assert not out.any()
    assert (x == 1).all()


def test_many_axes(native):
    """Axes of length 1 vanish, others are merged or walked."""
    x = np.lib.stride_tricks.as_strided(np.arange(64, dtype=np.float32), (2,) * 10 + (1,) * 50, (4,) * 60)
    assert bits(call("neg", x)) == bits(-x)
    x = np.arange(2**12, dtype=np.float32).reshape((2,) * 12).transpose(range(11, -1, -1))
    assert bits(call("neg", x)) == bits(-x)
