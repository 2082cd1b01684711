/* One body, two precisions. A source file that starts

       #ifndef real
       #define MG_SOURCE "penalty/penalty.c"
       #include "base/mg_both.h"
       ... the table ...
       #else
       ... the functions ...
       #endif

   is compiled from its top; where it includes this header, this header includes it again (MG_SOURCE) twice: with `real`
   as float, then as double, and both take the #else half. FN(name) is mg_name_f32, then mg_name_f64;
   V(fma) is vf32_fma, then vf64_fma (simd.h); REAL_FMA is the scalar fused multiply-add, R(0.5) a literal; ubits and
   uvec are the unsigned integers of that width. The table spells both names of each function, mg_name_f32 and
   mg_name_f64, so a search for either finds this file, and FN(name) in it is the function.
   A header with functions for both precisions does the same (exp_log_tanh.h); it tests another macro than `real`. */
#include <math.h>
#include <stdint.h>
#include "base/variants.h"

#define real float
#define real_bits 32
#define FN(name) mg_##name##_f32
#define V(name) vf32_##name
#define vec vf32
#define mask mf32
#define uvec vu32
#define ubits uint32_t
#define W MG_W32
#define R(x) x##f
#define REAL_FMA fmaf
#include MG_SOURCE
#undef real
#undef real_bits
#undef FN
#undef V
#undef vec
#undef mask
#undef uvec
#undef ubits
#undef W
#undef R
#undef REAL_FMA

#define real double
#define real_bits 64
#define FN(name) mg_##name##_f64
#define V(name) vf64_##name
#define vec vf64
#define mask mf64
#define uvec vu64
#define ubits uint64_t
#define W MG_W64
#define R(x) x
#define REAL_FMA fma
#include MG_SOURCE
#undef real
#undef real_bits
#undef FN
#undef V
#undef vec
#undef mask
#undef uvec
#undef ubits
#undef W
#undef R
#undef REAL_FMA
#undef MG_SOURCE
