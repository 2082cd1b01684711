/* Cumulative sums, products, and Euclidean norms of rows, in float64 and rounded once. Equal to scans_naive.c, bit for
   bit.

   A cumulative sum is one chain of additions from +0. The product of a row: element i is multiplied into lane i mod 64,
   in rising order, each lane from 1; the 64 lanes are multiplied by halving. A norm is the root of a sum of squares in
   the flat order of sums.h. The order of the gradient of a product is described at prod_grad_row. */
#ifndef real
#include "reduce/scans.h"
#include "base/simd.h"
#define MG_SOURCE "reduce/scans.c"
enum { prod_lanes = 64, prod_chunk = 512 };
#include "base/mg_both.h"

const mg_scans_table MG_TABLE(scans) = {
    .cumsum = {mg_cumsum_f32, mg_cumsum_f64},
    .prod = {mg_prod_f32, mg_prod_f64},
    .prod_grad = {mg_prod_grad_f32, mg_prod_grad_f64},
    .norm = {mg_norm_f32, mg_norm_f64},
};

#else
#include "base/sums.h"

/* `count` rows side by side. Each addition of a row needs the result of the one before, so four rows side by side take
   as long as one. */
INLINE void FN(cumsum_rows)(const int count, size_t n, const real *x, int reverse, real *out) {
    double sum[4] = {0};
    for (size_t i = 0; i < n; i++) {
        const size_t at = reverse ? n - 1 - i : i;
        UNROLL for (int r = 0; r < count; r++) {
            sum[r] += x[(size_t)r * n + at];
            out[(size_t)r * n + at] = (real)sum[r];
        }
    }
}

/* out[i] = x[0] + ... + x[i]; from the last element down if reverse. */
static void FN(cumsum)(const mg_scan_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const int reverse = p->reverse;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first * n;
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) FN(cumsum_rows)(4, n, x + r * n, reverse, out + r * n);
    for (; r < rows; r++) FN(cumsum_rows)(1, n, x + r * n, reverse, out + r * n);
}

/* The product of a row. If n < 64, the lanes from n on are 1 and left out. */
static double FN(product)(size_t n, const real *x) {
    double lane[prod_lanes];
    for (size_t j = 0; j < prod_lanes; j++) lane[j] = 1;
    size_t i = 0;
    for (; i + prod_lanes <= n; i += prod_lanes) {
        for (size_t j = 0; j < prod_lanes; j++) lane[j] *= x[i + j];
    }
    for (size_t j = 0; i + j < n; j++) lane[j] *= x[i + j];
    for (size_t half = prod_lanes / 2; half > 0; half /= 2) {
        for (size_t j = 0; j < half && j + half < n; j++) lane[j] *= lane[j + half];
    }
    return lane[0];
}

static void FN(prod)(const mg_scan_args *p, size_t first, size_t rows) {
    const real *x = (const real *)p->x + first * p->n;
    real *out = (real *)p->out + first;
    for (size_t r = 0; r < rows; r++) out[r] = (real)FN(product)(p->n, x + r * p->n);
}

/* out[i] = g (left right), where left is the product x[0] ... x[i - 1], and right is outside x[n - 1] ... x[i + 1]. A
   row of more than prod_chunk elements is split in two, and the product of each part is multiplied into `outside` of
   the other. Nothing is divided, so zeros need no special case. */
static void FN(prod_grad_row)(size_t n, double g, double outside, const real *x, real *out) {
    if (n > prod_chunk) {
        size_t half = prod_chunk;
        while (2 * half < n) half *= 2;
        FN(prod_grad_row)(half, g, outside * FN(product)(n - half, x + half), x, out);
        FN(prod_grad_row)(n - half, g, outside * FN(product)(half, x), x + half, out + half);
        return;
    }
    double left[prod_chunk], product = 1;
    for (size_t i = 0; i < n; i++) {
        left[i] = product;
        product *= x[i];
    }
    for (size_t i = n; i-- > 0;) {
        out[i] = (real)(g * (left[i] * outside));
        outside *= x[i];
    }
}

static void FN(prod_grad)(const mg_scan_args *p, size_t first, size_t rows) {
    const real *g = (const real *)p->g, *x = (const real *)p->x;
    for (size_t r = first; r < first + rows; r++)
        FN(prod_grad_row)(p->n, g[r], 1, x + r * p->n, (real *)p->out + r * p->n);
}

/* The sum of (x scale)², where scale is a power of two. */
static double FN(sum_scaled_squares)(size_t n, const real *x, real scale) {
    mg_pairwise sum = {0};
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        const size_t part = n - i < mg_sum_chunk ? n - i : mg_sum_chunk;
        real chunk[mg_sum_chunk];
        for (size_t j = 0; j < part; j++) chunk[j] = x[i + j] * scale;
        mg_pairwise_add(&sum, FN(sum_products)(part, chunk, chunk));
    }
    return mg_pairwise_total(&sum);
}

/* out[r] = root of the sum of squares. Squares of float32 fit into float64. If those of float64 overflow or vanish, the
   elements are scaled by a power of two and squared again. */
static void FN(norm)(const mg_scan_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first;
    for (size_t r = 0; r < rows; r++, x += n) {
        const double squares = FN(sum_products)(n, x, x);
        if (real_bits == 64 && (squares < 0x1p-900 || squares == INFINITY)) {
            const double scale = squares < 1 ? 0x1p600 : 0x1p-600;
            out[r] = (real)(sqrt(FN(sum_scaled_squares)(n, x, (real)scale)) / scale);
        } else {
            out[r] = (real)sqrt(squares);
        }
    }
}

#endif
