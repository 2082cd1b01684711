/* Penalties of a block of weights, n elements, contiguous. Equal to penalty_naive.c, bit for bit. */
#ifndef real
#include "penalty.h"
#include "simd.h"
#define MG_SOURCE "penalty.c"
#include "mg_both.h"

const mg_penalty_table MG_TABLE(penalty) = {MG_BOTH(elastic_net_grad)};

#else

/* out = scale * (l2 * w + l1 * sign(w)), sign(0) = 0, every operation rounded; NaN stays NaN. */
static void FN(elastic_net_grad)(size_t n, const real *w, double l1, double l2, double scale, real *out) {
    const vec vl1 = V(set1)((real)l1), vl2 = V(set1)((real)l2), vs = V(set1)((real)scale), zero = {0};
    for (size_t i = 0; i < n; i += W) {
        const size_t part = n - i < W ? n - i : W;
        const vec x = part == W ? V(load)(w + i) : V(load_part)(w + i, part);
        const vec sign = V(select)(V(eq)(x, zero), zero, V(copysign)(vl1, x));
        const vec y = (vl2 * x + sign) * vs;
        if (part == W) V(store)(out + i, y);
        else V(store_part)(out + i, part, y);
    }
}

#endif
