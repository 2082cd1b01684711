/* The variants of every kernel, in the order of runtime.variant, the index of the tables (table.c). Adding one: a line
   here, a line in setup.py. */
#ifndef MG_VARIANTS_H
#define MG_VARIANTS_H

#if defined(__x86_64__) || defined(_M_X64)
#define MG_VARIANTS(X) X(naive) X(generic) X(avx2) X(avx512)
#elif defined(__aarch64__)
#define MG_VARIANTS(X) X(naive) X(generic) X(neon)
#else
#define MG_VARIANTS(X) X(naive) X(generic)
#endif

#define MG_CAT_(a, b) a##b
#define MG_CAT(a, b) MG_CAT_(a, b)
#define MG_STR_(x) #x
#define MG_STR(x) MG_STR_(x)

/* MG_TABLE(penalty) is mg_penalty_avx2 while the avx2 variant is compiled. */
#define MG_TABLE(family) MG_CAT(MG_CAT(MG_CAT(mg_, family), _), MG_VARIANT)

#endif
