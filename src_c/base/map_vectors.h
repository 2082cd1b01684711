/* One row of an elementwise map, computed by whole vectors. Included by a body, once per precision. */
typedef vec (*FN(formula_of_two))(const int op, vec a, vec b);

/* out = f(op, a, b), four vectors at a time, because the operations of one vector depend on each other and would leave
   most of the processor idle. A step is 1, or 0 for an operand that is one vector, the same for all elements. */
INLINE void FN(by_vectors)(FN(formula_of_two) f, const int op, size_t n, const real *a, size_t a_step, const real *b,
                           size_t b_step, real *out) {
    size_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        vec y[4];
        UNROLL for (int k = 0; k < 4; k++)
            y[k] = f(op, V(load)(a + (i + k * W) * a_step), V(load)(b + (i + k * W) * b_step));
        UNROLL for (int k = 0; k < 4; k++) V(store)(out + i + k * W, y[k]);
    }
    for (; i + W <= n; i += W) V(store)(out + i, f(op, V(load)(a + i * a_step), V(load)(b + i * b_step)));
    if (i < n) {
        const vec x = V(load_part)(a + i * a_step, n - i), y = V(load_part)(b + i * b_step, n - i);
        V(store_part)(out + i, n - i, f(op, x, y));
    }
}
