/* What selftest.c does with each kernel, for the precision `real`. Included by mg_both.h, twice. */
#define TABLE(family) mg_##family##_tables[variant]
#define PRECISION (real_bits == 64)
#define CALL(family, name) TABLE(family)->name[PRECISION]
#define ITEM ((ptrdiff_t)sizeof(real))
#if real_bits == 32
#define other double
#define FEED_OTHER mg_feed_f64
#else
#define other float
#define FEED_OTHER mg_feed_f32
#endif

static void mg_feed_f64(size_t n, const double *x);

static void FN(feed)(size_t n, const real *x) {
    for (size_t i = 0; i < n; i++) {
        const real y = x[i] == x[i] ? x[i] : (real)NAN;     /* sign and payload of a NaN are outside the promise */
        ubits b;
        memcpy(&b, &y, sizeof b);
        feed(x[i] == x[i] ? b : (ubits)-1, sizeof b);
    }
}

/* Numbers in [-2, 2), as many bits as fit. */
static real *FN(mild)(size_t n) {
    real *x = fresh(n * sizeof *x, sizeof *x);
    const int shift = real_bits == 32 ? 40 : 11;
    for (size_t i = 0; i < n; i++) x[i] = (real)((int64_t)draw() >> shift) / (real)((int64_t)1 << (62 - shift));
    return x;
}

/* Numbers of every size from 2^-8 to 2^12: where exp, log and tanh have their arguments. */
static real *FN(warm)(size_t n) {
    real *x = FN(mild)(n);
    for (size_t i = 0; i < n; i++) x[i] *= (real)(1 << draw() % 20) / 256;
    return x;
}

/* Any bits at all, and the special values. */
static real *FN(wild)(size_t n) {
    real *x = fresh(n * sizeof *x, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const ubits b = (ubits)draw();
        if (draw() % 3) memcpy(&x[i], &b, sizeof b);
        else x[i] = (real)specials[draw() % (sizeof specials / sizeof *specials)];
    }
    return x;
}

/* --- gather --- */

static void FN(check_add_at)(void) {
    EACH_SIZE(n) if (n && n < 300) {
        real *x = FN(wild)(9 * n), *out = FN(mild)(5 * n);
        mg_rows_args p = {.outer = 1, .n = 9, .few = 5, .size = n, .bytes = sizeof(real), .x = x, .out = out};
        p.index = fresh_indices(9, 5);
        CALL(gather, add_at)(&p, 0, 0, n);
        p.index = fresh_indices(9, 5);
        CALL(gather, add_at)(&p, 0, 0, n / 2);
        FN(feed)(5 * n, out);
    }
}

/* --- elementwise --- */

static void FN(check_maps)(mg_mapper map) {
    EACH_SIZE(n) {
        real *a = n % 2 ? FN(wild)(n) : FN(warm)(n), *b = FN(wild)(n), *out = FN(mild)(n);
        map(op, 1, n, (mg_operand){(char *)a, 0, ITEM}, (mg_operand){(char *)b, 0, ITEM}, out);
        FN(feed)(n, out);
        map(op, 1, n, (mg_operand){(char *)out, 0, ITEM}, (mg_operand){(char *)out, 0, ITEM}, out);
        FN(feed)(n, out);                           /* in place */
    }
    real *a = FN(warm)(20011), *out = FN(mild)(20011), number = (real)0.75;
    map(op, 1, 20011, (mg_operand){(char *)a, 0, ITEM}, (mg_operand){(char *)&number, 0, 0}, out);
    FN(feed)(20011, out);
    for (size_t n = 1; n < 40; n++, release()) {    /* columns two apart, rows backwards; one column, one row */
        a = FN(warm)(5 * 80);
        const mg_operand x = {(char *)(a + 4 * 80), -80 * ITEM, 2 * ITEM}, column = {(char *)a, ITEM, 0};
        const mg_operand row = {(char *)a, 0, ITEM};
        out = FN(mild)(5 * n);
        map(op, 5, n, x, column, out);
        FN(feed)(5 * n, out);
        map(op, 5, n, row, x, out);
        FN(feed)(5 * n, out);
        map(op, 5, n, column, row, out);
        FN(feed)(5 * n, out);
    }
}

static void FN(check_map)(void) { FN(check_maps)(CALL(elementwise, map)); }
static void FN(check_elementary)(void) { FN(check_maps)(CALL(elementary, map)); }

