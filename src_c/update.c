/* Optimizer updates of a block, n elements, contiguous. Equal to update_naive.c, bit for bit.
   Each loop is written once, over flags that are constants where it is called: what is not asked for costs nothing. */
#ifndef real
#include "update.h"
#include "simd.h"

/* Gradients under TINY (before they are squared) and moments under FLUSH count as 0: denormal numbers double the time
   of a step, and moments that decay would stay there for ever, as 0.9 times the smallest few rounds to themselves. */
#define TINY (real_bits == 32 ? 1e-15 : 1e-150)
#define FLUSH (real_bits == 32 ? 1e-30 : 1e-290)
enum { PLAIN, HEAVY_BALL, NESTEROV };               /* sgd */
enum { STEP, DECAY, SHRINK, SHRINK_AND_DIVIDE };    /* what happens to w; the proximal maps decay as well */

#define MG_SOURCE "update.c"
#include "mg_both.h"

const mg_update_table MG_TABLE(update) = {MG_BOTH(sums), MG_BOTH(sgd), MG_BOTH(adam)};

#else
#include "elastic.h"

INLINE vec FN(load_n)(const real *p, size_t n) { return n == W ? V(load)(p) : V(load_part)(p, n); }
INLINE void FN(store_n)(real *p, size_t n, vec x) {
    if (n == W) V(store)(p, x);
    else V(store_part)(p, n, x);
}

/* y where |x| is not below the limit, else 0. NaN stays. */
INLINE vec FN(unless_small)(vec x, vec limit, vec y) { return V(select)(V(nlt)(V(abs)(x), limit), y, (vec){0}); }

/* What all elements share, in every lane. */
typedef struct {
    vec lr, l1, l2, prox_l1, prox_l2, keep, step, correction, beta1, beta2, rest1, rest2, eps, momentum, tiny, flush;
} FN(constants);

INLINE FN(constants) FN(constants_of)(const double *row, const mg_update_settings *s) {
    return (FN(constants)){
        .lr = V(set1)((real)row[MG_LR]), .l1 = V(set1)((real)row[MG_L1]), .l2 = V(set1)((real)row[MG_L2]),
        .prox_l1 = V(set1)((real)row[MG_PROX_L1]), .prox_l2 = V(set1)((real)row[MG_PROX_L2]),
        .keep = V(set1)((real)(1 - row[MG_LR] * row[MG_DECAY])),
        .step = V(set1)((real)(row[MG_LR] / row[MG_CORRECTION1])),
        .correction = V(set1)((real)(1 / sqrt(row[MG_CORRECTION2]))),
        .beta1 = V(set1)((real)s->beta1), .beta2 = V(set1)((real)s->beta2),
        .rest1 = V(set1)((real)(1 - s->beta1)), .rest2 = V(set1)((real)(1 - s->beta2)),
        .eps = V(set1)((real)s->eps), .momentum = V(set1)((real)s->momentum),
        .tiny = V(set1)((real)TINY), .flush = V(set1)((real)FLUSH),
    };
}

static int FN(after)(const double *row) {
    if ((real)row[MG_PROX_L2] != 0) return SHRINK_AND_DIVIDE;
    if ((real)row[MG_PROX_L1] != 0) return SHRINK;
    return row[MG_DECAY] != 0 ? DECAY : STEP;
}

/* The sums that the value of the penalties needs; a proximal map has both. */
INLINE int FN(summed)(int terms, int after) { return after < SHRINK ? terms : BOTH_TERMS; }

INLINE void FN(sums_terms)(size_t n, const real *w, double *sums, int terms) {
    FN(lanes) lanes = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) FN(lanes_add)(&lanes, w + i, terms);
    FN(lanes_join)(lanes, n - i, w + i, sums, terms);
}

static void FN(sums)(size_t n, const real *w, const double *row, double *sums) {
    switch (FN(summed)(mg_terms((real)row[MG_L1], (real)row[MG_L2]), FN(after)(row))) {
    case BOTH_TERMS: FN(sums_terms)(n, w, sums, BOTH_TERMS); break;
    case L1_TERM: FN(sums_terms)(n, w, sums, L1_TERM); break;
    case L2_TERM: FN(sums_terms)(n, w, sums, L2_TERM); break;
    default: sums[0] = sums[1] = 0;
    }
}

/* w at the end of a step of the given length, as `after` says. */
INLINE vec FN(moved)(vec w, vec move, vec step, const FN(constants) *c, int after) {
    if (after != STEP) w = w * c->keep;
    w = w - move;
    if (after < SHRINK) return w;
    return FN(elastic_prox)(w, step * c->prox_l1, 1 + step * c->prox_l2, after == SHRINK ? L1_TERM : BOTH_TERMS);
}

/* The gradient with its penalty. */
INLINE vec FN(penalized)(vec w, vec g, const FN(constants) *c, int terms) {
    return terms ? g + FN(elastic_slope)(w, c->l1, c->l2, terms) : g;
}

/* buf = momentum buf + d; w = prox(w (1 - lr decay) - lr buf), or along d + momentum buf for nesterov. */
INLINE void FN(sgd_part)(size_t n, real *w, const real *g, real *buf, const FN(constants) *c, int kind, int terms, int after) {
    const vec w0 = FN(load_n)(w, n);
    vec d = FN(penalized)(w0, FN(load_n)(g, n), c, terms);
    if (kind != PLAIN) {
        const vec old = FN(load_n)(buf, n), b = FN(unless_small)(old, c->flush, c->momentum * old) + d;
        FN(store_n)(buf, n, b);
        d = kind == NESTEROV ? d + c->momentum * b : b;
    }
    FN(store_n)(w, n, FN(moved)(w0, c->lr * d, c->lr, c, after));
}

