/* GELU of a vector, V(gelu)(x) for both precisions: x Phi(x), where Phi is the normal distribution function; the
   approximation of it by tanh, which is x sigmoid(x (c + d x^2)); and the derivatives of both times g. One number at a
   time: gelu_naive.h. */
#ifndef MG_GELU_H
#define MG_GELU_H
#include "math/erf.h"
#define MG_SOURCE "math/gelu.h"
#include "base/mg_both.h"

#elif defined(real)

INLINE vec V(gelu)(vec x) { return x * V(normal_cdf)(x); }

INLINE vec V(gelu_grad)(vec g, vec x) {
    const vec density = V(exp)(x * x * R(-0.5)) * (real)mg_by_root_2_pi;
    return g * V(fma)(x, density, V(normal_cdf)(x));
}

/* x^2, but at most 10^4, so that it stays finite; where |x| > 100, the sigmoid is 0 or 1 anyway. */
INLINE vec V(gelu_square)(vec x) {
    const vec size = V(min)(V(set1)(100), V(abs)(x));
    return size * size;
}

INLINE vec V(gelu_tanh)(vec x) {
    const vec rise = V(fma)(V(gelu_square)(x), V(set1)((real)mg_gelu_d), V(set1)((real)mg_gelu_c));
    return x * V(sigmoid)(x * rise);
}

/* g (s + x s (1 - s) (c + 3 d x^2)) for the sigmoid s of x (c + d x^2); q is the smaller of s and 1 - s. */
INLINE vec V(gelu_tanh_grad)(vec g, vec x) {
    const vec square = V(gelu_square)(x), one = V(set1)(1), c = V(set1)((real)mg_gelu_c);
    const vec at = x * V(fma)(square, V(set1)((real)mg_gelu_d), c), q = V(sigmoid)(-V(abs)(at));
    const vec s = V(select)(V(lt)(at, (vec){0}), q, one - q);
    const vec slope = V(fma)(square, V(set1)(3 * (real)mg_gelu_d), c);
    return g * V(fma)(x * (q * (one - q)), slope, s);
}

#endif