static void FN(check_where)(void) {
    EACH_SIZE(n) {
        real *a = FN(wild)(n + 1), *b = FN(mild)(n + 1), *out = FN(mild)(n);
        uint8_t *c = fresh_bytes(n);
        for (size_t i = 0; i < n; i++) c[i] &= 1;
        for (int steps = 0; steps < 4; steps++) {
            const mg_where_args p = {
                .n = n, .c = c, .a = steps & 1 ? a : NULL, .b = steps >> 1 ? b : NULL, .out = out, .a_value = a[0],
                .b_value = b[0], .precision = PRECISION};
            CALL(elementary, where)(&p, 0, n);
            FN(feed)(n, out);
        }
    }
}

static void FN(check_convert)(void) {
    EACH_SIZE(n) {
        real *x = FN(wild)(2 * n + 1), *y = FN(warm)(n);
        other *out = fresh(n * sizeof *out, sizeof *out);
        const mg_operand dense = {(char *)y, 0, ITEM}, strided = {(char *)(x + (n ? 2 : 0)), 0, 2 * ITEM};
        TABLE(elementwise)->map[!PRECISION](mg_op_convert, 1, n, dense, dense, out);
        FEED_OTHER(n, out);
        TABLE(elementwise)->map[!PRECISION](mg_op_convert, 1, n, strided, strided, out);
        FEED_OTHER(n, out);
    }
}

/* --- matmul --- */

/* One product. Stored rows are `step` apart, or as long as they are if that is longer; c has gaps that stay. */
static void FN(product)(size_t m, size_t n, size_t k, int ta, int tb, size_t step, int option, int lanes) {
    static const int activations[] = {MG_ACT_NONE, MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID};
    const size_t a_rows = ta ? k : m, a_columns = ta ? m : k, b_rows = tb ? n : k, b_columns = tb ? k : n;
    const size_t a_step = a_columns > step ? a_columns : step, b_step = b_columns > step ? b_columns : step;
    const size_t c_step = n + m % 3, c_size = m ? (m - 1) * c_step + n : 0;
    real *c = FN(mild)(c_size);
    const real *a = FN(mild)(a_rows ? (a_rows - 1) * a_step + a_columns : 0);
    const real *b = FN(mild)(b_rows ? (b_rows - 1) * b_step + b_columns : 0);
    const real *bias = FN(mild)(n);
    mg_product p = {
        .m = m, .n = n, .k = k, .a = a, .b = b, .c = c, .bias = option > 1 ? bias : NULL, .c_row = (ptrdiff_t)c_step,
        .a_row = (ptrdiff_t)a_step, .a_col = 1, .b_row = (ptrdiff_t)b_step, .b_col = 1,
        .activation = activations[option], .accumulate = option == 1,
    };
    if (ta) p.a_row = 1, p.a_col = (ptrdiff_t)a_step;
    if (tb) p.b_row = 1, p.b_col = (ptrdiff_t)b_step;
    if (lanes) p.c_row = 1, p.b_col = 0, CALL(matmul, matvec)(&p);
    else CALL(matmul, matmul)(&p, fresh_aligned(CALL(matmul, matmul_scratch)(&p)));
    FN(feed)(c_size, c);
    release();
}

static void FN(products)(size_t m, size_t n, size_t k, size_t step) {
    const int option = (int)(draw() % 5);
    for (int t = 0; t < 4; t++) FN(product)(m, n, k, t & 1, t >> 1, step, (option + t) % 5, 0);
}

static void FN(check_matmul)(void) {
    static const size_t ms[] = {1, 2, 3, 5, 14, 15, 25}, ns[] = {1, 2, 15, 16, 17, 33, 130}, ks[] = {0, 1, 7, 33};
    const size_t chunk = 4096 / sizeof(real), page = 2048 / sizeof(real);
    for (size_t i = 0; i < 7 * 7 * 4; i++) FN(products)(ms[i % 7], ns[i / 7 % 7], ks[i / 49], 0);
    for (int option = 0; option < 5; option++) {    /* sums over several chunks of k, and what follows them */
        FN(product)(9, 17, chunk - 1, 0, 0, 0, option, 0);
        FN(product)(9, 17, chunk, 0, 1, 0, option, 0);
        FN(product)(9, 17, chunk + 1, 1, 0, 0, option, 0);
        FN(product)(9, 17, 2 * chunk + 3, 0, 0, 0, option, 0);
        FN(product)(17, 40, chunk + 1, 0, 1, 0, option, 0);
    }
    FN(products)(17, 230, 40, 0);                   /* the transpose of bᵀaᵀ, in several blocks of columns */
    FN(products)(33, 231, 70, 0);
    FN(products)(65, 130, 33, page);                /* columns of a and b that share few cache sets: copied first */
    FN(products)(130, 129, 20, page);
    FN(products)(170, 18, chunk, 0);                /* several blocks of rows */
}

