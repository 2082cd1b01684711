/* Bags of rows of a table. Equal to embedding_bag_naive.c, bit for bit.

   A sum is a chain in float64 in the order of the entries, rounded once; a bag of one entry without a factor is a copy.
   The gradient adds in x's precision, in the order of the entries. */
#ifndef real
#include <string.h>
#include "layers/embedding_bag.h"
#include "base/simd.h"
#define MG_SOURCE "layers/embedding_bag.c"
#include "base/mg_both.h"

const mg_embedding_bag_table MG_TABLE(embedding_bag) = {
    .embedding_bag = {mg_embedding_bag_f32, mg_embedding_bag_f64},
    .embedding_bag_grad = {mg_embedding_bag_grad_f32, mg_embedding_bag_grad_f64},
    .embedding_bag_dots = {mg_embedding_bag_dots_f32, mg_embedding_bag_dots_f64},
};

#else
#include "base/sums.h"

/* Sums entries start .. end, for `vectors` vectors of columns from j on, of which the last has `part` columns, and
   divides by count if it is not 0. */
INLINE void FN(sum_block)(const mg_embedding_bag_args *p, size_t start, size_t end, double count, size_t j, int vectors,
                          size_t part, real *out) {
    const real *weight = (const real *)p->weight + j, *scale = p->scale;
    vf64 sum[8] = {{0}};
    for (size_t i = start; i < end; i++) {
        if (p->index[i] == p->skip) continue;
        const real *row = weight + (size_t)p->index[i] * p->width;
        const vf64 factor = vf64_set1(scale ? scale[i] : 1);
        UNROLL for (int v = 0; v < vectors; v++) {
            const real *from = row + v * MG_W64;
            const vf64 x = v < vectors - 1 || part == MG_W64 ? FN(load64)(from) : FN(load64_part)(from, part);
            sum[v] = vf64_fma(factor, x, sum[v]);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        const vf64 y = count > 0 ? sum[v] / vf64_set1(count) : sum[v];
        FN(store64_part)(out + j + v * MG_W64, v < vectors - 1 ? MG_W64 : part, y);
    }
}

static void FN(sum_bag)(const mg_embedding_bag_args *p, size_t start, size_t end, double count, real *out) {
    for (size_t j = 0; j < p->width;) {
        const size_t left = (p->width - j + MG_W64 - 1) / MG_W64, vectors = left >= 8 ? 8 : left >= 2 ? 2 : 1;
        const size_t last = j + vectors * MG_W64, part = MG_W64 - (last > p->width ? last - p->width : 0);
        if (vectors == 8) FN(sum_block)(p, start, end, count, j, 8, part, out);
        else if (vectors == 2) FN(sum_block)(p, start, end, count, j, 2, part, out);
        else FN(sum_block)(p, start, end, count, j, 1, part, out);
        j = last;
    }
}

static void FN(largest_of)(const mg_embedding_bag_args *p, size_t start, size_t end, real *out, int64_t *from) {
    const size_t width = p->width;
    for (size_t j = 0; j < width; j++) out[j] = 0, from[j] = -1;
    for (size_t i = start; i < end; i++) {
        if (p->index[i] == p->skip) continue;
        const real *row = (const real *)p->weight + (size_t)p->index[i] * width;
        for (size_t j = 0; j < width; j++) {
            if (from[j] < 0 || row[j] > out[j] || (row[j] != row[j] && out[j] == out[j]))
                out[j] = row[j], from[j] = p->index[i];
        }
    }
}

/* How many entries of a bag are not skipped. */
INLINE size_t FN(counted)(const mg_embedding_bag_args *p, size_t start, size_t end) {
    size_t count = 0;
    for (size_t i = start; i < end; i++) count += p->index[i] != p->skip;
    return count;
}

/* out = 0 + x, as in any sum of one number: -0 becomes +0. */
INLINE void FN(copy_row)(size_t n, const real *x, real *out) {
    const vec zero = {0};
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, V(load)(x + i) + zero);
    if (i < n) V(store_part)(out + i, n - i, V(load_part)(x + i, n - i) + zero);
}

static void FN(embedding_bag)(const mg_embedding_bag_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    size_t start = mg_bag_start(p, first);
    for (size_t bag = first; bag < first + n; bag++) {
        const size_t end = mg_bag_start(p, bag + 1);
        real *out = (real *)p->out + bag * width;
        if (p->mode == MG_BAG_MAX) FN(largest_of)(p, start, end, out, p->largest + bag * width);
        else if (end == start + 1 && !p->scale && p->index[start] != p->skip) {
            FN(copy_row)(width, (const real *)p->weight + (size_t)p->index[start] * width, out);
        } else {
            FN(sum_bag)(p, start, end, p->mode == MG_BAG_MEAN ? (double)FN(counted)(p, start, end) : 0, out);
        }
        start = end;
    }
}

/* out += scale g for n numbers. */
INLINE void FN(add_row)(size_t n, const real *g, real scale, real *out) {
    const vec factor = V(set1)(scale);
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, V(fma)(factor, V(load)(g + i), V(load)(out + i)));
    if (i < n) V(store_part)(out + i, n - i, V(fma)(factor, V(load_part)(g + i, n - i), V(load_part)(out + i, n - i)));
}

/* The gradient of a mean: each entry gets g / count, rounded. */
INLINE void FN(add_share)(size_t n, const real *g, real count, real *out) {
    const vec divisor = V(set1)(count);
    size_t i = 0;
    for (; i + W <= n; i += W) V(store)(out + i, V(load)(out + i) + V(load)(g + i) / divisor);
    if (i < n) V(store_part)(out + i, n - i, V(load_part)(out + i, n - i) + V(load_part)(g + i, n - i) / divisor);
}

static void FN(embedding_bag_grad)(const mg_embedding_bag_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    const real *scale = p->scale;
    real *out = (real *)p->out + first;
    if (n == width) memset(out, 0, p->entries * width * sizeof *out);
    else
        for (size_t e = 0; e < p->entries; e++) memset(out + e * width, 0, n * sizeof *out);
    size_t start = 0;
    for (size_t bag = 0; bag < p->bags; bag++) {
        const size_t end = mg_bag_start(p, bag + 1);
        const real *g = (const real *)p->g + bag * width + first;
        if (p->mode == MG_BAG_MAX) {
            const int64_t *from = p->largest + bag * width + first;
            for (size_t j = 0; j < n; j++)
                if (from[j] >= 0) out[(size_t)from[j] * width + j] += g[j];
        } else {
            const real count = p->mode == MG_BAG_MEAN ? (real)FN(counted)(p, start, end) : 1;
            for (size_t i = start; i < end; i++) {
                if (p->index[i] == p->skip) continue;
                real *to = out + (size_t)p->index[i] * width;
                if (p->mode == MG_BAG_MEAN) FN(add_share)(n, g, count, to);
                else FN(add_row)(n, g, scale ? scale[i] : 1, to);
            }
        }
        start = end;
    }
}

static void FN(embedding_bag_dots)(const mg_embedding_bag_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    const real *weight = p->weight;
    size_t i = mg_bag_start(p, first);
    for (size_t bag = first; bag < first + n; bag++) {
        const real *g = (const real *)p->g + bag * width;
        for (const size_t end = mg_bag_start(p, bag + 1); i < end; i++) {
            const real *row = weight + (size_t)p->index[i] * width;
            ((real *)p->out)[i] = p->index[i] == p->skip ? 0 : (real)FN(sum_products)(width, g, row);
        }
    }
}

#endif
