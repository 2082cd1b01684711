"""empty and its kin, alike, broadcast, contiguous: shapes, dtypes, layouts, and where memory begins."""

import tracemalloc

import numpy as np
import pytest
from kernels.twins import bits

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
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.dtype("f4"), "f8", float, np.int64, np.uint8, bool])
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
        (x, (3, 5, 4)),
        (x, (2, 3, 1, 4)),
        (x[..., ::-2], (3, 2, 2)),
        (x[:, :, :1], (3, 7, 9)),
        (x[:0], (0, 2, 4)),
        (x[0, 0, 0, ...], ()),
        (x[0, 0, 0, ...], (2, 0)),
        (x, (1,) * 9 + (3, 1, 4)),
        (x, (3, 0, 4)),
    ]:
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
        (x, x, (3, 4), np.float32),
        (x, y, (2, 3, 4), np.float64),
        (x, 2.0, (3, 4), np.float32),
        (True, y, (2, 1, 4), np.float64),
        (x.T, x.T, (4, 3), np.float32),
        (x[:0], 1, (0, 4), np.float32),
    ]:
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


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "?", ">f4"])
def test_empty_like(dtype):
    for x in np.ones((2, 3), dtype), np.ones((4, 6), dtype).T[::2], np.ones((), dtype), np.ones((1,) * 10, dtype):
        y, z = K.empty_like(x), reference.empty_like(x)
        assert (y.shape, y.dtype, y.flags.c_contiguous) == (z.shape, z.dtype, True) == (x.shape, x.dtype, True)
        assert y.flags.writeable and not np.shares_memory(x, y)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", ">f4"])
def test_empty_product(dtype):
    a, b = np.ones((2, 3), dtype), np.ones((3, 5), dtype)
    for ta in False, True:
        for tb in False, True:
            x, w = a.T if ta else a, b.T if tb else b
            for kernel in K.empty_product, reference.empty_product:
                y = kernel(x, w, ta, tb)
                assert (y.shape, y.dtype, y.flags.c_contiguous) == ((2, 5), a.dtype, True)
    for kernel in K.empty_product, reference.empty_product:
        for x, w in (a[0], b), (a, b[0]), (a[None], b):
            with pytest.raises(ShapeError, match="need two matrices"):
                kernel(x, w)


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


@pytest.mark.parametrize("sizes", [(2, 3, 4), (2, 3, 130), (3, 40, 700)])  # short rows, long rows, large pieces
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "?", "u1"])
def test_join(dtype, sizes):
    """Along every axis, pieces of any size, none and those that lack the axis among them."""
    for axis in range(3):
        shapes = [tuple(n if i == axis else m for i, m in enumerate(sizes)) for n in (1, 0, 5, 2)]
        xs = [np.arange(np.prod(shape)).reshape(shape).astype(dtype) for shape in shapes]
        expected = np.concatenate(xs, axis)
        slices = [x.sum(axis).astype(dtype) for x in xs]
        for kernel in K.join, reference.join:
            out = np.empty_like(expected)
            kernel(xs, out, axis)
            np.testing.assert_array_equal(out, expected)
            piled = np.empty(np.stack(slices, axis).shape, dtype)
            kernel(slices, piled, axis)
            np.testing.assert_array_equal(piled, np.stack(slices, axis))
    empty = np.empty((0, 3, 2), dtype)
    K.join([np.empty((0, 1, 2), dtype), np.empty((0, 2, 2), dtype)], empty, 1)


def test_join_refuses_before_it_writes():
    x, out = np.ones((2, 3), np.float32), np.zeros((5, 3), np.float32)
    cases = [
        ([x, x], out, 0, ShapeError),
        ([x, x[:, :2]], out, 0, ShapeError),
        ([x, x, x[0, 0, ...]], out, 0, ShapeError),
        ([x, x, x[:1].astype("f8")], out, 0, DTypeError),
        ([x, np.ones((3, 3), object)], out, 0, DTypeError),
        ([x, out[:3]], out, 0, ValueError),
        ([x, np.ones((3, 6), np.float32)[:, ::2]], out, 0, ValueError),
        ([x, None], out, 0, TypeError),
        ([x, x], out, 2, ShapeError),
        ([x, x], out, -1, ShapeError),
        ([x, x, x[:1]], out[:, ::-1], 0, ValueError),
        ([x], np.ones(3), 0, (ShapeError, DTypeError)),
    ]
    for xs, target, axis, error in cases:
        with pytest.raises(error, match="join"):
            K.join(xs, target, axis)
        assert not out.any()
