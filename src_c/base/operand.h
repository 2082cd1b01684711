/* Elementwise maps: the arguments of a kernel, the operands that a body reads, and the list of all ops. */
#ifndef MG_OPERAND_H
#define MG_OPERAND_H
#include <stddef.h>

/* What a map computes of one element, or of two. elementwise.c has the first two lists and `convert`, a copy from the
   other precision; elementary.c the others. */
#define MG_UNARY(X) X(copy) X(neg) X(abs) X(sign) X(sqrt) X(exp) X(log) X(tanh) X(sigmoid) X(relu)
#define MG_BINARY(X) X(add) X(sub) X(mul) X(div) X(relu_grad) X(tanh_grad) X(sigmoid_grad)
#define MG_ELEMENTARY_1(X)                                                                                             \
    X(expm1) X(log1p) X(log2) X(sin) X(cos) X(tan) X(sinh) X(cosh) X(asinh) X(atan) X(erf) X(normal_cdf) X(softplus)   \
    X(floor) X(ceil) X(gelu) X(gelu_tanh)
#define MG_ELEMENTARY_2(X)                                                                                             \
    X(pow) X(atan2) X(hypot) X(logaddexp) X(maximum) X(minimum) X(step) X(leaky_relu) X(leaky_slope) X(gelu_grad)      \
    X(gelu_tanh_grad)
/* One enum for both families, so that a number means the same op in both. */
#define MG_OP(name) mg_op_##name,
enum { MG_UNARY(MG_OP) MG_BINARY(MG_OP) mg_op_convert, MG_ELEMENTARY_1(MG_OP) MG_ELEMENTARY_2(MG_OP) mg_ops };

/* An axis of out, and how many bytes apart the elements of a and of b are along it: 0 if one element is repeated. */
typedef struct {
    size_t length;
    ptrdiff_t a, b;
} mg_axis;

/* out = op(a, b), out contiguous; an op of one operand does not read b. */
enum { MG_AXES = 32 };
typedef struct {
    const void *a, *b;                      /* if NULL, the operand is the number a_value or b_value */
    void *out;
    double a_value, b_value;                /* in the precision of out: a float is in the first four bytes */
    int op, precision;                      /* of out; a and b have the same, or for `convert` the other one */
    int axes;                               /* 2 at least */
    mg_axis axis[MG_AXES];                  /* axis[0] is the innermost, axis[1] the rows */
} mg_map_args;

/* What a body reads: element (r, j) is at p + r * row + j * col, in bytes. */
typedef struct {
    const char *p;
    ptrdiff_t row, col;
} mg_operand;

/* out[r][j] = op(a[r][j], b[r][j]), out (rows, n) contiguous. */
typedef void (*mg_mapper)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, void *out);

#endif
