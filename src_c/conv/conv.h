/* Convolutions of planes: what a call says, and the table of one variant. */
#ifndef MG_CONV_H
#define MG_CONV_H
#include <stddef.h>
#include "matmul/matmul.h"                  /* MG_ACT_NONE ... */

/* Rows, or columns. Place i of y looks at the places i * stride + t * dilation - padding of x, one for each tap t of the
   kernel; what lies outside of x is 0. */
typedef struct {
    size_t x, y, kernel, stride, padding, dilation;     /* x, y, kernel: sizes */
} mg_conv_axis;

/* y = x * w: y[s, g, o, i, j] = sum over c, t, u of w[g, o, c, t, u] x[s, g, c, place of i and t, place of j and u], for
   samples s, groups g, and channels c of `in`, o of `out` (of each group). All arrays are contiguous.
   conv2d         out = activation(y + bias), bias by channel of y, or NULL
   conv2d_input   out = the gradient of x from y, the gradient of y
   conv2d_weight  out = the gradient of w from x and y, the gradient of y */
typedef struct {
    size_t samples, groups, in, out;
    mg_conv_axis axis[2];
    const void *x, *w, *y, *bias;           /* the inputs of the call; what it computes goes to `result` */
    void *result;
    int activation, precision;
} mg_conv_args;

enum { MG_CONV, MG_CONV_INPUT, MG_CONV_WEIGHT };

/* By precision. A unit is one group of one sample; of each, slice `slice` of `slices` is computed, a part of its places.
   For conv2d_weight a unit is a channel of x. `filters` is what conv2d_filters(p, which, to) has written to `to`, or NULL
   where conv2d_filters(p, which, NULL), the bytes that it needs, is 0. A call needs conv2d_scratch(p, which) bytes
   that no other thread uses. Memory is aligned to 64 bytes. */
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
