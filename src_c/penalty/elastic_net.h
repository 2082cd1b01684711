/* The elastic net l1 Σ|w| + (l2/2) Σw² of a vector of weights: its gradient, its proximal map, and the two sums.
   penalty.c and update.c include this file, once per precision. elastic_net_naive.h computes the same, one weight at a
   time. `terms` has the bit L1_TERM if l1 is not 0, and L2_TERM if l2 is not 0. Callers pass it as a constant, so that
   the compiler removes the code of a term whose coefficient is 0. */
#ifndef MG_ELASTIC_H
#define MG_ELASTIC_H
enum { L1_TERM = 1, L2_TERM = 2, BOTH_TERMS = 3 };
INLINE int mg_terms(double l1, double l2) { return (l1 != 0 ? L1_TERM : 0) | (l2 != 0 ? L2_TERM : 0); }
#define LANES 32
#endif

/* l2 w + l1 sign(w), sign(0) = 0, rounded after each operation; NaN stays NaN. */
INLINE vec FN(elastic_slope)(vec w, vec l1, vec l2, int terms) {
    const vec zero = {0};
    if (terms == L2_TERM) return l2 * w;
    if (!(terms & L2_TERM)) return V(times_sign)(l1, w);
    return V(select)(V(ne)(w, zero), l2 * w + V(flipsign)(l1, w), zero);
}

/* sign(v) max(|v| - t, 0) / d; zeros are +0; NaN in v or t stays NaN. Without L2_TERM, d is 1, and nothing
   is divided. */
INLINE vec FN(elastic_prox)(vec v, vec t, vec d, int terms) {
    const vec size = V(abs)(v), rest = V(flipsign)(size - t, v);
    return V(select)(V(le)(size, t), (vec){0}, terms & L2_TERM ? rest / d : rest);
}

/* Σ|w| (size) and Σw² (square) in float64: element i of a block is added to lane i mod LANES. */
typedef struct {
    vf64 size[LANES / MG_W64], square[LANES / MG_W64];
} FN(lanes);

/* Add LANES weights, one to each lane. */
INLINE void FN(lanes_add)(FN(lanes) *s, const real *w, int terms) {
    UNROLL for (size_t j = 0; j < LANES / MG_W64; j++) {
        const vf64 x = V(load_wide)(w + j * MG_W64);
        if (terms & L1_TERM) s->size[j] += vf64_abs(x);
        if (terms & L2_TERM) s->square[j] = vf64_fma(x, x, s->square[j]);
    }
}

/* The sum of the lanes by halves: lane k + 16 is added to lane k, then lane k + 8, k + 4, ...; the result is lane 0. */
INLINE double FN(lanes_total)(vf64 *lane) {
    double last[MG_W64];
    UNROLL for (size_t half = LANES / MG_W64 / 2; half; half /= 2)
        UNROLL for (size_t j = 0; j < half; j++) lane[j] += lane[j + half];
    vf64_store(last, lane[0]);
    for (size_t half = MG_W64 / 2; half; half /= 2)
        for (size_t k = 0; k < half; k++) last[k] += last[k + half];
    return last[0];
}

/* out = scale (l2 w + l1 sign(w)), rounded after each operation; a scale of 1 changes no bit. */
INLINE void FN(slopes)(size_t n, const real *w, vec l1, vec l2, vec scale, real *out, int terms) {
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, FN(elastic_slope)(V(load)(w + i), l1, l2, terms) * scale);
    if (i < n)
        V(store_part)(out + i, n - i, FN(elastic_slope)(V(load_part)(w + i, n - i), l1, l2, terms) * scale);
}

/* sums = {Σ|w|, Σw²} of n elements, 0 for a term that `terms` does not have; grad = the gradient, unless it is NULL.
   One loop computes both, so that the additions overlap with reading the next weights. */
INLINE void FN(elastic_pass)(size_t n, const real *w, vec l1, vec l2, real *grad, double *sums, int terms) {
    FN(lanes) s = {0};
    size_t i = 0;
    for (; terms && i + LANES <= n; i += LANES) {
        FN(lanes_add)(&s, w + i, terms);
        if (grad)
            UNROLL for (size_t j = i; j < i + LANES; j += W)
                V(store)(grad + j, FN(elastic_slope)(V(load)(w + j), l1, l2, terms));
    }
    if (terms && i < n) {
        real last[LANES] = {0};
        memcpy(last, w + i, (n - i) * sizeof *w);
        FN(lanes_add)(&s, last, terms);
    }
    sums[0] = FN(lanes_total)(s.size);
    sums[1] = FN(lanes_total)(s.square);
    if (grad) FN(slopes)(n - i, w + i, l1, l2, V(set1)(1), grad + i, terms);
}

INLINE void FN(elastic_sums)(size_t n, const real *w, double *sums, int terms) {
    FN(elastic_pass)(n, w, (vec){0}, (vec){0}, NULL, sums, terms);
}
