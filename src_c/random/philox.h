/* Philox4x32-10 for vectors of counters: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3"
   (SC 2011). The counter of block b of a stream is (b low, b high, stream low, stream high), the key is the seed.
   philox_naive.h is the plain meaning.

   Words are in the low halves of 64-bit lanes, where the multiplication reads them; the high halves hold parts of
   products that no later operation reads. Of MG_W32 blocks, the even ones are in one set of vectors and the odd ones in
   another; the last round joins them. */
#ifndef MG_PHILOX_H
#define MG_PHILOX_H
#include "base/simd.h"
#include "random/stream.h"

/* mul_low: the product of the low halves. high: the high half moved to the low one, by a shuffle, because a shift uses
   a port that multiplies: with shifts, 64k dropout bits took 7 % longer on an Intel core, the same time on Zen 5.
   lows (highs): the low (high) halves of `even` in the low halves of the result, those of `odd` in the high halves. */
#if defined(__AVX512F__)
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (vu64)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
INLINE vu64 mg_high(vu64 a) { return (vu64)_mm512_movehdup_ps((__m512)a); }
INLINE vu32 mg_lows(vu64 even, vu64 odd) { return (vu32)_mm512_mask_moveldup_ps((__m512)even, 0xaaaa, (__m512)odd); }
INLINE vu32 mg_highs(vu64 even, vu64 odd) { return (vu32)_mm512_mask_movehdup_ps((__m512)odd, 0x5555, (__m512)even); }
#else
#if defined(__AVX2__)
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (vu64)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
INLINE vu64 mg_high(vu64 a) { return (vu64)_mm256_movehdup_ps((__m256)a); }
#elif defined(__aarch64__) && !defined(MG_GENERIC)
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (vu64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b)); }
INLINE vu64 mg_high(vu64 a) { return a >> 32; }
#else
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (a & UINT32_MAX) * (b & UINT32_MAX); }
INLINE vu64 mg_high(vu64 a) { return a >> 32; }
#endif
INLINE vu32 mg_lows(vu64 even, vu64 odd) { return (vu32)((even & UINT32_MAX) | odd << 32); }
INLINE vu32 mg_highs(vu64 even, vu64 odd) { return (vu32)(even >> 32 | (odd & ~(uint64_t)UINT32_MAX)); }
#endif

#define PHILOX_ROUNDS 10
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
typedef struct {
    vu64 key0[PHILOX_ROUNDS], key1[PHILOX_ROUNDS]; /* in both halves */
    vu64 first0, first2, second0;                  /* what the first two rounds xor to words 0 and 2 of every block */
} mg_philox;
typedef struct {
    vu32 word[4];
} mg_philox_words;

/* What all blocks of a stream share. From round to round key0 grows by the fraction of the golden ratio in 32 bits, and
   key1 by that of the square root of 3. */
INLINE mg_philox mg_philox_of(mg_stream s) {
    const vu64 none = {0};
    const uint64_t both = 0x100000001, product = (uint64_t)PHILOX_M1 * (uint32_t)s.number;
    mg_philox p;
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        p.key0[i] = (uint32_t)(s.key + i * 0x9E3779B9u) * both + none;
        p.key1[i] = (uint32_t)((s.key >> 32) + i * 0xBB67AE85u) * both + none;
    }
    p.first0 = (product >> 32) ^ p.key0[0];
    p.first2 = (s.number >> 32) ^ p.key1[0];
    p.second0 = product ^ p.key0[1];
    return p;
}

/* The words of blocks first ... first + MG_W32 - 1 and, if G is 2, of as many blocks 16 later. Two such groups side by
   side take a fifth less time (Zen 4) than one after the other, because a round needs the result of the one before. */
INLINE void mg_philox_groups(const mg_philox *p, const int G, uint64_t first, mg_philox_words *w) {
    const vu64 m0 = (vu64){0} + PHILOX_M0, m1 = (vu64){0} + PHILOX_M1;
    const uint64_t last = first + 16 * (G - 1) + MG_W32 - 1;
    vu64 step, c[4][4], low = {0}, high = {0};
    UNROLL for (int i = 0; i < MG_W64; i++) step[i] = 2 * i;
    UNROLL for (int s = 0; s < 2 * G; s++) { /* rounds 1 and 2: after round 1, word 0 is the same for 2^32 blocks */
        const vu64 block = step + (first + s / 2 * 16 + s % 2), p0 = mg_mul_low(m0, block);
        if (s == 0 || (first ^ last) >> 32) {
            low = mg_mul_low(m0, (block >> 32) ^ p->first0);
            high = mg_high(low) ^ p->key1[1];
        }
        const vu64 p1 = mg_mul_low(m1, mg_high(p0) ^ p->first2);
        c[s][0] = mg_high(p1) ^ p->second0;
        c[s][1] = p1;
        c[s][2] = p0 ^ high;
        c[s][3] = low;
    }
    UNROLL for (int i = 2; i < PHILOX_ROUNDS - 1; i++) {
        const vu64 key0 = p->key0[i], key1 = p->key1[i];
        UNROLL for (int s = 0; s < 2 * G; s++) {
            const vu64 p0 = mg_mul_low(m0, c[s][0]), p1 = mg_mul_low(m1, c[s][2]);
            c[s][0] = mg_high(p1) ^ c[s][1] ^ key0;
            c[s][2] = mg_high(p0) ^ c[s][3] ^ key1;
            c[s][1] = p1;
            c[s][3] = p0;
        }
    }
    UNROLL for (int g = 0; g < G; g++) {
        const vu64 *even = c[2 * g], *odd = c[2 * g + 1];
        const vu64 even0 = mg_mul_low(m0, even[0]), even1 = mg_mul_low(m1, even[2]);
        const vu64 odd0 = mg_mul_low(m0, odd[0]), odd1 = mg_mul_low(m1, odd[2]);
        w[g].word[0] = mg_highs(even1, odd1) ^ mg_lows(even[1], odd[1]) ^ (vu32)p->key0[PHILOX_ROUNDS - 1];
        w[g].word[1] = mg_lows(even1, odd1);
        w[g].word[2] = mg_highs(even0, odd0) ^ mg_lows(even[3], odd[3]) ^ (vu32)p->key1[PHILOX_ROUNDS - 1];
        w[g].word[3] = mg_lows(even0, odd0);
    }
}

#endif
