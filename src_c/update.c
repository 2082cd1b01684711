/* Optimizer updates of a block, n elements, contiguous. Equal to update_naive.c, bit for bit.
   Each loop is written once, over flags that are constants where it is called: what is not asked for costs nothing. */
#ifndef real
#include "update.h"
#include "simd.h"

/* Gradients under TINY (before they are squared), moments under FLUSH, and weights that Adam leaves under FLUSH count
   as 0: denormal numbers cost 10 times the time of a step, and moments that decay would stay there for ever, as 0.9
   times the smallest few rounds to themselves. */
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

static int FN(terms)(const double *row) { return mg_terms((real)row[MG_L1], (real)row[MG_L2]); }
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
    switch (FN(summed)(FN(terms)(row), FN(after)(row))) {
    case BOTH_TERMS: FN(sums_terms)(n, w, sums, BOTH_TERMS); break;
    case L1_TERM: FN(sums_terms)(n, w, sums, L1_TERM); break;
    case L2_TERM: FN(sums_terms)(n, w, sums, L2_TERM); break;
    default: sums[0] = sums[1] = 0;
    }
}

/* A block and what it remembers: m is also the buffer of momentum. */
typedef struct {
    size_t n;
    real *w, *m, *v;
    const real *g;
    double *sums;
} FN(block);

/* The gradient with its penalty. */
INLINE vec FN(penalized)(vec w, vec g, const FN(constants) *c, int terms) {
    return terms ? g + FN(elastic_slope)(w, c->l1, c->l2, terms) : g;
}

/* w at the end of a step of the given length, as `after` says. */
INLINE vec FN(moved)(vec w, vec move, vec step, const FN(constants) *c, int after) {
    if (after != STEP) w = w * c->keep;
    w = w - move;
    if (after < SHRINK) return w;
    return FN(elastic_prox)(w, step * c->prox_l1, 1 + step * c->prox_l2, after == SHRINK ? L1_TERM : BOTH_TERMS);
}

/* buf = momentum buf + d; w = prox(w (1 - lr decay) - lr buf), or along d + momentum buf for nesterov.
   Elements i ... i + n - 1, n <= W. */
INLINE void FN(sgd_part)(const FN(block) *b, size_t i, size_t n, const FN(constants) *c, int kind, int terms,
                         int after) {
    const vec w = FN(load_n)(b->w + i, n);
    vec d = FN(penalized)(w, FN(load_n)(b->g + i, n), c, terms);
    if (kind != PLAIN) {
        const vec old = FN(load_n)(b->m + i, n);
        const vec buf = FN(unless_small)(old, c->flush, c->momentum * old) + d;
        FN(store_n)(b->m + i, n, buf);
        d = kind == NESTEROV ? d + c->momentum * buf : buf;
    }
    FN(store_n)(b->w + i, n, FN(moved)(w, c->lr * d, c->lr, c, after));
}

/* m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d²; w = prox(w (1 - lr decay) - step m / root). */
INLINE void FN(adam_part)(const FN(block) *b, size_t i, size_t n, const FN(constants) *c, int terms, int after) {
    const vec w = FN(load_n)(b->w + i, n), m0 = FN(load_n)(b->m + i, n), v0 = FN(load_n)(b->v + i, n);
    const vec d = FN(penalized)(w, FN(load_n)(b->g + i, n), c, terms);
    const vec m = FN(unless_small)(m0, c->flush, c->beta1 * m0) + FN(unless_small)(d, c->tiny, c->rest1 * d);
    const vec v = FN(unless_small)(v0, c->flush, c->beta2 * v0) + c->rest2 * FN(unless_small)(d, c->tiny, d * d);
    const vec root = V(sqrt)(v) * c->correction + c->eps;
    FN(store_n)(b->m + i, n, m);
    FN(store_n)(b->v + i, n, v);
    const vec w1 = FN(moved)(w, c->step * m / root, c->lr / root, c, after);
    FN(store_n)(b->w + i, n, FN(unless_small)(w1, c->flush, w1));
}

