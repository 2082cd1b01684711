/* The operations of simd.h for AVX2 and FMA. Included by it only. */
#include <immintrin.h>

INLINE vf32 vf32_set1(float x) { return _mm256_set1_ps(x); }
INLINE vf64 vf64_set1(double x) { return _mm256_set1_pd(x); }
INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return _mm256_fmadd_pd(a, b, c); }
INLINE vf32 vf32_sqrt(vf32 a) { return _mm256_sqrt_ps(a); }
INLINE vf64 vf64_sqrt(vf64 a) { return _mm256_sqrt_pd(a); }
INLINE vf32 vf32_select(mf32 m, vf32 a, vf32 b) { return _mm256_blendv_ps(b, a, (vf32)m); }
INLINE vf64 vf64_select(mf64 m, vf64 a, vf64 b) { return _mm256_blendv_pd(b, a, (vf64)m); }
INLINE vf32 vf32_times_sign(vf32 a, vf32 s) { /* NEQ_OQ is false for a NaN, so it stays */
    return vf32_select((mf32)_mm256_cmp_ps(s, (vf32){0}, _CMP_NEQ_OQ), _mm256_blendv_ps(a, -a, s), s + (vf32){0});
}
INLINE vf64 vf64_times_sign(vf64 a, vf64 s) {
    return vf64_select((mf64)_mm256_cmp_pd(s, (vf64){0}, _CMP_NEQ_OQ), _mm256_blendv_pd(a, -a, s), s + (vf64){0});
}
INLINE vf32 vf32_min(vf32 a, vf32 b) { return _mm256_min_ps(a, b); }
INLINE vf64 vf64_min(vf64 a, vf64 b) { return _mm256_min_pd(a, b); }
INLINE vf32 vf32_max(vf32 a, vf32 b) { return _mm256_max_ps(a, b); }
INLINE vf64 vf64_max(vf64 a, vf64 b) { return _mm256_max_pd(a, b); }
INLINE vf32 vf32_lookup(const float *row, vu32 i) { return _mm256_permutevar8x32_ps(_mm256_loadu_ps(row), (__m256i)i); }
INLINE int mf64_any(mf64 m) { return _mm256_movemask_pd((vf64)m) != 0; }
INLINE vi32 mf32_first(size_t n) {
    return (int32_t)n - (vi32){0} > (vi32){0, 1, 2, 3, 4, 5, 6, 7};
}
INLINE vi64 mf64_first(size_t n) { return (int64_t)n - (vi64){0} > (vi64){0, 1, 2, 3}; }
/* In pieces, because a masked load or store takes ten cycles on Zen 1. The branches are predicted, because n is the
   same in most calls. */
INLINE __m128 vf32_load_half(const float *p, size_t n) {
    const __m128 two = n & 2 ? (__m128)_mm_loadl_epi64((const __m128i *)p) : _mm_setzero_ps();
    return n & 1 ? (n & 2 ? _mm_movelh_ps(two, _mm_load_ss(p + 2)) : _mm_load_ss(p)) : two;
}
INLINE vf32 vf32_load_part(const float *p, size_t n) {
    if (n >= 8) return vf32_load(p);
    if (n < 4) return _mm256_zextps128_ps256(vf32_load_half(p, n));
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), vf32_load_half(p + 4, n & 3), 1);
}
INLINE vf64 vf64_load_part(const double *p, size_t n) {
    if (n >= 4) return vf64_load(p);
    if (n < 2) return _mm256_zextpd128_pd256(n ? _mm_load_sd(p) : _mm_setzero_pd());
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), n & 1 ? _mm_load_sd(p + 2) : _mm_setzero_pd(), 1);
}
INLINE void vf32_store_part(float *p, size_t n, vf32 v) {
    if (n >= 8) { vf32_store(p, v); return; }
    __m128 h = _mm256_castps256_ps128(v);
    if (n & 4) _mm_storeu_ps(p, h), p += 4, h = _mm256_extractf128_ps(v, 1);
    if (n & 2) _mm_storel_epi64((__m128i *)p, (__m128i)h), p += 2, h = _mm_movehl_ps(h, h);
    if (n & 1) _mm_store_ss(p, h);
}
INLINE void vf64_store_part(double *p, size_t n, vf64 v) {
    if (n >= 4) { vf64_store(p, v); return; }
    __m128d h = _mm256_castpd256_pd128(v);
    if (n & 2) _mm_storeu_pd(p, h), p += 2, h = _mm256_extractf128_pd(v, 1);
    if (n & 1) _mm_store_sd(p, h);
}
INLINE vf32 vf32_load_end(const float *end, size_t n) {
    return _mm256_permutevar8x32_ps(vf32_load(end - 8), (__m256i)((vi32){0, 1, 2, 3, 4, 5, 6, 7} - (int32_t)n));
}
INLINE vf64 vf64_load_end(const double *end, size_t n) {
    return (vf64)_mm256_permutevar8x32_ps((vf32)vf64_load(end - 4),
                                          (__m256i)((vi32){0, 1, 2, 3, 4, 5, 6, 7} - 2 * (int32_t)n));
}
INLINE vf32 vf32_lo(vf32 a, vf32 b) { return _mm256_unpacklo_ps(a, b); }
INLINE vf64 vf64_lo(vf64 a, vf64 b) { return _mm256_unpacklo_pd(a, b); }
INLINE vf32 vf32_hi(vf32 a, vf32 b) { return _mm256_unpackhi_ps(a, b); }
INLINE vf64 vf64_hi(vf64 a, vf64 b) { return _mm256_unpackhi_pd(a, b); }
INLINE vf32 vf32_quarters(const float *p, ptrdiff_t step) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + step), 1);
}
INLINE vf64 vf64_quarters(const double *p, ptrdiff_t step) {
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + step), 1);
}
