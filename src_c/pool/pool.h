/* Pools: the arguments of the kernels, and the table of one variant. */
#ifndef MG_POOL_H
#define MG_POOL_H
#include <stddef.h>
#include <stdint.h>

/* The rows, or the columns. Window i of y has those of the places i * stride + t * dilation - padding, 0 <= t < kernel,
   that are in x. If kernel is 0 (avg_pool2d), it has the places from i * x / y, rounded down, up to (i + 1) * x / y,
   rounded up. */
typedef struct {
    size_t x, y, kernel, stride, padding, dilation;     /* x, y, kernel: sizes */
} mg_pool_axis;

/* max_pool2d        y = the largest of each window, index = where in its plane it first occurs; a NaN is the largest
   pool_pick         y = x[index]
   pool_put          x = 0, then x[index] += y in the order of y
   avg_pool2d        y = the sum of each window / its count, by rows, in float64
   avg_pool2d_grad   x = the sum over the windows with that place of y / the window's count, by rows of y, in float64
   The count is `divisor`; if that is 0, the number of places in x, or, if `bordered`, in x and its padding. */
typedef struct {
    size_t planes;
    mg_pool_axis axis[2];
    const void *from;
    void *to;
    const int64_t *index;
    int64_t *found;                         /* max_pool2d: the index */
    size_t divisor;
    int bordered, precision;
} mg_pool_args;

/* By precision, for planes first .. first + n. A call needs pool_scratch(p) bytes that no other thread uses, aligned to
   64 bytes. pool_outside: whether an index is outside of its plane, which pool_pick and pool_put do not check. */
typedef struct {
    size_t (*pool_scratch)(const mg_pool_args *p);
    int (*pool_outside)(const int64_t *index, size_t n, size_t size);
    void (*max_pool2d[2])(const mg_pool_args *p, size_t first, size_t n, void *scratch);
    void (*pool_pick[2])(const mg_pool_args *p, size_t first, size_t n, void *scratch);
    void (*pool_put[2])(const mg_pool_args *p, size_t first, size_t n, void *scratch);
    void (*avg_pool2d[2])(const mg_pool_args *p, size_t first, size_t n, void *scratch);
    void (*avg_pool2d_grad[2])(const mg_pool_args *p, size_t first, size_t n, void *scratch);
} mg_pool_table;

extern const mg_pool_table *const mg_pool_tables[];

#endif
