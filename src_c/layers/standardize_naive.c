/* The plain meaning of standardize.c: one number at a time. Variant `naive`. */
#ifndef real
#include "layers/standardize.h"
#define MG_SOURCE "layers/standardize_naive.c"
#include "base/mg_both.h"

const mg_standardize_table MG_TABLE(standardize) = {
    MG_PAIR(standardize_rows), MG_PAIR(standardize_channels), MG_PAIR(standardize_rows_grad),
    MG_PAIR(standardize_rows_sums), MG_PAIR(standardize_channels_grad), MG_PAIR(running_moments)};

#else
#include "base/sums_naive.h"

/* (x - mean) rstd; the mean is taken off in two parts, so that one that is large beside the numbers loses nothing. */
static real FN(standard)(real x, double mean, double rstd) {
    const real high = (real)mean, low = (real)(mean - (double)high);
    return ((x - high) - low) * (real)rstd;
}

static real FN(at_or)(const void *array, size_t i, real otherwise) {
    return array ? ((const real *)array)[i] : otherwise;
}

/* The flat sums, in the order of sums_naive.h, of (x - mean)², and of w g (x - mean). */
static double FN(squares)(size_t n, const real *x, double mean) {
    if (n <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < n; i++) lane[i % 64] = fma((double)x[i] - mean, (double)x[i] - mean, lane[i % 64]);
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(n, 1024);
    return FN(squares)(left, x, mean) + FN(squares)(n - left, x + left, mean);
}

static double FN(products)(size_t n, const real *g, const real *w, const real *x, double mean) {
    if (n <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < n; i++) {
            const double h = w ? (double)g[i] * (double)w[i] : (double)g[i];
            lane[i % 64] = fma(h, (double)x[i] - mean, lane[i % 64]);
        }
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(n, 1024);
    return FN(products)(left, g, w, x, mean) + FN(products)(n - left, g + left, w ? w + left : w, x + left, mean);
}

/* y of channel c in one sample. */
static void FN(affine)(const mg_standardize_args *p, size_t c, const real *x, double mean, double rstd, real *out) {
    for (size_t i = 0; i < p->inner; i++)
        out[i] = REAL_FMA(FN(standard)(x[i], mean, rstd), FN(at_or)(p->weight, c, 1), FN(at_or)(p->bias, c, 0));
}

static void FN(standardize_rows)(const mg_standardize_args *p, size_t first, size_t rows) {
    const size_t inner = p->inner, n = p->width * inner;
    for (size_t row = first; row < first + rows; row++) {
        const real *x = (const real *)p->x + row * n;
        const double mean = p->center ? FN(sum_flat)(n, x) / (double)n : 0;
        const double rstd = 1 / sqrt(FN(squares)(n, x, mean) / (double)n + p->eps);
        p->mean[row] = mean, p->rstd[row] = rstd;
        for (size_t c = 0; c < p->width; c++)
            FN(affine)(p, row % p->groups * p->width + c, x + c * inner, mean, rstd,
                       (real *)p->out + row * n + c * inner);
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
        double sum = 0, product = 0;
        if (inner == 1) {
            sum = w ? FN(sum_products)(n, g, w) : FN(sum_flat)(n, g);
            product = FN(products)(n, g, w, x, mean);
        }
        for (size_t c = 0; c < width && inner != 1; c++) {
            const double weight = FN(at_or)(w, c, 1);
            sum = fma(weight, FN(sum_flat)(inner, g + c * inner), sum);
            product = fma(weight, FN(products)(inner, g + c * inner, NULL, x + c * inner, mean), product);
        }
        const real level = p->center ? (real)(sum / (double)n) : 0, slope = (real)(product * rstd / (double)n);
        for (size_t i = 0; i < n; i++) {
            const real h = g[i] * FN(at_or)(w, i / inner, 1);
            out[i] = REAL_FMA(FN(standard)(x[i], mean, rstd), -slope, h - level) * (real)rstd;
        }
    }
}

/* --- sums over a channel: of each sample flat, samples in chains of 32, chains as a tree --- */

typedef double (*FN(of_sample))(const mg_standardize_grad_args *p, size_t sample, size_t c);

static const real *FN(places)(const void *array, const mg_standardize_grad_args *p, size_t sample, size_t c) {
    return (const real *)array + (sample * p->groups * p->width + c) * p->inner;
}

