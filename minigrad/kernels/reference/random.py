"""Dropout and random fills in NumPy: element i of a call is element offset + i of the stream (key, stream)."""

import numpy as np

from . import philox
from .quantile import normal_quantile


def dropout_bits(bits, n, *, key, stream, offset, p):
    """Bit i of bits (uint8, ceil(n/8), lowest bit first) is 1 if element offset + i is kept.

    It is kept if its 16 random bits are at least round(65536 p), so that a p within 2⁻¹⁷ of 0 or 1 drops nothing or
    everything. The bits after the last element are 0. ValueError for a p outside [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout_bits: p is {p}; need 0 <= p <= 1")
    keep = philox.half_words(key, stream, offset, n) >= round(65536 * p)
    bits[...] = np.packbits(keep, bitorder="little")


def masked_scale(x, bits, out, *, scale):
    """out = x * scale where the element's bit is set, else +0, also if x is NaN or infinite there."""
    keep = np.unpackbits(bits, count=x.size, bitorder="little").reshape(x.shape).astype(bool)
    np.copyto(out, np.where(keep, x * x.dtype.type(scale), 0))


def dropout(x, out, bits, *, key, stream, offset, p, scale):
    """dropout_bits and masked_scale in one pass."""
    dropout_bits(bits, x.size, key=key, stream=stream, offset=offset, p=p)
    masked_scale(x, bits, out, scale=scale)


def random_bits(out, *, key, stream, offset):
    """out (uint64) = 64 random bits for each element e: words 2(e mod 2) (low) and 2(e mod 2) + 1 of block e div 2."""
    out[...] = philox.double_words(key, stream, offset, out.size).reshape(out.shape)


def uniform(out, *, key, stream, offset, low, high):
    """out = low + (high - low) u, u = (upper 53 bits) 2⁻⁵³ in [0, 1): float64, rounded once to out's dtype.

    In float32 the last rounding may give high itself, once in 2²⁵ draws.
    """
    u = (philox.double_words(key, stream, offset, out.size) >> np.uint64(11)) * 2.0**-53
    np.copyto(out, (low + (high - low) * u).reshape(out.shape), casting="same_kind")


def normal(out, *, key, stream, offset, mean, std):
    """out = mean + std Φ⁻¹((k + ½) 2⁻⁵³), k the upper 53 bits: Wichura's AS 241 in float64, rounded once."""
    k = (philox.double_words(key, stream, offset, out.size) >> np.uint64(11)).astype(np.float64)
    z = normal_quantile((k - 2.0**52 + 0.5) * 2.0**-53)
    np.copyto(out, (mean + std * z).reshape(out.shape), casting="same_kind")
