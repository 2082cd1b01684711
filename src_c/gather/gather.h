/* Gathers, scatters and copies into strided arrays: the arguments of the kernels, and the table of one variant. */
#ifndef MG_GATHER_H
#define MG_GATHER_H
#include <stddef.h>
#include <stdint.h>

/* take: out[o, i] = x[o, index[i]] for rows of `size` items; x is (outer, few, size), out (outer, n, size).
   add_at: out[o, index[i]] += x[o, i], i rising; out is (outer, few, size), x (outer, n, size). */
typedef struct {
    size_t outer, n, few;                   /* n: entries of index; few: rows that it can name */
    size_t size, bytes;                     /* items of a row, bytes of an item */
    const void *x;
    const int64_t *index;
    void *out;
} mg_rows_args;

/* An axis of out; its items are `stride` bytes apart. */
typedef struct {
    size_t length;
    ptrdiff_t stride;
} mg_place_axis;

/* out = x: x contiguous, out of any strides. */
enum { MG_PLACE_AXES = 64 };
typedef struct {
    size_t bytes;                           /* of an item */
    const void *x;
    void *out;
    int axes;                               /* 2 at least */
    mg_place_axis axis[MG_PLACE_AXES];      /* axis[0] is the innermost, axis[1] the rows */
} mg_place_args;

/* take: the rows first ... first + n - 1 that a slice of out receives. place: a block (rows, n), rows `row` bytes and
   items `column` bytes apart in out. add_at, by precision: all entries of index, for n columns of a slice. */
typedef struct {
    void (*take)(const mg_rows_args *p, size_t slice, size_t first, size_t n);
    void (*place)(size_t rows, size_t n, size_t bytes, const char *x, char *out, ptrdiff_t row, ptrdiff_t column);
    void (*add_at[2])(const mg_rows_args *p, size_t slice, size_t first, size_t n);
} mg_gather_table;

extern const mg_gather_table *const mg_gather_tables[];

#endif
