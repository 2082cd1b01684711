/* What selftest.c does with convolutions and pools, for the precision `real`. Included by mg_both.h, twice. */
#define CALL(family, name) mg_##family##_tables[variant]->name[real_bits == 64]

/* Geometries: kernel, stride, padding, dilation of rows, then of columns; groups, channels in and out of each. */
static const size_t FN(planes)[][11] = {
    {3, 1, 1, 1, 3, 1, 1, 1, 1, 3, 17}, {1, 1, 0, 1, 1, 1, 0, 1, 1, 5, 30}, {2, 2, 0, 1, 3, 3, 1, 2, 2, 2, 5},
    {3, 1, 1, 1, 3, 1, 1, 1, 6, 1, 1},  {3, 2, 1, 2, 5, 2, 2, 1, 3, 2, 2},  {1, 3, 0, 1, 7, 1, 3, 1, 1, 2, 33},
    {3, 1, 1, 1, 3, 1, 1, 1, 1, 130, 4},
};
enum { FN(geometries) = sizeof FN(planes) / sizeof *FN(planes) };

static mg_conv_args FN(fresh_conv)(size_t i, size_t height, size_t width) {
    const size_t *g = FN(planes)[i];
    mg_conv_args p = {.samples = 1 + i % 3, .groups = g[8], .in = g[9], .out = g[10], .precision = real_bits == 64};
    for (int d = 0; d < 2; d++) {
        const size_t x = d ? width : height, reach = (g[4 * d] - 1) * g[4 * d + 3] + 1;
        p.axis[d] = (mg_conv_axis){x, 0, g[4 * d], g[4 * d + 1], g[4 * d + 2], g[4 * d + 3]};
        p.axis[d].y = (x + 2 * g[4 * d + 2] - reach) / g[4 * d + 1] + 1;
    }
    p.x = FN(mild)(p.samples * p.groups * p.in * height * width);
    p.y = FN(mild)(p.samples * p.groups * p.out * p.axis[0].y * p.axis[1].y);
    p.w = FN(mild)(p.groups * p.out * p.in * p.axis[0].kernel * p.axis[1].kernel);
    p.bias = FN(mild)(p.groups * p.out);
    return p;
}

static void FN(check_sums_over_taps)(int which) {
    static const size_t sides[][2] = {{5, 5}, {9, 21}, {7, 40}};
    for (size_t i = 0; i < 3 * FN(geometries); i++, release()) {
        mg_conv_args p = FN(fresh_conv)(i / 3, sides[i % 3][0], sides[i % 3][1]);
        const size_t size = which == MG_CONV ? p.out * p.axis[0].y * p.axis[1].y : p.in * p.axis[0].x * p.axis[1].x;
        real *result = p.result = FN(mild)(p.samples * p.groups * size);
        const size_t bytes = CALL(conv, conv2d_filters)(&p, which, NULL), units = p.samples * p.groups;
        void *filters = fresh_aligned(bytes), *scratch = fresh_aligned(CALL(conv, conv2d_scratch)(&p, which));
        static const int activations[] = {MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID};
        if (which == MG_CONV) p.activation = activations[i % 4];
        if (i % 4 == 0) p.bias = NULL;
        if (bytes) CALL(conv, conv2d_filters)(&p, which, filters);
        for (size_t slice = 0; slice < 2; slice++) {            /* all units by halves: the last one first */
            if (which == MG_CONV) CALL(conv, conv2d)(&p, filters, 1, units - 1, slice, 2, scratch);
            else CALL(conv, conv2d_input)(&p, filters, 1, units - 1, slice, 2, scratch);
        }
        if (which == MG_CONV) CALL(conv, conv2d)(&p, filters, 0, 1, 0, 1, scratch);
        else CALL(conv, conv2d_input)(&p, filters, 0, 1, 0, 1, scratch);
        FN(feed)(p.samples * p.groups * size, result);
    }
}

static void FN(check_conv2d)(void) { FN(check_sums_over_taps)(MG_CONV); }
static void FN(check_conv2d_input)(void) { FN(check_sums_over_taps)(MG_CONV_INPUT); }

