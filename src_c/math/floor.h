/* floor and ceil of a vector, V(floor)(x) for both precisions: adding and taking away 2^23 or 2^52 rounds to a whole
   number in every variant alike. */
#ifndef MG_WHOLE_H
#define MG_WHOLE_H
#include "base/simd.h"
#define MG_SOURCE "math/floor.h"
#include "base/mg_both.h"

#elif defined(real)

INLINE vec V(floor)(vec x) {
    const vec all_whole = V(set1)(real_bits == 32 ? R(0x1p23) : R(0x1p52)), a = V(abs)(x);
    const vec nearest = V(copysign)((a + all_whole) - all_whole, x), n = V(select)(V(lt)(a, all_whole), nearest, x);
    return n - V(select)(V(lt)(x, n), V(set1)(1), (vec){0});
}

INLINE vec V(ceil)(vec x) { return -V(floor)(-x); }

INLINE mask V(is_whole)(vec x) { return V(eq)(V(floor)(x), x); }

#endif
