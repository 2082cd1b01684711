"""groups: every variant equals the naive twin, and the reference but for the order of sums; the map is optimal."""

import numpy as np
import pytest
from kernels.twins import SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

pytestmark = needs_native
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# (shape, first, last): the whole, rows, columns, a middle axis; around the widths of vectors, lanes and chunks
LAYOUTS = [
    ((0,), 0, 1),
    ((1,), 0, 1),
    ((1025,), 0, 1),
    ((), 0, 0),
    ((5,), 0, 0),
    ((7, 9), 1, 2),
    ((3, 65), 1, 2),
    ((4, 1030), 1, 2),
    ((2, 0), 1, 2),
    ((9, 7), 0, 1),
    ((65, 3), 0, 1),
    ((1030, 17), 0, 1),
    ((2100, 5), 0, 1),
    ((6, 1), 0, 1),
    ((0, 4), 0, 1),
    ((3, 4, 5), 1, 2),
    ((3, 4, 5), 1, 3),
    ((3, 4, 5), 0, 2),
    ((300, 300), 0, 1),
    ((300, 300), 1, 2),
]


LEVEL = {"lr": 0.1, "root": 1.5, "eps": 1e-8, "scale": 3.0}


def arguments(shape, first, last, dtype, specials=False):
    """x and one step per group; some groups are small, and one is zero."""
    rng = np.random.default_rng(len(shape) + sum(shape))
    groups = shape[:first] + shape[last:]
    sizes = rng.choice([0.0, 0.01, 1.0], groups).reshape(shape[:first] + (1,) * (last - first) + shape[last:])
    x = np.asarray(rng.standard_normal(shape) * sizes, dtype)
    if specials:
        x.reshape(-1)[: len(SPECIALS)] = np.array(SPECIALS)[: x.size].astype(dtype)
    return x, np.asarray(rng.uniform(0, 1, groups), dtype)


def results(kernels, x, step, first, last):
    """What the three kernels make of x."""
    norm = np.empty(step.shape)
    outs = [np.empty_like(x) for _ in range(4)]
    w, level = np.roll(x, 1), np.empty_like(step)
    with np.errstate(all="ignore"):
        kernels.group_norm(x, norm, first, last)
        kernels.group_soft_threshold(x, step, outs[0], first, last, l1=0.0, strength=2.0)
        kernels.group_soft_threshold(x, step, outs[1], first, last, l1=0.3, strength=0.7)
        kernels.group_limit(x, outs[2], first, last, low=0.0, high=0.6)
        kernels.group_limit(x, outs[3], first, last, low=1.0, high=1.0)
        kernels.group_level(w, x[::-1].copy() if x.ndim else x, np.asarray(x * x), level, first, last, **LEVEL)
    return (norm, *outs, w, level)


@both
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("specials", [False, True])
def test_one_answer(layout, dtype, specials):
    shape, first, last = layout
    x, step = arguments(shape, first, last, dtype, specials)
    with K.use_backend("native"):
        native = assert_one_answer(lambda: results(K, x, step, first, last), (1, 2, 3) if x.size > 60_000 else (1,))
    bound = {"rtol": 1e-12, "atol": 1e-14} if dtype == np.float64 else {"rtol": 1e-6, "atol": 1e-30}
    references = results(reference, x, step, first, last)
    for got, expected in zip(native[-2:], references[-2:]):
        assert bits(got) == bits(expected)
    for got, expected in zip(native[:-2], references):
        np.testing.assert_allclose(got, expected, **bound)
        np.testing.assert_array_equal(got == 0, expected == 0)
        assert not np.signbit(got[got == 0]).any()


@both
def test_rows_and_columns_are_summed_in_one_order(dtype):
    """A group gives the same bits, whether its elements are adjacent or a stride apart."""
    x, step = arguments((2100, 5), 0, 1, dtype)
    with K.use_backend("native"):
        columns = results(K, x, step, 0, 1)
        rows = results(K, np.ascontiguousarray(x.T), step, 1, 2)
    assert bits(columns[0]) == bits(rows[0])
    for c, r in zip(columns[1:-2], rows[1:-2]):
        assert bits(c) == bits(r.T)


@both
def test_a_level_group_took_its_smallest_step(backend, dtype):
    """w - before is -lr g / metric for each coordinate, and -lr g / top in the end."""
    rng = np.random.default_rng(3)
    for shape, first, last in LAYOUTS[5:]:
        if 0 in shape:
            continue
        before, g, square = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
        square = square * square
        metric = (np.sqrt(square.astype(np.float64)) * 1.5 + 1e-8) * 3
        top = metric.max(tuple(range(first, last)), keepdims=True)
        w, step = (before - 0.1 * g / metric).astype(dtype), np.empty(shape[:first] + shape[last:], dtype)
        K.group_level(w, before, square, step, first, last, **LEVEL)
        bound = {"rtol": 1e-3, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-11}
        np.testing.assert_allclose(w - before, -0.1 * g / top, **bound)
        np.testing.assert_allclose(step, 0.1 / top.reshape(step.shape), rtol=1e-5)


