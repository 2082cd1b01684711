/* Reductions of rows and columns. Equal to reduce_naive.c, bit for bit.

   Rows are summed in the flat order of sums.h. A column of m elements has another order, because memory is read row by
   row:
     a chunk is 32 rows (the last may be shorter), one chain of additions in float64 from +0, from the top down;
     the chunks are added pairwise, as in sums.h. This order depends on m alone.
   A minimum is computed as the maximum of the elements that `up` has negated, which is exact. */
#ifndef real
#include "reduce/reduce.h"
#include "base/simd.h"
#define MG_SOURCE "reduce/reduce.c"
enum { column_chunk = 32, panel = 256, depth = 40 }; /* 2^40 chunks of 32 rows do not fit into memory */
#include "base/mg_both.h"

const mg_reduce_table MG_TABLE(reduce) = {
    .sum_flat = {mg_sum_flat_of_f32, mg_sum_flat_of_f64},
    .sum_rows = {mg_sum_rows_f32, mg_sum_rows_f64},
    .max_rows = {mg_max_rows_f32, mg_max_rows_f64},
    .min_rows = {mg_min_rows_f32, mg_min_rows_f64},
    .sum_columns = {mg_sum_columns_f32, mg_sum_columns_f64},
    .max_columns = {mg_max_columns_f32, mg_max_columns_f64},
    .min_columns = {mg_min_columns_f32, mg_min_columns_f64},
    .max_grad = {mg_max_grad_f32, mg_max_grad_f64},
};

#else
#include "base/sums.h"

static double FN(sum_flat_of)(const mg_reduce_args *p, size_t first, size_t n) {
    return FN(sum_flat)(n, (const real *)p->x + first);
}

/* out[i] = sum of row i / divisor. */
static void FN(sum_rows)(const mg_reduce_args *p, size_t first, size_t rows) {
    const real *x = (const real *)p->x + first * p->n;
    real *out = (real *)p->out + first;
    for (size_t i = 0; i < rows; i++, x += p->n) out[i] = (real)(FN(sum_flat)(p->n, x) / p->divisor);
}

/* Sums one chunk of `vectors` vectors of columns, of which the last has `part` columns, and adds the sums to the tree:
   waiting + i * panel is the i-th of the subtrees of earlier chunks that have no partner yet, the largest first. */
INLINE void FN(add_chunk)(size_t chunk, size_t rows, size_t stride, const real *x, int vectors, size_t part,
                          double *waiting) {
    vf64 sum[8] = {{0}};
    for (size_t r = 0; r < rows; r++, x += stride) {
        const real *last = x + (vectors - 1) * MG_W64;
        UNROLL for (int j = 0; j < vectors - 1; j++) sum[j] = FN(add64)(sum[j], FN(load64)(x + j * MG_W64));
        sum[vectors - 1] = FN(add64)(sum[vectors - 1], part == MG_W64 ? FN(load64)(last) : FN(load64_part)(last, part));
    }
    double *top = waiting + (size_t)__builtin_popcountll(chunk) * panel; /* there is one subtree for every set bit */
    for (size_t c = chunk; c & 1; c >>= 1) {
        top -= panel;
        UNROLL for (int j = 0; j < vectors; j++) sum[j] = vf64_load(top + j * MG_W64) + sum[j];
    }
    UNROLL for (int j = 0; j < vectors; j++) vf64_store(top + j * MG_W64, sum[j]);
}

/* out[j] = sum of column j / divisor, for up to `panel` columns. */
static void FN(sum_panel)(size_t m, size_t stride, size_t columns, const real *x, double divisor, real *out) {
    double waiting[depth * panel];
    size_t chunks = 0;
    for (size_t r = 0; r < m; r += column_chunk, x += column_chunk * stride, chunks++) {
        const size_t rows = m - r < column_chunk ? m - r : column_chunk;
        for (size_t j = 0; j < columns;) {
            const size_t left = (columns - j + MG_W64 - 1) / MG_W64, vectors = left >= 8 ? 8 : left >= 2 ? 2 : 1;
            const size_t end = j + vectors * MG_W64, part = MG_W64 - (end > columns ? end - columns : 0);
            if (vectors == 8) FN(add_chunk)(chunks, rows, stride, x + j, 8, part, waiting + j);
            else if (vectors == 2) FN(add_chunk)(chunks, rows, stride, x + j, 2, part, waiting + j);
            else FN(add_chunk)(chunks, rows, stride, x + j, 1, part, waiting + j);
            j = end;
        }
    }
    for (size_t j = 0; j < columns; j += MG_W64) {
        const double *top = waiting + (size_t)__builtin_popcountll(chunks) * panel + j;
        vf64 sum = {0};
        if (chunks > 0) sum = vf64_load(top -= panel);
        while (top >= waiting + panel) sum = vf64_load(top -= panel) + sum;
        FN(store64_part)(out + j, columns - j < MG_W64 ? columns - j : MG_W64, sum / vf64_set1(divisor));
    }
}

/* out[j] = sum of column j / divisor. */
static void FN(sum_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t columns) {
    const real *x = (const real *)p->x + slice * p->n * p->inner + first;
    real *out = (real *)p->out + slice * p->inner + first;
    for (size_t j = 0; j < columns; j += panel)
        FN(sum_panel)(p->n, p->inner, columns - j < panel ? columns - j : panel, x + j, p->divisor, out + j);
}

INLINE real FN(up)(const int least, real x) { return least ? -x : x; }
INLINE vec V(up)(const int least, vec x) { return least ? -x : x; }

/* Where the largest (the smallest, if least) of W <= n <= 65536 elements first occurs. If there are NaN, the first of
   them. */
