/* The plain meaning of reduce.c: one number at a time. Variant `naive`. */
#ifndef real
#include "reduce/reduce.h"
#define MG_SOURCE "reduce/reduce_naive.c"
#include "base/mg_both.h"

const mg_reduce_table MG_TABLE(reduce) = {
    .sum_flat = {mg_sum_flat_of_f32, mg_sum_flat_of_f64},
    .sum_rows = {mg_sum_rows_f32, mg_sum_rows_f64},
    .max_rows = {mg_max_rows_f32, mg_max_rows_f64},
    .min_rows = {mg_min_rows_f32, mg_min_rows_f64},
    .sum_columns = {mg_sum_columns_f32, mg_sum_columns_f64},
    .max_columns = {mg_max_columns_f32, mg_max_columns_f64},
    .min_columns = {mg_min_columns_f32, mg_min_columns_f64},
    .max_grad = {mg_max_grad_f32, mg_max_grad_f64},
};

#else
#include "base/sums_naive.h"

static double FN(sum_flat_of)(const mg_reduce_args *p, size_t first, size_t n) {
    return FN(sum_flat)(n, (const real *)p->x + first);
}

/* out[i] = sum of row i / divisor. */
static void FN(sum_rows)(const mg_reduce_args *p, size_t first, size_t rows) {
    const real *x = (const real *)p->x + first * p->n;
    real *out = (real *)p->out + first;
    for (size_t i = 0; i < rows; i++, x += p->n) out[i] = (real)(FN(sum_flat)(p->n, x) / p->divisor);
}

/* The sum of a column: chunks of 32 rows, each one chain, are added pairwise as a tree. */
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
static void FN(sum_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t columns) {
    const real *x = (const real *)p->x + slice * p->n * p->inner + first;
    real *out = (real *)p->out + slice * p->inner + first;
    for (size_t j = 0; j < columns; j++) out[j] = (real)(FN(sum_column)(p->n, p->inner, x + j) / p->divisor);
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

static void FN(extreme_rows)(int least, const mg_reduce_args *p, size_t first, size_t rows) {
    for (size_t i = first; i < first + rows; i++)
        FN(extreme)(least, p->n, 1, (const real *)p->x + i * p->n, (real *)p->out + i, p->index + i);
}

static void FN(extreme_columns)(int least, const mg_reduce_args *p, size_t slice, size_t first, size_t columns) {
    for (size_t j = first; j < first + columns; j++) {
        const size_t to = slice * p->inner + j;
        FN(extreme)(least, p->n, p->inner, (const real *)p->x + slice * p->n * p->inner + j, (real *)p->out + to,
                    p->index + to);
    }
}

static void FN(max_rows)(const mg_reduce_args *p, size_t first, size_t n) { FN(extreme_rows)(0, p, first, n); }
static void FN(min_rows)(const mg_reduce_args *p, size_t first, size_t n) { FN(extreme_rows)(1, p, first, n); }
static void FN(max_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t n) {
    FN(extreme_columns)(0, p, slice, first, n);
}
static void FN(min_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t n) {
    FN(extreme_columns)(1, p, slice, first, n);
}

/* out = 0 but for out[o, index[o, j], j] = g[o, j]. */
static void FN(max_grad)(const mg_max_grad_args *p, size_t first, size_t outer) {
    for (size_t o = first; o < first + outer; o++) {
        for (size_t i = 0; i < p->n; i++) {
            for (size_t j = 0; j < p->inner; j++) {
                const size_t from = o * p->inner + j;
                const real g = ((const real *)p->g)[from];
                ((real *)p->out)[(o * p->n + i) * p->inner + j] = p->index[from] == (int64_t)i ? g : 0;
            }
        }
    }
}

#endif