@both
def test_out_may_be_the_input(backend, dtype):
    for shape, first, last in LAYOUTS[5:12]:
        x, step = arguments(shape, first, last, dtype)
        apart, inside = np.empty_like(x), x.copy()
        K.group_soft_threshold(x, step, apart, first, last, l1=0.2, strength=1.0)
        K.group_soft_threshold(inside, step, inside, first, last, l1=0.2, strength=1.0)
        assert bits(apart) == bits(inside)


@both
def test_the_map_is_optimal(backend, dtype):
    """0 ∈ (w - v)/step + l1 ∂|w| + strength ∂‖w‖: by hand, for groups that stay and groups that go."""
    x, step = arguments((40, 30), 0, 1, dtype)
    w = np.empty_like(x)
    l1, strength = 0.3, 0.9
    K.group_soft_threshold(x, step, w, 0, 1, l1=l1, strength=strength)
    x, w, eps = x.astype(np.float64), w.astype(np.float64), 50 * np.finfo(dtype).eps
    alive = w.any(0)
    assert 5 < alive.sum() < 25
    for j in range(30):
        soft = np.sign(x[:, j]) * np.maximum(np.abs(x[:, j]) - step[j] * np.float64(dtype(l1)), 0)
        if not alive[j]:
            assert np.linalg.norm(soft) <= step[j] * strength * (1 + eps)
            continue
        rest = (x[:, j] - w[:, j]) / step[j] - strength * w[:, j] / np.linalg.norm(w[:, j])
        there = w[:, j] != 0
        np.testing.assert_allclose(rest[there], l1 * np.sign(w[there, j]), atol=eps * 10 / step[j])
        assert (np.abs(rest[~there]) <= l1 * (1 + eps)).all()


@both
def test_limits_of_norms(backend, dtype):
    x = np.array([[3.0, 0.3, 0.0, -0.0], [4.0, 0.4, 0.0, np.nan]], dtype)
    out = np.empty_like(x)
    K.group_limit(x, out, 0, 1, low=0.0, high=1.0)
    np.testing.assert_allclose(out[:, 0], [0.6, 0.8], rtol=1e-6)
    assert bits(out[:, 1]) == bits(x[:, 1])  # inside: untouched
    assert bits(out[:, 2]) == bits(np.zeros(2, dtype))
    assert np.isnan(out[:, 3]).all()
    K.group_limit(x, out, 0, 1, low=1.0, high=1.0)
    np.testing.assert_allclose(np.linalg.norm(out[:, :2], axis=0), 1, rtol=1e-6)
    assert bits(out[:, 2]) == bits(np.zeros(2, dtype))


@pytest.mark.parametrize("shape, first, last", [((5, 700), 1, 2), ((2100, 5), 0, 1), ((5, 3), 1, 2), ((3, 5), 0, 1)])
def test_norms_whose_squares_leave_the_range(shape, first, last):
    """Groups of huge, tiny, ordinary and zero elements side by side: right norms, and one answer."""
    rng = np.random.default_rng(5)
    sizes = np.array([1e200, 1e-200, 1.0, 0.0, 1e-305]).reshape((5, 1) if first else (1, 5))
    plain = rng.standard_normal(shape)
    x, step = plain * sizes, np.full(5, 0.25)
    with K.use_backend("native"):
        native = assert_one_answer(lambda: results(K, x, step, first, last))
    expected = np.sqrt((plain * plain).sum(first)) * sizes.ravel()
    for kernels in (native, results(reference, x, step, first, last)):
        np.testing.assert_allclose(kernels[0], expected, rtol=1e-12)
        shrunk = np.moveaxis(kernels[1], first, 1)  # the group of 1e200 loses nothing, those of 1e-200 all
        np.testing.assert_allclose(shrunk[0], np.moveaxis(x, first, 1)[0], rtol=1e-12)
        assert not shrunk[1].any() and not shrunk[4].any()
        unit = np.moveaxis(kernels[4], first, 1)
        np.testing.assert_allclose(np.sqrt((unit[:3] ** 2).sum(1)), 1, rtol=1e-12)
        assert not unit[3].any()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"v": np.zeros((3, 4), np.int64), "out": np.zeros((3, 4), np.int64)}, DTypeError),
        ({"out": np.zeros((3, 4), np.float32)}, ShapeError),
        ({"out": np.zeros((3, 3))}, ShapeError),
        ({"step": np.zeros(3)}, ShapeError),
        ({"step": np.zeros(4, np.float32)}, DTypeError),
        ({"step": np.zeros(8)[::2]}, ValueError),
        ({"v": np.zeros((4, 3)).T}, ValueError),
        ({"first": -1}, ShapeError),
        ({"last": 3}, ShapeError),
        ({"first": 1, "last": 0}, ShapeError),
        ({"v": None}, TypeError),
    ],
)
def test_bad_arguments_are_refused(change, error):
    a = {"v": np.ones((3, 4)), "step": np.ones(4), "out": np.zeros((3, 4)), "first": 0, "last": 1, **change}
    with K.use_backend("native"), pytest.raises(error):
        K.group_soft_threshold(a["v"], a["step"], a["out"], a["first"], a["last"], l1=0.1, strength=0.1)
    assert not a["out"].any()


def test_norms_are_float64():
    with K.use_backend("native"), pytest.raises(DTypeError, match="need float64"):
        K.group_norm(np.ones((2, 3), np.float32), np.ones(3, np.float32), 0, 1)
