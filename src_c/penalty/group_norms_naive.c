/* The plain meaning of group_norms.c: one group at a time, its elements in rising order. Variant `naive`. */
#ifndef real
#include "penalty/group_norms.h"
#define MG_SOURCE "penalty/group_norms_naive.c"
#include "base/mg_both.h"

const mg_group_norms_table MG_TABLE(group_norms) = {
    .group_norm = {mg_group_norm_f32, mg_group_norm_f64},
    .group_soft_threshold = {mg_group_soft_threshold_f32, mg_group_soft_threshold_f64},
    .group_limit = {mg_group_limit_f32, mg_group_limit_f64},
    .group_level = {mg_group_level_f32, mg_group_level_f64},
};

#else
#include "base/sums_naive.h"

/* sign(x) max(|x| - t, 0); NaN stays. */
static double FN(soft)(double x, double t) {
    if (fabs(x) > t) return copysign(fabs(x) - t, x);
    return x == x ? 0 : x;
}

/* The sum of (soft(v, t) by)² in the flat order of sums.h. */
static double FN(squares)(size_t m, size_t stride, const real *v, double t, double by) {
    if (m <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < m; i++) {
            const double u = FN(soft)(v[i * stride], t) * by;
            lane[i % 64] = fma(u, u, lane[i % 64]);
        }
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(m, 1024);
    return FN(squares)(left, stride, v, t, by) + FN(squares)(m - left, stride, v + left * stride, t, by);
}

/* The norm of soft(v, t). If its squares overflow or vanish in float64, the elements are scaled and squared again. */
static double FN(norm)(size_t m, size_t stride, const real *v, double t) {
    const double squares = FN(squares)(m, stride, v, t, 1), by = real_bits == 64 ? mg_norm_scale(squares) : 1;
    return by == 1 ? sqrt(squares) : sqrt(FN(squares)(m, stride, v, t, by)) / by;
}

/* out = soft(v, t) factor, rounded once; +0 where it is 0. */
static void FN(scale)(size_t m, size_t stride, const real *v, double t, double factor, real *out) {
    for (size_t i = 0; i < m; i++) {
        const double y = factor == 0 ? 0 : FN(soft)(v[i * stride], t) * factor;
        out[i * stride] = (real)(y + 0.0);
    }
}

static void FN(group_norm)(const mg_group_norm_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *v = (const real *)a->x + g.at;
    for (size_t j = 0; j < n; j++) a->norm[g.group + j] = FN(norm)(g.m, g.stride, v + j * g.next, 0);
}

static void FN(group_soft_threshold)(const mg_group_soft_threshold_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *v = (const real *)a->v + g.at, *step = (const real *)a->step + g.group;
    real *out = (real *)a->out + g.at;
    for (size_t j = 0; j < n; j++) {
        const size_t at = j * g.next;
        const double product = (double)step[j] * (real)a->l1, t = product > 0 ? product : 0;
        const double limit = (double)step[j] * (real)a->strength, norm = FN(norm)(g.m, g.stride, v + at, t);
        FN(scale)(g.m, g.stride, v + at, t, norm > limit ? 1 - limit / norm : norm == norm ? 0 : norm, out + at);
    }
}

static void FN(group_limit)(const mg_group_limit_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *v = (const real *)a->v + g.at, low = (real)a->low, high = (real)a->high;
    real *out = (real *)a->out + g.at;
    for (size_t j = 0; j < n; j++) {
        const size_t at = j * g.next;
        const double norm = FN(norm)(g.m, g.stride, v + at, 0);
        double wanted = norm;
        if (norm < low) wanted = low;
        if (norm > high) wanted = high;
        FN(scale)(g.m, g.stride, v + at, 0, norm == wanted || norm == 0 ? 1 : wanted / norm, out + at);
    }
}

static real FN(metric)(real square, const mg_metric *c) {
    return ((real)sqrt(square) * (real)c->root + (real)c->eps) * (real)c->scale;
}

static void FN(group_level)(const mg_group_level_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *before = (const real *)a->before + g.at, *square = (const real *)a->square + g.at;
    const mg_metric *c = &a->metric;
    real *w = (real *)a->w + g.at, *step = (real *)a->step + g.group;
    for (size_t j = 0; j < n; j++) {
        real most = 0;
        for (size_t i = 0; i < g.m; i++) {
            const real x = square[i * g.stride + j * g.next];
            if (x > most) most = x;
        }
        const real top = FN(metric)(most, c);
        step[j] = (real)c->lr / top;
        for (size_t i = 0; i < g.m; i++) {
            const size_t at = i * g.stride + j * g.next;
            w[at] = (w[at] - before[at]) * (FN(metric)(square[at], c) / top) + before[at];
        }
    }
}

#endif
