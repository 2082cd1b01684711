/* The plain meaning of standardize.c: one number at a time. Variant `naive`. */
#ifndef real
#include "layers/standardize.h"

/* sums[j] of chunk 0 = the sum over all chunks, `stride` numbers apart: 0 1, 2 3, ...; then those sums likewise. */
static void add_chunks(double *sums, size_t chunks, size_t stride, size_t first, size_t n) {
    for (size_t j = first; j < first + n; j++)
        for (size_t step = 1; step < chunks; step *= 2)
            for (size_t i = 0; i + step < chunks; i += 2 * step) sums[i * stride + j] += sums[(i + step) * stride + j];
}

#define MG_SOURCE "layers/standardize_naive.c"
#include "base/mg_both.h"

const mg_standardize_table MG_TABLE(standardize) = {
    .standardize_rows = {mg_standardize_rows_f32, mg_standardize_rows_f64},
    .standardize_channels = {mg_standardize_channels_f32, mg_standardize_channels_f64},
    .column_sums = {mg_column_sums_f32, mg_column_sums_f64},
    .column_moments = {mg_column_moments_f32, mg_column_moments_f64},
    .standardize_places = {mg_standardize_places_f32, mg_standardize_places_f64},
    .standardize_rows_grad = {mg_standardize_rows_grad_f32, mg_standardize_rows_grad_f64},
    .row_sums = {mg_row_sums_f32, mg_row_sums_f64},
    .standardize_channels_grad = {mg_standardize_channels_grad_f32, mg_standardize_channels_grad_f64},
    .column_sums_grad = {mg_column_sums_grad_f32, mg_column_sums_grad_f64},
    .column_slopes = {mg_column_slopes_f32, mg_column_slopes_f64},
    .standardize_places_grad = {mg_standardize_places_grad_f32, mg_standardize_places_grad_f64},
    .running_moments = {mg_running_moments_f32, mg_running_moments_f64},
    .add_chunks = add_chunks,
};

#else
#include "base/sums_naive.h"

/* (x - mean) rstd. The mean is subtracted in two parts, so that no digits are lost if it is much larger than x -
   mean. */
static real FN(standard)(real x, double mean, double rstd) {
    const real high = (real)mean, low = (real)(mean - (double)high);
    return ((x - high) - low) * (real)rstd;
}

static real FN(at_or)(const void *array, size_t i, real otherwise) {
    return array ? ((const real *)array)[i] : otherwise;
}

/* The flat sums, in the order of sums_naive.h, of x - mean, of its squares, and of w g (x - mean). */
static double FN(differences)(size_t n, const real *x, double mean) {
    if (n <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < n; i++) lane[i % 64] += (double)x[i] - mean;
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(n, 1024);
    return FN(differences)(left, x, mean) + FN(differences)(n - left, x + left, mean);
}

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

/* --- rows --- */

