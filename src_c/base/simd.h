/* Vectors of one processor variant: their width, and the few operations that differ between processors.
   This file is compiled once per variant; the compiler's flags choose the part (-mavx512f..., -mavx2 -mfma, neither).

   Types     vf32, vf64        a vector of float, of double; + - * / work lane by lane
             vi32, vi64        signed integers of that width; vu32, vu64: unsigned
             mf32, mf64        a mask: what a comparison returns and select takes
             hf32, hf64        half a vector (AVX-512 only)
   Width     MG_BYTES          bytes of a vector: 64, 32 or 16
             MG_W32, MG_W64    floats and doubles in a vector
   Compiler  INLINE, NOINLINE  a function that is always inlined, that never is
             UNROLL            before a loop with a constant count: unroll it whole
             KEEP(v)           keep the vector v in a register
   Names     MG_CAT(a, b)      the name ab: MG_CAT(mf, 32) is mf32
             MG_TABLE(family)  the table of a family in this variant: mg_penalty_avx2
             MG_RULES(X)       a list that passes each of its entries to the macro X: X(sgd) X(adam) ...
   Words     lane              a place in a vector; also one of 32 or 64 partial sums, the same number in every variant
             chain             additions or fma of which each needs the result of the one before
             chunk             elements that are summed on their own, so that the order of a sum is always the same
             body              the half of a source file that is compiled once for float and once for double
             naive             the variant that computes one element at a time: the plain meaning of the others

   In files that are compiled for both precisions (mg_both.h) `real` is float or double, and real_bits 32 or 64. W is
   MG_W32 or MG_W64, vec and mask are the types of the precision, uvec is vu32 or vu64, ubits uint32_t or uint64_t.
   FN(name) is mg_name_f32 or mg_name_f64; R(0.5) is 0.5f or 0.5; REAL_FMA is fmaf or fma; V(fma) is vf32_fma or
   vf64_fma. The operations, without vf32_ or vf64_:

   set1(x)              x in every lane
   fma(a, b, c)         a b + c, rounded once
   flipsign(a, s)       -a where the sign bit of s is set, else a
   times_sign(a, s)     a, -a or +0 by the sign of s; NaN where s is NaN
   min(a, b)            a < b ? a : b, and max(a, b) is a > b ? a : b: both give b when either is NaN
   lt, le, nlt          less; less or equal; not less, which is >= or a NaN. mf64_any(m): whether some lane of m is set
   load_part(p, n)      the first n lanes from p, +0 in the others; store_part(p, n, v) writes the first n lanes only
   load_end(end, n)     lanes 0 .. n - 1 from end - n, anything in the others; it may read W numbers before end
   load_wide(p)         as many floats as a vf64 has lanes, converted to double
   scale(y, n)          y 2^n rounded once, for y in [1/2, 2) and whole n within twice the exponent range
   split(x, &e)         m in [3/4, 3/2) with x = m 2^e, for finite x > 0
   lookup(row, i)       row[i mod 8] (float), row[i mod 16] (double)
   For transposes:
   quarters(p, step)    128 bits from p + q step, as number q of the vector's 128-bit parts
   lo(a, b), hi(a, b)   the lower (upper) halves of each 128 bits of a and b, interleaved
   lower(a, b)          the lower half of a, then the lower half of b
   even(a, b)           the 128-bit parts 0 and 2 of a, then those of b */
#ifndef MG_SIMD_H
#define MG_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define MG_BYTES 64
#elif defined(__AVX2__)
#define MG_BYTES 32
#else
#define MG_BYTES 16
#endif
#define MG_W32 (MG_BYTES / 4)
#define MG_W64 (MG_BYTES / 8)

