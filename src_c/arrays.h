/* Gathers of rows. Table of one variant; Cython's view of it is minigrad/kernels/_c.pxd. */
#ifndef MG_ARRAYS_H
#define MG_ARRAYS_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    void (*take)(size_t n, size_t bytes, const char *x, const int64_t *index, char *out);
} mg_arrays_table;

extern const mg_arrays_table *const mg_arrays[];

#endif
