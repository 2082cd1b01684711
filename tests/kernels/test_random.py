"""random: bits equal to philox.py, one answer of all variants, and numbers that have their distribution."""

from statistics import NormalDist

import numpy as np
import pytest
from kernels.twins import EDGES, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError
from minigrad.kernels import reference
from minigrad.kernels.reference.quantile import normal_quantile

STREAM = {"key": 0x0123456789ABCDEF, "stream": 0xFEDCBA9876543210}
FILLS = {"uniform": {"low": -1.5, "high": 2.25}, "normal": {"mean": 0.5, "std": 1.75}}


def draw(name, n, dtype=np.float64, kernels=K, offset=0, **settings):
    out = np.empty(n, dtype)
    getattr(kernels, name)(out, **STREAM, offset=offset, **(settings or FILLS.get(name, {})))
    return out


@needs_native
def test_the_published_vector():
    out = np.empty(2, np.uint64)
    with K.use_backend("native"):
        assert_one_answer(lambda: K.random_bits(out, key=0, stream=0, offset=0) or out.copy())
    assert [hex(x) for x in out] == ["0xe169c58d6627e8d5", "0x9b00dbd8bc57ac4c"]


@needs_native
@pytest.mark.parametrize("offset", [0, 1, 2, 2**33 - 1, 2**62 + 1])
def test_bits_one_answer(offset):
    def compute(kernels=K):
        return tuple(draw("random_bits", n, np.uint64, kernels, offset) for n in EDGES)

    with K.use_backend("native"):
        native = assert_one_answer(compute, threads=(1,))
    for got, expected in zip(native, compute(reference), strict=True):
        np.testing.assert_array_equal(got, expected)


@needs_native
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FILLS)
def test_fills_one_answer(name, dtype):
    def compute(kernels=K):
        return tuple(draw(name, n, dtype, kernels, offset) for n in (*EDGES, 20_003) for offset in (0, 3))

    with K.use_backend("native"):
        native = assert_one_answer(compute, threads=(1, 2, 3))
    for got, expected in zip(native, compute(reference), strict=True):
        if name == "uniform":
            assert bits(got) == bits(expected)
        else:
            np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)


@needs_native
@pytest.mark.parametrize("name", [*FILLS, "random_bits"])
def test_threads_and_offsets_make_parts_of_one_stream(name):
    dtype = np.uint64 if name == "random_bits" else np.float64
    with K.use_backend("native"):
        (whole,) = assert_one_answer(lambda: draw(name, 20_003, dtype))
    for start in (1, 2, 31, 8191, 8192, 20_002):
        assert bits(draw(name, 20_003 - start, dtype, offset=start)) == bits(whole[start:])


@pytest.mark.parametrize("name", FILLS)
def test_both_precisions_start_from_one_network(name):
    wide, narrow = draw(name, 1000), draw(name, 1000, np.float32)
    assert bits(wide.astype(np.float32)) == bits(narrow)


@needs_native
def test_quantile_one_answer_and_exact_to_the_far_tail():
    tails = 2.0 ** -np.arange(2, 55)
    q = np.concatenate([[0.0, 0.425, np.nextafter(0.425, 1)], 0.5 - tails, np.linspace(-0.49999, 0.49999, 999)])
    q = np.concatenate([q, -q])
    from minigrad.kernels.native.random import normal_quantile as native_quantile

    def compute():
        out = np.empty_like(q)
        native_quantile(q, out)
        return out

    with K.use_backend("native"):
        (native,) = assert_one_answer(compute, threads=(1,))
    np.testing.assert_allclose(native, normal_quantile(q), rtol=2e-15, atol=0)
    exact = [NormalDist().inv_cdf(0.5 + x) for x in q[: len(q) // 2] if abs(x) < 0.49]
    np.testing.assert_allclose(native[: len(q) // 2][np.abs(q[: len(q) // 2]) < 0.49], exact, rtol=1e-14, atol=1e-15)
    for k, exact in [(36, 6.6510353798930105467), (38, 6.852127665896067531), (54, 8.2923610758135955382)]:  # mpmath
        np.testing.assert_allclose(native[3 + k - 2], exact, rtol=4e-16)


def test_uniform_has_its_distribution():
    u = draw("uniform", 1 << 18, low=0.0, high=1.0)
    assert 0 <= u.min() < u.max() < 1
    counts = np.bincount((u * 256).astype(int), minlength=256)
    chi2 = ((counts - 1024) ** 2 / 1024).sum()
    assert abs(chi2 - 255) < 4 * np.sqrt(2 * 255)
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 4 / np.sqrt(u.size)


def test_normal_has_its_distribution():
    n = 1 << 18
    z = draw("normal", n, mean=0.0, std=1.0)
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs((z**power).mean() - moment) < 4 * np.sqrt(variance / n)
    edges = [NormalDist().inv_cdf(i / 64) for i in range(1, 64)]
    counts = np.bincount(np.searchsorted(edges, z), minlength=64)
    chi2 = ((counts - n / 64) ** 2 / (n / 64)).sum()
    assert abs(chi2 - 63) < 4 * np.sqrt(2 * 63)


@needs_native
@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.empty(4, np.int64), DTypeError),
        (np.empty(4, np.float16), DTypeError),
        (np.empty((4, 4)).T, ValueError),
        (np.empty(8)[::2], ValueError),
        (np.broadcast_to(np.float64(0), 4), ValueError),
        ([0.0], TypeError),
    ],
)
def test_bad_arrays_are_refused(out, error):
    for call in (
        lambda: K.uniform(out, **STREAM, offset=0, low=0, high=1),
        lambda: K.normal(out, **STREAM, offset=0, mean=0, std=1),
    ):
        with pytest.raises(error):
            call()
    with pytest.raises((DTypeError, TypeError)):
        K.random_bits(out, **STREAM, offset=0)
