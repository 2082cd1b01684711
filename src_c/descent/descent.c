/* Coordinate descent on a quadratic function with an elastic net. Equal to descent_naive.c, bit for bit.
   Sequential by nature: the next coordinate needs the correlations r that this one leaves. Only r is a vector. */
#ifndef real
#include "descent/descent.h"
#include "base/simd.h"
#define MG_SOURCE "descent/descent.c"
#include "base/mg_both.h"

const mg_descent_table MG_TABLE(descent) = {
    .coordinate_descent = {mg_coordinate_descent_f32, mg_coordinate_descent_f64},
};

#else

/* sign(v) max(|v| - t, 0) / d; zeros are +0, NaN stays NaN. */
INLINE real FN(shrink)(real v, real t, real d) {
    if (v > t) return (v - t) / d;
    if (v < -t) return (v + t) / d;
    return v == v ? 0 : v;
}

/* The nearest number within the bounds of coordinate j, if there are bounds; NaN stays NaN. */
INLINE real FN(within)(real v, const real *lower, const real *upper, size_t j) {
    if (!lower) return v;
    if (v < lower[j]) return lower[j];
    return v > upper[j] ? upper[j] : v;
}

/* r -= step row. */
INLINE void FN(subtract_row)(size_t n, real step, const real *row, real *r) {
    const vec s = V(set1)(-step);
    size_t k = 0;
    for (; k + W <= n; k += W) V(store)(r + k, V(fma)(s, V(load)(row + k), V(load)(r + k)));
    if (k < n) V(store_part)(r + k, n - k, V(fma)(s, V(load_part)(row + k, n - k), V(load_part)(r + k, n - k)));
}

/* w[j] = prox(r[j] + gram[j][j] w[j]), within its bounds, for j rising, until no step times its curvature exceeds the tolerance. */
static void FN(coordinate_descent)(const mg_coordinate_descent_args *p) {
    const size_t n = p->n;
    const real *gram = p->gram, *l1 = p->l1, *l2 = p->l2, *lower = p->lower, *upper = p->upper;
    real *w = p->w, *r = p->r;
    size_t done = 0;
    double worst = 0;
    for (; done < p->sweeps && (done == 0 || !(worst <= p->tolerance)); done++) {
        worst = 0;
        for (size_t j = 0; j < n; j++) {
            const real curvature = gram[j * n + j], d = curvature + l2[j], old = w[j];
            if (!(d > 0)) continue;
            const real best = FN(shrink)(REAL_FMA(curvature, old, r[j]), l1[j], d);
            const real new = FN(within)(best, lower, upper, j), step = new - old;
            w[j] = new;
            if (step == 0) continue;
            FN(subtract_row)(n, step, gram + j * n, r);
            const double violation = fabs((double)step) * d;
            if (!(violation <= worst)) worst = violation;       /* so, NaN stays */
        }
    }
    *p->largest = worst;
    *p->done = done;
}

#endif
