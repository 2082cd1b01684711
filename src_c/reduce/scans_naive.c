/* The plain meaning of scans.c: one number at a time. Variant `naive`. */
#ifndef real
#include "reduce/scans.h"
#define MG_SOURCE "reduce/scans_naive.c"
#include "base/mg_both.h"

const mg_scans_table MG_TABLE(scans) = {
    .cumsum = {mg_cumsum_f32, mg_cumsum_f64},
    .prod = {mg_prod_f32, mg_prod_f64},
    .prod_grad = {mg_prod_grad_f32, mg_prod_grad_f64},
    .norm = {mg_norm_f32, mg_norm_f64},
};

#else
#include "base/sums_naive.h"

/* out[i] = x[0] + ... + x[i]; from the last element down if reverse. */
static void FN(cumsum)(const mg_scan_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first * n;
    for (size_t r = 0; r < rows; r++, x += n, out += n) {
        double sum = 0;
        if (!p->reverse) for (size_t i = 0; i < n; i++) out[i] = (real)(sum += x[i]);
        else for (size_t i = n; i-- > 0;) out[i] = (real)(sum += x[i]);
    }
}

static double FN(product)(size_t n, const real *x) {
    double lane[64];
    for (int j = 0; j < 64; j++) lane[j] = 1;
    for (size_t i = 0; i < n; i++) lane[i % 64] *= x[i];
    for (int half = 32; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) lane[j] *= lane[j + half];
    }
    return lane[0];
}

static void FN(prod)(const mg_scan_args *p, size_t first, size_t rows) {
    const real *x = (const real *)p->x + first * p->n;
    real *out = (real *)p->out + first;
    for (size_t r = 0; r < rows; r++) out[r] = (real)FN(product)(p->n, x + r * p->n);
}

/* out[i] = g (product of the others), where `outside` is the product of what is not in this part of the row. */
static void FN(others)(size_t n, double g, double outside, const real *x, real *out) {
    if (n > 512) {
        const size_t half = mg_left_branch(n, 512);
        FN(others)(half, g, outside * FN(product)(n - half, x + half), x, out);
        FN(others)(n - half, g, outside * FN(product)(half, x), x + half, out + half);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double left = 1, right = outside;
        for (size_t k = 0; k < i; k++) left *= x[k];
        for (size_t k = n - 1; k > i; k--) right *= x[k];
        out[i] = (real)(g * (left * right));
    }
}

static void FN(prod_grad)(const mg_scan_args *p, size_t first, size_t rows) {
    const real *g = (const real *)p->g, *x = (const real *)p->x;
    for (size_t r = first; r < first + rows; r++)
        FN(others)(p->n, g[r], 1, x + r * p->n, (real *)p->out + r * p->n);
}

/* The sum of the squares of x * scale, chunks of 1024 added as a tree. */
static double FN(squares)(size_t n, const real *x, double scale) {
    if (n > 1024) {
        const size_t left = mg_left_branch(n, 1024);
        return FN(squares)(left, x, scale) + FN(squares)(n - left, x + left, scale);
    }
    double lane[64] = {0};
    for (size_t i = 0; i < n; i++) lane[i % 64] = fma(x[i] * scale, x[i] * scale, lane[i % 64]);
    return mg_halve(64, lane);
}

/* out[r] = root of the sum of squares; of squares that overflow or vanish in float64, scaled by a power of two. */
static void FN(norm)(const mg_scan_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first;
    for (size_t r = 0; r < rows; r++) {
        double scale = 1, sum = FN(squares)(n, x + r * n, 1);
        if (real_bits == 64 && sum < 0x1p-900) scale = 0x1p600;
        if (real_bits == 64 && sum == INFINITY) scale = 0x1p-600;
        if (scale != 1) sum = FN(squares)(n, x + r * n, scale);
        out[r] = (real)(sqrt(sum) / scale);
    }
}

#endif
