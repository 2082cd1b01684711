/* n = 1: c = a x for a vector x; in a batch of dot products, row i of a times a vector x_i.
   Included by matmul.c, once per precision.

   In one chain of fma per element, every fma would need the result of the one before. So a chunk is summed in 32
   chains, on every processor: lane l takes k = l, l + 32, ... The lanes are added by halves: l + 16, then l + 8, 4, 2,
   1. Every path through a has this order: in this file, contiguous rows, whose lanes are in registers; in
   matvec_columns.h, contiguous columns. */

/* held: vectors of the 32 lanes of a row. at_once: rows that are computed side by side. */
enum { FN(held) = 32 / W, FN(at_once) = MG_BYTES == 64 ? 4 : 8 / FN(held) ? 8 / FN(held) : 1 };

/* Lane i of the result is the sum by halves of the W numbers of row i. With vectors of 512 bits, adding halves of two
   rows at once takes a quarter of the shuffles that a transpose takes. */
INLINE vec FN(sums_of_rows)(const real row[W * W]) {
    vec x[W];
#if MG_BYTES == 64
    enum { Q = W / 4 };
    UNROLL for (int i = 0; i < W; i++) x[i] = V(load)(row + i * W);
    UNROLL for (int i = 0; i < 2 * Q; i++) {
        const vec a = x[i < Q ? i : i + Q], b = x[i < Q ? i + Q : i + 2 * Q];
        x[i] = V(lower)(a, b) + V(upper)(a, b);
    }
    UNROLL for (int i = 0; i < Q; i++) x[i] = V(even)(x[i], x[i + Q]) + V(odd)(x[i], x[i + Q]);
    UNROLL for (int n = Q / 2; n > 0; n /= 2)
        UNROLL for (int i = 0; i < n; i++) x[i] = V(lo)(x[i], x[i + n]) + V(hi)(x[i], x[i + n]);
    return x[0];
#else
    FN(transpose)(row, W, x);
    return FN(by_halves)(W, x);
#endif
}

/* part = the lanes of R rows of a chunk, for each row added by halves until one vector is left. x_row is 0 if all rows
   are multiplied by the same x. */
INLINE void FN(row_lanes)(const int R, size_t k, const real *a, ptrdiff_t a_row, const real *x, ptrdiff_t x_row,
                          real *part) {
    enum { L = FN(held) };
    vec sum[FN(at_once) * L];
    UNROLL for (int i = 0; i < R * L; i++) sum[i] = (vec){0};
    size_t l = 0;
    for (; l + 32 <= k; l += 32)
        UNROLL for (int v = 0; v < L; v++) {
            const size_t at = l + v * W;
            vec xs = V(load)(x + at);
            KEEP(xs);                       /* otherwise it would be read again for every row */
            UNROLL for (int i = 0; i < R; i++) {
                const vec own = x_row ? V(load)(x + i * x_row + at) : xs;
                sum[i * L + v] = V(fma)(V(load)(a + i * a_row + at), own, sum[i * L + v]);
            }
        }
    UNROLL for (int v = 0; v < L; v++) {
        const size_t at = l + v * W;
        if (at + W <= k) {
            UNROLL for (int i = 0; i < R; i++)
                sum[i * L + v] = V(fma)(V(load)(a + i * a_row + at), V(load)(x + i * x_row + at), sum[i * L + v]);
        } else if (at < k) {                /* lanes beyond k keep their sum, even a -0 */
            const size_t n = k - at;
            const mask there = MG_CAT(MG_CAT(mf, real_bits), _first)(n);
            UNROLL for (int i = 0; i < R; i++) {
                const real *row = a + i * a_row + k, *xs = x + i * x_row + k;
                const vec y = k < W ? V(fma)(V(load_part)(row - n, n), V(load_part)(xs - n, n), sum[i * L + v])
                                    : V(fma)(V(load_end)(row, n), V(load_end)(xs, n), sum[i * L + v]);
                sum[i * L + v] = V(select)(there, y, sum[i * L + v]);
            }
        }
    }
    UNROLL for (int i = 0; i < R; i++) V(store)(part + i * W, FN(by_halves)(L, sum + i * L));
}

/* The sums of one chunk of up to W rows. Rows that are not contiguous are copied first. */
INLINE vec FN(rows_chunk)(size_t rows, size_t k, const real *a, ptrdiff_t a_row, ptrdiff_t a_col, const real *x,
                          ptrdiff_t x_row) {
    real row[FN(chunk)], part[W * W];
    size_t i = 0;
    if (a_col == 1)
        for (; i + FN(at_once) <= rows; i += FN(at_once))
            FN(row_lanes)(FN(at_once), k, a + (ptrdiff_t)i * a_row, a_row, x + (ptrdiff_t)i * x_row, x_row,
                          part + i * W);
    for (; i < rows; i++) {
        const real *from = a + (ptrdiff_t)i * a_row;
        if (a_col != 1)
            for (size_t l = 0; l < k; l++) row[l] = from[(ptrdiff_t)l * a_col];
        FN(row_lanes)(1, k, a_col == 1 ? from : row, 0, x + (ptrdiff_t)i * x_row, 0, part + i * W);
    }
    for (; i < W; i++) V(store)(part + i * W, (vec){0});
    return FN(sums_of_rows)(part);
}

/* Adds the bias to the sums y of `part` rows, applies the activation, and writes them to c[i] and on or adds them to
   it. */
