/* Normalization of rows and of channels. Equal to standardize_naive.c, bit for bit.

   A row is summed in the flat order of sums.h. A channel has an order of its own: the places of each sample are summed
   flat; the sums of samples are added in chains of 32 from +0, chains pairwise. It depends on the sizes alone. All sums
   are in float64, and so are mean and rstd; y and the gradient of x are computed in x's precision, from a mean in two
   parts: x - high is exact where the numbers lie near their mean.

   With one place for each channel (inner == 1) columns of memory are summed, a panel of them at a time. */
#ifndef real
#include "layers/standardize.h"
#include "base/simd.h"
#define MG_SOURCE "layers/standardize.c"
enum { sample_chunk = 32, panel = 64, depth = 40 }; /* 2^40 chunks of 32 samples do not fit into memory */
enum { SQUARES, PRODUCTS, WEIGHTED };               /* sums of (x - mean)², of g (x - mean), of g w (x - mean) */
enum { X, X_SQUARES, G, G_PRODUCTS, G_ROW_PRODUCTS }; /* sums over a channel; the last with a mean for each row */
#include "base/mg_both.h"

const mg_standardize_table MG_TABLE(standardize) = {
    MG_PAIR(standardize_rows), MG_PAIR(standardize_channels), MG_PAIR(standardize_rows_grad),
    MG_PAIR(standardize_rows_sums), MG_PAIR(standardize_channels_grad), MG_PAIR(running_moments)};

#else
#include "base/sums.h"

INLINE vec FN(load_row)(const real *p, size_t n) { return n >= W ? V(load)(p) : V(load_part)(p, n); }
INLINE void FN(store_row)(real *p, size_t n, vec v) {
    if (n >= W) V(store)(p, v);
    else V(store_part)(p, n, v);
}
INLINE vf64 FN(widened)(const real *p, size_t n) { return n >= MG_W64 ? FN(load64)(p) : FN(load64_part)(p, n); }

/* --- flat sums of numbers less a mean --- */

/* lane + the terms of the first `part` elements; the other lanes stay. */
INLINE vf64 FN(add_terms)(const int what, vf64 lane, const real *x, const real *g, const real *w, double mean,
                          size_t part) {
    const vf64 d = FN(widened)(x, part) - vf64_set1(mean);
    vf64 h = what == SQUARES ? d : FN(widened)(g, part);
    if (what == WEIGHTED) h = h * FN(widened)(w, part);
    const vf64 sum = vf64_fma(h, d, lane);
    return part >= MG_W64 ? sum : vf64_select(mf64_first(part), sum, lane);
}

INLINE double FN(chunk_of)(const int what, size_t n, const real *x, const real *g, const real *w, double mean) {
    const vf64 zero = {0};
    if (n <= MG_W64) return mg_fold(FN(add_terms)(what, zero, x, g, w, mean, n)); /* all other lanes are +0 */
    mg_lanes lane;
    UNROLL for (int j = 0; j < mg_lane_vectors; j++) lane[j] = zero;
    size_t i = 0;
    for (; i + mg_sum_lanes <= n; i += mg_sum_lanes) {
        UNROLL for (int j = 0; j < mg_lane_vectors; j++) {
            const size_t at = i + j * MG_W64;
            lane[j] = FN(add_terms)(what, lane[j], x + at, g + at, w + at, mean, MG_W64);
        }
    }
    UNROLL for (int j = 0; j < mg_lane_vectors; j++, i += MG_W64) {
        if (i < n) lane[j] = FN(add_terms)(what, lane[j], x + i, g + i, w + i, mean, n - i);
    }
    return mg_lanes_total(lane);
}

/* x stands for g and w where these are not read. */
static NOINLINE double FN(squares)(size_t n, const real *x, double mean) {
    mg_pairwise p;
    if (n <= mg_sum_chunk) return FN(chunk_of)(SQUARES, n, x, x, x, mean);
    p.count = p.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk)
        mg_pairwise_add(&p, FN(chunk_of)(SQUARES, n - i < mg_sum_chunk ? n - i : mg_sum_chunk, x + i, x, x, mean));
    return mg_pairwise_total(&p);
}

