/* The order of every sum over many elements, in float64 for both precisions and rounded once at the end.

   Flat sum of n elements in C order:
     a chunk is 1024 elements (the last may be shorter); in a chunk, element i is added to lane i mod 64, in rising
     order, each lane from +0; the 64 lanes are added by halving: lane j + 32 to lane j, then j + 16, 8, 4, 2, 1.
     The chunks are added pairwise: neighbours 0 1, 2 3, ...; then those sums likewise; of an odd number, the last goes
     to the next level as it is.
   The order depends on n alone. An aligned run of 2^k chunks is a subtree, so threads may take such runs.

   Include it in both passes of a body (mg_both.h). A body that sums a function of its elements adds the values to 64
   lanes, mg_lanes, or writes them to a chunk, and passes the sum of each chunk to mg_pairwise_add. */
#include "base/float64_lanes.h"

#ifndef MG_SUMS_H
#define MG_SUMS_H

enum { mg_sum_chunk = 1024, mg_sum_lanes = 64, mg_lane_vectors = mg_sum_lanes / MG_W64, mg_sum_depth = 48 };

typedef vf64 mg_lanes[mg_lane_vectors];

INLINE double mg_lanes_total(mg_lanes lane) { return mg_fold_all(mg_lane_vectors, lane); }

/* The sums of `waiting` subtrees that have no partner yet, the largest subtree first: one for each bit that is set in
   `count`, the number of chunks so far. */
typedef struct {
    size_t count, waiting;
    double sum[mg_sum_depth]; /* 2^48 chunks do not fit into memory */
} mg_pairwise;

static inline void mg_pairwise_add(mg_pairwise *p, double s) {
    for (size_t c = p->count++; c & 1; c >>= 1) s = p->sum[--p->waiting] + s;
    p->sum[p->waiting++] = s;
}

static inline double mg_pairwise_total(const mg_pairwise *p) {
    if (p->waiting == 0) return 0;
    double s = p->sum[p->waiting - 1];
    for (size_t i = p->waiting - 1; i-- > 0;) s = p->sum[i] + s;
    return s;
}

#endif

#ifdef real

/* lane + a, or lane + a b rounded once unless b is NULL, of the first `part` numbers at a and b. */
INLINE vf64 FN(add_lanes)(vf64 lane, const real *a, const real *b, size_t part) {
    const vf64 x = part >= MG_W64 ? FN(load64)(a) : FN(load64_part)(a, part);
    if (!b) return FN(add64)(lane, x);
    return vf64_fma(x, part >= MG_W64 ? FN(load64)(b) : FN(load64_part)(b, part), lane);
}

/* The sum of a, or of a b, over one chunk, n <= mg_sum_chunk elements. */
INLINE double FN(sum_chunk)(size_t n, const real *a, const real *b) {
    const vf64 zero = {0};
    if (n <= MG_W64) return mg_fold(FN(add_lanes)(zero, a, b, n)); /* all other lanes are +0 */
    if (n <= 2 * MG_W64) {
        const vf64 first = FN(add_lanes)(zero, a, b, MG_W64);
        return mg_fold(first + FN(add_lanes)(zero, a + MG_W64, b ? b + MG_W64 : b, n - MG_W64));
    }
    mg_lanes lane;
    UNROLL for (int j = 0; j < mg_lane_vectors; j++) lane[j] = zero;
    size_t i = 0;
    for (; i + mg_sum_lanes <= n; i += mg_sum_lanes) {
        UNROLL for (int j = 0; j < mg_lane_vectors; j++) {
            const size_t at = i + j * MG_W64;
            lane[j] = FN(add_lanes)(lane[j], a + at, b ? b + at : b, MG_W64);
        }
    }
    UNROLL for (int j = 0; j < mg_lane_vectors; j++, i += MG_W64) {
        if (i < n) lane[j] = FN(add_lanes)(lane[j], a + i, b ? b + i : b, n - i);
    }
    return mg_lanes_total(lane);
}

INLINE double FN(sum_chunks)(size_t n, const real *a, const real *b) {
    if (n <= mg_sum_chunk) return FN(sum_chunk)(n, a, b);
    mg_pairwise p;
    p.count = p.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        mg_pairwise_add(&p, FN(sum_chunk)(n - i < mg_sum_chunk ? n - i : mg_sum_chunk, a + i, b ? b + i : b));
    }
    return mg_pairwise_total(&p);
}

/* The flat sum of n elements, and of n products, each added to its lane in one rounding. */
INLINE double FN(sum_flat)(size_t n, const real *x) { return FN(sum_chunks)(n, x, NULL); }
INLINE double FN(sum_products)(size_t n, const real *a, const real *b) { return FN(sum_chunks)(n, a, b); }

#endif
