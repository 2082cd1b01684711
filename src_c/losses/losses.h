/* Losses that act element by element. Table of one variant. */
#ifndef MG_LOSSES_H
#define MG_LOSSES_H
#include <stddef.h>

/* A loss returns its flat sum (loss NULL), or writes its elements and returns 0. Element i's gradient comes in at
   g[i * step], step 0 or 1. */
#define MG_LOSSES(real, bits)                                                                                          \
    double (*bce_with_logits_##bits)(size_t n, const real *x, const real *t, real *loss);                              \
    double (*mse_##bits)(size_t n, const real *x, const real *t, real *loss);                                          \
    void (*bce_with_logits_grad_##bits)(size_t n, const real *x, const real *t, const real *g, size_t step,            \
                                        double divisor, real *out);                                                    \
    void (*mse_grad_##bits)(size_t n, const real *x, const real *t, const real *g, size_t step, double divisor,        \
                            real *out);

typedef struct {
    MG_LOSSES(float, f32)
    MG_LOSSES(double, f64)
} mg_losses_table;
#undef MG_LOSSES

extern const mg_losses_table *const mg_losses_tables[];

#endif
