/* expm1, sinh, cosh, log1p, log2, asinh, softplus, logaddexp and pow of vectors of float64: fixed operations, so the
   same bits everywhere. Largest errors found (pytest -m slow tests/kernels/test_elementary.py), in ulp: expm1 1.02,
   sinh 1.56, cosh 1.03, log1p 0.83, log2 0.50, asinh 1.51, softplus 1.45, pow 1.06. One number at a time:
   exponential_naive.h. */
#ifndef MG_EXPONENTIAL_H
#define MG_EXPONENTIAL_H
#include "math/float64_tables.h"
#include "math/exp_log_tanh.h"
#include "math/exact_pairs.h"
#include "math/floor.h"

/* n and r + tail, where e^(hi + lo) = 2^n (1 + r + tail). */
typedef struct {
    vf64 n, r, tail;
} mg_power;

INLINE mg_power mg_reduce_power(vf64 hi, vf64 lo) {
    const vf64 n = vf64_fma(hi, vf64_set1(mg_log2e_f64), vf64_set1(mg_round_f64)) - mg_round_f64;
    const vf64 exact = vf64_fma(-n, vf64_set1(mg_ln2_hi_f64), hi);
    const mg_pair r = mg_sum(exact, vf64_fma(-n, vf64_set1(mg_ln2_lo_f64), lo));
    const vf64 q = vf64_fma(POLYNOMIAL(mg_expm1_c, r.hi), r.hi, vf64_set1(0.5));
    return (mg_power){n, r.hi, vf64_fma(r.hi * r.hi, q, vf64_fma(r.lo, r.hi, r.lo))};
}

/* e^(hi + lo) 2^shift for -746 <= hi <= 711 and small lo; NaN for NaN. */
INLINE vf64 mg_exp(vf64 hi, vf64 lo, double shift) {
    const mg_power p = mg_reduce_power(hi, lo);
    const mg_pair s = mg_sum_ordered(vf64_set1(1), p.r);
    return vf64_scale(s.hi + (s.lo + p.tail), p.n + shift);
}

/* e^x - 1 = 2 (2^(n-1) - 1/2 + 2^(n-1) (e^r - 1)), because 2^n may be out of range. Below -60 the result is -1. */
INLINE vf64 mg_expm1(vf64 x) {
    const mg_power p = mg_reduce_power(vf64_max(vf64_set1(-60), vf64_min(vf64_set1(710), x)), (vf64){0});
    const vf64 half = vf64_scale(vf64_set1(0.5), p.n);
    const mg_pair s = mg_sum(half - 0.5, half * p.r);
    const vf64 y = s.hi + vf64_fma(half, p.tail, s.lo);
    return vf64_select(vf64_lt(vf64_abs(x), vf64_set1(0x1p-54)), x, y + y);
}

/* (e^a - e^-a) / 2 for a = |x| >= 1, and an odd polynomial below. */
INLINE vf64 mg_sinh(vf64 x) {
    const vf64 a = vf64_min(vf64_set1(711), vf64_abs(x)), z = a * a, half = mg_exp(a, (vf64){0}, -1);
    const vf64 small = vf64_fma(a * z, POLYNOMIAL(mg_sinh_c, z), a);
    return vf64_flipsign(vf64_select(vf64_lt(a, vf64_set1(1)), small, half - 0.25 / half), x);
}

INLINE vf64 mg_cosh(vf64 x) {
    const vf64 half = mg_exp(vf64_min(vf64_set1(711), vf64_abs(x)), (vf64){0}, -1);
    return half + 0.25 / half;
}

/* y, the logarithm of u, with the values at the ends: -inf for u = 0, NaN below 0, inf for u = inf. */
INLINE vf64 mg_log_ends(vf64 u, vf64 y) {
    const vf64 zero = {0}, infinity = vf64_set1(INFINITY);
    y = vf64_select(vf64_lt(u, infinity), y, u);
    return vf64_select(vf64_lt(zero, u), y, vf64_select(vf64_eq(u, zero), -infinity, vf64_set1(NAN)));
}

/* ln(u + c) = e ln 2 + ln(1 + f) + c / u, where u + c = 1 + x exactly and u = 2^e (1 + f). */
INLINE vf64 mg_log1p(vf64 x) {
    const mg_pair s = mg_sum(vf64_set1(1), x);
    vf64 e;
    const vf64 f = vf64_split(s.hi, &e) - 1;
    const vf64 low = vf64_fma(e, vf64_set1(mg_ln2_lo_f64), s.lo / s.hi);
    const vf64 tail = vf64_fma(f * f, POLYNOMIAL(mg_log_q_f64, f), low);
    const vf64 y = mg_log_ends(s.hi, vf64_fma(e, vf64_set1(mg_ln2_hi_f64), f + tail));
    return vf64_select(vf64_lt(vf64_abs(x), vf64_set1(0x1p-54)), x, y);
}

