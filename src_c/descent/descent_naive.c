/* The plain meaning of descent.c: one number at a time. Variant `naive`. */
#ifndef real
#include "descent/descent.h"
#define MG_SOURCE "descent/descent_naive.c"
#include "base/mg_both.h"

const mg_descent_table MG_TABLE(descent) = {MG_BOTH(coordinate_descent)};

#else

/* sign(v) max(|v| - t, 0) / d. */
static real FN(shrink)(real v, real t, real d) {
    if (v > t) return (v - t) / d;
    if (-v > t) return (v + t) / d;
    return v == v ? 0 : v;
}

/* Sweeps of w[j] = prox(r[j] + gram[j][j] w[j]) for j rising, with r = q - gram w kept up: see reference/descent.py.
   Returns the sweeps done; largest = the largest violation of the optimality conditions met in the last one. */
static size_t FN(coordinate_descent)(size_t n, const real *gram, const real *l1, const real *l2, real *w, real *r,
                                     size_t sweeps, double tolerance, double *largest) {
    size_t done = 0;
    *largest = 0;
    while (done < sweeps) {
        *largest = 0;
        for (size_t j = 0; j < n; j++) {
            const real curvature = gram[j * n + j], d = curvature + l2[j];
            if (!(d > 0)) continue;
            const real old = w[j];
            w[j] = FN(shrink)(REAL_FMA(curvature, old, r[j]), l1[j], d);
            const real step = w[j] - old;
            if (step == 0) continue;
            for (size_t k = 0; k < n; k++) r[k] = REAL_FMA(-step, gram[j * n + k], r[k]);
            const double violation = fabs((double)step) * d;
            if (!(violation <= *largest)) *largest = violation;
        }
        done++;
        if (*largest <= tolerance) break;
    }
    return done;
}

#endif
