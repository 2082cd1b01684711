/* floor and ceil of vectors of float64: adding and taking away 2^52 rounds to a whole number in every variant alike. */
#ifndef MG_WHOLE_H
#define MG_WHOLE_H
#include "simd.h"

INLINE vf64 mg_floor(vf64 x) {
    const vf64 a = vf64_abs(x), nearest = vf64_copysign((a + 0x1p52) - 0x1p52, x);
    const vf64 n = vf64_select(vf64_lt(a, vf64_set1(0x1p52)), nearest, x);
    return n - vf64_select(vf64_lt(x, n), vf64_set1(1), (vf64){0});
}

INLINE vf64 mg_ceil(vf64 x) { return -mg_floor(-x); }

INLINE mf64 mg_is_whole(vf64 x) { return vf64_eq(mg_floor(x), x); }

#endif
