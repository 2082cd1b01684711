/* How many rows a tile of tile.h has, and how it reads a narrow row: the same for both precisions. */
#ifndef MG_TILE_SIZES_H
#define MG_TILE_SIZES_H
#include "base/simd.h"

#if MG_BYTES == 64                          /* 28 sums, 2 vectors of b and 1 of a fill 31 of the 32 registers */
enum { ROWS_1 = 24, ROWS_2 = 14 };
#else                                       /* 12 sums, 2 and 1 fill 15 of the 16 registers */
enum { ROWS_1 = 12, ROWS_2 = 6 };
#endif

/* AVX2 and AVX-512 read the first n < W numbers of a row in place; other variants copy and pad the panel. */
#if MG_BYTES > 16
#define NARROW_LOAD(p, n) V(load_part)(p, n)
enum { PADS = 0 };
#else
#define NARROW_LOAD(p, n) V(load)(p)
enum { PADS = 1 };
#endif

#endif
