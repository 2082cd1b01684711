/* Gathers of rows, which are bytes here: any dtype. Equal to arrays_naive.c. */
#include "arrays.h"
#include <string.h>
#include "variants.h"

/* out[i] = x[index[i]], rows of `bytes` bytes.
   The two short cases are one load and one store each, where a copy of unknown length is a call. */
static void take(size_t n, size_t bytes, const char *x, const int64_t *index, char *out) {
    if (bytes == 4)
        for (size_t i = 0; i < n; i++) memcpy(out + 4 * i, x + 4 * index[i], 4);
    else if (bytes == 8)
        for (size_t i = 0; i < n; i++) memcpy(out + 8 * i, x + 8 * index[i], 8);
    else
        for (size_t i = 0; i < n; i++) memcpy(out + bytes * i, x + (size_t)index[i] * bytes, bytes);
}

const mg_arrays_table MG_TABLE(arrays) = {take};