static NOINLINE double FN(products)(size_t n, const real *g, const real *x, double mean) {
    mg_pairwise p;
    if (n <= mg_sum_chunk) return FN(chunk_of)(PRODUCTS, n, x, g, g, mean);
    p.count = p.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk)
        mg_pairwise_add(&p, FN(chunk_of)(PRODUCTS, n - i < mg_sum_chunk ? n - i : mg_sum_chunk, x + i, g + i, g, mean));
    return mg_pairwise_total(&p);
}

static NOINLINE double FN(weighted)(size_t n, const real *g, const real *w, const real *x, double mean) {
    mg_pairwise p;
    p.count = p.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        const size_t part = n - i < mg_sum_chunk ? n - i : mg_sum_chunk;
        mg_pairwise_add(&p, FN(chunk_of)(WEIGHTED, part, x + i, g + i, w + i, mean));
    }
    return mg_pairwise_total(&p);
}

/* --- numbers from moments --- */

/* A mean in two parts, and rstd, in x's precision. */
typedef struct { real high, low, rstd; } FN(moments);

INLINE FN(moments) FN(in_parts)(double mean, double rstd) {
    const real high = (real)mean;
    return (FN(moments)){high, (real)(mean - (double)high), (real)rstd};
}

INLINE vec FN(standard)(vec x, vec high, vec low, vec rstd) { return ((x - high) - low) * rstd; }

/* y = xhat w + b for n numbers: w and b are arrays, or, if `one`, one number each. */
INLINE void FN(affine)(const int one, size_t n, const real *x, FN(moments) m, const real *w, const real *b, real *out) {
    const vec high = V(set1)(m.high), low = V(set1)(m.low), rstd = V(set1)(m.rstd);
    const vec unit = V(set1)(one || !w ? (w ? *w : 1) : 1), shift = V(set1)(one || !b ? (b ? *b : 0) : 0);
    for (size_t i = 0; i < n; i += W) {
        const size_t part = n - i;
        const vec weight = one || !w ? unit : FN(load_row)(w + i, part), bias = one || !b ? shift : FN(load_row)(b + i, part);
        FN(store_row)(out + i, part, V(fma)(FN(standard)(FN(load_row)(x + i, part), high, low, rstd), weight, bias));
    }
}

/* dx = (h - level - xhat slope) scale for n numbers, h = g w; w is an array, or, if `one`, one number. */
INLINE void FN(slopes)(const int one, size_t n, const real *g, const real *x, FN(moments) m, const real *w, real level,
                       real slope, real *out) {
    const vec high = V(set1)(m.high), low = V(set1)(m.low), rstd = V(set1)(m.rstd);
    const vec unit = V(set1)(one && w ? *w : 1);
    for (size_t i = 0; i < n; i += W) {
        const size_t part = n - i;
        const vec weight = one || !w ? unit : FN(load_row)(w + i, part), h = FN(load_row)(g + i, part) * weight;
        const vec xhat = FN(standard)(FN(load_row)(x + i, part), high, low, rstd);
        FN(store_row)(out + i, part, V(fma)(xhat, V(set1)(-slope), h - V(set1)(level)) * rstd);
    }
}

/* --- rows --- */

static void FN(standardize_rows)(const mg_standardize_args *p, size_t first, size_t rows) {
    const size_t inner = p->inner, width = p->width, n = width * inner;
    const real *weight = p->weight, *bias = p->bias;
    for (size_t row = first; row < first + rows; row++) {
        const real *x = (const real *)p->x + row * n;
        real *out = (real *)p->out + row * n;
        const double mean = p->center ? FN(sum_flat)(n, x) / (double)n : 0;
        const double rstd = 1 / sqrt(FN(squares)(n, x, mean) / (double)n + p->eps);
        const FN(moments) m = FN(in_parts)(mean, rstd);
        const size_t channel = row % p->groups * width;
        const real *w = weight ? weight + channel : NULL, *b = bias ? bias + channel : NULL;
        p->mean[row] = mean, p->rstd[row] = rstd;
        if (inner == 1) FN(affine)(0, n, x, m, w, b, out);
        else
            for (size_t c = 0; c < width; c++)
                FN(affine)(1, inner, x + c * inner, m, w ? w + c : w, b ? b + c : b, out + c * inner);
    }
}

