/* The plain meaning of losses.c: one element at a time. Variant `naive`. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "losses/losses.h"
#define MG_SOURCE "losses/losses_naive.c"
#include "base/mg_both.h"

const mg_losses_table MG_TABLE(losses) = {
    .bce_with_logits = {mg_bce_with_logits_f32, mg_bce_with_logits_f64},
    .mse = {mg_mse_f32, mg_mse_f64},
    .bce_with_logits_grad = {mg_bce_with_logits_grad_f32, mg_bce_with_logits_grad_f64},
    .mse_grad = {mg_mse_grad_f32, mg_mse_grad_f64},
};

#else
#include "base/sums_naive.h"
#define EXP MG_CAT(naive_exp_f, real_bits)

/* log(1 + e) = 2 artanh(q), q = e / (2 + e). */
static real FN(log1p)(real e) {
    const real q = e / (2 + e), square = q * q;
    const int terms = real_bits == 32 ? 7 : 16;
    real p = R(2.) / (2 * terms + 1);
    for (int k = terms - 1; k > 0; k--) p = REAL_FMA(p, square, R(2.) / (2 * k + 1));
    return REAL_FMA(q * square, p, q + q);
}

static real FN(bce)(real x, real t) {
    const real positive = x < 0 ? 0 : x;
    return positive - x * t + FN(log1p)(EXP(x > 0 ? -x : x));
}

static real FN(square_error)(real x, real t) { return (x - t) * (x - t); }

/* Writes the losses of n elements if `each`; otherwise returns their flat sum: by chunks, as a tree. */
static double FN(losses)(real (*f)(real, real), const mg_loss_args *p, size_t first, size_t n) {
    const real *x = (const real *)p->x + first, *t = (const real *)p->t + first;
    if (n > 1024 && !p->each) {
        const size_t left = mg_left_branch(n, 1024);
        return FN(losses)(f, p, first, left) + FN(losses)(f, p, first + left, n - left);
    }
    real chunk[1024], *to = p->each ? (real *)p->loss + first : chunk;
    for (size_t i = 0; i < n; i++) to[i] = f(x[i], t[i]);
    return p->each ? 0 : FN(sum_flat)(n, chunk);
}

static double FN(bce_with_logits)(const mg_loss_args *p, size_t first, size_t n) {
    return FN(losses)(FN(bce), p, first, n);
}

static double FN(mse)(const mg_loss_args *p, size_t first, size_t n) {
    return FN(losses)(FN(square_error), p, first, n);
}

/* The gradient that comes in at element i, over the divisor. */
static real FN(incoming)(const mg_loss_grad_args *p, size_t i) {
    return (real)(((const real *)p->g)[p->each ? i : 0] / p->divisor);
}

/* out = (sigmoid(x) - t) g / divisor. */
static void FN(bce_with_logits_grad)(const mg_loss_grad_args *p, size_t first, size_t n) {
    const real *x = p->x, *t = p->t;
    for (size_t i = first; i < first + n; i++) {
        const real e = EXP(x[i] > 0 ? -x[i] : x[i]), q = e / (1 + e);
        ((real *)p->out)[i] = (x[i] < 0 ? q - t[i] : (1 - t[i]) - q) * FN(incoming)(p, i);
    }
}

/* out = 2 (x - t) g / divisor. */
static void FN(mse_grad)(const mg_loss_grad_args *p, size_t first, size_t n) {
    const real *x = p->x, *t = p->t;
    for (size_t i = first; i < first + n; i++) ((real *)p->out)[i] = 2 * (x[i] - t[i]) * FN(incoming)(p, i);
}

#undef EXP
#endif
