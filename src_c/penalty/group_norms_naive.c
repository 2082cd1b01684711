/* The plain meaning of group_norms.c: one group at a time, its elements in rising order. Variant `naive`. */
#ifndef real
#include "penalty/group_norms.h"
#define MG_SOURCE "penalty/group_norms_naive.c"
#include "base/mg_both.h"

#define BOTH(name) .name##_f32 = mg_##name##_f32, .name##_f64 = mg_##name##_f64
const mg_group_norms_table MG_TABLE(group_norms) = {BOTH(group_norm), BOTH(group_soft_threshold), BOTH(group_limit),
                                          BOTH(group_level)};

#else
#include "base/sums_naive.h"

/* sign(x) max(|x| - t, 0); NaN stays. */
static double FN(soft)(double x, double t) {
    if (fabs(x) > t) return copysign(fabs(x) - t, x);
    return x == x ? 0 : x;
}

/* The sum of soft(v, t)² in the flat order of sums.h. */
static double FN(squares)(size_t m, size_t stride, const real *v, double t) {
    if (m <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < m; i++) {
            const double u = FN(soft)(v[i * stride], t);
            lane[i % 64] = fma(u, u, lane[i % 64]);
        }
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(m, 1024);
    return FN(squares)(left, stride, v, t) + FN(squares)(m - left, stride, v + left * stride, t);
}

/* out = soft(v, t) factor, rounded once; +0 where that is 0. */
static void FN(scale)(size_t m, size_t stride, const real *v, double t, double factor, real *out) {
    for (size_t i = 0; i < m; i++) {
        const double y = factor == 0 ? 0 : FN(soft)(v[i * stride], t) * factor;
        out[i * stride] = (real)(y + 0.0);
    }
}

static void FN(group_norm)(mg_group_norms_layout g, const real *v, double *norm) {
    for (size_t j = 0; j < g.count; j++) norm[j] = sqrt(FN(squares)(g.m, g.stride, v + j * g.next, 0));
}

static void FN(group_soft_threshold)(mg_group_norms_layout g, const real *v, const real *step, double l1, double strength,
                                     real *out) {
    for (size_t j = 0; j < g.count; j++) {
        const size_t at = j * g.next;
        const double product = (double)step[j] * (real)l1, t = product > 0 ? product : 0;
        const double limit = (double)step[j] * (real)strength, norm = sqrt(FN(squares)(g.m, g.stride, v + at, t));
        FN(scale)(g.m, g.stride, v + at, t, norm > limit ? 1 - limit / norm : norm == norm ? 0 : norm, out + at);
    }
}

static void FN(group_limit)(mg_group_norms_layout g, const real *v, double low, double high, real *out) {
    for (size_t j = 0; j < g.count; j++) {
        const size_t at = j * g.next;
        const double norm = sqrt(FN(squares)(g.m, g.stride, v + at, 0));
        double wanted = norm;
        if (norm < (real)low) wanted = (real)low;
        if (norm > (real)high) wanted = (real)high;
        FN(scale)(g.m, g.stride, v + at, 0, norm == wanted || norm == 0 ? 1 : wanted / norm, out + at);
    }
}

static real FN(metric)(real square, const mg_metric *c) {
    return ((real)sqrt(square) * (real)c->root + (real)c->eps) * (real)c->scale;
}

static void FN(group_level)(mg_group_norms_layout g, real *w, const real *before, const real *square, const mg_metric *c,
                            real *step) {
    for (size_t j = 0; j < g.count; j++) {
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