INLINE void FN(finish)(const mg_product *p, size_t i, size_t part, vec y) {
    real *c = (real *)p->c + i;
    if (p->bias) y += V(set1)(*(const real *)p->bias);
    y = FN(activated)(p->activation, y);
    V(store_part)(c, part, p->accumulate ? V(load_part)(c, part) + y : y);
}

/* The chunk of x that row i is multiplied by. If x is not contiguous, the chunk is copied. */
INLINE const real *FN(chunk_of)(const mg_product *p, size_t i, size_t k0, size_t k, real *copy) {
    const real *x = (const real *)p->b + (ptrdiff_t)i * p->b_col + (ptrdiff_t)k0 * p->b_row;
    if (p->b_row == 1) return x;
    for (size_t l = 0; l < k; l++) copy[l] = x[(ptrdiff_t)l * p->b_row];
    return copy;
}

static void FN(matvec_by_rows)(const mg_product *p) {
    enum { MANY = FN(at_once) };
    const size_t most = p->b_col && p->b_row != 1 ? 1 : W;  /* `copy` holds only one x */
    real copy[FN(chunk)];
    for (size_t i = 0; i < p->m; i += most) {
        const size_t rows = p->m - i < most ? p->m - i : most;
        vec y = {0};
        size_t k0 = 0;
        if (p->m == 1 && p->a_col == 1 && p->b_row == 1) {  /* a dot product: chunks as if they were rows */
            for (; p->k - k0 >= MANY * FN(chunk); k0 += MANY * FN(chunk)) {
                const real *a = (const real *)p->a + k0, *x = (const real *)p->b + k0;
                const vec next = FN(rows_chunk)(MANY, FN(chunk), a, FN(chunk), 1, x, FN(chunk));
                for (int c = 0; c < MANY; c++) y[0] = k0 + c == 0 ? next[0] : y[0] + next[c];
            }
        }
        for (; k0 < p->k; k0 += FN(chunk)) {
            const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
            const real *a = (const real *)p->a + (ptrdiff_t)i * p->a_row + (ptrdiff_t)k0 * p->a_col;
            const real *x = FN(chunk_of)(p, i, k0, k, copy);
            const vec next = p->b_col ? FN(rows_chunk)(rows, k, a, p->a_row, p->a_col, x, p->b_col)
                                      : FN(rows_chunk)(rows, k, a, p->a_row, p->a_col, x, 0);
            y = k0 == 0 ? next : y + next;
        }
        FN(finish)(p, i, rows, y);
    }
}

/* Chooses by measured speed, here in multiples of the speed of OpenBLAS (AVX-512, m x k):
   500 x 200      paired_columns 0.96, short_columns 0.60
   784 x 32       short_columns 0.84, paired_columns 0.62
   20 x 100000    columns_in_order 1.00, short_columns 0.93
   short_columns is also the fastest (1.02, paired_columns 0.92) for a matrix that fits only into the L3 cache, if few
   of its vectors lie in two cache lines. */
static void FN(matvec_by_columns)(const mg_product *p) {
    const size_t row = p->m * sizeof(real), bytes = p->k * row;
    const int far = bytes > 2 << 20;
    const int in_order = far && p->m >= W && row <= 512;
    const int lines = p->a_col * (ptrdiff_t)sizeof(real) % 32 == 0 && !FN(page_apart)(p->a_col);
    const int in_registers = p->k < 64 || row <= 256 || (MG_BYTES == 64 && far && bytes <= 16 << 20 && lines);
    _Alignas(64) real lane[32 * 512 / sizeof(real)], copy[FN(chunk)], sum[FN(widest)], next[FN(widest)];
    for (size_t i0 = 0; i0 < p->m; i0 += FN(widest)) {
        const size_t m = p->m - i0 < FN(widest) ? p->m - i0 : FN(widest);
        size_t k0 = 0;
        do {
            const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
            const real *a = (const real *)p->a + i0 + (ptrdiff_t)k0 * p->a_col, *x = FN(chunk_of)(p, 0, k0, k, copy);
            real *to = k0 == 0 ? sum : next;
            if (in_order) FN(columns_in_order)(m, k, a, p->a_col, x, lane, to);
            else if (in_registers || m < W) FN(short_columns)(m, k, a, p->a_col, x, to);
            else FN(paired_columns)(m, k, a, p->a_col, x, to);
            if (k0 > 0)
                for (size_t i = 0; i < m; i += W) V(store)(sum + i, V(load)(sum + i) + V(load)(next + i));
        } while ((k0 += FN(chunk)) < p->k);
        for (size_t i = 0; i < m; i += W) FN(finish)(p, i0 + i, m - i < W ? m - i : W, V(load)(sum + i));
    }
}

/* k = 1: c[i] = a[i] x[0], or a[i] x[i]. The other 31 lanes are +0; adding them turns a product -0 into +0. */
static void FN(matvec_of_one)(const mg_product *p) {
    const real *a = p->a, *x = p->b;
    const vec one = V(set1)(*x);
    for (size_t i = 0; i < p->m; i += W) {
        const size_t part = p->m - i < W ? p->m - i : W;
        const vec own = p->b_col ? V(load_part)(x + i, part) : one;
        FN(finish)(p, i, part, V(fma)(V(load_part)(a + i, part), own, (vec){0}) + (vec){0});
    }
}

static void FN(matvec)(const mg_product *p) {
    if (p->k == 1 && p->a_row == 1 && (p->b_col == 0 || p->b_col == 1)) FN(matvec_of_one)(p);
    else if (p->a_row == 1 && p->a_col != 1 && !p->b_col) FN(matvec_by_columns)(p);
    else FN(matvec_by_rows)(p);
}
