/* The plain meaning of exponential.h, one number at a time, which it equals bit for bit. From libm only what is exact:
   fma, sqrt, frexp, ldexp (one rounding), floor. */
#ifndef MG_EXPONENTIAL_NAIVE_H
#define MG_EXPONENTIAL_NAIVE_H
#include "math/float64_tables.h"
#include "math/exp_log_tanh_naive.h"

#define COUNT(c) (int)(sizeof(c) / sizeof(double))
#define POLYNOMIAL(c, x) naive_polynomial_f64(c, COUNT(c) - 1, x)

/* a + b and its rounding error */
static double naive_sum(double a, double b, double *lost) {
    const double y = a + b;
    *lost = fabs(a) > fabs(b) ? (a - y) + b : (b - y) + a;
    return y;
}

/* e^(hi + lo) = 2^n (1 + r + tail); returns n. */
static int naive_reduce_power(double hi, double lo, double *r, double *tail) {
    const double n = fma(hi, mg_log2e_f64, mg_round_f64) - mg_round_f64;
    double low;
    *r = naive_sum(fma(-n, mg_ln2_hi_f64, hi), fma(-n, mg_ln2_lo_f64, lo), &low);
    const double q = fma(POLYNOMIAL(mg_expm1_c, *r), *r, 0.5);
    *tail = fma(*r * *r, q, fma(low, *r, low));
    return (int)n;
}

/* e^(hi + lo) 2^shift */
static double naive_exp_pair(double hi, double lo, int shift) {
    double r, tail;
    if (isnan(hi)) return hi;
    const int n = naive_reduce_power(hi, lo, &r, &tail);
    const double one_and_r = 1 + r, lost = (1 - one_and_r) + r;
    return ldexp(one_and_r + (lost + tail), n + shift);
}

static double naive_expm1(double x) {
    if (isnan(x) || fabs(x) < 0x1p-54) return x;
    double r, tail;
    const int n = naive_reduce_power(x < -60 ? -60 : x > 710 ? 710 : x, 0, &r, &tail);
    double lost;
    const double half = ldexp(0.5, n), sum = naive_sum(half - 0.5, half * r, &lost);
    return 2 * (sum + fma(half, tail, lost));
}

static double naive_sinh(double x) {
    const double a = fabs(x), half = naive_exp_pair(a > 711 ? 711 : a, 0, -1);
    const double y = a < 1 ? fma(a * (a * a), POLYNOMIAL(mg_sinh_c, a * a), a) : half - 0.25 / half;
    return signbit(x) ? -y : y;
}

static double naive_cosh(double x) {
    const double half = naive_exp_pair(fabs(x) > 711 ? 711 : fabs(x), 0, -1);
    return half + 0.25 / half;
}

/* m in [3/4, 3/2) with x = m 2^e, for finite x > 0 */
static double naive_split(double x, double *e) {
    int n;
    double m = frexp(x, &n);
    if (m < 0.75) m *= 2, n--;
    *e = n;
    return m;
}

static double naive_log1p(double x) {
    if (isnan(x) || fabs(x) < 0x1p-54) return x;
    if (x <= -1) return x < -1 ? NAN : -INFINITY;
    if (isinf(x)) return x;
    double e;
    const double u = 1 + x, lost = x < 1 ? (1 - u) + x : (x - u) + 1, f = naive_split(u, &e) - 1;
    const double low = fma(e, mg_ln2_lo_f64, lost / u);
    return fma(e, mg_ln2_hi_f64, f + fma(f * f, POLYNOMIAL(mg_log_q_f64, f), low));
}

static double naive_softplus(double x) {
    return (x < 0 ? 0 : x) + naive_log1p(naive_exp_f64(-fabs(x)));
}

static double naive_logaddexp(double a, double b) {
    const double top = a > b ? a : b;
    return top + (a == b ? mg_ln2_hi_f64 : naive_log1p(naive_exp_f64(-fabs(a - b))));
}

static double naive_asinh(double x) {
    const double a = fabs(x);
    const double y = a < 0x1p28 ? naive_log1p(a + a * a / (1 + sqrt(1 + a * a))) : naive_log_f64(a) + mg_ln2_hi_f64;
    return signbit(x) ? -y : y;
}

/* ln x = e ln 2 + hi + lo */
static double naive_log_pair(double x, double *e, double *lo) {
    const double f = naive_split(x, e) - 1, d = 2 + f, d_low = f - (d - 2), s = f / d;
    const double s_low = fma(-s, d_low, fma(-s, d, f)) / d;
    const double z = s * s, z_low = fma(2 * s, s_low, fma(s, s, -z));
    const double third = z * mg_third[0], third_low = fma(z, mg_third[0], -third);
    const double rest = z * z * POLYNOMIAL(mg_artanh_c, z), w = third + rest;
    const double w_low = ((third - w) + rest) + (third_low + fma(z, mg_third[1], z_low * mg_third[0]));
    const double sw = s * w, sw_low = fma(s, w_low, fma(s_low, w, fma(s, w, -sw))) + s_low, y = s + sw;
    *lo = 2 * (((s - y) + sw) + sw_low);
    return 2 * y;
}

static double naive_log2(double x) {
    if (isnan(x) || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return x;
    double e, lo;
    const double hi = naive_log_pair(x, &e, &lo), y = hi * mg_log2e_parts[0];
    const double low = fma(hi, mg_log2e_parts[1], fma(lo, mg_log2e_parts[0], fma(hi, mg_log2e_parts[0], -y)));
    const double sum = e + y;
    return sum + (((e - sum) + y) + low);
}

/* a^y for a >= 0 */
static double naive_power(double a, double y) {
    if (a == 0 || isinf(a)) return (a == 0) == (y > 0) ? 0 : INFINITY;
    double e, lo;
    const double hi = naive_log_pair(a, &e, &lo), first = e * mg_ln2_parts[0], log_a = first + hi;
    const double log_low = ((first - log_a) + hi) + fma(e, mg_ln2_parts[1], lo), p = y * log_a;
    if (p >= 711) return INFINITY;
    if (p <= -746) return 0;
    return naive_exp_pair(p, fma(y, log_low, fma(y, log_a, -p)), 0);
}

static double naive_pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (isnan(x) || isnan(y)) return x + y;
    if (x == -1 && isinf(y)) return 1;
    const double size = naive_power(fabs(x), y);
    if (!signbit(x)) return size;
    if (floor(y) != y) return x == 0 || isinf(x) ? size : NAN;
    return floor(y / 2) * 2 == y ? size : -size;
}

#endif
