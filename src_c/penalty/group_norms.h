/* Norms of groups of elements, and functions that scale a group by its norm: the arguments of each kernel, and the
   table of one variant. The formulas are in reference/group_norms.py. */
#ifndef MG_GROUP_NORMS_H
#define MG_GROUP_NORMS_H
#include <math.h>
#include <stddef.h>

/* An array (outer, n, inner) has outer * inner groups; the n elements along the middle axis are a group. */
typedef struct {
    size_t outer, n, inner;
} mg_groups;

/* The step of a coordinate was lr / metric, where metric = (√square * root + eps) * scale. */
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
    const double *correction, *scale;       /* unless NULL, each run sets root = 1 / √*correction, scale = *scale */
    int precision;
} mg_group_level_args;

/* By precision; each computes n groups of one slice, from `first` on. If inner is 1, the groups are rows, all in slice
   0; otherwise they are columns, and there are `outer` slices of `inner` groups. */
typedef struct {
    void (*group_norm[2])(const mg_group_norm_args *p, size_t slice, size_t first, size_t n);
    void (*group_soft_threshold[2])(const mg_group_soft_threshold_args *p, size_t slice, size_t first, size_t n);
    void (*group_limit[2])(const mg_group_limit_args *p, size_t slice, size_t first, size_t n);
    void (*group_level[2])(const mg_group_level_args *p, size_t slice, size_t first, size_t n);
} mg_group_norms_table;

extern const mg_group_norms_table *const mg_group_norms_tables[];

/* Where `count` groups of m elements lie: element i of group j is v[at + i * stride + j * next], and the number of
   group j among all groups of the array is group + j. Rows have stride 1, columns have next 1. */
typedef struct {
    size_t count, m, stride, next, at, group;
} mg_layout;

/* If the sum of the squares of a group overflowed or is nearly 0, its elements are multiplied by this factor and
   squared again. It is a power of two, so that nothing is rounded, and 1 if the sum is in range, as sums of squares of
   float32 always are. */
static inline double mg_norm_scale(double squares) {
    return squares < 0x1p-900 ? 0x1p600 : squares == INFINITY ? 0x1p-600 : 1;
}

static inline mg_layout mg_layout_of(mg_groups g, size_t slice, size_t first, size_t count) {
    const size_t next = g.inner == 1 ? g.n : 1;
    return (mg_layout){count, g.n, g.inner, next, slice * g.n * g.inner + first * next, slice * g.inner + first};
}

#endif
