/* erf and the normal distribution function of vectors of float64, as functions.h does tanh: a table of polynomials.
   Largest error of erf found: 1.45 ulp. */
#ifndef MG_ERF_H
#define MG_ERF_H
#include "elementary_tables.h"
#include "simd.h"

INLINE vf64 mg_erf(vf64 x) {
    const vf64 a = vf64_min(vf64_set1(mg_erf_top), vf64_abs(x));
    const vu64 column = (vu64)vf64_fma(a, vf64_set1(mg_erf_columns), vf64_set1(0x1p52)); /* rounded, in the low bits */
    const vf64 t = a - vf64_lookup(mg_erf_center, column);
    vf64 p = vf64_lookup(mg_erf_c[mg_erf_degree], column);
    UNROLL for (int k = mg_erf_degree - 1; k >= 0; k--) p = vf64_fma(p, t, vf64_lookup(mg_erf_c[k], column));
    return vf64_copysign(p, x);
}

/* (1 + erf(x / sqrt 2)) / 2. */
INLINE vf64 mg_normal_cdf(vf64 x) {
    return vf64_fma(vf64_set1(0.5), mg_erf(x * 0x1.6a09e667f3bcdp-1), vf64_set1(0.5));
}

#endif
