/* The plain meaning of matmul.c: three loops, one element at a time. Variant `naive`.
   k is cut into chunks of 4 KiB; each chunk is one chain of fma from +0 with k rising; the chunks are added in order.
   matvec (n = 1) keeps 32 chains per chunk, lane l for k = l, l+32, ..., added by halves: l+16, l+8, ..., l+1. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "matmul/matmul.h"
#define MG_SOURCE "matmul/matmul_naive.c"
#include "base/mg_both.h"

const mg_matmul_table MG_TABLE(matmul) = {
    .matmul_scratch = {mg_matmul_scratch_f32, mg_matmul_scratch_f64},
    .matmul = {mg_matmul_f32, mg_matmul_f64},
    .matvec = {mg_matvec_f32, mg_matvec_f64},
};

#else

#define NAIVE(name) MG_CAT(naive_##name##_f, real_bits)
enum { FN(chunk) = 4096 / sizeof(real) };

static size_t FN(matmul_scratch)(const mg_product *p) {
    (void)p;
    return 0;
}

static real FN(a)(const mg_product *p, size_t i, size_t k) {
    return ((const real *)p->a)[(ptrdiff_t)i * p->a_row + (ptrdiff_t)k * p->a_col];
}

static real FN(b)(const mg_product *p, size_t k, size_t j) {
    return ((const real *)p->b)[(ptrdiff_t)k * p->b_row + (ptrdiff_t)j * p->b_col];
}

/* Adds the bias to the sum of element (i, j), applies the activation, and writes the result to c or adds it to c. */
static void FN(finish)(const mg_product *p, size_t i, size_t j, real sum) {
    real *c = (real *)p->c + (ptrdiff_t)i * p->c_row + j;
    if (p->bias) sum += ((const real *)p->bias)[j];
    switch (p->activation) {
    case MG_ACT_RELU: sum = sum > 0 || isnan(sum) ? sum : 0; break;
    case MG_ACT_TANH: sum = NAIVE(tanh)(sum); break;
    case MG_ACT_SIGMOID: sum = NAIVE(sigmoid)(sum); break;
    }
    *c = p->accumulate ? *c + sum : sum;
}

static void FN(matmul)(const mg_product *p, void *scratch) {
    (void)scratch;
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            real sum = 0;
            for (size_t first = 0; first < p->k; first += FN(chunk)) {
                real chain = 0;
                for (size_t k = first; k < p->k && k < first + FN(chunk); k++)
                    chain = REAL_FMA(FN(a)(p, i, k), FN(b)(p, k, j), chain);
                sum = first == 0 ? chain : sum + chain;
            }
            FN(finish)(p, i, j, sum);
        }
    }
}

static void FN(matvec)(const mg_product *p) {
    for (size_t i = 0; i < p->m; i++) {
        real sum = 0;
        for (size_t first = 0; first < p->k; first += FN(chunk)) {
            real lane[32] = {0};
            for (size_t k = first; k < p->k && k < first + FN(chunk); k++)
                lane[k % 32] = REAL_FMA(FN(a)(p, i, k), FN(b)(p, k, i), lane[k % 32]);
            for (int half = 16; half > 0; half /= 2)
                for (int l = 0; l < half; l++) lane[l] += lane[l + half];
            sum = first == 0 ? lane[0] : sum + lane[0];
        }
        FN(finish)(p, i, 0, sum);
    }
}

#undef NAIVE
#endif
