/* The plain meaning of dropout.c: one element at a time. Variant `naive`. */
#ifndef real
#include <string.h>
#include "random/dropout.h"
#include "random/philox_naive.h"

static void mg_dropout_bits(size_t n, uint8_t *bits, mg_stream stream, uint32_t threshold) {
    uint32_t word[16][4]; /* of the 16 blocks of a group */
    memset(bits, 0, (n + 7) / 8);
    for (size_t i = 0; i < n; i++) {
        const uint64_t e = stream.offset + i;
        if (i == 0 || e % 128 == 0)
            for (int b = 0; b < 16; b++) mg_philox_block(stream, 16 * (e / 128) + b, word[b]);
        const uint32_t both = word[e % 16][e / 16 % 8 / 2];
        const uint32_t number = e / 16 % 2 == 0 ? both & 0xFFFF : both >> 16;
        if (number >= threshold) bits[i / 8] |= (uint8_t)(1u << i % 8);
    }
}

#define MG_SOURCE "random/dropout_naive.c"
#include "base/mg_both.h"

const mg_dropout_table MG_TABLE(dropout) = {mg_dropout_bits, MG_BOTH(masked_scale), MG_BOTH(dropout)};

#else

/* out = x scale where the bit is set, else +0. */
static void FN(masked_scale)(size_t n, const real *x, const uint8_t *bits, double scale, real *out) {
    for (size_t i = 0; i < n; i++) out[i] = bits[i / 8] >> i % 8 & 1 ? x[i] * (real)scale : 0;
}

static void FN(dropout)(size_t n, const real *x, uint8_t *bits, mg_stream stream, uint32_t threshold, double scale,
                        real *out) {
    mg_dropout_bits(n, bits, stream, threshold);
    FN(masked_scale)(n, x, bits, scale, out);
}

#endif
