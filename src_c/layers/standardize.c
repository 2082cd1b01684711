/* Normalization of rows and of channels. Equal to standardize_naive.c, bit for bit.

   A row is summed in the flat order of sums.h. A channel is summed in another order, which depends on the sizes
   alone: the places of each sample are summed flat, and the sums of samples are added in chunks (standardize.h). All
   sums are in float64, and so are mean and rstd. y and the gradient of x are computed in x's precision, from a mean
   in two parts, high + low, because x - high is exact if the numbers are near their mean.

   The variance of a row is computed in two passes, because a row stays in the L1 cache. That of a channel is computed
   in one, from the sums of d and of d², where d is a number minus the first number of the channel. The first number
   is within √n standard deviations of the mean, so at least 1/n of the mean of d² is variance, and float64 has enough
   digits for the difference.

   With one place for each channel (inner == 1) rows of memory are read from end to end, and each chunk of 32 samples
   gives two sums for each channel. With several places a channel is read as a whole, then again from the cache. */
#ifndef real
#include "layers/standardize.h"
#include "base/simd.h"

static void add_chunks(double *sums, size_t chunks, size_t stride, size_t first, size_t n) {
    for (size_t step = 1; step < chunks; step *= 2)
        for (size_t i = 0; i + step < chunks; i += 2 * step) {
            double *to = sums + i * stride + first;
            const double *more = to + step * stride;
            for (size_t j = 0; j < n; j++) to[j] += more[j];
        }
}

enum { streams = 8 }; /* samples that are read side by side; they divide a chunk */
#define MG_SOURCE "layers/standardize.c"
enum { DIFFERENCES, SQUARES, PRODUCTS, WEIGHTED }; /* terms of standard_sums.h: d = x - mean, d², g d, g w d */
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
#include "base/sums.h"
#include "layers/standard_sums.h"
#include "layers/column_sums.h"

/* y = xhat w + b for n numbers: w and b are arrays, or, if `one`, one number each. */
INLINE void FN(affine)(const int one, size_t n, const real *x, FN(moments) m, const real *w, const real *b, real *out) {
    const vec high = V(set1)(m.high), low = V(set1)(m.low), rstd = V(set1)(m.rstd);
    const vec unit = V(set1)(one && w ? *w : 1), shift = V(set1)(one && b ? *b : 0);
    for (size_t i = 0; i < n; i += W) {
        const size_t part = n - i;
        const vec weight = one || !w ? unit : FN(load_row)(w + i, part);
        const vec bias = one || !b ? shift : FN(load_row)(b + i, part);
        FN(store_row)(out + i, part, V(fma)(FN(standard)(FN(load_row)(x + i, part), high, low, rstd), weight, bias));
    }
}

/* dx = (h - level - xhat slope) rstd for n numbers, h = g w; w is an array, or, if `one`, one number. */
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

static void FN(standardize_rows)(const mg_standardize_args *p, const mg_standard_work *work, size_t first,
                                 size_t rows) {
    const size_t inner = p->inner, width = p->width, n = width * inner;
    const real *weight = p->weight, *bias = p->bias;
    (void)work;
    for (size_t row = first; row < first + rows; row++) {
        const real *x = (const real *)p->x + row * n;
        real *out = (real *)p->out + row * n;
        const double mean = p->center ? FN(total)(n, x) / (double)n : 0;
        const double rstd = 1 / sqrt(FN(squares)(n, x, mean) / (double)n + p->eps);
        const FN(moments) m = FN(in_parts)(mean, rstd);
        const size_t channel = row % p->groups * width;
        const real *w = weight ? weight + channel : NULL, *b = bias ? bias + channel : NULL;
        p->mean[row] = mean, p->rstd[row] = rstd;
        if (inner == 1) {
            FN(affine)(0, n, x, m, w, b, out);
            continue;
        }
        for (size_t c = 0; c < width; c++)
            FN(affine)(1, inner, x + c * inner, m, w ? w + c : w, b ? b + c : b, out + c * inner);
    }
}

