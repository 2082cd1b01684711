/* Copies of the planes of a source with zeros around them, and of the numbers that the taps read. Included by conv.c,
   once per precision. Copies are made by whole vectors, so there is room for 2 W numbers behind each. */

enum { FN(room) = 2 * MG_BYTES / sizeof(real) };

/* One row of a plane from a row of the source, of `source` numbers. */
static void FN(fill_row)(const mg_plane *q, const real *from, real *to) {
    const ptrdiff_t source = (ptrdiff_t)q->columns.source, width = (ptrdiff_t)q->width;
    if (q->stride == 1) {                   /* by whole vectors; the next row overwrites what is behind this one */
        const ptrdiff_t lead = q->left < 0 ? (-q->left < width ? -q->left : width) : 0, start = q->left + lead;
        const ptrdiff_t n = source - start < width - lead ? source - start : width - lead;
        ptrdiff_t i = 0;
        for (; i < lead; i += W) V(store)(to + i, (vec){0});
        for (i = 0; i + W <= n; i += W) V(store)(to + lead + i, V(load)(from + start + i));
        if (i < n) V(store)(to + lead + i, V(load_part)(from + start + i, (size_t)(n - i))), i += W;
        for (i += lead; i < width; i += W) V(store)(to + i, (vec){0});
        return;
    }
    for (size_t rest = 0; rest < q->stride; rest++, to += q->part)
        for (size_t i = 0; i < q->part; i++) {
            const ptrdiff_t at = q->left + (ptrdiff_t)(i * q->stride + rest);
            to[i] = at >= 0 && at < source ? from[at] : 0;
        }
}

/* Rows first .. first + n of a plane. */
static void FN(fill_plane)(const mg_plane *q, size_t first, size_t n, const real *source, real *to) {
    for (size_t r = first; r < first + n; r++, to += q->row) {
        const ptrdiff_t at = q->top + (ptrdiff_t)r;
        if (at >= 0 && at < (ptrdiff_t)q->rows.source)
            FN(fill_row)(q, source + (size_t)at * q->columns.source, to);
        else memset(to, 0, q->row * sizeof(real));
    }
}

/* A vector to copy: to `at` of the copy, from `from` of the planes, for a tap with index 0. */
typedef struct {
    size_t at, from;
} FN(move);

/* The moves that copy the numbers that one tap reads for places first .. first + n, in C order; returns how many, at
   most n. If a vector ends beyond its row, the next one overwrites the rest. */
static size_t FN(moves_of)(const mg_plane *q, size_t first, size_t n, FN(move) *moves) {
    size_t count = 0, i = first / q->columns.n, j = first % q->columns.n;
    for (size_t at = 0; at < n; i++, j = 0) {
        const size_t length = q->columns.n - j < n - at ? q->columns.n - j : n - at;
        for (size_t k = 0; k < length; k += W) moves[count++] = (FN(move)){at + k, i * mg_row_step(q) + j + k};
        at += length;
    }
    return count;
}