/* m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d²; w = prox(w (1 - lr decay) - step m / root). */
INLINE void FN(adam_part)(size_t n, real *w, const real *g, real *m, real *v, const FN(constants) *c, int terms, int after) {
    const vec w0 = FN(load_n)(w, n), m0 = FN(load_n)(m, n), v0 = FN(load_n)(v, n);
    const vec d = FN(penalized)(w0, FN(load_n)(g, n), c, terms);
    const vec m1 = FN(unless_small)(m0, c->flush, c->beta1 * m0) + FN(unless_small)(d, c->tiny, c->rest1 * d);
    const vec v1 = FN(unless_small)(v0, c->flush, c->beta2 * v0) + c->rest2 * FN(unless_small)(d, c->tiny, d * d);
    const vec root = V(sqrt)(v1) * c->correction + c->eps;
    FN(store_n)(m, n, m1);
    FN(store_n)(v, n, v1);
    FN(store_n)(w, n, FN(moved)(w0, c->step * m1 / root, c->lr / root, c, after));
}

INLINE void FN(sgd_loop)(size_t n, real *w, const real *g, real *buf, const FN(constants) *c, double *sums, int kind, int terms, int after) {
    const int summed = FN(summed)(terms, after);
    FN(lanes) lanes = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        FN(lanes_add)(&lanes, w + i, summed);
        for (size_t j = i; j < i + LANES; j += W) FN(sgd_part)(W, w + j, g + j, buf + j, c, kind, terms, after);
    }
    FN(lanes_join)(lanes, n - i, w + i, sums, summed);
    for (; i < n; i += W) FN(sgd_part)(n - i < W ? n - i : W, w + i, g + i, buf + i, c, kind, terms, after);
}

INLINE void FN(adam_loop)(size_t n, real *w, const real *g, real *m, real *v, const FN(constants) *c, double *sums, int terms, int after) {
    const int summed = FN(summed)(terms, after);
    FN(lanes) lanes = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        FN(lanes_add)(&lanes, w + i, summed);
        for (size_t j = i; j < i + LANES; j += W) FN(adam_part)(W, w + j, g + j, m + j, v + j, c, terms, after);
    }
    FN(lanes_join)(lanes, n - i, w + i, sums, summed);
    for (; i < n; i += W) FN(adam_part)(n - i < W ? n - i : W, w + i, g + i, m + i, v + i, c, terms, after);
}

INLINE void FN(sgd_terms)(size_t n, real *w, const real *g, real *buf, const double *row, const FN(constants) *c, double *sums, int kind, int terms) {
    switch (FN(after)(row)) {
    case STEP: FN(sgd_loop)(n, w, g, buf, c, sums, kind, terms, STEP); break;
    case DECAY: FN(sgd_loop)(n, w, g, buf, c, sums, kind, terms, DECAY); break;
    case SHRINK: FN(sgd_loop)(n, w, g, buf, c, sums, kind, terms, SHRINK); break;
    default: FN(sgd_loop)(n, w, g, buf, c, sums, kind, terms, SHRINK_AND_DIVIDE);
    }
}

INLINE void FN(sgd_kind)(size_t n, real *w, const real *g, real *buf, const double *row, const FN(constants) *c, double *sums, int kind) {
    switch (mg_terms((real)row[MG_L1], (real)row[MG_L2])) {
    case BOTH_TERMS: FN(sgd_terms)(n, w, g, buf, row, c, sums, kind, BOTH_TERMS); break;
    case L1_TERM: FN(sgd_terms)(n, w, g, buf, row, c, sums, kind, L1_TERM); break;
    case L2_TERM: FN(sgd_terms)(n, w, g, buf, row, c, sums, kind, L2_TERM); break;
    default: FN(sgd_terms)(n, w, g, buf, row, c, sums, kind, 0);
    }
}

static void FN(sgd)(size_t n, real *w, const real *g, real **state, const double *row, const mg_update_settings *s, double *sums) {
    const FN(constants) c = FN(constants_of)(row, s);
    const int kind = s->momentum == 0 ? PLAIN : s->nesterov ? NESTEROV : HEAVY_BALL;
    FN(sgd_kind)(n, w, g, state[0], row, &c, sums, kind);
}

INLINE void FN(adam_terms)(size_t n, real *w, const real *g, real *m, real *v, const double *row, const FN(constants) *c, double *sums, int terms) {
    switch (FN(after)(row)) {
    case STEP: FN(adam_loop)(n, w, g, m, v, c, sums, terms, STEP); break;
    case DECAY: FN(adam_loop)(n, w, g, m, v, c, sums, terms, DECAY); break;
    case SHRINK: FN(adam_loop)(n, w, g, m, v, c, sums, terms, SHRINK); break;
    default: FN(adam_loop)(n, w, g, m, v, c, sums, terms, SHRINK_AND_DIVIDE);
    }
}

static void FN(adam)(size_t n, real *w, const real *g, real **state, const double *row, const mg_update_settings *s, double *sums) {
    const FN(constants) c = FN(constants_of)(row, s);
    real *m = state[0], *v = state[1];
    switch (mg_terms((real)row[MG_L1], (real)row[MG_L2])) {
    case BOTH_TERMS: FN(adam_terms)(n, w, g, m, v, row, &c, sums, BOTH_TERMS); break;
    case L1_TERM: FN(adam_terms)(n, w, g, m, v, row, &c, sums, L1_TERM); break;
    case L2_TERM: FN(adam_terms)(n, w, g, m, v, row, &c, sums, L2_TERM); break;
    default: FN(adam_terms)(n, w, g, m, v, row, &c, sums, 0);
    }
}

#endif
