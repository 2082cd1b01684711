/* Where the taps of a convolution lead, without numbers: for an axis of y, and for an axis of x's gradient. */
#ifndef MG_CONV_LINES_H
#define MG_CONV_LINES_H
#include "conv/conv.h"

/* Some places of a result, along an axis: number i of n stands at first + i * step, and is a sum over the taps t of what
   stands at i * stride + t * tap + start of the source (outside of its `source` places: 0). Tap t is number
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

/* Into how many lines the places of x fall: neighbours meet other taps if the stride is above 1. */
static inline size_t mg_phases(const mg_conv_axis *a) { return a->stride < a->x ? a->stride : a->x; }

/* The places phase, phase + stride, ... of x. They meet the taps t with (phase + padding - t * dilation) % stride == 0,
   which are evenly apart; from place to place the source moves by 1, from tap to tap back. */
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

/* A source plane with all that the lines look at, zeros outside, so that no tap asks where it is. Columns that are a
   stride apart stand side by side: column q of the plane is at q % stride * part + q / stride. */
typedef struct {
    mg_line rows, columns;
    ptrdiff_t top, left;                    /* where in the source the plane begins */
    size_t height, width, stride, part, row;            /* stride: of columns; part: numbers of q % stride; row: of a row */
} mg_plane;

static inline size_t mg_reach(const mg_line *l) {
    const size_t tap = (size_t)(l->tap < 0 ? -l->tap : l->tap);
    return l->n && l->taps ? (l->n - 1) * (size_t)l->stride + (l->taps - 1) * tap + 1 : 0;
}

static inline ptrdiff_t mg_begin(const mg_line *l) { return l->tap < 0 ? ((ptrdiff_t)l->taps - 1) * l->tap : 0; }

static inline mg_plane mg_plane_of(mg_line rows, mg_line columns) {
    mg_plane q = {.rows = rows, .columns = columns};
    q.top = rows.start + mg_begin(&rows), q.left = columns.start + mg_begin(&columns);
    q.height = mg_reach(&rows), q.width = mg_reach(&columns), q.stride = (size_t)columns.stride;
    q.part = (q.width + q.stride - 1) / q.stride, q.row = q.part * q.stride;
    return q;
}

/* Where, from the place (0, 0), tap (t, u) stands in a plane. */
static inline size_t mg_tap_at(const mg_plane *q, size_t t, size_t u) {
    const size_t r = (size_t)((ptrdiff_t)t * q->rows.tap - mg_begin(&q->rows));
    const size_t c = (size_t)((ptrdiff_t)u * q->columns.tap - mg_begin(&q->columns));
    return r * q->row + c % q->stride * q->part + c / q->stride;
}

/* From a row of the result to the next, in a plane. */
static inline size_t mg_row_step(const mg_plane *q) { return (size_t)q->rows.stride * q->row; }

#endif