static void FN(standardize_rows_grad)(const mg_standardize_grad_args *p, size_t first, size_t rows) {
    const size_t inner = p->inner, width = p->width, n = width * inner;
    for (size_t row = first; row < first + rows; row++) {
        const size_t channel = row % p->groups * width;
        const real *g = (const real *)p->g + row * n, *x = (const real *)p->x + row * n;
        const real *w = p->weight ? (const real *)p->weight + channel : NULL;
        real *out = (real *)p->out + row * n;
        const double mean = p->mean[row], rstd = p->rstd[row];
        const FN(moments) m = FN(in_parts)(mean, rstd);
        double sum = 0, product = 0;
        if (inner == 1) {
            if (p->center) sum = w ? FN(sum_products)(n, g, w) : FN(sum_flat)(n, g);
            product = w ? FN(weighted)(n, g, w, x, mean) : FN(products)(n, g, x, mean);
        } else {
            for (size_t c = 0; c < width; c++) {
                const double unit = w ? w[c] : 1;
                sum = fma(unit, FN(sum_flat)(inner, g + c * inner), sum);
                product = fma(unit, FN(products)(inner, g + c * inner, x + c * inner, mean), product);
            }
        }
        const real level = p->center ? (real)(sum / (double)n) : 0, slope = (real)(product * rstd / (double)n);
        if (inner == 1) FN(slopes)(0, n, g, x, m, w, level, slope, out);
        else
            for (size_t c = 0; c < width; c++)
                FN(slopes)(1, inner, g + c * inner, x + c * inner, m, w ? w + c : w, level, slope, out + c * inner);
    }
}

/* --- channels of several places --- */

/* What sums over channels read; `samples` of them, `stride` numbers apart. mean and rstd: by channel, or by row. */
typedef struct {
    size_t samples, stride, groups, width;
    const real *x, *g;
    const double *mean, *rstd;
} FN(channels);

/* A sum over channel c, whose first place is `at`. */
static double FN(channel_sum)(const int what, const FN(channels) *s, size_t c, size_t inner) {
    const size_t at = c * inner;
    mg_pairwise p;
    p.count = p.waiting = 0;
    for (size_t start = 0; start < s->samples; start += sample_chunk) {
        const size_t end = s->samples - start < sample_chunk ? s->samples : start + sample_chunk;
        double sum = 0;
        for (size_t i = start; i < end; i++) {
            const size_t from = i * s->stride + at, row = i * s->groups + c / s->width;
            if (what == X) sum += FN(sum_flat)(inner, s->x + from);
            else if (what == X_SQUARES) sum += FN(squares)(inner, s->x + from, s->mean[c]);
            else if (what == G) sum += FN(sum_flat)(inner, s->g + from);
            else if (what == G_PRODUCTS) sum += FN(products)(inner, s->g + from, s->x + from, s->mean[c]);
            else sum += FN(products)(inner, s->g + from, s->x + from, s->mean[row]) * s->rstd[row];
        }
        mg_pairwise_add(&p, sum);
    }
    return mg_pairwise_total(&p);
}

/* --- channels of one place: columns --- */

/* One chunk of samples of `vectors` vectors of columns, the last of `part` columns; then its place in the tree, as in
   reduce.c. column is the first of them; mean points at theirs, or, by rows, at all of them. */
