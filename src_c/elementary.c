/* Functions of one number or two beyond elementwise.c's. All compute in float64, so that float32 is rounded once and is
   right but for rare halves. Equal to elementary_naive.c, bit for bit. */
#ifndef real
#include "elementary.h"
#include "erf.h"
#include "exponential.h"
#include "trigonometric.h"
#include "whole.h"

INLINE vf64 mg_step(vf64 a, vf64 b) {
    const vf64 y = vf64_select(vf64_lt(b, a), vf64_set1(1), vf64_select(vf64_eq(a, b), vf64_set1(0.5), (vf64){0}));
    return vf64_select(vf64_eq(a, a) & vf64_eq(b, b), y, a + b);
}

INLINE vf64 mg_elementary_apply(const int op, vf64 a, vf64 b) {
    switch (op) {
    case mg_elementary_expm1: return mg_expm1(a);
    case mg_elementary_log1p: return mg_log1p(a);
    case mg_elementary_log2: return mg_log2(a);
    case mg_elementary_sin: return mg_sin(a);
    case mg_elementary_cos: return mg_cos(a);
    case mg_elementary_tan: return mg_tan(a);
    case mg_elementary_sinh: return mg_sinh(a);
    case mg_elementary_cosh: return mg_cosh(a);
    case mg_elementary_asinh: return mg_asinh(a);
    case mg_elementary_atan: return mg_atan(a);
    case mg_elementary_erf: return mg_erf(a);
    case mg_elementary_normal_cdf: return mg_normal_cdf(a);
    case mg_elementary_softplus: return mg_softplus(a);
    case mg_elementary_floor: return mg_floor(a);
    case mg_elementary_ceil: return mg_ceil(a);
    case mg_elementary_pow: return mg_pow(a, b);
    case mg_elementary_atan2: return mg_atan2(a, b);
    case mg_elementary_hypot: return mg_hypot(a, b);
    case mg_elementary_logaddexp: return mg_logaddexp(a, b);
    case mg_elementary_maximum: return vf64_select(vf64_le(b, a), a, vf64_select(vf64_eq(a, a), b, a));
    case mg_elementary_minimum: return vf64_select(vf64_le(a, b), a, vf64_select(vf64_eq(a, a), b, a));
    case mg_elementary_step: return mg_step(a, b);
    default: return a;
    }
}

#define MG_SOURCE "elementary.c"
#include "mg_both.h"

const mg_elementary_table MG_TABLE(elementary) = {MG_BOTH(map), MG_BOTH(where)};

#else
#include "wide.h"

INLINE void FN(loop)(const int op, size_t n, const real *a, size_t a_step, const real *b, size_t b_step, real *out) {
    for (size_t i = 0; i < n; i += MG_W64) {
        const size_t part = n - i < MG_W64 ? n - i : MG_W64;
        const real *p = a + i * a_step, *q = b + i * b_step;
        const vf64 x = part == MG_W64 ? FN(load64)(p) : FN(load64_part)(p, part);
        const vf64 y = part == MG_W64 ? FN(load64)(q) : FN(load64_part)(q, part);
        FN(store64_part)(out + i, part, mg_elementary_apply(op, x, y));
    }
}

/* One row (rows.h). Each case is the loop made for one op. */
static void FN(row)(int op, size_t n, const real *a, size_t a_step, const real *b, size_t b_step, real *out) {
    switch (op) {
#define CASE(name) case mg_elementary_##name: FN(loop)(mg_elementary_##name, n, a, a_step, b, b_step, out); return;
    MG_ELEMENTARY_1(CASE) MG_ELEMENTARY_2(CASE)
#undef CASE
    }
}

#include "rows.h"

static void FN(map)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, real *out) {
    FN(rows)(op, op < mg_elementary_pow ? 1 : 2, rows, n, a, b, out);
}

INLINE void FN(pick)(size_t n, const uint8_t *c, const real *a, const size_t a_step, const real *b, const size_t b_step,
                     real *out) {
    for (size_t i = 0; i < n; i++) {
        const real x = a[i * a_step], y = b[i * b_step]; /* both are read, so that the choice is no jump */
        out[i] = c[i] ? x : y;
    }
}

/* out = c ? a : b; a step is 1, or 0 for a number. */
static void FN(where)(size_t n, const uint8_t *c, const real *a, size_t a_step, const real *b, size_t b_step,
                      real *out) {
    if (a_step && b_step) FN(pick)(n, c, a, 1, b, 1, out);
    else if (a_step) FN(pick)(n, c, a, 1, b, 0, out);
    else if (b_step) FN(pick)(n, c, a, 0, b, 1, out);
    else FN(pick)(n, c, a, 0, b, 0, out);
}

#endif
