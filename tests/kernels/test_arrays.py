"""empty and its kin, broadcast, contiguous, take, add_at, place: shapes, dtypes, layouts; wrong indices are errors."""

import tracemalloc

import numpy as np
import pytest
from kernels.twins import assert_one_answer, bits

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference


@pytest.fixture(autouse=True)
def native():
    if K.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    with K.use_backend("native"):
        yield


@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 4), (2,) * 12, [2, 3], 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.dtype("f4"), "f8", float, np.int64, bool])
def test_empty(shape, dtype):
    x = K.empty(shape, dtype)
    y = np.empty(shape, dtype)
    assert (x.shape, x.dtype, x.strides) == (y.shape, y.dtype, y.strides)
    assert x.flags.writeable
    assert type(x.base) is not np.ndarray  # which the engine takes for a view


def test_large_arrays_start_on_a_cache_line_and_are_freed():
    tracemalloc.start()
    try:
        for n in (511, 512, 513, 5000):
            x = K.empty((n,), np.float32)
            assert n < 512 or x.ctypes.data % 64 == 0
            x[...] = 1  # all of it is there
            part = x[1:]
            del x
            assert (part == 1).all()
        before = tracemalloc.get_traced_memory()[0]
        y = K.empty((1 << 20,), np.float64)
        assert tracemalloc.get_traced_memory()[0] - before >= 8 << 20
        del y
        assert tracemalloc.get_traced_memory()[0] - before < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "?", "S3", ">f8"])
def test_broadcast(dtype):
    x = np.arange(12).reshape(3, 1, 4).astype(dtype)
    for a, shape in [
        (x, (3, 5, 4)), (x, (2, 3, 1, 4)), (x[..., ::-2], (3, 2, 2)), (x[:, :, :1], (3, 7, 9)), (x[:0], (0, 2, 4)),
        (x[0, 0, 0, ...], ()), (x[0, 0, 0, ...], (2, 0)), (x, (1,) * 9 + (3, 1, 4)), (x, (3, 0, 4)),
    ]:  # fmt: skip
        y, expected = K.broadcast(a, shape), np.broadcast_to(a, shape)
        assert (y.shape, y.dtype, y.flags.writeable) == (expected.shape, expected.dtype, False)
        np.testing.assert_array_equal(y, expected)
        assert np.shares_memory(y, a) or not y.size
    for shape in (3, 5), (2, 1, 4), (3, 1, -4), (4,), (2**62, 3, 1, 4), (2**40, 2**40, 3, 1, 4), (3, 2**62, 4):
        with pytest.raises(ValueError):
            K.broadcast(x, shape)
    with pytest.raises(ValueError):
        K.broadcast(np.broadcast_to(x[0], (5, 4)), (7, 4))
    with pytest.raises(TypeError):
        K.broadcast(x, [3, 5, 4])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", ">f8"])
def test_broadcast_with_new_axes_inside(dtype):
    x = np.arange(12).reshape(3, 4).astype(dtype)
    for a, shape, at in [(x, (3, 5, 4), 1), (x, (3, 4, 5), 2), (x, (3, 2, 6, 4), 1), (x[:, :1], (3, 2, 4), 1)]:
        new = (1,) * (len(shape) - a.ndim)
        expected = np.broadcast_to(a.reshape(a.shape[:at] + new + a.shape[at:]), shape)
        for kernel in K.broadcast, reference.broadcast:
            y = kernel(a, shape, at)
            assert (y.shape, y.dtype, y.flags.writeable) == (expected.shape, expected.dtype, False)
            np.testing.assert_array_equal(y, expected)
    for shape, at in ((3, 5, 4), 2), ((3, 5, 4), 3), ((3, -5, 4), 1), ((3,), 1):
        with pytest.raises(ValueError):
            K.broadcast(x, shape, at)


def test_empty_refuses():
    for shape in (-1,), (2**62, 2**62), (2**70,):
        with pytest.raises((ValueError, OverflowError, MemoryError)):
            K.empty(shape, np.float32)
    with pytest.raises(TypeError):
        K.empty(("2",), np.float32)


