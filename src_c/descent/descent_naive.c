/* The plain meaning of descent.c: one number at a time. Variant `naive`. */
#ifndef real
#include "descent/descent.h"
#define MG_SOURCE "descent/descent_naive.c"
#include "base/mg_both.h"

const mg_descent_table MG_TABLE(descent) = {
    .coordinate_descent = {mg_coordinate_descent_f32, mg_coordinate_descent_f64},
    .group_descent = {mg_group_descent_f32, mg_group_descent_f64},
};

#else

/* sign(v) max(|v| - t, 0) / d. */
static real FN(shrink)(real v, real t, real d) {
    if (v > t) return (v - t) / d;
    if (-v > t) return (v + t) / d;
    return v == v ? 0 : v;
}

/* Sweeps of w[j] = prox(r[j] + gram[j][j] w[j]), within its bounds, for j rising; each step updates r = q - gram w: see
   reference/descent.py. done = how many sweeps were made; largest = the largest violation of the optimality conditions
   in the last one. */
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

/* r -= step row. */
static void FN(subtract_row)(size_t n, real step, const real *row, real *r) {
    for (size_t k = 0; k < n; k++) r[k] = REAL_FMA(-step, row[k], r[k]);
}

/* w = prox(w + (r - l2 w) / top) of the group [a, b); r is updated inside of it. Returns the largest |step| top. */
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

/* Sweeps over the groups: a few steps of each, then r is updated outside of the group: see reference/descent.py. */
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
