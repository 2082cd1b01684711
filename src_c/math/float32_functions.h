/* Functions of float32 that are computed in float64: in the way of exponential.h and trigonometric.h, but by
   polynomials only as long as 24 bits need, and without the low parts of pairs. The result is rounded once, so it is
   the nearest float32, except rarely where it is almost halfway between two: the largest errors found are 0.51 ulp, of
   log1p and log2 0.52 (pytest -m slow tests/kernels/test_elementary.py). One number at a time:
   float32_functions_naive.h. */
#ifndef MG_SHORT_H
#define MG_SHORT_H
#include "math/exponential.h"
#include "math/float32_tables.h"
#include "math/trigonometric.h"

/* e^x = power (1 + p), power = 2^n for n = x / ln 2 rounded, -700 < x < 700. Adding `whole` rounds x / ln 2 to n and
   leaves n + 1023 in the low bits; shifted left by 52, these are the bits of 2^n. */
INLINE vf64 mg_short_power(vf64 x, vf64 *p) {
    const vf64 whole = vf64_set1(mg_round_f64 + 1023), shifted = vf64_fma(x, vf64_set1(mg_log2e_f64), whole);
    const vf64 r = vf64_fma(shifted - whole, vf64_set1(-mg_ln2_hi_f64), x);
    *p = vf64_fma(r * r, POLYNOMIAL(mg_short_expm1_c, r), r);
    return (vf64)((vu64)shifted << 52);
}

INLINE vf64 mg_short_expm1(vf64 x) {
    vf64 p;
    const vf64 power = mg_short_power(vf64_max(vf64_set1(-60), vf64_min(vf64_set1(90), x)), &p);
    return vf64_copysign(vf64_fma(power, p, power - 1), x);
}

/* m in [3/4, 3/2) with u = m 2^e, for normal u > 0. */
INLINE vf64 mg_short_split(vf64 u, vf64 *e) {
    const vu64 bits = (vu64)u, n = (bits - 0x8000000000000) >> 52;
    *e = (vf64)(n | 0x4330000000000000) - (0x1p52 + 1022);
    return (vf64)(bits - (n << 52) + (1022ull << 52));
}

/* ln(1 + x) = e ln 2 + ln(1 + f); f is x itself where e is 0. */
INLINE vf64 mg_short_log1p(vf64 x) {
    const vf64 u = 1 + x;
    vf64 e;
    const vf64 m = mg_short_split(u, &e), f = vf64_select(vf64_eq(e, (vf64){0}), x, m - 1);
    const vf64 y = vf64_fma(e, vf64_set1(mg_ln2_hi_f64), vf64_fma(f * f, POLYNOMIAL(mg_short_log_c, f), f));
    return vf64_copysign(mg_log_ends(u, y), x);
}

INLINE vf64 mg_short_log2(vf64 x) {
    vf64 e;
    const vf64 f = mg_short_split(x, &e) - 1, y = vf64_fma(f * f, POLYNOMIAL(mg_short_log_c, f), f);
    return mg_log_ends(x, vf64_fma(y, vf64_set1(mg_log2e_f64), e));
}

/* ln(1 + e^-d), d >= 0: e^-d may be 0 in float32, but not in float64. */
INLINE vf64 mg_short_log1p_exp(vf64 d) {
    vf64 p, e;
    const vf64 power = mg_short_power(-vf64_min(vf64_set1(200), d), &p), x = vf64_fma(power, p, power);
    const vf64 m = mg_short_split(1 + x, &e), f = vf64_select(vf64_eq(e, (vf64){0}), x, m - 1);
    const vf64 y = vf64_fma(e, vf64_set1(mg_ln2_hi_f64), vf64_fma(f * f, POLYNOMIAL(mg_short_log_c, f), f));
    return vf64_select(vf64_eq(d, d), y, d);
}

INLINE vf64 mg_short_softplus(vf64 x) { return vf64_max((vf64){0}, x) + mg_short_log1p_exp(vf64_abs(x)); }

INLINE vf64 mg_short_logaddexp(vf64 a, vf64 b) {
    const vf64 d = vf64_select(vf64_eq(a, b), (vf64){0}, vf64_abs(a - b)); /* two equal infinities stay */
    return vf64_max(a, b) + mg_short_log1p_exp(d);
}

/* x minus n quarter turns, within about an eighth of a turn of 0; n is right modulo 4. */
INLINE vf64 mg_short_angle(vf64 x, vu64 *n) {
    const vf64 shifted = vf64_fma(x, vf64_set1(mg_two_over_pi), vf64_set1(mg_round_f64)), whole = shifted - mg_round_f64;
    vf64 r = vf64_fma(whole, vf64_set1(-mg_half_pi[0]), x);
    r = vf64_fma(whole, vf64_set1(-mg_half_pi[1]), r);
    *n = (vu64)shifted;
    if (mf64_any(vf64_nlt(vf64_abs(x), vf64_set1(0x1p30))))
        for (int k = 0; k < MG_W64; k++)
            if (!(x[k] < 0x1p30 && x[k] > -0x1p30)) {
                double hi, lo;
                const uint64_t turns = mg_reduce_huge(x[k] < 0 ? -x[k] : x[k], &hi, &lo);
                r[k] = x[k] < 0 ? -hi : hi, (*n)[k] = x[k] < 0 ? -turns : turns;
            }
    return r;
}

INLINE vf64 mg_short_sine(vf64 r) {
    const vf64 z = r * r;
    return r * vf64_fma(z, POLYNOMIAL(mg_short_sin_c, z), vf64_set1(1));
}

INLINE vf64 mg_short_cosine(vf64 r) {
    const vf64 z = r * r;
    return vf64_fma(z, vf64_fma(z, POLYNOMIAL(mg_short_cos_c, z), vf64_set1(-0.5)), vf64_set1(1));
}

INLINE vf64 mg_short_wave(vf64 r, vu64 n) {
    return vf64_flipsign(vf64_select(mg_is_odd(n), mg_short_cosine(r), mg_short_sine(r)), (vf64)(n << 62));
}

INLINE vf64 mg_short_sin(vf64 x) {
    vu64 n;
    const vf64 r = mg_short_angle(x, &n);
    return mg_short_wave(r, n);
}

INLINE vf64 mg_short_cos(vf64 x) {
    vu64 n;
    const vf64 r = mg_short_angle(x, &n);
    return mg_short_wave(r, n + 1);
}

INLINE vf64 mg_short_tan(vf64 x) {
    vu64 n;
    const vf64 r = mg_short_angle(x, &n), s = mg_short_sine(r), c = mg_short_cosine(r);
    const mf64 odd = mg_is_odd(n);
    return vf64_select(odd, -c, s) / vf64_select(odd, s, c);
}

#endif
