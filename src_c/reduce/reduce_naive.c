/* The plain meaning of reduce.c: one number at a time. Variant `naive`. */
#ifndef real
#include "reduce/reduce.h"
#define MG_SOURCE "reduce/reduce_naive.c"
#include "base/mg_both.h"

#define BOTH(name) .name##_f32 = mg_##name##_f32, .name##_f64 = mg_##name##_f64
const mg_reduce_table MG_TABLE(reduce) = {BOTH(sum_flat),    BOTH(sum_rows), BOTH(sum_columns), BOTH(max_rows),
                                          BOTH(max_columns), BOTH(min_rows), BOTH(min_columns), BOTH(max_grad)};

#else
#include "base/sums_naive.h"

/* out[i] = sum of row i / divisor. */
static void FN(sum_rows)(size_t rows, size_t n, const real *x, double divisor, real *out) {
    for (size_t i = 0; i < rows; i++) out[i] = (real)(FN(sum_flat)(n, x + i * n) / divisor);
}

/* One column: chains of 32, added as a tree. */
static double FN(sum_column)(size_t m, size_t stride, const real *x) {
    double sum = 0;
    if (m <= 32) {
        for (size_t r = 0; r < m; r++) sum += x[r * stride];
        return sum;
    }
    const size_t left = mg_left_branch(m, 32);
    return FN(sum_column)(left, stride, x) + FN(sum_column)(m - left, stride, x + left * stride);
}

/* out[j] = sum of column j / divisor. */
static void FN(sum_columns)(size_t m, size_t stride, size_t columns, const real *x, double divisor, real *out) {
    for (size_t j = 0; j < columns; j++) out[j] = (real)(FN(sum_column)(m, stride, x + j) / divisor);
}

/* Largest (or smallest) of n elements `stride` apart and where it first occurs; a NaN beats every number. */
static void FN(extreme)(int least, size_t n, size_t stride, const real *x, real *out, int64_t *index) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        const real a = x[best * stride], b = x[i * stride];
        if ((least ? b < a : b > a) || (isnan(b) && !isnan(a))) best = i;
    }
    *out = x[best * stride];
    *index = (int64_t)best;
}

static void FN(max_rows)(size_t rows, size_t n, const real *x, real *out, int64_t *index) {
    for (size_t i = 0; i < rows; i++) FN(extreme)(0, n, 1, x + i * n, out + i, index + i);
}

static void FN(min_rows)(size_t rows, size_t n, const real *x, real *out, int64_t *index) {
    for (size_t i = 0; i < rows; i++) FN(extreme)(1, n, 1, x + i * n, out + i, index + i);
}

static void FN(max_columns)(size_t m, size_t stride, size_t columns, const real *x, real *out, int64_t *index) {
    for (size_t j = 0; j < columns; j++) FN(extreme)(0, m, stride, x + j, out + j, index + j);
}

static void FN(min_columns)(size_t m, size_t stride, size_t columns, const real *x, real *out, int64_t *index) {
    for (size_t j = 0; j < columns; j++) FN(extreme)(1, m, stride, x + j, out + j, index + j);
}

/* out = 0 but for out[o, index[o, j], j] = g[o, j]. */
static void FN(max_grad)(size_t outer, size_t n, size_t inner, const real *g, const int64_t *index, real *out) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < inner; j++) {
                const size_t from = o * inner + j;
                out[(o * n + i) * inner + j] = index[from] == (int64_t)i ? g[from] : 0;
            }
        }
    }
}

#endif
