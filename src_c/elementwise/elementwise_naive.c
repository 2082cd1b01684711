/* The plain meaning of elementwise.c: one element at a time. Variant `naive`. */
#ifndef real
#include "elementwise/elementwise.h"
#include "math/exp_log_tanh_naive.h"
#define MG_SOURCE "elementwise/elementwise_naive.c"
#include "base/mg_both.h"

const mg_elementwise_table MG_TABLE(elementwise) = {
    .map = {mg_map_f32, mg_map_f64},
};

#else

#define NAIVE(name) MG_CAT(naive_##name##_f, real_bits)

static real FN(value)(int op, real a, real b) {
    switch (op) {
    case mg_op_copy: return a;
    case mg_op_neg: return -a;
    case mg_op_abs: return signbit(a) ? -a : a;
    case mg_op_sign: return a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a;
    case mg_op_sqrt: return (real)sqrt(a); /* the double root of a float, rounded again, is its float root */
    case mg_op_exp: return NAIVE(exp)(a);
    case mg_op_log: return NAIVE(log)(a);
    case mg_op_tanh: return NAIVE(tanh)(a);
    case mg_op_sigmoid: return NAIVE(sigmoid)(a);
    case mg_op_relu: return a > 0 || isnan(a) ? a : 0;
    case mg_op_add: return a + b;
    case mg_op_sub: return a - b;
    case mg_op_mul: return a * b;
    case mg_op_div: return a / b;
    case mg_op_relu_grad: return b > 0 ? a : isnan(b) ? b : 0;
    case mg_op_tanh_grad: return a * (1 - b * b);
    case mg_op_sigmoid_grad: return a * (b * (1 - b));
    default: return NAN;
    }
}

static real FN(at)(mg_operand x, size_t r, size_t j) {
    return *(const real *)(x.p + (ptrdiff_t)r * x.row + (ptrdiff_t)j * x.col);
}

#if real_bits == 32
#define other double
#else
#define other float
#endif

/* A number of the other precision, rounded to nearest if it is a double. */
static real FN(converted)(mg_operand x, size_t r, size_t j) {
    return (real)*(const other *)(x.p + (ptrdiff_t)r * x.row + (ptrdiff_t)j * x.col);
}
#undef other

/* out[r][j] = op(a[r][j], b[r][j]); an op of one operand does not read b. */
static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, void *out) {
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++) {
            real *to = (real *)out + r * n + j;
            if (op == mg_op_convert) *to = FN(converted)(a, r, j);
            else *to = FN(value)(op, FN(at)(a, r, j), op < mg_op_add ? 0 : FN(at)(b, r, j));
        }
}
#undef NAIVE

#endif
