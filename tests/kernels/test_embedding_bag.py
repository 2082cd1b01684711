"""Bags of rows: one answer, NumPy's answer, the order of the entries, bags that stand alone, bad input."""

import numpy as np
import pytest
from kernels.test_order import check
from kernels.twins import SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

REALS = [np.float32, np.float64]
WIDTHS = [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 130]
SUM, MEAN, MAX = 0, 1, 2
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def case(width, dtype, n=23, bags=9, special=False, seed=0):
    """weight, index, offsets (with empty bags), scale, g."""
    rng = np.random.default_rng(seed + width)
    weight = rng.standard_normal((11, width)).astype(dtype)
    if special:
        weight.reshape(-1)[rng.integers(0, weight.size, 4)] = rng.choice(np.array(SPECIALS).astype(dtype), 4)
    index = rng.integers(0, 11, n)
    offsets = np.sort(rng.integers(0, n + 1, bags))
    offsets[0] = 0
    return (
        weight,
        index,
        offsets,
        rng.standard_normal(n).astype(dtype),
        rng.standard_normal((bags, width)).astype(dtype),
    )


def all_kernels(weight, index, offsets, scale, g, skip=-1, kernels=K):
    """Outputs in every mode, with and without factors, and gradients."""
    found = []
    for mode in (SUM, MEAN, MAX):
        for factor in (None, scale) if mode == SUM else (None,):
            y, largest = np.full_like(g, 7), np.full(g.shape, 7) if mode == MAX else None
            out = np.full_like(weight, 7)
            options = {"mode": mode, "offsets": offsets, "scale": factor, "largest": largest, "skip": skip}
            kernels.embedding_bag(weight, index, y, **options)
            kernels.embedding_bag_grad(g, index, out, **options)
            found += [y, out] + ([largest] if mode == MAX else [])
    dots = np.full_like(scale, 7)
    kernels.embedding_bag_dots(g, weight, index, dots, offsets=offsets, skip=skip)
    single, out = np.full((len(index), weight.shape[1]), 7, weight.dtype), np.full_like(weight, 7)
    kernels.embedding_bag(weight, index, single, skip=skip)
    kernels.embedding_bag_grad(single, index, out, skip=skip)
    return (*found, dots, single, out)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("width", WIDTHS)
def test_one_answer(width, dtype):
    for special in (False, True):
        for skip in (-1, 4):
            given = case(width, dtype, special=special)
            assert_one_answer(lambda given=given, skip=skip: all_kernels(*given, skip=skip), threads=(1,))


@pytest.mark.parametrize("dtype", REALS)
def test_one_answer_of_many(dtype):
    given = case(130, dtype, n=2000, bags=300)
    assert_one_answer(lambda: all_kernels(*given), threads=(1, 2, 3))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("width", WIDTHS)
def test_agrees_with_reference(width, dtype):
    eps = np.finfo(dtype).eps
    for skip in (-1, 4):
        given = case(width, dtype)
        for got, expected in zip(all_kernels(*given, skip), all_kernels(*given, skip, reference), strict=True):
            np.testing.assert_allclose(got, expected, rtol=8 * eps, atol=40 * eps)


def test_a_bag_by_hand():
    weight = np.array([[1, -5], [2, np.nan], [4, 6], [8, 9]], np.float32)
    index, offsets, g = np.array([0, 2, 2, 1, 3]), np.array([0, 3, 3]), np.array([[1, 2], [3, 4], [10, 20]], np.float32)
    y, largest, out = np.empty((3, 2), np.float32), np.empty((3, 2), np.int64), np.empty_like(weight)
    K.embedding_bag(weight, index, y, offsets=offsets)
    np.testing.assert_array_equal(y, [[9, 7], [0, 0], [10, np.nan]])
    K.embedding_bag(weight, index, y, mode=MEAN, offsets=offsets, skip=2)
    np.testing.assert_array_equal(y, [[1, -5], [0, 0], [5, np.nan]])
    K.embedding_bag(weight, index, y, mode=MAX, offsets=offsets, largest=largest)
    np.testing.assert_array_equal(y, [[4, 6], [0, 0], [8, np.nan]])
    assert largest.tolist() == [[2, 2], [-1, -1], [3, 1]]
    K.embedding_bag_grad(g, index, out, mode=MAX, offsets=offsets, largest=largest)
    assert out.tolist() == [[0, 0], [0, 20], [1, 2], [10, 0]]
    K.embedding_bag_grad(g, index, out, mode=MEAN, offsets=offsets)
    np.testing.assert_allclose(out, [[1 / 3, 2 / 3], [5, 10], [2 / 3, 4 / 3], [5, 10]], rtol=1e-6)


