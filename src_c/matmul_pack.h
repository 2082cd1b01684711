/* Copies of a and b that a tile reads at full speed. Included by matmul.c, once per precision. */

#include "transpose.h"

/* panel = b (k, n) with rows of whole vectors, padded with zeros. */
static void FN(pack_panel)(size_t k, size_t n, const real *b, ptrdiff_t row, ptrdiff_t col, real *panel) {
    const size_t width = (n + W - 1) / W * W;
    for (size_t j = 0; j < width; j += W) {
        const size_t part = n - j < W ? n - j : W;
        const real *from = b + (ptrdiff_t)j * col;
        real *to = panel + j;
        if (col == 1) {
            for (size_t i = 0; i < k; i++) {
                const real *p = from + (ptrdiff_t)i * row;
                V(store)(to + i * width, part == W ? V(load)(p) : V(load_part)(p, part));
            }
        } else if (row == 1) {
            for (size_t i = 0; i < k; i += W) {
                vec columns[W];
                if (k - i < W && k >= W) i = k - W; /* the last block again covers a part of the one before */
                if (part == W && k >= W) FN(transpose)(from + i, col, columns);
                else FN(transpose_part)(from + i, col, part, k - i < W ? k - i : W, columns);
                for (size_t t = 0; t < W && i + t < k; t++) V(store)(to + (i + t) * width, columns[t]);
            }
        } else {
            for (size_t i = 0; i < k; i++)
                for (size_t t = 0; t < W; t++)
                    to[i * width + t] = t < part ? from[(ptrdiff_t)i * row + (ptrdiff_t)t * col] : 0;
        }
    }
}

/* to (m, n) = from (m, n), both with contiguous rows. */
static void FN(copy_rows)(size_t m, size_t n, const real *from, ptrdiff_t row, real *to, ptrdiff_t to_row) {
    for (size_t i = 0; i < m; i++) memcpy(to + (ptrdiff_t)i * to_row, from + (ptrdiff_t)i * row, n * sizeof(real));
}

/* The same for contiguous columns (n of them, `col` apart), in groups of ROWS_2 rows: to = group (n, ROWS_2), group, ...
   so that a tile reads its a from front to back. */
static void FN(pack_columns)(size_t m, size_t n, const real *from, ptrdiff_t col, real *to) {
    for (size_t k = 0; k < n; k++, from += col)
        for (size_t i = 0; i < m; i += ROWS_2) {
            const size_t rows = m - i < ROWS_2 ? m - i : ROWS_2;
            real *group = to + i * n + k * rows;
            __builtin_prefetch(from + 8 * col + i);
            for (size_t r = 0; r < rows; r += W)
                V(store_part)(group + r, rows - r < W ? rows - r : W, V(load_part)(from + i + r, rows - r < W ? rows - r : W));
        }
}
