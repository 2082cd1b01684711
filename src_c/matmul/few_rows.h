/* Products with few rows: c (R, n) = a (R, k) b for R <= FEW. Included by matmul.c, once per precision.

   Every number of b is used only R times, so reading b takes longer than multiplying, and b is not copied: GROUP of its
   rows are read side by side or, if its columns are contiguous, W or 4 W columns. The sums of `stretch` columns of c
   stay in the L1 cache. */

enum { FN(stretch) = 8192 / sizeof(real) };

/* sum (R, n) += a (R, G) b (G, n), one row of b after the other; the sums start from +0 if `starts`. */
INLINE void FN(add_rows)(const int R, const int G, size_t n, const real *a, ptrdiff_t a_row, ptrdiff_t a_col,
                         const real *b, ptrdiff_t b_row, int starts, real *sum) {
    vec x[24];
    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int g = 0; g < G; g++) x[i * G + g] = V(set1)(a[i * a_row + g * a_col]);
    for (size_t j = 0; j < n; j += W) {
        const size_t part = n - j < W ? n - j : W;
        UNROLL for (int i = 0; i < R; i++) {
            real *to = sum + i * FN(stretch) + j;
            vec s = starts ? (vec){0} : V(load)(to);
            UNROLL for (int g = 0; g < G; g++) {
                const real *from = b + g * b_row + j;
                s = V(fma)(x[i * G + g], part == W ? V(load)(from) : V(load_part)(from, part), s);
            }
            V(store)(to, s);
        }
    }
}

/* sum (R, n) = a (R, k) b (k, n) for one chunk of k; the rows of b are contiguous. */
INLINE void FN(by_rows)(const int R, size_t n, size_t k, const real *a, ptrdiff_t a_row, ptrdiff_t a_col, const real *b,
                        ptrdiff_t b_row, real *sum) {
    size_t l = 0;
    for (; l + GROUP <= k; l += GROUP, a += GROUP * a_col, b += GROUP * b_row)
        FN(add_rows)(R, GROUP, n, a, a_row, a_col, b, b_row, l == 0, sum);
    for (; l < k; l++, a += a_col, b += b_row) FN(add_rows)(R, 1, n, a, a_row, a_col, b, b_row, l == 0, sum);
}

/* The same for G times W contiguous columns of b, transposed in registers; of a last group of `part` < W columns, G is
   1. An fma needs the result of the one before it in its chain. If R is 1, the chains of G = 4 groups side by side give
   the processor independent work in the meantime. */
INLINE void FN(column_group)(const int R, const int G, size_t part, size_t k, const real *a, ptrdiff_t a_row,
                             ptrdiff_t a_col, const real *b, ptrdiff_t b_col, real *sum) {
    vec s[FEW * 4], row[W];
    UNROLL for (int i = 0; i < R * G; i++) s[i] = (vec){0};
    size_t l = 0;
    if (part == W)
        for (; l + W <= k; l += W)
            UNROLL for (int g = 0; g < G; g++) {
                FN(transpose)(b + l + g * W * b_col, b_col, row);
                UNROLL for (int t = 0; t < W; t++) UNROLL for (int i = 0; i < R; i++)
                    s[i * G + g] = V(fma)(V(set1)(a[i * a_row + (ptrdiff_t)(l + t) * a_col]), row[t], s[i * G + g]);
            }
    for (; l < k; l += W) {
        const size_t deep = k - l < W ? k - l : W;
        for (int g = 0; g < G; g++) {
            FN(transpose_part)(b + l + g * W * b_col, b_col, part, deep, row);
            for (size_t t = 0; t < deep; t++) UNROLL for (int i = 0; i < R; i++)
                s[i * G + g] = V(fma)(V(set1)(a[i * a_row + (ptrdiff_t)(l + t) * a_col]), row[t], s[i * G + g]);
        }
    }
    UNROLL for (int i = 0; i < R; i++)
        UNROLL for (int g = 0; g < G; g++) V(store)(sum + i * FN(stretch) + g * W, s[i * G + g]);
}

INLINE void FN(by_columns)(const int R, size_t n, size_t k, const real *a, ptrdiff_t a_row, ptrdiff_t a_col,
                           const real *b, ptrdiff_t b_col, real *sum) {
    enum { G = 4 };
    size_t j = 0;
    if (R == 1 && !FN(page_apart)(b_col))   /* columns page_apart would push each other out of the L1 cache */
        for (; j + G * W <= n; j += G * W)
            FN(column_group)(R, G, W, k, a, a_row, a_col, b + (ptrdiff_t)j * b_col, b_col, sum + j);
    for (; j < n; j += W) {
        const size_t part = n - j < W ? n - j : W;
        FN(column_group)(R, 1, part, k, a, a_row, a_col, b + (ptrdiff_t)j * b_col, b_col, sum + j);
    }
}

static void FN(few_rows)(const mg_product *p) {
    _Alignas(64) real sum[FEW * FN(stretch)];
    for (size_t j0 = 0; j0 < p->n; j0 += FN(stretch)) {
        const size_t n = p->n - j0 < FN(stretch) ? p->n - j0 : FN(stretch);
        for (size_t k0 = 0; k0 < p->k; k0 += FN(chunk)) {
            const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
            const real *a = (const real *)p->a + (ptrdiff_t)k0 * p->a_col;
            const real *b = (const real *)p->b + (ptrdiff_t)k0 * p->b_row + (ptrdiff_t)j0 * p->b_col;
#define ROWS(r) case r: \
                if (p->b_col == 1) FN(by_rows)(r, n, k, a, p->a_row, p->a_col, b, p->b_row, sum);                      \
                else FN(by_columns)(r, n, k, a, p->a_row, p->a_col, b, p->b_col, sum);                                 \
                break;
            switch (p->m) { ROWS(1) ROWS(2) ROWS(3) }
#undef ROWS
            const int ends = k0 + k == p->k, add = k0 > 0 || p->accumulate;
            for (size_t i = 0; i < p->m; i++)
                for (size_t j = 0; j < n; j += W) {
                    const size_t part = n - j < W ? n - j : W;
                    real *c = (real *)p->c + (ptrdiff_t)i * p->c_row + j0 + j;
                    vec y = V(load)(sum + i * FN(stretch) + j);
                    if (add) y = V(load_part)(c, part) + y;
                    if (ends && p->bias) y += V(load_part)((const real *)p->bias + j0 + j, part);
                    V(store_part)(c, part, ends ? FN(activated)(p->activation, y) : y);
                }
        }
    }
}
