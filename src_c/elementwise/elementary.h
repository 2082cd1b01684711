/* Functions of one number or two, and where. Table of one variant. */
#ifndef MG_ELEMENTARY_H
#define MG_ELEMENTARY_H
#include <stdint.h>
#include "base/operand.h"

#define MG_ELEMENTARY_1(X)                                                                                             \
    X(expm1) X(log1p) X(log2) X(sin) X(cos) X(tan) X(sinh) X(cosh) X(asinh) X(atan) X(erf) X(normal_cdf) X(softplus)   \
    X(floor) X(ceil) X(gelu) X(gelu_tanh)
#define MG_ELEMENTARY_2(X)                                                                                             \
    X(pow) X(atan2) X(hypot) X(logaddexp) X(maximum) X(minimum) X(step) X(leaky_relu) X(leaky_slope) X(gelu_grad)      \
    X(gelu_tanh_grad)
#define MG_ELEMENTARY_OP(name) mg_elementary_##name,
enum { MG_ELEMENTARY_1(MG_ELEMENTARY_OP) MG_ELEMENTARY_2(MG_ELEMENTARY_OP) mg_elementary_ops };

typedef struct {
    mg_mapper_f32 map_f32;
    mg_mapper_f64 map_f64;
    void (*where_f32)(size_t n, const uint8_t *c, const float *a, size_t a_step, const float *b, size_t b_step,
                      float *out);
    void (*where_f64)(size_t n, const uint8_t *c, const double *a, size_t a_step, const double *b, size_t b_step,
                      double *out);
} mg_elementary_table;

extern const mg_elementary_table *const mg_elementary_tables[];

#endif