INLINE void FN(column_chunk)(const int what, const FN(channels) *s, size_t chunk, size_t column, int vectors,
                             size_t part, const double *mean, double *waiting) {
    const size_t start = chunk * sample_chunk, left = s->samples - start;
    const size_t end = left < sample_chunk ? s->samples : start + sample_chunk;
    vf64 sum[8] = {{0}}, middle[8] = {{0}};
    if (what == X_SQUARES || what == G_PRODUCTS) {
        UNROLL for (int j = 0; j < vectors; j++) middle[j] = vf64_load(mean + j * MG_W64);
    }
    for (size_t i = start; i < end; i++) {
        const real *x = s->x + i * s->stride + column, *g = s->g + i * s->stride + column;
        const size_t row = i * s->groups + column / s->width;
        const vf64 own = vf64_set1(what == G_ROW_PRODUCTS ? mean[row] : 0);
        const vf64 rstd = vf64_set1(what == G_ROW_PRODUCTS ? s->rstd[row] : 0);
        UNROLL for (int j = 0; j < vectors; j++) {
            const size_t at = j * MG_W64, n = j == vectors - 1 ? part : MG_W64;
            if (what == X) sum[j] = FN(add64)(sum[j], FN(widened)(x + at, n));
            else if (what == G) sum[j] = FN(add64)(sum[j], FN(widened)(g + at, n));
            else {
                const vf64 d = FN(widened)(x + at, n) - (what == G_ROW_PRODUCTS ? own : middle[j]);
                const vf64 term = (what == X_SQUARES ? d : FN(widened)(g + at, n)) * d;
                sum[j] = sum[j] + (what == G_ROW_PRODUCTS ? term * rstd : term);
            }
        }
    }
    double *top = waiting + (size_t)__builtin_popcountll(chunk) * panel; /* a subtree waits for every bit that is set */
    for (size_t c = chunk; c & 1; c >>= 1) {
        top -= panel;
        UNROLL for (int j = 0; j < vectors; j++) sum[j] = vf64_load(top + j * MG_W64) + sum[j];
    }
    UNROLL for (int j = 0; j < vectors; j++) vf64_store(top + j * MG_W64, sum[j]);
}

/* out[j] = the sum over column first + j, for up to `panel` columns; out has room for a panel. mean is that of the panel's
   columns, with room likewise, or of all rows. */
INLINE void FN(column_sums)(const int what, const FN(channels) *s, size_t first, size_t columns, const double *mean,
                            double *out) {
    enum { wide = 32 / MG_W64 < 8 ? 32 / MG_W64 : 8 };
    double waiting[depth * panel];
    const size_t chunks = (s->samples + sample_chunk - 1) / sample_chunk;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        for (size_t j = 0; j < columns;) {
            const size_t left = (columns - j + MG_W64 - 1) / MG_W64, vectors = left >= wide ? wide : 1;
            const size_t end = j + vectors * MG_W64, part = MG_W64 - (end > columns ? end - columns : 0);
            const double *middle = what == G_ROW_PRODUCTS ? mean : mean + j;
            if (vectors == wide) FN(column_chunk)(what, s, chunk, first + j, wide, part, middle, waiting + j);
            else FN(column_chunk)(what, s, chunk, first + j, 1, part, middle, waiting + j);
            j = end;
        }
    }
    for (size_t j = 0; j < columns; j += MG_W64) {
        const double *top = waiting + (size_t)__builtin_popcountll(chunks) * panel + j;
        vf64 sum = {0};
        if (chunks > 0) sum = vf64_load(top -= panel);
        while (top >= waiting + panel) sum = vf64_load(top -= panel) + sum;
        vf64_store(out + j, sum);
    }
}

static NOINLINE void FN(x_columns)(const FN(channels) *s, size_t first, size_t n, const double *mean, double *out) {
    FN(column_sums)(X, s, first, n, mean, out);
}
static NOINLINE void FN(square_columns)(const FN(channels) *s, size_t first, size_t n, const double *mean, double *out) {
    FN(column_sums)(X_SQUARES, s, first, n, mean, out);
}
static NOINLINE void FN(g_columns)(const FN(channels) *s, size_t first, size_t n, const double *mean, double *out) {
    FN(column_sums)(G, s, first, n, mean, out);
}
static NOINLINE void FN(product_columns)(const FN(channels) *s, size_t first, size_t n, const double *mean, double *out) {
    FN(column_sums)(G_PRODUCTS, s, first, n, mean, out);
}
static NOINLINE void FN(row_product_columns)(const FN(channels) *s, size_t first, size_t n, double *out) {
    FN(column_sums)(G_ROW_PRODUCTS, s, first, n, s->mean, out);
}

/* What a panel of columns is made from, in x's precision; the last vector may be filled up. */
typedef struct { real high[panel], low[panel], rstd[panel], weight[panel], bias[panel]; } FN(panel_of);

INLINE void FN(fill_panel)(FN(panel_of) *f, size_t first, size_t n, const double *mean, const double *rstd,
                           const real *weight, const real *bias) {
    for (size_t j = 0; j < n; j++) {
        const FN(moments) m = FN(in_parts)(mean[j], rstd[j]);
        f->high[j] = m.high, f->low[j] = m.low, f->rstd[j] = m.rstd;
        f->weight[j] = weight ? weight[first + j] : 1;
        f->bias[j] = bias ? bias[first + j] : 0;
    }
}

