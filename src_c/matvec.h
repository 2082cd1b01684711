/* n = 1: c = a x for a vector x. Included by matmul.c, once per precision.

   One chain of fma per element would wait for itself, so a chunk is 32 chains, whatever the processor: lane l takes
   k = l, l + 32, ... The lanes are added by halves: l + 16, then l + 8, 4, 2, 1. Both ways through a end there:
   contiguous rows hold their lanes in registers; contiguous columns keep those of many rows in the first cache. */

enum { FN(held) = 32 / W, FN(at_once) = MG_BYTES == 64 ? 16 / FN(held) : 8 / FN(held) ? 8 / FN(held) : 1 };

static const real FN(index)[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* part[i] = lanes of row i (R of them) of a chunk, halved down to one vector. x_row is 0, or each row has its own x. */
INLINE void FN(row_lanes)(const int R, size_t k, const real *a, ptrdiff_t a_row, const real *x, ptrdiff_t x_row,
                          vec *part) {
    enum { L = FN(held) };
    vec sum[FN(at_once) * L] = {{0}};
    size_t l = 0;
    for (; l + 32 <= k; l += 32)
        UNROLL for (int v = 0; v < L; v++) {
            const size_t at = l + v * W;
            UNROLL for (int i = 0; i < R; i++)
                sum[i * L + v] = V(fma)(V(load)(a + i * a_row + at), V(load)(x + i * x_row + at), sum[i * L + v]);
        }
    for (int v = 0; v < L && l + v * W < k; v++) {  /* lanes beyond k keep their sum, and its sign if it is 0 */
        const size_t at = l + v * W, n = k - at < W ? k - at : W;
        for (int i = 0; i < R; i++) {
            const vec as = V(load_part)(a + i * a_row + at, n), xs = V(load_part)(x + i * x_row + at, n);
            const vec longer = V(fma)(as, xs, sum[i * L + v]);
            sum[i * L + v] = V(select)(V(lt)(V(load)(FN(index)), V(set1)((real)n)), longer, sum[i * L + v]);
        }
    }
    UNROLL for (int i = 0; i < R; i++) {
        UNROLL for (int half = L / 2; half > 0; half /= 2)
            UNROLL for (int v = 0; v < half; v++) sum[i * L + v] += sum[i * L + v + half];
        part[i] = sum[i * L];
    }
}

/* The sums of one chunk of up to W rows, each contiguous (step 1) or copied first. */
static vec FN(rows_chunk)(size_t rows, size_t k, const real *a, ptrdiff_t a_row, ptrdiff_t a_col, const real *x,
                          ptrdiff_t x_row) {
    real row[FN(chunk)];
    vec part[W] = {{0}}, lane[W];
    size_t i = 0;
    if (a_col == 1)
        for (; i + FN(at_once) <= rows; i += FN(at_once))
            FN(row_lanes)(FN(at_once), k, a + (ptrdiff_t)i * a_row, a_row, x + (ptrdiff_t)i * x_row, x_row, part + i);
    for (; i < rows; i++) {
        const real *from = a + (ptrdiff_t)i * a_row;
        if (a_col != 1)
            for (size_t l = 0; l < k; l++) row[l] = from[(ptrdiff_t)l * a_col];
        FN(row_lanes)(1, k, a_col == 1 ? from : row, 0, x + (ptrdiff_t)i * x_row, 0, part + i);
    }
    FN(transpose)((const real *)part, W, lane);
    UNROLL for (int half = W / 2; half > 0; half /= 2)
        UNROLL for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

/* The sums of one chunk of m rows (at most BLOCK) of an a whose columns are contiguous. */
enum { FN(columns_block) = 512 / sizeof(real) };
static void FN(columns_chunk)(size_t m, size_t k, const real *a, ptrdiff_t a_col, const real *x, real *sums) {
    enum { ROW = FN(columns_block) };
    _Alignas(64) real lane[32][ROW];
    for (size_t l = k; l < 32; l++) memset(lane[l], 0, (m + W - 1) / W * W * sizeof(real));
    for (size_t l = 0; l < k; l++, a += a_col) {
        const vec xs = V(set1)(x[l]);
        real *to = lane[l % 32];
        size_t i = 0;
        for (; i + W <= m; i += W) {
            __builtin_prefetch(a + 8 * a_col + i);
            V(store)(to + i, V(fma)(V(load)(a + i), xs, l < 32 ? (vec){0} : V(load)(to + i)));
        }
        if (i < m) V(store)(to + i, V(fma)(V(load_part)(a + i, m - i), xs, l < 32 ? (vec){0} : V(load)(to + i)));
    }
    for (int half = 16; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            for (size_t i = 0; i < m; i += W) V(store)(lane[l] + i, V(load)(lane[l] + i) + V(load)(lane[l + half] + i));
    memcpy(sums, lane[0], m * sizeof(real));
}

static void FN(matvec)(const mg_matmul_args *p) {
    enum { MOST = FN(columns_block) };
    const int by_columns = p->a_row == 1 && p->a_col != 1;
    const size_t most = by_columns ? MOST : W;
    const vec bias = V(set1)(p->bias ? *(const real *)p->bias : 0);
    _Alignas(64) real copy[FN(chunk)], sum[MOST], next[MOST];
    for (size_t i0 = 0; i0 < p->m; i0 += most) {
        const size_t m = p->m - i0 < most ? p->m - i0 : most;
        size_t k0 = 0;
        do {
            const size_t k = p->k - k0 < FN(chunk) ? p->k - k0 : FN(chunk);
            const real *a = (const real *)p->a + (ptrdiff_t)i0 * p->a_row + (ptrdiff_t)k0 * p->a_col;
            const real *x = (const real *)p->b + (ptrdiff_t)k0 * p->b_row;
            if (p->b_row != 1) {
                for (size_t l = 0; l < k; l++) copy[l] = x[(ptrdiff_t)l * p->b_row];
                x = copy;
            }
            if (p->m == 1 && p->a_col == 1 && p->b_row == 1 && p->k - k0 >= FN(at_once) * FN(chunk)) {
                V(store)(next, FN(rows_chunk)(FN(at_once), k, a, FN(chunk), 1, x, FN(chunk)));
                for (size_t i = 0; i < FN(at_once); i++) sum[0] = k0 + i == 0 ? next[0] : sum[0] + next[i];
                k0 += (FN(at_once) - 1) * FN(chunk);
                continue;
            }
            if (by_columns) FN(columns_chunk)(m, k, a, p->a_col, x, next);
            else V(store)(next, FN(rows_chunk)(m, k, a, p->a_row, p->a_col, x, 0));
            for (size_t i = 0; i < m; i++) sum[i] = k0 == 0 ? next[i] : sum[i] + next[i];
        } while ((k0 += FN(chunk)) < p->k);
        for (size_t i = 0; i < m; i += W) {
            const size_t part = m - i < W ? m - i : W;
            real *c = (real *)p->c + i0 + i;
            vec y = V(load_part)(sum + i, part);
            if (p->bias) y += bias;
            y = FN(activated)(p->activation, y);
            V(store_part)(c, part, p->accumulate ? V(load_part)(c, part) + y : y);
        }
    }
}
