/* The plain meaning of pool.c: one element at a time. Variant `naive`.
   Sums add the places of a window, or the windows of a place, by rows, in float64, and are rounded once. */
#ifndef real
#include <math.h>
#include "pool/pool.h"
#include "pool/windows.h"
#include "base/variants.h"

static size_t pool_scratch(const mg_pool_args *p) {
    (void)p;
    return 0;
}

static int pool_outside(const int64_t *index, size_t n, size_t size) {
    for (size_t q = 0; q < n; q++)
        if (index[q] < 0 || (uint64_t)index[q] >= size) return 1;
    return 0;
}

#define MG_SOURCE "pool/pool_naive.c"
#include "base/mg_both.h"

const mg_pool_table MG_TABLE(pool) = {
    .pool_scratch = pool_scratch,
    .pool_outside = pool_outside,
    .max_pool2d = {mg_max_pool2d_f32, mg_max_pool2d_f64},
    .pool_pick = {mg_pool_pick_f32, mg_pool_pick_f64},
    .pool_put = {mg_pool_put_f32, mg_pool_put_f64},
    .avg_pool2d = {mg_avg_pool2d_f32, mg_avg_pool2d_f64},
    .avg_pool2d_grad = {mg_avg_pool2d_grad_f32, mg_avg_pool2d_grad_f64},
};

#else

static void FN(max_pool2d)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    for (size_t q = first * h->y * v->y; q < (first + n) * h->y * v->y; q++) {
        const real *x = (const real *)p->from + q / (h->y * v->y) * h->x * v->x;
        const mg_window rows = mg_window_of(h, q / v->y % h->y, 0), columns = mg_window_of(v, q % v->y, 0);
        real best = -INFINITY;
        size_t at = rows.first * v->x + columns.first;
        for (size_t i = rows.first; i < rows.last; i += rows.step)
            for (size_t j = columns.first; j < columns.last; j += columns.step)
                if (x[i * v->x + j] > best || isnan(x[i * v->x + j])) best = x[i * v->x + j], at = i * v->x + j;
        ((real *)p->to)[q] = best;
        p->found[q] = (int64_t)at;
    }
}

static void FN(pool_pick)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const size_t x = p->axis[0].x * p->axis[1].x, y = p->axis[0].y * p->axis[1].y;
    for (size_t q = first * y; q < (first + n) * y; q++)
        ((real *)p->to)[q] = ((const real *)p->from)[q / y * x + (size_t)p->index[q]];
}

static void FN(pool_put)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const size_t x = p->axis[0].x * p->axis[1].x, y = p->axis[0].y * p->axis[1].y;
    real *to = p->to;
    for (size_t i = first * x; i < (first + n) * x; i++) to[i] = 0;
    for (size_t q = first * y; q < (first + n) * y; q++) to[q / y * x + (size_t)p->index[q]] += ((const real *)p->from)[q];
}

static void FN(avg_pool2d)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    for (size_t q = first * h->y * v->y; q < (first + n) * h->y * v->y; q++) {
        const real *x = (const real *)p->from + q / (h->y * v->y) * h->x * v->x;
        const mg_window rows = mg_window_of(h, q / v->y % h->y, p->bordered);
        const mg_window columns = mg_window_of(v, q % v->y, p->bordered);
        double sum = 0;
        for (size_t i = rows.first; i < rows.last; i++)
            for (size_t j = columns.first; j < columns.last; j++) sum += (double)x[i * v->x + j];
        ((real *)p->to)[q] = (real)(sum / mg_divisor(p, &rows, &columns));
    }
}

static void FN(avg_pool2d_grad)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    for (size_t q = first * h->x * v->x; q < (first + n) * h->x * v->x; q++) {
        const real *y = (const real *)p->from + q / (h->x * v->x) * h->y * v->y;
        const size_t row = q / v->x % h->x, column = q % v->x;
        double sum = 0;
        for (size_t i = 0; i < h->y; i++)
            for (size_t j = 0; j < v->y; j++) {
                const mg_window rows = mg_window_of(h, i, p->bordered), columns = mg_window_of(v, j, p->bordered);
                if (row >= rows.first && row < rows.last && column >= columns.first && column < columns.last)
                    sum += (double)y[i * v->y + j] / mg_divisor(p, &rows, &columns);
            }
        ((real *)p->to)[q] = (real)sum;
    }
}

#endif
