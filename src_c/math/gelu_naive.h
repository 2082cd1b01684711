/* The plain meaning of gelu.h, one number at a time, which it equals bit for bit. */
#ifndef MG_GELU_NAIVE_H
#define MG_GELU_NAIVE_H
#include "math/erf_naive.h"
#define MG_SOURCE "math/gelu_naive.h"
#include "base/mg_both.h"

#elif defined(real)

#define NAIVE(name) MG_CAT(naive_##name##_f, real_bits)

static real NAIVE(gelu)(real x) { return x * NAIVE(normal_cdf)(x); }

static real NAIVE(gelu_grad)(real g, real x) {
    const real density = NAIVE(exp)(x * x * R(-0.5)) * (real)mg_by_root_2_pi;
    return g * REAL_FMA(x, density, NAIVE(normal_cdf)(x));
}

static real NAIVE(gelu_square)(real x) {
    const real size = fabs(x) > 100 ? 100 : (real)fabs(x);
    return size * size;
}

static real NAIVE(gelu_tanh)(real x) {
    return x * NAIVE(sigmoid)(x * REAL_FMA(NAIVE(gelu_square)(x), (real)mg_gelu_d, (real)mg_gelu_c));
}

static real NAIVE(gelu_tanh_grad)(real g, real x) {
    const real square = NAIVE(gelu_square)(x), at = x * REAL_FMA(square, (real)mg_gelu_d, (real)mg_gelu_c);
    const real q = NAIVE(sigmoid)((real)-fabs(at)), s = at < 0 ? q : 1 - q;
    const real slope = REAL_FMA(square, 3 * (real)mg_gelu_d, (real)mg_gelu_c);
    return g * REAL_FMA(x * (q * (1 - q)), slope, s);
}

#undef NAIVE

#endif
