/* Sums over channels of one place, a few samples of a chunk at a time. Included by standardize.c, once per precision.
   */

/* Adds some samples to the sums of a chunk, or starts these if `first`: Σ g (x - mean) at sums, and Σ g at sums +
   channels, for `vectors` vectors of columns, of which the last has `part` columns. If by_rows, mean and rstd are
   those of the rows, `groups` apart, and g (x - mean) is multiplied by rstd. Otherwise mean is that of each column,
   and rstd is not used. */
INLINE void FN(some_columns)(const int by_rows, int first, size_t samples, size_t stride, const real *g, const real *x,
                             const double *mean, const double *rstd, size_t groups, const int vectors, size_t part,
                             double *sums, size_t channels) {
    vf64 product[4], sum[4], middle[4] = {{0}};
    UNROLL for (int v = 0; v < vectors; v++) {
        const size_t n = v < vectors - 1 ? MG_W64 : part;
        product[v] = first ? (vf64){0} : vf64_load_part(sums + v * MG_W64, n);
        sum[v] = first ? (vf64){0} : vf64_load_part(sums + channels + v * MG_W64, n);
        if (!by_rows) middle[v] = vf64_load_part(mean + v * MG_W64, n);
    }
    for (size_t i = 0; i < samples; i++, g += stride, x += stride) {
        const vf64 own = vf64_set1(by_rows ? mean[i * groups] : 0), factor = vf64_set1(by_rows ? rstd[i * groups] : 0);
        UNROLL for (int v = 0; v < vectors; v++) {
            const size_t n = v < vectors - 1 ? MG_W64 : part;
            const vf64 slope = FN(widened)(g + v * MG_W64, n);
            const vf64 d = FN(widened)(x + v * MG_W64, n) - (by_rows ? own : middle[v]), term = slope * d;
            product[v] = product[v] + (by_rows ? term * factor : term);
            sum[v] = FN(add64)(sum[v], slope);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        const size_t n = v < vectors - 1 ? MG_W64 : part;
        vf64_store_part(sums + v * MG_W64, n, product[v]);
        vf64_store_part(sums + channels + v * MG_W64, n, sum[v]);
    }
}

/* The sums of a chunk for all columns, or, if by_rows, for the columns of one group. `streams` samples at a time,
   because processors fetch about so many streams of memory ahead. */
INLINE void FN(chunk_sums)(const int by_rows, size_t samples, size_t stride, size_t columns, const real *g,
                           const real *x, const double *mean, const double *rstd, size_t groups, double *sums,
                           size_t channels) {
    for (size_t i = 0; i < samples; i += streams, g += streams * stride, x += streams * stride) {
        const size_t rows = samples - i < streams ? samples - i : streams;
        const double *row_mean = mean + i * groups, *row_rstd = rstd + i * groups;
        for (size_t j = 0; j < columns;) {
            const size_t left = (columns - j + MG_W64 - 1) / MG_W64, end = j + (left >= 4 ? 4 : 1) * MG_W64;
            const size_t part = MG_W64 - (end > columns ? end - columns : 0);
            const double *own = by_rows ? row_mean : mean + j;
            if (left >= 4)
                FN(some_columns)(by_rows, i == 0, rows, stride, g + j, x + j, own, row_rstd, groups, 4, part, sums + j,
                                 channels);
            else FN(some_columns)(by_rows, i == 0, rows, stride, g + j, x + j, own, row_rstd, groups, 1, part, sums + j,
                                  channels);
            j = end;
        }
    }
}

/* Adds some samples to the sums of a chunk, or starts these if `first`: Σ (x - origin) at sums, and Σ (x - origin)² at
   sums + channels, for one to four vectors of columns. */
INLINE void FN(some_differences)(int first, size_t samples, size_t stride, const real *origin, const real *x,
                                 const int vectors, size_t part, double *sums, size_t channels) {
    vf64 sum[4], square[4], zero[4];
    UNROLL for (int v = 0; v < vectors; v++) {
        const size_t n = v < vectors - 1 ? MG_W64 : part;
        zero[v] = FN(widened)(origin + v * MG_W64, n);
        sum[v] = first ? (vf64){0} : vf64_load_part(sums + v * MG_W64, n);
        square[v] = first ? (vf64){0} : vf64_load_part(sums + channels + v * MG_W64, n);
    }
    for (size_t i = 0; i < samples; i++, x += stride) {
        UNROLL for (int v = 0; v < vectors; v++) {
            const vf64 d = FN(widened)(x + v * MG_W64, v < vectors - 1 ? MG_W64 : part) - zero[v];
            sum[v] = sum[v] + d, square[v] = square[v] + d * d;
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        const size_t n = v < vectors - 1 ? MG_W64 : part;
        vf64_store_part(sums + v * MG_W64, n, sum[v]);
        vf64_store_part(sums + channels + v * MG_W64, n, square[v]);
    }
}
