/* Norms of groups of elements, and functions that scale a group by its norm. Equal to group_norms_naive.c, bit for bit.

   A norm is the root of Σu² over the elements of a group, summed in the flat order of sums.h. If the elements are
   adjacent (the group is a row), a vector holds elements of one group. If they are a stride apart (the group is a
   column), a vector holds one element of each of several groups, and the 64 lanes of every group are kept in memory.
   Groups are computed `panel` at a time. u is soft(v, t) if `soft` is 1, else v; callers pass `soft` as a constant. */
#ifndef real
#include "penalty/group_norms.h"
#include "base/simd.h"
#define MG_SOURCE "penalty/group_norms.c"
enum { panel = 64 };
#include "base/mg_both.h"

const mg_group_norms_table MG_TABLE(group_norms) = {
    .group_norm = {mg_group_norm_f32, mg_group_norm_f64},
    .group_soft_threshold = {mg_group_soft_threshold_f32, mg_group_soft_threshold_f64},
    .group_limit = {mg_group_limit_f32, mg_group_limit_f64},
    .group_level = {mg_group_level_f32, mg_group_level_f64},
};

#else
#include "base/sums.h"

#ifndef MG_GROUPS_ONCE
#define MG_GROUPS_ONCE
/* sign(x) max(|x| - t, 0) if `soft`, else x; NaN stays. */
INLINE vf64 mg_soft(vf64 x, vf64 t, int soft) {
    const vf64 zero = {0}, size = vf64_abs(x), y = vf64_copysign(size - t, x);
    return soft ? vf64_select(vf64_eq(x, x), vf64_select(vf64_lt(t, size), y, zero), x) : x;
}

/* u times factor; +0 where either is 0, even if u is infinite or NaN. */
INLINE vf64 mg_scaled(vf64 u, vf64 factor) {
    const vf64 zero = {0};
    return vf64_select(vf64_eq(factor, zero), zero, u * factor + zero);
}
#endif

INLINE vf64 FN(load)(const real *v, size_t n) { return n >= MG_W64 ? FN(load64)(v) : FN(load64_part)(v, n); }

/* Σ (soft(v, t) by)² of n adjacent elements. If `scaled` is 0, nothing is multiplied by `by`. */
INLINE double FN(row_squares)(size_t n, const real *v, vf64 t, int soft, vf64 by, int scaled) {
    mg_pairwise sums;
    sums.count = sums.waiting = 0;
    for (size_t start = 0; start < n; start += mg_sum_chunk) {
        const size_t end = n - start < mg_sum_chunk ? n : start + mg_sum_chunk;
        mg_lanes lane;
        UNROLL for (int j = 0; j < mg_lane_vectors; j++) lane[j] = (vf64){0};
        for (size_t i = start; i < end; i += mg_sum_lanes) {
            UNROLL for (int j = 0; j < mg_lane_vectors; j++) {
                const size_t at = i + j * MG_W64;
                if (at < end) {
                    vf64 u = mg_soft(FN(load)(v + at, end - at), t, soft);
                    if (scaled) u = u * by;
                    lane[j] = vf64_fma(u, u, lane[j]);
                }
            }
        }
        mg_pairwise_add(&sums, mg_lanes_total(lane));
    }
    return mg_pairwise_total(&sums);
}

/* squares[j] = Σ (soft(column j, t[j]) by[j])² of up to `panel` columns. */
INLINE void FN(column_squares)(size_t columns, size_t m, size_t stride, const real *v, const double *t, double *squares,
                               int soft, const double *by, int scaled) {
    double lane[mg_sum_lanes][panel], waiting[mg_sum_depth][panel]; /* waiting: `sum` of mg_pairwise, per column */
    size_t chunks = 0, left = 0;
    for (size_t start = 0; start < m; start += mg_sum_chunk) {
        const size_t n = m - start < mg_sum_chunk ? m - start : mg_sum_chunk;
        size_t lanes = 1; /* the others stay +0, which changes no sum of squares */
        while (lanes < n && lanes < mg_sum_lanes) lanes *= 2;
        memset(lane, 0, lanes * sizeof *lane);
        for (size_t i = 0; i < n; i++) {
            const real *row = v + (start + i) * stride;
            double *to = lane[i % mg_sum_lanes];
            for (size_t j = 0; j < columns; j += MG_W64) {
                vf64 u = mg_soft(FN(load)(row + j, columns - j), vf64_load(t + j), soft);
                if (scaled) u = u * vf64_load(by + j);
                vf64_store(to + j, vf64_fma(u, u, vf64_load(to + j)));
            }
        }
        for (size_t half = lanes / 2; half; half /= 2)
            for (size_t l = 0; l < half; l++)
                for (size_t j = 0; j < columns; j++) lane[l][j] += lane[l + half][j];
        for (size_t c = chunks++; c & 1; c >>= 1) {
            left--;
            for (size_t j = 0; j < columns; j++) lane[0][j] = waiting[left][j] + lane[0][j];
        }
        memcpy(waiting[left++], lane[0], sizeof *lane);
    }
    for (size_t j = 0; j < columns; j++) squares[j] = left ? waiting[left - 1][j] : 0;
    while (left > 1) {
        left--;
        for (size_t j = 0; j < columns; j++) squares[j] = waiting[left - 1][j] + squares[j];
    }
}

