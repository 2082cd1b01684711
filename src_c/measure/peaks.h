/* What a processor can do at best, for benchmarks/. Table of one variant. */
#ifndef MG_PEAKS_H
#define MG_PEAKS_H
#include <stddef.h>

typedef struct {
    size_t rounds, parts;                   /* parts: one for each thread */
    double *operations;                     /* additions and multiplications of a part */
    int precision;
} mg_peak_fma_args;

typedef struct {
    size_t n, parts;
    const void *x;
    void *out;
    int precision;
} mg_peak_copy_args;

/* By precision. sink is 0.5, in memory, so that the compiler cannot compute the result in advance. */
typedef struct {
    double (*peak_fma[2])(size_t rounds, void *sink);
    void (*peak_copy[2])(const mg_peak_copy_args *p, size_t first, size_t n);
} mg_peaks_table;

extern const mg_peaks_table *const mg_peaks_tables[];

#endif
