/* Functions of one or two numbers that elementwise.c does not have. Equal to elementary_naive.c, bit for bit.

   Exact functions, erf, normal_cdf and GELU are computed in the precision of the operands. All others are computed in
   float64 and rounded once, so that a float32 is the nearest one, except rarely where the result is almost halfway
   between two. For float32 the most used of them have shorter polynomials: the functions mg_short_... */
#ifndef real
#include "elementwise/elementary.h"
#include "math/erf.h"
#include "math/exponential.h"
#include "math/gelu.h"
#include "math/float32_functions.h"
#include "math/trigonometric.h"
#include "math/floor.h"

/* In float64, for results of float64. */
INLINE vf64 mg_elementary_f64(const int op, vf64 a, vf64 b) {
    switch (op) {
    case mg_op_expm1: return mg_expm1(a);
    case mg_op_log1p: return mg_log1p(a);
    case mg_op_log2: return mg_log2(a);
    case mg_op_sin: return mg_sin(a);
    case mg_op_cos: return mg_cos(a);
    case mg_op_tan: return mg_tan(a);
    case mg_op_sinh: return mg_sinh(a);
    case mg_op_cosh: return mg_cosh(a);
    case mg_op_asinh: return mg_asinh(a);
    case mg_op_atan: return mg_atan(a);
    case mg_op_softplus: return mg_softplus(a);
    case mg_op_pow: return mg_pow(a, b);
    case mg_op_atan2: return mg_atan2(a, b);
    case mg_op_hypot: return mg_hypot(a, b);
    case mg_op_logaddexp: return mg_logaddexp(a, b);
    default: return a;
    }
}

/* In float64, for results of float32. */
INLINE vf64 mg_elementary_f32(const int op, vf64 a, vf64 b) {
    switch (op) {
    case mg_op_expm1: return mg_short_expm1(a);
    case mg_op_log1p: return mg_short_log1p(a);
    case mg_op_log2: return mg_short_log2(a);
    case mg_op_sin: return mg_short_sin(a);
    case mg_op_cos: return mg_short_cos(a);
    case mg_op_tan: return mg_short_tan(a);
    case mg_op_softplus: return mg_short_softplus(a);
    case mg_op_logaddexp: return mg_short_logaddexp(a, b);
    default: return mg_elementary_f64(op, a, b);
    }
}

#define MG_SOURCE "elementwise/elementary.c"
#include "base/mg_both.h"

const mg_elementary_table MG_TABLE(elementary) = {
    .map = {mg_map_f32, mg_map_f64},
    .where = {mg_where_f32, mg_where_f64},
};

#else
#include "base/map_vectors.h"
#include "base/float64_lanes.h"

INLINE vec FN(step)(vec a, vec b) {
    const vec y = V(select)(V(lt)(b, a), V(set1)(1), V(select)(V(eq)(a, b), V(set1)(R(0.5)), (vec){0}));
    return V(select)(V(eq)(a, a) & V(eq)(b, b), y, a + b);
}

/* In the precision of the operands. */
INLINE vec FN(own)(const int op, vec a, vec b) {
    switch (op) {
    case mg_op_floor: return V(floor)(a);
    case mg_op_ceil: return V(ceil)(a);
    case mg_op_maximum: return V(select)(V(le)(b, a), a, V(select)(V(eq)(a, a), b, a));
    case mg_op_minimum: return V(select)(V(le)(a, b), a, V(select)(V(eq)(a, a), b, a));
    case mg_op_step: return FN(step)(a, b);
    case mg_op_erf: return V(erf)(a);
    case mg_op_normal_cdf: return V(normal_cdf)(a);
    case mg_op_gelu: return V(gelu)(a);
    case mg_op_gelu_tanh: return V(gelu_tanh)(a);
    case mg_op_leaky_relu: return V(select)(V(lt)((vec){0}, a), a, b * a);
    case mg_op_leaky_slope: return V(select)(V(lt)((vec){0}, a), V(set1)(1), V(select)(V(eq)(a, a), b, a));
    case mg_op_gelu_grad: return V(gelu_grad)(a, b);
    case mg_op_gelu_tanh_grad: return V(gelu_tanh_grad)(a, b);
    default: return a;
    }
}

INLINE int FN(is_own)(const int op) {
    return op == mg_op_erf || op == mg_op_normal_cdf || op >= mg_op_maximum ||
           (op >= mg_op_floor && op < mg_op_pow);
}

/* Two vectors at a time, so that the operations of one run while those of the other need a result. */
INLINE void FN(by_float64)(const int op, size_t n, const real *a, size_t a_step, const real *b, size_t b_step,
                           real *out) {
    size_t i = 0;
    for (; i + 2 * MG_W64 <= n; i += 2 * MG_W64) {
        vf64 y[2];
        UNROLL for (size_t k = 0; k < 2; k++) {
            const size_t at = i + k * MG_W64;
            y[k] = FN(elementary)(op, FN(load64)(a + at * a_step), FN(load64)(b + at * b_step));
        }
        UNROLL for (size_t k = 0; k < 2; k++) FN(store64_part)(out + i + k * MG_W64, MG_W64, y[k]);
    }
    for (; i < n; i += MG_W64) {
        const size_t part = n - i < MG_W64 ? n - i : MG_W64;
        const vf64 x = FN(load64_part)(a + i * a_step, part), y = FN(load64_part)(b + i * b_step, part);
        FN(store64_part)(out + i, part, FN(elementary)(op, x, y));
    }
}

/* One row (strided_rows.h). Each case is the loop compiled for one op. */
static void FN(row)(int op, size_t n, const real *a, size_t a_step, const real *b, size_t b_step, real *out) {
    switch (op) {
#define CASE(name) case mg_op_##name:                                                                          \
        if (FN(is_own)(mg_op_##name))                                                                          \
            FN(by_vectors)(FN(own), mg_op_##name, n, a, a_step, b, b_step, out);                               \
        else FN(by_float64)(mg_op_##name, n, a, a_step, b, b_step, out);                                       \
        return;
    MG_ELEMENTARY_1(CASE) MG_ELEMENTARY_2(CASE)
#undef CASE
    }
}

#include "base/strided_rows.h"

static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, void *out) {
    FN(rows)(op, op < mg_op_pow ? 1 : 2, rows, n, a, b, out);
}

/* out = c ? a : b; a step is 1, or 0 for a number. */
INLINE void FN(pick)(size_t n, const uint8_t *c, const real *a, const size_t a_step, const real *b, const size_t b_step,
                     real *out) {
    for (size_t i = 0; i < n; i++) {
        const real x = a[i * a_step], y = b[i * b_step]; /* both are read, so that nothing branches */
        out[i] = c[i] ? x : y;
    }
}

static void FN(where)(const mg_where_args *p, size_t first, size_t n) {
    const uint8_t *c = p->c + first;
    const real a_one = (real)p->a_value, b_one = (real)p->b_value;
    const real *a = p->a ? (const real *)p->a + first : &a_one, *b = p->b ? (const real *)p->b + first : &b_one;
    real *out = (real *)p->out + first;
    if (p->a && p->b) FN(pick)(n, c, a, 1, b, 1, out);
    else if (p->a) FN(pick)(n, c, a, 1, b, 0, out);
    else if (p->b) FN(pick)(n, c, a, 0, b, 1, out);
    else FN(pick)(n, c, a, 0, b, 0, out);
}

#endif
