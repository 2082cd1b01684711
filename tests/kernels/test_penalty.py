"""penalty: every variant equals the naive twin, and the NumPy reference where operations are exact."""

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.kernels import reference


@needs_native
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [*EDGES, 100_003])
def test_elastic_net_grad_one_answer(n, dtype):
    w = np.random.default_rng(n).standard_normal(n).astype(dtype)
    w[: len(SPECIALS)] = np.array(SPECIALS)[:n].astype(dtype)

    def compute(kernels=K):
        out = np.empty_like(w)
        kernels.elastic_net_grad(w, out, l1=0.1, l2=0.3, scale=0.7)
        return out

    with K.use_backend("native"):
        (naive,) = assert_one_answer(compute)
    assert bits(naive) == bits(compute(reference))
