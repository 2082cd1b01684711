/* Pools. Equal to pool_naive.c, bit for bit: each element meets the same places in the same order, but a row of windows at
   a time, tap after tap, so that the compiler computes neighbours side by side. */
#ifndef real
#include <math.h>
#include "pool/pool.h"
#include "pool/windows.h"
#include "base/simd.h"

/* A row of windows and a row of places, each of numbers and of counts. */
static size_t pool_scratch(const mg_pool_args *p) {
    return (2 * p->axis[1].y + 2 * p->axis[1].x + 64) * sizeof(double);
}

/* The windows first .. last - 1 of a row of y whose tap u lies in x. Window j's is the place j * stride + *from. */
static void windows_in_reach(const mg_pool_axis *a, size_t u, size_t *first, size_t *last, ptrdiff_t *from) {
    const ptrdiff_t at = (ptrdiff_t)(u * a->dilation) - (ptrdiff_t)a->padding, s = (ptrdiff_t)a->stride;
    const ptrdiff_t before = at < 0 ? (-at + s - 1) / s : 0, room = (ptrdiff_t)a->x - at;
    const ptrdiff_t end = room > 0 ? (room + s - 1) / s : 0;
    *from = at, *first = (size_t)before, *last = (size_t)end < a->y ? (size_t)end : a->y;
}

#define MG_SOURCE "pool/pool.c"
#include "base/mg_both.h"

const mg_pool_table MG_TABLE(pool) = {
    pool_scratch, MG_PAIR(max_pool2d), MG_PAIR(pool_pick), MG_PAIR(pool_put), MG_PAIR(avg_pool2d),
    MG_PAIR(avg_pool2d_grad),
};

#else

/* best = the larger of best and x, n times; x moves by S places. at: where it stands. */
INLINE void FN(larger)(size_t n, const real *x, const size_t S, int32_t place, real *best, int32_t *at) {
    for (size_t j = 0; j < n; j++) {
        const real v = x[j * S];
        const int better = (v > best[j]) | (v != v);
        best[j] = better ? v : best[j];
        at[j] = better ? place + (int32_t)(j * S) : at[j];
    }
}

static void FN(larger_of_row)(const mg_pool_axis *v, size_t row, const real *x, real *best, int32_t *at) {
    for (size_t u = 0; u < v->kernel; u++) {
        size_t first, last;
        ptrdiff_t from;
        windows_in_reach(v, u, &first, &last, &from);
        if (first >= last) continue;
        const size_t column = (size_t)((ptrdiff_t)(first * v->stride) + from);
        const int32_t place = (int32_t)(row * v->x + column);
        if (v->stride == 1) FN(larger)(last - first, x + column, 1, place, best + first, at + first);
        else if (v->stride == 2) FN(larger)(last - first, x + column, 2, place, best + first, at + first);
        else FN(larger)(last - first, x + column, v->stride, place, best + first, at + first);
    }
}

static void FN(max_pool2d)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    int32_t *at = scratch;
    const real *x = (const real *)p->from + first * h->x * v->x;
    real *y = (real *)p->to + first * h->y * v->y;
    int64_t *found = p->found + first * h->y * v->y;
    for (; n > 0; n--, x += h->x * v->x)
        for (size_t i = 0; i < h->y; i++, y += v->y, found += v->y) {
            const mg_window rows = mg_window_of(h, i, 0);
            for (size_t j = 0; j < v->y; j++) {
                y[j] = -INFINITY;
                at[j] = (int32_t)(rows.first * v->x + (j * v->stride < v->padding ? mg_window_of(v, j, 0).first
                                                                                  : j * v->stride - v->padding));
            }
            for (size_t r = rows.first; r < rows.last; r += rows.step)
                FN(larger_of_row)(v, r, x + r * v->x, y, at);
            for (size_t j = 0; j < v->y; j++) found[j] = at[j];
        }
}

static void FN(pool_pick)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const size_t size = p->axis[0].x * p->axis[1].x, places = p->axis[0].y * p->axis[1].y;
    const real *x = (const real *)p->from + first * size;
    const int64_t *index = p->index + first * places;
    real *y = (real *)p->to + first * places;
    for (; n > 0; n--, x += size, index += places, y += places)
        for (size_t q = 0; q < places; q++) y[q] = x[index[q]];
}