/* ln(1 + e^x) = max(0, x) + ln(1 + e^-|x|), where e^-|x| cannot overflow. */
INLINE vf64 mg_softplus(vf64 x) { return vf64_max((vf64){0}, x) + mg_log1p(vf64_exp(-vf64_abs(x))); }

/* ln(e^a + e^b); two equal infinities stay. */
INLINE vf64 mg_logaddexp(vf64 a, vf64 b) {
    const vf64 top = vf64_max(a, b);
    return top + vf64_select(vf64_eq(a, b), vf64_set1(mg_ln2_hi_f64), mg_log1p(vf64_exp(-vf64_abs(a - b))));
}

/* ln(a + sqrt(a^2 + 1)) for a = |x|; from 2^28 on that is ln a + ln 2. */
INLINE vf64 mg_asinh(vf64 x) {
    const vf64 a = vf64_abs(x), z = a * a;
    const vf64 y = mg_log1p(a + z / (1 + vf64_sqrt(1 + z)));
    return vf64_flipsign(vf64_select(vf64_lt(a, vf64_set1(0x1p28)), y, vf64_log(a) + mg_ln2_hi_f64), x);
}

/* ln x = e ln 2 + the pair, for finite x > 0: twice artanh s = s (1 + z/3 + ...), z = s^2, where x / 2^e is
   (1 + s) / (1 - s). The first two terms are computed as pairs, which gives 66 bits. */
INLINE mg_pair mg_log_pair(vf64 x, vf64 *e) {
    const vf64 f = vf64_split(x, e) - 1, d = f + 2, d_low = f - (d - 2);
    const vf64 s = f / d, s_low = vf64_fma(-s, d_low, vf64_fma(-s, d, f)) / d;
    const mg_pair z = mg_product(s, s), third = mg_product(z.hi, vf64_set1(mg_third[0]));
    const vf64 z_low = vf64_fma(s + s, s_low, z.lo);
    const mg_pair w = mg_sum_ordered(third.hi, z.hi * z.hi * POLYNOMIAL(mg_artanh_c, z.hi));
    const vf64 w_low = w.lo + (third.lo + vf64_fma(z.hi, vf64_set1(mg_third[1]), z_low * mg_third[0]));
    const mg_pair y = mg_sum_ordered(s, s * w.hi);
    const vf64 low = vf64_fma(s, w_low, vf64_fma(s_low, w.hi, vf64_fma(s, w.hi, -(s * w.hi)))) + s_low;
    return (mg_pair){y.hi + y.hi, 2 * (y.lo + low)};
}

INLINE vf64 mg_log2(vf64 x) {
    vf64 e;
    const mg_pair l = mg_log_pair(x, &e), y = mg_product(l.hi, vf64_set1(mg_log2e_parts[0]));
    const vf64 low = vf64_fma(l.hi, vf64_set1(mg_log2e_parts[1]), vf64_fma(l.lo, vf64_set1(mg_log2e_parts[0]), y.lo));
    const mg_pair s = mg_sum_ordered(e, y.hi);
    return mg_log_ends(x, s.hi + (s.lo + low));
}

/* x^y = e^(y ln |x|), negative for negative x and odd y; the special cases are those of IEEE 754. */
INLINE vf64 mg_pow(vf64 x, vf64 y) {
    const vf64 zero = {0}, one = vf64_set1(1), infinity = vf64_set1(INFINITY), a = vf64_abs(x);
    vf64 e;
    const mg_pair l = mg_log_pair(a, &e), s = mg_sum_ordered(e * mg_ln2_parts[0], l.hi);
    const vf64 log_low = s.lo + vf64_fma(e, vf64_set1(mg_ln2_parts[1]), l.lo);
    const vf64 log_a = vf64_select(vf64_eq(a, zero), -infinity, vf64_select(vf64_lt(a, infinity), s.hi, a));
    mg_pair p = mg_product(y, log_a);
    p.lo = vf64_select(vf64_lt(vf64_abs(p.hi), vf64_set1(1000)), vf64_fma(y, log_low, p.lo), zero);
    vf64 r = mg_exp(vf64_max(vf64_set1(-746), vf64_min(vf64_set1(711), p.hi)), p.lo, 0);
    r = vf64_select(vf64_eq(a, one), vf64_select(vf64_eq(y, y), one, y), r);
    const vf64 sign = vf64_select(vf64_is_whole(y), vf64_select(vf64_is_whole(0.5 * y), one, -one), zero);
    const vf64 finite = vf64_select(vf64_lt(a, infinity), a, zero); /* 0 if x is 0 or infinite: then r is no NaN */
    r = vf64_select(vf64_eq(sign, zero) & vf64_lt(x, zero) & vf64_lt(zero, finite), vf64_set1(NAN), r);
    r = vf64_flipsign(r, vf64_select(vf64_lt(sign, zero), x, zero));
    return vf64_select(vf64_eq(y, zero), one, vf64_select(vf64_eq(x, one), one, r));
}

#endif
