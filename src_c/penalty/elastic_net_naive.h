/* The plain meaning of elastic_net.h: one weight at a time. Included once per precision. */

/* A term whose coefficient is 0 is left out, because 0 times an infinite weight would be NaN. */
static real FN(elastic_slope)(real w, real l1, real l2) {
    /* l1 sign(w); a w that is not > 0, < 0 or 0 is NaN, and stays */
    const real first = w > 0 ? l1 : w < 0 ? -l1 : w == 0 ? 0 : w;
    if (l2 == 0) return first;
    if (l1 == 0) return l2 * w;
    return l2 * w + first;
}

static real FN(elastic_prox)(real v, real t, real d) {
    if (-t <= v && v <= t) return 0;
    return (v > 0 ? v - t : v + t) / d;
}

/* sums = {Σ|w|, Σw²} in float64, 0 for a sum whose flag is 0: element i is added to lane i mod 32, then lane k + 16 to
   lane k, lane k + 8 to lane k, ... */
static void FN(elastic_sums)(size_t n, const real *w, int with_size, int with_square, double *sums) {
    double size[32] = {0}, square[32] = {0};
    for (size_t i = 0; i < n; i++) {
        if (with_size) size[i % 32] += fabs((double)w[i]);
        if (with_square) square[i % 32] = fma(w[i], w[i], square[i % 32]);
    }
    for (size_t half = 16; half; half /= 2)
        for (size_t k = 0; k < half; k++) {
            size[k] += size[k + half];
            square[k] += square[k + half];
        }
    sums[0] = size[0];
    sums[1] = square[0];
}
