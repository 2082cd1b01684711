/* What is formed along a row, one element after the other. Table of one variant. */
#ifndef MG_SCANS_H
#define MG_SCANS_H
#include <stddef.h>

#define MG_SCANS(real, bits)                                                                                           \
    void (*cumsum_##bits)(size_t rows, size_t n, const real *x, int reverse, real *out);                               \
    void (*prod_##bits)(size_t rows, size_t n, const real *x, real *out);                                              \
    void (*prod_grad_##bits)(size_t rows, size_t n, const real *g, const real *x, real *out);                          \
    void (*norm_##bits)(size_t rows, size_t n, const real *x, real *out);

typedef struct {
    MG_SCANS(float, f32)
    MG_SCANS(double, f64)
} mg_scans_table;
#undef MG_SCANS

extern const mg_scans_table *const mg_scans_tables[];

#endif
