/* What selftest.c does with normalization and embeddings, for the precision `real`. Included by mg_both.h, twice. */
#define PRECISION (real_bits == 64)
#define CALL(family, name) mg_##family##_tables[variant]->name[PRECISION]
#define EACH_PLANE(s) for (size_t s = 0; s < sizeof FN(sizes) / sizeof *FN(sizes); s++, release())

/* --- standardize: sizes around vectors, chunks of samples, chunks of a flat sum --- */

static const size_t FN(sizes)[][4] = { /* samples, groups, width, inner */
    {3, 1, 5, 1},  {33, 1, 17, 1}, {40, 2, 9, 1}, {70, 1, 130, 1}, {2, 2, 3, 7},
    {33, 1, 2, 17}, {3, 3, 1, 64}, {2, 1, 2, 1100}, {65, 1, 1, 1}};

static mg_standardize_args FN(some)(size_t s, int with, int center, int given) {
    const size_t *n = FN(sizes)[s], channels = n[1] * n[2], size = n[0] * channels * n[3];
    mg_standardize_args p = {.samples = n[0], .groups = n[1], .width = n[2], .inner = n[3], .eps = 1e-3,
                             .center = center, .given = given, .precision = PRECISION};
    p.x = s % 3 == 2 ? FN(wild)(size) : FN(warm)(size);
    p.out = FN(mild)(size);
    p.weight = with ? FN(mild)(channels) : NULL;
    p.bias = with ? FN(mild)(channels) : NULL;
    const size_t moments = n[0] * n[1] > channels ? n[0] * n[1] : channels;
    p.mean = mg_mild_f64(moments);
    p.rstd = mg_mild_f64(moments);
    p.var = mg_mild_f64(moments);
    for (size_t i = 0; i < moments; i++) p.var[i] = fabs(p.var[i]), p.rstd[i] = fabs(p.rstd[i]);
    return p;
}

static mg_standardize_grad_args FN(some_grad)(size_t s, int with, int center, int given) {
    const mg_standardize_args p = FN(some)(s, with, center, given);
    const size_t channels = p.groups * p.width;
    mg_standardize_grad_args q = {.samples = p.samples, .groups = p.groups, .width = p.width, .inner = p.inner, .x = p.x,
                                  .weight = p.weight, .mean = p.mean, .rstd = p.rstd, .out = p.out, .center = center,
                                  .given = given, .precision = PRECISION};
    q.g = FN(mild)(p.samples * channels * p.inner);
    q.weight_grad = FN(mild)(channels);
    q.bias_grad = FN(mild)(channels);
    return q;
}

/* Sums of chunks that are there already, and room for numbers. */
static mg_standard_work FN(fresh_work)(size_t samples, size_t channels) {
    const size_t chunks = (samples + mg_sample_chunk - 1) / mg_sample_chunk;
    mg_standard_work work = {.sums = mg_mild_f64(2 * channels * chunks)};
    for (size_t i = channels; i < 2 * channels * chunks; i++) work.sums[i] = fabs(work.sums[i]) * 100;
    work.numbers = FN(mild)(mg_standardize_rows_of_numbers * channels);
    return work;
}

static void FN(feed_moments)(const mg_standardize_args *p, size_t moments) {
    FN(feed)(p->samples * p->groups * p->width * p->inner, p->out);
    mg_feed_f64(moments, p->mean), mg_feed_f64(moments, p->rstd), mg_feed_f64(moments, p->var);
}

static void FN(feed_slopes)(const mg_standardize_grad_args *q) {
    FN(feed)(q->samples * q->groups * q->width * q->inner, q->out);
    FN(feed)(q->groups * q->width, q->weight_grad), FN(feed)(q->groups * q->width, q->bias_grad);
}

static void FN(check_standardize_rows)(void) {
    EACH_PLANE(s)
        for (int way = 0; way < 4; way++, release()) {
            const mg_standardize_args p = FN(some)(s, way & 1, way & 2, 0);
            const size_t rows = p.samples * p.groups;
            CALL(standardize, standardize_rows)(&p, NULL, 0, rows / 2);
            CALL(standardize, standardize_rows)(&p, NULL, rows / 2, rows - rows / 2);
            FN(feed_moments)(&p, rows);
        }
}

