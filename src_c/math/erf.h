/* erf and the normal distribution function of vectors. For float64 they are computed from a table of polynomials, like
   tanh in exp_log_tanh.h; for float32 from a polynomial for |x| < 1, and beyond from the tail probability, which is
   relatively accurate down to the denormals. Largest errors found: erf 1.45 ulp of float64 and 1.25 of float32,
   normal_cdf 2.9 of float32. */
#ifndef MG_ERF_H
#define MG_ERF_H
#include "math/float64_tables.h"
#include "math/exp_log_tanh.h"
#include "math/float32_tables.h"

INLINE vf64 vf64_erf(vf64 x) {
    const vf64 a = vf64_min(vf64_set1(mg_erf_top), vf64_abs(x));
    const vu64 column = (vu64)vf64_fma(a, vf64_set1(mg_erf_columns), vf64_set1(0x1p52)); /* rounded to a whole number */
    const vf64 t = a - vf64_lookup(mg_erf_center, column);
    vf64 p = vf64_lookup(mg_erf_c[mg_erf_degree], column);
    UNROLL for (int k = mg_erf_degree - 1; k >= 0; k--) p = vf64_fma(p, t, vf64_lookup(mg_erf_c[k], column));
    return vf64_copysign(p, x);
}

/* (1 + erf(x / sqrt 2)) / 2. */
INLINE vf64 vf64_normal_cdf(vf64 x) {
    return vf64_fma(vf64_set1(0.5), vf64_erf(x * 0x1.6a09e667f3bcdp-1), vf64_set1(0.5));
}

/* c[0] + c[1] x + ... for all coefficients of the array c of floats. */
#define POLYNOMIAL_F32(c, x) mg_polynomial_f32(c, sizeof(c) / sizeof(float) - 1, x)
INLINE vf32 mg_polynomial_f32(const float *c, const int degree, vf32 x) {
    vf32 p = vf32_set1(c[degree]);
    UNROLL for (int k = degree - 1; k >= 0; k--) p = vf32_fma(p, x, vf32_set1(c[k]));
    return p;
}

/* The probability of a standard normal number above x, for 1 <= x <= 14.3: exp(-x^2 / 2) c(t) / d, where d = x + 5/2
   and t = (x - 5/2) / d. The rounding errors of x^2 (lost), of d (d_lost) and of 1 / d (missing) are corrected. */
INLINE vf32 mg_normal_tail(vf32 x) {
    const vf32 square = x * x, h = -0.5f * square, lost = vf32_fma(x, x, -square);
    const vf32 n = vf32_fma(h, vf32_set1(mg_log2e_f32), vf32_set1(mg_round_f32)) - mg_round_f32;
    vf32 r = vf32_fma(n, vf32_set1(-mg_ln2_hi_f32), h);
    r = vf32_fma(lost, vf32_set1(-0.5f), vf32_fma(n, vf32_set1(-mg_ln2_lo_f32), r));
    const vf32 p = vf32_fma(r * r, POLYNOMIAL_F32(mg_exp_q_f32, r), r), d = x + 2.5f, d_lost = x - (d - 2.5f);
    const vf32 inverse = 1 / d, missing = vf32_fma(-d_lost, inverse, vf32_fma(-d, inverse, vf32_set1(1)));
    vf32 y = POLYNOMIAL_F32(mg_normal_far, (x - 2.5f) * inverse) * inverse;
    y = vf32_fma(y, missing, y);
    return vf32_scale(vf32_fma(y, p, y), n);
}

INLINE vf32 vf32_erf(vf32 x) {
    const vf32 one = vf32_set1(1), a = vf32_abs(x), near = vf32_fma(a, POLYNOMIAL_F32(mg_erf_near, a * a), a);
    const vf32 far = 1 - 2 * mg_normal_tail(0x1.6a09e6p+0f * vf32_max(one, vf32_min(vf32_set1(4), a)));
    return vf32_copysign(vf32_select(vf32_lt(a, one), near, far), x);
}

INLINE vf32 vf32_normal_cdf(vf32 x) {
    const vf32 one = vf32_set1(1), a = vf32_abs(x);
    const vf32 near = vf32_fma(x, POLYNOMIAL_F32(mg_normal_near, x * x), vf32_set1(0.5f));
    const vf32 far = mg_normal_tail(vf32_max(one, vf32_min(vf32_set1(14.3f), a)));
    return vf32_select(vf32_lt(a, one), near, vf32_select(vf32_lt(x, (vf32){0}), far, 1 - far));
}

#endif
