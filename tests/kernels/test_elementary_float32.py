"""Elementary functions of float32: those of float64 rounded once, or bodies of their own within their bounds."""

import math

import numpy as np
import pytest
from kernels.maps import TWO, arguments, compute
from kernels.test_elementary import ALL, GELU
from kernels.truth import ulps
from kernels.twins import bits, needs_native

pytestmark = needs_native
OWN_FLOAT32 = {  # ulp of float32
    "expm1": 0.51,
    "log1p": 0.52,
    "log2": 0.52,
    "sin": 0.51,
    "cos": 0.51,
    "tan": 0.51,
    "softplus": 0.52,
    "logaddexp": 0.51,
    "erf": 1.5,
    "normal_cdf": 3.0,
}


@pytest.mark.parametrize("name", [name for name in ALL if name not in GELU])
def test_float32(name):
    """float64 rounded once; where float32 has a body of its own, within its bound."""
    with np.errstate(over="ignore"):
        x = [v.astype(np.float32) for v in arguments(name, 300, seed=3)]
        got, wide = compute(name, *x), compute(name, *[v.astype(np.float64) for v in x])
        if name in OWN_FLOAT32:
            assert ulps(got, wide).max() <= OWN_FLOAT32[name]
        else:
            assert bits(got) == bits(wide.astype(np.float32))


def float32_grid(step, phase):
    """Every step-th float32 but NaN: all sizes and signs, denormals too."""
    x = np.arange(phase, 2**32, step, dtype=np.uint32).view(np.float32)
    return x[~np.isnan(x)]


@pytest.mark.parametrize("name", OWN_FLOAT32)
def test_float32_everywhere(name):
    """Against float64 over the whole range. A normal tail is tiny long before 1 - erf is 0: its truth is erfc."""
    x = float32_grid(2**32 // 60_000, 11)
    operands = (x, x[::-1].copy())[: 1 + (name in TWO)]
    t = tail_of_normal(x) if name == "normal_cdf" else compute(name, *[v.astype(np.float64) for v in operands])
    with np.errstate(over="ignore"):
        assert ulps(compute(name, *operands), t).max() <= OWN_FLOAT32[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OWN_FLOAT32 if name not in TWO and name != "normal_cdf"])
def test_float32_of_many(name):
    worst = count = 0
    for phase in range(0, 2**32, 2**28):
        x = np.arange(phase, phase + 2**28, 64, dtype=np.uint32).view(np.float32)
        x = x[~np.isnan(x)]
        if x.size:
            worst = max(worst, ulps(compute(name, x), compute(name, x.astype(np.float64))).max())
            count += x.size
    assert worst <= OWN_FLOAT32[name]
    print(f"{name}: {worst:.3f} ulp over {count} arguments")


def tail_of_normal(x):
    """The normal distribution function in float64, relatively accurate for negative x."""
    return np.array([math.erfc(-v / math.sqrt(2)) / 2 if v < 40 else 1.0 for v in x.astype(np.float64).tolist()])
