/* Convolutions of planes: the arguments of the kernels, and the table of one variant. */
#ifndef MG_CONV_H
#define MG_CONV_H
#include <stddef.h>
#include "matmul/matmul.h"                  /* MG_ACT_NONE ... */

/* The rows, or the columns. A place is a position along an axis or in a plane, and a tap is an element of the kernel.
   Place i of y reads place i * stride + t * dilation - padding of x for each tap t; outside of x there are zeros. */
typedef struct {
    size_t x, y, kernel, stride, padding, dilation;     /* x, y, kernel: sizes */
} mg_conv_axis;

/* y = x * w: y[s, g, o, i, j] = sum over c, t, u of w[g, o, c, t, u] x[s, g, c, place of i and t, place of j and u],
   for samples s, groups g, and channels c of `in`, o of `out` (of each group). All arrays are contiguous. conv2d
   out = activation(y + bias), bias by channel of y, or NULL conv2d_input   out = the gradient of x from y, the
   gradient of y conv2d_weight  out = the gradient of w from x and y, the gradient of y */
typedef struct {
    size_t samples, groups, in, out;
    mg_conv_axis axis[2];
    const void *x, *w, *y, *bias;           /* of x, w and y those that are read */
    void *result;
    int activation, precision;
} mg_conv_args;

enum { MG_CONV, MG_CONV_INPUT, MG_CONV_WEIGHT };

/* By precision. A unit is one group of one sample, for conv2d_weight one channel of x. Each computes n units, from
   `first` on. The places of a unit are divided into `slices` parts, of which a call computes part `slice`.
   conv2d_filters(p, which, NULL) returns how many bytes the reordered filters take. If it is 0, `filters` is NULL;
   else conv2d_filters(p, which, to) has written them to `to`, and `filters` is `to`. A call needs
   conv2d_scratch(p, which) bytes that no other thread uses. Memory is aligned to 64 bytes. */
typedef struct {
    size_t (*conv2d_scratch[2])(const mg_conv_args *p, int which);
    size_t (*conv2d_filters[2])(const mg_conv_args *p, int which, void *to);
    void (*conv2d[2])(const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t slice, size_t slices,
                      void *scratch);
    void (*conv2d_input[2])(const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t slice,
                            size_t slices, void *scratch);
    void (*conv2d_weight[2])(const mg_conv_args *p, size_t first, size_t n, void *scratch);
} mg_conv_table;

extern const mg_conv_table *const mg_conv_tables[];

#endif
