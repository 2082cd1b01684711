/* The plain meaning of elementary.c: one number at a time. Variant `naive`. */
#ifndef real
#include "elementwise/elementary.h"
#include "math/gelu_naive.h"
#include "math/float32_functions_naive.h"
#include "math/trigonometric_naive.h"

static double naive_value_f64(int op, double a, double b) {
    switch (op) {
    case mg_elementary_expm1: return naive_expm1(a);
    case mg_elementary_log1p: return naive_log1p(a);
    case mg_elementary_log2: return naive_log2(a);
    case mg_elementary_sin: return naive_sin(a);
    case mg_elementary_cos: return naive_cos(a);
    case mg_elementary_tan: return naive_tan(a);
    case mg_elementary_sinh: return naive_sinh(a);
    case mg_elementary_cosh: return naive_cosh(a);
    case mg_elementary_asinh: return naive_asinh(a);
    case mg_elementary_atan: return naive_atan(a);
    case mg_elementary_erf: return naive_erf_f64(a);
    case mg_elementary_normal_cdf: return naive_normal_cdf_f64(a);
    case mg_elementary_softplus: return naive_softplus(a);
    case mg_elementary_floor: return floor(a);
    case mg_elementary_ceil: return ceil(a);
    case mg_elementary_pow: return naive_pow(a, b);
    case mg_elementary_atan2: return naive_atan2(a, b);
    case mg_elementary_hypot: return naive_hypot(a, b);
    case mg_elementary_logaddexp: return naive_logaddexp(a, b);
    case mg_elementary_maximum: return isnan(a) || a >= b ? a : b;
    case mg_elementary_minimum: return isnan(a) || a <= b ? a : b;
    case mg_elementary_step: return a > b ? 1 : a == b ? 0.5 : a < b ? 0 : NAN;
    case mg_elementary_gelu: return naive_gelu_f64(a);
    case mg_elementary_gelu_tanh: return naive_gelu_tanh_f64(a);
    case mg_elementary_leaky_relu: return a > 0 ? a : b * a;
    case mg_elementary_leaky_slope: return a > 0 ? 1 : isnan(a) ? a : b;
    case mg_elementary_gelu_grad: return naive_gelu_grad_f64(a, b);
    case mg_elementary_gelu_tanh_grad: return naive_gelu_tanh_grad_f64(a, b);
    default: return NAN;
    }
}

/* What float32 computes in another way. */
static float naive_value_f32(int op, float a, float b) {
    switch (op) {
    case mg_elementary_expm1: return (float)naive_short_expm1(a);
    case mg_elementary_log1p: return (float)naive_short_log1p(a);
    case mg_elementary_log2: return (float)naive_short_log2(a);
    case mg_elementary_sin: return (float)naive_short_sin(a);
    case mg_elementary_cos: return (float)naive_short_cos(a);
    case mg_elementary_tan: return (float)naive_short_tan(a);
    case mg_elementary_erf: return naive_erf_f32(a);
    case mg_elementary_normal_cdf: return naive_normal_cdf_f32(a);
    case mg_elementary_softplus: return (float)naive_short_softplus(a);
    case mg_elementary_logaddexp: return (float)naive_short_logaddexp(a, b);
    case mg_elementary_gelu: return naive_gelu_f32(a);
    case mg_elementary_gelu_tanh: return naive_gelu_tanh_f32(a);
    case mg_elementary_gelu_grad: return naive_gelu_grad_f32(a, b);
    case mg_elementary_gelu_tanh_grad: return naive_gelu_tanh_grad_f32(a, b);
    default: return (float)naive_value_f64(op, a, b);
    }
}

#define MG_SOURCE "elementwise/elementary_naive.c"
#include "base/mg_both.h"

const mg_elementary_table MG_TABLE(elementary) = {MG_BOTH(map), MG_BOTH(where)};

#else

#define VALUE MG_CAT(naive_value_f, real_bits)

static real FN(at)(mg_operand x, size_t r, size_t j) {
    return *(const real *)(x.p + (ptrdiff_t)r * x.row + (ptrdiff_t)j * x.col);
}

/* out[r][j] = op(a[r][j], b[r][j]); an op of one operand does not read b. */
static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, real *out) {
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++)
            out[r * n + j] = VALUE(op, FN(at)(a, r, j), op < mg_elementary_pow ? 0 : FN(at)(b, r, j));
}

/* out = c ? a : b; a step is 1, or 0 for a number. */
static void FN(where)(size_t n, const uint8_t *c, const real *a, size_t a_step, const real *b, size_t b_step,
                      real *out) {
    for (size_t i = 0; i < n; i++) out[i] = c[i] ? a[i * a_step] : b[i * b_step];
}

#undef VALUE

#endif
