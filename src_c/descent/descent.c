/* Descent on a quadratic function with an elastic net, or with norms of groups. Equal to descent_naive.c, bit for bit.
   Coordinates are computed one after the other, because each step changes the correlations r that the next one needs.
   Only the update of r uses vectors. */
#ifndef real
#include "descent/descent.h"
#include "base/simd.h"
#define MG_SOURCE "descent/descent.c"
#include "base/mg_both.h"

const mg_descent_table MG_TABLE(descent) = {
    .coordinate_descent = {mg_coordinate_descent_f32, mg_coordinate_descent_f64},
    .group_descent = {mg_group_descent_f32, mg_group_descent_f64},
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

/* w[j] = prox(r[j] + gram[j][j] w[j]), within its bounds, for j rising, until no step times its curvature exceeds the
   tolerance. */
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
            if (!(violation <= worst)) worst = violation;       /* written so that a NaN stays */
        }
    }
    *p->largest = worst;
    *p->done = done;
}

/* One proximal step of the group [a, b): w = prox(w + (r - l2 w) / top). r is updated inside of the group only. Returns
   the largest |step| top. */
static double FN(group_step)(const mg_group_descent_args *p, size_t a, size_t b, real strength, real top) {
    const real *l1 = p->l1, *l2 = p->l2;
    real *w = p->w, *r = p->r, *s = p->scratch;
    double square = 0, worst = 0;
    for (size_t j = a; j < b; j++) {
        s[j] = FN(shrink)(REAL_FMA(top, w[j], REAL_FMA(-l2[j], w[j], r[j])), l1[j], 1);
        square = fma((double)s[j], (double)s[j], square);
    }
    const double norm = sqrt(square), factor = norm <= strength ? 0 : (1 - strength / norm) / top;
    for (size_t j = a; j < b; j++) {
        const real new = factor == 0 ? 0 : (real)(factor * s[j]), step = new - w[j];
        w[j] = new;
        s[j] = step;
        const double violation = fabs((double)step) * top;
        if (!(violation <= worst)) worst = violation;
    }
    for (size_t j = a; j < b; j++)
        if (s[j] != 0) FN(subtract_row)(b - a, s[j], (const real *)p->gram + j * p->n + a, r + a);
    return worst;
}

/* Sweeps over the groups: up to MG_LOCAL_STEPS steps of each, until a step is at most a tenth of the first, then r is
   updated outside of the group. */
static void FN(group_descent)(const mg_group_descent_args *p) {
    const size_t n = p->n;
    const real *gram = p->gram, *strength = p->strength, *curvature = p->curvature;
    real *w = p->w, *r = p->r, *old = (real *)p->scratch + n;
    size_t done = 0;
    double worst = 0;
    for (; done < p->sweeps && (done == 0 || !(worst <= p->tolerance)); done++) {
        worst = 0;
        for (size_t g = 0; g < p->groups; g++) {
            const size_t a = (size_t)p->first[g], b = (size_t)p->first[g + 1];
            if (a == b || !(curvature[g] > 0)) continue;
            for (size_t j = a; j < b; j++) old[j] = w[j];
            const double violation = FN(group_step)(p, a, b, strength[g], curvature[g]);
            if (!(violation <= worst)) worst = violation;       /* written so that a NaN stays */
            if (violation == 0) continue;
            double last = violation;
            for (size_t i = 1; i < MG_LOCAL_STEPS && b - a > 1 && last > 0.1 * violation && last > p->tolerance; i++)
                last = FN(group_step)(p, a, b, strength[g], curvature[g]);
            for (size_t j = a; j < b; j++) {
                const real step = w[j] - old[j];
                if (step == 0) continue;
                FN(subtract_row)(a, step, gram + j * n, r);
                FN(subtract_row)(n - b, step, gram + j * n + b, r + b);
            }
        }
    }
    *p->largest = worst;
    *p->done = done;
}

#endif