static double FN(x_of)(const mg_standardize_grad_args *p, size_t i, size_t c) {
    return FN(sum_flat)(p->inner, FN(places)(p->x, p, i, c));
}
static double FN(squares_of)(const mg_standardize_grad_args *p, size_t i, size_t c) {
    return FN(squares)(p->inner, FN(places)(p->x, p, i, c), p->mean[c]);
}
static double FN(g_of)(const mg_standardize_grad_args *p, size_t i, size_t c) {
    return FN(sum_flat)(p->inner, FN(places)(p->g, p, i, c));
}
static double FN(products_of)(const mg_standardize_grad_args *p, size_t i, size_t c) {
    return FN(products)(p->inner, FN(places)(p->g, p, i, c), NULL, FN(places)(p->x, p, i, c), p->mean[c]);
}
static double FN(products_of_row)(const mg_standardize_grad_args *p, size_t i, size_t c) {
    const size_t row = i * p->groups + c / p->width;
    const real *g = FN(places)(p->g, p, i, c);
    return FN(products)(p->inner, g, NULL, FN(places)(p->x, p, i, c), p->mean[row]) * p->rstd[row];
}

static double FN(channel_sum)(FN(of_sample) f, const mg_standardize_grad_args *p, size_t first, size_t samples,
                              size_t c) {
    double sum = 0;
    if (samples <= 32) {
        for (size_t i = 0; i < samples; i++) sum += f(p, first + i, c);
        return sum;
    }
    const size_t left = mg_left_branch(samples, 32);
    return FN(channel_sum)(f, p, first, left, c) + FN(channel_sum)(f, p, first + left, samples - left, c);
}

static void FN(standardize_rows_sums)(const mg_standardize_grad_args *p, size_t first, size_t n) {
    for (size_t c = first; c < first + n; c++) {
        ((real *)p->bias_grad)[c] = (real)FN(channel_sum)(FN(g_of), p, 0, p->samples, c);
        ((real *)p->weight_grad)[c] = (real)FN(channel_sum)(FN(products_of_row), p, 0, p->samples, c);
    }
}

static void FN(standardize_channels)(const mg_standardize_args *p, size_t first, size_t n) {
    const size_t channels = p->groups * p->width, inner = p->inner;
    const double count = (double)(p->samples * inner);
    const mg_standardize_grad_args s = {.samples = p->samples, .groups = p->groups, .width = p->width, .inner = inner,
                                        .x = p->x, .mean = p->mean};
    for (size_t c = first; c < first + n; c++) {
        if (!p->given) {
            p->mean[c] = FN(channel_sum)(FN(x_of), &s, 0, p->samples, c) / count;
            p->var[c] = FN(channel_sum)(FN(squares_of), &s, 0, p->samples, c) / count;
        }
        p->rstd[c] = 1 / sqrt(p->var[c] + p->eps);
        for (size_t i = 0; i < p->samples; i++) {
            const size_t at = (i * channels + c) * inner;
            FN(affine)(p, c, (const real *)p->x + at, p->mean[c], p->rstd[c], (real *)p->out + at);
        }
    }
}

static void FN(standardize_channels_grad)(const mg_standardize_grad_args *p, size_t first, size_t n) {
    const double count = (double)(p->samples * p->inner);
    for (size_t c = first; c < first + n; c++) {
        const double rstd = p->rstd[c], sum = FN(channel_sum)(FN(g_of), p, 0, p->samples, c);
        const double product = FN(channel_sum)(FN(products_of), p, 0, p->samples, c) * rstd;
        const real scale = (real)((double)FN(at_or)(p->weight, c, 1) * rstd);
        const real level = (real)(sum / count), slope = (real)(product / count);
        ((real *)p->bias_grad)[c] = (real)sum;
        ((real *)p->weight_grad)[c] = (real)product;
        for (size_t i = 0; i < p->samples; i++) {
            const real *g = FN(places)(p->g, p, i, c), *x = FN(places)(p->x, p, i, c);
            real *out = (real *)p->out + (g - (const real *)p->g);
            for (size_t j = 0; j < p->inner; j++) {
                const real d = REAL_FMA(FN(standard)(x[j], p->mean[c], rstd), -slope, g[j] - level);
                out[j] = (p->given ? g[j] : d) * scale;
            }
        }
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