static void FN(pool_put)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const size_t size = p->axis[0].x * p->axis[1].x, places = p->axis[0].y * p->axis[1].y;
    const real *y = (const real *)p->from + first * places;
    const int64_t *index = p->index + first * places;
    real *x = (real *)p->to + first * size;
    for (; n > 0; n--, x += size, index += places, y += places) {
        memset(x, 0, size * sizeof(real));
        for (size_t q = 0; q < places; q++) x[index[q]] += y[q];
    }
}

/* sum += x, n times; x moves by S places. */
INLINE void FN(add_taps)(size_t n, const real *x, const size_t S, double *sum) {
    for (size_t j = 0; j < n; j++) sum[j] += (double)x[j * S];
}

static void FN(add_row)(const mg_pool_axis *v, const real *x, double *sum) {
    if (v->kernel == 0) {
        for (size_t j = 0; j < v->y; j++) {
            const mg_window w = mg_window_of(v, j, 0);
            for (size_t c = w.first; c < w.last; c++) sum[j] += (double)x[c];
        }
        return;
    }
    for (size_t u = 0; u < v->kernel; u++) {
        size_t first, last;
        ptrdiff_t from;
        windows_in_reach(v, u, &first, &last, &from);
        if (first >= last) continue;
        const real *begin = x + (ptrdiff_t)(first * v->stride) + from;
        if (v->stride == 1) FN(add_taps)(last - first, begin, 1, sum + first);
        else if (v->stride == 2) FN(add_taps)(last - first, begin, 2, sum + first);
        else FN(add_taps)(last - first, begin, v->stride, sum + first);
    }
}

/* By what each window of the row i of y is divided. */
static void FN(divisors)(const mg_pool_args *p, size_t i, double *to) {
    const mg_window rows = mg_window_of(&p->axis[0], i, p->bordered);
    for (size_t j = 0; j < p->axis[1].y; j++) {
        const mg_window columns = mg_window_of(&p->axis[1], j, p->bordered);
        to[j] = mg_divisor(p, &rows, &columns);
    }
}

static void FN(avg_pool2d)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    double *sum = scratch, *divisor = sum + v->y;
    for (size_t i = 0; i < h->y; i++) {     /* all planes divide the same row alike */
        const mg_window rows = mg_window_of(h, i, p->bordered);
        FN(divisors)(p, i, divisor);
        for (size_t plane = first; plane < first + n; plane++) {
            const real *x = (const real *)p->from + plane * h->x * v->x;
            real *y = (real *)p->to + (plane * h->y + i) * v->y;
            memset(sum, 0, v->y * sizeof(double));
            for (size_t r = rows.first; r < rows.last; r++) FN(add_row)(v, x + r * v->x, sum);
            for (size_t j = 0; j < v->y; j++) y[j] = (real)(sum[j] / divisor[j]);
        }
    }
}

/* sum += what the row of windows `share` gives to each place. Windows come in order for each place: the last tap first. */
static void FN(spread_row)(const mg_pool_axis *v, const double *share, double *sum) {
    if (v->kernel == 0) {
        for (size_t j = 0; j < v->y; j++) {
            const mg_window w = mg_window_of(v, j, 0);
            for (size_t c = w.first; c < w.last; c++) sum[c] += share[j];
        }
        return;
    }
    for (size_t u = v->kernel; u-- > 0;) {
        size_t first, last;
        ptrdiff_t from;
        windows_in_reach(v, u, &first, &last, &from);
        if (first >= last) continue;
        double *to = sum + ((ptrdiff_t)(first * v->stride) + from);
        if (v->stride == 2)
            for (size_t j = 0; j < last - first; j++) to[2 * j] += share[first + j];
        else
            for (size_t j = 0; j < last - first; j++) to[j * v->stride] += share[first + j];
    }
}

static void FN(avg_pool2d_grad)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    double *sum = scratch, *share = sum + v->x, *divisor = share + v->y;
    for (size_t r = 0; r < h->x; r++) {
        size_t top, bottom;
        mg_windows_with(h, r, &top, &bottom);
        for (size_t plane = first; plane < first + n; plane++) {
            real *x = (real *)p->to + (plane * h->x + r) * v->x;
            memset(sum, 0, v->x * sizeof(double));
            for (size_t i = top; i < bottom; i++) {
                const real *y = (const real *)p->from + (plane * h->y + i) * v->y;
                if (i != top || bottom - top > 1 || plane == first) FN(divisors)(p, i, divisor);
                for (size_t j = 0; j < v->y; j++) share[j] = (double)y[j] / divisor[j];
                FN(spread_row)(v, share, sum);
            }
            for (size_t c = 0; c < v->x; c++) x[c] = (real)sum[c];
        }
    }
}

#endif
