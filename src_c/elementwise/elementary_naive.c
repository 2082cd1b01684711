/* The plain meaning of elementary.c: one number at a time. Variant `naive`. */
#ifndef real
#include "elementwise/elementary.h"
#include "math/gelu_naive.h"
#include "math/float32_functions_naive.h"
#include "math/trigonometric_naive.h"

static double naive_value_f64(int op, double a, double b) {
    switch (op) {
    case mg_op_expm1: return naive_expm1(a);
    case mg_op_log1p: return naive_log1p(a);
    case mg_op_log2: return naive_log2(a);
    case mg_op_sin: return naive_sin(a);
    case mg_op_cos: return naive_cos(a);
    case mg_op_tan: return naive_tan(a);
    case mg_op_sinh: return naive_sinh(a);
    case mg_op_cosh: return naive_cosh(a);
    case mg_op_asinh: return naive_asinh(a);
    case mg_op_atan: return naive_atan(a);
    case mg_op_erf: return naive_erf_f64(a);
    case mg_op_normal_cdf: return naive_normal_cdf_f64(a);
    case mg_op_softplus: return naive_softplus(a);
    case mg_op_floor: return floor(a);
    case mg_op_ceil: return ceil(a);
    case mg_op_pow: return naive_pow(a, b);
    case mg_op_atan2: return naive_atan2(a, b);
    case mg_op_hypot: return naive_hypot(a, b);
    case mg_op_logaddexp: return naive_logaddexp(a, b);
    case mg_op_maximum: return isnan(a) || a >= b ? a : b;
    case mg_op_minimum: return isnan(a) || a <= b ? a : b;
    case mg_op_step: return a > b ? 1 : a == b ? 0.5 : a < b ? 0 : NAN;
    case mg_op_gelu: return naive_gelu_f64(a);
    case mg_op_gelu_tanh: return naive_gelu_tanh_f64(a);
    case mg_op_leaky_relu: return a > 0 ? a : b * a;
    case mg_op_leaky_slope: return a > 0 ? 1 : isnan(a) ? a : b;
    case mg_op_gelu_grad: return naive_gelu_grad_f64(a, b);
    case mg_op_gelu_tanh_grad: return naive_gelu_tanh_grad_f64(a, b);
    default: return NAN;
    }
}

/* The functions of float32, of which some differ from those of float64. */
static float naive_value_f32(int op, float a, float b) {
    switch (op) {
    case mg_op_expm1: return (float)naive_short_expm1(a);
    case mg_op_log1p: return (float)naive_short_log1p(a);
    case mg_op_log2: return (float)naive_short_log2(a);
    case mg_op_sin: return (float)naive_short_sin(a);
    case mg_op_cos: return (float)naive_short_cos(a);
    case mg_op_tan: return (float)naive_short_tan(a);
    case mg_op_erf: return naive_erf_f32(a);
    case mg_op_normal_cdf: return naive_normal_cdf_f32(a);
    case mg_op_softplus: return (float)naive_short_softplus(a);
    case mg_op_logaddexp: return (float)naive_short_logaddexp(a, b);
    case mg_op_gelu: return naive_gelu_f32(a);
    case mg_op_gelu_tanh: return naive_gelu_tanh_f32(a);
    case mg_op_gelu_grad: return naive_gelu_grad_f32(a, b);
    case mg_op_gelu_tanh_grad: return naive_gelu_tanh_grad_f32(a, b);
    default: return (float)naive_value_f64(op, a, b);
    }
}

#define MG_SOURCE "elementwise/elementary_naive.c"
#include "base/mg_both.h"

const mg_elementary_table MG_TABLE(elementary) = {
    .map = {mg_map_f32, mg_map_f64},
    .where = {mg_where_f32, mg_where_f64},
};

#else

#define VALUE MG_CAT(naive_value_f, real_bits)

static real FN(at)(mg_operand x, size_t r, size_t j) {
    return *(const real *)(x.p + (ptrdiff_t)r * x.row + (ptrdiff_t)j * x.col);
}

/* out[r][j] = op(a[r][j], b[r][j]); an op of one operand does not read b. */
static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, void *out) {
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++)
            ((real *)out)[r * n + j] = VALUE(op, FN(at)(a, r, j), op < mg_op_pow ? 0 : FN(at)(b, r, j));
}

/* out = c ? a : b, where a and b are arrays, or one number for all elements. */
static void FN(where)(const mg_where_args *p, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) {
        const real a = p->a ? ((const real *)p->a)[i] : (real)p->a_value;
        const real b = p->b ? ((const real *)p->b)[i] : (real)p->b_value;
        ((real *)p->out)[i] = p->c[i] ? a : b;
    }
}

#undef VALUE

#endif
