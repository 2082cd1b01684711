/* Descent on a quadratic function with an elastic net, or with norms of groups: the arguments of the kernels, and the
   table of one variant. */
#ifndef MG_DESCENT_H
#define MG_DESCENT_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t n, sweeps;
    const void *gram, *l1, *l2;             /* (n, n), (n,), (n,) */
    const void *lower, *upper;              /* (n,) each: bounds of w; or both NULL */
    void *w, *r;                            /* both change: r = q - gram w */
    size_t *done;                           /* the sweeps that were made */
    double *largest;                        /* the largest violation of the optimality conditions in the last sweep */
    double tolerance;
    int precision;
} mg_coordinate_descent_args;

typedef struct {
    size_t n, groups, sweeps;
    const void *gram, *l1, *l2;             /* (n, n), (n,), (n,) */
    const void *strength, *curvature;       /* (groups,) each; curvature: at least the largest eigenvalue + l2 */
    const int64_t *first;                   /* (groups + 1,): group g is first[g] <= j < first[g + 1] */
    void *w, *r;                            /* both change: r = q - gram w */
    void *scratch;                          /* (2 n,) */
    size_t *done;
    double *largest;
    double tolerance;
    int precision;
} mg_group_descent_args;

enum { MG_LOCAL_STEPS = 20 };               /* at most so many steps in a group before the next one */

typedef struct {
    void (*coordinate_descent[2])(const mg_coordinate_descent_args *p);
    void (*group_descent[2])(const mg_group_descent_args *p);
} mg_descent_table;

extern const mg_descent_table *const mg_descent_tables[];

#endif
