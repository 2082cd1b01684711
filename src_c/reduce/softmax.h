/* Softmax, its logarithm and cross-entropy by rows. Table of one variant. */
#ifndef MG_SOFTMAX_H
#define MG_SOFTMAX_H
#include <stddef.h>
#include <stdint.h>

/* Targets are labels (rows) or, where label is NULL, probabilities t (rows, n). Row i's gradient comes in at
   g[i * step], step 0 or 1. */
#define MG_SOFTMAX(real, bits)                                                                                         \
    void (*softmax_##bits)(size_t rows, size_t n, const real *x, real *out);                                           \
    void (*softmax_grad_##bits)(size_t rows, size_t n, const real *g, const real *y, real *out);                       \
    void (*log_softmax_##bits)(size_t rows, size_t n, const real *x, real *out);                                       \
    void (*log_softmax_grad_##bits)(size_t rows, size_t n, const real *g, const real *y, real *out);                   \
    double (*sum_flat_##bits)(size_t n, const real *losses);                                                           \
    void (*cross_entropy_##bits)(size_t rows, size_t n, const real *x, const int64_t *label, const real *t,            \
                                 real *loss, real *probs);                                                             \
    void (*cross_entropy_grad_##bits)(size_t rows, size_t n, const real *probs, const int64_t *label, const real *t,   \
                                      const real *g, size_t step, double divisor, real *out);

typedef struct {
    MG_SOFTMAX(float, f32)
    MG_SOFTMAX(double, f64)
} mg_softmax_table;
#undef MG_SOFTMAX

extern const mg_softmax_table *const mg_softmax_tables[];

#endif
