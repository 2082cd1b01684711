/* Elementwise maps of rows that are contiguous, one repeated element, or strided; out is contiguous (rows, n).
   Equal to elementwise_naive.c, bit for bit. */
#ifndef real
#include "elementwise.h"
#include "functions.h"

/* Strided rows are read tile by tile into a buffer of this many elements. 16 floats of a transposed array are one cache
   line, so a tile of 16 rows reads it once. */
enum { TILE = 1024, TILE_ROWS = 16 };

#define MG_SOURCE "elementwise.c"
#include "mg_both.h"

const mg_elementwise_table MG_TABLE(elementwise) = {MG_BOTH(map), MG_BOTH(convert)};

#else

INLINE vec V(apply)(const int op, vec a, vec b) {
    const vec zero = {0}, one = V(set1)(1);
    switch (op) {
    case mg_op_neg: return -a;
    case mg_op_abs: return V(abs)(a);
    case mg_op_sign: return V(select)(V(eq)(a, a), V(select)(V(eq)(a, zero), zero, V(copysign)(one, a)), a);
    case mg_op_sqrt: return V(sqrt)(a);
    case mg_op_exp: return V(exp)(a);
    case mg_op_log: return V(log)(a);
    case mg_op_tanh: return V(tanh)(a);
    case mg_op_sigmoid: return V(sigmoid)(a);
    case mg_op_relu: return V(select)(V(le)(a, zero), zero, a);
    case mg_op_add: return a + b;
    case mg_op_sub: return a - b;
    case mg_op_mul: return a * b;
    case mg_op_div: return a / b;
    case mg_op_relu_grad: return V(select)(V(lt)(zero, b), a, V(select)(V(eq)(b, b), zero, b));
    case mg_op_tanh_grad: return a * (one - b * b);
    case mg_op_sigmoid_grad: return a * (b * (one - b));
    default: return a;
    }
}

/* One row. A step is 1, or 0 for an operand that is one vector, the same for all elements.
   Four vectors at a time: a function of one vector is a chain that leaves the units idle. */
INLINE void FN(row)(const int op, size_t n, const real *a, size_t a_step, const real *b, size_t b_step, real *out) {
    size_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        vec y[4];
        UNROLL for (int k = 0; k < 4; k++)
            y[k] = V(apply)(op, V(load)(a + (i + k * W) * a_step), V(load)(b + (i + k * W) * b_step));
        UNROLL for (int k = 0; k < 4; k++) V(store)(out + i + k * W, y[k]);
    }
    for (; i + W <= n; i += W) V(store)(out + i, V(apply)(op, V(load)(a + i * a_step), V(load)(b + i * b_step)));
    if (i < n) {
        const vec x = V(load_part)(a + i * a_step, n - i), y = V(load_part)(b + i * b_step, n - i);
        V(store_part)(out + i, n - i, V(apply)(op, x, y));
    }
}

#include "transpose.h"

/* The rows at y, `step` elements apart, = x. */
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

/* Where row() can start reading operand x: at x itself, or at `repeated`, filled with its one element. */
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

INLINE void FN(rows)(const int op, size_t rows, size_t n, mg_operand a, mg_operand b, real *out) {
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
            if (op == mg_op_copy) {
                FN(gather)(height, width, x, to, n);
                continue;
            }
            x = FN(contiguous)(height, width, x, a_tile);
            y = op < mg_op_add ? x : FN(contiguous)(height, width, y, b_tile);
            for (size_t k = 0; k < height; k++, x.p += x.row, y.p += y.row, to += n)
                FN(row)(op, width, (const real *)x.p, 1, (const real *)y.p, 1, to);
        }
}

/* out[r][j] = op(a[r][j], b[r][j]); an op of one operand does not read b. Each case is the loop made for one op. */
static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, real *out) {
    switch (op) {
#define CASE(name) case mg_op_##name: FN(rows)(mg_op_##name, rows, n, a, b, out); return;
    MG_UNARY(CASE) MG_BINARY(CASE)
#undef CASE
    }
}

#if real_bits == 32
#define other double
#else
#define other float
#endif

/* out = x in the other precision; to float32 rounded to nearest. */
static void FN(convert)(size_t rows, size_t n, mg_operand x, other *out) {
    for (size_t r = 0; r < rows; r++, x.p += x.row, out += n)
        if (x.col == sizeof(real))
            for (size_t j = 0; j < n; j++) out[j] = (other)((const real *)x.p)[j];
        else
            for (size_t j = 0; j < n; j++) out[j] = (other)*(const real *)(x.p + (ptrdiff_t)j * x.col);
}
#undef other

#endif
