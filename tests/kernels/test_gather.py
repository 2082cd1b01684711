"""take, add_at, place: shapes, dtypes, layouts; wrong indices are errors."""

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
        np.s_[...],
        np.s_[2:7],
        np.s_[:, 1:4],
        np.s_[:, :, 2:5],
        np.s_[::-1],
        np.s_[::2, ::-2, ::3],
        np.s_[1, :, 1],
        np.s_[0:0],
        np.s_[3, 4, 5, ...],
        np.s_[:, 0],
        np.s_[..., None, 0, :],
    ]
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
        (x, out, ShapeError),
        (x.astype(np.float32), out[:2], DTypeError),
        (x.T.copy().T, out[:2], ValueError),
        (out[1:3], out[:2], ValueError),
        (x, np.broadcast_to(out[0], (2, 3)), ValueError),
        (x, np.lib.stride_tricks.as_strided(out, (2, 3), (0, 8)), ValueError),
        (x.astype(object), out[:2].astype(object), DTypeError),
    ]:
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


def test_class_places():
    labels = np.random.default_rng(3).integers(0, 7, 1000)

    def compute(table=K):
        out = np.empty(1000, np.int64)
        table.class_places(labels, out, 7)
        return out

    (places,) = assert_one_answer(compute, threads=(1,))
    assert (places == np.arange(1000) * 7 + labels).all()
    assert (compute(reference) == places).all()
    for wrong in (-1, 7):
        for table in (K, reference):
            with pytest.raises(IndexError, match="class_places: index"):
                table.class_places(np.array([0, wrong]), np.empty(2, np.int64), 7)
    with pytest.raises(ShapeError, match="two vectors of one size"):
        K.class_places(labels, np.empty(3, np.int64), 7)
    with pytest.raises(DTypeError, match="out is float64"):
        K.class_places(labels, np.empty(1000), 7)
