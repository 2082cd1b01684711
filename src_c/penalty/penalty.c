/* Penalties of a block of weights, n elements, contiguous. Equal to penalty_naive.c, bit for bit. */
#ifndef real
#include "penalty/penalty.h"
#include "base/simd.h"
#define MG_SOURCE "penalty/penalty.c"
#include "base/mg_both.h"

const mg_penalty_table MG_TABLE(penalty) = {
    MG_BOTH(elastic_net), MG_BOTH(elastic_net_grad), MG_BOTH(soft_threshold)};

#else
#include "penalty/elastic_net.h"

/* sums = {Σ|w|, Σw²} of the block, 0 for a term that is not there; grad = l2 w + l1 sign(w), unless it is NULL. */
static void FN(elastic_net)(size_t n, const real *w, double l1, double l2, real *grad, double *sums) {
    const vec vl1 = V(set1)((real)l1), vl2 = V(set1)((real)l2);
    switch (mg_terms((real)l1, (real)l2)) {
    case BOTH_TERMS: FN(elastic_pass)(n, w, vl1, vl2, grad, sums, BOTH_TERMS); break;
    case L2_TERM: FN(elastic_pass)(n, w, vl1, vl2, grad, sums, L2_TERM); break;
    case L1_TERM: FN(elastic_pass)(n, w, vl1, vl2, grad, sums, L1_TERM); break;
    default: FN(elastic_pass)(n, w, vl1, vl2, grad, sums, 0);
    }
}

static void FN(elastic_net_grad)(size_t n, const real *w, double l1, double l2, double scale, real *out) {
    const vec vl1 = V(set1)((real)l1), vl2 = V(set1)((real)l2), vs = V(set1)((real)scale);
    switch (mg_terms((real)l1, (real)l2)) {
    case BOTH_TERMS: FN(slopes)(n, w, vl1, vl2, vs, out, BOTH_TERMS); break;
    case L2_TERM: FN(slopes)(n, w, vl1, vl2, vs, out, L2_TERM); break;
    default: FN(slopes)(n, w, vl1, vl2, vs, out, L1_TERM);
    }
}

/* out = sign(v) max(|v| - step l1, 0) / (1 + step l2). */
INLINE void FN(soft_threshold_terms)(size_t n, const real *v, vec t, vec d, real *out, int terms) {
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, FN(elastic_prox)(V(load)(v + i), t, d, terms));
    if (i < n) V(store_part)(out + i, n - i, FN(elastic_prox)(V(load_part)(v + i, n - i), t, d, terms));
}

static void FN(soft_threshold)(size_t n, const real *v, double step, double l1, double l2, real *out) {
    const real t = (real)step * (real)l1, d = 1 + (real)step * (real)l2;
    if (d == 1) FN(soft_threshold_terms)(n, v, V(set1)(t), V(set1)(d), out, L1_TERM);
    else FN(soft_threshold_terms)(n, v, V(set1)(t), V(set1)(d), out, BOTH_TERMS);
}

#endif