/* dx of one row. With several places, Σ g xhat of each of its channels is added to sums, Σ g to sums + channels. */
static void FN(row_grad)(const mg_standardize_grad_args *p, size_t row, double *sums, size_t channels) {
    const size_t inner = p->inner, width = p->width, n = width * inner, channel = row % p->groups * width;
    const real *g = (const real *)p->g + row * n, *x = (const real *)p->x + row * n;
    const real *w = p->weight ? (const real *)p->weight + channel : NULL;
    real *out = (real *)p->out + row * n;
    const double mean = p->mean[row], rstd = p->rstd[row];
    const FN(moments) m = FN(in_parts)(mean, rstd);
    double sum = 0, product = 0;
    if (inner == 1) {
        double both[2];
        if (w) FN(weighted_sums)(n, g, w, x, mean, both);
        else FN(plain_sums)(n, g, x, mean, both);
        product = both[0], sum = both[1];
    }
    for (size_t c = 0; c < width && inner != 1; c++) {
        const double unit = w ? w[c] : 1;
        double own[2];
        FN(plain_sums)(inner, g + c * inner, x + c * inner, mean, own);
        product = fma(unit, own[0], product), sum = fma(unit, own[1], sum);
        if (sums) sums[channel + c] += own[0] * rstd, sums[channels + channel + c] += own[1];
    }
    const real level = p->center ? (real)(sum / (double)n) : 0, slope = (real)(product * rstd / (double)n);
    if (inner == 1) {
        FN(slopes)(0, n, g, x, m, w, level, slope, out);
        return;
    }
    for (size_t c = 0; c < width; c++)
        FN(slopes)(1, inner, g + c * inner, x + c * inner, m, w ? w + c : w, level, slope, out + c * inner);
}

static void FN(standardize_rows_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                      size_t n) {
    const size_t channels = p->groups * p->width, stride = channels * p->inner;
    for (size_t chunk = first; chunk < first + n; chunk++) {
        const size_t start = chunk * mg_sample_chunk, left = p->samples - start;
        const size_t samples = left < mg_sample_chunk ? left : mg_sample_chunk;
        double *sums = p->weight_grad ? work->sums + chunk * 2 * channels : NULL;
        if (sums && p->inner != 1) memset(sums, 0, 2 * channels * sizeof *sums);
        for (size_t row = start * p->groups; row < (start + samples) * p->groups; row++)
            FN(row_grad)(p, row, sums, channels);
        for (size_t group = 0; group < p->groups && sums && p->inner == 1; group++) {
            const size_t c = group * p->width, row = start * p->groups + group;
            FN(chunk_sums)(1, samples, stride, p->width, (const real *)p->g + start * stride + c,
                           (const real *)p->x + start * stride + c, p->mean + row, p->rstd + row, p->groups, sums + c,
                           channels);
        }
    }
}

static void FN(row_sums)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first, size_t n) {
    for (size_t c = first; c < first + n; c++) {
        ((real *)p->weight_grad)[c] = p->samples ? (real)work->sums[c] : 0;
        ((real *)p->bias_grad)[c] = p->samples ? (real)work->sums[p->groups * p->width + c] : 0;
    }
}

/* --- channels --- */

INLINE void FN(put_moments)(const mg_standardize_args *p, size_t c, double sum, double squares) {
    const double count = (double)(p->samples * p->inner), mean = sum / count;
    const double var = squares / count - mean * mean;
    p->mean[c] = (double)((const real *)p->x)[c * p->inner] + mean;
    p->var[c] = var < 0 ? 0 : var;
}

/* Normalizes channels first .. first + n, which have several places. */
static void FN(standardize_channels)(const mg_standardize_args *p, const mg_standard_work *work, size_t first,
                                     size_t n) {
    const size_t inner = p->inner, stride = p->groups * p->width * inner, samples = p->samples;
    const real *weight = p->weight, *bias = p->bias;
    (void)work;
    for (size_t c = first; c < first + n; c++) {
        const real *x = (const real *)p->x + c * inner;
        const int empty = samples == 0 || inner == 0;
        const double origin = empty ? NAN : (double)x[0];
        mg_pairwise sums, squares;
        sums.count = sums.waiting = squares.count = squares.waiting = 0;
        for (size_t start = 0; start < samples; start += mg_sample_chunk) {
            double sum = 0, square = 0;
            for (size_t i = start; i < samples && i < start + mg_sample_chunk; i++) {
                sum += FN(differences)(inner, x + i * stride, origin);
                square += FN(squares)(inner, x + i * stride, origin);
            }
            mg_pairwise_add(&sums, sum), mg_pairwise_add(&squares, square);
        }
        if (empty) p->mean[c] = p->var[c] = NAN;
        else FN(put_moments)(p, c, mg_pairwise_total(&sums), mg_pairwise_total(&squares));
        p->rstd[c] = 1 / sqrt(p->var[c] + p->eps);
        const FN(moments) m = FN(in_parts)(p->mean[c], p->rstd[c]);
        for (size_t i = 0; i < samples; i++)
            FN(affine)(1, inner, x + i * stride, m, weight ? weight + c : NULL, bias ? bias + c : NULL,
                       (real *)p->out + c * inner + i * stride);
    }
}