/* squares[j] = Σ (soft(group j, t[j]) by[j])² of g.count <= panel groups. */
INLINE void FN(squares_of)(mg_layout g, const real *v, const double *t, double *squares, int soft, const double *by,
                           int scaled) {
    if (g.stride != 1) {
        FN(column_squares)(g.count, g.m, g.stride, v, t, squares, soft, by, scaled);
        return;
    }
    for (size_t j = 0; j < g.count; j++) {
        const vf64 scale = scaled ? vf64_set1(by[j]) : (vf64){0};
        squares[j] = FN(row_squares)(g.m, v + j * g.next, vf64_set1(t[j]), soft, scale, scaled);
    }
}

#if real_bits == 64
/* The sums of squares, some of which overflowed or vanished, again: of the elements of group j times by[j]. */
static __attribute__((noinline)) void mg_squares_again(mg_layout g, const double *v, const double *t, double *squares,
                                                       double *by, int soft) {
    if (soft) FN(squares_of)(g, v, t, squares, 1, by, 1);
    else FN(squares_of)(g, v, t, squares, 0, by, 1);
}
#endif

/* norm[j] = ‖soft(group j, t[j])‖ of g.count <= panel groups. */
INLINE void FN(norms_of)(mg_layout g, const real *v, const double *t, double *norm, int soft) {
    FN(squares_of)(g, v, t, norm, soft, NULL, 0);
#if real_bits == 64
    double by[panel] = {0};
    int again = 0;
    for (size_t j = 0; j < g.count; j++) {
        by[j] = mg_norm_scale(norm[j]);
        again |= by[j] != 1;
    }
    if (again) mg_squares_again(g, v, t, norm, by, soft);
    for (size_t j = 0; j < g.count; j++) norm[j] = sqrt(norm[j]) / by[j];
#else
    for (size_t j = 0; j < g.count; j++) norm[j] = sqrt(norm[j]);
#endif
}

/* out = soft(group j, t[j]) factor[j] in g.count <= panel groups. */
INLINE void FN(scale)(mg_layout g, const real *v, const double *t, const double *factor, real *out, int soft) {
    const size_t lines = g.stride == 1 ? g.count : g.m, n = g.stride == 1 ? g.m : g.count;
    for (size_t l = 0; l < lines; l++) { /* adjacent in memory: a group, or one element of each group */
        const size_t at = l * (g.stride == 1 ? g.next : g.stride);
        for (size_t j = 0; j < n; j += MG_W64) {
            const vf64 vt = g.stride == 1 ? vf64_set1(t[l]) : vf64_load(t + j);
            const vf64 vf = g.stride == 1 ? vf64_set1(factor[l]) : vf64_load(factor + j);
            const vf64 u = mg_soft(FN(load)(v + at + j, n - j), vt, soft);
            FN(store64_part)(out + at + j, n - j < MG_W64 ? n - j : MG_W64, mg_scaled(u, vf));
        }
    }
}

/* The panel that starts at group j. */
INLINE mg_layout FN(panel_of)(mg_layout g, size_t j) {
    g.count = g.count - j < panel ? g.count - j : panel;
    return g;
}

static void FN(group_norm)(const mg_group_norm_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *v = (const real *)a->x + g.at;
    double *norm = a->norm + g.group;
    static const double zero[panel];
    double found[panel];
    for (size_t j = 0; j < g.count; j += panel) {
        const mg_layout p = FN(panel_of)(g, j);
        FN(norms_of)(p, v + j * g.next, zero, found, 0);
        memcpy(norm + j, found, p.count * sizeof *norm);
    }
}

INLINE void FN(threshold_panel)(mg_layout g, const real *v, const real *step, real l1, real strength, real *out,
                                int soft) {
    double t[panel] = {0}, norm[panel], factor[panel] = {0};
    for (size_t k = 0; k < g.count; k++) {
        const double product = (double)step[k] * l1;
        t[k] = product > 0 ? product : 0;
    }
    FN(norms_of)(g, v, t, norm, soft);
    for (size_t k = 0; k < g.count; k++) {
        const double limit = (double)step[k] * strength;
        factor[k] = norm[k] > limit ? 1 - limit / norm[k] : norm[k] == norm[k] ? 0 : norm[k];
    }
    FN(scale)(g, v, t, factor, out, soft);
}

