/* Coordinate descent on a quadratic function with an elastic net. Table of one variant. */
#ifndef MG_DESCENT_H
#define MG_DESCENT_H
#include <stddef.h>

typedef struct {
    size_t (*coordinate_descent_f32)(size_t n, const float *gram, const float *l1, const float *l2, float *w, float *r,
                                     size_t sweeps, double tolerance, double *largest);
    size_t (*coordinate_descent_f64)(size_t n, const double *gram, const double *l1, const double *l2, double *w,
                                     double *r, size_t sweeps, double tolerance, double *largest);
} mg_descent_table;

extern const mg_descent_table *const mg_descent_tables[];

#endif
