/* How many rows a tile has, and how it reads a narrow row: the same for both precisions. (tile.h has the tile.) */
#ifndef MG_TILE_SIZES_H
#define MG_TILE_SIZES_H
#include "base/simd.h"

#if MG_BYTES == 64                          /* 28 sums + 2 rows of b + 1 of a fill 31 of the 32 registers */
enum { ROWS_1 = 24, ROWS_2 = 14 };
#else                                       /* 12 + 2 + 1 of 16 */
enum { ROWS_1 = 12, ROWS_2 = 6 };
#endif

/* Processors with masks read a narrow vector of a row in place; for others its panel is copied and padded. */
#if MG_BYTES > 16
#define NARROW_LOAD(p, n) V(load_part)(p, n)
enum { PADS = 0 };
#else
#define NARROW_LOAD(p, n) V(load)(p)
enum { PADS = 1 };
#endif

#endif
