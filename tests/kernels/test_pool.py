"""Pools: every variant and thread count equals the naive twin, which equals NumPy where no sum is rounded."""

import numpy as np
import pytest
from kernels.twins import SPECIALS, assert_one_answer, bits, every_variant, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

pytestmark = needs_native
REAL = [np.float32, np.float64]
# (samples, channels, height, width, kernel, stride, padding, dilation)
CASES = [
    (1, 1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    (2, 3, 6, 7, (2, 2), (2, 2), (0, 0), (1, 1)),
    (2, 3, 7, 70, (3, 3), (2, 2), (1, 1), (1, 1)),
    (2, 3, 9, 33, (3, 2), (1, 1), (1, 1), (1, 1)),
    (1, 2, 9, 40, (2, 4), (3, 3), (1, 2), (1, 1)),
    (3, 1, 5, 5, (5, 5), (1, 1), (2, 2), (1, 1)),
    (2, 2, 12, 20, (2, 3), (1, 2), (0, 2), (2, 2)),
    (2, 2, 5, 6, (4, 4), (4, 5), (2, 2), (1, 1)),
    (0, 3, 6, 6, (2, 2), (2, 2), (0, 0), (1, 1)),
]


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def arrays(case, dtype, ceil=0):
    """x with ties, y, and the options of a call; ceil: windows more that reach beyond x."""
    *shape, kernel, stride, padding, dilation = case
    r = np.random.default_rng([*shape, ceil])
    size = []
    for n, k, s, p, d in zip(shape[2:], kernel, stride, padding, dilation):
        m = (n + 2 * p - d * (k - 1) - 1 + ceil * (s - 1)) // s + 1
        size.append(m - ((m - 1) * s >= n + p))
    x = r.integers(-9, 9, shape).astype(dtype) / 4
    how = {"kernel": kernel, "stride": stride, "padding": padding}
    return x, r.standard_normal((*shape[:2], *size)).astype(dtype), how, {"dilation": dilation}


def largest(x, y, how, kernels=K):
    """The pool of the largest, and what its index takes and puts back."""
    value, index, taken, put = np.full_like(y, 7), np.full(y.shape, 7), np.full_like(y, 7), np.full_like(x, 7)
    kernels.max_pool2d(x, value, index, **how)
    kernels.pool_pick(x, index, taken)
    kernels.pool_put(y, index, put)
    return value, index, taken, put


def means(x, y, how, kernels=K):
    found = []
    for more in {}, {"count_include_pad": False}, {"divisor": 3}:
        value, gradient = np.full_like(y, 7), np.full_like(x, 7)
        kernels.avg_pool2d(x, value, **how, **more)
        kernels.avg_pool2d_grad(y, gradient, **how, **more)
        found += [value, gradient]
    return tuple(found)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_answer(case, dtype, ceil):
    x, y, how, more = arrays(case, dtype, ceil)
    ours = assert_one_answer(lambda: largest(x, y, {**how, **more}), threads=(1,))
    for got, expected in zip(ours, largest(x, y, {**how, **more}, reference)):
        assert bits(got) == bits(expected)
    assert bits(ours[0]) == bits(ours[2])
    if more["dilation"] == (1, 1):
        ours = assert_one_answer(lambda: means(x, y, how), threads=(1,))
        for got, expected in zip(ours, means(x, y, how, reference)):
            np.testing.assert_allclose(
                got, expected, rtol=4 * np.finfo(dtype).eps, atol=1e-6 if got.itemsize == 4 else 1e-14
            )


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 7), (6, 8), (13, 9)])
def test_windows_that_share_a_plane_evenly(dtype, size):
    """Also more windows than places: then places are shared."""
    r = np.random.default_rng(1)
    x, y = (r.standard_normal((2, 3, *s)).astype(dtype) for s in ((6, 7), size))
    how = {"kernel": (0, 0), "stride": (1, 1), "padding": (0, 0)}
    value, gradient = assert_one_answer(lambda: means(x, y, how)[:2], threads=(1,))
    for i in range(size[0]):
        rows = slice(i * 6 // size[0], -(-(i + 1) * 6 // size[0]))
        for j in range(size[1]):
            columns = slice(j * 7 // size[1], -(-(j + 1) * 7 // size[1]))
            np.testing.assert_allclose(value[..., i, j], x[..., rows, columns].mean((2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, means(x, y, how, reference)[1], rtol=1e-5, atol=1e-6)


def test_threads_change_nothing():
    x, y, how, more = arrays((8, 5, 60, 70, (3, 3), (2, 2), (1, 1), (1, 1)), np.float32)
    found = set()
    for variant, _ in every_variant():
        if variant != "naive":
            found.add(tuple(map(bits, largest(x, y, {**how, **more}) + means(x, y, how))))
    assert len(found) == 1


@pytest.mark.parametrize("dtype", REAL)
def test_special_numbers_and_ties(dtype):
    """The first among equals; of NaNs the last, as in PyTorch; a window of -inf has an index too."""
    r = np.random.default_rng(3)
    with np.errstate(over="ignore"):
        special = np.array(SPECIALS).astype(dtype)
    for case in CASES[:8]:
        x, y, how, more = arrays(case, dtype)
        x[...] = np.where(r.random(x.shape) < 0.3, r.choice(special, x.shape), x)
        ours = assert_one_answer(lambda x=x, y=y, how=how, more=more: largest(x, y, {**how, **more}), threads=(1,))
        for got, expected in zip(ours, largest(x, y, {**how, **more}, reference)):
            assert bits(got) == bits(expected)
        if more["dilation"] == (1, 1):
            assert_one_answer(lambda x=x, y=y, how=how: means(x, y, how), threads=(1,))
    x = np.full((1, 1, 2, 2), -np.inf, dtype)
    y, index = np.empty((1, 1, 1, 1), dtype), np.empty((1, 1, 1, 1), np.int64)
    K.max_pool2d(x, y, index, kernel=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    assert (y.item(), index.item()) == (-np.inf, 0)


X, Y, INDEX = np.ones((2, 3, 4, 4)), np.zeros((2, 3, 2, 2)), np.zeros((2, 3, 2, 2), np.int64)
HOW = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}


@pytest.mark.parametrize("wrong", [-1, 16, 2**62, -(2**63)])
def test_an_index_outside_of_its_plane_is_found_at_every_place(wrong):
    """By vectors on most variants: each place of one, and the rest behind the last."""
    y, x = np.ones((1, 19, 2, 2), np.float32), np.full((1, 19, 4, 4), 7, np.float32)
    for _ in every_variant(threads=(1, 2)):
        for place in range(y.size):
            index = np.full(y.shape, 15)
            index.flat[place] = wrong
            for call in (lambda: K.pool_put(y, index, x), lambda: K.pool_pick(x, index, y)):
                with pytest.raises(IndexError, match=rf"index\[{place}\] is {wrong}; need 0 <= index < 16"):
                    call()
        assert (x == 7).all() and (y == 1).all()


def test_bad_input_is_refused_before_anything_is_written():
    y, index, x = Y.copy(), INDEX.copy(), X.copy()
    all_of_it = {**HOW, "dilation": (1, 1)}
    for a, more, error in [
        (X[0], {}, ShapeError),
        (X[:1], {}, ShapeError),
        (X.astype(np.float32), {}, ShapeError),
        (X.swapaxes(2, 3), {}, ValueError),
        (X, {"kernel": (0, 2)}, ValueError),
        (X, {"stride": (0, 2)}, ValueError),
        (X, {"stride": (2,)}, IndexError),
        (X, {"padding": (2, 0)}, ValueError),
        (X, {"stride": (9, 9)}, ValueError),
        (X, {"dilation": (2**40, 1)}, ValueError),
    ]:
        with pytest.raises(error):
            K.max_pool2d(a, y, index, **{**all_of_it, **more})
    with pytest.raises(DTypeError):
        K.avg_pool2d(X.astype(int), y.astype(int), **HOW)
    for more in {"divisor": -1}, {"kernel": (2, 0)}, {"kernel": (-1, -1)}, {"stride": (3, 9)}:
        with pytest.raises(ValueError):
            K.avg_pool2d(x, y, **{**HOW, **more})
    for wrong in INDEX + 16, INDEX - 1:
        with pytest.raises(IndexError, match="index"):
            K.pool_pick(X, wrong, y)
        with pytest.raises(IndexError, match="index"):
            K.pool_put(Y, wrong, x)
    with pytest.raises(ShapeError):
        K.pool_pick(X, INDEX[:1], y)
    with pytest.raises(ValueError, match="shares"):
        K.avg_pool2d(x, x, kernel=(1, 1), stride=(1, 1), padding=(0, 0))
    assert not y.any() and not index.any() and (x == 1).all()
