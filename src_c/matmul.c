/* Matrix products. Equal to matmul_naive.c, bit for bit: each element is the same chains of fma, in another order of
   elements. Here: blocks of c that reuse what the caches hold; matmul_pack.h: copies that make operands contiguous;
   matmul_tile.h: a block in registers; matvec.h: products with a vector. */
#ifndef real
#include "matmul.h"
#include "simd.h"

#if MG_BYTES == 64                          /* 28 sums + 2 rows of b + 1 of a fill 31 of the 32 registers */
enum { ROWS_1 = 24, ROWS_2 = 14, WIDE = 8 };
#else                                       /* 12 + 2 + 1 of 16 */
enum { ROWS_1 = 12, ROWS_2 = 6, WIDE = 4 };
#endif
enum { VN_MAX = WIDE, SMALL = 32768 };      /* SMALL: bytes of scratch that come from the stack */

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

/* Which operands are copied, and the blocks of c: rows x columns. */
typedef struct {
    int pack_a, pack_b;
    size_t rows, k;
} FN(plan);

/* Columns of the next panel: a few vectors, the last of which may be narrow. */
static size_t FN(panel)(size_t m, size_t n) {
    const size_t width = m <= 3 && n >= WIDE * W ? WIDE * W : n > W ? 2 * W : W;
    return n < width ? n : width;
}

static FN(plan) FN(make_plan)(const mg_matmul_args *p) {
    const size_t k = p->k < FN(chunk) ? p->k : FN(chunk), rows = 168 * FN(chunk) / (k + 1);
    const int large_b = k * p->n > FN(chunk) * 256 || p->b_row * (ptrdiff_t)sizeof(real) % 2048 == 0;
    const int large_a = k * p->m > FN(chunk) * 112 || p->a_row * (ptrdiff_t)sizeof(real) % 2048 == 0;
    FN(plan) q = {.k = k, .rows = p->m < rows ? p->m : rows};
    q.pack_b = p->b_col != 1 || (PADS && p->n % W) || (p->m >= 64 && large_b);
    q.pack_a = p->n >= 128 && p->m >= 64 && large_a && (p->a_col == 1 || p->a_row == 1);
    return q;
}

static size_t FN(matmul_scratch)(const mg_matmul_args *p) {
    const FN(plan) q = FN(make_plan)(p);
    size_t numbers = 0;
    if (q.pack_b) numbers += q.k * (FN(panel)(p->m, p->n) + W);
    if (q.pack_a) numbers += (q.k + 16) * (q.rows + 16);
    if (p->accumulate && p->k > FN(chunk)) numbers += p->m * p->n;
    return numbers * sizeof(real) > SMALL ? numbers * sizeof(real) : 0;
}

/* Rows i0 .. i0 + m of c, one chunk of k. */
static void FN(block)(const mg_matmul_args *p, FN(plan) q, size_t i0, size_t m, size_t k0, real *panel) {
    const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
    const int ends = k0 + k == p->k;
    const real *a = (const real *)p->a + (ptrdiff_t)i0 * p->a_row + (ptrdiff_t)k0 * p->a_col;
    const real *b = (const real *)p->b + (ptrdiff_t)k0 * p->b_row;
    FN(tile_args) t = {
        .k = k, .a_row = p->a_row, .a_col = p->a_col, .b_row = p->b_row, .c_row = p->c_row,
        .add = k0 > 0 || p->accumulate, .relu = ends && p->activation == MG_ACT_RELU,
    };
    if (q.pack_a) {
        real *packed = q.pack_b ? panel + q.k * (FN(panel)(p->m, p->n) + W) : panel;
        if (p->a_col == 1) FN(copy_rows)(m, k, a, p->a_row, packed, t.a_row = (ptrdiff_t)k + 16), t.a_col = 1;
        else FN(copy_rows)(k, m, a, p->a_col, packed, t.a_col = (ptrdiff_t)q.rows + 16), t.a_row = 1;
        a = packed;
    }
    size_t width;
    for (size_t j = 0; j < p->n; j += width, b += (ptrdiff_t)width * p->b_col) {
        width = FN(panel)(p->m, p->n - j);
        const size_t vectors = (width + W - 1) / W, most = vectors == 1 ? ROWS_1 : vectors == 2 ? ROWS_2 : 3;
        size_t first = 0;
        t.n = width, t.b = b, t.bias = ends && p->bias ? (const real *)p->bias + j : NULL;
        if (q.pack_b) {
            if (p->b_col == 1 && vectors == 2 && m >= ROWS_2) {
                t.b = b, t.b_row = p->b_row, t.panel = panel, t.a = a, t.c = (real *)p->c + (ptrdiff_t)i0 * p->c_row + j;
                FN(tile_packing)(&t);
                first = ROWS_2;
            } else FN(pack_panel)(k, width, b, p->b_row, p->b_col, panel);
            t.b = panel, t.b_row = (ptrdiff_t)(vectors * W);
        }
        const size_t tiles = (m - first + most - 1) / most;
        for (size_t s = 0; s < tiles; s++) {        /* as even as possible: 32 rows are 11 + 11 + 10, not 14 + 14 + 4 */
            const size_t i = first + (m - first) * s / tiles, rows = first + (m - first) * (s + 1) / tiles - i;
            t.a = a + (ptrdiff_t)i * t.a_row;
            t.c = (real *)p->c + (ptrdiff_t)(i0 + i) * p->c_row + j;
            if (vectors == 1) FN(tile_1)(&t, rows);
            else if (vectors == 2) FN(tile_2)(&t, rows);
            else FN(tile_wide)(&t, rows);
        }
    }
}

static void FN(matmul)(const mg_matmul_args *p, void *scratch) {
    _Alignas(64) char small[SMALL];
    real *memory = scratch ? scratch : (void *)small;
    if (p->accumulate && p->k > FN(chunk)) {        /* the finished product is added, so it needs a place of its own */
        mg_matmul_args q = *p;
        q.c = memory, q.c_row = (ptrdiff_t)p->n, q.accumulate = 0;
        FN(matmul)(&q, memory + p->m * p->n);
        for (size_t i = 0; i < p->m; i++)
            for (size_t j = 0; j < p->n; j++) ((real *)p->c)[(ptrdiff_t)i * p->c_row + j] += memory[i * p->n + j];
        return;
    }
    const FN(plan) q = FN(make_plan)(p);
    const size_t blocks = (p->m + q.rows - 1) / q.rows;
    for (size_t s = 0; s < blocks; s++) {
        const size_t i = p->m * s / blocks, rows = p->m * (s + 1) / blocks - i;
        size_t k = 0;
        do FN(block)(p, q, i, rows, k, memory);
        while ((k += FN(chunk)) < p->k);
    }
}

#endif
