/* The tile: a block of c that is kept in registers while k runs. Included by matmul.c and conv.c, once per
   precision, behind tile_sizes.h.

   For each k, row k of b (VN vectors) is multiplied by one number of each of the R rows of a:

                   b[k]:   [ vector 0 ][ vector 1 ]             VN = 2
       a[0][k]             [ c sum    ][ c sum    ]
       a[1][k]             [ c sum    ][ c sum    ]             each sum: a vector register
         ...                    ...
       a[R-1][k]           [ c sum    ][ c sum    ]

   These are R * VN independent chains of fma, as many as fit into the registers. So many hide the latency of an fma,
   and R * VN fma need only VN + R loads.

   The last of several vectors ends where the row ends, so it may overlap the one to its left: both then compute the
   same chains and store the same bits. A masked load is not used, because it occupies a unit that multiplies. */

/* What a tile computes: c (rows, n) = finish(a (rows, k) b (k, n)). The rows of b and c are contiguous; the last vector
   of a row of b begins at b_last. While it computes, a tile can fetch into the cache, or copy to `panel`, what a later
   tile reads: one vector of `ahead` for each k. The rows of `ahead` are ahead_row apart. When they are copied, a row is
   two vectors that start ahead_last apart; when they are fetched, it is ahead_last numbers. */
typedef struct {
    size_t n, k;
    const real *a, *b, *bias, *ahead;       /* bias: NULL except in the last chunk */
    real *c, *panel;
    ptrdiff_t a_row, a_col, b_row, b_last, c_row, ahead_row, ahead_last;
    int add, relu, second;                  /* add what c holds; max(c, 0); `ahead` is at the second vector of a row */
} FN(tile_args);

enum { FN(plain), FN(fetching), FN(copying) };

INLINE vec FN(relu)(vec x) { return V(select)(V(le)(x, (vec){0}), (vec){0}, x); }

/* The activation of one vector. */
INLINE vec FN(activated)(int activation, vec x) {
    switch (activation) {
    case MG_ACT_RELU: return FN(relu)(x);
    case MG_ACT_TANH: return V(tanh)(x);
    case MG_ACT_SIGMOID: return V(sigmoid)(x);
    }
    return x;
}

/* R, VN and WORK are constants at every call. Only a single vector may be narrower than W: its width is n. */
INLINE void FN(tile)(const FN(tile_args) *t, const int R, const int VN, const int WORK) {
    const size_t n = t->n;
    const ptrdiff_t a_row = t->a_row, a_col = t->a_col, b_row = t->b_row, b_last = t->b_last;
    const real *b = t->b, *ahead = t->ahead, *a[8];
    real *panel = t->panel;
    const ptrdiff_t ahead_row = t->ahead_row;
    ptrdiff_t step = t->second ? ahead_row - t->ahead_last : t->ahead_last;
    const ptrdiff_t run = t->ahead_last;
    const real *end = ahead + run;
    vec sum[28] = {{0}};
    UNROLL for (int g = 0; 3 * g < R; g++) a[g] = t->a + 3 * g * a_row;
    for (size_t k = t->k; k > 0; k--) {
        vec row[2];
        row[0] = VN == 1 ? NARROW_LOAD(b, n) : V(load)(b);
        if (VN == 2) row[1] = V(load)(b + b_last);
        if (WORK == FN(fetching)) {
            __builtin_prefetch(ahead, 0, 2);
            if ((ahead += W) >= end) ahead = end += ahead_row, ahead -= run;
        }
        if (WORK == FN(copying)) {          /* both ends: the vector may lie in two cache lines */
            __builtin_prefetch(ahead + 16 * ahead_row);
            __builtin_prefetch(ahead + 16 * ahead_row + W - 1);
            V(store)(panel, V(load)(ahead));
            panel += W, ahead += step, step = ahead_row - step;
        }
        UNROLL for (int i = 0; i < R; i++) {
            const vec x = V(set1)(a[i / 3][i % 3 * a_row]);
            UNROLL for (int v = 0; v < VN; v++) sum[i * VN + v] = V(fma)(x, row[v], sum[i * VN + v]);
        }
        UNROLL for (int g = 0; 3 * g < R; g++) a[g] += a_col;
        /* Where the columns of a are contiguous, every k is in another page: fetch its cache lines ahead. */
        UNROLL for (int g = 0; 3 * g < R; g += 64 / (int)sizeof(real) / 3) __builtin_prefetch(a[g] + 16 * a_col);
        b += b_row;
    }
    __asm__("" : "+r"(t));                  /* so that compilers do not keep the addresses of c during the loop */
    real *const c = t->c;
    const ptrdiff_t c_row = t->c_row, c_last = (ptrdiff_t)n - W;
#define EACH_SUM UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < VN; v++)
#define AT (v == 0 ? 0 : c_last)
#define LOAD(p) (VN == 1 ? V(load_part)(p, n) : V(load)(p))
#define STORE(p, x) (VN == 1 ? V(store_part)(p, n, x) : V(store)(p, x))
    if (t->add) EACH_SUM sum[i * VN + v] = LOAD(c + i * c_row + AT) + sum[i * VN + v];
    if (t->bias) EACH_SUM sum[i * VN + v] = sum[i * VN + v] + LOAD(t->bias + AT);
    if (t->relu) EACH_SUM sum[i * VN + v] = FN(relu)(sum[i * VN + v]);
    EACH_SUM STORE(c + i * c_row + AT, sum[i * VN + v]);
#undef EACH_SUM
#undef AT
#undef LOAD
#undef STORE
}

