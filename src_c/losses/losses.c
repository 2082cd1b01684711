/* Losses that act element by element. Equal to losses_naive.c, bit for bit.

   The losses of the elements are rounded to real, then summed in the flat order of sums.h, so that a mean loss is the
   mean of these losses. */
#ifndef real
#include "math/exp_log_tanh.h"
#include "losses/losses.h"
#include "base/simd.h"
#define MG_SOURCE "losses/losses.c"
#include "base/mg_both.h"

const mg_losses_table MG_TABLE(losses) = {
    .bce_with_logits = {mg_bce_with_logits_f32, mg_bce_with_logits_f64},
    .mse = {mg_mse_f32, mg_mse_f64},
    .bce_with_logits_grad = {mg_bce_with_logits_grad_f32, mg_bce_with_logits_grad_f64},
    .mse_grad = {mg_mse_grad_f32, mg_mse_grad_f64},
};

#else
#include "base/sums.h"

typedef vec (*FN(formula))(vec x, vec t);

/* loss = f(x, t) for n <= mg_sum_chunk elements. */
INLINE void FN(elements)(FN(formula) f, size_t n, const real *x, const real *t, real *loss) {
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(loss + i, f(V(load)(x + i), V(load)(t + i)));
    if (i < n) V(store_part)(loss + i, n - i, f(V(load_part)(x + i, n - i), V(load_part)(t + i, n - i)));
}

INLINE double FN(losses)(FN(formula) f, const mg_loss_args *p, size_t first, size_t n) {
    const real *x = (const real *)p->x + first, *t = (const real *)p->t + first;
    if (p->each) {
        FN(elements)(f, n, x, t, (real *)p->loss + first);
        return 0;
    }
    mg_pairwise sum = {0};
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        const size_t part = n - i < mg_sum_chunk ? n - i : mg_sum_chunk;
        real chunk[mg_sum_chunk];
        FN(elements)(f, part, x + i, t + i, chunk);
        mg_pairwise_add(&sum, FN(sum_flat)(part, chunk));
    }
    return mg_pairwise_total(&sum);
}

/* out = slope(x, t) scale, scale = g / divisor. */
INLINE void FN(gradients)(FN(formula) slope, const mg_loss_grad_args *p, size_t first, size_t n) {
    const real *x = (const real *)p->x + first, *t = (const real *)p->t + first;
    const real *g = (const real *)p->g + (p->each ? first : 0);
    const size_t step = p->each ? 1 : 0;
    const double divisor = p->divisor;
    real *out = (real *)p->out + first;
    real scale[W];
    for (size_t i = 0; i < n; i += W) {
        const size_t part = n - i < W ? n - i : W;
        if (i == 0 || step) {
            for (size_t l = 0; l < part; l++) scale[l] = (real)(g[(i + l) * step] / divisor);
        }
        const vec s = step ? V(load_part)(scale, part) : V(set1)(scale[0]);
        if (part == W) V(store)(out + i, slope(V(load)(x + i), V(load)(t + i)) * s);
        else V(store_part)(out + i, part, slope(V(load_part)(x + i, part), V(load_part)(t + i, part)) * s);
    }
}

/* log(1 + e) for 0 <= e <= 1, accurate also where 1 + e is 1: 2 artanh(q), q = e / (2 + e) <= 1/3, by its series
   2q + 2q^3/3 + 2q^5/5 + ..., cut where the next term is below a quarter of the last bit. */
INLINE vec FN(log1p)(vec e) {
    const vec q = e / (V(set1)(2) + e), square = q * q;
    const int terms = real_bits == 32 ? 7 : 16;
    vec p = V(set1)(R(2.) / (2 * terms + 1));
    UNROLL for (int k = terms - 1; k > 0; k--) p = V(fma)(p, square, V(set1)(R(2.) / (2 * k + 1)));
    return V(fma)(q * square, p, q + q);
}

/* max(x, 0) - x t + log(1 + exp(-|x|)). */
INLINE vec FN(bce)(vec x, vec t) { return V(max)((vec){0}, x) - x * t + FN(log1p)(V(exp)(-V(abs)(x))); }

/* sigmoid(x) - t without cancellation, so that the gradient of a right prediction with a large |x| is small, but not 0:
   q - t for x < 0 and (1 - t) - q else, q = exp(-|x|) / (1 + exp(-|x|)). */
INLINE vec FN(bce_slope)(vec x, vec t) {
    const vec one = V(set1)(1), e = V(exp)(-V(abs)(x)), q = e / (one + e);
    return V(select)(V(lt)(x, (vec){0}), q - t, (one - t) - q);
}

INLINE vec FN(square_error)(vec x, vec t) { return (x - t) * (x - t); }
INLINE vec FN(square_slope)(vec x, vec t) { return (x - t) + (x - t); }

static double FN(bce_with_logits)(const mg_loss_args *p, size_t first, size_t n) {
    return FN(losses)(FN(bce), p, first, n);
}
static double FN(mse)(const mg_loss_args *p, size_t first, size_t n) {
    return FN(losses)(FN(square_error), p, first, n);
}
static void FN(bce_with_logits_grad)(const mg_loss_grad_args *p, size_t first, size_t n) {
    FN(gradients)(FN(bce_slope), p, first, n);
}
static void FN(mse_grad)(const mg_loss_grad_args *p, size_t first, size_t n) {
    FN(gradients)(FN(square_slope), p, first, n);
}

#endif
