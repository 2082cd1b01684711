/* The plain meaning of embedding_bag.c: one number at a time. Variant `naive`. */
#ifndef real
#include <string.h>
#include "layers/embedding_bag.h"
#define MG_SOURCE "layers/embedding_bag_naive.c"
#include "base/mg_both.h"

const mg_embedding_bag_table MG_TABLE(embedding_bag) = {
    .embedding_bag = {mg_embedding_bag_f32, mg_embedding_bag_f64},
    .embedding_bag_grad = {mg_embedding_bag_grad_f32, mg_embedding_bag_grad_f64},
    .embedding_bag_dots = {mg_embedding_bag_dots_f32, mg_embedding_bag_dots_f64},
};

#else
#include "base/sums_naive.h"

/* Column j of one bag: a chain in float64 in the order of the entries, rounded once; or the first largest, or NaN. */
static void FN(bag_column)(const mg_embedding_bag_args *p, size_t bag, size_t j) {
    const real *weight = p->weight, *scale = p->scale;
    const size_t end = mg_bag_start(p, bag + 1), at = bag * p->width + j;
    real *out = (real *)p->out + at, top = 0;
    int64_t from = -1;
    double sum = 0, count = 0;
    for (size_t i = mg_bag_start(p, bag); i < end; i++) {
        if (p->index[i] == p->skip) continue;
        const real w = weight[(size_t)p->index[i] * p->width + j];
        sum = fma(scale ? scale[i] : 1, w, sum);
        count++;
        if (from < 0 || w > top || (w != w && top == top)) top = w, from = p->index[i];
    }
    if (p->mode == MG_BAG_MAX) *out = top, p->largest[at] = from;
    else *out = (real)(p->mode == MG_BAG_MEAN && count > 0 ? sum / count : sum);
}

static void FN(embedding_bag)(const mg_embedding_bag_args *p, size_t first, size_t n) {
    for (size_t bag = first; bag < first + n; bag++)
        for (size_t j = 0; j < p->width; j++) FN(bag_column)(p, bag, j);
}

static double FN(count_of)(const mg_embedding_bag_args *p, size_t bag) {
    double count = 0;
    for (size_t i = mg_bag_start(p, bag); i < mg_bag_start(p, bag + 1); i++) count += p->index[i] != p->skip;
    return count;
}

/* out = 0, then entry after entry: out[index] += g of its bag, times its factor or by the number of entries. */
static void FN(embedding_bag_grad)(const mg_embedding_bag_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    const real *scale = p->scale;
    real *out = p->out;
    for (size_t j = first; j < first + n; j++) {
        for (size_t e = 0; e < p->entries; e++) out[e * width + j] = 0;
        for (size_t bag = 0; bag < p->bags; bag++) {
            const real g = ((const real *)p->g)[bag * width + j];
            const size_t end = mg_bag_start(p, bag + 1);
            if (p->mode == MG_BAG_MAX) {
                const int64_t from = p->largest[bag * width + j];
                if (from >= 0) out[(size_t)from * width + j] += g;
                continue;
            }
            const real part = p->mode == MG_BAG_MEAN ? g / (real)FN(count_of)(p, bag) : g;
            for (size_t i = mg_bag_start(p, bag); i < end; i++) {
                if (p->index[i] == p->skip) continue;
                real *to = out + (size_t)p->index[i] * width + j;
                *to = REAL_FMA(scale ? scale[i] : 1, part, *to);
            }
        }
    }
}

/* out[i] = the product of g of its bag and row index[i]: a flat sum. */
static void FN(embedding_bag_dots)(const mg_embedding_bag_args *p, size_t first, size_t n) {
    const real *g = p->g, *weight = p->weight;
    for (size_t bag = first; bag < first + n; bag++)
        for (size_t i = mg_bag_start(p, bag); i < mg_bag_start(p, bag + 1); i++)
            ((real *)p->out)[i] =
                p->index[i] == p->skip
                    ? 0
                    : (real)FN(sum_products)(p->width, g + bag * p->width, weight + (size_t)p->index[i] * p->width);
}

#endif
