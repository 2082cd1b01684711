/* The plain meaning of dropout.c: one element at a time. Variant `naive`. */
#ifndef real
#include <string.h>
#include "random/dropout.h"
#include "random/philox_naive.h"

static void mg_draw(size_t n, uint8_t *bits, mg_stream stream, uint32_t threshold) {
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

static void mg_dropout_bits(const mg_dropout_bits_args *p, size_t first, size_t n) {
    mg_draw(n, p->bits + first / 8, mg_stream_from(p->stream, first), p->threshold);
}

#define MG_SOURCE "random/dropout_naive.c"
#include "base/mg_both.h"

const mg_dropout_table MG_TABLE(dropout) = {
    .dropout_bits = mg_dropout_bits,
    .masked_scale = {mg_masked_scale_f32, mg_masked_scale_f64},
    .dropout = {mg_dropout_f32, mg_dropout_f64},
};

#else

/* out = x scale where the bit is set, else +0. */
static void FN(scale)(size_t n, const real *x, const uint8_t *bits, real scale, real *out) {
    for (size_t i = 0; i < n; i++) out[i] = bits[i / 8] >> i % 8 & 1 ? x[i] * scale : 0;
}

static void FN(masked_scale)(const mg_masked_scale_args *p, size_t first, size_t n) {
    FN(scale)(n, (const real *)p->x + first, p->bits + first / 8, (real)p->scale, (real *)p->out + first);
}

static void FN(dropout)(const mg_dropout_args *p, size_t first, size_t n) {
    uint8_t *bits = p->bits + first / 8;
    mg_draw(n, bits, mg_stream_from(p->stream, first), p->threshold);
    FN(scale)(n, (const real *)p->x + first, bits, (real)p->scale, (real *)p->out + first);
}

#endif
