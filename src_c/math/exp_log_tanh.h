/* exp, log, tanh and sigmoid of a vector, V(exp)(x) for both precisions: fixed operations, so the same bits everywhere.
   Largest error found: exp 0.90, log 0.94, tanh 1.00, sigmoid 2.26 ulp (tests/kernels/test_functions.py). The plain
   meaning, one number at a time, is exp_log_tanh_naive.h. */
#ifndef MG_FUNCTIONS_H
#define MG_FUNCTIONS_H
#include "math/exp_log_tanh_tables.h"
#include "base/simd.h"
#define MG_SOURCE "math/exp_log_tanh.h"
#include "base/mg_both.h"

#elif defined(real)

/* e^x = 2^n e^r with n = x / ln 2 rounded to a whole number. Overflow, denormals and 0 come from rounding in scale. */
INLINE vec V(exp)(vec x) {
    x = V(max)(V(set1)(FN(exp_range)[0]), V(min)(V(set1)(FN(exp_range)[1]), x));
    const vec n = V(fma)(x, V(set1)(FN(log2e)), V(set1)(FN(round))) - V(set1)(FN(round));
    vec r = V(fma)(n, V(set1)(-FN(ln2_hi)), x);
    r = V(fma)(n, V(set1)(-FN(ln2_lo)), r);
    const int degree = sizeof FN(exp_q) / sizeof(real) - 1;
    vec p = V(set1)(FN(exp_q)[degree]);
    UNROLL for (int k = degree - 1; k >= 0; k--) p = V(fma)(p, r, V(set1)(FN(exp_q)[k]));
    p = V(fma)(p, r, V(set1)(1));
    p = V(fma)(p, r, V(set1)(1));
    return V(scale)(p, n);
}

/* ln x = e ln 2 + ln(1 + f) with x = 2^e (1 + f) and 1 + f in [3/4, 3/2), where f is exact. */
INLINE vec V(log)(vec x) {
    const vec zero = {0}, infinity = V(set1)(INFINITY);
    vec e;
    const vec f = V(split)(x, &e) - V(set1)(1);
    const int degree = sizeof FN(log_q) / sizeof(real) - 1;
    vec q = V(set1)(FN(log_q)[degree]);
    UNROLL for (int k = degree - 1; k >= 0; k--) q = V(fma)(q, f, V(set1)(FN(log_q)[k]));
    const vec tail = V(fma)(f * f, q, e * V(set1)(FN(ln2_lo)));
    vec y = V(fma)(e, V(set1)(FN(ln2_hi)), f + tail);
    y = V(select)(V(lt)(x, infinity), y, x);
    return V(select)(V(lt)(zero, x), y, V(select)(V(eq)(x, zero), -infinity, V(set1)(NAN)));
}

/* tanh x by the polynomial of its interval; the sign of x at the end, so tanh(-0) = -0. */
INLINE vec V(tanh)(vec x) {
    const vec a = V(min)(V(set1)(FN(tanh_top)), V(abs)(x)), offset = V(set1)(FN(tanh_offset));
    const uvec column = ((uvec)(a + offset) - (uvec)offset) >> FN(tanh_shift);
    const vec t = a - V(lookup)(FN(tanh_center), column);
    vec p = V(lookup)(FN(tanh_c)[FN(tanh_degree)], column);
    UNROLL for (int k = FN(tanh_degree) - 1; k >= 0; k--) p = V(fma)(p, t, V(lookup)(FN(tanh_c)[k], column));
    return V(copysign)(p, x);
}

/* 1 / (1 + e^-x) without overflow: e = exp(-|x|), then 1/(1+e), or e/(1+e) for negative x. */
INLINE vec V(sigmoid)(vec x) {
    const vec one = V(set1)(1), e = V(exp)(-V(abs)(x));
    return V(select)(V(lt)(x, (vec){0}), e, one) / (one + e);
}

#endif
