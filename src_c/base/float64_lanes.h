/* Vectors of float64 read from and written to reals of either precision; sums and row functions accumulate in them.
   Included by a body in both of its passes (mg_both.h): FN(load64) is mg_load64_f32, then mg_load64_f64. */
#ifndef MG_WIDE_H
#define MG_WIDE_H
#include "base/simd.h"

typedef float mg_half __attribute__((vector_size(MG_BYTES / 2))); /* as many floats as a vf64 has lanes */

/* Floats to float64 and, rounded, back. gcc splits __builtin_convertvector of a whole register into halves. */
#if defined(__AVX512F__)
INLINE vf64 mg_widen(mg_half v) { return _mm512_cvtps_pd(v); }
INLINE mg_half mg_narrow(vf64 v) { return _mm512_cvtpd_ps(v); }
#elif defined(__AVX2__)
INLINE vf64 mg_widen(mg_half v) { return _mm256_cvtps_pd(v); }
INLINE mg_half mg_narrow(vf64 v) { return _mm256_cvtpd_ps(v); }
#else
INLINE vf64 mg_widen(mg_half v) { return __builtin_convertvector(v, vf64); }
INLINE mg_half mg_narrow(vf64 v) { return __builtin_convertvector(v, mg_half); }
#endif

/* sum + x for an x that was converted from float. x * 1 + sum is the same number, also rounded once. On Zen the
   conversion occupies the units that add, while those that multiply are idle, so this form is faster; on other
   processors both take the same time. */
#if defined(__AVX2__)
INLINE vf64 mg_add_widened(vf64 sum, vf64 x) { return vf64_fma(x, vf64_set1(1), sum); }
#else
INLINE vf64 mg_add_widened(vf64 sum, vf64 x) { return sum + x; }
#endif

/* The lanes of a vector added by halving: lane j + W/2 to lane j, then j + W/4, until one is left. */
INLINE double mg_fold(vf64 v) {
#if defined(__AVX512F__)
    const __m256d q = _mm512_castpd512_pd256(v) + _mm512_extractf64x4_pd(v, 1);
#elif defined(__AVX2__)
    const __m256d q = v;
#endif
#if defined(__AVX2__)
    const __m128d h = _mm256_castpd256_pd128(q) + _mm256_extractf128_pd(q, 1);
    return h[0] + h[1];
#else
    return v[0] + v[1];
#endif
}

/* `count` vectors, a power of two, added by halving, then their lanes: one flat loop, which compilers can unroll. */
INLINE double mg_fold_all(int count, vf64 *v) {
    UNROLL for (int j = count - 1; j > 0; j--) {
        const int half = 1 << (31 - __builtin_clz(j));
        v[j - half] += v[j];
    }
    return mg_fold(v[0]);
}

#endif

#if defined(real) && real_bits == 32

/* The largest lane; any value if a lane is NaN. */
INLINE float FN(top_lane)(vf32 v) {
#if defined(__AVX512F__)
    const __m256 q = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
#elif defined(__AVX2__)
    const __m256 q = v;
#endif
#if defined(__AVX2__)
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(q), _mm256_extractf128_ps(q, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
#else
    const float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];
    return a > b ? a : b;
#endif
}

INLINE vf64 FN(load64)(const float *p) {
    mg_half v;
    memcpy(&v, p, sizeof v);
    return mg_widen(v);
}

INLINE vf64 FN(add64)(vf64 sum, vf64 x) { return mg_add_widened(sum, x); }

/* The first n <= MG_W64 lanes; the others are +0. */
INLINE vf64 FN(load64_part)(const float *p, size_t n) {
#if defined(__AVX512F__)
    return mg_widen(_mm256_maskz_loadu_ps(mf64_first(n), p));
#elif defined(__AVX2__)
    return mg_widen(n == MG_W64 ? _mm_loadu_ps(p) : vf32_load_half(p, n));
#else
    mg_half v = {0};
    memcpy(&v, p, n * sizeof *p);
    return mg_widen(v);
#endif
}

/* The first n <= MG_W64 lanes, rounded. */
INLINE void FN(store64_part)(float *p, size_t n, vf64 v) {
    const mg_half y = mg_narrow(v);
    if (n == MG_W64) memcpy(p, &y, sizeof y);
    else memcpy(p, &y, n * sizeof *p);
}

#elif defined(real)

INLINE double FN(top_lane)(vf64 v) {
#if defined(__AVX512F__)
    const __m256d q = _mm256_max_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
#elif defined(__AVX2__)
    const __m256d q = v;
#endif
#if defined(__AVX2__)
    const __m128d h = _mm_max_pd(_mm256_castpd256_pd128(q), _mm256_extractf128_pd(q, 1));
    return h[0] > h[1] ? h[0] : h[1];
#else
    return v[0] > v[1] ? v[0] : v[1];
#endif
}

INLINE vf64 FN(load64)(const double *p) { return vf64_load(p); }
INLINE vf64 FN(add64)(vf64 sum, vf64 x) { return sum + x; }
INLINE vf64 FN(load64_part)(const double *p, size_t n) { return vf64_load_part(p, n); }
INLINE void FN(store64_part)(double *p, size_t n, vf64 v) { vf64_store_part(p, n, v); }

#endif