static void FN(check_standardize_channels)(void) {
    EACH_PLANE(s) {
        const mg_standardize_args p = FN(some)(s, s & 1, 1, 0);
        const size_t channels = p.groups * p.width;
        CALL(standardize, standardize_channels)(&p, NULL, 0, channels / 2);
        CALL(standardize, standardize_channels)(&p, NULL, channels / 2, channels - channels / 2);
        FN(feed_moments)(&p, channels);
    }
}

static void FN(check_column_sums)(void) {
    EACH_PLANE(s) if (FN(sizes)[s][3] == 1) {
        const mg_standardize_args p = FN(some)(s, 0, 1, 0);
        const size_t channels = p.groups * p.width, chunks = (p.samples + mg_sample_chunk - 1) / mg_sample_chunk;
        const mg_standard_work work = FN(fresh_work)(p.samples, channels);
        CALL(standardize, column_sums)(&p, &work, 0, 1);
        CALL(standardize, column_sums)(&p, &work, 1, chunks - 1);
        mg_feed_f64(2 * channels * chunks, work.sums);
    }
}

/* Behind them places, from the numbers that they left. */
static void FN(check_numbers)(int places) {
    EACH_PLANE(s)
        for (int given = 0; given < 2; given++, release()) {
            const mg_standardize_args p = FN(some)(s, s & 1, 1, given);
            const size_t channels = p.groups * p.width;
            const mg_standard_work work = FN(fresh_work)(p.samples, channels);
            CALL(standardize, column_moments)(&p, &work, 0, channels / 2);
            CALL(standardize, column_moments)(&p, &work, channels / 2, channels - channels / 2);
            if (!places) {
                mg_feed_f64(channels, p.mean), mg_feed_f64(channels, p.var), mg_feed_f64(channels, p.rstd);
                continue;
            }
            CALL(standardize, standardize_places)(&p, &work, 0, p.samples / 3);
            CALL(standardize, standardize_places)(&p, &work, p.samples / 3, p.samples - p.samples / 3);
            FN(feed_moments)(&p, channels);
        }
}

static void FN(check_column_moments)(void) { FN(check_numbers)(0); }
static void FN(check_standardize_places)(void) { FN(check_numbers)(1); }

static void FN(check_standardize_rows_grad)(void) {
    EACH_PLANE(s)
        for (int way = 0; way < 4; way++, release()) {
            mg_standardize_grad_args q = FN(some_grad)(s, way & 1, way & 2, 0);
            const size_t channels = q.groups * q.width, chunks = (q.samples + mg_sample_chunk - 1) / mg_sample_chunk;
            const mg_standard_work work = FN(fresh_work)(q.samples, channels);
            CALL(standardize, standardize_rows_grad)(&q, &work, 0, chunks);
            mg_feed_f64(2 * channels * chunks, work.sums), FN(feed_slopes)(&q);
        }
}

static void FN(check_row_sums)(void) {
    EACH_PLANE(s) {
        const mg_standardize_grad_args q = FN(some_grad)(s, 0, 1, 0);
        const mg_standard_work work = FN(fresh_work)(q.samples, q.groups * q.width);
        CALL(standardize, row_sums)(&q, &work, 0, q.groups * q.width);
        FN(feed_slopes)(&q);
    }
}

static void FN(check_standardize_channels_grad)(void) {
    EACH_PLANE(s)
        for (int way = 0; way < 4; way++, release()) {
            const mg_standardize_grad_args q = FN(some_grad)(s, way & 1, 1, way & 2);
            CALL(standardize, standardize_channels_grad)(&q, NULL, 0, q.groups * q.width);
            FN(feed_slopes)(&q);
        }
}

