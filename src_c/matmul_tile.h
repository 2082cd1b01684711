/* The tile: a block of c that is kept in registers while k runs. Included by matmul.c, once per precision.

   For each k, V vectors of b's row meet one number of each of the R rows of a: R * V independent chains of fma, as many
   as registers hold, so that neither the latency of an fma nor the loads (V + R for R * V) bind. */

/* What a tile computes: c (rows, n) = finish(a (rows, k) b (k, n)). The rows of b and c are contiguous. */
typedef struct {
    size_t n, k;
    const real *a, *b, *bias;               /* bias: NULL except in the last chunk */
    real *c, *panel;
    ptrdiff_t a_row, a_col, b_row, c_row;
    int add, relu;                          /* add what c holds; max(c, 0) */
} FN(tile_args);

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

/* c = activation(c), (m, n). Tiles do relu themselves; tanh and sigmoid in each of them would be much code. */
static void FN(activate)(int activation, size_t m, size_t n, real *c, ptrdiff_t c_row) {
    for (size_t i = 0; i < m; i++, c += c_row)
        for (size_t j = 0; j < n; j += W) {
            const size_t part = n - j < W ? n - j : W;
            V(store_part)(c + j, part, FN(activated)(activation, V(load_part)(c + j, part)));
        }
}

/* R and VN are constants at every call. Only the last vector may be narrower than W: its width is the rest of n. */
INLINE void FN(tile)(const FN(tile_args) *t, const int R, const int VN, const int PACK) {
    const size_t last = t->n - (VN - 1) * W;
    const ptrdiff_t a_row = t->a_row, a_col = t->a_col, b_row = t->b_row;
    const real *b = t->b, *a[8];
    real *panel = t->panel;
    vec sum[28] = {{0}};
    UNROLL for (int g = 0; 3 * g < R; g++) a[g] = t->a + 3 * g * a_row;
    for (size_t k = t->k; k > 0; k--) {
        vec row[VN_MAX];
        UNROLL for (int v = 0; v < VN; v++) row[v] = v < VN - 1 ? V(load)(b + v * W) : RAGGED_LOAD(b + v * W, last);
        if (PACK || VN > 2) UNROLL for (int v = 0; v < VN; v++) __builtin_prefetch(b + (PACK ? 32 : 4) * b_row + v * W);
        if (PACK) {
            UNROLL for (int v = 0; v < VN; v++) V(store)(panel + v * W, row[v]);
            panel += VN * W;
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
    __asm__("" : "+r"(t));                  /* else the addresses of c are worked out before the loop and crowd it */
#define EACH_SUM UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < VN; v++)
#define PLACE t->c + i * t->c_row + v * W, v < VN - 1 ? W : last
    if (t->add) EACH_SUM sum[i * VN + v] = V(load_part)(PLACE) + sum[i * VN + v];
    if (t->bias) EACH_SUM sum[i * VN + v] = sum[i * VN + v] + V(load_part)(t->bias + v * W, v < VN - 1 ? W : last);
    if (t->relu) EACH_SUM sum[i * VN + v] = FN(relu)(sum[i * VN + v]);
    EACH_SUM V(store_part)(PLACE, sum[i * VN + v]);
#undef EACH_SUM
#undef PLACE
}

#define ROWS(r, v) case r: FN(tile)(t, r, v, 0); break;
#define ROWS6(r, v) ROWS(r, v) ROWS(r + 1, v) ROWS(r + 2, v) ROWS(r + 3, v) ROWS(r + 4, v) ROWS(r + 5, v)

static void FN(tile_1)(const FN(tile_args) *t, size_t rows) {
    switch (rows) {
        ROWS6(1, 1) ROWS6(7, 1)
#if MG_BYTES == 64
        ROWS6(13, 1) ROWS6(19, 1)
#endif
    }
}

static void FN(tile_2)(const FN(tile_args) *t, size_t rows) {
    switch (rows) {
        ROWS6(1, 2)
#if MG_BYTES == 64
        ROWS6(7, 2) ROWS(13, 2) ROWS(14, 2)
#endif
    }
}

/* A full tile that leaves a copy of b in t->panel, for the tiles below it. */
static void FN(tile_packing)(const FN(tile_args) *t) { FN(tile)(t, ROWS_2, 2, 1); }

/* For few rows: enough chains all the same. */
static void FN(tile_wide)(const FN(tile_args) *t, size_t rows) {
    switch (rows) {
        ROWS(1, WIDE) ROWS(2, WIDE) ROWS(3, WIDE)
    }
}

#undef ROWS
#undef ROWS6
