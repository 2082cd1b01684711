/* Which places of the source the taps of a convolution read, along an axis of y or of the gradient of x. This file
   computes indices only. */
#ifndef MG_CONV_LINES_H
#define MG_CONV_LINES_H
#include "conv/conv.h"

/* Some places of a result, along an axis. Place i of n is number first + i * step of the result. Its tap t reads place
   i * stride + t * tap + start of the source, which has `source` places, and zeros outside. Tap t is element
   kernel_first + t * kernel_step of the kernel. */
typedef struct {
    size_t n, first, step, taps, kernel_first, kernel_step, source;
    ptrdiff_t stride, tap, start;
} mg_line;

static inline mg_line mg_line_of_y(const mg_conv_axis *a) {
    return (mg_line){
        .n = a->y, .step = 1, .taps = a->kernel, .kernel_step = 1, .source = a->x, .stride = (ptrdiff_t)a->stride,
        .tap = (ptrdiff_t)a->dilation, .start = -(ptrdiff_t)a->padding,
    };
}

/* How many lines the places of x make. If the stride is above 1, neighbours are read by different taps, and a line (a
   phase) has the places that are read by the same taps. */
static inline size_t mg_phases(const mg_conv_axis *a) { return a->stride < a->x ? a->stride : a->x; }

/* The places phase, phase + stride, ... of x. They are read by the taps t with (phase + padding - t * dilation) %
   stride == 0, which are `apart` taps apart. From one place to the next, the place of the source moves on by 1; from
   one tap to the next, it moves back. */
static inline mg_line mg_line_of_x(const mg_conv_axis *a, size_t phase) {
    size_t divisor = a->stride, rest = a->dilation, first = 0;
    while (rest) {                          /* the greatest common divisor of stride and dilation */
        const size_t old = divisor % rest;
        divisor = rest, rest = old;
    }
    const size_t far = phase + a->padding, apart = a->stride / divisor;
    while (first < apart && first < a->kernel && (first * a->dilation % a->stride) != far % a->stride) first++;
    const int met = first < apart && first < a->kernel;
    return (mg_line){
        .n = (a->x - phase + a->stride - 1) / a->stride, .first = phase, .step = a->stride,
        .taps = met ? (a->kernel - first + apart - 1) / apart : 0, .kernel_first = first, .kernel_step = apart,
        .source = a->y, .stride = 1, .tap = -(ptrdiff_t)(a->dilation / divisor),
        .start = met ? ((ptrdiff_t)far - (ptrdiff_t)(first * a->dilation)) / (ptrdiff_t)a->stride : 0,
    };
}

/* A copy of a source plane with all places that the lines read, and zeros outside of the source, so that no tap is
   tested for being outside. Columns that are a stride apart are side by side: column q of the plane is at
   q % stride * part + q / stride. */
typedef struct {
    mg_line rows, columns;
    ptrdiff_t top, left;                    /* where in the source the plane begins */
    size_t height, width, stride, part, row;            /* part: columns of one q % stride; row: numbers of a row */
} mg_plane;

/* How many places of the source a line reads, from the first to the last. */
static inline size_t mg_reach(const mg_line *l) {
    const size_t tap = (size_t)(l->tap < 0 ? -l->tap : l->tap);
    return l->n && l->taps ? (l->n - 1) * (size_t)l->stride + (l->taps - 1) * tap + 1 : 0;
}

/* The first place that a line reads, counted from `start`: with a negative `tap`, that of the last tap. */
static inline ptrdiff_t mg_begin(const mg_line *l) { return l->tap < 0 ? ((ptrdiff_t)l->taps - 1) * l->tap : 0; }

static inline mg_plane mg_plane_of(mg_line rows, mg_line columns) {
    mg_plane q = {.rows = rows, .columns = columns};
    q.top = rows.start + mg_begin(&rows), q.left = columns.start + mg_begin(&columns);
    q.height = mg_reach(&rows), q.width = mg_reach(&columns), q.stride = (size_t)columns.stride;
    q.part = (q.width + q.stride - 1) / q.stride, q.row = q.part * q.stride;
    return q;
}

/* The index in a plane that tap (t, u) reads for place (0, 0). */
static inline size_t mg_tap_at(const mg_plane *q, size_t t, size_t u) {
    const size_t r = (size_t)((ptrdiff_t)t * q->rows.tap - mg_begin(&q->rows));
    const size_t c = (size_t)((ptrdiff_t)u * q->columns.tap - mg_begin(&q->columns));
    return r * q->row + c % q->stride * q->part + c / q->stride;
}

/* The distance in a plane between what two neighbouring rows of the result read. */
static inline size_t mg_row_step(const mg_plane *q) { return (size_t)q->rows.stride * q->row; }

#endif
