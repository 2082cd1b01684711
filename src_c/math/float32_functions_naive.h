/* The plain meaning of float32_functions.h, one number at a time, which it equals bit for bit. */
#ifndef MG_SHORT_NAIVE_H
#define MG_SHORT_NAIVE_H
#include "math/float32_tables.h"
#include "math/trigonometric_naive.h"

/* e^x = power (1 + p); returns power. */
static double naive_short_power(double x, double *p) {
    const double n = fma(x, mg_log2e_f64, mg_round_f64) - mg_round_f64, r = fma(n, -mg_ln2_hi_f64, x);
    *p = fma(r * r, POLYNOMIAL(mg_short_expm1_c, r), r);
    return ldexp(1, (int)n);
}

static double naive_short_expm1(double x) {
    if (isnan(x)) return x;
    double p;
    const double power = naive_short_power(x < -60 ? -60 : x > 90 ? 90 : x, &p);
    return copysign(fma(power, p, power - 1), x);
}

/* ln(1 + f) */
static double naive_short_log(double f) { return fma(f * f, POLYNOMIAL(mg_short_log_c, f), f); }

static double naive_short_log1p(double x) {
    if (isnan(x) || x < -1) return NAN;
    if (x == -1) return -INFINITY;
    if (isinf(x)) return x;
    double e;
    const double m = naive_split(1 + x, &e);
    return copysign(fma(e, mg_ln2_hi_f64, naive_short_log(e == 0 ? x : m - 1)), x);
}

/* ln(1 + e^-d) */
static double naive_short_log1p_exp(double d) {
    if (isnan(d)) return d;
    double p, e;
    const double power = naive_short_power(d > 200 ? -200 : -d, &p), x = fma(power, p, power), m = naive_split(1 + x, &e);
    return fma(e, mg_ln2_hi_f64, naive_short_log(e == 0 ? x : m - 1));
}

static double naive_short_softplus(double x) { return (x < 0 ? 0 : x) + naive_short_log1p_exp(fabs(x)); }

static double naive_short_logaddexp(double a, double b) {
    return (a > b ? a : b) + naive_short_log1p_exp(a == b ? 0 : fabs(a - b));
}

static double naive_short_log2(double x) {
    if (isnan(x) || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return x;
    double e;
    const double m = naive_split(x, &e);
    return fma(naive_short_log(m - 1), mg_log2e_f64, e);
}

static int naive_short_angle(double x, double *r) {
    double lost;
    *r = NAN;
    if (isnan(x) || isinf(x)) return 0;
    if (fabs(x) >= 0x1p30) {
        const int quarters = naive_reduce_huge(fabs(x), r, &lost);
        if (x < 0) *r = -*r;
        return (x < 0 ? -quarters : quarters) & 3;
    }
    const double n = fma(x, mg_two_over_pi, mg_round_f64) - mg_round_f64;
    *r = fma(n, -mg_half_pi[1], fma(n, -mg_half_pi[0], x));
    return (int)((int64_t)n & 3);
}

static double naive_short_sine(double r) { return r * fma(r * r, POLYNOMIAL(mg_short_sin_c, r * r), 1); }

static double naive_short_cosine(double r) {
    const double z = r * r;
    return fma(z, fma(z, POLYNOMIAL(mg_short_cos_c, z), -0.5), 1);
}

static double naive_short_wave(int quarters, double r) {
    const double y = quarters & 1 ? naive_short_cosine(r) : naive_short_sine(r);
    return quarters & 2 ? -y : y;
}

static double naive_short_sin(double x) {
    double r;
    const int quarters = naive_short_angle(x, &r);
    return naive_short_wave(quarters, r);
}

static double naive_short_cos(double x) {
    double r;
    const int quarters = naive_short_angle(x, &r);
    return naive_short_wave(quarters + 1, r);
}

static double naive_short_tan(double x) {
    double r;
    const int quarters = naive_short_angle(x, &r);
    const double s = naive_short_sine(r), c = naive_short_cosine(r);
    return quarters & 1 ? -c / s : s / c;
}

#endif
