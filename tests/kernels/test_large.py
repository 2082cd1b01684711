"""Operands of more than 2³¹ elements: no index, stride or size is an int on the way down."""

import os

import numpy as np
import pytest
from kernels.twins import needs_native

import minigrad.kernels as K

N = 2**31 + 7  # 5 times 429496731
NEEDED = 12 * 2**30
PLACES = {7: 1.0, 2**31 - 1: 2.0, 2**31: 4.0, N - 1: 8.0}


def free_memory():
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, AttributeError):
        return 0


pytestmark = [
    needs_native,
    pytest.mark.slow,
    pytest.mark.skipif(free_memory() < NEEDED, reason=f"needs {NEEDED >> 30} GiB of free memory"),
]


@pytest.fixture(scope="module")
def x():
    """Zeros, which take no memory until they are written, and a few numbers about 2³¹."""
    x = np.zeros(N, np.float32)
    for place, value in PLACES.items():
        x[place] = value
    with K.use_backend("native"):
        yield x


def test_sums(x):
    total, rows, columns = np.empty((), np.float32), np.empty(5, np.float32), np.empty(5, np.float32)
    K.sum(x, total, 0, 1)
    assert total == 15
    K.sum(x.reshape(5, -1), rows, 1, 2)
    assert rows.tolist() == [1, 0, 0, 0, 14]
    K.sum(x.reshape(-1, 5), columns, 0, 1)
    expected = [sum(v for place, v in PLACES.items() if place % 5 == j) for j in range(5)]
    assert columns.tolist() == expected


def test_the_largest(x):
    out, index = np.empty((), np.float32), np.empty((), np.int64)
    K.max(x, out, index, 0, 1)
    assert (out, index) == (8, N - 1)


def test_value_of_a_penalty(x):
    value = np.empty((), np.float64)
    K.elastic_net(x, value, l1=1, l2=2)
    assert value == 15 + 85


def test_take(x):
    index = np.array([N - 1, 2**31, 2**31 - 1, 0, 7])
    out = np.empty(5, np.float32)
    K.take(x, index, out)
    assert out.tolist() == [8, 4, 2, 0, 1]
    rows = np.empty((2, 5), np.float32)
    K.take(x.reshape(-1, 5), np.array([N // 5 - 1, 1]), rows)
    assert rows.tolist() == [[0, 0, 0, 0, 8], [0, 0, 1, 0, 0]]


def test_products(x):
    dot = np.empty((1, 1), np.float32)
    K.matmul(np.broadcast_to(np.float32(1), (1, N)), x.reshape(N, 1), dot)
    assert dot == 15
    K.matmul(x.reshape(1, N), x.reshape(N, 1), dot)
    assert dot == 85
    gram = np.empty((5, 3), np.float32)
    K.matmul(x.reshape(-1, 5), x.reshape(-1, 5)[:, :3], gram, ta=True)
    rows = [x.reshape(-1, 5)[row] for row in {place // 5 for place in PLACES}]
    assert gram.tolist() == sum(np.outer(row, row[:3]) for row in rows).tolist()


def test_a_map_that_writes_as_much(x):
    out = np.empty(N, np.float32)
    K.neg(x, out)
    assert {place: -out[place] for place in PLACES} == PLACES
    K.sum(out, total := np.empty((), np.float32), 0, 1)
    assert total == -15


def test_far_places_are_written():
    out = np.zeros(N, np.float32)
    K.add_at(np.array([1, 2, 3], np.float32), np.array([N - 1, 2**31, N - 1]), out)
    K.place(np.array([5, 6], np.float32), out[5 :: 2**31])
    assert (out[N - 1], out[2**31], out[5], out[2**31 + 5]) == (4, 2, 5, 6)
