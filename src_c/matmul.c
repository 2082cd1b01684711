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

/* How many columns of c the next panel takes: a few vectors, the last of which may be narrow. */
static size_t FN(panel_width)(size_t m, size_t n) {
    if (m <= 3 && n >= WIDE * W) return WIDE * W;
    return n > W ? 2 * W : W;
}

static int FN(packs_b)(const mg_matmul_args *p) {
    return p->b_col != 1 || (PADS && p->n % W);
}

static size_t FN(matmul_scratch)(const mg_matmul_args *p) {
    const size_t k = p->k < FN(chunk) ? p->k : FN(chunk);
    size_t numbers = FN(packs_b)(p) ? k * FN(panel_width)(p->m, p->n) : 0;
    if (p->accumulate && p->k > FN(chunk)) numbers += p->m * p->n;
    const size_t bytes = numbers * sizeof(real);
    return bytes > SMALL ? bytes : 0;
}

static void FN(matmul)(const mg_matmul_args *p, void *scratch) {
    _Alignas(64) char small[SMALL];
    real *panel = scratch ? scratch : (void *)small;
    const int pack = FN(packs_b)(p);
    size_t width;

    if (p->accumulate && p->k > FN(chunk)) {        /* the finished product is added, so it needs a place of its own */
        mg_matmul_args q = *p;
        q.c = panel, q.c_row = (ptrdiff_t)p->n, q.accumulate = 0;
        FN(matmul)(&q, panel + p->m * p->n);
        for (size_t i = 0; i < p->m; i++)
            for (size_t j = 0; j < p->n; j++) ((real *)p->c)[(ptrdiff_t)i * p->c_row + j] += panel[i * p->n + j];
        return;
    }
    size_t k0 = 0;
    do {
        const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
        const int ends = k0 + k == p->k;
        const real *b = (const real *)p->b + (ptrdiff_t)k0 * p->b_row;
        for (size_t j = 0; j < p->n; j += width) {
            width = FN(panel_width)(p->m, p->n - j);
            const size_t n = p->n - j < width ? p->n - j : width;
            const size_t vectors = (n + W - 1) / W;
            FN(tile_args) t = {
                .n = n, .k = k, .b = b + (ptrdiff_t)j * p->b_col, .b_row = p->b_row, .a_row = p->a_row, .a_col = p->a_col,
                .c_row = p->c_row, .add = k0 > 0 || p->accumulate, .relu = ends && p->activation == MG_ACT_RELU,
                .bias = ends && p->bias ? (const real *)p->bias + j : NULL,
            };
            if (pack) {
                FN(pack_panel)(k, n, vectors * W, t.b, p->b_row, p->b_col, panel);
                t.b = panel, t.b_row = (ptrdiff_t)(vectors * W);
            }
            const size_t most = vectors == 1 ? ROWS_1 : vectors == 2 ? ROWS_2 : 3;
            const size_t tiles = (p->m + most - 1) / most;
            for (size_t s = 0; s < tiles; s++) {    /* as even as possible: 32 rows are 11 + 11 + 10, not 14 + 14 + 4 */
                const size_t i = p->m * s / tiles, rows = p->m * (s + 1) / tiles - i;
                t.a = (const real *)p->a + (ptrdiff_t)i * p->a_row + (ptrdiff_t)k0 * p->a_col;
                t.c = (real *)p->c + (ptrdiff_t)i * p->c_row + j;
                if (vectors == 1) FN(tile_1)(&t, rows);
                else if (vectors == 2) FN(tile_2)(&t, rows);
                else FN(tile_wide)(&t, rows);
            }
        }
        k0 += k;
    } while (k0 < p->k);
}

#endif
