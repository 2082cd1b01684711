/* Norms of groups of elements, and what scales them: what a call says, and the table of one variant. The formulas stand
   in reference/group_norms.py. */
#ifndef MG_GROUP_NORMS_H
#define MG_GROUP_NORMS_H
#include <math.h>
#include <stddef.h>

/* Arrays (outer, n, inner), of which n makes a group: outer * inner groups of n elements. */
typedef struct {
    size_t outer, n, inner;
} mg_groups;

/* A coordinate took the step lr / ((√square root + eps) scale). */
typedef struct {
    double lr, root, eps, scale;
} mg_metric;

typedef struct {
    mg_groups groups;
    const void *x;
    double *norm;                           /* of each group */
    int precision;
} mg_group_norm_args;

typedef struct {
    mg_groups groups;
    const void *v;
    const void *step;                       /* of each group */
    void *out;
    double l1, strength;
    int precision;
} mg_group_soft_threshold_args;

typedef struct {
    mg_groups groups;
    const void *v;
    void *out;
    double low, high;
    int precision;
} mg_group_limit_args;

typedef struct {
    mg_groups groups;
    void *w;
    const void *before, *square;
    void *step;                             /* of each group */
    mg_metric metric;
    const double *correction, *scale;       /* where not NULL: root is 1 / √*correction, and scale is *scale */
    int precision;
} mg_group_level_args;

/* By precision; n groups from `first` on, in one slice: rows (inner is 1) are all in slice 0, columns in `outer`. */
typedef struct {
    void (*group_norm[2])(const mg_group_norm_args *p, size_t slice, size_t first, size_t n);
    void (*group_soft_threshold[2])(const mg_group_soft_threshold_args *p, size_t slice, size_t first, size_t n);
    void (*group_limit[2])(const mg_group_limit_args *p, size_t slice, size_t first, size_t n);
    void (*group_level[2])(const mg_group_level_args *p, size_t slice, size_t first, size_t n);
} mg_group_norms_table;

extern const mg_group_norms_table *const mg_group_norms_tables[];

/* Where `count` groups of a slice are: element i of group j is v[at + i * stride + j * next], its group is group + j.
   Rows have stride 1, columns have next 1. */
typedef struct {
    size_t count, m, stride, next, at, group;
} mg_layout;

/* What the elements of a group are multiplied by before they are squared again, if the sum of their squares left the
   range of float64: a power of two, so that nothing is rounded. Squares of float32 never do. */
static inline double mg_norm_scale(double squares) {
    return squares < 0x1p-900 ? 0x1p600 : squares == INFINITY ? 0x1p-600 : 1;
}

static inline mg_layout mg_layout_of(mg_groups g, size_t slice, size_t first, size_t count) {
    const size_t next = g.inner == 1 ? g.n : 1;
    return (mg_layout){count, g.n, g.inner, next, slice * g.n * g.inner + first * next, slice * g.inner + first};
}

#endif
