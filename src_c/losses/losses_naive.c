/* The plain meaning of losses.c: one element at a time. Variant `naive`. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "losses/losses.h"
#undef MG_SOURCE
#define MG_SOURCE "losses/losses_naive.c"
#include "base/mg_both.h"

#define BOTH(name) .name##_f32 = mg_##name##_f32, .name##_f64 = mg_##name##_f64
const mg_losses_table MG_TABLE(losses) = {BOTH(bce_with_logits), BOTH(mse), BOTH(bce_with_logits_grad), BOTH(mse_grad)};

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

/* The losses of n elements: written, or summed like any other flat sum: by chunks, as a tree. */
static double FN(losses)(real (*f)(real, real), size_t n, const real *x, const real *t, real *loss) {
    if (n > 1024 && !loss) {
        const size_t left = mg_left_branch(n, 1024);
        return FN(losses)(f, left, x, t, NULL) + FN(losses)(f, n - left, x + left, t + left, NULL);
    }
    real chunk[1024], *to = loss ? loss : chunk;
    for (size_t i = 0; i < n; i++) to[i] = f(x[i], t[i]);
    return loss ? 0 : FN(sum_flat)(n, chunk);
}

static double FN(bce_with_logits)(size_t n, const real *x, const real *t, real *loss) {
    return FN(losses)(FN(bce), n, x, t, loss);
}

static double FN(mse)(size_t n, const real *x, const real *t, real *loss) {
    return FN(losses)(FN(square_error), n, x, t, loss);
}

/* out = (sigmoid(x) - t) g / divisor. */
static void FN(bce_with_logits_grad)(size_t n, const real *x, const real *t, const real *g, size_t step, double divisor,
                                     real *out) {
    for (size_t i = 0; i < n; i++) {
        const real scale = (real)(g[i * step] / divisor), e = EXP(x[i] > 0 ? -x[i] : x[i]), q = e / (1 + e);
        out[i] = (x[i] < 0 ? q - t[i] : (1 - t[i]) - q) * scale;
    }
}

/* out = 2 (x - t) g / divisor. */
static void FN(mse_grad)(size_t n, const real *x, const real *t, const real *g, size_t step, double divisor,
                         real *out) {
    for (size_t i = 0; i < n; i++) out[i] = 2 * (x[i] - t[i]) * (real)(g[i * step] / divisor);
}

#undef EXP
#endif
