/* Reductions of rows and columns. Table of one variant. */
#ifndef MG_REDUCE_H
#define MG_REDUCE_H
#include <stddef.h>
#include <stdint.h>

#define MG_REDUCE(real, bits)                                                                                          \
    double (*sum_flat_##bits)(size_t n, const real *x);                                                                \
    void (*sum_rows_##bits)(size_t rows, size_t n, const real *x, double divisor, real *out);                          \
    void (*sum_columns_##bits)(size_t m, size_t stride, size_t columns, const real *x, double divisor, real *out);     \
    void (*max_rows_##bits)(size_t rows, size_t n, const real *x, real *out, int64_t *index);                          \
    void (*max_columns_##bits)(size_t m, size_t stride, size_t columns, const real *x, real *out, int64_t *index);     \
    void (*min_rows_##bits)(size_t rows, size_t n, const real *x, real *out, int64_t *index);                          \
    void (*min_columns_##bits)(size_t m, size_t stride, size_t columns, const real *x, real *out, int64_t *index);     \
    void (*max_grad_##bits)(size_t outer, size_t n, size_t inner, const real *g, const int64_t *index, real *out);

typedef struct {
    MG_REDUCE(float, f32)
    MG_REDUCE(double, f64)
} mg_reduce_table;
#undef MG_REDUCE

extern const mg_reduce_table *const mg_reduce_tables[];

#endif
