"""The documented order of summation is the real one, seen from outside.

The probe of FPRev (Xie, Jia, Wang: arXiv 2411.00442): put M at i, -M at j and 1 elsewhere, M so large that M + 1 = M.
What was added before M and -M met is lost, so the result counts the ones outside the smallest subtree that holds both i
and j. The counts of all pairs determine the tree. Each expected tree below is written from the words of the
documentation (docs/kernels.md), as nested lists: [a, b, c] is (a + b) + c.
"""

import numpy as np
import pytest
from kernels.twins import every_variant, needs_native

import minigrad as mg
import minigrad.kernels as K

pytestmark = needs_native
BIG = {np.float32: np.float32(2.0**100), np.float64: 2.0**120}


def halves(lanes):
    """Lane j + n/2 is added to lane j, until one is left."""
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [[lanes[j], lanes[j + half]] for j in range(half)]
    return lanes[0]


def pairwise(items):
    """Neighbours are added; one that is left over passes up."""
    while len(items) > 1:
        items = [[items[i], items[i + 1]] if i + 1 < len(items) else items[i] for i in range(0, len(items), 2)]
    return items[0]


def lost(tree, n):
    """(n, n): how many elements, i and j included, the smallest subtree with both i and j holds."""
    counts = np.zeros((n, n), int)

    def visit(node):
        if not isinstance(node, list):
            return [node]
        done = []
        for more in map(visit, node):
            counts[np.ix_(done, more)] = counts[np.ix_(more, done)] = len(done) + len(more)
            done = done + more
        return done

    assert sorted(visit(tree)) == list(range(n))
    return counts


def laned(indices, lanes):
    """Element i of a chunk in lane i mod lanes, each a chain."""
    return halves([indices[lane::lanes] for lane in range(lanes)])


def probe(compute, n, pairs, dtype):
    """What is lost, for each of the pairs."""
    found = []
    for i, j in pairs:
        x = np.ones(n, dtype)
        x[i], x[j] = BIG[dtype], -BIG[dtype]
        found.append(n - int(compute(x)))
    return found


def check(compute, tree, n, dtype):
    rng = np.random.default_rng(n)
    pairs = [tuple(sorted(rng.choice(n, 2, replace=False))) for _ in range(150)]
    pairs += [(0, 1), (0, n - 1), (n - 2, n - 1), (n // 2 - 1, n // 2)]
    expected = lost(tree, n)
    want = [expected[i, j] for i, j in pairs]
    with mg.use_backend("native"):
        for variant, threads in every_variant(threads=(1, 2)):
            assert probe(compute, n, pairs, dtype) == want, f"{variant}, {threads} threads"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["row", "column"])
def test_a_product_is_chains_in_chunks_of_4_kib_added_in_order(dtype, layout):
    chunk = 4096 // np.dtype(dtype).itemsize
    n = 2 * chunk + chunk // 3
    ones = np.ones((n, 3), dtype)
    out = np.empty((2, 3), dtype)

    def compute(x):
        a = np.stack([x, x])
        K.matmul(np.asfortranarray(a) if layout == "column" else a, ones, out)
        return out[1, 2]

    index = list(range(n))
    check(compute, [index[c : c + chunk] for c in range(0, n, chunk)], n, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_with_a_vector_is_32_lanes_per_chunk(dtype):
    chunk = 4096 // np.dtype(dtype).itemsize
    n = chunk + chunk // 2 + 5
    ones, out = np.ones((n, 1), dtype), np.empty((1, 1), dtype)

    def compute(x):
        K.matmul(x.reshape(1, n), ones, out)
        return out[0, 0]

    index = list(range(n))
    check(compute, [laned(index[c : c + chunk], 32) for c in range(0, n, chunk)], n, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sum_is_64_lanes_in_chunks_of_1024_added_pairwise(dtype):
    n = 5 * 1024 + 333
    out = np.empty((), dtype)

    def compute(x):
        K.sum(x, out, 0, 1)
        return out

    index = list(range(n))
    check(compute, pairwise([laned(index[c : c + 1024], 64) for c in range(0, n, 1024)]), n, dtype)


def test_the_probe_sees_another_order():
    n = 100
    pairs = [(0, 1), (0, 50), (98, 99)]
    assert probe(np.add.reduce, n, pairs, np.float64) != [lost(list(range(n)), n)[p] for p in pairs]