static void FN(standardize_rows)(const mg_standardize_args *p, const mg_standard_work *work, size_t first,
                                 size_t rows) {
    const size_t inner = p->inner, n = p->width * inner;
    (void)work;
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

static void FN(row_grad)(const mg_standardize_grad_args *p, size_t row) {
    const size_t inner = p->inner, width = p->width, n = width * inner, channel = row % p->groups * width;
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

static const real *FN(places)(const void *array, const mg_standardize_grad_args *p, size_t sample, size_t c) {
    return (const real *)array + (sample * p->groups * p->width + c) * p->inner;
}

/* The sums of one chunk over channel c: of g (x - mean), by rows times rstd, and of g; samples in a chain. */
static void FN(chunk_of_g)(const mg_standardize_grad_args *p, int by_rows, size_t chunk, size_t c, double sum[2]) {
    const size_t start = chunk * mg_sample_chunk;
    sum[0] = sum[1] = 0;
    for (size_t i = start; i < p->samples && i < start + mg_sample_chunk; i++) {
        const size_t stat = by_rows ? i * p->groups + c / p->width : c;
        const real *g = FN(places)(p->g, p, i, c);
        const double product = FN(products)(p->inner, g, NULL, FN(places)(p->x, p, i, c), p->mean[stat]);
        sum[0] += by_rows ? product * p->rstd[stat] : product;
        sum[1] += FN(sum_flat)(p->inner, g);
    }
}

static void FN(standardize_rows_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                      size_t n) {
    const size_t channels = p->groups * p->width;
    for (size_t chunk = first; chunk < first + n; chunk++) {
        for (size_t i = chunk * mg_sample_chunk; i < p->samples && i < (chunk + 1) * mg_sample_chunk; i++)
            for (size_t group = 0; group < p->groups; group++) FN(row_grad)(p, i * p->groups + group);
        for (size_t c = 0; c < channels && p->weight_grad; c++) {
            double sum[2];
            FN(chunk_of_g)(p, 1, chunk, c, sum);
            work->sums[chunk * 2 * channels + c] = sum[0];
            work->sums[chunk * 2 * channels + channels + c] = sum[1];
        }
    }
}

static void FN(row_sums)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first, size_t n) {
    for (size_t c = first; c < first + n; c++) {
        ((real *)p->weight_grad)[c] = p->samples ? (real)work->sums[c] : 0;
        ((real *)p->bias_grad)[c] = p->samples ? (real)work->sums[p->groups * p->width + c] : 0;
    }
}

/* --- channels: var is the mean of d² minus the squared mean of d, where d is x minus the first x of the channel --- */

static void FN(moments)(const mg_standardize_args *p, size_t c, double sum, double squares) {
    const double count = (double)(p->samples * p->inner), mean = sum / count;
    const double var = squares / count - mean * mean;
    p->mean[c] = (double)((const real *)p->x)[c * p->inner] + mean;
    p->var[c] = var < 0 ? 0 : var;
}

/* Σ d and Σ d² of one chunk of channel c. */
static void FN(chunk_of_x)(const mg_standardize_args *p, size_t chunk, size_t c, double sum[2]) {
    const size_t start = chunk * mg_sample_chunk, channels = p->groups * p->width;
    const real *x = p->x;
    const double origin = (double)x[c * p->inner];
    sum[0] = sum[1] = 0;
    for (size_t i = start; i < p->samples && i < start + mg_sample_chunk; i++) {
        sum[0] += FN(differences)(p->inner, x + (i * channels + c) * p->inner, origin);
        sum[1] += FN(squares)(p->inner, x + (i * channels + c) * p->inner, origin);
    }
}

/* The sum over all chunks: a tree, as add_chunks makes it. */
static void FN(channel_of_x)(const mg_standardize_args *p, size_t first, size_t chunks, size_t c, double sum[2]) {
    if (chunks == 1) {
        FN(chunk_of_x)(p, first, c, sum);
        return;
    }
    double right[2];
    const size_t left = mg_left_branch(chunks, 1);
    FN(channel_of_x)(p, first, left, c, sum);
    FN(channel_of_x)(p, first + left, chunks - left, c, right);
    sum[0] += right[0], sum[1] += right[1];
}

static void FN(channel_of_g)(const mg_standardize_grad_args *p, size_t first, size_t chunks, size_t c, double sum[2]) {
    if (chunks <= 1) {
        FN(chunk_of_g)(p, 0, first, c, sum);
        return;
    }
    double right[2];
    const size_t left = mg_left_branch(chunks, 1);
    FN(channel_of_g)(p, first, left, c, sum);
    FN(channel_of_g)(p, first + left, chunks - left, c, right);
    sum[0] += right[0], sum[1] += right[1];
}

static size_t FN(chunks_of)(size_t samples) { return (samples + mg_sample_chunk - 1) / mg_sample_chunk; }

static void FN(channel_places)(const mg_standardize_args *p, size_t c, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) {
        const size_t at = (i * p->groups * p->width + c) * p->inner;
        FN(affine)(p, c, (const real *)p->x + at, p->mean[c], p->rstd[c], (real *)p->out + at);
    }
}

