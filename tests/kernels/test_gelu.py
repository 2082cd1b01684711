"""GELU and its slope, in both forms: within a rounding of the largest number in them, and as the reference says."""

import numpy as np
import pytest
from kernels.maps import compute
from kernels.test_elementary import GELU
from kernels.twins import needs_native

from minigrad.kernels import reference

pytestmark = needs_native
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each = pytest.mark.parametrize("name", GELU)


def arguments(dtype):
    rng = np.random.default_rng(0)
    small = np.exp(rng.uniform(-20, 3, 200)) * rng.choice([-1, 1], 200)
    return np.concatenate([rng.uniform(-6, 6, 300), rng.uniform(-1.1, 1.1, 200), small, [0, 30, -30]]).astype(dtype)


def operands(name, x):
    return [np.ones_like(x), x] if name.endswith("grad") else [x]


def truth(name, x, mp):
    x = mp.mpf(float(x))
    c = 2 * mp.sqrt(2 / mp.pi)
    u, slope = x * (c + mp.mpf("0.044715") * c * x * x), c + 3 * mp.mpf("0.044715") * c * x * x
    s, other = 1 / (1 + mp.exp(-u)), 1 / (1 + mp.exp(u))
    return {
        "gelu": lambda: x * mp.ncdf(x),
        "gelu_grad": lambda: mp.ncdf(x) + x * mp.npdf(x),
        "gelu_tanh": lambda: x * s,
        "gelu_tanh_grad": lambda: s + x * s * other * slope,
    }[name]()


@each
@both
def test_accuracy(name, dtype):
    mp = pytest.importorskip("mpmath", reason="the truth is computed by mpmath: pip install mpmath")
    x = arguments(dtype)
    y, bound = compute(name, *operands(name, x)), 1.5 * np.finfo(dtype).eps
    with mp.workprec(120):
        wrong = [float(abs(mp.mpf(float(a)) - truth(name, b, mp))) / max(1, abs(b)) for a, b in zip(y, x.tolist())]
    assert max(wrong) <= bound


@each
@both
def test_it_is_the_reference(name, dtype):
    x = arguments(dtype)
    expected = np.empty_like(x)
    getattr(reference, name)(*operands(name, x), expected)
    np.testing.assert_allclose(
        compute(name, *operands(name, x)), expected, rtol=0, atol=4 * np.finfo(dtype).eps * np.abs(x).max()
    )


@both
def test_far_out(dtype):
    """Finite and exact where it saturates; NaN for NaN. An infinity on the left is 0 times itself: NaN."""
    x, big = np.array([-1e30, -200, 200, 1e30, np.nan], dtype), np.finfo(dtype).max
    for name, right in ("gelu", x), ("gelu_tanh", x), ("gelu_grad", 1), ("gelu_tanh_grad", 1):
        y = compute(name, *operands(name, x))
        np.testing.assert_array_equal(y, np.where(np.isnan(x), x, np.where(x < 0, 0, right)), err_msg=name)
        y = compute(name, *operands(name, np.array([-big, big, -np.inf], dtype)))
        assert np.isfinite(y[:2]).all() and np.isnan(y[2])
