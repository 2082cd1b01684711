/* Pools. Equal to pool_naive.c, bit for bit, because each element reads the same places in the same order. A row of
   windows is computed at a time, tap after tap, so that compilers compute neighbouring windows in one vector. */
#ifndef real
#include <math.h>
#include "pool/pool.h"
#include "pool/windows.h"
#include "base/simd.h"

enum { ROOM = MG_BYTES / sizeof(float) };   /* numbers behind each row, because loops go by whole vectors */

/* A row of x with its padding, sorted by place mod stride: place q, counted from the first place of the first window,
   is number q / stride of part q % stride. So the numbers that tap t reads for neighbouring windows are side by side,
   from at[t] on. */
typedef struct {
    size_t part, stride, taps;              /* part: numbers of a part */
    size_t *at;
    double *row, *sum, *share, *divisor;    /* scratch: of the parts; of a row of windows, twice; of all windows */
} dealt_row;

/* Divides scratch among the arrays; returns how many bytes they take. */
static size_t deal(const mg_pool_args *p, dealt_row *d, char *memory) {
    const mg_pool_axis *v = &p->axis[1];
    const size_t reach = v->y ? (v->y - 1) * v->stride + (v->kernel ? v->kernel - 1 : 0) * v->dilation + 1 : 0;
    d->stride = v->stride, d->taps = v->kernel, d->part = reach / v->stride + 1 + ROOM;
    const size_t row = v->kernel ? d->part * v->stride : v->x, windows = v->y + ROOM;
    d->row = (double *)memory, d->sum = d->row + row + ROOM, d->share = d->sum + windows;
    const size_t divisors = p->axis[0].y * v->y + ROOM;
    d->divisor = d->share + windows, d->at = (size_t *)(d->divisor + divisors);
    return (row + ROOM + 2 * windows + divisors) * sizeof(double) + (v->kernel + 1) * sizeof(size_t);
}

static size_t pool_scratch(const mg_pool_args *p) {
    dealt_row d;
    return deal(p, &d, NULL);
}

static dealt_row dealt(const mg_pool_args *p, void *scratch) {
    dealt_row d;
    deal(p, &d, scratch);
    for (size_t t = 0; t < d.taps; t++) {
        const size_t q = t * p->axis[1].dilation;
        d.at[t] = q % d.stride * d.part + q / d.stride;
    }
    return d;
}

/* Whether one of n numbers is outside of [0, size), by the sign bits of the number and of size - 1 - number: without a
   branch, so that compilers use vectors. */
static int pool_outside(const int64_t *index, size_t n, size_t size) {
    uint64_t signs = 0;
    for (size_t q = 0; q < n; q++) signs |= (uint64_t)index[q] | ((uint64_t)size - 1 - (uint64_t)index[q]);
    return signs >> 63;
}

#define MG_SOURCE "pool/pool.c"
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

/* Sets all of a dealt row to `fill`, which remains in the padding and in the room behind the row. */
static void FN(clear_row)(const dealt_row *d, real fill) {
    real *to = (real *)d->row;
    for (size_t i = 0; i < d->part * d->stride; i++) to[i] = fill;
}

/* Writes a row of x to a dealt row. */
static void FN(deal_row)(const mg_pool_axis *v, const dealt_row *d, const real *restrict x) {
    real *restrict to = (real *)d->row;
    for (size_t rest = 0; rest < d->stride; rest++, to += d->part) {
        const size_t before = v->padding > rest ? (v->padding - rest + d->stride - 1) / d->stride : 0;
        const size_t column = before * d->stride + rest - v->padding;
        size_t n = v->x > column ? (v->x - column + d->stride - 1) / d->stride : 0;
        if (n + before > d->part) n = d->part > before ? d->part - before : 0;
        if (d->stride == 1) memcpy(to + before, x + column, n * sizeof(real));
        else if (d->stride == 2) for (size_t j = 0; j < n; j++) to[before + j] = x[column + 2 * j];
        else for (size_t j = 0; j < n; j++) to[before + j] = x[column + j * d->stride];
    }
}

/* best = the largest of best and of the numbers that the taps read in a row, for n windows; a NaN is the largest. at =
   its place, as the bits of a vector. place: that of the first padding of the row. If `fresh`, this is the first row of
   the windows, and best starts from -inf at place start + starts[j]. */
INLINE void FN(larger_of_row)(const mg_pool_axis *v, const dealt_row *d, size_t n, uvec steps, ubits place, int fresh,
                              ubits start, real *best, real *at) {
    for (size_t j = 0; j < n; j += W) {
        vec most = V(set1)(-INFINITY), where = V(load)((const real *)d->divisor + j);
        if (fresh) where = (vec)((uvec)where + start);
        else most = V(load)(best + j), where = V(load)(at + j);
        for (size_t t = 0; t < d->taps; t++) {
            const vec x = V(load)((const real *)d->row + d->at[t] + j);
            const vec here = (vec)(steps + (ubits)(place + (ubits)(j * d->stride + t * v->dilation)));
            const mask more = V(lt)(most, x), none = V(ne)(x, x);
            most = V(select)(none, x, V(select)(more, x, most));
            where = V(select)(none, here, V(select)(more, here, where));
        }
        V(store)(best + j, most);
        V(store)(at + j, where);
    }
}

