"""Philox4x32-10 in NumPy, and how elements take its bits: equal to src_c/random/philox.h, bit for bit.

Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011). The counter of block b of a stream
is (b low, b high, stream low, stream high); the key is the seed, low word first.
"""

import numpy as np

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = 0x9E3779B9, 0xBB67AE85
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def blocks(key, stream, first, count):
    """(count, 4) uint32: blocks first, first + 1, ... of a stream."""
    b = np.arange(count, dtype=np.uint64) + np.uint64(first)
    full = np.full(count, stream, np.uint64)
    return rounds(np.stack([b & LOW, b >> SHIFT, full & LOW, full >> SHIFT], 1), key)


def rounds(counter, key):
    """Ten rounds over counters (count, 4); key is a 64-bit number."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0, p1 = MULTIPLIERS[0] * c[0], MULTIPLIERS[1] * c[2]
        c = [(p1 >> SHIFT) ^ c[1] ^ np.uint64(k0), p1 & LOW, (p0 >> SHIFT) ^ c[3] ^ np.uint64(k1), p0 & LOW]
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack(c, 1).astype(np.uint32)


def half_words(key, stream, offset, n):
    """16 bits per element (uint16) for elements offset ... offset + n - 1.

    A group of 128 elements is 16 blocks; element e takes block 16 (e div 128) + e mod 16, word
    (e div 32) mod 4, its low half if e div 16 is even. With this layout vectors of any width need no shuffles.
    """
    _check(key, stream, offset)
    first, last = offset // 128, -(-(offset + n) // 128)
    words = blocks(key, stream, 16 * first, 16 * (last - first)).reshape(-1, 16, 4).transpose(0, 2, 1)
    halves = np.stack([words & 0xFFFF, words >> 16], 2).astype(np.uint16).reshape(-1)
    return halves[offset - 128 * first :][:n]


def double_words(key, stream, offset, n):
    """64 bits per element (uint64) for elements offset ... offset + n - 1, two elements per block."""
    _check(key, stream, offset)
    first, last = offset // 2, -(-(offset + n) // 2)
    words = blocks(key, stream, first, last - first).reshape(-1, 2).astype(np.uint64)
    return (words[:, 0] | (words[:, 1] << SHIFT))[offset - 2 * first :][:n]


def _check(key, stream, offset):
    if not (0 <= key < 1 << 64 and 0 <= stream < 1 << 64 and 0 <= offset < 1 << 63):
        where = f"key {key}, stream {stream}, offset {offset}"
        raise ValueError(f"random stream: {where}; need 0 <= key, stream < 2**64 and 0 <= offset < 2**63")
