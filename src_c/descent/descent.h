/* Coordinate descent on a quadratic function with an elastic net: what a call says, and the table of one variant. */
#ifndef MG_DESCENT_H
#define MG_DESCENT_H
#include <stddef.h>

typedef struct {
    size_t n, sweeps;
    const void *gram, *l1, *l2;             /* (n, n), (n,), (n,) */
    const void *lower, *upper;              /* (n,) each: bounds of w; or both NULL */
    void *w, *r;                            /* both change: r = q - gram w */
    size_t *done;                           /* the sweeps that were made */
    double *largest;                        /* the largest violation of the optimality conditions in the last of them */
    double tolerance;
    int precision;
} mg_coordinate_descent_args;

typedef struct {
    void (*coordinate_descent[2])(const mg_coordinate_descent_args *p);
} mg_descent_table;

extern const mg_descent_table *const mg_descent_tables[];

#endif
