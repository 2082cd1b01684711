/* The order of every sum over many elements, in float64 for both precisions and rounded once at the end.

   Flat sum of n elements in C order:
     a chunk is 1024 elements (the last may be shorter); in a chunk, element i is added to lane i mod 64 in rising order,
     each lane starts from +0; the 64 lanes are added by halving: lane j + 32 to lane j, then j + 16, 8, 4, 2, 1.
     Chunks are added pairwise: neighbours 0 1, 2 3, ...; then those sums likewise; one that is left over passes up.
   It depends on n alone. Any aligned run of 2^k chunks is a subtree, so threads may take such runs.

   Include it in both passes of a body (mg_both.h). Beside FN(sum_chunk), a body that sums something else of its elements
   adds it to 64 lanes, mg_lanes, itself and hands chunk after chunk to mg_pairwise. */
#include "wide.h"

#ifndef MG_SUMS_H
#define MG_SUMS_H

enum { mg_sum_chunk = 1024, mg_sum_lanes = 64, mg_lane_vectors = mg_sum_lanes / MG_W64, mg_sum_depth = 48 };

typedef vf64 mg_lanes[mg_lane_vectors];

INLINE double mg_lanes_total(mg_lanes lane) { return mg_fold_all(mg_lane_vectors, lane); }

/* Sums that wait for a partner, those of most chunks first. A subtree is complete when the count's bit falls to 0. */
typedef struct {
    size_t count, waiting;
    double sum[mg_sum_depth]; /* 2^48 chunks do not fit into memory */
} mg_pairwise;

INLINE void mg_pairwise_add(mg_pairwise *p, double s) {
    for (size_t c = p->count++; c & 1; c >>= 1) s = p->sum[--p->waiting] + s;
    p->sum[p->waiting++] = s;
}

INLINE double mg_pairwise_total(const mg_pairwise *p) {
    if (p->waiting == 0) return 0;
    double s = p->sum[p->waiting - 1];
    for (size_t i = p->waiting - 1; i-- > 0;) s = p->sum[i] + s;
    return s;
}

#endif

#ifdef real

/* The sum of one chunk, n <= mg_sum_chunk elements. */
INLINE double FN(sum_chunk)(size_t n, const real *x) {
    const vf64 zero = {0};
    if (n <= MG_W64) return mg_fold(zero + FN(load64_part)(x, n)); /* all other lanes are +0 */
    if (n <= 2 * MG_W64) return mg_fold((zero + FN(load64)(x)) + (zero + FN(load64_part)(x + MG_W64, n - MG_W64)));
    mg_lanes lane;
    UNROLL for (int j = 0; j < mg_lane_vectors; j++) lane[j] = zero;
    size_t i = 0;
    for (; i + mg_sum_lanes <= n; i += mg_sum_lanes) {
        UNROLL for (int j = 0; j < mg_lane_vectors; j++) lane[j] += FN(load64)(x + i + j * MG_W64);
    }
    UNROLL for (int j = 0; j < mg_lane_vectors; j++) {
        if (i + MG_W64 <= n) lane[j] += FN(load64)(x + i);
        else if (i < n) lane[j] += FN(load64_part)(x + i, n - i);
        i += MG_W64;
    }
    return mg_lanes_total(lane);
}

/* The flat sum of n elements. */
INLINE double FN(sum_flat)(size_t n, const real *x) {
    if (n <= mg_sum_chunk) return FN(sum_chunk)(n, x);
    mg_pairwise p;
    p.count = p.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        mg_pairwise_add(&p, FN(sum_chunk)(n - i < mg_sum_chunk ? n - i : mg_sum_chunk, x + i));
    }
    return mg_pairwise_total(&p);
}

#endif