static void FN(group_soft_threshold)(const mg_group_soft_threshold_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *v = (const real *)a->v + g.at, *step = (const real *)a->step + g.group;
    const real l1 = (real)a->l1, strength = (real)a->strength;
    real *out = (real *)a->out + g.at;
    for (size_t j = 0; j < g.count; j += panel) {
        const mg_layout p = FN(panel_of)(g, j);
        const size_t at = j * g.next;
        if (l1 != 0) FN(threshold_panel)(p, v + at, step + j, l1, strength, out + at, 1);
        else FN(threshold_panel)(p, v + at, step + j, 0, strength, out + at, 0);
    }
}

static void FN(group_limit)(const mg_group_limit_args *a, size_t slice, size_t first, size_t n) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, n);
    const real *v = (const real *)a->v + g.at;
    real *out = (real *)a->out + g.at;
    static const double zero[panel];
    const double least = (real)a->low, most = (real)a->high;
    for (size_t j = 0; j < g.count; j += panel) {
        const mg_layout p = FN(panel_of)(g, j);
        double norm[panel], factor[panel] = {0};
        FN(norms_of)(p, v + j * g.next, zero, norm, 0);
        for (size_t k = 0; k < p.count; k++) {
            const double wanted = norm[k] > most ? most : norm[k] < least ? least : norm[k];
            factor[k] = norm[k] == wanted || norm[k] == 0 ? 1 : wanted / norm[k];
        }
        FN(scale)(p, v + j * g.next, zero, factor, out + j * g.next, 0);
    }
}

INLINE vec FN(metric)(vec square, const mg_metric *c) {
    const vec root = V(set1)((real)c->root), eps = V(set1)((real)c->eps), scale = V(set1)((real)c->scale);
    return (V(sqrt)(square) * root + eps) * scale;
}

/* The next min(n, W) numbers at p; the other lanes are +0. */
INLINE vec FN(take)(const real *p, size_t n) { return n >= W ? V(load)(p) : V(load_part)(p, n); }

/* The next min(n, W) weights: w = before + (w - before) metric / top, so the step is shorter where metric < top. */
INLINE void FN(shorten)(size_t n, real *w, const real *before, const real *square, vec top, const mg_metric *c) {
    const vec from = FN(take)(before, n);
    const vec y = (FN(take)(w, n) - from) * (FN(metric)(FN(take)(square, n), c) / top) + from;
    if (n >= W) V(store)(w, y);
    else V(store_part)(w, n, y);
}

/* top[j] = the largest metric of group j. It is the metric of the largest square, because the root, the products and
   the sum never reverse the order of two numbers, not even by rounding. */
INLINE void FN(tops)(mg_layout g, const real *square, const mg_metric *c, real *top) {
    for (size_t j = 0; g.stride == 1 && j < g.count; j++) {
        real each[W];
        vec most = {0};
        for (size_t i = 0; i < g.m; i += W) most = V(max)(FN(take)(square + j * g.next + i, g.m - i), most);
        V(store)(each, most);
        for (size_t k = 0; k < W; k++) top[j] = each[k] > top[j] ? each[k] : top[j];
    }
    for (size_t i = 0; g.stride != 1 && i < g.m; i++)
        for (size_t j = 0; j < g.count; j += W)
            V(store)(top + j, V(max)(FN(take)(square + i * g.stride + j, g.count - j), V(load)(top + j)));
    for (size_t j = 0; j < g.count; j += W) V(store)(top + j, FN(metric)(V(load)(top + j), c));
}

static void FN(group_level)(const mg_group_level_args *a, size_t slice, size_t first, size_t count) {
    const mg_layout g = mg_layout_of(a->groups, slice, first, count);
    const real *before = (const real *)a->before + g.at, *square = (const real *)a->square + g.at;
    const mg_metric *c = &a->metric;
    real *w = (real *)a->w + g.at, *step = (real *)a->step + g.group;
    for (size_t start = 0; start < g.count; start += panel) {
        const mg_layout p = FN(panel_of)(g, start);
        const size_t lines = p.stride == 1 ? p.count : p.m, n = p.stride == 1 ? p.m : p.count;
        real top[panel] = {0};
        FN(tops)(p, square + start * g.next, c, top);
        for (size_t j = 0; j < p.count; j++) step[start + j] = (real)c->lr / top[j];
        for (size_t l = 0; l < lines; l++) {
            const size_t at = start * g.next + l * (p.stride == 1 ? p.next : p.stride);
            for (size_t j = 0; j < n; j += W) {
                const vec most = p.stride == 1 ? V(set1)(top[l]) : V(load)(top + j);
                FN(shorten)(n - j, w + at + j, before + at + j, square + at + j, most, c);
            }
        }
    }
}

#endif
