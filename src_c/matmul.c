/* Matrix products. Equal to matmul_naive.c, bit for bit: each element is the same chains of fma, in another order of
   elements. Here: blocks of c that reuse what the caches hold; matmul_pack.h: copies that make operands contiguous;
   matmul_tile.h: a block in registers; matvec.h: products with a vector. */
#ifndef real
#include "matmul.h"
#include "functions.h"

#if MG_BYTES == 64                          /* 28 sums + 2 rows of b + 1 of a fill 31 of the 32 registers */
enum { ROWS_1 = 24, ROWS_2 = 14, WIDE = 8 };
#else                                       /* 12 + 2 + 1 of 16 */
enum { ROWS_1 = 12, ROWS_2 = 6, WIDE = 4 };
#endif
enum { VN_MAX = WIDE, COLUMNS = 112, SMALL = 32768 };   /* SMALL: bytes of scratch that come from the stack */

/* Processors with masks read the last, narrow vector of a row in place; for others its panel is copied and padded. */
#if MG_BYTES > 16
#define RAGGED_LOAD(p, n) V(load_part)(p, n)
enum { PADS = 0 };
#else
#define RAGGED_LOAD(p, n) V(load)(p)
enum { PADS = 1 };
#endif

#define MG_SOURCE "matmul.c"
#include "mg_both.h"

const mg_matmul_table MG_TABLE(matmul) = {MG_BOTH(matmul_scratch), MG_BOTH(matmul), MG_BOTH(matvec)};

#else
enum { FN(chunk) = 4096 / sizeof(real) };

#include "matmul_tile.h"
#include "matmul_pack.h"
#include "matvec.h"

/* Blocks of c, and copies: of a block of a, which stays in the second cache while panel after panel of b meets it; of a
   panel of b, or of all panels of a chunk if several blocks of a need them. In numbers of scratch. */
typedef struct {
    int pack_a, pack_b, keep_b;
    size_t rows, columns, panels, numbers;
} FN(plan);

/* Columns of the next panel: a few vectors, the last of which may be narrow. */
static size_t FN(panel)(const mg_matmul_args *p, size_t n) {
    const size_t width = p->m <= 3 && p->b_col == 1 && n >= WIDE * W ? WIDE * W : n > W ? 2 * W : W;
    return n < width ? n : width;
}

static FN(plan) FN(make_plan)(const mg_matmul_args *p) {
    const size_t k = p->k < FN(chunk) ? p->k : FN(chunk), rows = 168 * FN(chunk) / (k + 1);
    const int large_b = k * p->n > FN(chunk) * 256 || p->b_row * (ptrdiff_t)sizeof(real) % 2048 == 0;
    const int large_a = k * p->m > FN(chunk) * 112 || p->a_row * (ptrdiff_t)sizeof(real) % 2048 == 0;
    FN(plan) q = {.rows = p->m < rows ? p->m : rows};
    q.pack_b = p->b_col != 1 || (PADS && p->n % W) || (p->m >= 64 && large_b);
    q.pack_a = p->m >= 64 && large_a && p->n >= 128 && (p->a_row == 1 || p->a_col == 1);
    q.keep_b = q.pack_b && p->m > q.rows;
    q.columns = q.keep_b && p->n > 4096 ? 4096 : p->n;
    q.panels = q.pack_b ? k * ((q.keep_b ? q.columns : FN(panel)(p, p->n)) + W) : 0;
    q.numbers = q.panels + (q.pack_a ? (k + 16) * (q.rows + 16) : 0);
    return q;
}

/* Whether c is computed as the transpose of b^T a^T, COLUMNS columns at a time: then the small a is transposed, not the
   large b, whose columns are contiguous. Same chains, same bits. */
static int FN(turns)(const mg_matmul_args *p) {
    return p->b_row == 1 && p->b_col != 1 && p->m >= W && p->n >= W && p->m * (p->k + p->n) < p->n * p->k;
}

