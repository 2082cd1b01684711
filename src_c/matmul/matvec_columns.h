/* c = a x where the columns of a are contiguous: the gradient X^T r of a linear model. The 32 lanes are those of
   matvec.h. Three functions compute one chunk of k: short_columns, paired_columns and columns_in_order. Included by
   matmul.c, once per precision. */

enum { FN(widest) = 4096 / sizeof(real) };  /* rows at a time */

/* x[0] + ... of n vectors (2 to 16, a power of two) by halves: l + n/2 is added to l, then l + n/4, ... */
INLINE void FN(add_half)(const int half, vec *x) { UNROLL for (int l = 0; l < half; l++) x[l] += x[l + half]; }
INLINE vec FN(by_halves)(const int n, vec *x) {
    if (n > 8) FN(add_half)(8, x);
    if (n > 4) FN(add_half)(4, x);
    if (n > 2) FN(add_half)(2, x);
    return x[0] + x[1];
}

/* Short columns, or few of them: to = the sums of one chunk for VN vectors of rows. The second vector starts `last`
   rows after the first; if there is only one, it has n <= W rows. At a time, FEWER of the lanes 0 ... 15 are in
   registers, with the FEWER lanes 16 further on, which are the first to be added to them. */
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

/* sums = the sums of one chunk for m rows. */
static void FN(short_columns)(size_t m, size_t k, const real *a, ptrdiff_t a_col, const real *x, real *sums) {
    size_t i = 0;
    for (; i + W < m; i += 2 * W) {
        const size_t last = m - i < 2 * W ? m - i - W : W;
        FN(column_lanes)(2, W, last, k, a + i, a_col, x, sums + i);
    }
    if (i < m) FN(column_lanes)(1, m - i, 0, k, a + i, a_col, x, sums + i);
}

/* Long columns: a pass adds up to 8 columns (4 without AVX-512) to each of lanes l and l + 16. The columns are read
   side by side from top to bottom, so each cache line is read once, although most vectors of an unaligned column lie in
   two. If these lanes have more columns, their sums are stored in `lane`, and another pass continues them. Otherwise
   (`ends`) the two lanes are added, and the last `joins` sums in `half` are added to the result. With l in the order
   0 8 4 12 2 ..., these additions are those by halves, and `half` holds at most 4 sums. */
typedef struct {
    size_t m;
    const real *a, *x;
    ptrdiff_t a_col;
    int starts, ends, joins;
    real *sums, *lane, (*half)[FN(widest)];
} FN(pass);

/* Adds J columns to lane l and J2 to lane l + 16, each times its number in x, for U vectors of rows from `at` on. Their
   place in `lane` and `half` is i. */
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
    const FN(pass) p = *from;               /* a copy, because a store might change *from */
    vec x[16];
    UNROLL for (int j = 0; j < J; j++) { x[j] = V(set1)(p.x[32 * j]); KEEP(x[j]); }
    UNROLL for (int j = 0; j < J2; j++) { x[J + j] = V(set1)(p.x[32 * j + 16]); KEEP(x[J + j]); }
    size_t i = 0;
    for (; i + W < p.m; i += 2 * W) FN(pass_on)(&p, J, J2, 2, i + 2 * W < p.m ? i : p.m - 2 * W, i, x);
    if (i < p.m) FN(pass_on)(&p, J, J2, 1, p.m - W, i, x);
}

NOINLINE static void FN(pair)(const FN(pass) *p, size_t columns) {
    switch (columns) {
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
        FN(pass) p = {
            .m = m, .a_col = a_col, .starts = 1, .joins = __builtin_ctzll(~c), .sums = sums, .lane = lane, .half = half,
        };
        do {
            const size_t now = left < MOST ? left : MOST;
            p.a = a + (ptrdiff_t)l * a_col, p.x = x + l, p.ends = now == left;
            FN(pair)(&p, now);
            l += 16 * MOST, left -= now, p.starts = 0;
        } while (left > 0);
    }
}

/* Short columns (of W numbers or more) of a matrix larger than the L2 cache: they are read in their order in memory and
   fetched 2 KiB ahead, and all lanes are in the L1 cache. The vectors of a column are taken by fours, then the last R.
   The very last one ends with the column and may overlap the one before it, but has its own place in the lane. */
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
#define LAST(r) case r - 1:                                                                                            \
        for (size_t l = 0; l < k; l++)                                                                                 \
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
