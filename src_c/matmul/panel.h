/* A copy of two vectors of columns of b, which a tile reads from front to back. Included by matmul.c (through pack.h)
   and conv.c, once per precision. */

#include "base/transpose.h"

/* panel = b (k, n), n <= 2 W, with rows of one or two whole vectors as the tile reads them. The second of two ends
   where the row of b ends, so it may repeat numbers of the first; a single one is padded with zeros. */
static void FN(pack_panel)(size_t k, size_t n, const real *b, ptrdiff_t row, ptrdiff_t col, real *panel) {
    const size_t width = n > W ? 2 * W : W, part = n < W ? n : W;
    for (size_t v = 0; v < width; v += W) {
        const real *from = b + (ptrdiff_t)(v ? n - W : 0) * col;
        real *to = panel + v;
        if (col == 1) {
            for (size_t i = 0; i < k; i++, from += row)
                V(store)(to + i * width, part == W ? V(load)(from) : V(load_part)(from, part));
        } else if (row == 1) {
            for (size_t i = 0; i < k; i += W) {
                vec columns[W];
                if (k - i < W && k >= W) i = k - W; /* the last block overlaps the one before it */
                if (part == W && k >= W) FN(transpose)(from + i, col, columns);
                else FN(transpose_part)(from + i, col, part, k - i < W ? k - i : W, columns);
                for (size_t t = 0; t < W && i + t < k; t++) V(store)(to + (i + t) * width, columns[t]);
            }
        } else {
            for (size_t i = 0; i < k; i++)
                for (size_t t = 0; t < W; t++)
                    to[i * width + t] = t < part ? from[(ptrdiff_t)i * row + (ptrdiff_t)t * col] : 0;
        }
    }
}