/* For chunks of channels of one place, the sums of d and of d², where d is x minus the first x of the channel. */
static void FN(column_sums)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) {
    const size_t channels = p->groups * p->width, start = first * mg_sample_chunk;
    const size_t end = p->samples < start + n * mg_sample_chunk ? p->samples : start + n * mg_sample_chunk;
    const real *origin = p->x;
    for (size_t i = start; i < end; i += streams) {
        double *sums = work->sums + i / mg_sample_chunk * 2 * channels;
        const size_t rows = end - i < streams ? end - i : streams;
        const real *x = origin + i * channels;
        for (size_t j = 0; j < channels;) {
            const size_t left = (channels - j + MG_W64 - 1) / MG_W64, last = j + (left >= 4 ? 4 : 1) * MG_W64;
            const size_t part = MG_W64 - (last > channels ? last - channels : 0);
            const int begins = i % mg_sample_chunk == 0;
            if (left >= 4) FN(some_differences)(begins, rows, channels, origin + j, x + j, 4, part, sums + j, channels);
            else FN(some_differences)(begins, rows, channels, origin + j, x + j, 1, part, sums + j, channels);
            j = last;
        }
    }
}

/* Row `row` of work->numbers. The rows are high, low, rstd, weight, bias; of gradients high, low, rstd, level, -slope,
   scale. */
INLINE real *FN(numbers)(const mg_standard_work *work, size_t channels, int row) {
    return (real *)work->numbers + (size_t)row * channels;
}

static void FN(column_moments)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) {
    const size_t channels = p->groups * p->width;
    real *number[5];
    for (int i = 0; i < 5; i++) number[i] = FN(numbers)(work, channels, i);
    for (size_t c = first; c < first + n; c++) {
        if (!p->given) FN(put_moments)(p, c, work->sums[c], work->sums[channels + c]);
        p->rstd[c] = 1 / sqrt(p->var[c] + p->eps);
        const FN(moments) m = FN(in_parts)(p->mean[c], p->rstd[c]);
        number[0][c] = m.high, number[1][c] = m.low, number[2][c] = m.rstd;
        number[3][c] = p->weight ? ((const real *)p->weight)[c] : 1;
        number[4][c] = p->bias ? ((const real *)p->bias)[c] : 0;
    }
}

/* y of some samples, of channels of one place. */
static void FN(some_places)(size_t samples, size_t channels, const real *x, const real *number, real *out) {
    for (size_t j = 0; j < channels; j += W) {
        const size_t part = channels - j;
        const real *at = number + j;
        const vec high = FN(load_row)(at, part), low = FN(load_row)(at + channels, part);
        const vec rstd = FN(load_row)(at + 2 * channels, part), weight = FN(load_row)(at + 3 * channels, part);
        const vec bias = FN(load_row)(at + 4 * channels, part);
        for (size_t i = j; i < j + samples * channels; i += channels) {
            const vec xhat = FN(standard)(FN(load_row)(x + i, part), high, low, rstd);
            FN(store_row)(out + i, part, V(fma)(xhat, weight, bias));
        }
    }
}

static void FN(standardize_places)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) {
    const size_t channels = p->groups * p->width, inner = p->inner, step = inner == 1 ? streams : 1;
    const real *number = work->numbers, *bias = number + 4 * channels;
    for (size_t i = first; i < first + n; i += step) {
        const real *x = (const real *)p->x + i * channels * inner;
        real *out = (real *)p->out + i * channels * inner;
        if (inner == 1) FN(some_places)(first + n - i < step ? first + n - i : step, channels, x, number, out);
        for (size_t c = 0; c < channels && inner != 1; c++) {
            const FN(moments) m = {number[c], number[channels + c], number[2 * channels + c]};
            FN(affine)(1, inner, x + c * inner, m, number + 3 * channels + c, bias + c, out + c * inner);
        }
    }
}

INLINE void FN(put_sums)(const mg_standardize_grad_args *p, size_t c, double product, double sum) {
    ((real *)p->weight_grad)[c] = (real)(product * p->rstd[c]);
    ((real *)p->bias_grad)[c] = (real)sum;
}

/* Level, -slope and scale of channel c. */
typedef struct { real level, fall, scale; } FN(channel);

