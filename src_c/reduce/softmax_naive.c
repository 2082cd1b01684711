/* The plain meaning of softmax.c: one row, one number at a time. Variant `naive`. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "reduce/softmax.h"
#undef MG_SOURCE
#define MG_SOURCE "reduce/softmax_naive.c"
#include "base/mg_both.h"

#define BOTH(name) .name##_f32 = mg_##name##_f32, .name##_f64 = mg_##name##_f64
const mg_softmax_table MG_TABLE(softmax) = {
    BOTH(softmax),  BOTH(softmax_grad),  BOTH(log_softmax),       BOTH(log_softmax_grad),
    BOTH(sum_flat), BOTH(cross_entropy), BOTH(cross_entropy_grad)};

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

/* out = e / s. */
static void FN(softmax)(size_t rows, size_t n, const real *x, real *out) {
    for (size_t i = 0; i < rows; i++, x += n, out += n) {
        const double s = FN(exponentials)(n, x, FN(row_max)(n, x), out);
        for (size_t j = 0; j < n; j++) out[j] *= (real)(1 / s);
    }
}

/* out = (x - m) - log s. */
static void FN(log_softmax)(size_t rows, size_t n, const real *x, real *out) {
    for (size_t i = 0; i < rows; i++, x += n, out += n) {
        const real m = FN(row_max)(n, x);
        const real log_sum = (real)naive_log_f64(FN(exponentials)(n, x, m, out));
        for (size_t j = 0; j < n; j++) out[j] = (x[j] - m) - log_sum;
    }
}

/* out = y (g - sum of g y). */
static void FN(softmax_grad)(size_t rows, size_t n, const real *g, const real *y, real *out) {
    for (size_t i = 0; i < rows; i++, g += n, y += n, out += n) {
        const real dot = (real)FN(sum_products)(n, g, y);
        for (size_t j = 0; j < n; j++) out[j] = y[j] * (g[j] - dot);
    }
}

/* out = g - exp(y) (sum of g). */
static void FN(log_softmax_grad)(size_t rows, size_t n, const real *g, const real *y, real *out) {
    for (size_t i = 0; i < rows; i++, g += n, y += n, out += n) {
        const real total = (real)FN(sum_flat)(n, g);
        for (size_t j = 0; j < n; j++) out[j] = g[j] - EXP(y[j]) * total;
    }
}

/* loss[i] = log s - (x - m) at the label, or the sum of t (log s - (x - m)); probs = e / s holds those terms first. */
static void FN(cross_entropy)(size_t rows, size_t n, const real *x, const int64_t *label, const real *t, real *loss,
                              real *probs) {
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
        FN(softmax)(1, n, x, probs);
    }
}

/* out = (probs (sum of t) - t) scale, scale = g / divisor; t is 1 at the label and 0 elsewhere, or given. */
static void FN(cross_entropy_grad)(size_t rows, size_t n, const real *probs, const int64_t *label, const real *t,
                                   const real *g, size_t step, double divisor, real *out) {
    for (size_t i = 0; i < rows; i++) {
        const real scale = (real)(g[i * step] / divisor), total = label ? 1 : (real)FN(sum_flat)(n, t + i * n);
        for (size_t j = 0; j < n; j++) {
            const real target = !label ? t[i * n + j] : label[i] == (int64_t)j ? 1 : 0;
            out[i * n + j] = (probs[i * n + j] * total - target) * scale;
        }
    }
}

#undef EXP
#endif
