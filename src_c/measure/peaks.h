/* What a processor can do at best, for benchmarks/. Table of one variant. */
#ifndef MG_PEAKS_H
#define MG_PEAKS_H
#include <stddef.h>

typedef struct {
    double (*peak_fma_f32)(size_t rounds, float *sink);
    double (*peak_fma_f64)(size_t rounds, double *sink);
    void (*peak_copy_f32)(size_t n, const float *x, float *out);
    void (*peak_copy_f64)(size_t n, const double *x, double *out);
} mg_peaks_table;

extern const mg_peaks_table *const mg_peaks_tables[];

#endif
