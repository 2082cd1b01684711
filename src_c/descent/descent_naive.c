/* The plain meaning of descent.c: one number at a time. Variant `naive`. */
#ifndef real
#include "descent/descent.h"
#define MG_SOURCE "descent/descent_naive.c"
#include "base/mg_both.h"

const mg_descent_table MG_TABLE(descent) = {
    .coordinate_descent = {mg_coordinate_descent_f32, mg_coordinate_descent_f64},
};

#else

/* sign(v) max(|v| - t, 0) / d. */
static real FN(shrink)(real v, real t, real d) {
    if (v > t) return (v - t) / d;
    if (-v > t) return (v + t) / d;
    return v == v ? 0 : v;
}

/* Sweeps of w[j] = prox(r[j] + gram[j][j] w[j]), within its bounds, for j rising, with r = q - gram w kept up: see reference/descent.py.
   done = the sweeps that were made; largest = the largest violation of the optimality conditions in the last one. */
static void FN(coordinate_descent)(const mg_coordinate_descent_args *p) {
    const size_t n = p->n;
    const real *gram = p->gram, *l1 = p->l1, *l2 = p->l2, *lower = p->lower, *upper = p->upper;
    real *w = p->w, *r = p->r;
    size_t done = 0;
    *p->largest = 0;
    while (done < p->sweeps) {
        *p->largest = 0;
        for (size_t j = 0; j < n; j++) {
            const real curvature = gram[j * n + j], d = curvature + l2[j];
            if (!(d > 0)) continue;
            const real old = w[j];
            w[j] = FN(shrink)(REAL_FMA(curvature, old, r[j]), l1[j], d);
            if (lower && w[j] < lower[j]) w[j] = lower[j];
            if (upper && w[j] > upper[j]) w[j] = upper[j];
            const real step = w[j] - old;
            if (step == 0) continue;
            for (size_t k = 0; k < n; k++) r[k] = REAL_FMA(-step, gram[j * n + k], r[k]);
            const double violation = fabs((double)step) * d;
            if (!(violation <= *p->largest)) *p->largest = violation;
        }
        done++;
        if (*p->largest <= p->tolerance) break;
    }
    *p->done = done;
}

#endif
