/* Matrix products, c (m, n) = a (m, k) b (k, n). Equal to matmul_naive.c bit for bit, because each element of c is the
   same chains of fma; only the order in which the elements are computed differs.

                          panel: two vectors wide             W       numbers in a vector
                              n                               chunk   4 KiB of k: 1024 floats, 512 doubles
                        +---+---+---+                         panel   chunk rows and 2 W columns of b, the last
                  chunk |   |pan|   |                                 maybe narrower; all tiles of a block read it
                        |   |nel|   |  b                      block   rows of a, one chunk of k wide: 210 rows for a
                        +---+---+---+                                 whole chunk; it stays in the L2 cache
            chunk                                             tile    ROWS_2 rows and 2 W columns of c, in registers
          +------+      +---+---+---+                                 (or ROWS_1 rows and W columns)
    block | ---- |      |   |til|   |  rows of the block
          | ---- |      |   +---+   |                         for each chunk of k, each block, each panel:
          +------+      |   |   |   |                             for each tile of the block's rows:
          |      |      +---+---+---+                                 for each k of the chunk:
          |      |      |           |                                     tile += column k of a, times row k of b
          +------+  m   +-----------+
             a                c

   If there are several blocks, this is done for 4096 columns of b at a time.

   This file: plans, blocks and panels. pack.h: copies that make a block or a panel contiguous. tile.h: the tile.
   few_rows.h: products with few rows. matvec.h: products with a vector. matvec_columns.h: the same for a matrix whose
   columns are contiguous. */
#ifndef real
#include "matmul/matmul.h"
#include "math/exp_log_tanh.h"
#include "matmul/tile_sizes.h"

/* FEW: the most rows that few_rows.h takes. GROUP: rows of b that it reads side by side. COLUMNS: the most columns of c
   that a block of a turned product computes. SMALL: up to so many bytes, scratch is on the stack. */
enum { FEW = 3, GROUP = 4, COLUMNS = 112, SMALL = 32768 };

#define MG_SOURCE "matmul/matmul.c"
#include "base/mg_both.h"

const mg_matmul_table MG_TABLE(matmul) = {
    .matmul_scratch = {mg_matmul_scratch_f32, mg_matmul_scratch_f64},
    .matmul = {mg_matmul_f32, mg_matmul_f64},
    .matvec = {mg_matvec_f32, mg_matvec_f64},
};

#else
enum { FN(chunk) = 4096 / sizeof(real) };

/* Whether rows (or columns) lie a multiple of 2048 bytes apart. Their cache lines then share few sets of the L1 cache,
   and push each other out of it. */
static int FN(page_apart)(ptrdiff_t row) { return row * (ptrdiff_t)sizeof(real) % 2048 == 0; }

#include "matmul/tile.h"
#include "matmul/pack.h"
#include "matmul/few_rows.h"
#include "matmul/matvec_columns.h"
#include "matmul/matvec.h"

/* How a product is computed.
   turned: as the transpose of b^T a^T. If b's columns are contiguous and a is small, a is then transposed instead of b.
   pack_a: blocks of a are copied; pack_b: panels of b are copied; keep_b: the copies of all panels of a chunk are kept,
   because the next block of rows uses them again (otherwise only the present panel and the next one are held).
   rows: of a block. columns: of b, computed at a time. panels, block, strip: how many numbers of scratch are for the
   copies of b, for the copy of a, and for the turned rows of c. */
typedef struct {
    int turned, pack_a, pack_b, keep_b;
    size_t rows, columns, panels, block, strip;
} FN(plan);

static int FN(few)(const mg_product *p) {
    return p->m <= FEW && p->n >= 4 * W && p->k > 0 && (p->b_col == 1 || p->b_row == 1);
}

static FN(plan) FN(make_plan)(const mg_product *p) {
    const size_t k = p->k < FN(chunk) ? p->k : FN(chunk), rows = 210 * FN(chunk) / (k + 1);
    const int large_b = k * p->n > FN(chunk) * 256, large_a = k * p->m > FN(chunk) * 112;
    const int crosses = ((uintptr_t)p->b | (uintptr_t)p->b_row * sizeof(real)) % 64 != 0;
    const size_t narrow = p->n % (2 * W);
    FN(plan) q = {.rows = p->m < rows ? p->m : rows, .columns = p->n};
    q.pack_b = p->b_col != 1 || (PADS && narrow % W && narrow < W) ||
               (p->m >= 64 && (large_b || crosses || FN(page_apart)(p->b_row)));
    q.pack_a = p->m >= 64 && p->n >= 128 && (p->a_row == 1 || p->a_col == 1) && (large_a || FN(page_apart)(p->a_row));
    q.keep_b = q.pack_b && p->m > q.rows;
    if (p->m > q.rows && p->n > 4096) q.columns = 4096;
    /* The size must not depend on the address of b, because one scratch serves all products of a batch. */
    if (q.pack_b || p->m >= 64) q.panels = k * (p->m > q.rows ? q.columns + 2 * W : 4 * W);
    q.block = q.pack_a ? (k + 16) * (q.rows + 16) : 0;
    return q;
}

