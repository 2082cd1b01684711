/* Softmax, its logarithm and cross-entropy by rows of n classes. Equal to softmax_naive.c, bit for bit.

   The results of a row depend on that row alone. With m = max x: e = exp(x - m) in x's precision, s = sum of e in the
   flat order of sums.h, log s in float64. Rows are computed in blocks that stay in the cache, so that log s and 1/s of
   several rows are computed as vectors. */
#ifndef real
#include "math/exp_log_tanh.h"
#include "base/simd.h"
#include "reduce/softmax.h"
#define MG_SOURCE "reduce/softmax.c"
enum { row_block = 32, narrow_row = 128, block_elements = row_block * narrow_row };
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
#include "base/sums.h"

INLINE vec FN(load_row)(const real *p, size_t n) { return n >= W ? V(load)(p) : V(load_part)(p, n); }
INLINE void FN(store_row)(real *p, size_t n, vec v) {
    if (n >= W) V(store)(p, v);
    else V(store_part)(p, n, v);
}

/* The largest of n > 0 numbers. If one is NaN, the result may be any number, because then x - m has a NaN, and so the
   whole row becomes NaN. */
INLINE real FN(row_max)(size_t n, const real *x) {
    vec m = V(set1)(x[0]);
    size_t i = 0;
    for (; i + W <= n; i += W) m = V(max)(m, V(load)(x + i));
    if (i < n) m = V(max)(m, V(select)(MG_CAT(mask, _first)(n - i), V(load_part)(x + i, n - i), m));
    return FN(top_lane)(m);
}

/* Of each row of a block: the largest logit, the exponentials, their sum s, 1/s and log s. The exponentials of narrow
   rows are kept here, each row padded to whole vectors, because a masked store into the output would delay the load of
   the next row (softmax of 32x10 took 0.54 us instead of 0.38). Those of wide rows are kept in the output. */
typedef struct {
    size_t rows, stride;
    real max[row_block], *e, narrow[row_block * narrow_row];
    double sum[row_block], inverse[row_block], log[row_block];
} FN(block);

INLINE size_t FN(block_rows)(size_t rows, size_t n) {
    const size_t fit = n <= narrow_row ? row_block : n < block_elements ? block_elements / n : 1;
    return rows < fit ? rows : fit;
}

/* e = exp(x - max) by rows, s and 1/s. */
INLINE void FN(exponentials)(FN(block) *b, size_t rows, size_t n, const real *x, real *out) {
    b->rows = rows;
    b->e = n <= narrow_row ? b->narrow : out;
    b->stride = n <= narrow_row ? (n + W - 1) / W * W : n;
    for (size_t r = 0; r < rows; r++, x += n) {
        b->max[r] = FN(row_max)(n, x);
        for (size_t i = 0; i < n; i += W) {
            const vec e = V(exp)(FN(load_row)(x + i, n - i) - V(set1)(b->max[r]));
            FN(store_row)(b->e + r * b->stride + i, b->stride - i, e);
        }
    }
    for (size_t r = 0; r < rows; r++) b->sum[r] = FN(sum_flat)(n, b->e + r * b->stride);
    for (size_t r = 0; r < rows; r++) b->inverse[r] = 1 / b->sum[r];
}

INLINE void FN(logarithms)(FN(block) *b) {
    for (size_t r = 0; r < b->rows; r += MG_W64) {
        const size_t part = b->rows - r;
        vf64_store(b->log + r, vf64_log(part >= MG_W64 ? vf64_load(b->sum + r) : vf64_load_part(b->sum + r, part)));
    }
}

/* out[i] = a[i] * factor for one row; out may be a. */
INLINE void FN(scale_row)(size_t n, const real *a, real factor, real *out) {
    for (size_t i = 0; i < n; i += W) FN(store_row)(out + i, n - i, FN(load_row)(a + i, n - i) * V(set1)(factor));
}

/* out = e * (1/s), where 1/s is rounded to real before the product. */
INLINE void FN(normalize)(const FN(block) *b, size_t n, real *out) {
    for (size_t r = 0; r < b->rows; r++) FN(scale_row)(n, b->e + r * b->stride, (real)b->inverse[r], out + r * n);
}

/* out = e / s. */
static void FN(softmax)(const mg_softmax_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first * n;
    FN(block) b;
    for (; rows > 0; rows -= b.rows, x += b.rows * n, out += b.rows * n) {
        FN(exponentials)(&b, FN(block_rows)(rows, n), n, x, out);
        FN(normalize)(&b, n, out);
    }
}

/* out = (x - m) - log s. */
static void FN(log_softmax)(const mg_softmax_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first * n;
    FN(block) b;
    while (rows > 0) {
        FN(exponentials)(&b, FN(block_rows)(rows, n), n, x, out);
        FN(logarithms)(&b);
        for (size_t r = 0; r < b.rows; r++, x += n, out += n) {
            const vec m = V(set1)(b.max[r]), log_sum = V(set1)((real)b.log[r]);
            for (size_t i = 0; i < n; i += W) {
                FN(store_row)(out + i, n - i, FN(load_row)(x + i, n - i) - m - log_sum);
            }
        }
        rows -= b.rows;
    }
}

