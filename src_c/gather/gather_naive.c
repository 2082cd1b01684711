/* The plain meaning of gather.c: one byte, or one number, at a time. Variant `naive`. */
#ifndef real
#include "gather/gather.h"
#include "base/variants.h"

/* out[i] = x[index[i]], rows of `bytes` bytes. */
static void take(const mg_rows_args *p, size_t slice, size_t first, size_t n) {
    const size_t bytes = p->size * p->bytes;
    const char *x = (const char *)p->x + slice * p->few * bytes;
    const int64_t *index = p->index + first;
    char *out = (char *)p->out + (slice * p->n + first) * bytes;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < bytes; k++) out[i * bytes + k] = x[(size_t)index[i] * bytes + k];
}

/* out[i, j] = x[i, j], items of `bytes` bytes; out has strides, in bytes. */
static void place(size_t rows, size_t n, size_t bytes, const char *x, char *out, ptrdiff_t row, ptrdiff_t column) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < bytes; k++)
                out[(ptrdiff_t)i * row + (ptrdiff_t)j * column + (ptrdiff_t)k] = x[(i * n + j) * bytes + k];
}

#define MG_SOURCE "gather/gather_naive.c"
#include "base/mg_both.h"

const mg_gather_table MG_TABLE(gather) = {
    .take = take,
    .place = place,
    .add_at = {mg_add_at_f32, mg_add_at_f64},
};

#else

/* out[index[i], j] += x[i, j] for j < width, i rising; rows are `row` elements apart. */
static void FN(add_at)(const mg_rows_args *p, size_t slice, size_t first, size_t width) {
    const size_t n = p->n, row = p->size;
    const real *x = (const real *)p->x + slice * n * row + first;
    const int64_t *index = p->index;
    real *out = (real *)p->out + slice * p->few * row + first;
    for (size_t j = 0; j < width; j++)
        for (size_t i = 0; i < n; i++) out[(size_t)index[i] * row + j] += x[i * row + j];
}

#endif