INLINE FN(channel) FN(slopes_of)(const mg_standardize_grad_args *p, size_t c, double product, double sum) {
    const double count = (double)(p->samples * p->inner), rstd = p->rstd[c];
    const double weight = p->weight ? (double)((const real *)p->weight)[c] : 1;
    return (FN(channel)){(real)(sum / count), -(real)(product * rstd / count), (real)(weight * rstd)};
}

static void FN(standardize_channels_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                          size_t n) {
    const size_t inner = p->inner, stride = p->groups * p->width * inner, samples = p->samples;
    (void)work;
    for (size_t c = first; c < first + n; c++) {
        const real *x = (const real *)p->x + c * inner, *g = (const real *)p->g + c * inner;
        const double mean = p->mean[c];
        mg_pairwise sums, products;
        sums.count = sums.waiting = products.count = products.waiting = 0;
        for (size_t start = 0; start < samples; start += mg_sample_chunk) {
            double sum = 0, product = 0;
            for (size_t i = start; i < samples && i < start + mg_sample_chunk; i++) {
                double own[2];
                FN(plain_sums)(inner, g + i * stride, x + i * stride, mean, own);
                product += own[0], sum += own[1];
            }
            mg_pairwise_add(&sums, sum), mg_pairwise_add(&products, product);
        }
        const double product = mg_pairwise_total(&products), sum = mg_pairwise_total(&sums);
        FN(put_sums)(p, c, product, sum);
        const FN(channel) s = FN(slopes_of)(p, c, product, sum);
        const FN(moments) m = FN(in_parts)(mean, p->rstd[c]);
        const vec high = V(set1)(m.high), low = V(set1)(m.low), rstd = V(set1)(m.rstd);
        const vec level = V(set1)(s.level), fall = V(set1)(s.fall), scale = V(set1)(s.scale);
        for (size_t i = 0; i < samples; i++) {
            const real *gi = g + i * stride, *xi = x + i * stride;
            real *out = (real *)p->out + c * inner + i * stride;
            for (size_t j = 0; j < inner; j += W) {
                const vec own = FN(load_row)(gi + j, inner - j);
                const vec xhat = FN(standard)(FN(load_row)(xi + j, inner - j), high, low, rstd);
                FN(store_row)(out + j, inner - j, (p->given ? own : V(fma)(xhat, fall, own - level)) * scale);
            }
        }
    }
}

static void FN(column_sums_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                 size_t n) {
    const size_t channels = p->groups * p->width;
    for (size_t chunk = first; chunk < first + n; chunk++) {
        const size_t start = chunk * mg_sample_chunk, left = p->samples - start;
        FN(chunk_sums)(0, left < mg_sample_chunk ? left : mg_sample_chunk, channels, channels,
                       (const real *)p->g + start * channels, (const real *)p->x + start * channels, p->mean,
                       p->rstd, 0, work->sums + chunk * 2 * channels, channels);
    }
}

static void FN(column_slopes)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first, size_t n) {
    const size_t channels = p->groups * p->width;
    real *number[6];
    for (int i = 0; i < 6; i++) number[i] = FN(numbers)(work, channels, i);
    for (size_t c = first; c < first + n; c++) {
        const double product = work->sums[c], sum = work->sums[channels + c];
        const FN(channel) s = FN(slopes_of)(p, c, product, sum);
        const FN(moments) m = FN(in_parts)(p->mean[c], p->rstd[c]);
        FN(put_sums)(p, c, product, sum);
        number[0][c] = m.high, number[1][c] = m.low, number[2][c] = m.rstd;
        number[3][c] = s.level, number[4][c] = s.fall, number[5][c] = s.scale;
    }
}

static void FN(standardize_places_grad)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                        size_t n) {
    const size_t channels = p->groups * p->width, end = (first + n) * channels;
    const real *x = p->x, *g = p->g, *number = work->numbers;
    real *out = p->out;
    for (size_t from = first * channels; from < end; from += streams * channels)
        for (size_t j = 0; j < channels; j += W) {
            const size_t part = channels - j;
            const real *at = number + j;
            const vec high = FN(load_row)(at, part), low = FN(load_row)(at + channels, part);
            const vec rstd = FN(load_row)(at + 2 * channels, part), level = FN(load_row)(at + 3 * channels, part);
            const vec fall = FN(load_row)(at + 4 * channels, part), scale = FN(load_row)(at + 5 * channels, part);
            for (size_t i = from + j; i < end && i < from + streams * channels; i += channels) {
                const vec xhat = FN(standard)(FN(load_row)(x + i, part), high, low, rstd);
                const vec own = FN(load_row)(g + i, part);
                FN(store_row)(out + i, part, (p->given ? own : V(fma)(xhat, fall, own - level)) * scale);
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
