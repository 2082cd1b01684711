/* The plain meaning of penalty.c: one element at a time. Variant `naive`. */
#ifndef real
#include "penalty.h"
#define MG_SOURCE "penalty_naive.c"
#include "mg_both.h"

const mg_penalty_table MG_TABLE(penalty) = {MG_BOTH(elastic_net_grad)};

#else

/* out = scale * (l2 * w + l1 * sign(w)), sign(0) = 0, every operation rounded; NaN stays NaN. */
static void FN(elastic_net_grad)(size_t n, const real *w, double l1, double l2, double scale, real *out) {
    for (size_t i = 0; i < n; i++) {
        const real sign = w[i] > 0 ? (real)l1 : w[i] < 0 ? -(real)l1 : 0;
        out[i] = ((real)l2 * w[i] + sign) * (real)scale;
    }
}

#endif