def test_empty_for():
    x, y = np.ones((3, 4), np.float32), np.ones((2, 1, 4))
    for a, b, shape, dtype in [
        (x, x, (3, 4), np.float32), (x, y, (2, 3, 4), np.float64), (x, 2.0, (3, 4), np.float32),
        (True, y, (2, 1, 4), np.float64), (x.T, x.T, (4, 3), np.float32), (x[:0], 1, (0, 4), np.float32),
    ]:  # fmt: skip
        z = K.empty_for(a, b)
        assert (z.shape, z.dtype, z.flags.c_contiguous) == (shape, dtype, True)
    for a, b in (x, y.astype("f4")), (x[:, :1], x[:1]), (x[:0], x[:1]), (x[0], x[:, :1]), (x[0, 0, ...], x):
        z, expected = K.empty_for(a, b), reference.empty_for(a, b)
        assert (z.shape, z.dtype, z.flags.c_contiguous) == (expected.shape, expected.dtype, True)
    for b in np.ones((3, 5)), np.ones((3, 5), np.float32), np.ones((2, 1, 5), np.float32), np.ones((0, 4), np.float32):
        with pytest.raises(ShapeError):
            K.empty_for(x, b)
    with pytest.raises(DTypeError):
        K.empty_for(np.ones((3, 1), np.int64), np.ones(4, np.int64))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_empty_reduced(dtype):
    for x in np.ones((2, 3, 4), dtype), np.ones((2, 0, 4), dtype), np.ones((), dtype), np.ones((1,) * 10, dtype):
        for first in range(x.ndim + 1):
            for last in range(first, x.ndim + 1):
                for keepdim in False, True:
                    y = K.empty_reduced(x, first, last, keepdim)
                    z = reference.empty_reduced(x, first, last, keepdim)
                    expected = np.sum(x, axis=tuple(range(first, last)), keepdims=keepdim).shape
                    assert (y.shape, y.dtype) == (z.shape, z.dtype) == (expected, x.dtype)


def test_alike():
    x = np.ones((2, 3), np.float32)
    for kernel in K.alike, reference.alike:
        assert kernel(x, x) and kernel(x, np.zeros((3, 2), np.float32).T)
        for other in x.astype("f8"), x.astype(">f4"), x[:1], x.ravel(), x[..., None]:
            assert not kernel(x, other) and not kernel(other, x)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "?", "c8", "S3", ">f4", ">i8"])
def test_contiguous(dtype):
    x = np.arange(24).reshape(4, 6).astype(dtype)
    misaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
    misaligned[...] = x
    for a in x, x.T, x[::2, ::-1], x[:0], x[0, 0, ...], misaligned, np.broadcast_to(x[0], (3, 6)):
        y = K.contiguous(a)
        assert (y is a) == (a.flags.c_contiguous and a.flags.aligned and a.dtype.isnative)
        assert y.flags.c_contiguous
        assert y.flags.aligned
        assert y.dtype == a.dtype.newbyteorder("=")
        np.testing.assert_array_equal(y, a)
        assert bits(y) == bits(a.astype(y.dtype))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "?", "c16", "S3"])
@pytest.mark.parametrize("trailing", [(), (1,), (5,), (2, 3)])
@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (2, 3), ()])
def test_take(dtype, trailing, shape):
    x = np.random.default_rng(5).integers(0, 100, (9, *trailing)).astype(dtype)
    index = np.random.default_rng(6).integers(0, 9, shape)

    def compute():
        out = np.zeros((*shape, *trailing), dtype)
        K.take(x, np.asarray(index, np.int64), out)
        return out

    (y,) = assert_one_answer(compute, threads=(1,))
    assert y.tobytes() == np.asarray(x[index], dtype).tobytes()


def test_take_with_threads():
    x = np.random.default_rng(7).standard_normal((1000, 130)).astype(np.float32)
    index = np.random.default_rng(8).integers(0, 1000, 2001)

    def compute():
        out = np.zeros((2001, 130), np.float32)
        K.take(x, index, out)
        return out

    (y,) = assert_one_answer(compute)
    assert y.tobytes() == x[index].tobytes()


def test_take_refuses_before_it_writes():
    x, out = np.ones((4, 3), np.float32), np.zeros((2, 3), np.float32)
    for wrong in [0, 4], [-1, 0], [2**40, 0], [0, -(2**63)]:
        with pytest.raises(IndexError, match="take"):
            K.take(x, np.array(wrong), out)
    with pytest.raises(IndexError):
        K.take(x[:0], np.zeros(2, np.int64), out)
    for index in np.zeros(2, np.int32), np.zeros(2), np.zeros(2, bool):
        with pytest.raises(DTypeError):
            K.take(x, index, out)
    index = np.zeros(2, np.int64)
    scalar = x[0, 0, ...]
    for a, where, target in (x, index, out[:1]), (x, index, out.T), (x, index[:, None], out), (scalar, index, out):
        with pytest.raises(ShapeError):
            K.take(a, where, target)
    with pytest.raises(DTypeError):
        K.take(x.astype(np.float64), index, out)
    with pytest.raises(DTypeError):
        K.take(x.astype(object), index, out.astype(object))
    gaps = np.zeros((2, 6), np.float32)[:, ::2]
    for a, where, target in (np.asfortranarray(x), index, out), (x, np.zeros(4, np.int64)[::2], out), (x, index, gaps):
        with pytest.raises(ValueError, match="contiguous"):
            K.take(a, where, target)
    with pytest.raises(ValueError, match="shares"):
        K.take(x, index, x[1:3])
    assert not out.any()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(0,), (6,), (2, 3), ()])
