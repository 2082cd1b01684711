/* The peak speeds of the machine: fused multiply-adds without memory, and a plain copy. Only benchmarks/ call them. */
#ifndef real
#include "measure/peaks.h"
#include "base/simd.h"
#define MG_SOURCE "measure/peaks.c"
#include "base/mg_both.h"

const mg_peaks_table MG_TABLE(peaks) = {
    .peak_fma = {mg_peak_fma_f32, mg_peak_fma_f64},
    .peak_copy = {mg_peak_copy_f32, mg_peak_copy_f64},
};

#else

/* Twelve independent chains c = a c + b: enough for two units with a latency of up to six cycles, and with a and b they
   fit into 16 registers. Returns the number of operations, additions and multiplications; because of sink
   the compiler cannot leave them out. */
static double FN(peak_fma)(size_t rounds, void *memory) {
    real *sink = memory;
    const vec a = V(set1)(*sink), b = V(set1)(R(1.0) - *sink);
    vec c[12], all = {0};
    UNROLL for (int i = 0; i < 12; i++) c[i] = V(set1)((real)i);
    for (size_t r = 0; r < rounds; r++) {
        UNROLL for (int i = 0; i < 12; i++) c[i] = V(fma)(a, c[i], b);
    }
    UNROLL for (int i = 0; i < 12; i++) all += c[i];
    *sink = *sink + 0 * all[0];
    return 2.0 * 12 * W * (double)rounds;
}

/* out = x, n elements, with ordinary loads and stores as the kernels use them. */
static void FN(peak_copy)(const mg_peak_copy_args *p, size_t first, size_t n) {
    const real *x = (const real *)p->x + first;
    real *out = (real *)p->out + first;
    size_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        UNROLL for (int j = 0; j < 4; j++) V(store)(out + i + j * W, V(load)(x + i + j * W));
    }
    for (; i < n; i++) out[i] = x[i];
}

#endif
