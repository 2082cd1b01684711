/* Random numbers of a block, n elements, contiguous. Equal to random_naive.c, bit for bit; random.h defines them. */
#ifndef real
#include "math/exp_log_tanh.h"
#include "random/philox.h"
#include "random/quantile_tables.h"
#include "random/random.h"
#include "base/simd.h"

enum { RUN = 2 * MG_W32 }; /* elements of one call of Philox */

/* The 64-bit words of elements 2 first ... 2 first + RUN - 1. */
INLINE void mg_words(const mg_philox *p, uint64_t first, uint64_t *out) {
    mg_philox_words w;
    mg_philox_groups(p, 1, first, &w);
    for (int i = 0; i < RUN; i++) out[i] = w.word[i % 2 * 2][i / 2] | (uint64_t)w.word[i % 2 * 2 + 1][i / 2] << 32;
}

static void mg_random_bits(const mg_random_args *a, size_t first, size_t n) {
    const mg_stream stream = mg_stream_from(a->stream, first);
    const mg_philox p = mg_philox_of(stream);
    uint64_t *out = (uint64_t *)a->out + first;
    uint64_t words[RUN];
    size_t skip = stream.offset % 2, taken;
    for (uint64_t block = stream.offset / 2; n; block += MG_W32, skip = 0, n -= taken, out += taken) {
        taken = n < RUN - skip ? n : RUN - skip;
        mg_words(&p, block, words);
        memcpy(out, words + skip, taken * sizeof *out);
    }
}

/* k of the words: a whole number below 2^53, exact in float64. */
INLINE vf64 mg_upper_bits(const uint64_t *words) {
    vu64 w;
    memcpy(&w, words, sizeof w);
    return __builtin_convertvector((vi64)(w >> 11), vf64);
}

INLINE vf64 mg_quotient(const double *over, const double *under, vf64 x) {
    vf64 p = vf64_set1(over[7]), q = vf64_set1(under[7]);
    UNROLL for (int k = 6; k >= 0; k--) {
        p = vf64_fma(p, x, vf64_set1(over[k]));
        q = vf64_fma(q, x, vf64_set1(under[k]));
    }
    return p / q;
}

/* The normal quantile of 1/2 + q, |q| < 1/2. The centre and the tail are computed for all lanes, the far tail only if a
   lane needs it. */
INLINE vf64 mg_normal_quantile(vf64 q) {
    const vf64 size = vf64_abs(q), center = vf64_fma(-q, q, vf64_set1(0.180625));
    const vf64 r = vf64_sqrt(-vf64_log(vf64_set1(0.5) - size));
    vf64 tail = mg_quotient(mg_tail_over, mg_tail_under, r - vf64_set1(1.6));
    double largest = 0;
    UNROLL for (int i = 0; i < MG_W64; i++) largest = r[i] > largest ? r[i] : largest;
    if (largest > 5)
        tail = vf64_select(vf64_lt(vf64_set1(5), r), mg_quotient(mg_far_over, mg_far_under, r - vf64_set1(5)), tail);
    const vf64 inner = q * mg_quotient(mg_center_over, mg_center_under, center);
    return vf64_select(vf64_le(size, vf64_set1(0.425)), inner, vf64_copysign(tail, q));
}

static void mg_quantiles(size_t n, const double *q, double *out) {
    size_t i = 0;
    for (; i + MG_W64 <= n; i += MG_W64) vf64_store(out + i, mg_normal_quantile(vf64_load(q + i)));
    if (i < n) vf64_store_part(out + i, n - i, mg_normal_quantile(vf64_load_part(q + i, n - i)));
}

#undef MG_SOURCE
#define MG_SOURCE "random/random.c"
#include "base/mg_both.h"

const mg_random_table MG_TABLE(random) = {
    .normal_quantile = mg_quantiles,
    .random_bits = mg_random_bits,
    .uniform = {mg_uniform_f32, mg_uniform_f64},
    .normal = {mg_normal_f32, mg_normal_f64},
};

#else

/* out = a + b x for x uniform in [0, 1) or normal. */
INLINE void FN(fill)(size_t n, real *out, mg_stream stream, double a, double b, int normal) {
    const mg_philox p = mg_philox_of(stream);
    uint64_t words[RUN];
    double x[RUN];
    size_t skip = stream.offset % 2, taken;
    for (uint64_t block = stream.offset / 2; n; block += MG_W32, skip = 0, n -= taken, out += taken) {
        taken = n < RUN - skip ? n : RUN - skip;
        mg_words(&p, block, words);
        for (int i = 0; i < RUN; i += MG_W64) {
            vf64 y = mg_upper_bits(words + i);
            if (normal) y = mg_normal_quantile((y - vf64_set1(0x1p52) + vf64_set1(0.5)) * vf64_set1(0x1p-53));
            else y = y * vf64_set1(0x1p-53);
            vf64_store(x + i, vf64_set1(a) + vf64_set1(b) * y);
        }
        if (taken == RUN) for (size_t i = 0; i < RUN; i++) out[i] = (real)x[i];
        else for (size_t i = 0; i < taken; i++) out[i] = (real)x[skip + i];
    }
}

static void FN(uniform)(const mg_random_args *p, size_t first, size_t n) {
    FN(fill)(n, (real *)p->out + first, mg_stream_from(p->stream, first), p->a, p->b - p->a, 0);
}

static void FN(normal)(const mg_random_args *p, size_t first, size_t n) {
    FN(fill)(n, (real *)p->out + first, mg_stream_from(p->stream, first), p->a, p->b, 1);
}

#endif
