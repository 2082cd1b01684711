/* Penalties of a block of weights. Equal to penalty_naive.c, bit for bit. The loops are in elastic_net.h.
   `vec` is a vector of W reals, V(load) and its like are in simd.h. Each case of a switch passes its terms as a
   constant, so that the compiler leaves the other term out of the loop. */
#ifndef real
#include "penalty/penalty.h"
#include "base/simd.h"
#define MG_SOURCE "penalty/penalty.c"
#include "base/mg_both.h"

const mg_penalty_table MG_TABLE(penalty) = {
    .elastic_net = {mg_elastic_net_f32, mg_elastic_net_f64},
    .elastic_net_grad = {mg_elastic_net_grad_f32, mg_elastic_net_grad_f64},
    .soft_threshold = {mg_soft_threshold_f32, mg_soft_threshold_f64},
};

#else
#include "penalty/elastic_net.h"

static void FN(elastic_net)(const mg_elastic_net_args *p, size_t first, size_t n, double *sums) {
    const real *w = (const real *)p->w + first;
    real *grad = p->grad ? (real *)p->grad + first : NULL;
    const vec l1 = V(set1)((real)p->l1), l2 = V(set1)((real)p->l2);
    switch (mg_terms((real)p->l1, (real)p->l2)) {
    case BOTH_TERMS: FN(elastic_pass)(n, w, l1, l2, grad, sums, BOTH_TERMS); break;
    case L2_TERM: FN(elastic_pass)(n, w, l1, l2, grad, sums, L2_TERM); break;
    case L1_TERM: FN(elastic_pass)(n, w, l1, l2, grad, sums, L1_TERM); break;
    default: FN(elastic_pass)(n, w, l1, l2, grad, sums, 0);
    }
}

static void FN(elastic_net_grad)(const mg_elastic_net_grad_args *p, size_t first, size_t n) {
    const real *w = (const real *)p->w + first;
    real *out = (real *)p->out + first;
    const vec l1 = V(set1)((real)p->l1), l2 = V(set1)((real)p->l2), scale = V(set1)((real)p->scale);
    switch (mg_terms((real)p->l1, (real)p->l2)) {
    case BOTH_TERMS: FN(slopes)(n, w, l1, l2, scale, out, BOTH_TERMS); break;
    case L2_TERM: FN(slopes)(n, w, l1, l2, scale, out, L2_TERM); break;
    default: FN(slopes)(n, w, l1, l2, scale, out, L1_TERM); /* if l1 is 0 too: 0, or NaN where w is NaN */
    }
}

/* out = elastic_prox(v, t, d, terms). */
INLINE void FN(soft_threshold_terms)(size_t n, const real *v, vec t, vec d, real *out, int terms) {
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, FN(elastic_prox)(V(load)(v + i), t, d, terms));
    if (i < n) V(store_part)(out + i, n - i, FN(elastic_prox)(V(load_part)(v + i, n - i), t, d, terms));
}

static void FN(soft_threshold)(const mg_soft_threshold_args *p, size_t first, size_t n) {
    const real *v = (const real *)p->v + first;
    real *out = (real *)p->out + first;
    const real t = (real)p->step * (real)p->l1, d = 1 + (real)p->step * (real)p->l2;
    /* v / 1 is v, so L1 alone needs no division. */
    if (d == 1) FN(soft_threshold_terms)(n, v, V(set1)(t), V(set1)(d), out, L1_TERM);
    else FN(soft_threshold_terms)(n, v, V(set1)(t), V(set1)(d), out, BOTH_TERMS);
}

#endif
