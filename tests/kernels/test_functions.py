"""exp, log, tanh, sigmoid: within their ulps of the truth, right at special values, the same bits in every variant."""

import numpy as np
import pytest
from kernels.truth import hard_arguments, oracle_case, ulps
from kernels.twins import assert_one_answer, needs_native

import minigrad.kernels as K

pytestmark = needs_native
BOUND = {"exp": 2.0, "log": 2.0, "tanh": 2.0, "sigmoid": 2.5}  # ulp, DESIGN section 2
DTYPES = [np.float32, np.float64]
EDGE = {"exp": (104, 746), "log": (1, 1), "tanh": (9.2, 20), "sigmoid": (104, 746)}  # beyond: one constant
both = pytest.mark.parametrize("dtype", DTYPES)
each = pytest.mark.parametrize("name", BOUND)


def compute(name, x):
    y = np.empty_like(x)
    with K.use_backend("native"):
        getattr(K, name)(x, y)
    return y


def truth(name, x):
    """In a wider type: float64 for float32, else long double."""
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    if wide is np.longdouble and np.finfo(wide).nmant < 63:
        pytest.skip("long double is float64 on this machine: no wider type to compare with")
    x = x.astype(wide)
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            e = np.exp(-np.abs(x))
            return np.where(x < 0, e, 1) / (1 + e)
        return getattr(np, name)(x)


def arguments(name, dtype, n, seed):
    """Three kinds: uniform over where the function is not constant, normal around its bend, and any bits at all."""
    rng = np.random.default_rng(seed)
    edge = EDGE[name][dtype is np.float64]
    uniform, normal = rng.uniform(-edge, edge, n).astype(dtype), rng.standard_normal(n).astype(dtype)
    any_bits = np.frombuffer(rng.bytes(n * dtype().itemsize), dtype)
    any_bits = any_bits[~np.isnan(any_bits)]
    if name == "log":
        return np.concatenate([1 + uniform / 2, np.abs(normal), np.abs(any_bits)])
    return np.concatenate([uniform, normal, any_bits])


@each
@both
def test_accuracy(name, dtype):
    x = arguments(name, dtype, 40_000, seed=1)
    assert ulps(compute(name, x), truth(name, x)).max() <= BOUND[name]


@pytest.mark.slow
@each
@both
def test_accuracy_of_ten_million(name, dtype):
    worst = 0
    for seed in range(10, 17):
        x = arguments(name, dtype, 500_000, seed)
        worst = max(worst, ulps(compute(name, x), truth(name, x)).max())
    assert worst <= BOUND[name]
    print(f"{name} {dtype.__name__}: {worst:.3f} ulp over {7 * len(x)} arguments")


@each
@both
def test_one_answer(name, dtype):
    x = arguments(name, dtype, 3000, seed=2)
    edges = np.array([0, np.inf, np.nan, 1e-45, 5e-324, 1e-310, 2.0**-126, 2.0**-1022, 0.75, 1.5, 9.125, 19.25])
    x = np.concatenate([x, edges.astype(dtype), -edges.astype(dtype)])
    assert_one_answer(lambda: compute(name, x), threads=(1,))


@both
def test_special_values(dtype):
    tiny, inf, nan = np.finfo(dtype).smallest_subnormal, np.inf, np.nan
    table = {
        "exp": [(0, 1), (-0.0, 1), (inf, inf), (-inf, 0), (1e5, inf), (-1e5, 0), (tiny, 1), (nan, nan)],
        "log": [(0, -inf), (-0.0, -inf), (1, 0), (inf, inf), (-inf, nan), (-1, nan), (-tiny, nan), (nan, nan)],
        "tanh": [(0, 0), (-0.0, -0.0), (inf, 1), (-inf, -1), (tiny, tiny), (-tiny, -tiny), (30, 1), (nan, nan)],
        "sigmoid": [(0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (1e5, 1), (-1e5, 0), (nan, nan)],
    }
    for name, pairs in table.items():
        x, y = np.array(pairs, dtype).T.copy()
        got = compute(name, x)
        np.testing.assert_array_equal(got, y, err_msg=name)
        assert (np.signbit(got) == np.signbit(y))[~np.isnan(y)].all(), name


@both
def test_denormals_are_kept(dtype):
    """exp and sigmoid reach the denormals step by step, and log reads them."""
    info = np.finfo(dtype)
    x = np.linspace(np.log(info.smallest_subnormal), np.log(info.smallest_normal), 1000).astype(dtype)
    for name in "exp", "sigmoid":
        y = compute(name, x)
        assert (ulps(y, truth(name, x)) <= 1).all()
        assert y[0] > 0
        assert len(np.unique(y)) > 500
    small = info.smallest_subnormal * np.arange(1, 1000).astype(dtype)
    assert ulps(compute("log", small), truth("log", small)).max() <= 1


@each
@both
def test_rises_and_stays_in_range(name, dtype):
    """From number to number the values fall by an ulp at most, also where tanh changes its polynomial, and end at 1."""
    for start in (0.3, 0.6093, 1.8281, 8.9) if name != "exp" else (0.3, 0.3465, 0.35):
        x = np.array(start, dtype) + np.arange(20_000).astype(dtype) * np.spacing(dtype(start))
        y = compute(name, x)
        assert (np.diff(y) >= -np.spacing(np.abs(y[1:]))).all()
        assert name in ("exp", "log") or (y <= 1).all()


@each
@both
def test_oracle_values(name, dtype):
    """Their rounding is half an ulp of a float64 result."""
    x, t = oracle_case(name, dtype)
    assert ulps(compute(name, x), t).max() <= BOUND[name] + (0.5 if dtype is np.float64 else 0)


@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
def test_hard_to_round(name):
    """CORE-MATH's worst arguments of float64, whose values lie all but halfway between two numbers."""
    x = hard_arguments(name)
    assert ulps(compute(name, x), truth(name, x)).max() <= 1
