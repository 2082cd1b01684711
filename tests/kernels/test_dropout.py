"""dropout: bits equal to philox.py for any range of a stream; every variant equals the naive twin."""

import numpy as np
import pytest
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import ShapeError
from minigrad.kernels import reference
from minigrad.kernels.reference import philox

STREAM = {"key": 0x0123456789ABCDEF, "stream": 0xFEDCBA9876543210}
ONES = 2**64 - 1


def keep(n, p, kernels=K, offset=0, **stream):
    """The mask of elements offset ... offset + n - 1."""
    packed = np.full((n + 7) // 8, 0xAA, np.uint8)
    kernels.dropout_bits(packed, n, **(stream or STREAM), offset=offset, p=p)
    assert not np.unpackbits(packed, bitorder="little")[n:].any()  # the bits behind the last element
    return np.unpackbits(packed, count=n, bitorder="little")


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # kat_vectors of Random123 (Salmon et al. 2011)
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_is_the_published_one(counter, key, words):
    counter, key, words = ([int(word, 16) for word in text.split()] for text in (counter, key, words))
    np.testing.assert_array_equal(philox.rounds(np.array([counter]), key[0] | key[1] << 32), [words])


@needs_native
def test_the_native_philox_is_the_published_one():
    """Block 0 of stream 0: each threshold in turn makes one 16-bit number of each of its words the last that stays."""
    words = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    for i, number in enumerate(half for word in words for half in (word & 0xFFFF, word >> 16)):

        def at(p, i=i):
            return keep(128, p, key=0, stream=0)[16 * i]

        assert at(number / 65536) == 1
        assert at((number + 1) / 65536) == 0


@needs_native
@pytest.mark.parametrize("offset", [0, 1, 15, 16, 17, 127, 128, 129, 1000, 2**31 - 5, 2**35 - 128, 2**40 + 77])
def test_bits_one_answer(offset):
    def compute(kernels=K):
        return tuple(keep(n, p, kernels, offset) for n in EDGES for p in (0.5, 0.1))

    with K.use_backend("native"):
        native = assert_one_answer(compute, threads=(1,))
    for got, expected in zip(native, compute(reference), strict=True):
        np.testing.assert_array_equal(got, expected)


@needs_native
@pytest.mark.parametrize("offset", [0, 77])
def test_threads_and_offsets_make_parts_of_one_mask(offset):
    n = 100_003
    with K.use_backend("native"):
        (whole,) = assert_one_answer(lambda: keep(n, 0.3, offset=offset))
    np.testing.assert_array_equal(whole[:4000], keep(4000, 0.3, reference, offset))
    for start in (1, 8, 127, 16_384, 16_385, 99_999):
        np.testing.assert_array_equal(keep(n - start, 0.3, offset=offset + start), whole[start:])


@needs_native
@pytest.mark.parametrize(("key", "stream"), [(0, ONES), (ONES, 0), (ONES, ONES), (2**32, 2**32 - 1)])
def test_all_bits_of_key_and_stream_count(key, stream):
    for last in (0, 1):
        other = {"key": key ^ last, "stream": stream ^ 2**63 * (1 - last)}
        np.testing.assert_array_equal(keep(300, 0.5, **other), keep(300, 0.5, reference, **other))
        assert (keep(300, 0.5, **other) != keep(300, 0.5, key=key, stream=stream)).any()


@pytest.mark.parametrize("kernels", [K, reference])
def test_p_at_its_ends(kernels):
    for p in (0.0, 2.0**-18):
        assert keep(1000, p, kernels).all()
    for p in (1.0, 1 - 2.0**-18):
        assert not keep(1000, p, kernels).any()
    for p in (-0.1, 1.1, np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="p is"):
            keep(8, p, kernels)
    with pytest.raises(TypeError):
        keep(8, "0.5", kernels)


@pytest.mark.parametrize("p", [0.01, 0.5, 0.9])
def test_share_and_independence_of_neighbours(p):
    n = 1 << 20
    dropped = 1 - keep(n, p).astype(np.int64)
    sigma = np.sqrt(p * (1 - p))
    assert abs(dropped.mean() - p) < 4 * sigma / np.sqrt(n)
    for lag in (1, 2, 8, 16, 32, 64, 128):
        correlation = ((dropped[lag:] - p) * (dropped[:-lag] - p)).mean() / sigma**2
        assert abs(correlation) < 4.5 / np.sqrt(n)


@needs_native
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [*EDGES, 1023, 1025, 20_003])
def test_dropout_and_masked_scale_one_answer(n, dtype):
    x = np.random.default_rng(n).standard_normal(n).astype(dtype)
    x[: 8 * len(SPECIALS)] = np.repeat(SPECIALS, 8)[:n].astype(dtype)

    def compute(kernels=K):
        results = []
        for p, offset in [(0.5, 0), (0.3, 5), (0.0, 1), (1.0, 1)]:
            out, again, packed = np.full(n, 9, dtype), np.full(n, 9, dtype), np.full((n + 7) // 8, 0xAA, np.uint8)
            with np.errstate(all="ignore"):
                kernels.dropout(x, out, packed, **STREAM, offset=offset, p=p, scale=1.7)
                kernels.masked_scale(x, packed, again, scale=1.7)
            assert bits(out) == bits(again)
            dropped = out[np.unpackbits(packed, count=n, bitorder="little") == 0]
            assert not dropped.any()  # zero also where x is NaN or infinite
            assert not np.signbit(dropped).any()
            results += [out, packed]
        return tuple(results)

    with K.use_backend("native"):
        native = assert_one_answer(compute, threads=(1, 2, 3) if n > 16_384 else (1,))
    for got, expected in zip(native, compute(reference), strict=True):
        assert bits(got) == bits(expected)


@needs_native
def test_nothing_is_written_outside():
    for n in EDGES:
        frame, packed = np.full(n + 64, 9.0), np.full((n + 7) // 8 + 64, 7, np.uint8)
        K.dropout(np.ones(n), frame[32 : n + 32], packed[32 : (n + 7) // 8 + 32], **STREAM, offset=3, p=0.5, scale=2)
        assert (frame[:32] == 9).all()
        assert (frame[n + 32 :] == 9).all()
        assert (packed[:32] == 7).all()
        assert (packed[(n + 7) // 8 + 32 :] == 7).all()


@needs_native
@pytest.mark.parametrize(
    ("x", "packed", "out", "error"),
    [
        (np.ones(9), np.zeros(1, np.uint8), np.ones(9), ShapeError),
        (np.ones(9), np.zeros(3, np.uint8), np.ones(9), ShapeError),
        (np.ones(9), np.zeros(2, np.int8), np.ones(9), ShapeError),
        (np.ones(9), np.zeros(4, np.uint8)[::2], np.ones(9), ValueError),
        (np.ones(9), np.zeros(2, np.uint8), np.ones(8), ShapeError),
        (np.ones(9), np.zeros(2, np.uint8), np.ones(9, np.float32), ShapeError),
        (np.ones((3, 3)).T, np.zeros(2, np.uint8), np.ones(9), ValueError),
        (np.ones(9), None, np.ones(9), TypeError),
    ],
)
def test_bad_arrays_are_refused(x, packed, out, error):
    for call in (
        lambda: K.masked_scale(x, packed, out, scale=1),
        lambda: K.dropout(x, out, packed, **STREAM, offset=0, p=0.5, scale=1),
    ):
        with pytest.raises(error):
            call()


@pytest.mark.parametrize("kernels", [K, reference])
@pytest.mark.parametrize(
    "wrong", [{"key": -1}, {"key": 2**64}, {"stream": -1}, {"stream": 2**64}, {"offset": -1}, {"offset": 2**63}]
)
def test_places_outside_a_stream_are_refused(kernels, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kernels.dropout_bits(np.zeros(1, np.uint8), 8, **{"key": 0, "stream": 0, "offset": 0, **wrong}, p=0.5)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kernels.random_bits(np.zeros(1, np.uint64), **{"key": 0, "stream": 0, "offset": 0, **wrong})


@needs_native
def test_a_read_only_mask_can_be_read_and_not_drawn():
    packed = np.full(2, 0xFF, np.uint8)
    packed.flags.writeable = False
    out = np.zeros(9)
    K.masked_scale(np.ones(9), packed, out, scale=3)
    assert (out == 3).all()
    with pytest.raises(ValueError, match="writable"):
        K.dropout(np.ones(9), out, packed, **STREAM, offset=0, p=0.5, scale=1)
