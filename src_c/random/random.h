/* Random numbers, two per block of Philox: the arguments of the kernels, and the table of one variant.
   Element e takes words 2 (e mod 2) (low) and 2 (e mod 2) + 1 (high) of block e div 2; k is the upper 53 of these 64
   bits. uniform: low + (high - low) k 2^-53. normal: mean + std z with z the normal quantile of (k + 1/2) 2^-53.
   All in float64, rounded once at the end. */
#ifndef MG_RANDOM_H
#define MG_RANDOM_H
#include <stddef.h>
#include "random/stream.h"

typedef struct {
    size_t n;
    void *out;                              /* of random_bits: uint64_t */
    mg_stream stream;
    double a, b;                            /* low and high of uniform, mean and std of normal */
    int precision;
} mg_random_args;

/* n elements from `first` on. normal_quantile: of 1/2 + q, |q| < 1/2. */
typedef void (*mg_fill)(const mg_random_args *p, size_t first, size_t n);
typedef struct {
    void (*normal_quantile)(size_t n, const double *q, double *out);
    mg_fill random_bits;
    mg_fill uniform[2], normal[2];
} mg_random_table;

extern const mg_random_table *const mg_random_tables[];

#endif
