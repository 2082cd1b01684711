"""penalty: every variant equals the naive twin, and the NumPy reference where operations are exact."""

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, needs_native, sums_in_order

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

pytestmark = needs_native
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TERMS = [(0.1, 0.3), (0.1, 0.0), (0.0, 0.3), (0.0, 0.0)]


def weights(n, dtype, specials=True):
    w = np.random.default_rng(n).standard_normal(n).astype(dtype)
    if specials:
        w[: len(SPECIALS)] = np.array(SPECIALS)[:n].astype(dtype)
    return w


def native(compute):
    """What all variants agree on; NumPy's warnings about the specials stay out."""
    with K.use_backend("native"):
        return assert_one_answer(compute)


@both
@pytest.mark.parametrize("n", [*EDGES, 100_003])
def test_elastic_net_grad_one_answer(n, dtype):
    w = weights(n, dtype)
    for l1, l2 in TERMS if n < 100_000 else TERMS[:1]:

        def compute(kernels=K, l1=l1, l2=l2):
            out = np.empty_like(w)
            kernels.elastic_net_grad(w, out, l1=l1, l2=l2, scale=0.7)
            return out

        (naive,) = native(compute)
        assert bits(naive) == bits(compute(reference))


@both
@pytest.mark.parametrize("n", [*EDGES, 100_003])
def test_soft_threshold_one_answer(n, dtype):
    w = weights(n, dtype)
    for l1, l2 in TERMS if n < 100_000 else TERMS[:1]:

        def compute(kernels=K, l1=l1, l2=l2):
            out = np.empty_like(w)
            kernels.soft_threshold(w, out, step=2.5, l1=l1, l2=l2)
            return out

        (naive,) = native(compute)
        assert bits(naive) == bits(compute(reference))
        assert not np.signbit(naive[naive == 0]).any()


@both
@pytest.mark.parametrize("n", [*EDGES, 16384, 16385, 100_003])
def test_elastic_net_one_answer(n, dtype):
    w = weights(n, dtype, specials=False)
    for l1, l2 in TERMS:

        def compute(kernels=K, grad=True, l1=l1, l2=l2):
            value, out = np.empty((), np.float64), np.zeros_like(w)
            kernels.elastic_net(w, value, out if grad else None, l1=l1, l2=l2)
            return value, out

        value, grad = native(compute)
        expected, expected_grad = compute(reference)
        assert bits(grad) == bits(expected_grad)
        np.testing.assert_allclose(value, expected, rtol=1e-13)
        assert bits(native(lambda: compute(grad=False))[0]) == bits(value)


@pytest.mark.parametrize("blocks", [1, 2, 511, 512, 513, 1025])
def test_elastic_net_adds_its_blocks_in_order(blocks):
    """Their sums are collected 512 blocks at a time: each block once, from first to last."""
    w = weights(blocks * 4096 - 5, np.float64, specials=False)

    def values():
        size, square = np.empty(()), np.empty(())
        K.elastic_net(w, size, l1=1.0, l2=0.0)
        K.elastic_net(w, square, l1=0.0, l2=2.0)
        return size, square

    with K.use_backend("native"):
        assert tuple(map(float, assert_one_answer(values, (1, 2, 3)))) == sums_in_order(w)


@both
@pytest.mark.parametrize("terms", TERMS)
def test_elastic_net_and_elastic_net_grad_give_the_same_gradient(terms, dtype):
    """A term of 0 is left out, also where the weight is infinite."""
    l1, l2 = terms
    w = weights(77, dtype)

    def compute():
        value, grad, out = np.empty((), dtype), np.zeros_like(w), np.empty_like(w)
        K.elastic_net(w, value, grad, l1=l1, l2=l2)
        K.elastic_net_grad(w, out, l1=l1, l2=l2)
        return grad, out

    grad, out = native(compute)
    assert bits(grad) == bits(out)


def test_elastic_net_rounds_once_to_the_dtype_of_value():
    w = weights(100_003, np.float32, specials=False)
    exact = 0.25 * np.abs(w.astype(np.float64)).sum() + 0.125 * (w.astype(np.float64) ** 2).sum()
    value = np.empty((), np.float32)
    K.elastic_net(w, value, l1=0.25, l2=0.25)
    assert value == np.float32(exact)


@both
def test_elastic_net_of_large_and_missing_numbers(dtype):
    def value(w, l1, l2):
        out = np.empty((), dtype)
        K.elastic_net(np.array(w, dtype), out, l1=l1, l2=l2)
        return float(out)

    large = np.finfo(dtype).max / 4
    assert value([large, -large], 0.5, 0) == large  # its square overflows, and is not asked for
    assert value([np.inf, 1], 0.5, 0) == np.inf
    assert np.isnan(value([np.nan, 1], 0.5, 0))
    assert np.isnan(value([np.nan, 1], 0, 0.5))
    assert value([], 0.5, 0.5) == 0
    assert value(np.nan, 0, 0) == 0


@both
def test_soft_threshold_minimizes_its_problem(dtype):
    """x = prox(v) is optimal: (x - v)/step + l2 x + l1 s = 0 with s in the subdifferential of |x|."""
    v = weights(1000, dtype, specials=False)
    x = np.empty_like(v)
    K.soft_threshold(v, x, step=0.5, l1=0.6, l2=0.4)
    s = ((v.astype(np.float64) - x) / 0.5 - 0.4 * x) / 0.6
    eps = 20 * np.finfo(dtype).eps
    assert 0.1 < (x == 0).mean() < 0.9
    assert (np.abs(s[x == 0]) <= 1 + eps).all()
    np.testing.assert_allclose(s[x != 0], np.sign(x[x != 0]), atol=eps)


@pytest.mark.parametrize(
    ("w", "out", "error"),
    [
        (np.zeros(4, np.int64), np.zeros(4, np.int64), DTypeError),
        (np.zeros(4, np.float16), np.zeros(4, np.float16), DTypeError),
        (np.zeros(4, ">f8"), np.zeros(4), ValueError),
        (np.zeros(4, np.float32), np.zeros(4), ShapeError),
        (np.zeros(4), np.zeros(5), ShapeError),
        (np.zeros(8)[::2], np.zeros(4), ValueError),
        (np.zeros(4), np.zeros(8)[::2], ValueError),
        (np.zeros(4), np.broadcast_to(np.float64(0), 4), ValueError),
        (np.zeros(33, np.uint8)[1:].view(np.float64), np.zeros(4), ValueError),
        ([0.0], np.zeros(1), TypeError),
        (None, np.zeros(1), TypeError),
    ],
)
def test_bad_arrays_are_refused(w, out, error):
    for call in (
        lambda: K.elastic_net_grad(w, out, l1=1, l2=1),
        lambda: K.soft_threshold(w, out, step=1, l1=1, l2=1),
        lambda: K.elastic_net(w, np.empty(()), out, l1=1, l2=1),
    ):
        with pytest.raises(error):
            call()


def test_value_has_one_element():
    with pytest.raises(ShapeError, match="one element"):
        K.elastic_net(np.zeros(4), np.zeros(2), l1=1, l2=1)