/* The transposed product of columns j .. j + n of c; its result is `turned`, with rows of whole vectors. */
static mg_matmul_args FN(turn)(const mg_matmul_args *p, size_t j, size_t n, real *turned) {
    return (mg_matmul_args){
        .m = n, .n = p->m, .k = p->k, .b = p->a, .b_row = p->a_col, .b_col = p->a_row,
        .a = (const real *)p->b + (ptrdiff_t)j * p->b_col, .a_row = p->b_col, .a_col = p->b_row,
        .c = turned, .c_row = (ptrdiff_t)((p->m + W - 1) / W * W),
    };
}

/* Numbers of scratch: a panel of b, a block of a; or a block of c. */
static size_t FN(numbers)(const mg_matmul_args *p) {
    if (p->accumulate && p->k > FN(chunk)) {
        mg_matmul_args q = *p;
        q.accumulate = 0;
        return p->m * p->n + FN(numbers)(&q);
    }
    if (FN(turns)(p)) {
        const mg_matmul_args q = FN(turn)(p, 0, p->n < COLUMNS ? p->n : COLUMNS, NULL);
        return q.m * (size_t)q.c_row + FN(make_plan)(&q).numbers;
    }
    return FN(make_plan)(p).numbers;
}

static size_t FN(matmul_scratch)(const mg_matmul_args *p) {
    const size_t bytes = FN(numbers)(p) * sizeof(real);
    return bytes > SMALL ? bytes : 0;
}

/* Rows i0 .. i0 + m of c, one chunk of k. */
static void FN(block)(const mg_matmul_args *p, FN(plan) q, size_t i0, size_t m, size_t k0, real *scratch) {
    const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
    const int ends = k0 + k == p->k;
    const real *a = (const real *)p->a + (ptrdiff_t)i0 * p->a_row + (ptrdiff_t)k0 * p->a_col;
    const real *b = (const real *)p->b + (ptrdiff_t)k0 * p->b_row;
    FN(tile_args) t = {
        .k = k, .a_row = p->a_row, .a_col = p->a_col, .b_row = p->b_row, .c_row = p->c_row,
        .add = k0 > 0 || p->accumulate, .relu = ends && p->activation == MG_ACT_RELU,
    };
    if (q.pack_a) {
        real *packed = scratch + q.panels;
        if (p->a_row == 1) FN(pack_columns)(m, k, a, p->a_col, packed);
        else FN(copy_rows)(m, k, a, p->a_row, packed, t.a_row = (ptrdiff_t)k + 16);
        a = packed;
    }
    const int groups = q.pack_a && p->a_row == 1;   /* of ROWS_2 rows, as pack_columns leaves them */
    size_t width;
    for (size_t j = 0; j < p->n; j += width, b += (ptrdiff_t)width * p->b_col) {
        width = FN(panel)(p, p->n - j);
        const size_t vectors = (width + W - 1) / W;
        const size_t most = groups || vectors == 2 ? ROWS_2 : vectors == 1 ? ROWS_1 : 3;
        size_t first = 0;
        t.n = width, t.b = b, t.bias = ends && p->bias ? (const real *)p->bias + j : NULL;
        if (q.pack_b) {
            real *panel = q.keep_b ? scratch + j * k : scratch;
            if (q.keep_b && i0 > 0) {
                                            /* the first block of rows left it here */
            } else if (p->b_col == 1 && vectors == 2 && m >= ROWS_2 && !(PADS && width % W)) {
                t.b = b, t.b_row = p->b_row, t.panel = panel, t.a = a, t.a_col = groups ? ROWS_2 : p->a_col;
                t.c = (real *)p->c + (ptrdiff_t)i0 * p->c_row + j;
                FN(tile_packing)(&t);
                first = ROWS_2;
            } else FN(pack_panel)(k, width, b, p->b_row, p->b_col, panel);
            t.b = panel, t.b_row = (ptrdiff_t)(vectors * W);
        }
        const size_t tiles = (m - first + most - 1) / most;
        for (size_t s = 0; s < tiles; s++) {        /* as even as possible: 32 rows are 11 + 11 + 10, not 14 + 14 + 4 */
            size_t i = first + (m - first) * s / tiles, rows = first + (m - first) * (s + 1) / tiles - i;
            t.a = a + (ptrdiff_t)i * t.a_row;
            if (groups) {
                i = first + s * ROWS_2, rows = m - i < ROWS_2 ? m - i : ROWS_2;
                t.a = a + i * k, t.a_col = (ptrdiff_t)rows;
            }
            t.c = (real *)p->c + (ptrdiff_t)(i0 + i) * p->c_row + j;
            if (vectors == 1) FN(tile_1)(&t, rows);
            else if (vectors == 2) FN(tile_2)(&t, rows);
            else FN(tile_wide)(&t, rows);
        }
        if (ends && p->activation > MG_ACT_RELU)
            FN(activate)(p->activation, m, width, (real *)p->c + (ptrdiff_t)i0 * p->c_row + j, p->c_row);
    }
}

