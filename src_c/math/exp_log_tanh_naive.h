/* exp, log, tanh and sigmoid of one number, naive_exp_f32(x) and naive_exp_f64(x): the plain meaning of exp_log_tanh.h,
   which it equals bit for bit. Nothing from libm but fma. */
#ifndef MG_FUNCTIONS_NAIVE_H
#define MG_FUNCTIONS_NAIVE_H
#include <stdint.h>
#include <string.h>
#include "math/exp_log_tanh_tables.h"

static inline uint32_t naive_bits_f32(float x) { uint32_t i; memcpy(&i, &x, sizeof i); return i; }
static inline uint64_t naive_bits_f64(double x) { uint64_t i; memcpy(&i, &x, sizeof i); return i; }
static inline float naive_real_f32(uint32_t i) { float x; memcpy(&x, &i, sizeof x); return x; }
static inline double naive_real_f64(uint64_t i) { double x; memcpy(&x, &i, sizeof x); return x; }
#define MG_SOURCE "math/exp_log_tanh_naive.h"
#include "base/mg_both.h"

#elif defined(real)

#define NAIVE(name) MG_CAT(naive_##name##_f, real_bits)
#define MANTISSA (real_bits == 32 ? 23 : 52) /* bits behind the leading one */
#define BIAS (real_bits == 32 ? 127 : 1023)  /* of the exponent field */

/* 2^n, n in the range of normal numbers. */
static inline real NAIVE(power)(int n) { return NAIVE(real)((ubits)(n + BIAS) << MANTISSA); }

/* c[0] + c[1] x + ... + c[degree] x^degree, one fused multiply-add per step. */
static inline real NAIVE(polynomial)(const real *c, int degree, real x) {
    real p = c[degree];
    for (int k = degree - 1; k >= 0; k--) p = REAL_FMA(p, x, c[k]);
    return p;
}

static inline real NAIVE(exp)(real x) {
    if (isnan(x)) return x;
    if (x > FN(exp_range)[1]) x = FN(exp_range)[1];
    if (x < FN(exp_range)[0]) x = FN(exp_range)[0];
    const real n = REAL_FMA(x, FN(log2e), FN(round)) - FN(round); /* rounds x / ln 2 to a whole number */
    const real r = REAL_FMA(n, -FN(ln2_lo), REAL_FMA(n, -FN(ln2_hi), x));
    const int degree = sizeof FN(exp_q) / sizeof(real) - 1;
    const real q = NAIVE(polynomial)(FN(exp_q), degree, r);
    const real p = REAL_FMA(REAL_FMA(q, r, 1), r, 1);
    const int half = (int)n / 2; /* 2^n itself may be out of range; only the last product rounds */
    return p * NAIVE(power)(half) * NAIVE(power)((int)n - half);
}

static inline real NAIVE(log)(real x) {
    if (isnan(x) || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return x;
    int e = 0;
    if (x < NAIVE(power)(1 - BIAS)) { /* denormal: made normal first */
        x *= NAIVE(power)(MANTISSA + 1);
        e = -(MANTISSA + 1);
    }
    const int n = (int)(NAIVE(bits)(x) >> MANTISSA) - BIAS; /* 2^n <= x < 2^(n+1) */
    real m = x * NAIVE(power)(-n / 2) * NAIVE(power)(-n - -n / 2);
    e += n;
    if (m >= R(1.5)) {
        m /= 2;
        e += 1;
    }
    const real f = m - 1;
    const int degree = sizeof FN(log_q) / sizeof(real) - 1;
    const real q = NAIVE(polynomial)(FN(log_q), degree, f);
    const real tail = REAL_FMA(f * f, q, (real)e * FN(ln2_lo));
    return REAL_FMA((real)e, FN(ln2_hi), f + tail);
}

static inline real NAIVE(tanh)(real x) {
    if (isnan(x)) return x;
    real a = x < 0 ? -x : x;
    if (a > FN(tanh_top)) a = FN(tanh_top);
    const int column = (int)((NAIVE(bits)(a + FN(tanh_offset)) - NAIVE(bits)(FN(tanh_offset))) >> FN(tanh_shift));
    const real t = a - FN(tanh_center)[column];
    real p = FN(tanh_c)[FN(tanh_degree)][column];
    for (int k = FN(tanh_degree) - 1; k >= 0; k--) p = REAL_FMA(p, t, FN(tanh_c)[k][column]);
    return signbit(x) ? -p : p;
}

static inline real NAIVE(sigmoid)(real x) {
    const real e = NAIVE(exp)(x > 0 ? -x : x);
    return (x < 0 ? e : 1) / (1 + e);
}

#undef NAIVE
#undef MANTISSA
#undef BIAS

#endif
