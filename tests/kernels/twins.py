"""Helpers of the kernel tests: every variant with every thread count, and equality of bits."""

import numpy as np
import pytest

import minigrad.kernels as K

needs_native = pytest.mark.skipif(K.runtime is None, reason="no compiled kernels in this installation")


def every_variant(threads=(1, 2, 3, 8)):
    """Yield (variant, threads) with both set, naive first; what was set before returns at the end."""
    before = K.runtime.get_variant(), K.runtime.get_num_threads()
    try:
        for variant in K.runtime.supported():
            for n in threads if variant != "naive" else (1,):
                K.runtime.set_variant(variant)
                K.runtime.set_num_threads(n)
                yield variant, n
    finally:
        K.runtime.set_variant(before[0])
        K.runtime.set_num_threads(before[1])


def bits(x):
    """The bytes of an array, every NaN written one way (sign and payload of NaN are outside the promise)."""
    x = np.ascontiguousarray(x)
    if x.dtype.kind == "f":
        x = np.where(np.isnan(x), x.dtype.type(np.nan), x)
    return x.tobytes()


def assert_one_answer(compute, threads=(1, 2, 3, 8)):
    """compute() returns arrays; all variants and thread counts give naive's bits. Returns naive's arrays."""
    expected = None
    for variant, n in every_variant(threads):
        got = compute()
        got = got if isinstance(got, tuple) else (got,)
        if expected is None:
            expected = got
        for i, (e, g) in enumerate(zip(expected, got, strict=True)):
            assert bits(e) == bits(g), f"output {i}: {variant} with {n} threads differs from naive"
    return expected


def sums_in_order(w, block=4096):
    """Σ|w| and Σw² in float64, block after block: the order that a penalty's value is defined by."""
    size = square = 0.0
    for start in range(0, w.size, block):
        value = np.empty(2)
        K.elastic_net(w[start : start + block], value[:1], l1=1.0, l2=0.0)
        K.elastic_net(w[start : start + block], value[1:], l1=0.0, l2=2.0)
        size, square = size + float(value[0]), square + float(value[1])
    return size, square


SPECIALS = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e-310, 3e38, -3e38, 1.0, -1.0]
EDGES = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000]
