/* Gathers and copies of items of any dtype, as bytes; and sums at indices. Equal to gather_naive.c, bit for bit. */
#ifndef real
#include "gather/gather.h"
#include <string.h>
#include "base/simd.h"

/* out[i] = x[index[i]], both rows of `bytes` bytes.
   The two short cases compile to a load and a store, while a copy of unknown length is a function call. */
static void take(const mg_rows_args *p, size_t slice, size_t first, size_t n) {
    const size_t bytes = p->size * p->bytes;
    const char *x = (const char *)p->x + slice * p->few * bytes;
    const int64_t *index = p->index + first;
    char *out = (char *)p->out + (slice * p->n + first) * bytes;
    if (bytes == 4)
        for (size_t i = 0; i < n; i++) memcpy(out + 4 * i, x + 4 * index[i], 4);
    else if (bytes == 8)
        for (size_t i = 0; i < n; i++) memcpy(out + 8 * i, x + 8 * index[i], 8);
    else
        for (size_t i = 0; i < n; i++) memcpy(out + bytes * i, x + (size_t)index[i] * bytes, bytes);
}

INLINE void place_row(size_t n, size_t bytes, const char *x, char *out, ptrdiff_t column) {
    for (size_t j = 0; j < n; j++) memcpy(out + (ptrdiff_t)j * column, x + j * bytes, bytes);
}

/* out = x (rows, n), items of `bytes` bytes; in out, the items of a row are `column` bytes apart, rows `row` bytes. */
static void place(size_t rows, size_t n, size_t bytes, const char *x, char *out, ptrdiff_t row, ptrdiff_t column) {
    for (size_t i = 0; i < rows; i++, x += n * bytes, out += row) {
        if (column == (ptrdiff_t)bytes) memcpy(out, x, n * bytes);
        else if (bytes == 4) place_row(n, 4, x, out, column);
        else if (bytes == 8) place_row(n, 8, x, out, column);
        else place_row(n, bytes, x, out, column);
    }
}

#define MG_SOURCE "gather/gather.c"
#include "base/mg_both.h"

const mg_gather_table MG_TABLE(gather) = {
    .take = take,
    .place = place,
    .add_at = {mg_add_at_f32, mg_add_at_f64},
};

#else

/* out[index[i]] += x[i], i rising: `width` elements of rows that are `row` elements apart. */
static void FN(add_at)(const mg_rows_args *p, size_t slice, size_t first, size_t width) {
    const size_t n = p->n, row = p->size;
    const real *x = (const real *)p->x + slice * n * row + first;
    const int64_t *index = p->index;
    real *out = (real *)p->out + slice * p->few * row + first;
    if (width == 1) {
        for (size_t i = 0; i < n; i++) out[(size_t)index[i] * row] += x[i * row];
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const real *from = x + i * row;
        real *to = out + (size_t)index[i] * row;
        size_t j = 0;
        for (; j + W <= width; j += W) V(store)(to + j, V(load)(to + j) + V(load)(from + j));
        if (j < width) {
            const vec sum = V(load_part)(to + j, width - j) + V(load_part)(from + j, width - j);
            V(store_part)(to + j, width - j, sum);
        }
    }
}

#endif