typedef float vf32 __attribute__((vector_size(MG_BYTES)));
typedef double vf64 __attribute__((vector_size(MG_BYTES)));
typedef int32_t vi32 __attribute__((vector_size(MG_BYTES)));
typedef int64_t vi64 __attribute__((vector_size(MG_BYTES)));
typedef uint32_t vu32 __attribute__((vector_size(MG_BYTES)));
typedef uint64_t vu64 __attribute__((vector_size(MG_BYTES)));

/* clang does not read GCC's unroll pragma, and spills an array of accumulators that it did not unroll. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif
#define INLINE static inline __attribute__((always_inline, unused))
#define NOINLINE __attribute__((noinline))

/* Keeps a vector in a register where the compiler would read it from memory again. */
#if defined(__x86_64__)
#define KEEP(v) __asm__("" : "+x"(v))
#elif defined(__aarch64__)
#define KEEP(v) __asm__("" : "+w"(v))
#else
#define KEEP(v) (void)(v)
#endif

INLINE vf32 vf32_load(const float *p) { vf32 v; memcpy(&v, p, sizeof v); return v; }
INLINE vf64 vf64_load(const double *p) { vf64 v; memcpy(&v, p, sizeof v); return v; }
INLINE void vf32_store(float *p, vf32 v) { memcpy(p, &v, sizeof v); }
INLINE void vf64_store(double *p, vf64 v) { memcpy(p, &v, sizeof v); }

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __mmask16 mf32;
typedef __mmask8 mf64;
INLINE vf32 vf32_set1(float x) { return _mm512_set1_ps(x); }
INLINE vf64 vf64_set1(double x) { return _mm512_set1_pd(x); }
INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return _mm512_fmadd_pd(a, b, c); }
INLINE vf32 vf32_sqrt(vf32 a) { return _mm512_sqrt_ps(a); }
INLINE vf64 vf64_sqrt(vf64 a) { return _mm512_sqrt_pd(a); }
INLINE mf32 vf32_lt(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE mf64 vf64_lt(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
INLINE mf32 vf32_le(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
INLINE mf64 vf64_le(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
INLINE mf32 vf32_eq(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE mf64 vf64_eq(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
INLINE mf32 vf32_ne(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
INLINE mf64 vf64_ne(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_NEQ_UQ); }
INLINE mf32 vf32_nlt(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
INLINE mf64 vf64_nlt(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_NLT_UQ); }
INLINE vf32 vf32_select(mf32 m, vf32 a, vf32 b) { return _mm512_mask_blend_ps(m, b, a); }
INLINE vf64 vf64_select(mf64 m, vf64 a, vf64 b) { return _mm512_mask_blend_pd(m, b, a); }
INLINE vf32 vf32_min(vf32 a, vf32 b) { return _mm512_min_ps(a, b); }
INLINE vf64 vf64_min(vf64 a, vf64 b) { return _mm512_min_pd(a, b); }
INLINE vf32 vf32_max(vf32 a, vf32 b) { return _mm512_max_ps(a, b); }
INLINE vf64 vf64_max(vf64 a, vf64 b) { return _mm512_max_pd(a, b); }
INLINE vf32 vf32_scale(vf32 y, vf32 n) { return _mm512_scalef_ps(y, n); }
INLINE vf64 vf64_scale(vf64 y, vf64 n) { return _mm512_scalef_pd(y, n); }
INLINE vf32 vf32_split(vf32 x, vf32 *e) {
    const vf32 m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_zero);
    *e = _mm512_getexp_ps(x) - _mm512_getexp_ps(m);
    return m;
}
INLINE vf64 vf64_split(vf64 x, vf64 *e) {
    const vf64 m = _mm512_getmant_pd(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_zero);
    *e = _mm512_getexp_pd(x) - _mm512_getexp_pd(m);
    return m;
}
INLINE vf32 vf32_lookup(const float *row, vu32 i) {
    return _mm512_permutexvar_ps((__m512i)i, _mm512_broadcast_f32x8(_mm256_loadu_ps(row)));
}
INLINE vf64 vf64_lookup(const double *row, vu64 i) {
    return _mm512_permutex2var_pd(_mm512_loadu_pd(row), (__m512i)i, _mm512_loadu_pd(row + 8));
}
INLINE int mf64_any(mf64 m) { return m != 0; }
INLINE mf32 mf32_first(size_t n) { return (mf32)((1u << n) - 1u); }
INLINE mf64 mf64_first(size_t n) { return (mf64)((1u << n) - 1u); }
INLINE vf32 vf32_load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps(mf32_first(n), p); }
INLINE vf64 vf64_load_part(const double *p, size_t n) { return _mm512_maskz_loadu_pd(mf64_first(n), p); }
INLINE void vf32_store_part(float *p, size_t n, vf32 v) { _mm512_mask_storeu_ps(p, mf32_first(n), v); }
INLINE void vf64_store_part(double *p, size_t n, vf64 v) { _mm512_mask_storeu_pd(p, mf64_first(n), v); }
INLINE vf32 vf32_load_end(const float *end, size_t n) { return vf32_load_part(end - n, n); }
INLINE vf64 vf64_load_end(const double *end, size_t n) { return vf64_load_part(end - n, n); }
/* Half vectors, for rows of W / 2 numbers or fewer: Zen 4 multiplies two of them in the time of a whole one. */
typedef __m256 hf32;
typedef __m256d hf64;
INLINE hf32 hf32_set1(float x) { return _mm256_set1_ps(x); }
INLINE hf64 hf64_set1(double x) { return _mm256_set1_pd(x); }
INLINE hf32 hf32_fma(hf32 a, hf32 b, hf32 c) { return _mm256_fmadd_ps(a, b, c); }
INLINE hf64 hf64_fma(hf64 a, hf64 b, hf64 c) { return _mm256_fmadd_pd(a, b, c); }
INLINE hf32 hf32_load_part(const float *p, size_t n) { return _mm256_maskz_loadu_ps((__mmask8)mf32_first(n), p); }
INLINE hf64 hf64_load_part(const double *p, size_t n) { return _mm256_maskz_loadu_pd(mf64_first(n), p); }
INLINE void hf32_store_part(float *p, size_t n, hf32 v) { _mm256_mask_storeu_ps(p, (__mmask8)mf32_first(n), v); }
INLINE void hf64_store_part(double *p, size_t n, hf64 v) { _mm256_mask_storeu_pd(p, mf64_first(n), v); }
INLINE hf32 hf32_relu(hf32 x) { return _mm256_maskz_mov_ps(_mm256_cmp_ps_mask(x, (hf32){0}, _CMP_NLE_UQ), x); }
INLINE hf64 hf64_relu(hf64 x) { return _mm256_maskz_mov_pd(_mm256_cmp_pd_mask(x, (hf64){0}, _CMP_NLE_UQ), x); }
INLINE vf32 vf32_lo(vf32 a, vf32 b) { return _mm512_unpacklo_ps(a, b); }
INLINE vf64 vf64_lo(vf64 a, vf64 b) { return _mm512_unpacklo_pd(a, b); }
INLINE vf32 vf32_hi(vf32 a, vf32 b) { return _mm512_unpackhi_ps(a, b); }
INLINE vf64 vf64_hi(vf64 a, vf64 b) { return _mm512_unpackhi_pd(a, b); }
INLINE vf32 vf32_lower(vf32 a, vf32 b) { return _mm512_shuffle_f32x4(a, b, 0x44); }
INLINE vf64 vf64_lower(vf64 a, vf64 b) { return _mm512_shuffle_f64x2(a, b, 0x44); }
INLINE vf32 vf32_upper(vf32 a, vf32 b) { return _mm512_shuffle_f32x4(a, b, 0xee); }
INLINE vf64 vf64_upper(vf64 a, vf64 b) { return _mm512_shuffle_f64x2(a, b, 0xee); }
INLINE vf32 vf32_even(vf32 a, vf32 b) { return _mm512_shuffle_f32x4(a, b, 0x88); }
INLINE vf64 vf64_even(vf64 a, vf64 b) { return _mm512_shuffle_f64x2(a, b, 0x88); }
INLINE vf32 vf32_odd(vf32 a, vf32 b) { return _mm512_shuffle_f32x4(a, b, 0xdd); }
INLINE vf64 vf64_odd(vf64 a, vf64 b) { return _mm512_shuffle_f64x2(a, b, 0xdd); }
INLINE vf32 vf32_quarters(const float *p, ptrdiff_t step) {
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + step), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 2 * step), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p + 3 * step), 3);
}
INLINE vf64 vf64_quarters(const double *p, ptrdiff_t step) {
    __m512d v = _mm512_castpd128_pd512(_mm_loadu_pd(p));
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p + step), 1);
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p + 2 * step), 2);
    return _mm512_insertf64x2(v, _mm_loadu_pd(p + 3 * step), 3);
}

