/* Layer, group and batch normalization: numbers minus their mean, divided by their standard deviation. The arguments of
   the kernels, and the table of one variant.

   x is (samples, groups * width, inner): channels in groups, and `inner` places in each. A row is one group of one
   sample, width * inner numbers side by side; a channel is its samples * inner numbers. xhat = (x - mean) rstd, and
   y = xhat weight + bias, with one weight and one bias for each channel; where they are NULL, 1 and 0.

   Sums over a channel are added sample by sample: 32 samples are a chunk, a chain from +0; chunks are added pairwise,
   neighbours first (add_chunks). */
#ifndef MG_STANDARDIZE_H
#define MG_STANDARDIZE_H
#include <stddef.h>
#include <stdint.h>

enum { mg_sample_chunk = 32 };

typedef struct {
    size_t samples, groups, width, inner;
    const void *x, *weight, *bias;
    void *out;
    double *mean, *rstd;                    /* of each row, or of each channel: written */
    double *var;                            /* of each channel; if `given`, mean and var are read, else written */
    double eps;
    int center, given, precision;           /* center 0: the mean counts as 0 (rows only) */
} mg_standardize_args;

typedef struct {
    size_t samples, groups, width, inner;
    const void *g, *x, *weight;
    const double *mean, *rstd;
    void *out;                              /* the gradient of x */
    void *weight_grad, *bias_grad;          /* the sums of g xhat and of g over each channel; both NULL: not wanted */
    int center, given, precision;           /* given: mean and rstd do not depend on x */
} mg_standardize_grad_args;

typedef struct {
    size_t channels;
    const double *mean, *var;
    void *running_mean, *running_var;
    int64_t *count;                         /* of updates; one more after each */
    double momentum;                        /* the share of the new numbers; if `cumulative`, it is 1 / count */
    double correction;                      /* by which var is multiplied */
    int cumulative, precision;
} mg_running_args;

/* Scratch of one call: two sums for each channel and chunk, those of a chunk side by side; and, for each channel, the
   numbers from which its places are computed, in x's precision. */
enum { mg_standardize_rows_of_numbers = 6 };
typedef struct { double *sums; void *numbers; } mg_standard_work;

/* By precision; n rows, channels, chunks or samples from `first` on. */
typedef void (*mg_standardize_part)(const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n);
typedef void (*mg_standardize_grad_part)(const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first,
                                         size_t n);
typedef struct {
    mg_standardize_part standardize_rows[2];            /* rows */
    mg_standardize_part standardize_channels[2];        /* channels of several places */
    mg_standardize_part column_sums[2];                 /* chunks, one place: sums of d = x - first x, and of d² */
    mg_standardize_part column_moments[2];              /* channels: mean, var, rstd, numbers */
    mg_standardize_part standardize_places[2];          /* samples, from numbers */
    mg_standardize_grad_part standardize_rows_grad[2];  /* chunks: the gradient of x, and their sums if wanted */
    mg_standardize_grad_part row_sums[2];               /* channels: weight_grad and bias_grad, from added chunks */
    mg_standardize_grad_part standardize_channels_grad[2];
    mg_standardize_grad_part column_sums_grad[2];       /* chunks: sums of g (x - mean), and of g */
    mg_standardize_grad_part column_slopes[2];          /* channels: weight_grad, bias_grad, numbers */
    mg_standardize_grad_part standardize_places_grad[2];
    void (*running_moments[2])(const mg_running_args *p, double share, size_t first, size_t n);
    void (*add_chunks)(double *sums, size_t chunks, size_t stride, size_t first, size_t n); /* to the sums of chunk 0 */
} mg_standardize_table;

extern const mg_standardize_table *const mg_standardize_tables[];

#endif
