/* n = 1: c = a x for a vector x, or each row of a meets one of its own. Included by matmul.c, once per precision.

   One chain of fma per element would wait for itself, so a chunk is 32 chains, whatever the processor: lane l takes
   k = l, l + 32, ... The lanes are added by halves: l + 16, then l + 8, 4, 2, 1. All ways through a end there:
   contiguous rows hold their lanes in registers, few contiguous columns a quarter of them, many columns keep those of
   many rows in a cache. */

enum { FN(held) = 32 / W, FN(at_once) = MG_BYTES == 64 ? 4 : 8 / FN(held) ? 8 / FN(held) : 1 };

enum { FN(widest) = 4096 / sizeof(real) };

/* x[0] + ... of n vectors (2 to 16, a power of two) by halves: l + n/2 is added to l, then l + n/4, ... */
INLINE void FN(add_half)(const int half, vec *x) { UNROLL for (int l = 0; l < half; l++) x[l] += x[l + half]; }
INLINE vec FN(by_halves)(const int n, vec *x) {
    if (n > 8) FN(add_half)(8, x);
    if (n > 4) FN(add_half)(4, x);
    if (n > 2) FN(add_half)(2, x);
    return x[0] + x[1];
}

/* Lane i of the result is the sum by halves of the lanes of row i. Where vectors hold four times 128 bits, halving two
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

/* part = the lanes of R rows of a chunk, each halved down to one vector. x_row is 0, or each row has its own x. */
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
            KEEP(xs);                       /* else it is read again for every row */
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
        } else if (at < k) {                /* lanes beyond k keep their sum, and its sign if it is 0 */
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

/* The sums of one chunk of up to W rows, each contiguous (step 1) or copied first. */
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

/* Contiguous columns, few of them: to = the sums of one chunk of VN vectors of rows, the second `last` rows after the
   first; only a single one may be narrow. A few of the lanes are in registers at a time, and those that these meet
   first. */
INLINE void FN(column_lanes)(const int VN, size_t n, size_t last, size_t k, const real *a, ptrdiff_t a_col,
                             const real *x, real *to) {
    enum { FEWER = MG_BYTES == 64 ? 4 : 2 };
    vec half[2][16];
    UNROLL for (int first = 0; first < 16; first += FEWER) {
        vec sum[2][2 * FEWER];
        UNROLL for (int q = 0; q < 2 * FEWER; q++) sum[0][q] = sum[1][q] = (vec){0};
        for (size_t l = (size_t)first; l < k; l += 32)
            UNROLL for (int q = 0; q < 2 * FEWER; q++) {
                const size_t at = l + (size_t)(q < FEWER ? q : q - FEWER + 16);
                if (l + 16 + FEWER > k && at >= k) continue;
                const vec xs = V(set1)(x[at]);
                const real *p = a + (ptrdiff_t)at * a_col;
                sum[0][q] = V(fma)(VN == 2 ? V(load)(p) : V(load_part)(p, n), xs, sum[0][q]);
                if (VN == 2) sum[1][q] = V(fma)(V(load)(p + last), xs, sum[1][q]);
            }
        UNROLL for (int v = 0; v < VN; v++)
            UNROLL for (int q = 0; q < FEWER; q++) half[v][first + q] = sum[v][q] + sum[v][q + FEWER];
    }
    if (VN == 2) V(store)(to + last, FN(by_halves)(16, half[1]));
    V(store)(to, FN(by_halves)(16, half[0]));
}

/* sums = those of one chunk of m rows, for few columns. */
static void FN(short_columns)(size_t m, size_t k, const real *a, ptrdiff_t a_col, const real *x, real *sums) {
    size_t i = 0;
    for (; i + W < m; i += 2 * W) {
        const size_t last = m - i < 2 * W ? m - i - W : W;
        FN(column_lanes)(2, W, last, k, a + i, a_col, x, sums + i);
    }
    if (i < m) FN(column_lanes)(1, m - i, 0, k, a + i, a_col, x, sums + i);
}

/* Many columns: two lanes at a time, l and l + 16, each through a few of its numbers, whose rows of a run side by
   side. Lanes that go on later wait in `lane`. Those that end are added, and their sum is added to those that wait for
   it in `half`, `joins` of them: with l in the order 0 8 4 12 2 ..., these are the halves, and no more than 4 wait. */
typedef struct {
    size_t m;
    const real *a, *x;
    ptrdiff_t a_col;
    int starts, ends, joins;
    real *sums, *lane, (*half)[FN(widest)];
} FN(pass);

/* U vectors of rows from `at` on, whose place in `lane` and `half` is i. The lanes have J and J2 numbers. */
INLINE void FN(pass_on)(const FN(pass) *p, const int J, const int J2, const int U, size_t at, size_t i, const vec *x) {
    vec sum[4], *const second = sum + U;
    UNROLL for (int u = 0; u < 2 * U; u++) sum[u] = p->starts ? (vec){0} : V(load)(p->lane + 2 * i + u * W);
    UNROLL for (int j = 0; j < J; j++) {
        const real *a = p->a + at + 32 * j * p->a_col;
        UNROLL for (int u = 0; u < U; u++) sum[u] = V(fma)(V(load)(a + u * W), x[j], sum[u]);
        if (j >= J2) continue;
        a += 16 * p->a_col;
        UNROLL for (int u = 0; u < U; u++) second[u] = V(fma)(V(load)(a + u * W), x[J + j], second[u]);
    }
    if (!p->ends) {
        UNROLL for (int u = 0; u < 2 * U; u++) V(store)(p->lane + 2 * i + u * W, sum[u]);
        return;
    }
    UNROLL for (int u = 0; u < U; u++) sum[u] += second[u];
    for (int n = 0; n < p->joins; n++)
        UNROLL for (int u = 0; u < U; u++) sum[u] = V(load)(p->half[n] + i + u * W) + sum[u];
    real *const to = p->joins == 4 ? p->sums + at : p->half[p->joins] + i;
    UNROLL for (int u = 0; u < U; u++) V(store)(to + u * W, sum[u]);
}

INLINE void FN(lane_pair)(const FN(pass) *from, const int J, const int J2) {
    const FN(pass) p = *from;               /* in registers: what is stored might else be a part of it */
    vec x[16];
    UNROLL for (int j = 0; j < J; j++) { x[j] = V(set1)(p.x[32 * j]); KEEP(x[j]); }
    UNROLL for (int j = 0; j < J2; j++) { x[J + j] = V(set1)(p.x[32 * j + 16]); KEEP(x[J + j]); }
    size_t i = 0;
    for (; i + W < p.m; i += 2 * W) FN(pass_on)(&p, J, J2, 2, i + 2 * W < p.m ? i : p.m - 2 * W, i, x);
    if (i < p.m) FN(pass_on)(&p, J, J2, 1, p.m - W, i, x);
}

NOINLINE static void FN(pair)(const FN(pass) *p, size_t numbers) {
    switch (numbers) {
#define PAIR(j) case 2 * j - 1: FN(lane_pair)(p, j, j - 1); break; case 2 * j: FN(lane_pair)(p, j, j); break;
        case 0: FN(lane_pair)(p, 0, 0); break;
        PAIR(1) PAIR(2) PAIR(3) PAIR(4)
#if MG_BYTES == 64
        PAIR(5) PAIR(6) PAIR(7) PAIR(8)
#endif
#undef PAIR
    }
}

static void FN(paired_columns)(size_t m, size_t k, const real *a, ptrdiff_t a_col, const real *x, real *sums) {
    enum { MOST = MG_BYTES == 64 ? 16 : 8 };
    _Alignas(64) real lane[2 * FN(widest)], half[4][FN(widest)];
    for (size_t c = 0; c < 16; c++) {
        size_t l = c >> 3 | (c >> 1 & 2) | (c << 1 & 4) | (c << 3 & 8), left = l < k ? (k - l + 15) / 16 : 0;
        FN(pass) p = {.m = m, .a_col = a_col, .starts = 1, .joins = __builtin_ctzll(~c), .sums = sums, .lane = lane, .half = half};
        do {
            const size_t now = left < MOST ? left : MOST;
            p.a = a + (ptrdiff_t)l * a_col, p.x = x + l, p.ends = now == left;
            FN(pair)(&p, now);
            l += 16 * MOST, left -= now, p.starts = 0;
        } while (left > 0);
    }
}

/* Short rows from beyond the second cache, of W numbers or more: read as they lie and fetched 2 KiB ahead. All lanes wait
   in the first cache. Vectors go by fours but for the last R of a column, which end with it. */
INLINE void FN(add_column)(const int R, size_t m, const real *a, ptrdiff_t ahead, vec x, real *to) {
    for (; m > 4 * W; m -= 4 * W, a += 4 * W, to += 4 * W)
        UNROLL for (int i = 0; i < 4 * W; i += W) {
            __builtin_prefetch(a + ahead + i);
            V(store)(to + i, V(fma)(V(load)(a + i), x, V(load)(to + i)));
        }
    UNROLL for (int i = 0; i < R * W; i += W) {
        const real *p = i == (R - 1) * W ? a + m - W : a + i;
        __builtin_prefetch(p + ahead);
        V(store)(to + i, V(fma)(V(load)(p), x, V(load)(to + i)));
    }
}

static void FN(columns_in_order)(size_t m, size_t k, const real *a, ptrdiff_t a_col, const real *x, real *lane,
                                 real *sums) {
    const size_t row = (m + W - 1) / W * W;
    const ptrdiff_t ahead = (ptrdiff_t)((2048 / sizeof(real) + m - 1) / m) * a_col;
    memset(lane, 0, 32 * row * sizeof(real));
    switch ((row / W - 1) % 4) {
#define LAST(r) case r - 1: \
        for (size_t l = 0; l < k; l++) \
            FN(add_column)(r, m, a + (ptrdiff_t)l * a_col, ahead, V(set1)(x[l]), lane + l % 32 * row);                 \
        break;
        LAST(1) LAST(2) LAST(3) LAST(4)
#undef LAST
    }
    for (size_t i = 0; i < row; i += W) {
        vec half[16];
        UNROLL for (int l = 0; l < 16; l++) half[l] = V(load)(lane + l * row + i) + V(load)(lane + (l + 16) * row + i);
        V(store)(sums + (i + W < m ? i : m - W), FN(by_halves)(16, half));
    }
}

/* c[i] and on = what becomes of the sums of `part` rows. */
INLINE void FN(finish)(const mg_matmul_args *p, size_t i, size_t part, vec y) {
    real *c = (real *)p->c + i;
    if (p->bias) y += V(set1)(*(const real *)p->bias);
    y = FN(activated)(p->activation, y);
    V(store_part)(c, part, p->accumulate ? V(load_part)(c, part) + y : y);
}

/* The chunk of x that row i meets. Where x is not contiguous it is copied. */
INLINE const real *FN(chunk_of)(const mg_matmul_args *p, size_t i, size_t k0, size_t k, real *copy) {
    const real *x = (const real *)p->b + (ptrdiff_t)i * p->b_col + (ptrdiff_t)k0 * p->b_row;
    if (p->b_row == 1) return x;
    for (size_t l = 0; l < k; l++) copy[l] = x[(ptrdiff_t)l * p->b_row];
    return copy;
}

static void FN(matvec_by_rows)(const mg_matmul_args *p) {
    enum { MANY = FN(at_once) };
    const size_t most = p->b_col && p->b_row != 1 ? 1 : W;  /* only one copy of an x is held */
    real copy[FN(chunk)];
    for (size_t i = 0; i < p->m; i += most) {
        const size_t rows = p->m - i < most ? p->m - i : most;
        vec y = {0};
        size_t k0 = 0;
        if (p->m == 1 && p->a_col == 1 && p->b_row == 1) {  /* a dot product: several chunks at once, as if rows */
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

/* Which way is fastest (one thread, times of OpenBLAS to ours, Xeon with AVX-512):
   500 x 200 registers 0.6, pairs 0.95; 20 x 100000 registers 0.93, in order 1.0; 784 x 32 registers 0.84, pairs 0.6 */
static void FN(matvec_by_columns)(const mg_matmul_args *p) {
    const size_t row = p->m * sizeof(real), bytes = p->k * row;
    const int far = bytes > 2 << 20;
    const int in_order = far && p->m >= W && row <= 512;
    const int whole_lines = MG_BYTES == 64 && far && bytes <= 16 << 20 && p->a_col * sizeof(real) % 32 == 0 && !FN(page_apart)(p->a_col);
    const int in_registers = p->k < 64 || row <= 256 || whole_lines;
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

static void FN(matvec)(const mg_matmul_args *p) {
    if (p->a_row == 1 && p->a_col != 1 && !p->b_col) FN(matvec_by_columns)(p);
    else FN(matvec_by_rows)(p);
}