#else
typedef vi32 mf32;
typedef vi64 mf64;
INLINE mf32 vf32_lt(vf32 a, vf32 b) { return (mf32)(a < b); }
INLINE mf64 vf64_lt(vf64 a, vf64 b) { return (mf64)(a < b); }
INLINE mf32 vf32_le(vf32 a, vf32 b) { return (mf32)(a <= b); }
INLINE mf64 vf64_le(vf64 a, vf64 b) { return (mf64)(a <= b); }
INLINE mf32 vf32_eq(vf32 a, vf32 b) { return (mf32)(a == b); }
INLINE mf64 vf64_eq(vf64 a, vf64 b) { return (mf64)(a == b); }
INLINE mf32 vf32_ne(vf32 a, vf32 b) { return (mf32)(a != b); }
INLINE mf64 vf64_ne(vf64 a, vf64 b) { return (mf64)(a != b); }
INLINE mf32 vf32_nlt(vf32 a, vf32 b) { return ~(mf32)(a < b); }
INLINE mf64 vf64_nlt(vf64 a, vf64 b) { return ~(mf64)(a < b); }

#if defined(__AVX2__)
#include "base/simd_avx2.h"

#else
INLINE vf32 vf32_set1(float x) { return (vf32){x, x, x, x}; }
INLINE vf64 vf64_set1(double x) { return (vf64){x, x}; }
#if defined(__aarch64__) && !defined(MG_GENERIC)
#include <arm_neon.h>
INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return (vf32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return (vf64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
INLINE vf32 vf32_sqrt(vf32 a) { return (vf32)vsqrtq_f32((float32x4_t)a); }
INLINE vf64 vf64_sqrt(vf64 a) { return (vf64)vsqrtq_f64((float64x2_t)a); }
INLINE vf32 vf32_lookup(const float *row, vu32 i) { /* by bytes: index i is the four bytes from 4i on */
    const uint8x16x2_t bytes = {{vreinterpretq_u8_f32(vld1q_f32(row)), vreinterpretq_u8_f32(vld1q_f32(row + 4))}};
    return (vf32)vqtbl2q_u8(bytes, (uint8x16_t)((i & 7) * 0x04040404 + 0x03020100));
}
#else
INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) {
    UNROLL for (int i = 0; i < MG_W32; i++) a[i] = fmaf(a[i], b[i], c[i]);
    return a;
}
INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) {
    UNROLL for (int i = 0; i < MG_W64; i++) a[i] = fma(a[i], b[i], c[i]);
    return a;
}
INLINE vf32 vf32_sqrt(vf32 a) {
    UNROLL for (int i = 0; i < MG_W32; i++) a[i] = sqrtf(a[i]);
    return a;
}
INLINE vf64 vf64_sqrt(vf64 a) {
    UNROLL for (int i = 0; i < MG_W64; i++) a[i] = sqrt(a[i]);
    return a;
}
INLINE vf32 vf32_lookup(const float *row, vu32 i) {
    vf32 v = {0};
    UNROLL for (int k = 0; k < MG_W32; k++) v[k] = row[i[k] & 7];
    return v;
}
#endif
INLINE vf32 vf32_select(mf32 m, vf32 a, vf32 b) { return (vf32)((m & (vi32)a) | (~m & (vi32)b)); }
INLINE vf64 vf64_select(mf64 m, vf64 a, vf64 b) { return (vf64)((m & (vi64)a) | (~m & (vi64)b)); }
INLINE int mf64_any(mf64 m) { return (m[0] | m[1]) != 0; }
INLINE mf32 mf32_first(size_t n) { return (int32_t)n - (vi32){0} > (vi32){0, 1, 2, 3}; }
INLINE mf64 mf64_first(size_t n) { return (int64_t)n - (vi64){0} > (vi64){0, 1}; }
INLINE vf32 vf32_load_part(const float *p, size_t n) { vf32 v = {0}; memcpy(&v, p, n * sizeof *p); return v; }
INLINE vf64 vf64_load_part(const double *p, size_t n) { vf64 v = {0}; memcpy(&v, p, n * sizeof *p); return v; }
INLINE void vf32_store_part(float *p, size_t n, vf32 v) { memcpy(p, &v, n * sizeof *p); }
INLINE void vf64_store_part(double *p, size_t n, vf64 v) { memcpy(p, &v, n * sizeof *p); }
INLINE vf32 vf32_load_end(const float *end, size_t n) { return vf32_load_part(end - n, n); }
INLINE vf64 vf64_load_end(const double *end, size_t n) { return vf64_load_part(end - n, n); }
INLINE vf32 vf32_lo(vf32 a, vf32 b) { return (vf32){a[0], b[0], a[1], b[1]}; }
INLINE vf64 vf64_lo(vf64 a, vf64 b) { return (vf64){a[0], b[0]}; }
INLINE vf32 vf32_hi(vf32 a, vf32 b) { return (vf32){a[2], b[2], a[3], b[3]}; }
INLINE vf64 vf64_hi(vf64 a, vf64 b) { return (vf64){a[1], b[1]}; }
INLINE vf32 vf32_quarters(const float *p, ptrdiff_t step) { (void)step; return vf32_load(p); }
INLINE vf64 vf64_quarters(const double *p, ptrdiff_t step) { (void)step; return vf64_load(p); }
INLINE vf32 vf32_min(vf32 a, vf32 b) { return vf32_select(a < b, a, b); }
INLINE vf64 vf64_min(vf64 a, vf64 b) { return vf64_select(a < b, a, b); }
INLINE vf32 vf32_max(vf32 a, vf32 b) { return vf32_select(a > b, a, b); }
INLINE vf64 vf64_max(vf64 a, vf64 b) { return vf64_select(a > b, a, b); }
#endif

