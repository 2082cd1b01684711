/* The plain meaning of arrays.c: one byte at a time. Variant `naive`. */
#include "arrays.h"
#include "variants.h"

/* out[i] = x[index[i]], rows of `bytes` bytes. */
static void take(size_t n, size_t bytes, const char *x, const int64_t *index, char *out) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < bytes; k++) out[i * bytes + k] = x[(size_t)index[i] * bytes + k];
}

const mg_arrays_table MG_TABLE(arrays) = {take};
