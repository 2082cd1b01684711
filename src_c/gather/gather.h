/* Gathers, scatters and copies into strided arrays. Table of one variant. */
#ifndef MG_ARRAYS_H
#define MG_ARRAYS_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    void (*take)(size_t n, size_t bytes, const char *x, const int64_t *index, char *out);
    void (*place)(size_t rows, size_t n, size_t bytes, const char *x, char *out, ptrdiff_t row, ptrdiff_t column);
    void (*add_at_f32)(size_t n, size_t width, size_t row, const float *x, const int64_t *index, float *out);
    void (*add_at_f64)(size_t n, size_t width, size_t row, const double *x, const int64_t *index, double *out);
} mg_gather_table;

extern const mg_gather_table *const mg_gather_tables[];

#endif