INLINE vf64 vf64_lookup(const double *row, vu64 i) {
    vf64 v = {0};
    UNROLL for (int k = 0; k < MG_W64; k++) v[k] = row[i[k] & 15];
    return v;
}
/* y times two powers of two, with the exponents n / 2 (rounded down) and the rest of n, because 2^n may be out of
   range. n + 1.5 * 2^23 has n in its low bits. */
INLINE vf32 vf32_scale(vf32 y, vf32 n) {
    const vu32 biased = (vu32)(n + 0x1.8p23f) - (0x4b400000 - 2 * 127), half = biased >> 1;
    return y * (vf32)(half << 23) * (vf32)((biased - half) << 23);
}
INLINE vf64 vf64_scale(vf64 y, vf64 n) {
    const vu64 biased = (vu64)(n + 0x1.8p52) - (0x4338000000000000 - 2 * 1023), half = biased >> 1;
    return y * (vf64)(half << 52) * (vf64)((biased - half) << 52);
}
/* Denormals are scaled into the normal range first. The bits of 2^23 with n in the low bits are the number 2^23 + n, so
   a subtraction converts n to a real. */
INLINE vf32 vf32_split(vf32 x, vf32 *e) {
    const mf32 small = vf32_lt(x, vf32_set1(0x1p-126f));
    const vu32 bits = (vu32)vf32_select(small, x * 0x1p24f, x), n = (bits - 0x400000) >> 23;
    *e = (vf32)(n | 0x4b000000) - vf32_select(small, vf32_set1(0x1p23f + 126 + 24), vf32_set1(0x1p23f + 126));
    return (vf32)(bits - (n << 23) + (126 << 23));
}
INLINE vf64 vf64_split(vf64 x, vf64 *e) {
    const mf64 small = vf64_lt(x, vf64_set1(0x1p-1022));
    const vu64 bits = (vu64)vf64_select(small, x * 0x1p53, x), n = (bits - 0x8000000000000) >> 52;
    *e = (vf64)(n | 0x4330000000000000) - vf64_select(small, vf64_set1(0x1p52 + 1022 + 53), vf64_set1(0x1p52 + 1022));
    return (vf64)(bits - (n << 52) + (1022ull << 52));
}
#endif

