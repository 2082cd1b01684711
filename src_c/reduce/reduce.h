/* Reductions of rows and columns: the arguments of the kernels, and the table of one variant. */
#ifndef MG_REDUCE_H
#define MG_REDUCE_H
#include <stddef.h>
#include <stdint.h>

/* out (outer, inner) = x (outer, n, inner) reduced along n. */
typedef struct {
    size_t outer, n, inner;
    const void *x;
    void *out;
    int64_t *index;                         /* of max and min: where the extreme first occurs */
    double divisor;                         /* of sum and mean */
    int least;                              /* min, not max */
    int rows;                               /* the reduced axes are x's last: each output sums a row, not a column */
    int precision;
} mg_reduce_args;

/* out (outer, n, inner) = 0 but for out[o, index[o, j], j] = g[o, j] */
typedef struct {
    size_t outer, n, inner;
    const void *g;
    const int64_t *index;
    void *out;
    int precision;
} mg_max_grad_args;

typedef struct {                            /* stops the run of a recorded step unless all n are finite */
    size_t n;
    const void *x;
    int precision;
} mg_check_finite_args;

/* By precision. sum_flat returns the flat sum of n elements of x, from `first` on. The functions of rows reduce n of
   the `outer` rows; those of columns reduce n of the `inner` columns of one slice, which is x[slice]. */
typedef void (*mg_reduce_rows)(const mg_reduce_args *p, size_t first, size_t n);
typedef void (*mg_reduce_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t n);
typedef struct {
    double (*sum_flat[2])(const mg_reduce_args *p, size_t first, size_t n);
    mg_reduce_rows sum_rows[2], max_rows[2], min_rows[2];
    mg_reduce_columns sum_columns[2], max_columns[2], min_columns[2];
    void (*max_grad[2])(const mg_max_grad_args *p, size_t first, size_t n);
} mg_reduce_table;

extern const mg_reduce_table *const mg_reduce_tables[];

#endif