#if MG_BYTES == 64
#define HALF(name) MG_CAT(MG_CAT(hf, real_bits), _##name)
/* The same for rows of half a vector or less. */
INLINE void FN(half_tile)(const FN(tile_args) *t, const int R) {
    const size_t n = t->n;
    const ptrdiff_t a_row = t->a_row, a_col = t->a_col, b_row = t->b_row;
    const real *b = t->b, *a[8];
    MG_CAT(hf, real_bits) sum[ROWS_1] = {{0}};
    UNROLL for (int g = 0; 3 * g < R; g++) a[g] = t->a + 3 * g * a_row;
    for (size_t k = t->k; k > 0; k--, b += b_row) {
        const MG_CAT(hf, real_bits) row = HALF(load_part)(b, n);
        UNROLL for (int i = 0; i < R; i++) sum[i] = HALF(fma)(HALF(set1)(a[i / 3][i % 3 * a_row]), row, sum[i]);
        UNROLL for (int g = 0; 3 * g < R; g++) a[g] += a_col;
    }
    __asm__("" : "+r"(t));
    real *const c = t->c;
    const ptrdiff_t c_row = t->c_row;
    if (t->add) UNROLL for (int i = 0; i < R; i++) sum[i] = HALF(load_part)(c + i * c_row, n) + sum[i];
    if (t->bias) UNROLL for (int i = 0; i < R; i++) sum[i] = sum[i] + HALF(load_part)(t->bias, n);
    if (t->relu) UNROLL for (int i = 0; i < R; i++) sum[i] = HALF(relu)(sum[i]);
    UNROLL for (int i = 0; i < R; i++) HALF(store_part)(c + i * c_row, n, sum[i]);
}
#undef HALF

#define ROWS(r, v) case r: FN(half_tile)(t, r); break;
#define ROWS6(r, v) ROWS(r, v) ROWS(r + 1, v) ROWS(r + 2, v) ROWS(r + 3, v) ROWS(r + 4, v) ROWS(r + 5, v)

NOINLINE static void FN(tile_half)(const FN(tile_args) *t, size_t rows) {
    switch (rows) { ROWS6(1, ) ROWS6(7, ) ROWS6(13, ) ROWS6(19, ) }
}

#undef ROWS
#undef ROWS6
#endif

#define ROWS(r, v) case r: FN(tile)(t, r, v, FN(plain)); break;
#define ROWS6(r, v) ROWS(r, v) ROWS(r + 1, v) ROWS(r + 2, v) ROWS(r + 3, v) ROWS(r + 4, v) ROWS(r + 5, v)

NOINLINE static void FN(tile_1)(const FN(tile_args) *t, size_t rows) {
#if MG_BYTES == 64
    if (t->n <= W / 2) {
        FN(tile_half)(t, rows);
        return;
    }
#endif
    switch (rows) {
        ROWS6(1, 1) ROWS6(7, 1)
#if MG_BYTES == 64
        ROWS6(13, 1) ROWS6(19, 1)
#endif
    }
}

NOINLINE static void FN(tile_2)(const FN(tile_args) *t, size_t rows) {
    switch (rows) {
        ROWS6(1, 2)
#if MG_BYTES == 64
        ROWS6(7, 2) ROWS(13, 2) ROWS(14, 2)
#endif
    }
}

#undef ROWS
#undef ROWS6

/* Tiles of m rows, as even as possible: 32 rows are 11 + 11 + 10, not 14 + 14 + 4. */
static void FN(even_tiles)(FN(tile_args) t, size_t m) {
    const size_t most = t.n > W ? ROWS_2 : ROWS_1, tiles = (m + most - 1) / most;
    for (size_t s = 0; s < tiles; s++) {
        const size_t rows = m * (s + 1) / tiles - m * s / tiles;
        if (t.n > W) FN(tile_2)(&t, rows);
        else FN(tile_1)(&t, rows);
        t.a += (ptrdiff_t)rows * t.a_row, t.c += (ptrdiff_t)rows * t.c_row;
    }
}
