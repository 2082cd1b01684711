/* Norms of groups of elements, and what scales them. Table of one variant; the formulas stand in reference/group_norms.py.
   Element i of group j is v[i * stride + j * next]: rows have stride 1, columns have next 1. */
#ifndef MG_GROUPS_H
#define MG_GROUPS_H
#include <stddef.h>

typedef struct {
    size_t count, m, stride, next; /* of groups; of elements in each */
} mg_group_norms_layout;

/* A coordinate took the step lr / ((√square root + eps) scale). */
typedef struct {
    double lr, root, eps, scale;
} mg_metric;

#define MG_GROUPS(real, bits)                                                                                          \
    void (*group_norm_##bits)(mg_group_norms_layout layout, const real *v, double *norm);                                   \
    void (*group_soft_threshold_##bits)(mg_group_norms_layout layout, const real *v, const real *step, double l1,           \
                                        double strength, real *out);                                                   \
    void (*group_limit_##bits)(mg_group_norms_layout layout, const real *v, double low, double high, real *out);           \
    void (*group_level_##bits)(mg_group_norms_layout layout, real *w, const real *before, const real *square,               \
                               const mg_metric *metric, real *step);

typedef struct {
    MG_GROUPS(float, f32)
    MG_GROUPS(double, f64)
} mg_group_norms_table;
#undef MG_GROUPS

extern const mg_group_norms_table *const mg_group_norms_tables[];

#endif
