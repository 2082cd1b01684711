/* mg_<family>_tables[]: the table of one family of kernels, one entry per variant, indexed by runtime.variant.
   Compiled once per family, with -DMG_FAMILY=penalty -DMG_HEADER="penalty/penalty.h" for instance. */
#include "base/variants.h"
#include MG_HEADER

#define TYPE MG_CAT(MG_CAT(mg_, MG_FAMILY), _table)
#define ENTRY(variant) MG_CAT(MG_CAT(MG_CAT(mg_, MG_FAMILY), _), variant)

#define X(variant) extern const TYPE ENTRY(variant);
MG_VARIANTS(X)
#undef X

#define X(variant) &ENTRY(variant),
const TYPE *const MG_CAT(MG_CAT(mg_, MG_FAMILY), _tables)[] = {MG_VARIANTS(X)};
