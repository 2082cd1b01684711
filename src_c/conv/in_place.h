/* Sums over taps that read the planes in place, by rows of places. Included by conv.c, once per precision.

   A vector is W places of one row. The numbers that its taps read are at fixed distances in the planes (`where`, one
   for each k), so nothing is copied. Some loads then lie in two cache lines, which a panel avoids, but they take less
   time than filling the panel. If a row of places is longer than W, its last vector ends with it and overlaps the one
   before; if it is shorter, the results of the other lanes are not stored. A tile of filters computes two vectors at
   once.

       places of a row       0 ... W-1 | W ... 2W-1 | ... n-1          rows of 14 with W = 16:
       vectors               [---0---]  [---1---]                      [---0-------]      two lanes unused
                                             [---2---]  ends with n    [---1-------]      the next row                */

/* What a tile computes: `rows` filters at the places of one or two vectors. */
typedef struct {
    size_t k, n;                            /* n: places of each vector, W or fewer */
    const uint32_t *where;                  /* the index of the tap of each k in the planes, from the first place */
    const real *a, *planes, *bias;          /* planes: at the first vector; bias: one for each filter, or NULL */
    real *c;                                /* at the first vector */
    size_t a_row, c_row;
    ptrdiff_t from, to;                     /* from the first vector to the second, in the planes and in c */
    int add, relu;
} FN(taps_args);

INLINE void FN(taps)(const FN(taps_args) *t, const int R, const int VN) {
    const size_t a_row = t->a_row;
    const uint32_t *where = t->where;
    const real *planes = t->planes, *a[8];
    const ptrdiff_t from = t->from;
    vec sum[28] = {{0}};
    UNROLL for (int g = 0; 3 * g < R; g++) a[g] = t->a + 3 * (size_t)g * a_row;
    for (size_t k = t->k; k > 0; k--) {
        const real *b = planes + *where++;
        if (k % 16 == 0)                    /* R rows of filters are more streams than processors fetch by themselves */
            UNROLL for (int i = 0; i < R; i++) __builtin_prefetch(a[i / 3] + (size_t)(i % 3) * a_row + 16);
        vec seen[2];
        seen[0] = V(load)(b);
        if (VN == 2) seen[1] = V(load)(b + from);
        UNROLL for (int i = 0; i < R; i++) {
            const vec x = V(set1)(a[i / 3][(size_t)(i % 3) * a_row]);
            UNROLL for (int v = 0; v < VN; v++) sum[i * VN + v] = V(fma)(x, seen[v], sum[i * VN + v]);
        }
        UNROLL for (int g = 0; 3 * g < R; g++) a[g]++;
    }
    __asm__("" : "+r"(t));                  /* so that compilers do not keep the addresses of c during the loop */
    real *const c = t->c;
    const size_t n = t->n, c_row = t->c_row;
    const ptrdiff_t to = t->to;
#define EACH_SUM UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < VN; v++)
#define AT ((size_t)i * c_row) + (v ? to : 0)
    if (t->add) EACH_SUM sum[i * VN + v] = V(load_part)(c + AT, n) + sum[i * VN + v];
    if (t->bias) EACH_SUM sum[i * VN + v] += V(set1)(t->bias[i]);
    if (t->relu) EACH_SUM sum[i * VN + v] = FN(relu)(sum[i * VN + v]);
    if (n == W) EACH_SUM V(store)(c + AT, sum[i * VN + v]);
    else EACH_SUM V(store_part)(c + AT, n, sum[i * VN + v]);
#undef EACH_SUM
#undef AT
}

#define ROWS(r, v) case r: FN(taps)(t, r, v); break;
#define ROWS6(r, v) ROWS(r, v) ROWS(r + 1, v) ROWS(r + 2, v) ROWS(r + 3, v) ROWS(r + 4, v) ROWS(r + 5, v)

NOINLINE static void FN(taps_1)(const FN(taps_args) *t, size_t rows) {
    switch (rows) {
        ROWS6(1, 1) ROWS6(7, 1)
#if MG_BYTES == 64
        ROWS6(13, 1) ROWS6(19, 1)
#endif
    }
}

NOINLINE static void FN(taps_2)(const FN(taps_args) *t, size_t rows) {
    switch (rows) {
        ROWS6(1, 2)
#if MG_BYTES == 64
        ROWS6(7, 2) ROWS(13, 2) ROWS(14, 2)
#endif
    }
}

#undef ROWS
#undef ROWS6

/* Computes vectors first .. first + n of the places, for all filters of a group. */
static void FN(vectors_in_place)(const FN(phase) *f, const real *a, const real *bias, size_t first, size_t n,
                                 real *result) {
    const size_t columns = f->result_columns, each = (columns + W - 1) / W, places = f->result_rows * columns;
    const int activation = f->p->activation;
    for (size_t v = first; v < first + n; v += 2) {
        size_t row[2], column[2];
        for (size_t i = 0; i < 2; i++) {
            const size_t q = v + i < first + n ? v + i : v;
            row[i] = q / each, column[i] = q % each * W;
            if (column[i] + W > columns && columns > W) column[i] = columns - W;
        }
        const size_t c = row[0] * columns + column[0], to = row[1] * columns + column[1] - c;
        const size_t from = (row[1] - row[0]) * mg_row_step(&f->plane) + column[1] - column[0];
        FN(taps_args) t = {
            .n = columns < W ? columns : W, .a_row = f->a_row, .c_row = places, .to = (ptrdiff_t)to, .from = (ptrdiff_t)from,
            .planes = f->source + row[0] * mg_row_step(&f->plane) + column[0],
        };
        const size_t most = v + 1 < first + n ? ROWS_2 : ROWS_1, tiles = (f->filters + most - 1) / most;
        for (size_t s = 0; s < tiles; s++) {
            const size_t m = f->filters * s / tiles, rows = f->filters * (s + 1) / tiles - m;
            t.c = result + m * places + c;
            size_t k0 = 0;
            do {
                const size_t left = f->k - k0;
                t.k = left < FN(chunk) ? left : FN(chunk), t.a = a + m * f->a_row + k0, t.where = f->where + k0;
                t.add = k0 > 0, t.bias = bias && t.k == left ? bias + m : NULL;
                t.relu = t.k == left && activation == MG_ACT_RELU;
                if (most == ROWS_2) FN(taps_2)(&t, rows);
                else FN(taps_1)(&t, rows);
            } while ((k0 += FN(chunk)) < f->k);
        }
        if (activation && activation != MG_ACT_RELU)
            FN(finish)(f->p, NULL, f->filters, to + t.n, result + c, places);
    }
}
