/* Transposes of small blocks in registers. Included by a body, once per precision. */

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
    real block[W * W];
    for (size_t i = 0; i < W; i++)
        V(store)(block + i * W, i < rows ? V(load_part)(p + (ptrdiff_t)i * row, cols) : (vec){0});
    FN(transpose)(block, W, out);
}
