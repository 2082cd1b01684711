/* Flat sums of numbers minus a mean, in the order of sums.h, and the moments from which normalized numbers are
   computed. Included by standardize.c, once per precision, behind sums.h. `what` says which terms are summed. */
INLINE vec FN(load_row)(const real *p, size_t n) { return n >= W ? V(load)(p) : V(load_part)(p, n); }
INLINE void FN(store_row)(real *p, size_t n, vec v) {
    if (n >= W) V(store)(p, v);
    else V(store_part)(p, n, v);
}
INLINE vf64 FN(widened)(const real *p, size_t n) { return n >= MG_W64 ? FN(load64)(p) : FN(load64_part)(p, n); }

/* lane + the terms of the first `part` elements; the other lanes stay. */
INLINE vf64 FN(add_terms)(const int what, vf64 lane, const real *x, const real *g, const real *w, double mean,
                          size_t part) {
    const vf64 d = FN(widened)(x, part) - vf64_set1(mean);
    vf64 h = d;
    if (what == PRODUCTS) h = FN(widened)(g, part);
    if (what == WEIGHTED) h = FN(widened)(g, part) * FN(widened)(w, part);
    const vf64 sum = what == DIFFERENCES ? lane + d : vf64_fma(h, d, lane);
    return part >= MG_W64 ? sum : vf64_select(mf64_first(part), sum, lane);
}

INLINE double FN(chunk_of)(const int what, size_t n, const real *x, const real *g, const real *w, double mean) {
    const vf64 zero = {0};
    if (n <= MG_W64) return mg_fold(FN(add_terms)(what, zero, x, g, w, mean, n)); /* all other lanes are +0 */
    mg_lanes lane;
    UNROLL for (int j = 0; j < mg_lane_vectors; j++) lane[j] = zero;
    size_t i = 0;
    for (; i + mg_sum_lanes <= n; i += mg_sum_lanes) {
        UNROLL for (int j = 0; j < mg_lane_vectors; j++) {
            const size_t at = i + j * MG_W64;
            lane[j] = FN(add_terms)(what, lane[j], x + at, g + at, w + at, mean, MG_W64);
        }
    }
    UNROLL for (int j = 0; j < mg_lane_vectors; j++, i += MG_W64) {
        if (i < n) lane[j] = FN(add_terms)(what, lane[j], x + i, g + i, w + i, mean, n - i);
    }
    return mg_lanes_total(lane);
}

/* The flat sum of the terms. g and w may be any arrays, such as x, if `what` does not read them. */
INLINE double FN(flat)(const int what, size_t n, const real *x, const real *g, const real *w, double mean) {
    if (n <= mg_sum_chunk) return FN(chunk_of)(what, n, x, g, w, mean);
    mg_pairwise p;
    p.count = p.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        const size_t part = n - i < mg_sum_chunk ? n - i : mg_sum_chunk;
        mg_pairwise_add(&p, FN(chunk_of)(what, part, x + i, g + i, w + i, mean));
    }
    return mg_pairwise_total(&p);
}

static NOINLINE double FN(differences)(size_t n, const real *x, double mean) {
    return FN(flat)(DIFFERENCES, n, x, x, x, mean);
}
static NOINLINE double FN(squares)(size_t n, const real *x, double mean) { return FN(flat)(SQUARES, n, x, x, x, mean); }
static NOINLINE double FN(total)(size_t n, const real *x) { return FN(sum_flat)(n, x); }

/* Two flat sums in one pass: Σ g (x - mean) and Σ g; if `weighted`, with g w in place of g. `held` vectors of lanes are
   summed at a time, because registers hold so many of both sums. */
INLINE void FN(two_chunks)(const int weighted, size_t n, const real *g, const real *w, const real *x, double mean,
                           double out[2]) {
    enum { held = MG_BYTES == 64 ? mg_lane_vectors : 4 };
    const vf64 zero = {0}, middle = vf64_set1(mean);
    mg_lanes product, sum;
    for (int from = 0; from < mg_lane_vectors; from += held) {
        vf64 p[held], s[held];
        UNROLL for (int j = 0; j < held; j++) p[j] = s[j] = zero;
        size_t i = (size_t)from * MG_W64;
        for (; i + held * MG_W64 <= n; i += mg_sum_lanes) {
            UNROLL for (int j = 0; j < held; j++) {
                const size_t at = i + j * MG_W64;
                const vf64 a = FN(load64)(g + at), d = FN(load64)(x + at) - middle;
                const vf64 b = weighted ? FN(load64)(w + at) : zero;
                p[j] = vf64_fma(weighted ? a * b : a, d, p[j]);
                s[j] = weighted ? vf64_fma(a, b, s[j]) : FN(add64)(s[j], a);
            }
        }
        UNROLL for (int j = 0; j < held; j++, i += MG_W64) {
            if (i >= n) break;
            const size_t part = n - i;
            p[j] = FN(add_terms)(weighted ? WEIGHTED : PRODUCTS, p[j], x + i, g + i, w + i, mean, part);
            s[j] = FN(add_lanes)(s[j], g + i, weighted ? w + i : NULL, part);
        }
        UNROLL for (int j = 0; j < held; j++) product[from + j] = p[j], sum[from + j] = s[j];
    }
    out[0] = mg_lanes_total(product), out[1] = mg_lanes_total(sum);
}

/* The same for any n. */
INLINE void FN(two_flat)(const int weighted, size_t n, const real *g, const real *w, const real *x, double mean,
                         double out[2]) {
    if (n <= mg_sum_chunk) {
        FN(two_chunks)(weighted, n, g, w, x, mean, out);
        return;
    }
    mg_pairwise products, sums;
    products.count = products.waiting = sums.count = sums.waiting = 0;
    for (size_t i = 0; i < n; i += mg_sum_chunk) {
        FN(two_chunks)(weighted, n - i < mg_sum_chunk ? n - i : mg_sum_chunk, g + i, w + i, x + i, mean, out);
        mg_pairwise_add(&products, out[0]), mg_pairwise_add(&sums, out[1]);
    }
    out[0] = mg_pairwise_total(&products), out[1] = mg_pairwise_total(&sums);
}

static NOINLINE void FN(weighted_sums)(size_t n, const real *g, const real *w, const real *x, double mean,
                                       double out[2]) {
    FN(two_flat)(1, n, g, w, x, mean, out);
}
static NOINLINE void FN(plain_sums)(size_t n, const real *g, const real *x, double mean, double out[2]) {
    FN(two_flat)(0, n, g, g, x, mean, out);
}

/* A mean in two parts, and rstd, in x's precision. */
typedef struct { real high, low, rstd; } FN(moments);

INLINE FN(moments) FN(in_parts)(double mean, double rstd) {
    const real high = (real)mean;
    return (FN(moments)){high, (real)(mean - (double)high), (real)rstd};
}

INLINE vec FN(standard)(vec x, vec high, vec low, vec rstd) { return ((x - high) - low) * rstd; }
