/* c = a b for square float32 matrices, n a multiple of 32 up to 1024: the ideas of src_c/matmul/matmul.c one after the other.
   Every rung adds one idea to the rung before, and all have the same bits: a chain of fma per element, k rising. */
#include <stdlib.h>
#include "base/simd.h"
#include "team/team.h"
#define W MG_W32

enum { BLOCK = 64, ROWS = MG_BYTES == 64 ? 14 : 6 };

void naive(size_t n, const float *a, const float *b, float *c) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = 0;
            for (size_t k = 0; k < n; k++) sum = fmaf(a[i * n + k], b[k * n + j], sum);
            c[i * n + j] = sum;
        }
}

/* Blocks of 64 x 64 x 64: what is read again is still in the first cache. */
void blocked(size_t n, const float *a, const float *b, float *c) {
    memset(c, 0, n * n * sizeof *c);
    for (size_t k0 = 0; k0 < n; k0 += BLOCK)
        for (size_t i0 = 0; i0 < n; i0 += BLOCK)
            for (size_t j0 = 0; j0 < n; j0 += BLOCK)
                for (size_t i = i0; i < i0 + BLOCK && i < n; i++)
                    for (size_t j = j0; j < j0 + BLOCK && j < n; j++) {
                        float sum = c[i * n + j];
                        for (size_t k = k0; k < k0 + BLOCK && k < n; k++) sum = fmaf(a[i * n + k], b[k * n + j], sum);
                        c[i * n + j] = sum;
                    }
}

/* One vector of c at a time: still one chain after another. */
void vectorised(size_t n, const float *a, const float *b, float *c) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j += W) {
            vf32 sum = {0};
            for (size_t k = 0; k < n; k++) sum = vf32_fma(vf32_set1(a[i * n + k]), vf32_load(b + k * n + j), sum);
            vf32_store(c + i * n + j, sum);
        }
}

/* ROWS x 2 vectors of c in registers: as many chains side by side as the multipliers can be given. */
INLINE void tile(const int rows, size_t n, const float *a, const float *b, size_t b_row, float *c) {
    vf32 sum[2 * ROWS];
    const float *group[(ROWS + 2) / 3];             /* of three rows: as many pointers as rows would not fit */
    UNROLL for (int i = 0; i < 2 * rows; i++) sum[i] = (vf32){0};
    UNROLL for (int g = 0; 3 * g < rows; g++) group[g] = a + 3 * g * n;
    for (size_t k = 0; k < n; k++, b += b_row) {
        const vf32 b0 = vf32_load(b), b1 = vf32_load(b + W);
        UNROLL for (int i = 0; i < rows; i++) {
            const vf32 x = vf32_set1(group[i / 3][i % 3 * n]);
            sum[2 * i] = vf32_fma(x, b0, sum[2 * i]), sum[2 * i + 1] = vf32_fma(x, b1, sum[2 * i + 1]);
        }
        UNROLL for (int g = 0; 3 * g < rows; g++) group[g]++;
    }
    UNROLL for (int i = 0; i < rows; i++) vf32_store(c + i * n, sum[2 * i]), vf32_store(c + i * n + W, sum[2 * i + 1]);
}

static void column(size_t n, const float *a, const float *b, size_t b_row, float *c) {
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS) tile(ROWS, n, a + i * n, b, b_row, c + i * n);
    for (; i < n; i++) tile(1, n, a + i * n, b, b_row, c + i * n);
}

void tiled(size_t n, const float *a, const float *b, float *c) {
    for (size_t j = 0; j < n; j += 2 * W) column(n, a, b + j, n, c + j);
}

/* Two vectors of b's columns are copied before they are used n / ROWS times: contiguous, no vector in two cache lines. */
static void packed_columns(size_t n, size_t first, size_t end, const float *a, const float *b, float *c) {
    float *panel = aligned_alloc(64, n * 2 * W * sizeof *panel);
    for (size_t j = first; panel && j < end; j += 2 * W) {
        for (size_t k = 0; k < n; k++)
            for (size_t v = 0; v < 2 * W; v += W) vf32_store(panel + k * 2 * W + v, vf32_load(b + k * n + j + v));
        column(n, a, panel, 2 * W, c + j);
    }
    free(panel);
}

void packed(size_t n, const float *a, const float *b, float *c) { packed_columns(n, 0, n, a, b, c); }

/* Half of the columns for each of two threads. */
struct product {
    size_t n;
    const float *a, *b;
    float *c;
};

static void half(const void *args, size_t i) {
    const struct product *p = args;
    const size_t middle = p->n / 2 / (2 * W) * (2 * W);
    packed_columns(p->n, i ? middle : 0, i ? p->n : middle, p->a, p->b, p->c);
}

void threaded(size_t n, const float *a, const float *b, float *c) {
    mg_team_resize(2);
    mg_team_share(n * n * n / 8, 2, half, &(struct product){n, a, b, c});
}
