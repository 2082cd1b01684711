/* Elementwise maps and conversions. Table of one variant; Cython's view of it is minigrad/kernels/_c.pxd. */
#ifndef MG_ELEMENTWISE_H
#define MG_ELEMENTWISE_H
#include <stddef.h>

/* What a map computes of one element, or of two. */
#define MG_UNARY(X) X(copy) X(neg) X(abs) X(sign) X(sqrt) X(exp) X(log) X(tanh) X(sigmoid) X(relu)
#define MG_BINARY(X) X(add) X(sub) X(mul) X(div) X(relu_grad) X(tanh_grad) X(sigmoid_grad)
#define MG_OP(name) mg_op_##name,
enum { MG_UNARY(MG_OP) MG_BINARY(MG_OP) mg_ops };

/* Rows of an input: element (r, j) stands at p + r * row + j * col, in bytes. */
typedef struct {
    const char *p;
    ptrdiff_t row, col;
} mg_operand;

typedef struct {
    void (*map_f32)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, float *out);
    void (*map_f64)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, double *out);
    void (*convert_f32)(size_t rows, size_t n, mg_operand x, double *out);
    void (*convert_f64)(size_t rows, size_t n, mg_operand x, float *out);
} mg_elementwise_table;

extern const mg_elementwise_table *const mg_elementwise[];

#endif
