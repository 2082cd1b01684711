/* The plain meaning of trigonometric.h, one number at a time, which it equals bit for bit. */
#ifndef MG_TRIGONOMETRIC_NAIVE_H
#define MG_TRIGONOMETRIC_NAIVE_H
#include "math/exponential_naive.h"

/* Quarter turns in x = m 2^e, modulo 4, and the rest of at most half a quarter as an angle hi + lo. On paper: the
   digits of 2/pi from the one worth 2^(1-e) on, 192 of them, times the 53 digits of m, modulo 2^192. Digit 0 is the
   highest. */
static int naive_reduce_huge(double x, double *hi, double *lo) {
    enum { N = 192 };
    int exponent, digit[N] = {0}, carry;
    uint64_t m = (uint64_t)ldexp(frexp(x, &exponent), 53);
    const int first = exponent - 53 - 1 + 63; /* the table starts with the digit worth 2^63 */
    for (int row = 0; m; row++, m >>= 1)      /* add the digits, shifted left by `row` */
        for (int i = N - 1 - row; i >= 0 && m & 1; i--) {
            const int at = first + i + row;
            digit[i] += (int)(mg_two_over_pi_bits[at / 64] >> (63 - at % 64) & 1);
        }
    carry = 0;
    for (int i = N - 1; i >= 0; i--) carry += digit[i], digit[i] = carry & 1, carry >>= 1;
    int quarters = 2 * digit[0] + digit[1];
    int *f = digit + 2; /* 128 digits behind the point */
    const int negative = f[0];
    if (negative) { /* 1 - f: all digits flipped, plus one in the last place */
        quarters++;
        carry = 1;
        for (int i = 127; i >= 0; i--) carry += !f[i], f[i] = carry & 1, carry >>= 1;
    }
    int lead = 0;
    while (!f[lead]) lead++;
    double top = 0, rest = 0;
    for (int i = lead; i < lead + 53; i++) top = 2 * top + (i < 128 && f[i]);
    for (int i = lead + 53; i < lead + 106; i++) rest = 2 * rest + (i < 128 && f[i]);
    top = ldexp(negative ? -top : top, -53 - lead);
    rest = ldexp(negative ? -rest : rest, -106 - lead);
    *hi = top * mg_half_pi[0];
    *lo = fma(top, mg_half_pi[0], -*hi) + (top * mg_half_pi[1] + rest * mg_half_pi[0]);
    return quarters;
}

/* x >= 0 minus quarter turns: returns their number, modulo 4; the rest is the angle hi + lo. */
static int naive_reduce_angle(double x, double *hi, double *lo) {
    *hi = *lo = NAN;
    if (!(x < INFINITY)) return 0;
    if (x >= 0x1p30) return naive_reduce_huge(x, hi, lo) & 3;
    const double n = fma(x, mg_two_over_pi, 0x1.8p52) - 0x1.8p52;
    const double second = n * mg_half_pi[1], second_low = fma(n, mg_half_pi[1], -second);
    *hi = naive_sum(fma(-n, mg_half_pi[0], x), -second, lo);
    *lo -= fma(n, mg_half_pi[2], second_low);
    return (int)((int64_t)n & 3);
}

static double naive_sine(double r, double low) {
    const double z = r * r;
    return r + fma(z * r, POLYNOMIAL(mg_sin_c, z), fma(low, -z / 2, low));
}

static double naive_cosine(double r, double low) {
    const double z = r * r, w = 1 - z / 2;
    return w + (((1 - w) - z / 2) + fma(z * z, POLYNOMIAL(mg_cos_c, z), -(r * low)));
}

static double naive_wave(int quarters, double r, double low) {
    const double y = quarters & 1 ? naive_cosine(r, low) : naive_sine(r, low);
    return quarters & 2 ? -y : y;
}

static double naive_sin(double x) {
    double r, low;
    const int quarters = naive_reduce_angle(fabs(x), &r, &low);
    const double y = naive_wave(quarters, r, low);
    return signbit(x) ? -y : y;
}

static double naive_cos(double x) {
    double r, low;
    const int quarters = naive_reduce_angle(fabs(x), &r, &low);
    return naive_wave(quarters + 1, r, low);
}

static double naive_tan(double x) {
    double r, low;
    const int quarters = naive_reduce_angle(fabs(x), &r, &low);
    const double s = naive_sine(r, low), c = naive_cosine(r, low), y = quarters & 1 ? -c / s : s / c;
    return signbit(x) ? -y : y;
}

/* The angle of (v, u), or of (-v, u) if `left`; u, v >= 0, not both 0. */
static double naive_angle_of(double u, double v, int left) {
    double num = u, den = v, num_low = 0, den_low = 0, lost;
    int k = 0; /* eighth turns */
    if (u >= v * 0x1.3504f333f9de6p+1) k = 2, num = -v, den = u;
    else if (u >= v * 0x1.a827999fcef34p-2) k = 1, num = naive_sum(u, -v, &num_low), den = naive_sum(u, v, &den_low);
    if (left) k = 4 - k, num = -num, num_low = -num_low;
    const double inverse = 1 / den, t = num * inverse, z = t * t;
    const double t_low = (fma(-t, den, num) + fma(-t, den_low, num_low)) * inverse;
    const double tail = fma(z * t, POLYNOMIAL(mg_atan_c, z), fma(-t_low, z, t_low));
    const double eighth = mg_half_pi[0] / 2, base = k * eighth, base_low = fma(k, eighth, -base);
    const double y = naive_sum(base, t, &lost);
    return y + (lost + (fma(k, mg_half_pi[1] / 2, base_low) + tail));
}

static double naive_atan(double x) {
    if (isnan(x)) return x;
    const double y = naive_angle_of(fabs(x) > 0x1p64 ? 0x1p64 : fabs(x), 1, 0);
    return signbit(x) ? -y : y;
}

static double naive_atan2(double y, double x) {
    if (isnan(x) || isnan(y)) return x + y;
    double u = fabs(y), v = fabs(x), e;
    const int left = signbit(x) != 0, infinite = isinf(u) || isinf(v);
    if (infinite) u = isinf(u) ? 1 : 0, v = isinf(v) ? 1 : 0;
    else if (u == 0 && v == 0) v = 1;
    naive_split(u > v ? u : v, &e);
    const double up = ldexp(u, -(int)e), right = ldexp(v, -(int)e);
    double angle = naive_angle_of(up, right, left);
    if (!left && up < right * 0x1p-40) angle = u / v;
    return signbit(y) ? -angle : angle;
}

static double naive_hypot(double a, double b) {
    a = fabs(a), b = fabs(b);
    if (isinf(a) || isinf(b)) return INFINITY;
    if (isnan(a) || isnan(b) || (a == 0 && b == 0)) return a + b;
    double e;
    naive_split(a > b ? a : b, &e);
    const double p = ldexp(a, -(int)e), q = ldexp(b, -(int)e);
    return ldexp(sqrt(fma(p, p, q * q)), (int)e);
}

#endif