static void FN(check_conv2d_weight)(void) {
    static const size_t sides[][2] = {{5, 5}, {9, 21}, {40, 33}};
    for (size_t i = 0; i < 3 * FN(geometries); i++, release()) {
        mg_conv_args p = FN(fresh_conv)(i / 3, sides[i % 3][0], sides[i % 3][1]);
        const size_t size = p.groups * p.out * p.in * p.axis[0].kernel * p.axis[1].kernel, channels = p.groups * p.in;
        real *result = p.result = FN(mild)(size);
        void *scratch = fresh_aligned(CALL(conv, conv2d_scratch)(&p, MG_CONV_WEIGHT));
        CALL(conv, conv2d_weight)(&p, 0, channels / 2, scratch);
        CALL(conv, conv2d_weight)(&p, channels / 2, channels - channels / 2, scratch);
        FN(feed)(size, result);
    }
}

/* A pool of 3 planes: from x to y, or back. */
static mg_pool_args FN(fresh_pool)(size_t i, int back, int dilated) {
    const size_t *g = FN(planes)[i % FN(geometries)];
    mg_pool_args p = {.planes = 3, .bordered = (int)(i % 2), .divisor = i % 5 == 4 ? 7 : 0, .precision = real_bits == 64};
    for (int d = 0; d < 2; d++) {
        const size_t k = g[4 * d], e = dilated ? g[4 * d + 3] : 1, padding = k / 2, x = 6 + 13 * i % 31 * (size_t)d;
        p.axis[d] = (mg_pool_axis){x, 0, k, g[4 * d + 1], padding, e};
        p.axis[d].y = (x + 2 * padding - (k - 1) * e - 1) / g[4 * d + 1] + 1;
        if (!dilated && i % 4 == 3) p.axis[d].kernel = 0, p.axis[d].padding = 0, p.bordered = 0;
    }
    const size_t places[] = {p.axis[0].x * p.axis[1].x * 3, p.axis[0].y * p.axis[1].y * 3};
    p.from = dilated ? FN(wild)(places[back]) : FN(warm)(places[back]);
    p.to = FN(mild)(places[!back]);
    return p;
}

static void FN(check_max_pool2d)(void) {
    for (size_t i = 0; i < 3 * FN(geometries); i++, release()) {
        mg_pool_args p = FN(fresh_pool)(i, 0, 1);
        const size_t n = p.axis[0].y * p.axis[1].y * 3;
        p.found = fresh_indices(n, 1);
        void *scratch = fresh_aligned(mg_pool_tables[variant]->pool_scratch(&p));
        CALL(pool, max_pool2d)(&p, 0, 1, scratch);
        CALL(pool, max_pool2d)(&p, 1, 2, scratch);
        FN(feed)(n, p.to);
        feed_indices(n, p.found);
    }
}

static void FN(check_indexed)(int back) {
    for (size_t i = 0; i < 3 * FN(geometries); i++, release()) {
        mg_pool_args p = FN(fresh_pool)(i, back, 1);
        const size_t x = p.axis[0].x * p.axis[1].x, y = p.axis[0].y * p.axis[1].y;
        p.index = fresh_indices(3 * y, x);
        if (back) CALL(pool, pool_put)(&p, 0, 3, NULL);
        else CALL(pool, pool_pick)(&p, 0, 3, NULL);
        FN(feed)(3 * (back ? x : y), p.to);
    }
}

static void FN(check_pool_pick)(void) { FN(check_indexed)(0); }
static void FN(check_pool_put)(void) { FN(check_indexed)(1); }

static void FN(check_means)(int back) {
    for (size_t i = 0; i < 3 * FN(geometries); i++, release()) {
        mg_pool_args p = FN(fresh_pool)(i, back, 0);
        void *scratch = fresh_aligned(mg_pool_tables[variant]->pool_scratch(&p));
        for (size_t plane = 0; plane < 3; plane += 2) {
            if (back) CALL(pool, avg_pool2d_grad)(&p, plane, plane ? 1 : 2, scratch);
            else CALL(pool, avg_pool2d)(&p, plane, plane ? 1 : 2, scratch);
        }
        FN(feed)(3 * (back ? p.axis[0].x * p.axis[1].x : p.axis[0].y * p.axis[1].y), p.to);
    }
}

static void FN(check_avg_pool2d)(void) { FN(check_means)(0); }
static void FN(check_avg_pool2d_grad)(void) { FN(check_means)(1); }

#undef CALL