static void FN(blocks)(const mg_matmul_args *p, real *scratch) {
    const FN(plan) q = FN(make_plan)(p);
    const size_t blocks = (p->m + q.rows - 1) / q.rows;
    for (size_t j = 0; j < p->n; j += q.columns) {
        mg_matmul_args part = *p;
        part.n = p->n - j < q.columns ? p->n - j : q.columns;
        part.b = (const real *)p->b + (ptrdiff_t)j * p->b_col;
        part.c = (real *)p->c + j;
        part.bias = p->bias ? (const real *)p->bias + j : NULL;
        size_t k = 0;
        do
            for (size_t s = 0; s < blocks; s++) {
                const size_t i = p->m * s / blocks, rows = p->m * (s + 1) / blocks - i;
                FN(block)(&part, q, i, rows, k, scratch);
            }
        while ((k += FN(chunk)) < p->k);
    }
}

static void FN(turned_blocks)(const mg_matmul_args *p, real *scratch) {
    const size_t blocks = (p->n + COLUMNS - 1) / COLUMNS;
    for (size_t s = 0; s < blocks; s++) {
        const size_t j0 = p->n * s / blocks, columns = p->n * (s + 1) / blocks - j0;
        const mg_matmul_args q = FN(turn)(p, j0, columns, scratch);
        FN(blocks)(&q, scratch + columns * (size_t)q.c_row);
        for (size_t j = 0; j < q.m; j += W) {
            const size_t n = q.m - j < W ? q.m - j : W;
            const vec bias = p->bias ? V(load_part)((const real *)p->bias + j0 + j, n) : (vec){0};
            for (size_t i = 0; i < q.n; i += W) {
                const size_t m = q.n - i < W ? q.n - i : W;
                const real *from = scratch + j * q.c_row + i;
                real *c = (real *)p->c + (ptrdiff_t)i * p->c_row + j0 + j;
                vec rows[W];
                if (n == W) FN(transpose)(from, q.c_row, rows);
                else FN(transpose_part)(from, q.c_row, n, W, rows);
                for (size_t t = 0; t < m; t++, c += p->c_row) {
                    vec y = p->bias ? rows[t] + bias : rows[t];
                    y = FN(activated)(p->activation, y);
                    V(store_part)(c, n, p->accumulate ? V(load_part)(c, n) + y : y);
                }
            }
        }
    }
}

static void FN(matmul)(const mg_matmul_args *p, void *scratch) {
    _Alignas(64) char small[SMALL];
    real *memory = scratch ? scratch : (void *)small;
    mg_matmul_args q = *p;
    const int apart = p->accumulate && p->k > FN(chunk);    /* the sum over chunks, finished before it is added */
    if (apart) {
        q.c = memory, q.c_row = (ptrdiff_t)p->n, q.accumulate = 0;
        memory += p->m * p->n;
    }
    if (FN(turns)(p)) FN(turned_blocks)(&q, memory);
    else FN(blocks)(&q, memory);
    if (apart)
        for (size_t i = 0; i < p->m; i++)
            for (size_t j = 0; j < p->n; j++)
                ((real *)p->c)[(ptrdiff_t)i * p->c_row + j] += ((real *)q.c)[i * p->n + j];
}

#endif
