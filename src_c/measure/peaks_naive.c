/* The plain meaning of peaks.c: one element at a time. Variant `naive`. */
#ifndef real
#include "measure/peaks.h"
#define MG_SOURCE "measure/peaks_naive.c"
#include "base/mg_both.h"

const mg_peaks_table MG_TABLE(peaks) = {
    .peak_fma = {mg_peak_fma_f32, mg_peak_fma_f64},
    .peak_copy = {mg_peak_copy_f32, mg_peak_copy_f64},
};

#else

/* One chain c = a c + b; returns the number of operations. */
static double FN(peak_fma)(size_t rounds, void *memory) {
    real *sink = memory;
    const real a = *sink, b = R(1.0) - *sink;
    real c = 0;
    for (size_t r = 0; r < rounds; r++) c = REAL_FMA(a, c, b);
    *sink = *sink + 0 * c;
    return 2.0 * (double)rounds;
}

/* out = x, n elements. */
static void FN(peak_copy)(const mg_peak_copy_args *p, size_t first, size_t n) {
    const real *x = (const real *)p->x + first;
    real *out = (real *)p->out + first;
    for (size_t i = 0; i < n; i++) out[i] = x[i];
}

#endif