static void FN(check_matvec)(void) {
    static const size_t ms[] = {1, 2, 7, 16, 17, 63, 64, 65, 130};
    static const size_t ks[] = {0, 1, 31, 32, 33, 65, 511, 512, 513, 1024, 1027, 2050};
    for (size_t i = 0; i < 9 * 12; i++)
        for (int t = 0; t < 4; t++)
            FN(product)(ms[i % 9], 1, ks[i / 9], t & 1, t >> 1, i % 5 == 0 ? 200 : 0, (int)(i + t) % 5, 1);
    FN(product)(1, 1, 40000, 0, 1, 0, 0, 1);
}

/* Dot products of rows with vectors of their own, which are contiguous or not. */
static void FN(check_dots)(void) {
    static const size_t ms[] = {1, 2, 7, 16, 17, 65}, ks[] = {0, 1, 31, 33, 64, 512, 1027};
    for (size_t i = 0; i < 6 * 7; i++)
        for (int t = 0; t < 4; t++, release()) {
            const size_t m = ms[i % 6], k = ks[i / 6], gap = k + t;
            real *c = FN(mild)(m);
            const mg_product p = {
                .m = m, .n = 1, .k = k, .a = FN(mild)(m * gap), .b = FN(mild)(m * gap), .c = c, .c_row = 1,
                .a_row = t & 1 ? 1 : (ptrdiff_t)gap, .a_col = t & 1 ? (ptrdiff_t)m : 1,
                .b_row = t >> 1 ? (ptrdiff_t)m : 1, .b_col = t >> 1 ? 1 : (ptrdiff_t)gap, .accumulate = i % 2,
            };
            CALL(matmul, matvec)(&p);
            FN(feed)(m, c);
        }
}

/* --- reduce --- */

static double FN(flat_sum)(size_t n, const real *x) {
    const mg_reduce_args p = {.outer = 1, .n = n, .inner = 1, .x = x, .precision = PRECISION};
    return CALL(reduce, sum_flat)(&p, 0, n);
}

static void FN(check_sum_flat)(void) {
    EACH_SIZE(n) {
        const double mild = FN(flat_sum)(n, FN(mild)(n)), wild = FN(flat_sum)(n, FN(wild)(n));
        mg_feed_f64(1, &mild), mg_feed_f64(1, &wild);
    }
    const double sum = FN(flat_sum)(70001, FN(warm)(70001));
    mg_feed_f64(1, &sum);
}

static void FN(check_sum_rows)(void) {
    EACH_SIZE(n) {
        real *out = FN(mild)(3);
        const mg_reduce_args p = {.outer = 3, .n = n, .inner = 1, .rows = 1, .x = FN(warm)(3 * n), .out = out,
                                  .divisor = 7, .precision = PRECISION};
        CALL(reduce, sum_rows)(&p, 0, 3);
        FN(feed)(3, out);
    }
}

static void FN(check_sum_columns)(void) {
    EACH_SIZE(n)
        for (size_t m = 0; m < 100 && n < 600; m = 2 * m + 1) {
            real *x = FN(warm)(m ? (m - 1) * (n + 2) + n : 0), *out = FN(mild)(n);
            const mg_reduce_args p = {
                .outer = 1, .n = m, .inner = n + 2, .x = x, .out = out, .divisor = 3, .precision = PRECISION};
            CALL(reduce, sum_columns)(&p, 0, 0, n);
            FN(feed)(n, out);
        }
    real *x = FN(mild)(5000), *out = FN(mild)(2);
    const mg_reduce_args p = {
        .outer = 1, .n = 2500, .inner = 2, .x = x, .out = out, .divisor = 1, .precision = PRECISION};
    CALL(reduce, sum_columns)(&p, 0, 0, 2);
    FN(feed)(2, out);
}

