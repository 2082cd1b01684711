/* Copies of a and b that a tile reads at full speed. Included by matmul.c, once per precision. */

/* out[t] = column t of the W x W block at p, whose rows are `row` apart. 16-byte pieces of W / Q rows are loaded into
   one vector, so only the Q x Q blocks within 16 bytes are left to interleave. */
INLINE void FN(transpose)(const real *p, ptrdiff_t row, vec out[W]) {
    enum { Q = 16 / sizeof(real) };
    UNROLL for (int c = 0; c < W; c += Q) {
        vec r[Q];
        UNROLL for (int i = 0; i < Q; i++) r[i] = V(quarters)(p + c + i * row, Q * row);
        if (Q == 2) {
            out[c] = V(lo)(r[0], r[1]), out[c + 1] = V(hi)(r[0], r[1]);
        } else {
            const vec even0 = V(lo)(r[0], r[Q - 2]), even1 = V(hi)(r[0], r[Q - 2]);
            const vec odd0 = V(lo)(r[1], r[Q - 1]), odd1 = V(hi)(r[1], r[Q - 1]);
            out[c] = V(lo)(even0, odd0), out[c + 1] = V(hi)(even0, odd0);
            out[c + Q - 2] = V(lo)(even1, odd1), out[c + Q - 1] = V(hi)(even1, odd1);
        }
    }
}

/* The same where only `rows` rows of `cols` numbers exist; the rest counts as 0. */
static void FN(transpose_part)(const real *p, ptrdiff_t row, size_t rows, size_t cols, vec out[W]) {
    real block[W * W] = {0};
    for (size_t i = 0; i < rows; i++) V(store)(block + i * W, V(load_part)(p + (ptrdiff_t)i * row, cols));
    FN(transpose)(block, W, out);
}

/* panel = b (k, n) with rows of whole vectors, padded with zeros. */
static void FN(pack_panel)(size_t k, size_t n, const real *b, ptrdiff_t row, ptrdiff_t col, real *panel) {
    const size_t width = (n + W - 1) / W * W;
    for (size_t j = 0; j < width; j += W) {
        const size_t part = n - j < W ? n - j : W;
        const real *from = b + (ptrdiff_t)j * col;
        real *to = panel + j;
        if (col == 1) {
            for (size_t i = 0; i < k; i++) {
                const real *p = from + (ptrdiff_t)i * row;
                V(store)(to + i * width, part == W ? V(load)(p) : V(load_part)(p, part));
            }
        } else if (row == 1) {
            for (size_t i = 0; i < k; i += W) {
                vec columns[W];
                if (part == W && k - i >= W) FN(transpose)(from + i, col, columns);
                else FN(transpose_part)(from + i, col, part, k - i < W ? k - i : W, columns);
                for (size_t t = 0; t < W && i + t < k; t++) V(store)(to + (i + t) * width, columns[t]);
            }
        } else {
            for (size_t i = 0; i < k; i++)
                for (size_t t = 0; t < W; t++)
                    to[i * width + t] = t < part ? from[(ptrdiff_t)i * row + (ptrdiff_t)t * col] : 0;
        }
    }
}

/* to (m, n) = from (m, n), both with contiguous rows. */
static void FN(copy_rows)(size_t m, size_t n, const real *from, ptrdiff_t row, real *to, ptrdiff_t to_row) {
    for (size_t i = 0; i < m; i++) memcpy(to + (ptrdiff_t)i * to_row, from + (ptrdiff_t)i * row, n * sizeof(real));
}
