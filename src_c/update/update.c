/* Optimizer updates of a piece of a parameter. Equal to update_naive.c, bit for bit.
   The loop is written once for all rules. Its caller passes the rule and the flags as constants, so the compiler
   removes the code that they do not select. A step of an element has three stages: (1) the moments, up to the square
   root; (2) the divisions by the root; (3) the new w. GROUP vectors are computed together in each stage, and stage 1
   of the next group is computed between stages 2 and 3 of this one. Roots and divisions are the slowest operations of
   the rules that have them; in this order they run while the processor computes everything else. */
#ifndef real
#include "update/update.h"
#include "base/simd.h"

/* Because a step with denormal numbers takes 10 times as long, these count as 0: moments under FLUSH; and, of the rules
   with a root (Adam, RMSprop, Adagrad), gradients under TINY, which are squared, and new weights under FLUSH. Decay
   alone does not reach 0: 0.9 times one of the smallest denormal numbers is rounded to that number again. */
#define TINY (real_bits == 32 ? 1e-15 : 1e-150)
#define FLUSH (real_bits == 32 ? 1e-30 : 1e-290)
enum { PLAIN, MOMENTUM, ADAM, RMSPROP, ADAGRAD };   /* sgd: MOMENTUM if momentum is not 0, else PLAIN */
enum { STEP, DECAY, SHRINK, SHRINK_AND_DIVIDE };    /* w - move and: nothing; decay; decay, L1; decay, L1, L2 */
enum { GROUP = 4 };

#define MG_SOURCE "update/update.c"
#include "base/mg_both.h"

const mg_update_table MG_TABLE(update) = {
    .sums = {mg_sums_f32, mg_sums_f64},
    .update = {
        [mg_rule_sgd] = {mg_sgd_f32, mg_sgd_f64},
        [mg_rule_adam] = {mg_adam_f32, mg_adam_f64},
        [mg_rule_rmsprop] = {mg_rmsprop_f32, mg_rmsprop_f64},
        [mg_rule_adagrad] = {mg_adagrad_f32, mg_adagrad_f64},
    },
};

#else
#include "penalty/elastic_net.h"

INLINE vec FN(load_n)(const real *p, size_t n) { return n == W ? V(load)(p) : V(load_part)(p, n); }
INLINE void FN(store_n)(real *p, size_t n, vec x) {
    if (n == W) V(store)(p, x);
    else V(store_part)(p, n, x);
}

/* y where |x| is not below the limit, else 0. NaN stays. */
INLINE vec FN(unless_small)(vec x, vec limit, vec y) { return V(select)(V(nlt)(V(abs)(x), limit), y, (vec){0}); }

/* Numbers that all elements use, one in every lane, and flags. A branch on a flag goes the same way for every vector,
   so the processor predicts it. */
typedef struct {
    vec lr, l1, l2, prox_l1, prox_l2, keep, step, correction, beta1, beta2, rest1, rest2, eps, momentum, tiny, flush;
    int nesterov, amsgrad, centered, with_momentum;
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
        .nesterov = s->nesterov, .amsgrad = s->amsgrad, .centered = s->centered, .with_momentum = s->momentum != 0,
    };
}

static int FN(terms)(const double *row) { return mg_terms((real)row[MG_L1], (real)row[MG_L2]); }
static int FN(after)(const double *row) {
    if ((real)row[MG_PROX_L2] != 0) return SHRINK_AND_DIVIDE;
    if ((real)row[MG_PROX_L1] != 0) return SHRINK;
    return row[MG_DECAY] != 0 ? DECAY : STEP;
}

/* Which sums the value of the penalties needs: those of `terms`, or both if there is a proximal map. */
INLINE int FN(summed)(int terms, int after) { return after < SHRINK ? terms : BOTH_TERMS; }

