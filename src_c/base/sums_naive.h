/* The plain meaning of sums.h. Include it in both passes of a naive body. */
#ifndef MG_SUMS_NAIVE_H
#define MG_SUMS_NAIVE_H

/* `count` numbers, a power of two, added by halving: the upper half to the lower, until one is left. */
static inline double mg_halve(int count, double *lane) {
    for (int half = count / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    }
    return lane[0];
}

/* How many of n > chunk items the left branch of the tree takes: the largest chunk * 2^k below n. */
static inline size_t mg_left_branch(size_t n, size_t chunk) {
    size_t left = chunk;
    while (2 * left < n) left *= 2;
    return left;
}

#endif

#ifdef real

static inline double FN(sum_flat)(size_t n, const real *x) {
    if (n <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < n; i++) lane[i % 64] += x[i];
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(n, 1024);
    return FN(sum_flat)(left, x) + FN(sum_flat)(n - left, x + left);
}

static inline double FN(sum_products)(size_t n, const real *a, const real *b) {
    if (n <= 1024) {
        double lane[64] = {0};
        for (size_t i = 0; i < n; i++) lane[i % 64] = fma(a[i], b[i], lane[i % 64]);
        return mg_halve(64, lane);
    }
    const size_t left = mg_left_branch(n, 1024);
    return FN(sum_products)(left, a, b) + FN(sum_products)(n - left, a + left, b + left);
}

#endif
