/* Vectors of float64 with their rounding errors: a pair is the number hi + lo, exactly. And polynomials of a table. */
#ifndef MG_PAIRS_H
#define MG_PAIRS_H
#include "base/simd.h"

typedef struct {
    vf64 hi, lo;
} mg_pair;

/* a + b. */
INLINE mg_pair mg_sum(vf64 a, vf64 b) {
    const vf64 hi = a + b, back = hi - a;
    return (mg_pair){hi, (a - (hi - back)) + (b - back)};
}

/* a + b where |a| >= |b|, or a is 0. */
INLINE mg_pair mg_sum_ordered(vf64 a, vf64 b) {
    const vf64 hi = a + b;
    return (mg_pair){hi, (a - hi) + b};
}

/* a b. */
INLINE mg_pair mg_product(vf64 a, vf64 b) {
    const vf64 hi = a * b;
    return (mg_pair){hi, vf64_fma(a, b, -hi)};
}

/* c[0] + c[1] x + ... for all coefficients of the array c. */
#define POLYNOMIAL(c, x) mg_polynomial(c, sizeof(c) / sizeof(double) - 1, x)
INLINE vf64 mg_polynomial(const double *c, const int degree, vf64 x) {
    vf64 p = vf64_set1(c[degree]);
    UNROLL for (int k = degree - 1; k >= 0; k--) p = vf64_fma(p, x, vf64_set1(c[k]));
    return p;
}

#endif