static void FN(max_pool2d)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    const dealt_row d = dealt(p, scratch);
    real *best = (real *)d.sum, *at = (real *)d.share;
    const real *x = (const real *)p->from + first * h->x * v->x;
    real *y = (real *)p->to + first * h->y * v->y;
    int64_t *found = p->found + first * h->y * v->y;
    ubits *starts = (ubits *)d.divisor, step[W];    /* starts: the first column of each window */
    for (size_t j = 0; j < v->y + W; j++) starts[j] = j < v->y ? (ubits)mg_window_of(v, j, 0).first : 0;
    for (size_t j = 0; j < W; j++) step[j] = (ubits)(j * d.stride);
    uvec steps;
    memcpy(&steps, step, sizeof steps);
    FN(clear_row)(&d, -INFINITY);
    for (; n > 0; n--, x += h->x * v->x)
        for (size_t i = 0; i < h->y; i++, y += v->y, found += v->y) {
            const mg_window rows = mg_window_of(h, i, 0);
            for (size_t r = rows.first; r < rows.last; r += rows.step) {
                const ubits place = (ubits)(r * v->x) - (ubits)v->padding;
                FN(deal_row)(v, &d, x + r * v->x);
                FN(larger_of_row)(v, &d, v->y, steps, place, r == rows.first, (ubits)(rows.first * v->x), best, at);
            }
            memcpy(y, best, v->y * sizeof(real));
            for (size_t j = 0; j < v->y; j++) {
                ubits where;
                memcpy(&where, at + j, sizeof where);
                found[j] = (int64_t)where;
            }
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

/* sum += the numbers that the taps read in row x, for all windows of a row. */
static void FN(add_row)(const mg_pool_axis *v, const dealt_row *d, const real *x) {
    double *sum = d->sum;
    if (v->kernel == 0) {
        for (size_t j = 0; j < v->y; j++) {
            const mg_window w = mg_window_of(v, j, 0);
            for (size_t c = w.first; c < w.last; c++) sum[j] += (double)x[c];
        }
        return;
    }
    const real *row = (const real *)d->row;
    FN(deal_row)(v, d, x);
    for (size_t j = 0; j < v->y; j += MG_W64) {
        vf64 s = vf64_load(sum + j);
        for (size_t t = 0; t < d->taps; t++) s += V(load_wide)(row + d->at[t] + j);
        vf64_store(sum + j, s);
    }
}

/* The divisor of each window of a plane. */
static void FN(divisors)(const mg_pool_args *p, double *to) {
    for (size_t i = 0; i < p->axis[0].y; i++)
        for (size_t j = 0; j < p->axis[1].y; j++) {
            const mg_window rows = mg_window_of(&p->axis[0], i, p->bordered);
            const mg_window columns = mg_window_of(&p->axis[1], j, p->bordered);
            *to++ = mg_divisor(p, &rows, &columns);
        }
}

static void FN(avg_pool2d)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    const dealt_row d = dealt(p, scratch);
    if (v->kernel) FN(clear_row)(&d, 0);    /* adding +0 does not change a sum that starts from +0 */
    FN(divisors)(p, d.divisor);
    for (size_t plane = first; plane < first + n; plane++)
        for (size_t i = 0; i < h->y; i++) {
            const real *x = (const real *)p->from + plane * h->x * v->x;
            real *y = (real *)p->to + (plane * h->y + i) * v->y;
            const double *divisor = d.divisor + i * v->y;
            const mg_window rows = mg_window_of(h, i, p->bordered);
            memset(d.sum, 0, (v->y + ROOM) * sizeof(double));
            for (size_t r = rows.first; r < rows.last; r++) FN(add_row)(v, &d, x + r * v->x);
            for (size_t j = 0; j < v->y; j++) y[j] = (real)(d.sum[j] / divisor[j]);
        }
}

/* Adds the `share` of each window of a row to the places of that window. The last tap goes first, so that each place
   adds its windows in rising order. */
static void FN(spread_row)(const mg_pool_axis *v, const dealt_row *d) {
    if (v->kernel == 0) {
        for (size_t j = 0; j < v->y; j++) {
            const mg_window w = mg_window_of(v, j, 0);
            for (size_t c = w.first; c < w.last; c++) d->row[c] += d->share[j];
        }
        return;
    }
    for (size_t t = d->taps; t-- > 0;) {
        double *restrict to = d->row + d->at[t];
        const double *restrict share = d->share;
        for (size_t j = 0; j < v->y; j++) to[j] += share[j];
    }
}

static void FN(avg_pool2d_grad)(const mg_pool_args *p, size_t first, size_t n, void *scratch) {
    const mg_pool_axis *h = &p->axis[0], *v = &p->axis[1];
    const dealt_row d = dealt(p, scratch);
    const size_t numbers = v->kernel ? d.part * d.stride : v->x;
    FN(divisors)(p, d.divisor);
    for (size_t plane = first; plane < first + n; plane++)
        for (size_t r = 0; r < h->x; r++) {
            size_t top, bottom;
            real *restrict x = (real *)p->to + (plane * h->x + r) * v->x;
            mg_windows_with(h, r, &top, &bottom);
            memset(d.row, 0, numbers * sizeof(double));
            for (size_t i = top; i < bottom; i++) {
                const real *y = (const real *)p->from + (plane * h->y + i) * v->y;
                const double *restrict divisor = d.divisor + i * v->y;
                double *restrict share = d.share;
                for (size_t j = 0; j < v->y; j++) share[j] = (double)y[j] / divisor[j];
                FN(spread_row)(v, &d);
            }
            if (v->kernel == 0)
                for (size_t c = 0; c < v->x; c++) x[c] = (real)d.row[c];
            else
                for (size_t rest = 0; rest < d.stride; rest++) {
                    const size_t before = v->padding > rest ? (v->padding - rest + d.stride - 1) / d.stride : 0;
                    const double *from = d.row + rest * d.part + before;
                    for (size_t c = before * d.stride + rest - v->padding, k = 0; c < v->x; c += d.stride, k++)
                        x[c] = k + before < d.part ? (real)from[k] : 0;
                }
        }
}

#endif