static void FN(sums)(const mg_update_args *p, size_t segment, size_t first, size_t n, double *sums) {
    const real *w = (const real *)p->segment[segment].w + first;
    const double *row = p->scalars + segment * MG_COLUMNS;
    switch (FN(summed)(FN(terms)(row), FN(after)(row))) {
    case BOTH_TERMS: FN(elastic_sums)(n, w, sums, BOTH_TERMS); break;
    case L1_TERM: FN(elastic_sums)(n, w, sums, L1_TERM); break;
    case L2_TERM: FN(elastic_sums)(n, w, sums, L2_TERM); break;
    default: sums[0] = sums[1] = 0;
    }
}

/* A piece of a parameter, its gradient, and its state in the order of update.h. A state that the settings do not use is
   not read. */
typedef struct {
    size_t n;
    real *w, *state[3];
    const real *g;
} FN(block);

static real FN(zeros)[MG_PIECE];            /* the gradient of a parameter that has none */

INLINE FN(block) FN(block_of)(const mg_segment *s, size_t first, size_t n) {
    return (FN(block)){
        .n = n, .w = (real *)s->w + first, .g = s->gradient == MG_ZEROS ? FN(zeros) : (const real *)s->g + first,
        .state = {(real *)s->state[0] + first, (real *)s->state[1] + first, (real *)s->state[2] + first},
    };
}

/* The gradient with its penalty. */
INLINE vec FN(penalized)(vec w, vec g, const FN(constants) *c, int terms) {
    return terms ? g + FN(elastic_slope)(w, c->l1, c->l2, terms) : g;
}

/* The new w: w decayed, less `move`, then the proximal map with the given step. `after` says which of these happen. */
INLINE vec FN(moved)(vec w, vec move, vec step, const FN(constants) *c, int after) {
    if (after != STEP) w = w * c->keep;
    w = w - move;
    if (after < SHRINK) return w;
    return FN(elastic_prox)(w, step * c->prox_l1, 1 + step * c->prox_l2, after == SHRINK ? L1_TERM : BOTH_TERMS);
}

/* factor times the n numbers at p, of which those under FLUSH count as 0. */
INLINE vec FN(faded)(const real *p, size_t n, vec factor, const FN(constants) *c) {
    const vec old = FN(load_n)(p, n);
    return FN(unless_small)(old, c->flush, factor * old);
}

/* The result of stage 1 for a vector: the move will be made from top, or from top / root. */
typedef struct {
    vec top, root;
} FN(ratio);

/* The result of stage 2: the move, and the step of the proximal map. The compiler computes the step only where it is
   used. */
typedef struct {
    vec move, step;
} FN(motion);

/* buf = momentum buf + d; top = lr buf, or lr (d + momentum buf) for nesterov. */
INLINE FN(ratio) FN(momentum_ratio)(const FN(block) *b, size_t i, size_t n, vec d, const FN(constants) *c) {
    const vec buf = FN(faded)(b->state[0] + i, n, c->momentum, c) + d;
    FN(store_n)(b->state[0] + i, n, buf);
    return (FN(ratio)){.top = c->lr * (c->nesterov ? d + c->momentum * buf : buf)};
}

/* m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d²; amsgrad: the largest v so far takes the place of v. */
INLINE FN(ratio) FN(adam_ratio)(const FN(block) *b, size_t i, size_t n, vec d, const FN(constants) *c) {
    const vec m = FN(faded)(b->state[0] + i, n, c->beta1, c) + c->rest1 * d;
    vec v = FN(faded)(b->state[1] + i, n, c->beta2, c) + c->rest2 * (d * d);
    FN(store_n)(b->state[0] + i, n, m);
    FN(store_n)(b->state[1] + i, n, v);
    if (c->amsgrad) {
        v = V(max)(FN(load_n)(b->state[2] + i, n), v);
        FN(store_n)(b->state[2] + i, n, v);
    }
    return (FN(ratio)){c->step * m, V(sqrt)(v) * c->correction + c->eps};
}

