/* The plain meaning of penalty.c: one element at a time. Variant `naive`. */
#ifndef real
#include "penalty/penalty.h"
#define MG_SOURCE "penalty/penalty_naive.c"
#include "base/mg_both.h"

const mg_penalty_table MG_TABLE(penalty) = {
    MG_BOTH(elastic_net), MG_BOTH(elastic_net_grad), MG_BOTH(soft_threshold)};

#else
#include "penalty/elastic_net_naive.h"

/* sums = {Σ|w|, Σw²} of the block, 0 for a term that is not there; grad = l2 w + l1 sign(w), unless it is NULL. */
static void FN(elastic_net)(size_t n, const real *w, double l1, double l2, real *grad, double *sums) {
    FN(elastic_sums)(n, w, (real)l1 != 0, (real)l2 != 0, sums);
    for (size_t i = 0; grad && i < n; i++) grad[i] = FN(elastic_slope)(w[i], (real)l1, (real)l2);
}

/* out = scale (l2 w + l1 sign(w)), every operation rounded. */
static void FN(elastic_net_grad)(size_t n, const real *w, double l1, double l2, double scale, real *out) {
    for (size_t i = 0; i < n; i++) out[i] = FN(elastic_slope)(w[i], (real)l1, (real)l2) * (real)scale;
}

/* out = sign(v) max(|v| - step l1, 0) / (1 + step l2). */
static void FN(soft_threshold)(size_t n, const real *v, double step, double l1, double l2, real *out) {
    const real t = (real)step * (real)l1, d = 1 + (real)step * (real)l2;
    for (size_t i = 0; i < n; i++) out[i] = FN(elastic_prox)(v[i], t, d);
}

#endif
