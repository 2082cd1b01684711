/* The plain meaning of sparse.c: one entry at a time. Variant `naive`. */
#ifndef real
#include "sparse/sparse.h"
#define MG_SOURCE "sparse/sparse_naive.c"
#include "base/mg_both.h"

const mg_sparse_table MG_TABLE(sparse) = {
    .sparse_dots = {mg_sparse_dots_f32, mg_sparse_dots_f64},
    .sparse_sum = {mg_sparse_sum_f32, mg_sparse_sum_f64},
    .sparse_gram = {mg_sparse_gram_f32, mg_sparse_gram_f64},
};

#else

/* Σ x[e] v[row[e]] over the entries of column j: entry e belongs to chain (e - first[j]) % 4. */
static real FN(column_dot)(const mg_sparse_args *p, size_t j, const real *v) {
    const real *x = p->x;
    real chain[4] = {0, 0, 0, 0};
    for (int64_t e = p->first[j]; e < p->first[j + 1]; e++) {
        real *sum = &chain[(e - p->first[j]) % 4];
        *sum = REAL_FMA(x[e], v[p->row[e]], *sum);
    }
    return (chain[0] + chain[1]) + (chain[2] + chain[3]);
}

static void FN(sparse_dots)(const mg_sparse_args *p, size_t first, size_t n) {
    for (size_t j = first; j < first + n; j++) ((real *)p->out)[j] = FN(column_dot)(p, j, p->v);
}

static void FN(sparse_sum)(const mg_sparse_args *p) {
    const real *x = p->x, *v = p->v;
    real *out = p->out;
    for (size_t j = 0; j < p->n; j++)
        if (v[j] != 0)
            for (int64_t e = p->first[j]; e < p->first[j + 1]; e++)
                out[p->row[e]] = REAL_FMA(x[e], v[j], out[p->row[e]]);
}

static void FN(sparse_gram)(const mg_sparse_args *p, size_t first, size_t n, void *scratch) {
    const real *x = p->x, *v = p->v;
    real *column = scratch, *out = p->out;
    for (size_t k = first; k < first + n; k++) {
        for (int64_t e = p->first[k]; e < p->first[k + 1]; e++) column[p->row[e]] = v[p->row[e]] * x[e];
        for (size_t j = 0; j <= k; j++) out[j * p->n + k] = out[k * p->n + j] = FN(column_dot)(p, j, column);
        for (int64_t e = p->first[k]; e < p->first[k + 1]; e++) column[p->row[e]] = 0;
    }
}

#endif