/* v = alpha v + (1 - alpha) d²; centered: m = alpha m + (1 - alpha) d, and the root is that of the variance v - m².
   Rounding may make the variance negative, and its root NaN, so a negative one counts as 0. */
INLINE FN(ratio) FN(rmsprop_ratio)(const FN(block) *b, size_t i, size_t n, vec d, const FN(constants) *c) {
    const vec zero = {0};
    vec v = FN(faded)(b->state[0] + i, n, c->beta2, c) + c->rest2 * (d * d);
    FN(store_n)(b->state[0] + i, n, v);
    if (c->centered) {
        const vec m = FN(faded)(b->state[1] + i, n, c->beta2, c) + c->rest2 * d;
        FN(store_n)(b->state[1] + i, n, m);
        v = V(max)(zero, v - m * m);
    }
    return (FN(ratio)){d, V(sqrt)(v) + c->eps};
}

/* buf = momentum buf + d / root; the move is lr buf, or lr d / root without momentum. */
INLINE vec FN(rmsprop_move)(const FN(block) *b, size_t i, size_t n, FN(ratio) h, const FN(constants) *c) {
    vec move = h.top / h.root;
    if (c->with_momentum) {
        real *buf = b->state[1 + c->centered] + i;
        move = FN(faded)(buf, n, c->momentum, c) + move;
        FN(store_n)(buf, n, move);
    }
    return c->lr * move;
}

/* v = v + d²; step = lr / correction1, and correction1 grows from step to step if lr_decay is not 0. */
INLINE FN(ratio) FN(adagrad_ratio)(const FN(block) *b, size_t i, size_t n, vec d, const FN(constants) *c) {
    const vec v = FN(load_n)(b->state[0] + i, n) + d * d;
    FN(store_n)(b->state[0] + i, n, v);
    return (FN(ratio)){c->step * d, V(sqrt)(v) + c->eps};
}

/* Stages 1, 2 and 3 of the n <= W elements from i on. */
INLINE FN(ratio) FN(first)(const FN(block) *b, size_t i, size_t n, const FN(constants) *c, int rule, int terms) {
    vec d = FN(penalized)(FN(load_n)(b->w + i, n), FN(load_n)(b->g + i, n), c, terms);
    if (rule >= ADAM) d = FN(unless_small)(d, c->tiny, d);
    switch (rule) {
    case PLAIN: return (FN(ratio)){.top = c->lr * d};
    case MOMENTUM: return FN(momentum_ratio)(b, i, n, d, c);
    case ADAM: return FN(adam_ratio)(b, i, n, d, c);
    case RMSPROP: return FN(rmsprop_ratio)(b, i, n, d, c);
    default: return FN(adagrad_ratio)(b, i, n, d, c);
    }
}

INLINE FN(motion) FN(second)(const FN(block) *b, size_t i, size_t n, FN(ratio) r, const FN(constants) *c, int rule) {
    switch (rule) {
    case PLAIN:
    case MOMENTUM: return (FN(motion)){r.top, c->lr};
    case ADAM: return (FN(motion)){r.top / r.root, c->lr / r.root};
    case RMSPROP: return (FN(motion)){FN(rmsprop_move)(b, i, n, r, c), c->lr / r.root};
    default: return (FN(motion)){r.top / r.root, c->step / r.root};
    }
}

INLINE void FN(third)(const FN(block) *b, size_t i, size_t n, FN(motion) m, const FN(constants) *c, int rule,
                      int after) {
    const vec to = FN(moved)(FN(load_n)(b->w + i, n), m.move, m.step, c, after);
    FN(store_n)(b->w + i, n, rule < ADAM ? to : FN(unless_small)(to, c->flush, to));
}

