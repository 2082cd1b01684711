/* Elementwise maps and conversions. Table of one variant. */
#ifndef MG_ELEMENTWISE_H
#define MG_ELEMENTWISE_H
#include "base/operand.h"

/* What a map computes of one element, or of two. */
#define MG_UNARY(X) X(copy) X(neg) X(abs) X(sign) X(sqrt) X(exp) X(log) X(tanh) X(sigmoid) X(relu)
#define MG_BINARY(X) X(add) X(sub) X(mul) X(div) X(relu_grad) X(tanh_grad) X(sigmoid_grad)
#define MG_OP(name) mg_op_##name,
enum { MG_UNARY(MG_OP) MG_BINARY(MG_OP) mg_ops };

typedef struct {
    mg_mapper_f32 map_f32;
    mg_mapper_f64 map_f64;
    void (*convert_f32)(size_t rows, size_t n, mg_operand x, double *out);
    void (*convert_f64)(size_t rows, size_t n, mg_operand x, float *out);
} mg_elementwise_table;

extern const mg_elementwise_table *const mg_elementwise_tables[];

#endif