INLINE size_t FN(argmax_chunk)(const int least, size_t n, const real *x) {
    const vec step = V(set1)(2 * W);
    vec best[2], at[2] = {{0}}, now[2] = {{0}, V(set1)(W)}, nan = {0}; /* places, exact as reals */
    best[0] = best[1] = V(up)(least, V(load)(x));
    for (size_t i = 0; i < n; i += 2 * W) {
        UNROLL for (int j = 0; j < 2; j++) {
            const size_t start = i + j * W;
            const int inside = start + W <= n; /* the last vector overlaps the one before it */
            const vec v = V(up)(least, V(load)(x + (inside ? start : n - W)));
            const vec place = inside ? now[j] : V(set1)((real)(n - W));
            const mask better = V(lt)(best[j], v);
            best[j] = V(select)(better, v, best[j]);
            at[j] = V(select)(better, place, at[j]);
            nan = V(select)(V(eq)(v, v), nan, v);
            now[j] += step;
        }
    }
    real found[W], places[W];
    size_t first = 0;
    UNROLL for (int j = 0; j < 2; j++) {
        V(store)(found, best[j]);
        V(store)(places, at[j]);
        for (size_t l = 0; l < W; l++) {
            const size_t place = (size_t)places[l] + l;
            const real top = FN(up)(least, x[first]);
            if (found[l] > top || (found[l] == top && place < first)) first = place;
        }
    }
    V(store)(found, nan);
    for (size_t l = 0; l < W; l++) {
        if (found[l] != found[l]) {
            for (first = 0; x[first] == x[first];) first++;
            break;
        }
    }
    return first;
}

/* Where the largest of n elements first occurs. */
INLINE size_t FN(argmax)(const int least, size_t n, const real *x) {
    size_t first = 0;
    if (n < W) {
        for (size_t i = 1; i < n && x[first] == x[first]; i++) {
            first = FN(up)(least, x[i]) <= FN(up)(least, x[first]) ? first : i;
        }
        return first;
    }
    for (size_t i = 0; i < n && x[first] == x[first]; i += 65536) {
        const size_t start = n - i < W ? n - W : i, end = n - i < 65536 ? n : i + 65536;
        const size_t place = start + FN(argmax_chunk)(least, end - start, x + start);
        if (!(FN(up)(least, x[place]) <= FN(up)(least, x[first]))) first = place;
    }
    return first;
}

/* out[i] = largest of row i, index[i] = where it first occurs. */
INLINE void FN(extreme_rows)(const int least, const mg_reduce_args *p, size_t first, size_t rows) {
    const size_t n = p->n;
    const real *x = (const real *)p->x + first * n;
    real *out = (real *)p->out + first;
    int64_t *index = p->index + first;
    for (size_t i = 0; i < rows; i++, x += n) {
        const size_t at = FN(argmax)(least, n, x);
        out[i] = x[at];
        index[i] = (int64_t)at;
    }
}

/* out[j] = largest of column j, index[j] = where it first occurs. 64 rows are taken at a time, so that memory is read
   in order. */
INLINE void FN(extreme_columns)(const int least, const mg_reduce_args *p, size_t slice, size_t first, size_t columns) {
    const size_t m = p->n, stride = p->inner, to = slice * stride + first;
    const real *x = (const real *)p->x + slice * m * stride + first;
    real *out = (real *)p->out + to;
    int64_t *index = p->index + to;
    for (size_t top = 0; top < m; top += 64) {
        const size_t bottom = m - top < 64 ? m : top + 64;
        for (size_t j = 0; j < columns; j += W) {
            const size_t part = columns - j < W ? columns - j : W;
            vec best = V(up)(least, V(load_part)(x + top * stride + j, part)), at = {0}; /* rows, exact as reals */
            for (size_t r = top + 1; r < bottom; r++) {
                const vec v = V(up)(least, V(load_part)(x + r * stride + j, part));
                const mask better = V(lt)(best, v) | (~V(eq)(v, v) & V(eq)(best, best));
                best = V(select)(better, v, best);
                at = V(select)(better, V(set1)((real)(r - top)), at);
            }
            real largest[W], row[W];
            V(store)(largest, best);
            V(store)(row, at);
            for (size_t l = 0; l < part; l++) {
                const real before = FN(up)(least, out[j + l]), now = largest[l];
                if (top == 0 || now > before || (now != now && before == before)) {
                    out[j + l] = FN(up)(least, now);
                    index[j + l] = (int64_t)top + (int64_t)row[l];
                }
            }
        }
    }
}

static void FN(max_rows)(const mg_reduce_args *p, size_t first, size_t n) { FN(extreme_rows)(0, p, first, n); }
static void FN(min_rows)(const mg_reduce_args *p, size_t first, size_t n) { FN(extreme_rows)(1, p, first, n); }
static void FN(max_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t n) {
    FN(extreme_columns)(0, p, slice, first, n);
}
static void FN(min_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t n) {
    FN(extreme_columns)(1, p, slice, first, n);
}

/* out = 0 but for out[o, index[o, j], j] = g[o, j]. */
static void FN(max_grad)(const mg_max_grad_args *p, size_t first, size_t outer) {
    const size_t n = p->n, inner = p->inner;
    const real *g = (const real *)p->g + first * inner;
    const int64_t *index = p->index + first * inner;
    real *out = (real *)p->out + first * inner * n;
    memset(out, 0, outer * n * inner * sizeof *out);
    for (size_t o = 0; o < outer; o++, out += n * inner, g += inner, index += inner) {
        for (size_t j = 0; j < inner; j++) out[(size_t)index[j] * inner + j] = g[j];
    }
}

#endif
