/* The plain meaning of random.c: one element at a time. Variant `naive`. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "random/philox_naive.h"
#include "random/quantile_tables.h"
#include "random/random.h"

/* The 64 random bits of element i of a block of numbers. */
static uint64_t mg_word(mg_stream stream, uint64_t i) {
    uint32_t word[4];
    const uint64_t e = stream.offset + i;
    mg_philox_block(stream, e / 2, word);
    return word[2 * (e % 2)] | (uint64_t)word[2 * (e % 2) + 1] << 32;
}

static void mg_random_bits(const mg_random_args *p, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) ((uint64_t *)p->out)[i] = mg_word(p->stream, i);
}

static double mg_quotient(const double *over, const double *under, double x) {
    double p = over[7], q = under[7];
    for (int k = 6; k >= 0; k--) {
        p = fma(p, x, over[k]);
        q = fma(q, x, under[k]);
    }
    return p / q;
}

/* The normal quantile of 1/2 + q, |q| < 1/2. */
static double mg_normal_quantile(double q) {
    if (fabs(q) <= 0.425) return q * mg_quotient(mg_center_over, mg_center_under, fma(-q, q, 0.180625));
    const double r = sqrt(-naive_log_f64(0.5 - fabs(q)));
    const double near = mg_quotient(mg_tail_over, mg_tail_under, r - 1.6);
    const double z = r <= 5 ? near : mg_quotient(mg_far_over, mg_far_under, r - 5);
    return q < 0 ? -z : z;
}

static void mg_quantiles(size_t n, const double *q, double *out) {
    for (size_t i = 0; i < n; i++) out[i] = mg_normal_quantile(q[i]);
}

#undef MG_SOURCE
#define MG_SOURCE "random/random_naive.c"
#include "base/mg_both.h"

const mg_random_table MG_TABLE(random) = {
    .normal_quantile = mg_quantiles,
    .random_bits = mg_random_bits,
    .uniform = {mg_uniform_f32, mg_uniform_f64},
    .normal = {mg_normal_f32, mg_normal_f64},
};

#else

static void FN(uniform)(const mg_random_args *p, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) {
        const double k = (double)(mg_word(p->stream, i) >> 11);
        ((real *)p->out)[i] = (real)(p->a + (p->b - p->a) * (k * 0x1p-53));
    }
}

static void FN(normal)(const mg_random_args *p, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) {
        const double k = (double)(mg_word(p->stream, i) >> 11);
        ((real *)p->out)[i] = (real)(p->a + p->b * mg_normal_quantile((k - 0x1p52 + 0.5) * 0x1p-53));
    }
}

#endif
