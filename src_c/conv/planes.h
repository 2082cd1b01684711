/* Copies of a source's planes with zeros around them, and of what the taps see in them. Included by conv.c, once per
   precision. Copies go by whole vectors, so each has W numbers of room behind it. */

enum { FN(room) = 2 * MG_BYTES / sizeof(real) };

/* One row of a plane from a row of the source, of `source` numbers. */
static void FN(fill_row)(const mg_plane *q, const real *from, real *to) {
    const ptrdiff_t source = (ptrdiff_t)q->columns.source, width = (ptrdiff_t)q->width;
    if (q->stride == 1) {
        const ptrdiff_t lead = q->left < 0 ? (-q->left < width ? -q->left : width) : 0, start = q->left + lead;
        ptrdiff_t n = source - start < width - lead ? source - start : width - lead;
        if (n < 0) n = 0;
        for (ptrdiff_t i = 0; i < lead; i++) to[i] = 0;
        memcpy(to + lead, from + (n ? start : 0), (size_t)n * sizeof(real));
        for (ptrdiff_t i = lead + n; i < width; i++) to[i] = 0;
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

/* Neighbours in a row of the result that a copy holds side by side: n of them, at `at` of the copy, at `from` of a plane
   for a tap at 0. */
typedef struct {
    size_t at, n, from;
} FN(run);

/* The runs of places first .. first + n of the result, in C order; returns how many. */
static size_t FN(runs_of)(const mg_plane *q, size_t first, size_t n, FN(run) *runs) {
    size_t count = 0, i = first / q->columns.n, j = first % q->columns.n;
    for (size_t at = 0; at < n; i++, j = 0, count++) {
        const size_t length = q->columns.n - j < n - at ? q->columns.n - j : n - at;
        runs[count] = (FN(run)){at, length, i * mg_row_step(q) + j};
        at += length;
    }
    return count;
}

/* to = what one tap sees, run after run. `from` is the tap's place in the planes. */
INLINE void FN(copy_runs)(const FN(run) *runs, size_t count, const real *from, real *to) {
    for (const FN(run) *r = runs; r < runs + count; r++) {
        const real *x = from + r->from;
        real *y = to + r->at;
        size_t i = 0;
        do V(store)(y + i, V(load)(x + i));
        while ((i += W) < r->n);
    }
}
