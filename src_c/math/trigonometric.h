/* sin, cos, tan, atan, atan2 and hypot of vectors of float64: fixed operations, so the same bits everywhere. Largest
   errors found (pytest -m slow tests/kernels/test_elementary.py), in ulp: sin 0.79, cos 0.74, tan 1.86, atan 0.60,
   atan2 0.58, hypot 1.12. One number at a time: trigonometric_naive.h. */
#ifndef MG_TRIGONOMETRIC_H
#define MG_TRIGONOMETRIC_H
#include "math/float64_tables.h"
#include "math/exact_pairs.h"

/* An angle as n quarter turns and the pair r, about within an eighth turn; n is right modulo 4. */
typedef struct {
    mg_pair r;
    vu64 n;
} mg_angle;

/* The same for one number x >= 2^30, by the method of Payne and Hanek: x = m 2^e, and m is multiplied by those 192 bits
   of 2/pi that determine x 2/pi modulo 4 and at least 126 bits behind the point. The product is computed modulo 2^192,
   and its upper two bits count quarter turns. No float64 is closer than 2^-62 to a whole number of quarter turns. */
static uint64_t mg_reduce_huge(double x, double *hi, double *lo) {
    *hi = *lo = x - x; /* NaN if x is infinite */
    if (!(x < INFINITY)) return 0;
    uint64_t bits, n;
    memcpy(&bits, &x, sizeof bits);
    const int e = (int)(bits >> 52) - 1075, first = e + 62, shift = first & 63; /* first: bit of the table */
    const uint64_t m = (bits & 0xfffffffffffff) | 0x10000000000000, *word = mg_two_over_pi_bits + (first >> 6);
    uint64_t w[3], f[2];
    for (int i = 0; i < 3; i++) w[i] = shift ? word[i] << shift | word[i + 1] >> (64 - shift) : word[i];
    const unsigned __int128 low = (unsigned __int128)m * w[2];
    const unsigned __int128 mid = (unsigned __int128)m * w[1] + (uint64_t)(low >> 64);
    const uint64_t high = m * w[0] + (uint64_t)(mid >> 64);
    n = high >> 62;
    f[0] = high << 2 | (uint64_t)mid >> 62, f[1] = (uint64_t)mid << 2 | (uint64_t)low >> 62;
    const int past_half = f[0] >> 63; /* then f becomes the distance to the next whole number */
    if (past_half) n++, f[0] = ~f[0] + (f[1] == 0), f[1] = -f[1];
    const int lead = f[0] ? __builtin_clzll(f[0]) : 64 + __builtin_clzll(f[1] | 1);
    const unsigned __int128 g = ((unsigned __int128)f[0] << 64 | f[1]) << lead;
    const uint64_t unit_bits = (uint64_t)(1023 - 53 - lead) << 52;
    double unit;
    memcpy(&unit, &unit_bits, sizeof unit);
    if (past_half) unit = -unit;
    const double top = (double)(uint64_t)(g >> 75) * unit;
    const double rest = (double)((uint64_t)(g >> 22) & 0x1fffffffffffff) * unit * 0x1p-53;
    const double turn = mg_half_pi[0];
    *hi = top * turn;
    *lo = fma(top, turn, -*hi) + (top * mg_half_pi[1] + rest * turn);
    return n;
}

/* The angle of x >= 0. Below 2^30, n pi/2 is subtracted in three parts: the difference with the first part and the
   product with the second are exact. */
INLINE mg_angle mg_reduce_angle(vf64 x) {
    const vf64 shifted = vf64_fma(x, vf64_set1(mg_two_over_pi), vf64_set1(0x1.8p52)), n = shifted - 0x1.8p52;
    const vf64 t = vf64_fma(-n, vf64_set1(mg_half_pi[0]), x);
    const mg_pair second = mg_product(n, vf64_set1(mg_half_pi[1]));
    mg_angle a = {mg_sum(t, -second.hi), (vu64)shifted};
    a.r.lo -= vf64_fma(n, vf64_set1(mg_half_pi[2]), second.lo);
    if (mf64_any(vf64_nlt(x, vf64_set1(0x1p30))))
        for (int k = 0; k < MG_W64; k++)
            if (x[k] >= 0x1p30) {
                double hi, lo;
                a.n[k] = mg_reduce_huge(x[k], &hi, &lo);
                a.r.hi[k] = hi, a.r.lo[k] = lo;
            }
    return a;
}

INLINE vf64 mg_sine(mg_pair r) {
    const vf64 z = r.hi * r.hi;
    return r.hi + vf64_fma(z * r.hi, POLYNOMIAL(mg_sin_c, z), vf64_fma(r.lo, -0.5 * z, r.lo));
}

INLINE vf64 mg_cosine(mg_pair r) {
    const vf64 z = r.hi * r.hi, half = 0.5 * z, w = 1 - half;
    return w + (((1 - w) - half) + vf64_fma(z * z, POLYNOMIAL(mg_cos_c, z), -(r.hi * r.lo)));
}

INLINE mf64 mg_is_odd(vu64 n) { return vf64_lt((vf64){0}, (vf64)((n & 1) << 62)); } /* 2 or 0 as a float64 */

/* sin(r + n quarter turns). */
INLINE vf64 mg_wave(mg_pair r, vu64 n) {
    return vf64_flipsign(vf64_select(mg_is_odd(n), mg_cosine(r), mg_sine(r)), (vf64)(n << 62));
}