def test_take_and_add_at_along_an_axis(axis, shape):
    r = np.random.default_rng(9)
    few = r.standard_normal((4, 5, 17))
    index = r.integers(0, few.shape[axis], shape)
    many = r.standard_normal(few.shape[:axis] + shape + few.shape[axis + 1 :])

    def compute(table=K):
        taken, added = np.empty_like(many), few.copy()
        table.take(few, index, taken, axis)
        table.add_at(many, index, added, axis)
        return taken, added

    taken, added = assert_one_answer(compute, threads=(1,))
    assert bits(taken) == bits(np.take(few, index, axis))
    for got, expected in zip((taken, added), compute(reference)):
        assert bits(got) == bits(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 33, 100])
def test_add_at_adds_in_the_order_of_the_index(dtype, width):
    """Numbers of every size, many for each row: another order would give other bits."""
    r = np.random.default_rng(width)
    index = r.integers(0, 7, 70000 // width)
    x = (r.standard_normal((len(index), width)) * 10.0 ** r.integers(-6, 6, (len(index), width))).astype(dtype)
    x[5, 0], x[6, -1] = np.nan, np.inf

    def compute():
        out = np.full((7, width), 0.1, dtype)
        K.add_at(x, index, out)
        return out

    (y,) = assert_one_answer(compute)
    expected = np.full((7, width), 0.1, dtype)
    for i, row in zip(index, x):
        expected[i] += row
    assert bits(y) == bits(expected)


def test_threads_of_add_at_share_outer_axes_too():
    r = np.random.default_rng(11)
    x, index = r.standard_normal((9, 3000, 3)).astype(np.float32), r.integers(0, 5, 3000)

    def compute():
        out = np.zeros((9, 5, 3), np.float32)
        K.add_at(x, index, out, 1)
        return out

    assert_one_answer(compute)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "i2", "?", "c16", "S3"])
def test_place(dtype):
    """Into views of every kind: what lies between their items stays."""
    views = [
        np.s_[...], np.s_[2:7], np.s_[:, 1:4], np.s_[:, :, 2:5], np.s_[::-1], np.s_[::2, ::-2, ::3], np.s_[1, :, 1],
        np.s_[0:0], np.s_[3, 4, 5, ...], np.s_[:, 0], np.s_[..., None, 0, :],
    ]  # fmt: skip
    for view in views:
        for transposed in False, True:
            before = np.random.default_rng(3).integers(0, 100, (8, 6, 70)).astype(dtype)

            def compute(place=K.place):
                whole = before.copy()
                out = (whole.T if transposed else whole)[view]
                x = np.random.default_rng(4).integers(0, 100, out.shape).astype(dtype)
                place(x, out)
                return whole

            (y,) = assert_one_answer(compute, threads=(1,))
            assert y.tobytes() == compute(reference.place).tobytes(), view


def test_place_with_threads():
    x = np.random.default_rng(12).standard_normal((3, 70, 500)).astype(np.float32)

    def compute():
        whole = np.zeros((4, 100, 1000), np.float32)
        K.place(x, whole[1:, ::-1, ::2][:, :70])
        K.place(x[0], whole[0, 30:, 500:])
        return whole

    (y,) = assert_one_answer(compute)
    assert y[3, 99, 0] == x[2, 0, 0]
    assert y[0, 99, 999] == x[0, 69, 499]


def test_add_at_and_place_refuse_before_they_write():
    x, out, index = np.ones((2, 3)), np.zeros((4, 3)), np.zeros(2, np.int64)
    for wrong in [0, 4], [-1, 0]:
        with pytest.raises(IndexError, match="add_at"):
            K.add_at(x, np.array(wrong), out)
    for a, where, target, axis in (x, index[:1], out, 0), (x, index, out[:, :2].copy(), 0), (x, index, out, 2):
        with pytest.raises(ShapeError):
            K.add_at(a, where, target, axis)
    for a, target in (x.astype(np.int64), out.astype(np.int64)), (x.astype(np.float32), out):
        with pytest.raises(DTypeError):
            K.add_at(a, index, target)
    with pytest.raises(ValueError, match="shares"):
        K.add_at(out[:2], index, out)
    for a, target, error in [
        (x, out, ShapeError), (x.astype(np.float32), out[:2], DTypeError), (x.T.copy().T, out[:2], ValueError),
        (out[1:3], out[:2], ValueError), (x, np.broadcast_to(out[0], (2, 3)), ValueError),
        (x, np.lib.stride_tricks.as_strided(out, (2, 3), (0, 8)), ValueError),
        (x.astype(object), out[:2].astype(object), DTypeError),
    ]:  # fmt: skip
        with pytest.raises(error, match="place"):
            K.place(a, target)
    assert not out.any()


def test_nothing_shares_memory_with_anything():
    """An empty array has strides, which lead to no element: whatever lies there is not shared."""
    base = np.arange(100.0)
    x, out = base[45:45].reshape(0, 10), base[52:92].reshape(4, 10)[:0]
    K.place(x, out)
    K.place(x[:, ::2], out[:, ::2])
    K.add(x, x, out)
    assert base.tolist() == list(range(100))
