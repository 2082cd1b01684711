/* Philox4x32-10 for vectors of counters: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3"
   (SC 2011). The counter of block b of a stream is (b low, b high, stream low, stream high), the key is the seed.
   philox_naive.h is the plain meaning.

   Words live in the low halves of 64-bit lanes, where the multiplier reads them; the high halves hold rests of
   products that no later operation looks at. W32 blocks are the even ones in one set of vectors, the odd ones in
   another. */
#ifndef MG_PHILOX_H
#define MG_PHILOX_H
#include "simd.h"
#include "stream.h"

/* The product of the low halves, and the high half in the place of the low one. A shuffle leaves the ports that
   multiply alone: with a shift, 64k dropout bits took 7 % longer on an Intel core, the same on Zen 5. */
#if defined(__AVX512F__)
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (vu64)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
INLINE vu64 mg_high(vu64 a) { return (vu64)_mm512_movehdup_ps((__m512)a); }
#elif defined(__AVX2__)
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (vu64)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
INLINE vu64 mg_high(vu64 a) { return (vu64)_mm256_movehdup_ps((__m256)a); }
#elif defined(__aarch64__) && !defined(MG_GENERIC)
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (vu64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b)); }
INLINE vu64 mg_high(vu64 a) { return a >> 32; }
#else
INLINE vu64 mg_mul_low(vu64 a, vu64 b) { return (a & UINT32_MAX) * (b & UINT32_MAX); }
INLINE vu64 mg_high(vu64 a) { return a >> 32; }
#endif

#define PHILOX_ROUNDS 10
typedef struct {
    vu64 key0[PHILOX_ROUNDS], key1[PHILOX_ROUNDS], stream_low, stream_high;
} mg_philox;
typedef struct {
    vu64 even[4], odd[4];
} mg_philox_words;

/* What all blocks of a stream share: the round keys grow by the golden ratio and by the square root of 3 less 1. */
INLINE mg_philox mg_philox_of(mg_stream s) {
    const vu64 none = {0};
    mg_philox p = {.stream_low = s.number + none, .stream_high = (s.number >> 32) + none};
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        p.key0[i] = (uint64_t)(uint32_t)(s.key + i * 0x9E3779B9u) + none;
        p.key1[i] = (uint64_t)(uint32_t)((s.key >> 32) + i * 0xBB67AE85u) + none;
    }
    return p;
}

/* The words of blocks first ... first + W32 - 1, and of as many 16, 32, ... blocks later: G <= 2 groups in all. Two side by
   side take a fifth less time than one after the other, as a round waits for the one before (Zen 4). */
INLINE void mg_philox_groups(const mg_philox *p, const int G, uint64_t first, mg_philox_words *w) {
    const vu64 m0 = (vu64){0} + 0xD2511F53u, m1 = (vu64){0} + 0xCD9E8D57u;
    vu64 step, c[4][4];
    UNROLL for (int i = 0; i < MG_W64; i++) step[i] = 2 * i;
    UNROLL for (int s = 0; s < 2 * G; s++) {
        const vu64 block = step + (first + s / 2 * 16 + s % 2);
        c[s][0] = block, c[s][1] = block >> 32, c[s][2] = p->stream_low, c[s][3] = p->stream_high;
    }
    UNROLL for (int i = 0; i < PHILOX_ROUNDS; i++) {
        const vu64 key0 = p->key0[i], key1 = p->key1[i];
        UNROLL for (int s = 0; s < 2 * G; s++) {
            const vu64 p0 = mg_mul_low(m0, c[s][0]), p1 = mg_mul_low(m1, c[s][2]);
            c[s][0] = mg_high(p1) ^ c[s][1] ^ key0;
            c[s][2] = mg_high(p0) ^ c[s][3] ^ key1;
            c[s][1] = p1;
            c[s][3] = p0;
        }
    }
    UNROLL for (int g = 0; g < G; g++)
        UNROLL for (int i = 0; i < 4; i++) w[g].even[i] = c[2 * g][i], w[g].odd[i] = c[2 * g + 1][i];
}

#endif
