/* The plain meaning of penalty.c: one element at a time. Variant `naive`.
   mg_both.h includes the half behind #else twice, with `real` as float and as double; FN(name) is mg_name_f32 or
   mg_name_f64. */
#ifndef real
#include "penalty/penalty.h"
#define MG_SOURCE "penalty/penalty_naive.c"
#include "base/mg_both.h"

const mg_penalty_table MG_TABLE(penalty) = {
    .elastic_net = {mg_elastic_net_f32, mg_elastic_net_f64},
    .elastic_net_grad = {mg_elastic_net_grad_f32, mg_elastic_net_grad_f64},
    .soft_threshold = {mg_soft_threshold_f32, mg_soft_threshold_f64},
};

#else
#include "penalty/elastic_net_naive.h"

/* sums = {Σ|w|, Σw²} of the block, 0 for a term whose coefficient is 0; grad = l2 w + l1 sign(w), unless it is NULL. */
static void FN(elastic_net)(const mg_elastic_net_args *p, size_t first, size_t n, double *sums) {
    const real *w = (const real *)p->w + first, l1 = (real)p->l1, l2 = (real)p->l2;
    real *grad = p->grad ? (real *)p->grad + first : NULL;
    FN(elastic_sums)(n, w, l1 != 0, l2 != 0, sums);
    for (size_t i = 0; grad && i < n; i++) grad[i] = FN(elastic_slope)(w[i], l1, l2);
}

/* out = scale (l2 w + l1 sign(w)), rounded after each operation. */
static void FN(elastic_net_grad)(const mg_elastic_net_grad_args *p, size_t first, size_t n) {
    const real *w = (const real *)p->w + first, l1 = (real)p->l1, l2 = (real)p->l2;
    real *out = (real *)p->out + first;
    for (size_t i = 0; i < n; i++) out[i] = FN(elastic_slope)(w[i], l1, l2) * (real)p->scale;
}

/* out = sign(v) max(|v| - step l1, 0) / (1 + step l2). */
static void FN(soft_threshold)(const mg_soft_threshold_args *p, size_t first, size_t n) {
    const real *v = (const real *)p->v + first;
    real *out = (real *)p->out + first;
    const real t = (real)p->step * (real)p->l1, d = 1 + (real)p->step * (real)p->l2;
    for (size_t i = 0; i < n; i++) out[i] = FN(elastic_prox)(v[i], t, d);
}

#endif
