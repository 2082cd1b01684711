/* Penalties of a block of weights. Table of one variant. */
#ifndef MG_PENALTY_H
#define MG_PENALTY_H
#include <stddef.h>

typedef struct {
    void (*elastic_net_f32)(size_t n, const float *w, double l1, double l2, float *grad, double *sums);
    void (*elastic_net_f64)(size_t n, const double *w, double l1, double l2, double *grad, double *sums);
    void (*elastic_net_grad_f32)(size_t n, const float *w, double l1, double l2, double scale, float *out);
    void (*elastic_net_grad_f64)(size_t n, const double *w, double l1, double l2, double scale, double *out);
    void (*soft_threshold_f32)(size_t n, const float *v, double step, double l1, double l2, float *out);
    void (*soft_threshold_f64)(size_t n, const double *v, double step, double l1, double l2, double *out);
} mg_penalty_table;

extern const mg_penalty_table *const mg_penalty[];

#endif