/* |x| and the sign bit, by bits: NaN keeps its payload, -0 its sign. */
INLINE vf32 vf32_abs(vf32 a) { return (vf32)((vi32)a & INT32_MAX); }
INLINE vf64 vf64_abs(vf64 a) { return (vf64)((vi64)a & INT64_MAX); }
INLINE vf32 vf32_copysign(vf32 a, vf32 s) { return (vf32)(((vi32)a & INT32_MAX) | ((vi32)s & INT32_MIN)); }
INLINE vf64 vf64_copysign(vf64 a, vf64 s) { return (vf64)(((vi64)a & INT64_MAX) | ((vi64)s & INT64_MIN)); }

/* -a where s has its sign bit set, else a. */
INLINE vf32 vf32_flipsign(vf32 a, vf32 s) { return (vf32)((vi32)a ^ ((vi32)s & INT32_MIN)); }
INLINE vf64 vf64_flipsign(vf64 a, vf64 s) { return (vf64)((vi64)a ^ ((vi64)s & INT64_MIN)); }

#if defined(__AVX512F__) /* by the class of s: the NaN of s, +0 for a zero, else flipsign(a, s) */
INLINE vf32 vf32_times_sign(vf32 a, vf32 s) {
    return _mm512_fixupimm_ps(vf32_flipsign(a, s), s, _mm512_set1_epi32(0x811), 0);
}
INLINE vf64 vf64_times_sign(vf64 a, vf64 s) {
    return _mm512_fixupimm_pd(vf64_flipsign(a, s), s, _mm512_set1_epi64(0x811), 0);
}
#elif !defined(__AVX2__)
INLINE vf32 vf32_times_sign(vf32 a, vf32 s) {
    return vf32_select(vf32_lt((vf32){0}, vf32_abs(s)), vf32_flipsign(a, s), s + (vf32){0});
}
INLINE vf64 vf64_times_sign(vf64 a, vf64 s) {
    return vf64_select(vf64_lt((vf64){0}, vf64_abs(s)), vf64_flipsign(a, s), s + (vf64){0});
}
#endif

/* The next MG_W64 numbers at p as float64. Intrinsics, because gcc splits a vector conversion into halves. */
#if defined(__AVX512F__)
INLINE vf64 vf32_load_wide(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
#elif defined(__AVX2__)
INLINE vf64 vf32_load_wide(const float *p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
#else
INLINE vf64 vf32_load_wide(const float *p) { return (vf64){p[0], p[1]}; }
#endif
INLINE vf64 vf64_load_wide(const double *p) { return vf64_load(p); }

#endif
