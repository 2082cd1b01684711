/* Calls the row function of a family for each row of the operands, which may be contiguous, one repeated element, or
   strided. Included by a body, once per precision, behind its FN(row)(op, n, a, a_step, b, b_step, out), which computes
   one row: a step is 1, or 0 for an operand that is one vector, the same for all elements. */
#ifndef MG_ROWS_H
#define MG_ROWS_H
#include "base/operand.h"
#include "base/simd.h"

/* Strided rows are read tile by tile into a buffer of this many elements. 16 floats of a transposed array are one cache
   line, so a tile of 16 rows reads it once. */
enum { TILE = 1024, TILE_ROWS = 16 };

#endif

#include "base/transpose.h"

/* Copies the rows of x to rows at y that are `step` elements apart. */
static void FN(gather)(size_t rows, size_t n, mg_operand x, real *y, size_t step) {
    const ptrdiff_t size = sizeof(real);
    if (x.row != size || rows == 1) {
        for (size_t r = 0; r < rows; r++) {
            const char *p = x.p + (ptrdiff_t)r * x.row;
            for (size_t j = 0; j < n; j++, p += x.col) y[r * step + j] = *(const real *)p;
        }
        return;
    }
    for (size_t j = 0; j < n; j += W) /* transposed: W columns of W rows at once */
        for (size_t r = 0; r < rows; r += W) {
            const size_t height = rows - r < W ? rows - r : W, width = n - j < W ? n - j : W;
            const real *p = (const real *)(x.p + (ptrdiff_t)j * x.col) + r;
            vec block[W];
            if (height == W && width == W) FN(transpose)(p, x.col / size, block);
            else FN(transpose_part)(p, x.col / size, width, height, block);
            for (size_t t = 0; t < height; t++)
                if (width == W) V(store)(y + (r + t) * step + j, block[t]);
                else V(store_part)(y + (r + t) * step + j, width, block[t]);
        }
}

/* Where row() reads operand x: at x itself, or, if x is one element, at `repeated`, which is filled with it. */
INLINE const real *FN(start)(mg_operand x, real *repeated) {
    if (x.col != 0) return (const real *)x.p;
    V(store)(repeated, V(set1)(*(const real *)x.p));
    return repeated;
}

/* x, if its rows are contiguous; else its rows gathered in `tile`. */
INLINE mg_operand FN(contiguous)(size_t rows, size_t n, mg_operand x, real *tile) {
    if (x.col == sizeof(real)) return x;
    FN(gather)(rows, n, x, tile, n);
    return (mg_operand){(const char *)tile, (ptrdiff_t)(n * sizeof(real)), sizeof(real)};
}

/* out[r][j] = op(a[r][j], b[r][j]). If `operands` is 1, b is not read; if it is 0, out is a copy of a. */
INLINE void FN(rows)(const int op, const int operands, size_t rows, size_t n, mg_operand a, mg_operand b, real *out) {
    const ptrdiff_t size = sizeof(real);
    if ((a.col == size || a.col == 0) && (b.col == size || b.col == 0)) {
        real a_one[W], b_one[W];
        for (size_t r = 0; r < rows; r++, a.p += a.row, b.p += b.row, out += n)
            if (b.col) FN(row)(op, n, FN(start)(a, a_one), a.col != 0, (const real *)b.p, 1, out);
            else FN(row)(op, n, FN(start)(a, a_one), a.col != 0, FN(start)(b, b_one), 0, out);
        return;
    }
    real a_tile[TILE], b_tile[TILE];
    const size_t tile_rows = rows < TILE_ROWS ? rows : TILE_ROWS, tile_columns = TILE / tile_rows;
    for (size_t r = 0; r < rows; r += tile_rows)
        for (size_t j = 0; j < n; j += tile_columns) {
            const size_t height = rows - r < tile_rows ? rows - r : tile_rows;
            const size_t width = n - j < tile_columns ? n - j : tile_columns;
            mg_operand x = {a.p + (ptrdiff_t)r * a.row + (ptrdiff_t)j * a.col, a.row, a.col};
            mg_operand y = {b.p + (ptrdiff_t)r * b.row + (ptrdiff_t)j * b.col, b.row, b.col};
            real *to = out + r * n + j;
            if (operands == 0) {
                FN(gather)(height, width, x, to, n);
                continue;
            }
            x = FN(contiguous)(height, width, x, a_tile);
            y = operands == 1 ? x : FN(contiguous)(height, width, y, b_tile);
            for (size_t k = 0; k < height; k++, x.p += x.row, y.p += y.row, to += n)
                FN(row)(op, width, (const real *)x.p, 1, (const real *)y.p, 1, to);
        }
}
