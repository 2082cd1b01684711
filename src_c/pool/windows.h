/* Which places the windows have, along an axis. This file computes indices only. */
#ifndef MG_POOL_WINDOWS_H
#define MG_POOL_WINDOWS_H
#include "pool/pool.h"

/* The places first, first + step, ... below last, and the count by which a mean is divided. */
typedef struct {
    size_t first, last, step, count;
} mg_window;

static inline mg_window mg_window_of(const mg_pool_axis *a, size_t i, int bordered) {
    if (a->kernel == 0) {
        const size_t first = i * a->x / a->y, last = ((i + 1) * a->x + a->y - 1) / a->y;
        return (mg_window){first, last, 1, last - first};
    }
    const ptrdiff_t start = (ptrdiff_t)(i * a->stride) - (ptrdiff_t)a->padding, step = (ptrdiff_t)a->dilation;
    const ptrdiff_t x = (ptrdiff_t)a->x, end = start + (ptrdiff_t)(a->kernel - 1) * step + 1;
    const ptrdiff_t first = start < 0 ? start + (-start + step - 1) / step * step : start, last = end < x ? end : x;
    const ptrdiff_t most = x + (ptrdiff_t)a->padding;
    mg_window w = {(size_t)first, (size_t)(last > first ? last : first), (size_t)step, 0};
    w.count = bordered ? (size_t)((end < most ? end : most) - start) : (w.last - w.first + w.step - 1) / w.step;
    return w;
}

/* Windows first .. last - 1 have place h of x. The dilation must be 1, as it is in avg_pool2d. */
static inline void mg_windows_with(const mg_pool_axis *a, size_t h, size_t *first, size_t *last) {
    if (a->kernel == 0) {
        *first = (h * a->y) / a->x, *last = ((h + 1) * a->y + a->x - 1) / a->x;
        return;
    }
    const size_t at = h + a->padding;
    *first = at < a->kernel ? 0 : (at - a->kernel) / a->stride + 1, *last = at / a->stride + 1;
    if (*last > a->y) *last = a->y;
}

/* What a sum over the window (rows, columns) is divided by. */
static inline double mg_divisor(const mg_pool_args *p, const mg_window *rows, const mg_window *columns) {
    return p->divisor ? (double)p->divisor : (double)rows->count * (double)columns->count;
}

#endif
