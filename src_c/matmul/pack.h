/* Copies of a and b that a tile reads at full speed. Included by matmul.c, once per precision. */

#include "matmul/panel.h"

/* c (m, n) = activation(c). Tiles apply relu themselves; tanh and sigmoid are here, because a copy of their code in
   each tile would be long. */
static void FN(activate)(int activation, size_t m, size_t n, real *c, ptrdiff_t c_row) {
    for (size_t i = 0; i < m; i++, c += c_row)
        for (size_t j = 0; j < n; j += W) {
            const size_t part = n - j < W ? n - j : W;
            V(store_part)(c + j, part, FN(activated)(activation, V(load_part)(c + j, part)));
        }
}

/* to (m, n) = from (m, n), both with contiguous rows. */
static void FN(copy_rows)(size_t m, size_t n, const real *from, ptrdiff_t row, real *to, ptrdiff_t to_row) {
    for (size_t i = 0; i < m; i++) memcpy(to + (ptrdiff_t)i * to_row, from + (ptrdiff_t)i * row, n * sizeof(real));
}

/* The same for contiguous columns (n of them, `col` apart), in groups of ROWS_2 rows: to = group (n, ROWS_2), group,
   ... so that a tile reads its a from front to back. */
static void FN(pack_columns)(size_t m, size_t n, const real *from, ptrdiff_t col, real *to) {
    for (size_t k = 0; k < n; k++, from += col)
        for (size_t i = 0; i < m; i += ROWS_2) {
            const size_t rows = m - i < ROWS_2 ? m - i : ROWS_2;
            real *group = to + i * n + k * rows;
            __builtin_prefetch(from + 8 * col + i);
            for (size_t r = 0; r < rows; r += W) {
                const size_t part = rows - r < W ? rows - r : W;
                V(store_part)(group + r, part, V(load_part)(from + i + r, part));
            }
        }
}

/* Writes rows i0 .. i0 + m of the turned product t, transposed, to c: adds what c holds if `add`, and in the last chunk
   (`ends`) the bias, and applies the activation. */
static void FN(turn_back)(const mg_product *t, size_t i0, size_t m, int add, int ends, const real *strip,
                          ptrdiff_t row) {
    for (size_t j = 0; j < t->n; j += W) {
        const size_t high = t->n - j < W ? t->n - j : W;
        for (size_t i = 0; i < m; i += W) {
            const size_t wide = m - i < W ? m - i : W;
            const real *from = strip + (ptrdiff_t)i * row + j;
            real *c = (real *)t->c + (ptrdiff_t)j * t->c_row + i0 + i;
            vec rows[W];
            if (wide == W) FN(transpose)(from, row, rows);
            else FN(transpose_part)(from, row, wide, W, rows);
            for (size_t r = 0; r < high; r++, c += t->c_row) {
                vec y = add ? V(load_part)(c, wide) + rows[r] : rows[r];
                if (ends && t->bias) y += V(load_part)((const real *)t->bias + i0 + i, wide);
                V(store_part)(c, wide, ends ? FN(activated)(t->activation, y) : y);
            }
        }
    }
}
