"""scans: one answer for every variant and thread count; products without division, norms without overflow."""

import math

import numpy as np
import pytest
from kernels.twins import SPECIALS, assert_one_answer, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

REALS = [np.float32, np.float64]
SHAPES = [(3, 0), (0, 3), (1, 1), (4, 2), (5, 63), (7, 64), (9, 65), (2, 511), (3, 513), (2, 1537), (40, 500)]
pytestmark = needs_native


@pytest.fixture(autouse=True)
def native():
    with K.use_backend("native"):
        yield


def numbers(shape, dtype, *, specials=False):
    """Near 1 in size, so that long products stay in range."""
    rng = np.random.default_rng(shape[1])
    x = (rng.choice([-1, 1], shape) * rng.uniform(0.7, 1.4, shape)).astype(dtype)
    if specials:
        x.reshape(-1)[: len(SPECIALS)] = np.array(SPECIALS)[: x.size].astype(dtype)
    return x


def scanned(name, x, kernels=K):
    """What a kernel makes of x; for prod_grad, of gradients 0.5, 1.5, ... too."""
    rows = np.arange(len(x), dtype=x.dtype) + x.dtype.type(0.5)
    out = np.full(x.shape if name in ("cumsum", "from the end", "prod_grad") else len(x), 7, x.dtype)
    if name == "prod_grad":
        kernels.prod_grad(rows, x, out)
    elif name == "from the end":
        kernels.cumsum(x, out, reverse=True)
    else:
        getattr(kernels, name)(x, out)
    return out


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["cumsum", "from the end", "prod", "prod_grad", "norm"])
def test_one_answer(name, shape, dtype):
    for specials in (False, True):
        x = numbers(shape, dtype, specials=specials)
        (naive,) = assert_one_answer(lambda x=x: scanned(name, x))
        if not specials:
            expected = scanned(name, x, reference)
            eps = np.finfo(dtype).eps * (1 if dtype is np.float32 else max(8, shape[1]))
            np.testing.assert_allclose(naive, expected, rtol=eps, atol=eps if "sum" in name or "end" in name else 0)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("n", [1, 2, 5, 64, 600, 2000])
def test_a_zero_leaves_the_product_of_the_others(n, dtype):
    for zeros in ([0], [n // 2], [n - 1], [0, n - 1], [n // 3, n // 2]):
        x = numbers((1, n), dtype)
        x[0, zeros] = 0
        expected = [math.prod(map(float, np.delete(x[0], i))) for i in range(n)] if n < 100 else None
        for kernels in (K, reference):
            got = scanned("prod_grad", x, kernels)[0]
            assert set(np.flatnonzero(got)) == (set(zeros) if len(set(zeros)) == 1 else set())
            if expected:
                np.testing.assert_allclose(got, 0.5 * np.array(expected), rtol=1e-6 if dtype is np.float32 else 1e-13)


def test_products_of_float32_pass_through_numbers_out_of_range():
    x = np.array([[1e30, 1e30, 1e-30, 1e-30, 2]], np.float32)
    np.testing.assert_allclose(scanned("prod", x), [2], rtol=1e-6)
    np.testing.assert_allclose(scanned("prod_grad", x), [[1e-30, 1e-30, 1e30, 1e30, 0.5]], rtol=1e-6)


def test_cumulative_sums_do_not_lose_small_terms():
    x = np.full((1, 20_000_000 // 16), 0.1, np.float32)
    exact = np.float64(np.float32(0.1)) * np.arange(1, x.size + 1)
    np.testing.assert_allclose(scanned("cumsum", x)[0], exact, rtol=6.1e-8)


@pytest.mark.parametrize("kernels", [K, reference])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (np.float32, 1e-42),
        (np.float32, 1e38),
        (np.float64, 1e-320),
        (np.float64, 1e-200),
        (np.float64, 1e200),
        (np.float64, 1e308),
    ],
)
def test_norms_neither_overflow_nor_vanish(kernels, dtype, size):
    for n in (2, 1500):
        x = np.zeros((1, n), dtype)
        x[0, 0], x[0, -1] = 0.6 * size, 0.8 * size
        exact = math.hypot(*map(float, x[0, [0, -1]]))
        kind = np.finfo(dtype)
        np.testing.assert_allclose(
            scanned("norm", x, kernels), [exact], rtol=2 * kind.eps, atol=kind.smallest_subnormal
        )


def test_norms_of_what_is_not_finite():
    x = np.array([[0, 0], [np.inf, 1], [-np.inf, np.inf], [np.nan, 1], [np.nan, np.inf]])
    for kernels in (K, reference):
        np.testing.assert_array_equal(scanned("norm", x, kernels), [0, np.inf, np.inf, np.nan, np.nan])


def test_bad_input_is_refused_before_anything_is_written():
    x, out, row = np.ones((3, 4), np.float32), np.full((3, 4), 7, np.float32), np.full(3, 7, np.float32)
    for error, text, call in [
        (ShapeError, r"cumsum: x is float32 \(12,\); need \(rows, n\)", lambda: K.cumsum(x.ravel(), out.ravel())),
        (ShapeError, "cumsum: .* need the same shape", lambda: K.cumsum(x, out.reshape(4, 3))),
        (DTypeError, "cumsum: .* need the same dtype", lambda: K.cumsum(x, out.astype(float))),
        (ShapeError, "prod: .* one element for each row", lambda: K.prod(x, row[:2])),
        (DTypeError, "norm: an array is int64", lambda: K.norm(x.astype(np.int64), row)),
        (ValueError, "strided", lambda: K.norm(x[:, ::2], row)),
        (ShapeError, "prod_grad: .* g is", lambda: K.prod_grad(row[:2], x, out)),
        (DTypeError, "prod_grad: .* g is", lambda: K.prod_grad(row.astype(float), x, out)),
        (TypeError, "ndarray", lambda: K.prod([[1.0]], row)),
    ]:
        with pytest.raises(error, match=text):
            call()
    assert (out == 7).all()
    assert (row == 7).all()
