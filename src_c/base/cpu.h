/* What this processor can run, asked once when minigrad.kernels.runtime is loaded. */
#ifndef MG_CPU_H
#define MG_CPU_H

#include <float.h>
#include "base/variants.h"

#define MG_COUNT(variant) +1
#define MG_NAME(variant) #variant,
#define MG_INDEX(variant) mg_index_##variant,
enum { MG_VARIANTS(MG_INDEX) mg_index_end };

static inline const char *const *mg_variant_names(void) {
    static const char *const names[] = {MG_VARIANTS(MG_NAME) 0};
    return names;
}
static inline int mg_variant_count(void) { return 0 MG_VARIANTS(MG_COUNT); }

static inline int mg_variant_supported(int variant) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (variant == mg_index_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (variant == mg_index_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("bmi2");
#endif
    return variant >= 0 && variant < mg_index_end;
}

/* A library linked with -ffast-math sets flush-to-zero for the whole process. */
static inline int mg_denormals_kept(void) {
    volatile double smallest = DBL_MIN;
    return smallest / 2 != 0;
}

#endif