INLINE void FN(sgd_loop)(const FN(block) *b, const FN(constants) *c, int kind, int terms, int after) {
    const int summed = FN(summed)(terms, after);
    FN(lanes) lanes = {0};
    size_t i = 0;
    for (; i + LANES <= b->n; i += LANES) {
        FN(lanes_add)(&lanes, b->w + i, summed);
        for (size_t j = i; j < i + LANES; j += W) FN(sgd_part)(b, j, W, c, kind, terms, after);
    }
    FN(lanes_join)(lanes, b->n - i, b->w + i, b->sums, summed);
    for (; i < b->n; i += W) FN(sgd_part)(b, i, b->n - i < W ? b->n - i : W, c, kind, terms, after);
}

INLINE void FN(adam_loop)(const FN(block) *b, const FN(constants) *c, int terms, int after) {
    const int summed = FN(summed)(terms, after);
    FN(lanes) lanes = {0};
    size_t i = 0;
    for (; i + LANES <= b->n; i += LANES) {
        FN(lanes_add)(&lanes, b->w + i, summed);
        for (size_t j = i; j < i + LANES; j += W) FN(adam_part)(b, j, W, c, terms, after);
    }
    FN(lanes_join)(lanes, b->n - i, b->w + i, b->sums, summed);
    for (; i < b->n; i += W) FN(adam_part)(b, i, b->n - i < W ? b->n - i : W, c, terms, after);
}

/* The loops with their flags as constants. kind is not one: a branch per vector that never changes is free. */
INLINE void FN(sgd_after)(const FN(block) *b, const FN(constants) *c, int kind, int terms, int after) {
    switch (after) {
    case STEP: FN(sgd_loop)(b, c, kind, terms, STEP); break;
    case DECAY: FN(sgd_loop)(b, c, kind, terms, DECAY); break;
    case SHRINK: FN(sgd_loop)(b, c, kind, terms, SHRINK); break;
    default: FN(sgd_loop)(b, c, kind, terms, SHRINK_AND_DIVIDE);
    }
}

INLINE void FN(adam_after)(const FN(block) *b, const FN(constants) *c, int terms, int after) {
    switch (after) {
    case STEP: FN(adam_loop)(b, c, terms, STEP); break;
    case DECAY: FN(adam_loop)(b, c, terms, DECAY); break;
    case SHRINK: FN(adam_loop)(b, c, terms, SHRINK); break;
    default: FN(adam_loop)(b, c, terms, SHRINK_AND_DIVIDE);
    }
}

static MG_UPDATE(FN(sgd), real) {
    const FN(block) b = {n, w, state[0], state[1], g, sums};
    const FN(constants) c = FN(constants_of)(row, settings);
    const int after = FN(after)(row);
    const int kind = settings->momentum == 0 ? PLAIN : settings->nesterov ? NESTEROV : HEAVY_BALL;
    switch (FN(terms)(row)) {
    case BOTH_TERMS: FN(sgd_after)(&b, &c, kind, BOTH_TERMS, after); break;
    case L1_TERM: FN(sgd_after)(&b, &c, kind, L1_TERM, after); break;
    case L2_TERM: FN(sgd_after)(&b, &c, kind, L2_TERM, after); break;
    default: FN(sgd_after)(&b, &c, kind, 0, after);
    }
}

static MG_UPDATE(FN(adam), real) {
    const FN(block) b = {n, w, state[0], state[1], g, sums};
    const FN(constants) c = FN(constants_of)(row, settings);
    const int after = FN(after)(row);
    switch (FN(terms)(row)) {
    case BOTH_TERMS: FN(adam_after)(&b, &c, BOTH_TERMS, after); break;
    case L1_TERM: FN(adam_after)(&b, &c, L1_TERM, after); break;
    case L2_TERM: FN(adam_after)(&b, &c, L2_TERM, after); break;
    default: FN(adam_after)(&b, &c, 0, after);
    }
}

#endif