/* Returns a plan, and in t the product that it computes: p, or the transpose of p. */
static FN(plan) FN(choose)(const mg_product *p, mg_product *t) {
    *t = *p;
    if (p->b_row != 1 || p->b_col == 1 || p->m < W || p->m >= 96 || p->n < W || 2 * p->m * (p->k + p->n) >= p->n * p->k)
        return FN(make_plan)(p);
    t->m = p->n, t->a = p->b, t->a_row = p->b_col, t->a_col = p->b_row;
    t->n = p->m, t->b = p->a, t->b_row = p->a_col, t->b_col = p->a_row;
    FN(plan) q = FN(make_plan)(t);
    q.turned = 1, q.strip = COLUMNS * ((q.columns + W - 1) / W * W);
    if (q.rows > COLUMNS) q.rows = COLUMNS;
    return q;
}

/* Whether one tile is the whole product. It is then computed without a plan, because making one takes longer than a
   product of 8 x 8 x 8. */
static int FN(single)(const mg_product *p) {
    return p->n <= 2 * W && p->m <= (p->n > W ? ROWS_2 : ROWS_1) && p->k <= FN(chunk) && p->b_col == 1 &&
           !(PADS && p->n < W);
}

static size_t FN(matmul_scratch)(const mg_product *p) {
    if (FN(single)(p)) return 0;
    mg_product t;
    const FN(plan) q = FN(choose)(p, &t);
    const size_t apart = p->accumulate && p->k > FN(chunk) ? p->m * p->n : 0;
    const size_t bytes = (apart + (FN(few)(p) ? 0 : q.panels + q.block + q.strip)) * sizeof(real);
    return bytes > SMALL ? bytes : 0;
}

/* How many of the next n columns make a panel: those of two vectors, which overlap if n < 2 W, or of one if n <= W. */
static size_t FN(panel)(size_t n) { return n < 2 * W ? n : 2 * W; }

/* Tiles of all ROWS_2 rows that also fetch or copy for the next panel. */
NOINLINE static void FN(tile_fetching)(const FN(tile_args) *t) { FN(tile)(t, ROWS_2, 2, FN(fetching)); }
NOINLINE static void FN(tile_copying)(const FN(tile_args) *t) { FN(tile)(t, ROWS_2, 2, FN(copying)); }

/* The first two tiles of a panel, both with all ROWS_2 rows. Each fetches or copies one vector at each k, so the two
   together do it for the next panel, which is two vectors wide (or for the columns of b that it is made of). */
static void FN(busy_tiles)(FN(tile_args) t, int work) {
    for (int s = 0; s < 2; s++) {
        if (work == FN(copying)) FN(tile_copying)(&t);
        else FN(tile_fetching)(&t);
        t.a += ROWS_2 * t.a_row, t.c += ROWS_2 * t.c_row, t.panel += t.k * W;
        if (work == FN(fetching)) t.ahead += W * t.ahead_row;
        else t.second = t.k % 2, t.ahead += (ptrdiff_t)(t.k / 2) * t.ahead_row + t.second * t.ahead_last;
    }
}

/* The tiles of one panel, when pack_columns has copied a in groups of ROWS_2 rows. */
static void FN(group_tiles)(FN(tile_args) t, size_t m) {
    for (size_t i = 0; i < m; i += ROWS_2) {
        const size_t rows = m - i < ROWS_2 ? m - i : ROWS_2;
        t.a_col = (ptrdiff_t)rows;
        if (t.n > W) FN(tile_2)(&t, rows);
        else FN(tile_1)(&t, rows);
        t.a += rows * t.k, t.c += (ptrdiff_t)rows * t.c_row;
    }
}

