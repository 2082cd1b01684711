/* Dropout of a block, n elements, contiguous. Equal to dropout_naive.c, bit for bit; dropout.h has the layout. */
#ifndef real
#include "random/dropout.h"
#include "random/philox.h"
#include "base/simd.h"

/* RUN: for so many elements, bits are drawn and then used; few, so that drawing overlaps with using the bits before. */
enum { GROUP = 128, RUN = MG_BYTES == 64 ? 256 : 1024 };
typedef unsigned __int128 mg_group; /* one bit per element of a group */

/* Writes one bit for each half of MG_W32 words: 1 if the half is at least the threshold. The bits of the low halves are
   from bit `at` on, those of the high halves 16 bits later. */
#if defined(__AVX512F__)
/* volatile, because gcc would otherwise join the stores of a group by shuffles, which need the same port as Philox:
   15 % of the time of dropout. */
typedef volatile uint16_t mg_sixteen __attribute__((may_alias, aligned(1)));
INLINE void mg_word_bits(vu32 word, uint32_t threshold, uint8_t *bits, int at) {
    const uint32_t halves = _mm512_cmpge_epu16_mask((__m512i)word, _mm512_set1_epi16((short)threshold));
    mg_sixteen *to = (mg_sixteen *)(bits + at / 8);
    to[0] = (uint16_t)_pext_u32(halves, 0x55555555);
    to[1] = (uint16_t)_pext_u32(halves, 0xaaaaaaaa);
}
#else
INLINE void mg_at_least(vu32 a, vu32 b, uint8_t *bits, int at) {
#if defined(__AVX2__)
    const vi32 m = (vi32)a == (vi32)_mm256_max_epu32((__m256i)a, (__m256i)b);
    bits[at / 8] = (uint8_t)_mm256_movemask_ps((__m256)m);
#else
    const vi32 m = (a >= b) & (vi32){1, 2, 4, 8};
    const int four = m[0] | m[1] | m[2] | m[3];
    bits[at / 8] = (uint8_t)(at % 8 ? bits[at / 8] | four << 4 : four);
#endif
}
INLINE void mg_word_bits(vu32 word, uint32_t threshold, uint8_t *bits, int at) {
    const vu32 least = (vu32){0} + (threshold << 16); /* compared with the shifted low halves, then with the high */
    mg_at_least(word << 16, least, bits, at);
    mg_at_least(word, least, bits, at + 16);
}
#endif

/* The bits of G groups. */
INLINE void mg_group_bits(const mg_philox *p, const int G, uint64_t group, uint32_t threshold, uint8_t *bits) {
    UNROLL for (int b = 0; b < 16; b += MG_W32) {
        mg_philox_words w[2];
        mg_philox_groups(p, G, 16 * group + b, w);
        UNROLL for (int g = 0; g < G; g++)
            UNROLL for (int i = 0; i < 4; i++) mg_word_bits(w[g].word[i], threshold, bits + g * GROUP / 8, 32 * i + b);
    }
}

/* The bits if the offset is not a multiple of 128, where groups begin: each 128 bits are the end of one group and the
   beginning of the next. Also for fewer bits than a group. */
static __attribute__((noinline)) void mg_draw_across(size_t n, uint8_t *bits, const mg_philox *p, uint64_t offset,
                                                     uint32_t threshold) {
    const unsigned skip = offset % GROUP;
    uint64_t group = offset / GROUP;
    mg_group here;
    mg_group_bits(p, 1, group, threshold, (uint8_t *)&here);
    for (size_t i = 0; i < n; i += GROUP) {
        const size_t part = n - i < GROUP ? n - i : GROUP;
        mg_group out = here >> skip;
        if (part > GROUP - skip) {
            mg_group_bits(p, 1, ++group, threshold, (uint8_t *)&here);
            out |= here << (GROUP - skip);
        }
        if (part < GROUP) out &= ((mg_group)1 << part) - 1;
        memcpy(bits + i / 8, &out, (part + 7) / 8);
    }
}

/* The bits of elements offset ... offset + n - 1 of the stream. */
INLINE void mg_draw(size_t n, uint8_t *bits, const mg_philox *p, uint64_t offset, uint32_t threshold) {
    size_t i = 0;
    if (offset % GROUP == 0) {
        for (; i + 2 * GROUP <= n; i += 2 * GROUP) mg_group_bits(p, 2, (offset + i) / GROUP, threshold, bits + i / 8);
        for (; i + GROUP <= n; i += GROUP) mg_group_bits(p, 1, (offset + i) / GROUP, threshold, bits + i / 8);
    }
    if (i < n) mg_draw_across(n - i, bits + i / 8, p, offset + i, threshold);
}

static void mg_dropout_bits(const mg_dropout_bits_args *p, size_t first, size_t n) {
    const mg_philox philox = mg_philox_of(p->stream);
    uint8_t *bits = p->bits + first / 8;
    if (p->threshold >> 16) memset(bits, 0, (n + 7) / 8);
    else mg_draw(n, bits, &philox, p->stream.offset + first, p->threshold);
}

#define MG_SOURCE "random/dropout.c"
#include "base/mg_both.h"

const mg_dropout_table MG_TABLE(dropout) = {
    .dropout_bits = mg_dropout_bits,
    .masked_scale = {mg_masked_scale_f32, mg_masked_scale_f64},
    .dropout = {mg_dropout_f32, mg_dropout_f64},
};

#else

/* The mask of elements i ... i + W - 1, i a multiple of W. */
INLINE mask FN(mask_at)(const uint8_t *bits, size_t i) {
#if defined(__AVX512F__)
    mask m;
    memcpy(&m, bits + i / 8, sizeof m);
    return m;
#else
    uvec lane;
    UNROLL for (int j = 0; j < W; j++) lane[j] = 1u << j;
    return (mask)((((uvec){0} + (ubits)(bits[i / 8] >> i % 8)) & lane) != 0);
#endif
}

/* out = x scale where the bit is set, else +0. */
INLINE void FN(scale_run)(size_t n, const real *x, const uint8_t *bits, vec scale, real *out) {
    const vec zero = {0};
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, V(select)(FN(mask_at)(bits, i), V(load)(x + i) * scale, zero));
    if (i < n) {
        uint8_t last[2] = {0}; /* mask_at may read more bits than are left */
        memcpy(last, bits + i / 8, (n + 7) / 8 - i / 8);
        V(store_part)(out + i, n - i, V(select)(FN(mask_at)(last, i % 8), V(load_part)(x + i, n - i) * scale, zero));
    }
}

static void FN(masked_scale)(const mg_masked_scale_args *p, size_t first, size_t n) {
    FN(scale_run)(n, (const real *)p->x + first, p->bits + first / 8, V(set1)((real)p->scale), (real *)p->out + first);
}

/* Draws and uses the bits in one pass, so that the bits of a run are still in the L1 cache when they are used. */
static void FN(dropout)(const mg_dropout_args *p, size_t first, size_t n) {
    const mg_philox philox = mg_philox_of(p->stream);
    const uint64_t offset = p->stream.offset + first;
    const vec scale = V(set1)((real)p->scale);
    const real *x = (const real *)p->x + first;
    uint8_t *bits = p->bits + first / 8;
    real *out = (real *)p->out + first;
    for (size_t i = 0; i < n; i += RUN) {
        const size_t run = n - i < RUN ? n - i : RUN;
        if (p->threshold >> 16) memset(bits + i / 8, 0, (run + 7) / 8);
        else mg_draw(run, bits + i / 8, &philox, offset + i, p->threshold);
        FN(scale_run)(run, x + i, bits + i / 8, scale, out + i);
    }
}

#endif
