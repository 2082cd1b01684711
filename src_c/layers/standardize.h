/* Numbers less their mean, by their standard deviation: layer, group and batch normalization; what a call says, and the
   table of one variant.

   x is (samples, groups * width, inner): channels in groups, and `inner` places in each. A row is one group of one
   sample, width * inner numbers side by side; a channel is its samples * inner numbers. xhat = (x - mean) rstd, and
   y = xhat weight + bias, with one weight and one bias for each channel; NULL stands for 1 and 0. */
#ifndef MG_STANDARDIZE_H
#define MG_STANDARDIZE_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t samples, groups, width, inner;
    const void *x, *weight, *bias;
    void *out;
    double *mean, *rstd;                    /* of each row, or of each channel: written */
    double *var;                            /* of each channel; read where `given`, with mean, else written */
    double eps;
    int center, given, precision;           /* center 0: the mean counts as 0 (rows only) */
} mg_standardize_args;

typedef struct {
    size_t samples, groups, width, inner;
    const void *g, *x, *weight;
    const double *mean, *rstd;
    void *out;                              /* the gradient of x */
    void *weight_grad, *bias_grad;          /* the sums of g xhat and of g over each channel */
    int center, given, precision;           /* given: mean and rstd do not depend on x */
} mg_standardize_grad_args;

typedef struct {
    size_t channels;
    const double *mean, *var;
    void *running_mean, *running_var;
    int64_t *count;                         /* of updates; one more after each */
    double momentum;                        /* the share of the new numbers; where `cumulative`, 1 / count */
    double correction;                      /* by which var is multiplied */
    int cumulative, precision;
} mg_running_args;

/* By precision; n rows, or n channels, from `first` on. */
typedef void (*mg_standardize_part)(const mg_standardize_args *p, size_t first, size_t n);
typedef void (*mg_standardize_grad_part)(const mg_standardize_grad_args *p, size_t first, size_t n);
typedef struct {
    mg_standardize_part standardize_rows[2], standardize_channels[2];
    mg_standardize_grad_part standardize_rows_grad[2], standardize_rows_sums[2], standardize_channels_grad[2];
    void (*running_moments[2])(const mg_running_args *p, double share, size_t first, size_t n);
} mg_standardize_table;

extern const mg_standardize_table *const mg_standardize_tables[];

#endif
