/* The plain meaning of erf.h, one number at a time, which it equals bit for bit. */
#ifndef MG_ERF_NAIVE_H
#define MG_ERF_NAIVE_H
#include "math/float64_tables.h"
#include "math/exp_log_tanh_naive.h"
#include "math/float32_tables.h"

static double naive_erf_f64(double x) {
    if (isnan(x)) return x;
    const double a = fabs(x) > mg_erf_top ? mg_erf_top : fabs(x);
    const int column = (int)(fma(a, mg_erf_columns, 0x1p52) - 0x1p52);
    double p = mg_erf_c[mg_erf_degree][column];
    for (int k = mg_erf_degree - 1; k >= 0; k--) p = fma(p, a - mg_erf_center[column], mg_erf_c[k][column]);
    return copysign(p, x);
}

static double naive_normal_cdf_f64(double x) { return fma(0.5, naive_erf_f64(x * 0x1.6a09e667f3bcdp-1), 0.5); }

#define POLYNOMIAL_F32(c, x) naive_polynomial_f32(c, (int)(sizeof(c) / sizeof(float)) - 1, x)

/* The probability of a standard normal number above x, for 1 <= x <= 14.3. */
static float naive_normal_tail(float x) {
    const float h = -0.5f * (x * x), lost = fmaf(x, x, -(x * x));
    const float n = fmaf(h, mg_log2e_f32, mg_round_f32) - mg_round_f32;
    const float r = fmaf(lost, -0.5f, fmaf(n, -mg_ln2_lo_f32, fmaf(n, -mg_ln2_hi_f32, h)));
    const float p = fmaf(r * r, POLYNOMIAL_F32(mg_exp_q_f32, r), r), d = x + 2.5f, d_lost = x - (d - 2.5f);
    const float inverse = 1 / d, missing = fmaf(-d_lost, inverse, fmaf(-d, inverse, 1));
    const float g = POLYNOMIAL_F32(mg_normal_far, (x - 2.5f) * inverse) * inverse, y = fmaf(g, missing, g);
    return ldexpf(fmaf(y, p, y), (int)n);
}

static float naive_erf_f32(float x) {
    if (isnan(x)) return x;
    const float a = fabsf(x);
    const float y = a < 1 ? fmaf(a, POLYNOMIAL_F32(mg_erf_near, a * a), a)
                          : 1 - 2 * naive_normal_tail(0x1.6a09e6p+0f * (a > 4 ? 4 : a));
    return copysignf(y, x);
}

static float naive_normal_cdf_f32(float x) {
    if (isnan(x)) return x;
    const float a = fabsf(x);
    if (a < 1) return fmaf(x, POLYNOMIAL_F32(mg_normal_near, x * x), 0.5f);
    const float far = naive_normal_tail(a > 14.3f ? 14.3f : a);
    return x < 0 ? far : 1 - far;
}

#endif