/* Rows i0 .. i0 + m of c, one chunk of k. */
static void FN(block)(const mg_product *p, const FN(plan) *q, size_t i0, size_t m, size_t k0, real *scratch) {
    const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
    const int ends = k0 + k == p->k, adds = k0 > 0 || p->accumulate, groups = q->pack_a && p->a_row == 1;
    const int fresh = i0 == 0 || !q->keep_b;        /* otherwise the first block has packed all panels */
    const real *a = (const real *)p->a + (ptrdiff_t)i0 * p->a_row + (ptrdiff_t)k0 * p->a_col;
    const real *b = (const real *)p->b + (ptrdiff_t)k0 * p->b_row;
    real *const packed_a = scratch + q->panels, *const strip = packed_a + q->block;
    const ptrdiff_t strip_row = (ptrdiff_t)((p->n + W - 1) / W * W);
    FN(tile_args) t = {.k = k, .a_row = p->a_row, .a_col = p->a_col, .b_row = p->b_row};
    real *c = (real *)p->c + (ptrdiff_t)i0 * p->c_row;
    if (q->turned) c = strip, t.c_row = strip_row;  /* turn_back adds c and bias, and applies the activation */
    else t.c_row = p->c_row, t.add = adds, t.relu = ends && p->activation == MG_ACT_RELU;
    if (groups) FN(pack_columns)(m, k, a, p->a_col, packed_a);
    else if (q->pack_a) FN(copy_rows)(m, k, a, p->a_row, packed_a, t.a_row = (ptrdiff_t)k + 16);
    int ready = !fresh;                             /* whether this panel is packed */
    for (size_t j = 0, width; j < p->n; j += width) {
        width = FN(panel)(p->n - j);
        const size_t next = FN(panel)(p->n - j - width);
        size_t first = 0;
        t.n = width, t.a = q->pack_a ? packed_a : a, t.c = c + j;
        t.bias = ends && p->bias && !q->turned ? (const real *)p->bias + j : NULL;
        t.b = b + (ptrdiff_t)j * p->b_col, t.b_last = (ptrdiff_t)width - W;
        if (q->pack_b) {
            real *const panel = scratch + (q->keep_b ? j * k : j / (2 * W) % 2 * 2 * W * k);
            real *const after = scratch + (q->keep_b ? (j + width) * k : (j + width) / (2 * W) % 2 * 2 * W * k);
            const int works = next > W && m >= 3 * ROWS_2 && !groups;
            if (!ready) FN(pack_panel)(k, width, t.b, p->b_row, p->b_col, panel);
            ready = !fresh || (works && p->b_col == 1);
            t.b = panel, t.b_row = width > W ? 2 * W : W, t.b_last = W;
            if (works && !fresh) {
                t.ahead = after, t.ahead_row = t.ahead_last = (ptrdiff_t)k;
                FN(busy_tiles)(t, FN(fetching)), first = 2 * ROWS_2;
            } else if (works && p->b_col == 1) {
                t.ahead = b + j + width, t.ahead_row = p->b_row, t.ahead_last = (ptrdiff_t)next - W, t.panel = after;
                FN(busy_tiles)(t, FN(copying)), first = 2 * ROWS_2;
            } else if (works && p->b_row == 1) {
                t.ahead = b + (ptrdiff_t)(j + width) * p->b_col, t.ahead_row = p->b_col, t.ahead_last = (ptrdiff_t)k;
                FN(busy_tiles)(t, FN(fetching)), first = 2 * ROWS_2;
            }
        }
        t.a += (ptrdiff_t)first * t.a_row, t.c += (ptrdiff_t)first * t.c_row;
        if (groups) FN(group_tiles)(t, m);
        else FN(even_tiles)(t, m - first);
        if (!q->turned && ends && p->activation > MG_ACT_RELU) FN(activate)(p->activation, m, width, c + j, p->c_row);
    }
    if (q->turned) FN(turn_back)(p, i0, m, adds, ends, strip, strip_row);
}

static void FN(blocks)(const mg_product *p, const FN(plan) *q, real *scratch) {
    const size_t blocks = (p->m + q->rows - 1) / q->rows;
    for (size_t j = 0; j < p->n; j += q->columns) {
        mg_product part = *p;
        part.n = p->n - j < q->columns ? p->n - j : q->columns;
        part.b = (const real *)p->b + (ptrdiff_t)j * p->b_col;
        part.c = (real *)p->c + (ptrdiff_t)j * (q->turned ? p->c_row : 1);
        if (p->bias && !q->turned) part.bias = (const real *)p->bias + j;
        size_t k = 0;
        do
            for (size_t s = 0; s < blocks; s++) {
                const size_t i = p->m * s / blocks, rows = p->m * (s + 1) / blocks - i;
                FN(block)(&part, q, i, rows, k, scratch);
            }
        while ((k += FN(chunk)) < p->k);
    }
}

static void FN(single_tile)(const mg_product *p) {
    const FN(tile_args) t = {
        .n = p->n, .k = p->k, .a = p->a, .b = p->b, .bias = p->bias, .c = p->c, .a_row = p->a_row, .a_col = p->a_col,
        .b_row = p->b_row, .b_last = (ptrdiff_t)p->n - W, .c_row = p->c_row, .add = p->accumulate,
        .relu = p->activation == MG_ACT_RELU,
    };
    if (p->n > W) FN(tile_2)(&t, p->m);
    else FN(tile_1)(&t, p->m);
    if (p->activation > MG_ACT_RELU) FN(activate)(p->activation, p->m, p->n, p->c, p->c_row);
}

static void FN(matmul)(const mg_product *p, void *scratch) {
    if (FN(single)(p)) {
        FN(single_tile)(p);
        return;
    }
    _Alignas(64) char small[SMALL];
    real *memory = scratch ? scratch : (void *)small;
    mg_product q = *p, t;
    const int apart = p->accumulate && p->k > FN(chunk);    /* sum all chunks in scratch, then add the sum to c */
    if (apart) {
        q.c = memory, q.c_row = (ptrdiff_t)p->n, q.accumulate = 0;
        memory += p->m * p->n;
    }
    if (FN(few)(p)) FN(few_rows)(&q);
    else {
        const FN(plan) plan = FN(choose)(&q, &t);
        FN(blocks)(&t, &plan, memory);
    }
    if (apart)
        for (size_t i = 0; i < p->m; i++)
            for (size_t j = 0; j < p->n; j++)
                ((real *)p->c)[(ptrdiff_t)i * p->c_row + j] += ((real *)q.c)[i * p->n + j];
}

#endif
