"""matmul: every variant and thread count equals the naive twin; the naive twin equals the contract."""

import itertools
import math

import numpy as np
import pytest
from kernels.twins import assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.kernels import reference

pytestmark = needs_native
REAL = [np.float32, np.float64]
# Around the tiles (14x2, 24x1, 6x2, 12x1 vectors of 2 to 16), the panels and the chunks of k (512, 1024).
SHAPES = [
    (0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (1, 1, 1), (1, 5, 1), (1, 7, 3), (1, 70, 300), (2, 33, 130), (3, 16, 129),
    (4, 4, 4), (5, 6, 7), (6, 8, 8), (7, 9, 9), (11, 15, 16), (12, 16, 17), (13, 17, 15), (14, 31, 31), (15, 32, 32),
    (16, 33, 33), (23, 12, 16), (24, 13, 10), (25, 14, 64), (28, 64, 48), (29, 65, 63), (32, 64, 10), (33, 63, 65),
    (61, 40, 89), (17, 90, 225), (16, 70, 113), (18, 40, 60), (80, 20, 140), (5, 511, 5), (5, 512, 9), (5, 513, 4), (3, 1023, 2), (2, 1024, 17), (4, 1025, 3), (2, 2049, 2),
    (0, 5, 1), (3, 0, 1), (5, 31, 1), (7, 32, 1), (8, 33, 1), (17, 63, 1), (33, 64, 1), (129, 65, 1), (257, 96, 1),
    (3, 511, 1), (2, 513, 1), (1, 1023, 1), (17, 1024, 1), (9, 1025, 1), (1, 2049, 1),
]  # fmt: skip


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
        for how in ({}, {"bias": bias, "activation": "relu"}, {"c": c, "accumulate": True}):
            (naive,) = assert_one_answer(lambda a=a, b=b, how=how: product(a, b, ta=ta, tb=tb, **how), threads=(1,))
            key = tuple(how)
            assert bits(naive) == plain.setdefault(key, bits(naive)), "the answer depends on the layout"
            error = np.abs(naive - product(a, b, reference, ta=ta, tb=tb, **how))
            size = np.abs(a.T if ta else a) @ np.abs(b.T if tb else b) + 4
            assert (error <= 4 * math.sqrt(k + 1) * np.finfo(dtype).eps * size).all()
