/* Products with a sparse matrix by its columns. Equal to sparse_naive.c, bit for bit.

   Each entry takes one multiply-add and a load from an arbitrary address, so memory limits the speed. Vectors are not
   used, because a gather takes as long as its loads. Four independent sums hide the latency of the multiply-adds. */
#ifndef real
#include "sparse/sparse.h"
#include "base/simd.h"
#define MG_SOURCE "sparse/sparse.c"
#include "base/mg_both.h"

const mg_sparse_table MG_TABLE(sparse) = {
    .sparse_dots = {mg_sparse_dots_f32, mg_sparse_dots_f64},
    .sparse_sum = {mg_sparse_sum_f32, mg_sparse_sum_f64},
    .sparse_gram = {mg_sparse_gram_f32, mg_sparse_gram_f64},
};

#else

/* Σ x[e] v[row[e]] over n entries, in four chains. */
INLINE real FN(dot_entries)(size_t n, const real *x, const int64_t *row, const real *v) {
    real a = 0, b = 0, c = 0, d = 0;
    size_t e = 0;
    for (; e + 4 <= n; e += 4) {
        a = REAL_FMA(x[e], v[row[e]], a);
        b = REAL_FMA(x[e + 1], v[row[e + 1]], b);
        c = REAL_FMA(x[e + 2], v[row[e + 2]], c);
        d = REAL_FMA(x[e + 3], v[row[e + 3]], d);
    }
    if (e < n) a = REAL_FMA(x[e], v[row[e]], a);
    if (e + 1 < n) b = REAL_FMA(x[e + 1], v[row[e + 1]], b);
    if (e + 2 < n) c = REAL_FMA(x[e + 2], v[row[e + 2]], c);
    return (a + b) + (c + d);
}

INLINE real FN(column_dot)(const mg_sparse_args *p, size_t j, const real *v) {
    const size_t first = (size_t)p->first[j], n = (size_t)p->first[j + 1] - first;
    return FN(dot_entries)(n, (const real *)p->x + first, p->row + first, v);
}

static void FN(sparse_dots)(const mg_sparse_args *p, size_t first, size_t n) {
    real *out = p->out;
    for (size_t j = first; j < first + n; j++) out[j] = FN(column_dot)(p, j, p->v);
}

static void FN(sparse_sum)(const mg_sparse_args *p) {
    const real *x = p->x, *v = p->v;
    real *out = p->out;
    for (size_t j = 0; j < p->n; j++) {
        if (v[j] == 0) continue;
        const real step = v[j];
        for (size_t e = (size_t)p->first[j], last = (size_t)p->first[j + 1]; e < last; e++)
            out[p->row[e]] = REAL_FMA(x[e], step, out[p->row[e]]);
    }
}

/* Column k of X, times v, is spread over `scratch`, so that each product with another column is a sparse dot. */
static void FN(sparse_gram)(const mg_sparse_args *p, size_t first, size_t n, void *scratch) {
    const real *x = p->x, *v = p->v;
    real *column = scratch, *out = p->out;
    for (size_t k = first; k < first + n; k++) {
        const size_t begin = (size_t)p->first[k], end = (size_t)p->first[k + 1];
        for (size_t e = begin; e < end; e++) column[p->row[e]] = v[p->row[e]] * x[e];
        for (size_t j = 0; j <= k; j++) out[j * p->n + k] = out[k * p->n + j] = FN(column_dot)(p, j, column);
        for (size_t e = begin; e < end; e++) column[p->row[e]] = 0;
    }
}

#endif