static void FN(standardize_panel)(const mg_standardize_args *p, const FN(channels) *s, size_t first, size_t n) {
    double mean[panel] = {0}, sum[panel], rstd[panel];
    FN(panel_of) f = {{0}, {0}, {0}, {0}, {0}};
    const double count = (double)p->samples;
    if (!p->given) {
        FN(x_columns)(s, first, n, mean, sum);
        for (size_t j = 0; j < n; j++) p->mean[first + j] = mean[j] = sum[j] / count;
        FN(square_columns)(s, first, n, mean, sum);
        for (size_t j = 0; j < n; j++) p->var[first + j] = sum[j] / count;
    }
    for (size_t j = 0; j < n; j++) {
        mean[j] = p->mean[first + j];
        p->rstd[first + j] = rstd[j] = 1 / sqrt(p->var[first + j] + p->eps);
    }
    FN(fill_panel)(&f, first, n, mean, rstd, p->weight, p->bias);
    for (size_t i = 0; i < p->samples; i++) {
        const real *x = s->x + i * s->stride + first;
        real *out = (real *)p->out + i * s->stride + first;
        for (size_t j = 0; j < n; j += W) {
            const vec high = V(load)(f.high + j), low = V(load)(f.low + j), unit = V(load)(f.rstd + j);
            const vec xhat = FN(standard)(FN(load_row)(x + j, n - j), high, low, unit);
            FN(store_row)(out + j, n - j, V(fma)(xhat, V(load)(f.weight + j), V(load)(f.bias + j)));
        }
    }
}

static void FN(panel_grad)(const mg_standardize_grad_args *p, const FN(channels) *s, size_t first, size_t n) {
    double mean[panel] = {0}, sum[panel], product[panel], rstd[panel];
    real scale[panel] = {0}, level[panel] = {0}, slope[panel] = {0}, *weight_grad = p->weight_grad, *bias_grad = p->bias_grad;
    const real *weight = p->weight;
    FN(panel_of) f = {{0}, {0}, {0}, {0}, {0}};
    const double count = (double)p->samples;
    for (size_t j = 0; j < n; j++) mean[j] = p->mean[first + j], rstd[j] = p->rstd[first + j];
    FN(g_columns)(s, first, n, mean, sum);
    FN(product_columns)(s, first, n, mean, product);
    FN(fill_panel)(&f, first, n, mean, rstd, NULL, NULL);
    for (size_t j = 0; j < n; j++) {
        product[j] *= rstd[j];
        scale[j] = (real)((weight ? (double)weight[first + j] : 1) * rstd[j]);
        level[j] = (real)(sum[j] / count), slope[j] = (real)(product[j] / count);
        bias_grad[first + j] = (real)sum[j], weight_grad[first + j] = (real)product[j];
    }
    for (size_t i = 0; i < p->samples; i++) {
        const real *x = s->x + i * s->stride + first, *g = s->g + i * s->stride + first;
        real *out = (real *)p->out + i * s->stride + first;
        for (size_t j = 0; j < n; j += W) {
            const vec high = V(load)(f.high + j), low = V(load)(f.low + j), unit = V(load)(f.rstd + j);
            const vec xhat = FN(standard)(FN(load_row)(x + j, n - j), high, low, unit), own = FN(load_row)(g + j, n - j);
            const vec d = V(fma)(xhat, -V(load)(slope + j), own - V(load)(level + j));
            FN(store_row)(out + j, n - j, (p->given ? own : d) * V(load)(scale + j));
        }
    }
}

/* --- channels --- */

static void FN(standardize_channels)(const mg_standardize_args *p, size_t first, size_t n) {
    const size_t inner = p->inner, stride = p->groups * p->width * inner;
    const FN(channels) s = {p->samples, stride, p->groups, p->width, p->x, p->x, p->mean, p->rstd};
    const double count = (double)(p->samples * inner);
    const real *weight = p->weight, *bias = p->bias;
    if (inner == 1) {
        for (size_t c = first; c < first + n; c += panel)
            FN(standardize_panel)(p, &s, c, first + n - c < panel ? first + n - c : panel);
        return;
    }
    for (size_t c = first; c < first + n; c++) {
        if (!p->given) {
            p->mean[c] = FN(channel_sum)(X, &s, c, inner) / count;
            p->var[c] = FN(channel_sum)(X_SQUARES, &s, c, inner) / count;
        }
        p->rstd[c] = 1 / sqrt(p->var[c] + p->eps);
        const FN(moments) m = FN(in_parts)(p->mean[c], p->rstd[c]);
        for (size_t i = 0; i < p->samples; i++) {
            const size_t at = i * stride + c * inner;
            FN(affine)(1, inner, s.x + at, m, weight ? weight + c : NULL, bias ? bias + c : NULL, (real *)p->out + at);
        }
    }
}