/* The loss of a row against probabilities t: the sum of t (log s - (x - m)), 0 where t is 0, each rounded to real. */
INLINE double FN(sum_terms)(size_t n, const real *x, const real *t, real max, real log_sum) {
    const vec zero = {0};
    mg_pairwise sum = {0};
    for (size_t start = 0; start < n; start += mg_sum_chunk) {
        const size_t k = n - start < mg_sum_chunk ? n - start : mg_sum_chunk;
        real term[mg_sum_chunk];
        for (size_t i = 0; i < k; i += W) {
            const vec p = FN(load_row)(t + start + i, k - i), z = FN(load_row)(x + start + i, k - i) - V(set1)(max);
            FN(store_row)(term + i, k - i, V(select)(V(eq)(p, zero), zero, p * (V(set1)(log_sum) - z)));
        }
        mg_pairwise_add(&sum, FN(sum_flat)(k, term));
    }
    return mg_pairwise_total(&sum);
}

/* out = y (g - sum of g y). */
static void FN(softmax_grad)(const mg_softmax_grad_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *g = (const real *)p->g + first * n, *y = (const real *)p->y + first * n;
    real *out = (real *)p->out + first * n;
    for (; rows > 0; rows--, g += n, y += n, out += n) {
        const vec dot = V(set1)((real)FN(sum_products)(n, g, y));
        for (size_t i = 0; i < n; i += W) {
            FN(store_row)(out + i, n - i, FN(load_row)(y + i, n - i) * (FN(load_row)(g + i, n - i) - dot));
        }
    }
}

/* out = g - exp(y) (sum of g). */
static void FN(log_softmax_grad)(const mg_softmax_grad_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *g = (const real *)p->g + first * n, *y = (const real *)p->y + first * n;
    real *out = (real *)p->out + first * n;
    for (; rows > 0; rows--, g += n, y += n, out += n) {
        const vec total = V(set1)((real)FN(sum_flat)(n, g));
        for (size_t i = 0; i < n; i += W) {
            const vec p = V(exp)(FN(load_row)(y + i, n - i));
            FN(store_row)(out + i, n - i, FN(load_row)(g + i, n - i) - p * total);
        }
    }
}

static double FN(sum_losses)(size_t n, const void *losses) { return FN(sum_flat)(n, losses); }

/* loss[i] = log s - (x - m) at the label, or the sum of t (log s - (x - m)); probs = e / s. */
static void FN(cross_entropy)(const mg_cross_entropy_args *p, size_t first, size_t rows, void *losses) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n, *t = p->label ? NULL : (const real *)p->t + first * n;
    const int64_t *label = p->label ? p->label + first : NULL;
    real *loss = losses, *probs = (real *)p->probs + first * n;
    FN(block) b;
    for (size_t start = 0; start < rows; start += b.rows) {
        FN(exponentials)(&b, FN(block_rows)(rows - start, n), n, x + start * n, probs + start * n);
        FN(logarithms)(&b);
        for (size_t r = 0; r < b.rows; r++) {
            const size_t row = start + r;
            if (label) loss[row] = (real)(b.log[r] + ((double)b.max[r] - (double)x[row * n + (size_t)label[row]]));
            else loss[row] = (real)FN(sum_terms)(n, x + row * n, t + row * n, b.max[r], (real)b.log[r]);
        }
        FN(normalize)(&b, n, probs + start * n);
    }
}

/* out = (probs (sum of t) - t) scale, scale = g / divisor; t is 1 at the label and 0 elsewhere, or given. */
static void FN(cross_entropy_grad)(const mg_cross_entropy_grad_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *probs = (const real *)p->probs + first * n, *t = p->label ? NULL : (const real *)p->t + first * n;
    const real *g = (const real *)p->g + (p->each ? first : 0);
    const int64_t *label = p->label ? p->label + first : NULL;
    const size_t step = p->each ? 1 : 0;
    const double divisor = p->divisor;
    real *out = (real *)p->out + first * n;
    for (size_t r = 0; r < rows; r++, probs += n, out += n) {
        const real scale = (real)(g[r * step] / divisor);
        if (label) {
            FN(scale_row)(n, probs, scale, out);
            out[label[r]] = (probs[label[r]] - 1) * scale;
            continue;
        }
        const real *target = t + r * n;
        const vec total = V(set1)((real)FN(sum_flat)(n, target));
        for (size_t i = 0; i < n; i += W) {
            const vec d = FN(load_row)(probs + i, n - i) * total - FN(load_row)(target + i, n - i);
            FN(store_row)(out + i, n - i, d * V(set1)(scale));
        }
    }
}

#endif
