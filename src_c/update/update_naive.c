/* The plain meaning of update.c: one weight at a time. Variant `naive`. */
#ifndef real
#include "update/update.h"
#define MG_SOURCE "update/update_naive.c"
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
#include "penalty/elastic_net_naive.h"

/* x, or 0 if |x| is below the limit of this precision. */
static real FN(flushed)(real x, double limit_f32, double limit_f64) {
    const real limit = (real)(real_bits == 32 ? limit_f32 : limit_f64);
    return -limit < x && x < limit ? 0 : x;
}

static real FN(penalized)(real w, real g, const double *row) {
    const real l1 = (real)row[MG_L1], l2 = (real)row[MG_L2];
    return l1 != 0 || l2 != 0 ? g + FN(elastic_slope)(w, l1, l2) : g;
}

static real FN(moved)(real w, real move, real step, const double *row) {
    const real l1 = (real)row[MG_PROX_L1], l2 = (real)row[MG_PROX_L2];
    w = w * (real)(1 - row[MG_LR] * row[MG_DECAY]) - move;
    return l1 != 0 || l2 != 0 ? FN(elastic_prox)(w, step * l1, 1 + step * l2) : w;
}

/* The elements of a segment from `first` on. */
typedef struct {
    real *w, *state[3];
    const real *g;
    const double *row;
} FN(piece);

static real FN(zeros)[MG_PIECE];            /* the gradient of a parameter that has none */

static FN(piece) FN(piece_of)(const mg_update_args *p, size_t segment, size_t first) {
    const mg_segment *s = &p->segment[segment];
    FN(piece) q = {.w = (real *)s->w + first, .row = p->scalars + segment * MG_COLUMNS};
    for (int k = 0; k < 3; k++) q.state[k] = (real *)s->state[k] + first;
    q.g = s->gradient == MG_ZEROS ? FN(zeros) : (const real *)s->g + first;
    return q;
}

static void FN(sums)(const mg_update_args *p, size_t segment, size_t first, size_t n, double *sums) {
    const double *row = p->scalars + segment * MG_COLUMNS;
    const real *w = (const real *)p->segment[segment].w + first;
    const int prox = (real)row[MG_PROX_L1] != 0 || (real)row[MG_PROX_L2] != 0;
    FN(elastic_sums)(n, w, prox || (real)row[MG_L1] != 0, prox || (real)row[MG_L2] != 0, sums);
}

static void FN(sgd)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    const FN(piece) q = FN(piece_of)(p, segment, first);
    const mg_update_settings *settings = &p->settings;
    const double *row = q.row;
    const real *g = q.g;
    const real momentum = (real)settings->momentum, lr = (real)row[MG_LR];
    real *w = q.w;
    for (size_t i = 0; i < n; i++) {
        real d = FN(penalized)(w[i], g[i], row);
        if (settings->momentum != 0) {
            real *buf = q.state[0];
            buf[i] = momentum * FN(flushed)(buf[i], 1e-30, 1e-290) + d;
            d = settings->nesterov ? d + momentum * buf[i] : buf[i];
        }
        w[i] = FN(moved)(w[i], lr * d, lr, row);
    }
}

static void FN(adam)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    const FN(piece) q = FN(piece_of)(p, segment, first);
    const mg_update_settings *settings = &p->settings;
    const double *row = q.row;
    const real *g = q.g;
    const real beta1 = (real)settings->beta1, rest1 = (real)(1 - settings->beta1);
    const real beta2 = (real)settings->beta2, rest2 = (real)(1 - settings->beta2);
    const real step = (real)(row[MG_LR] / row[MG_CORRECTION1]), correction = (real)(1 / sqrt(row[MG_CORRECTION2]));
    real *w = q.w, *m = q.state[0], *v = q.state[1], *top = q.state[2];
    for (size_t i = 0; i < n; i++) {
        const real d = FN(flushed)(FN(penalized)(w[i], g[i], row), 1e-15, 1e-150);
        m[i] = beta1 * FN(flushed)(m[i], 1e-30, 1e-290) + rest1 * d;
        v[i] = beta2 * FN(flushed)(v[i], 1e-30, 1e-290) + rest2 * (d * d);
        real size = v[i];
        if (settings->amsgrad) size = top[i] = top[i] > v[i] ? top[i] : v[i];
        const real root = (real)sqrt(size) * correction + (real)settings->eps;
        w[i] = FN(flushed)(FN(moved)(w[i], step * m[i] / root, (real)row[MG_LR] / root, row), 1e-30, 1e-290);
    }
}

static void FN(rmsprop)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    const FN(piece) q = FN(piece_of)(p, segment, first);
    const mg_update_settings *settings = &p->settings;
    const double *row = q.row;
    const real *g = q.g;
    const real alpha = (real)settings->beta2, rest = (real)(1 - settings->beta2);
    const real momentum = (real)settings->momentum, lr = (real)row[MG_LR];
    real *w = q.w, *v = q.state[0], *m = q.state[1], *buf = q.state[settings->centered ? 2 : 1];
    for (size_t i = 0; i < n; i++) {
        const real d = FN(flushed)(FN(penalized)(w[i], g[i], row), 1e-15, 1e-150);
        v[i] = alpha * FN(flushed)(v[i], 1e-30, 1e-290) + rest * (d * d);
        real variance = v[i];
        if (settings->centered) {
            m[i] = alpha * FN(flushed)(m[i], 1e-30, 1e-290) + rest * d;
            variance = v[i] - m[i] * m[i];
            if (variance < 0) variance = 0;
        }
        const real root = (real)sqrt(variance) + (real)settings->eps;
        real move = d / root;
        if (settings->momentum != 0) move = buf[i] = momentum * FN(flushed)(buf[i], 1e-30, 1e-290) + move;
        w[i] = FN(flushed)(FN(moved)(w[i], lr * move, lr / root, row), 1e-30, 1e-290);
    }
}

static void FN(adagrad)(const mg_update_args *p, size_t segment, size_t first, size_t n) {
    const FN(piece) q = FN(piece_of)(p, segment, first);
    const mg_update_settings *settings = &p->settings;
    const double *row = q.row;
    const real *g = q.g;
    const real step = (real)(row[MG_LR] / row[MG_CORRECTION1]);
    real *w = q.w, *v = q.state[0];
    for (size_t i = 0; i < n; i++) {
        const real d = FN(flushed)(FN(penalized)(w[i], g[i], row), 1e-15, 1e-150);
        v[i] = v[i] + d * d;
        const real root = (real)sqrt(v[i]) + (real)settings->eps;
        w[i] = FN(flushed)(FN(moved)(w[i], step * d / root, step / root, row), 1e-30, 1e-290);
    }
}

#endif
