/* Optimizer updates of a block of one parameter. Table of one variant; the formulas stand in reference/update.py. */
#ifndef MG_UPDATE_H
#define MG_UPDATE_H
#include <stddef.h>

/* The columns of Segments.scalars (segments.py). */
enum { MG_LR, MG_L1, MG_L2, MG_PROX_L1, MG_PROX_L2, MG_DECAY, MG_CORRECTION1, MG_CORRECTION2, MG_COLUMNS };

typedef struct {
    double momentum;
    int nesterov;
    double beta1, beta2, eps; /* beta2 is rmsprop's alpha */
    int amsgrad, centered;
} mg_update_settings;

/* g is the gradient. state is, as far as the settings ask for it: sgd {momentum buffer}, adam {m, v, largest v},
   rmsprop {v, m if centered, momentum buffer}, adagrad {v}. */
#define MG_UPDATE(name, real) \
    void name(size_t n, real *w, const real *g, real **state, const double *row, const mg_update_settings *settings)
typedef MG_UPDATE((*mg_update_f32), float);
typedef MG_UPDATE((*mg_update_f64), double);

/* sums receives Σ|w| and Σw²: each where its row has such a term in the gradient, both where it has a proximal map;
   else 0. */
typedef struct {
    void (*sums_f32)(size_t n, const float *w, const double *row, double *sums);
    void (*sums_f64)(size_t n, const double *w, const double *row, double *sums);
    mg_update_f32 sgd_f32;
    mg_update_f64 sgd_f64;
    mg_update_f32 adam_f32;
    mg_update_f64 adam_f64;
    mg_update_f32 rmsprop_f32;
    mg_update_f64 rmsprop_f64;
    mg_update_f32 adagrad_f32;
    mg_update_f64 adagrad_f64;
} mg_update_table;

extern const mg_update_table *const mg_update_tables[];

#endif