/* The same stages of GROUP whole vectors. */
INLINE void FN(firsts)(const FN(block) *b, size_t i, FN(ratio) *r, const FN(constants) *c, int rule, int terms) {
    UNROLL for (size_t k = 0; k < GROUP; k++) r[k] = FN(first)(b, i + k * W, W, c, rule, terms);
}
INLINE void FN(seconds)(const FN(block) *b, size_t i, const FN(ratio) *r, FN(motion) *m, const FN(constants) *c,
                        int rule) {
    UNROLL for (size_t k = 0; k < GROUP; k++) m[k] = FN(second)(b, i + k * W, W, r[k], c, rule);
}
INLINE void FN(thirds)(const FN(block) *b, size_t i, const FN(motion) *m, const FN(constants) *c, int rule, int after) {
    UNROLL for (size_t k = 0; k < GROUP; k++) FN(third)(b, i + k * W, W, m[k], c, rule, after);
}

INLINE void FN(loop)(const FN(block) *b, const FN(constants) *c, int rule, int terms, int after) {
    enum { STRIDE = GROUP * W };
    FN(ratio) r[GROUP];
    FN(motion) m[GROUP];
    size_t i = 0;
    for (; rule < ADAM && i + STRIDE <= b->n; i += STRIDE) {
        FN(firsts)(b, i, r, c, rule, terms);
        FN(seconds)(b, i, r, m, c, rule);
        FN(thirds)(b, i, m, c, rule, after);
    }
    if (rule >= ADAM && STRIDE <= b->n) {
        FN(firsts)(b, 0, r, c, rule, terms);
        for (; i + 2 * STRIDE <= b->n; i += STRIDE) {
            FN(seconds)(b, i, r, m, c, rule);
            FN(firsts)(b, i + STRIDE, r, c, rule, terms);
            FN(thirds)(b, i, m, c, rule, after);
        }
        FN(seconds)(b, i, r, m, c, rule);
        FN(thirds)(b, i, m, c, rule, after);
        i += STRIDE;
    }
    for (; i < b->n; i += W) {
        const size_t n = b->n - i < W ? b->n - i : W;
        FN(third)(b, i, n, FN(second)(b, i, n, FN(first)(b, i, n, c, rule, terms), c, rule), c, rule, after);
    }
}

/* Calls the loop with `after` as a constant; by_terms does the same for `terms`. */
INLINE void FN(by_after)(const FN(block) *b, const FN(constants) *c, int rule, int terms, int after) {
    switch (after) {
    case STEP: FN(loop)(b, c, rule, terms, STEP); break;
    case DECAY: FN(loop)(b, c, rule, terms, DECAY); break;
    case SHRINK: FN(loop)(b, c, rule, terms, SHRINK); break;
    default: FN(loop)(b, c, rule, terms, SHRINK_AND_DIVIDE);
    }
}

INLINE void FN(by_terms)(const mg_update_args *p, size_t segment, size_t first, size_t n, int rule) {
    const double *row = p->scalars + segment * MG_COLUMNS;
    const FN(block) b = FN(block_of)(&p->segment[segment], first, n);
    const FN(constants) c = FN(constants_of)(row, &p->settings);
    const int after = FN(after)(row);
    switch (FN(terms)(row)) {
    case BOTH_TERMS: FN(by_after)(&b, &c, rule, BOTH_TERMS, after); break;
    case L1_TERM: FN(by_after)(&b, &c, rule, L1_TERM, after); break;
    case L2_TERM: FN(by_after)(&b, &c, rule, L2_TERM, after); break;
    default: FN(by_after)(&b, &c, rule, 0, after);
    }
}

static void FN(sgd)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    if (p->settings.momentum == 0) FN(by_terms)(p, segment, first, n, PLAIN);
    else FN(by_terms)(p, segment, first, n, MOMENTUM);
}

static void FN(adam)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    FN(by_terms)(p, segment, first, n, ADAM);
}
static void FN(rmsprop)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    FN(by_terms)(p, segment, first, n, RMSPROP);
}
static void FN(adagrad)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    FN(by_terms)(p, segment, first, n, ADAGRAD);
}

#endif