static void FN(standardize_channels)(const mg_standardize_args *p, const mg_standard_work *work, size_t first,
                                     size_t n) {
    (void)work;
    for (size_t c = first; c < first + n; c++) {
        double sum[2] = {0, 0};
        if (p->samples == 0 || p->inner == 0) {
            p->mean[c] = p->var[c] = NAN;
        } else {
            FN(channel_of_x)(p, 0, FN(chunks_of)(p->samples), c, sum);
            FN(moments)(p, c, sum[0], sum[1]);
        }
        p->rstd[c] = 1 / sqrt(p->var[c] + p->eps);
        FN(channel_places)(p, c, 0, p->samples);
    }
}

static void FN(column_sums)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) {
    const size_t channels = p->groups * p->width;
    for (size_t chunk = first; chunk < first + n; chunk++)
        for (size_t c = 0; c < channels; c++) {
            double sum[2];
            FN(chunk_of_x)(p, chunk, c, sum);
            work->sums[chunk * 2 * channels + c] = sum[0];
            work->sums[chunk * 2 * channels + channels + c] = sum[1];
        }
}

static void FN(column_moments)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) {
    for (size_t c = first; c < first + n; c++) {
        if (!p->given) FN(moments)(p, c, work->sums[c], work->sums[p->groups * p->width + c]);
        p->rstd[c] = 1 / sqrt(p->var[c] + p->eps);
    }
}

static void FN(standardize_places)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) {
    (void)work;
    for (size_t c = 0; c < p->groups * p->width; c++) FN(channel_places)(p, c, first, n);
}

/* dx of the places of channel c, from its sums of g (x - mean) and of g. */
static void FN(channel_slopes)(const mg_standardize_grad_args *p, size_t c, double product, double sum, size_t first,
                               size_t n) {
    const double count = (double)(p->samples * p->inner), rstd = p->rstd[c];
    const real scale = (real)((double)FN(at_or)(p->weight, c, 1) * rstd);
    const real level = (real)(sum / count), slope = (real)(product * rstd / count);
    for (size_t i = first; i < first + n; i++) {
        const real *g = FN(places)(p->g, p, i, c), *x = FN(places)(p->x, p, i, c);
        real *out = (real *)p->out + (g - (const real *)p->g);
        for (size_t j = 0; j < p->inner; j++) {
            const real d = REAL_FMA(FN(standard)(x[j], p->mean[c], rstd), -slope, g[j] - level);
            out[j] = (p->given ? g[j] : d) * scale;
        }
    }
}

static void FN(put_sums)(const mg_standardize_grad_args *p, size_t c, double product, double sum) {
    ((real *)p->weight_grad)[c] = (real)(product * p->rstd[c]);
    ((real *)p->bias_grad)[c] = (real)sum;
}

static void FN(standardize_channels_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                          size_t n) {
    (void)work;
    for (size_t c = first; c < first + n; c++) {
        double sum[2];
        FN(channel_of_g)(p, 0, FN(chunks_of)(p->samples), c, sum);
        FN(put_sums)(p, c, sum[0], sum[1]);
        FN(channel_slopes)(p, c, sum[0], sum[1], 0, p->samples);
    }
}

static void FN(column_sums_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                 size_t n) {
    const size_t channels = p->groups * p->width;
    for (size_t chunk = first; chunk < first + n; chunk++)
        for (size_t c = 0; c < channels; c++) {
            double sum[2];
            FN(chunk_of_g)(p, 0, chunk, c, sum);
            work->sums[chunk * 2 * channels + c] = sum[0];
            work->sums[chunk * 2 * channels + channels + c] = sum[1];
        }
}

static void FN(column_slopes)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first, size_t n) {
    for (size_t c = first; c < first + n; c++)
        FN(put_sums)(p, c, work->sums[c], work->sums[p->groups * p->width + c]);
}

static void FN(standardize_places_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                        size_t n) {
    const size_t channels = p->groups * p->width;
    for (size_t c = 0; c < channels; c++) FN(channel_slopes)(p, c, work->sums[c], work->sums[channels + c], first, n);
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