static void FN(check_extreme_rows)(void (*kernel)(const mg_reduce_args *, size_t, size_t)) {
    EACH_SIZE(n) if (n) {
        real *x = n % 2 ? FN(wild)(3 * n) : FN(mild)(3 * n), *out = FN(mild)(3);
        int64_t *index = fresh_indices(3, 9);
        kernel(&(mg_reduce_args){.outer = 3, .n = n, .inner = 1, .rows = 1, .x = x, .out = out, .index = index,
                                 .precision = PRECISION}, 0, 3);
        FN(feed)(3, out), feed_indices(3, index);
    }
}

static void FN(check_extreme_columns)(void (*kernel)(const mg_reduce_args *, size_t, size_t, size_t)) {
    EACH_SIZE(n)
        for (size_t m = 1; m < 50 && n < 600; m = 3 * m + 1) {
            const size_t size = (m - 1) * (n + 1) + n;
            real *x = n % 2 ? FN(wild)(size) : FN(mild)(size), *out = FN(mild)(n);
            int64_t *index = fresh_indices(n, 9);
            kernel(&(mg_reduce_args){.outer = 1, .n = m, .inner = n + 1, .x = x, .out = out, .index = index,
                                     .precision = PRECISION}, 0, 0, n);
            FN(feed)(n, out), feed_indices(n, index);
        }
}

static void FN(check_max_rows)(void) { FN(check_extreme_rows)(CALL(reduce, max_rows)); }
static void FN(check_min_rows)(void) { FN(check_extreme_rows)(CALL(reduce, min_rows)); }
static void FN(check_max_columns)(void) { FN(check_extreme_columns)(CALL(reduce, max_columns)); }
static void FN(check_min_columns)(void) { FN(check_extreme_columns)(CALL(reduce, min_columns)); }

static void FN(check_max_grad)(void) {
    EACH_SIZE(n) if (n && n < 300) {
        real *g = FN(wild)(3 * 5), *out = FN(mild)(3 * n * 5);
        const mg_max_grad_args p = {.outer = 3, .n = n, .inner = 5, .g = g, .index = fresh_indices(3 * 5, n), .out = out,
                                    .precision = PRECISION};
        CALL(reduce, max_grad)(&p, 0, 3);
        FN(feed)(3 * n * 5, out);
    }
}

/* --- scans --- */

static void FN(scan)(mg_scan kernel, size_t rows, size_t n, const real *x, const real *g, int reverse, real *out) {
    kernel(&(mg_scan_args){.rows = rows, .n = n, .x = x, .g = g, .out = out, .reverse = reverse,
                           .precision = PRECISION}, 0, rows);
}

static void FN(check_cumsum)(void) {
    EACH_SIZE(n) {
        real *out = FN(mild)(5 * n);
        real *x = n % 2 ? FN(wild)(5 * n) : FN(warm)(5 * n);
        FN(scan)(CALL(scans, cumsum), 5, n, x, NULL, n % 3 == 0, out);
        FN(feed)(5 * n, out);
    }
}

static void FN(check_prod)(void) {
    EACH_SIZE(n) {
        real *out = FN(mild)(3);
        FN(scan)(CALL(scans, prod), 3, n, n % 5 ? FN(mild)(3 * n) : FN(wild)(3 * n), NULL, 0, out);
        FN(feed)(3, out);
    }
}

static void FN(check_prod_grad)(void) {
    EACH_SIZE(n) if (n < 2000) {
        real *out = FN(mild)(3 * n), *g = FN(mild)(3);
        FN(scan)(CALL(scans, prod_grad), 3, n, n % 5 ? FN(mild)(3 * n) : FN(wild)(3 * n), g, 0, out);
        FN(feed)(3 * n, out);
    }
}

static void FN(check_norm)(void) {
    EACH_SIZE(n) {
        real *x = n % 5 ? FN(warm)(3 * n) : FN(wild)(3 * n), *out = FN(mild)(3);
        const real large = (real)(real_bits == 32 ? 0x1p100 : 0x1p600), scale = n % 3 == 0 ? 1 / large : large;
        for (size_t i = 0; i < 3 * n && n % 2; i++) x[i] *= scale;
        FN(scan)(CALL(scans, norm), 3, n, x, NULL, 0, out);
        FN(feed)(3, out);
    }
}

#include "selftest_training.h"

#undef CALL
#undef PRECISION
#undef ITEM
#undef other
#undef FEED_OTHER
