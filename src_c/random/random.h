/* Random numbers of a block, two per block of Philox. Table of one variant.
   Element e takes words 2 (e mod 2) (low) and 2 (e mod 2) + 1 (high) of block e div 2; k is the upper 53 of these 64
   bits. uniform: low + (high - low) k 2^-53. normal: mean + std z with z the normal quantile of (k + 1/2) 2^-53.
   All in float64, rounded once at the end. */
#ifndef MG_RANDOM_H
#define MG_RANDOM_H
#include <stddef.h>
#include "random/stream.h"

typedef struct {
    void (*normal_quantile)(size_t n, const double *q, double *out); /* of 1/2 + q, |q| < 1/2 */
    void (*random_bits)(size_t n, uint64_t *out, mg_stream stream);
    void (*uniform_f32)(size_t n, float *out, mg_stream stream, double low, double high);
    void (*uniform_f64)(size_t n, double *out, mg_stream stream, double low, double high);
    void (*normal_f32)(size_t n, float *out, mg_stream stream, double mean, double std);
    void (*normal_f64)(size_t n, double *out, mg_stream stream, double mean, double std);
} mg_random_table;

extern const mg_random_table *const mg_random_tables[];

#endif
