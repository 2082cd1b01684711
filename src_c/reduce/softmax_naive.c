/* The plain meaning of softmax.c: one row, one number at a time. Variant `naive`. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "reduce/softmax.h"
#define MG_SOURCE "reduce/softmax_naive.c"
#include "base/mg_both.h"

const mg_softmax_table MG_TABLE(softmax) = {
    .softmax = {mg_softmax_f32, mg_softmax_f64},
    .log_softmax = {mg_log_softmax_f32, mg_log_softmax_f64},
    .softmax_grad = {mg_softmax_grad_f32, mg_softmax_grad_f64},
    .log_softmax_grad = {mg_log_softmax_grad_f32, mg_log_softmax_grad_f64},
    .sum_flat = {mg_sum_losses_f32, mg_sum_losses_f64},
    .cross_entropy = {mg_cross_entropy_f32, mg_cross_entropy_f64},
    .cross_entropy_grad = {mg_cross_entropy_grad_f32, mg_cross_entropy_grad_f64},
};

#else
#include "base/sums_naive.h"
#define EXP MG_CAT(naive_exp_f, real_bits)

static real FN(row_max)(size_t n, const real *x) {
    real m = x[0];
    for (size_t j = 1; j < n; j++) {
        if (x[j] > m) m = x[j];
    }
    return m;
}

/* e = exp(x - m), returning its sum. */
static double FN(exponentials)(size_t n, const real *x, real m, real *e) {
    for (size_t j = 0; j < n; j++) e[j] = EXP(x[j] - m);
    return FN(sum_flat)(n, e);
}

/* out = e / s, one row. */
static void FN(softmax_row)(size_t n, const real *x, real *out) {
    const double s = FN(exponentials)(n, x, FN(row_max)(n, x), out);
    for (size_t j = 0; j < n; j++) out[j] *= (real)(1 / s);
}

static void FN(softmax)(const mg_softmax_args *p, size_t first, size_t rows) {
    for (size_t i = first; i < first + rows; i++)
        FN(softmax_row)(p->n, (const real *)p->x + i * p->n, (real *)p->out + i * p->n);
}

/* out = (x - m) - log s. */
static void FN(log_softmax)(const mg_softmax_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first * n;
    for (size_t i = 0; i < rows; i++, x += n, out += n) {
        const real m = FN(row_max)(n, x);
        const real log_sum = (real)naive_log_f64(FN(exponentials)(n, x, m, out));
        for (size_t j = 0; j < n; j++) out[j] = (x[j] - m) - log_sum;
    }
}

/* out = y (g - sum of g y). */
static void FN(softmax_grad)(const mg_softmax_grad_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *g = (const real *)p->g + first * n, *y = (const real *)p->y + first * n;
    real *out = (real *)p->out + first * n;
    for (size_t i = 0; i < rows; i++, g += n, y += n, out += n) {
        const real dot = (real)FN(sum_products)(n, g, y);
        for (size_t j = 0; j < n; j++) out[j] = y[j] * (g[j] - dot);
    }
}

/* out = g - exp(y) (sum of g). */
static void FN(log_softmax_grad)(const mg_softmax_grad_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *g = (const real *)p->g + first * n, *y = (const real *)p->y + first * n;
    real *out = (real *)p->out + first * n;
    for (size_t i = 0; i < rows; i++, g += n, y += n, out += n) {
        const real total = (real)FN(sum_flat)(n, g);
        for (size_t j = 0; j < n; j++) out[j] = g[j] - EXP(y[j]) * total;
    }
}

static double FN(sum_losses)(size_t n, const void *losses) { return FN(sum_flat)(n, losses); }

/* loss[i] = log s - (x - m) at the label, or the sum of t (log s - (x - m)), whose terms are in probs at first;
   probs = e / s. */
static void FN(cross_entropy)(const mg_cross_entropy_args *p, size_t first, size_t rows, void *losses) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n, *t = p->label ? NULL : (const real *)p->t + first * n;
    const int64_t *label = p->label ? p->label + first : NULL;
    real *loss = losses, *probs = (real *)p->probs + first * n;
    for (size_t i = 0; i < rows; i++, x += n, probs += n) {
        const real m = FN(row_max)(n, x);
        const double log_sum = naive_log_f64(FN(exponentials)(n, x, m, probs));
        if (label) {
            loss[i] = (real)(log_sum + ((double)m - (double)x[label[i]]));
        } else {
            for (size_t j = 0; j < n; j++) {
                const real target = t[i * n + j];
                probs[j] = target == 0 ? 0 : target * ((real)log_sum - (x[j] - m));
            }
            loss[i] = (real)FN(sum_flat)(n, probs);
        }
        FN(softmax_row)(n, x, probs);
    }
}

/* out = (probs (sum of t) - t) scale, scale = g / divisor; t is 1 at the label and 0 elsewhere, or given. */
static void FN(cross_entropy_grad)(const mg_cross_entropy_grad_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *probs = (const real *)p->probs + first * n, *t = p->label ? NULL : (const real *)p->t + first * n;
    const real *g = (const real *)p->g + (p->each ? first : 0);
    const int64_t *label = p->label ? p->label + first : NULL;
    real *out = (real *)p->out + first * n;
    for (size_t i = 0; i < rows; i++) {
        const real scale = (real)(g[p->each ? i : 0] / p->divisor), total = label ? 1 : (real)FN(sum_flat)(n, t + i * n);
        for (size_t j = 0; j < n; j++) {
            const real target = !label ? t[i * n + j] : label[i] == (int64_t)j ? 1 : 0;
            out[i * n + j] = (probs[i * n + j] * total - target) * scale;
        }
    }
}

#undef EXP
#endif
