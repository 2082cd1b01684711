/* Penalties of a contiguous vector of weights: the arguments of each kernel, and the table of one variant. */
#ifndef MG_PENALTY_H
#define MG_PENALTY_H
#include <stddef.h>

/* value = l1 Σ|w| + (l2/2) Σw², and, unless grad is NULL, grad = l2 w + l1 sign(w). l1 and l2 are rounded to w's
   precision. */
typedef struct {
    size_t n;
    const void *w;
    void *grad, *value;
    double l1, l2;
    int precision, value_precision;
} mg_elastic_net_args;

/* out = scale (l2 w + l1 sign(w)) */
typedef struct {
    size_t n;
    const void *w;
    void *out;
    double l1, l2, scale;
    int precision;
} mg_elastic_net_grad_args;

/* out = sign(v) max(|v| - step l1, 0) / (1 + step l2) */
typedef struct {
    size_t n;
    const void *v;
    void *out;
    double step, l1, l2;
    int precision;
} mg_soft_threshold_args;

/* Pairs of functions, for float and for double; each computes n elements from `first` on.
   sums = {Σ|w|, Σw²} of these, 0 where the coefficient is 0. */
typedef struct {
    void (*elastic_net[2])(const mg_elastic_net_args *p, size_t first, size_t n, double *sums);
    void (*elastic_net_grad[2])(const mg_elastic_net_grad_args *p, size_t first, size_t n);
    void (*soft_threshold[2])(const mg_soft_threshold_args *p, size_t first, size_t n);
} mg_penalty_table;

extern const mg_penalty_table *const mg_penalty_tables[];

#endif