static void FN(standardize_channels_grad)(const mg_standardize_grad_args *p, size_t first, size_t n) {
    const size_t inner = p->inner, stride = p->groups * p->width * inner;
    const FN(channels) s = {p->samples, stride, p->groups, p->width, p->x, p->g, p->mean, p->rstd};
    const double count = (double)(p->samples * inner);
    const real *weight = p->weight;
    if (inner == 1) {
        for (size_t c = first; c < first + n; c += panel)
            FN(panel_grad)(p, &s, c, first + n - c < panel ? first + n - c : panel);
        return;
    }
    for (size_t c = first; c < first + n; c++) {
        const double sum = FN(channel_sum)(G, &s, c, inner);
        const double product = FN(channel_sum)(G_PRODUCTS, &s, c, inner) * p->rstd[c];
        const FN(moments) m = FN(in_parts)(p->mean[c], p->rstd[c]);
        const vec high = V(set1)(m.high), low = V(set1)(m.low), rstd = V(set1)(m.rstd);
        const vec level = V(set1)((real)(sum / count)), slope = V(set1)(-(real)(product / count));
        const vec scale = V(set1)((real)((weight ? (double)weight[c] : 1) * p->rstd[c]));
        ((real *)p->bias_grad)[c] = (real)sum, ((real *)p->weight_grad)[c] = (real)product;
        for (size_t i = 0; i < p->samples; i++) {
            const real *x = s.x + i * stride + c * inner, *g = s.g + i * stride + c * inner;
            real *out = (real *)p->out + i * stride + c * inner;
            for (size_t j = 0; j < inner; j += W) {
                const vec own = FN(load_row)(g + j, inner - j);
                const vec xhat = FN(standard)(FN(load_row)(x + j, inner - j), high, low, rstd);
                FN(store_row)(out + j, inner - j, (p->given ? own : V(fma)(xhat, slope, own - level)) * scale);
            }
        }
    }
}

/* The sums of g and of g xhat over channels, with mean and rstd of rows. A panel lies in one group. */
static void FN(standardize_rows_sums)(const mg_standardize_grad_args *p, size_t first, size_t n) {
    const size_t inner = p->inner, stride = p->groups * p->width * inner;
    const FN(channels) s = {p->samples, stride, p->groups, p->width, p->x, p->g, p->mean, p->rstd};
    real *weight_grad = p->weight_grad, *bias_grad = p->bias_grad;
    for (size_t c = first; c < first + n;) {
        double sum[panel], product[panel];
        size_t columns = 1;
        if (inner == 1) {
            const size_t left = first + n - c, group = p->width - c % p->width;
            columns = left < group ? left : group;
            columns = columns < panel ? columns : panel;
            FN(g_columns)(&s, c, columns, sum, sum);
            FN(row_product_columns)(&s, c, columns, product);
        } else {
            sum[0] = FN(channel_sum)(G, &s, c, inner);
            product[0] = FN(channel_sum)(G_ROW_PRODUCTS, &s, c, inner);
        }
        for (size_t j = 0; j < columns; j++, c++) bias_grad[c] = (real)sum[j], weight_grad[c] = (real)product[j];
    }
}

/* running = (1 - share) running + share new, computed in float64. */
static void FN(running_moments)(const mg_running_args *p, double share, size_t first, size_t n) {
    real *mean = p->running_mean, *var = p->running_var;
    for (size_t c = first; c < first + n; c++) {
        mean[c] = (real)fma(share, p->mean[c], (1 - share) * (double)mean[c]);
        var[c] = (real)fma(share, p->var[c] * p->correction, (1 - share) * (double)var[c]);
    }
}

#endif