INLINE vf64 mg_sin(vf64 x) {
    const mg_angle a = mg_reduce_angle(vf64_abs(x));
    return vf64_flipsign(mg_wave(a.r, a.n), x);
}

INLINE vf64 mg_cos(vf64 x) {
    const mg_angle a = mg_reduce_angle(vf64_abs(x));
    return mg_wave(a.r, a.n + 1);
}

INLINE vf64 mg_tan(vf64 x) {
    const mg_angle a = mg_reduce_angle(vf64_abs(x));
    const vf64 s = mg_sine(a.r), c = mg_cosine(a.r);
    const mf64 odd = mg_is_odd(a.n);
    return vf64_flipsign(vf64_select(odd, -c, s) / vf64_select(odd, s, c), x);
}

/* The angle of the point (v, u), u and v >= 0, or of (-v, u) where x has its sign bit set. It is k pi/4 + arctan t with
   |t| <= sqrt(2) - 1, where k pi/4 is the angle of the nearest half axis or diagonal. */
INLINE vf64 mg_angle_of(vf64 u, vf64 v, vf64 x) {
    const vf64 zero = {0};
    const mf64 low = vf64_lt(u, v * 0x1.a827999fcef34p-2), middle = vf64_lt(u, v * 0x1.3504f333f9de6p+1);
    const mg_pair less = mg_sum(u, -v), more = mg_sum(u, v);
    const vf64 den = vf64_select(low, v, vf64_select(middle, more.hi, u));
    vf64 num = vf64_select(low, u, vf64_select(middle, less.hi, -v));
    vf64 num_low = vf64_select(low, zero, vf64_select(middle, less.lo, zero));
    const vf64 den_low = vf64_select(low, zero, vf64_select(middle, more.lo, zero));
    vf64 k = vf64_select(low, zero, vf64_select(middle, vf64_set1(1), vf64_set1(2)));
    const vf64 turned = vf64_copysign(vf64_set1(1), x); /* pi minus the angle */
    num *= turned, num_low *= turned, k = vf64_fma(turned, k, 2 - 2 * turned);
    const vf64 inverse = 1 / den, t = num * inverse;
    const vf64 t_low = (vf64_fma(-t, den, num) + vf64_fma(-t, den_low, num_low)) * inverse, z = t * t;
    const vf64 tail = vf64_fma(z * t, POLYNOMIAL(mg_atan_c, z), vf64_fma(-t_low, z, t_low));
    const mg_pair base = mg_product(k, vf64_set1(0.5 * mg_half_pi[0])), y = mg_sum_ordered(base.hi, t);
    return y.hi + (y.lo + (vf64_fma(k, vf64_set1(0.5 * mg_half_pi[1]), base.lo) + tail));
}

INLINE vf64 mg_atan(vf64 x) {
    const vf64 one = vf64_set1(1);
    return vf64_flipsign(mg_angle_of(vf64_min(vf64_set1(0x1p64), vf64_abs(x)), one, one), x);
}

/* Replaces x >= 0 in atan2 where x or the other number is infinite: 1 for an infinity, 0 for a finite number. */
INLINE vf64 mg_beside_infinity(vf64 x) {
    return vf64_select(vf64_lt(x, vf64_set1(INFINITY)), (vf64){0}, vf64_set1(1));
}

INLINE vf64 mg_atan2(vf64 y, vf64 x) {
    const vf64 zero = {0}, u = vf64_abs(y), v = vf64_abs(x), largest = vf64_max(u, v);
    const mf64 infinite = vf64_eq(largest, vf64_set1(INFINITY));
    const mf64 origin = vf64_eq(largest, zero);
    vf64 e;
    vf64_split(vf64_select(vf64_eq(largest, largest) & ~infinite & ~origin, largest, vf64_set1(1)), &e);
    const vf64 up = vf64_select(infinite, mg_beside_infinity(u), vf64_scale(u, -e));
    const vf64 finite = vf64_select(origin, vf64_set1(1), vf64_scale(v, -e));
    const vf64 right = vf64_select(infinite, mg_beside_infinity(v), finite);
    vf64 angle = mg_angle_of(up, right, x);
    const mf64 flat = vf64_lt(up, right * 0x1p-40) & vf64_lt(zero, vf64_copysign(vf64_set1(1), x)) & ~origin;
    angle = vf64_select(flat, u / v, angle); /* the angle is u / v, which may be denormal */
    angle = vf64_select(vf64_eq(x, x) & vf64_eq(y, y), angle, x + y);
    return vf64_flipsign(angle, y);
}

INLINE vf64 mg_hypot(vf64 a, vf64 b) {
    const vf64 u = vf64_abs(a), v = vf64_abs(b), largest = vf64_max(u, v), infinity = vf64_set1(INFINITY);
    vf64 e;
    vf64_split(vf64_select(vf64_lt((vf64){0}, largest) & vf64_lt(largest, infinity), largest, vf64_set1(1)), &e);
    const vf64 p = vf64_scale(u, -e), q = vf64_scale(v, -e), y = vf64_scale(vf64_sqrt(vf64_fma(p, p, q * q)), e);
    return vf64_select(vf64_eq(u, infinity) | vf64_eq(v, infinity), infinity, y);
}

#endif
