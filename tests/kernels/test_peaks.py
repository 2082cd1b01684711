"""peaks: what the benchmarks take for the machine's roofs does the work that it says, on every variant."""

import numpy as np
import pytest
from kernels.twins import every_variant, needs_native


@needs_native
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copy_copies(dtype):
    from minigrad.kernels.native import peaks

    for n in (0, 1, 63, 64, 65, 1000):
        x = np.random.default_rng(n).standard_normal(n).astype(dtype)
        for variant, threads in every_variant(threads=(1, 2, 3)):
            out = np.zeros_like(x)
            peaks.peak_copy(x, out)
            assert (out == x).all(), f"{variant}, {threads} threads, n = {n}"


@needs_native
@pytest.mark.parametrize("bits", [32, 64])
def test_operations_are_counted_per_round_and_thread(bits):
    from minigrad.kernels.native import peaks

    for variant, threads in every_variant(threads=(1, 2)):
        once = peaks.peak_fma(bits, 1)
        assert peaks.peak_fma(bits, 10) == 10 * once, variant
        width = {"naive": 1 / 12, "avx2": 256 // bits, "avx512": 512 // bits}.get(variant, 128 // bits)
        assert once == 2 * 12 * width * threads, f"{variant}, {threads} threads"
