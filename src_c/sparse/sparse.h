/* Products with a sparse matrix by its columns: the arguments of the kernels, and the table of one variant.

   A matrix X (rows, n) is three arrays: column j has the entries e with first[j] <= e < first[j + 1], and entry e is
   the number x[e] in row row[e]; within a column the rows rise. All other numbers are 0. */
#ifndef MG_SPARSE_H
#define MG_SPARSE_H
#include <stddef.h>
#include <stdint.h>

/* sparse_dots   out[j] = Σ x[e] v[row[e]] over the entries of column j;   v (rows,), out (n,)
   sparse_sum    out[row[e]] += x[e] v[j] over the entries of column j, for j rising, where v[j] is not 0;
                 v (n,), out (rows,)
   sparse_gram   out[j][k] = Σ x[e] (v[i] X[i][k]), i = row[e], over the entries of column j, for j <= k; out[k][j] is
                 the same;   v (rows,), out (n, n), scratch (rows,) of zeros, and zeros again at the end
   The sums of sparse_dots and sparse_gram are four chains of fma, entry e of a column in chain (e - first[j]) % 4,
   which are added as (0 + 1) + (2 + 3). */
typedef struct {
    size_t rows, n;
    const int64_t *first, *row;             /* (n + 1,), (entries,) */
    const void *x, *v;                      /* (entries,); see above */
    void *out;
    int precision;
} mg_sparse_args;

/* By precision. sparse_dots for the columns first .. first + n; sparse_gram for the columns k of out in that range. */
typedef struct {
    void (*sparse_dots[2])(const mg_sparse_args *p, size_t first, size_t n);
    void (*sparse_sum[2])(const mg_sparse_args *p);
    void (*sparse_gram[2])(const mg_sparse_args *p, size_t first, size_t n, void *scratch);
} mg_sparse_table;

extern const mg_sparse_table *const mg_sparse_tables[];

#endif
