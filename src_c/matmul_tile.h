/* The tile: a block of c that is kept in registers while k runs. Included by matmul.c, once per precision.

   For each k, V vectors of b's row meet one number of each of the R rows of a: R * V independent chains of fma, as many
   as registers hold, so that neither the latency of an fma nor the loads (V + R for R * V) bind. */

/* What a tile computes: c (rows, n) = finish(a (rows, k) b (k, n)). The rows of b and c are contiguous. */
typedef struct {
    size_t n, k;
    const real *a, *b, *bias;               /* bias: NULL except in the last chunk */
    real *c;
    ptrdiff_t a_row, a_col, b_row, c_row;
    int add, relu;                          /* add what c holds; max(c, 0) */
} FN(tile_args);

/* c of one vector: chunks before, bias, relu, in this order. NaN + 0 stays NaN, -0 + 0 is +0. */
INLINE vec FN(finish)(const FN(tile_args) *t, vec sum, vec c, vec bias) {
    if (t->add) sum = c + sum;
    if (t->bias) sum = sum + bias;
    if (t->relu) sum = V(select)(V(lt)(sum, (vec){0}), (vec){0}, sum) + (vec){0};
    return sum;
}

/* R and VN are constants at every call. Only the last vector may be narrower than W: its width is the rest of n. */
INLINE void FN(tile)(const FN(tile_args) *t, const int R, const int VN) {
    const size_t last = t->n - (VN - 1) * W;
    const real *a = t->a, *b = t->b;
    vec sum[28] = {{0}};
    for (size_t k = 0; k < t->k; k++, a += t->a_col, b += t->b_row) {
        vec row[VN_MAX];
        UNROLL for (int v = 0; v < VN; v++) row[v] = v < VN - 1 ? V(load)(b + v * W) : RAGGED_LOAD(b + v * W, last);
        UNROLL for (int i = 0; i < R; i++) {
            const vec x = V(set1)(a[i * t->a_row]);
            UNROLL for (int v = 0; v < VN; v++) sum[i * VN + v] = V(fma)(x, row[v], sum[i * VN + v]);
        }
    }
    UNROLL for (int v = 0; v < VN; v++) {
        const size_t part = v < VN - 1 ? W : last;
        const vec bias = t->bias ? V(load_part)(t->bias + v * W, part) : (vec){0};
        UNROLL for (int i = 0; i < R; i++) {
            real *c = t->c + i * t->c_row + v * W;
            const vec before = t->add ? V(load_part)(c, part) : (vec){0};
            V(store_part)(c, part, FN(finish)(t, sum[i * VN + v], before, bias));
        }
    }
}

#define ROWS(r, v) case r: FN(tile)(t, r, v); break;
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

/* For few rows: enough chains all the same. */
static void FN(tile_wide)(const FN(tile_args) *t, size_t rows) {
    switch (rows) {
        ROWS(1, WIDE) ROWS(2, WIDE) ROWS(3, WIDE)
    }
}

#undef ROWS
#undef ROWS6