static void FN(check_column_sums_grad)(void) {
    EACH_PLANE(s) if (FN(sizes)[s][3] == 1) {
        const mg_standardize_grad_args q = FN(some_grad)(s, 0, 1, 0);
        const size_t channels = q.groups * q.width, chunks = (q.samples + mg_sample_chunk - 1) / mg_sample_chunk;
        const mg_standard_work work = FN(fresh_work)(q.samples, channels);
        CALL(standardize, column_sums_grad)(&q, &work, 0, chunks);
        mg_feed_f64(2 * channels * chunks, work.sums);
    }
}

static void FN(check_slopes_of)(int places) {
    EACH_PLANE(s) if (FN(sizes)[s][3] == 1)
        for (int way = 0; way < 4; way++, release()) {
            const mg_standardize_grad_args q = FN(some_grad)(s, way & 1, 1, way & 2);
            const size_t channels = q.groups * q.width;
            const mg_standard_work work = FN(fresh_work)(q.samples, channels);
            CALL(standardize, column_slopes)(&q, &work, 0, channels);
            if (places) CALL(standardize, standardize_places_grad)(&q, &work, 0, q.samples / 2);
            if (places) CALL(standardize, standardize_places_grad)(&q, &work, q.samples / 2, q.samples - q.samples / 2);
            FN(feed_slopes)(&q);
        }
}

static void FN(check_column_slopes)(void) { FN(check_slopes_of)(0); }
static void FN(check_standardize_places_grad)(void) { FN(check_slopes_of)(1); }

static void FN(check_running_moments)(void) {
    EACH_SIZE(n) if (n < 300) {
        mg_running_args p = {.channels = n, .mean = mg_mild_f64(n), .correction = 1.25, .precision = PRECISION};
        p.var = mg_mild_f64(n);
        p.running_mean = FN(mild)(n);
        p.running_var = FN(mild)(n);
        CALL(standardize, running_moments)(&p, 0.3, 0, n);
        FN(feed)(n, p.running_mean), FN(feed)(n, p.running_var);
    }
}

/* --- embedding_bag: 11 rows of a table, 9 bags of 23 entries, some of them empty, a row that is skipped --- */

static mg_embedding_bag_args FN(fresh_bags)(size_t width, int mode, int factors, int apart) {
    static const int64_t starts[] = {0, 4, 4, 5, 11, 11, 19, 22, 23};
    mg_embedding_bag_args p = {.bags = apart ? 23 : 9, .n = 23, .entries = 11, .width = width, .mode = mode,
                               .offsets = apart ? NULL : starts, .skip = width % 3 ? 4 : -1, .precision = PRECISION};
    p.weight = width % 4 == 3 ? FN(wild)(11 * width) : FN(mild)(11 * width);
    p.g = FN(mild)(p.bags * width);
    p.scale = factors ? FN(mild)(23) : NULL;
    p.index = fresh_indices(23, 11);
    p.largest = fresh_indices(p.bags * width, 11);
    for (size_t i = 0; i < p.bags * width; i += 5) p.largest[i] = -1;
    return p;
}

static void FN(check_bags)(int which) {
    EACH_SIZE(n) if (n && n < 300)
        for (int way = 0; way < 5; way++, release()) {
            mg_embedding_bag_args p = FN(fresh_bags)(n, way < 3 ? way : MG_BAG_SUM, way == 3, way == 4);
            const size_t size = which == 0 ? p.bags * n : which == 1 ? 11 * n : 23;
            real *out = p.out = FN(mild)(size);
            if (which == 0) CALL(embedding_bag, embedding_bag)(&p, 0, p.bags);
            else if (which == 2) CALL(embedding_bag, embedding_bag_dots)(&p, 0, p.bags);
            else {
                CALL(embedding_bag, embedding_bag_grad)(&p, 0, n / 2);
                CALL(embedding_bag, embedding_bag_grad)(&p, n / 2, n - n / 2);
            }
            FN(feed)(size, out), feed_indices(p.bags * n, p.largest);
        }
}

static void FN(check_embedding_bag)(void) { FN(check_bags)(0); }
static void FN(check_embedding_bag_grad)(void) { FN(check_bags)(1); }
static void FN(check_embedding_bag_dots)(void) { FN(check_bags)(2); }

#undef EACH_PLANE
#undef CALL
#undef PRECISION
