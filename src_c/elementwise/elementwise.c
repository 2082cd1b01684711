/* Elementwise maps and conversions of rows (strided_rows.h). Equal to elementwise_naive.c, bit for bit. */
#ifndef real
#include "elementwise/elementwise.h"
#include "math/exp_log_tanh.h"

#define MG_SOURCE "elementwise/elementwise.c"
#include "base/mg_both.h"

const mg_elementwise_table MG_TABLE(elementwise) = {
    .map = {mg_map_f32, mg_map_f64},
};

#else

INLINE vec V(apply)(const int op, vec a, vec b) {
    const vec zero = {0}, one = V(set1)(1);
    switch (op) {
    case mg_op_neg: return -a;
    case mg_op_abs: return V(abs)(a);
    case mg_op_sign: return V(select)(V(eq)(a, a), V(select)(V(eq)(a, zero), zero, V(copysign)(one, a)), a);
    case mg_op_sqrt: return V(sqrt)(a);
    case mg_op_exp: return V(exp)(a);
    case mg_op_log: return V(log)(a);
    case mg_op_tanh: return V(tanh)(a);
    case mg_op_sigmoid: return V(sigmoid)(a);
    case mg_op_relu: return V(select)(V(le)(a, zero), zero, a);
    case mg_op_add: return a + b;
    case mg_op_sub: return a - b;
    case mg_op_mul: return a * b;
    case mg_op_div: return a / b;
    case mg_op_relu_grad: return V(select)(V(lt)(zero, b), a, V(select)(V(eq)(b, b), zero, b));
    case mg_op_tanh_grad: return a * (one - b * b);
    case mg_op_sigmoid_grad: return a * (b * (one - b));
    default: return a;
    }
}

#include "base/map_vectors.h"

/* One row (strided_rows.h). */
INLINE void FN(row)(const int op, size_t n, const real *a, size_t a_step, const real *b, size_t b_step, real *out) {
    FN(by_vectors)(V(apply), op, n, a, a_step, b, b_step, out);
}

#include "base/strided_rows.h"

#if real_bits == 32
#define other double
#else
#define other float
#endif

/* out = x, where x has the other precision; doubles are rounded to the nearest float. */
static void FN(convert)(size_t rows, size_t n, mg_operand x, real *out) {
    for (size_t r = 0; r < rows; r++, x.p += x.row, out += n)
        if (x.col == sizeof(other))
            for (size_t j = 0; j < n; j++) out[j] = (real)((const other *)x.p)[j];
        else
            for (size_t j = 0; j < n; j++) out[j] = (real)*(const other *)(x.p + (ptrdiff_t)j * x.col);
}
#undef other

/* out[r][j] = op(a[r][j], b[r][j]); an op of one operand does not read b. Each case is the loop compiled for one op. */
static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, void *out) {
    switch (op) {
#define OPERANDS(op) (op == mg_op_copy ? 0 : op < mg_op_add ? 1 : 2)
#define CASE(name) case mg_op_##name: FN(rows)(mg_op_##name, OPERANDS(mg_op_##name), rows, n, a, b, out); return;
    MG_UNARY(CASE) MG_BINARY(CASE)
#undef CASE
#undef OPERANDS
    case mg_op_convert: FN(convert)(rows, n, a, out); return;
    }
}

#endif