@pytest.mark.parametrize("dtype", REALS)
def test_sums_and_gradients_are_chains_in_the_order_of_the_entries(dtype):
    n = 60
    index, out = np.arange(n), np.empty((1, 3), dtype)

    def forward(x):
        K.embedding_bag(np.repeat(x[:, None], 3, 1), index, out, offsets=np.zeros(1, np.int64))
        return out[0, 1]

    check(forward, list(range(n)), n, dtype)
    table = np.empty((2, 3), dtype)

    def backward(x):
        K.embedding_bag_grad(np.repeat(x[:, None], 3, 1), np.ones(n, np.int64), table)
        return table[1, 1]

    check(backward, list(range(n)), n, dtype)


@pytest.mark.parametrize("dtype", REALS)
def test_a_bag_stands_alone(dtype):
    weight, index, offsets, scale, g = case(33, dtype)
    ends = [*offsets[1:], len(index)]
    whole = all_kernels(weight, index, offsets, scale, g)
    for b in (0, 3, 8):
        part = slice(offsets[b], ends[b])
        alone = all_kernels(weight, index[part].copy(), np.zeros(1, np.int64), scale[part].copy(), g[b : b + 1].copy())
        for i in (0, 2, 4, 6):
            assert bits(whole[i][b : b + 1]) == bits(alone[i])


def test_bad_input_is_refused_before_anything_is_written():
    weight, index, offsets, scale, _ = case(4, np.float32)
    out = np.full((9, 4), 7, np.float32)

    def call(weight=weight, index=index, out=out, **options):
        K.embedding_bag(weight, index, out, **{"offsets": offsets, **options})

    outside, falling, late = index.copy(), offsets.copy(), offsets.copy()
    outside[3], falling[5], late[0] = 11, 0, 1
    falling[4] = 5
    for error, text, bad in [
        (IndexError, r"index\[3\] is 11; need 0 <= index < 11", {"index": outside}),
        (DTypeError, "index is int32", {"index": index.astype(np.int32)}),
        (IndexError, r"offset\[8\] is 24; need 0 <= offset < 24", {"offsets": np.array([0] * 8 + [24])}),
        (ValueError, "need them to rise from 0", {"offsets": falling}),
        (ValueError, "need them to rise from 0", {"offsets": late}),
        (ShapeError, r"offsets are int64 \(4,\); need 9, one for each bag", {"offsets": offsets[:4].copy()}),
        (ShapeError, r"index is int64 \(23,\) for 9 bags", {"offsets": None}),
        (ValueError, "mode is 3; need 0, 1 or 2", {"mode": 3}),
        (ValueError, "factors go with sums alone", {"mode": MEAN, "scale": scale}),
        (ShapeError, "scale is .*; need 23", {"scale": scale[:5].copy()}),
        (DTypeError, "scale is float64", {"scale": scale.astype(float)}),
        (TypeError, "a maximum needs an array for the rows", {"mode": MAX}),
        (DTypeError, "largest is float32", {"mode": MAX, "largest": out}),
        (ShapeError, "largest is int64", {"mode": MAX, "largest": np.zeros((2, 2), np.int64)}),
        (DTypeError, "need one dtype", {"out": out.astype(float)}),
        (ShapeError, r"out is float32 \(9, 3\)", {"out": out[:, :3].copy()}),
        (ValueError, "shares memory", {"weight": out}),
        (ShapeError, r"need \(rows, width\)", {"weight": weight[0]}),
    ]:
        with pytest.raises(error, match=text):
            call(**bad)
    with pytest.raises(IndexError, match="a row of largest is outside"):
        K.embedding_bag_grad(out, index, weight.copy(), mode=MAX, offsets=offsets, largest=np.full(out.shape, 11))
    assert (out == 7).all()
