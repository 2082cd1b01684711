/* Softmax, losses, penalties, updates, dropout and random numbers: the second half of selftest_kernels.h. */

/* --- softmax --- */

static void FN(check_rows)(void (*map)(const mg_softmax_args *, size_t, size_t)) {
    EACH_SIZE(n) if (n && n < 1100) {
        const size_t rows = n < 40 ? 37 : 3;
        real *x = n % 4 == 3 ? FN(wild)(rows * n) : FN(warm)(rows * n), *out = FN(mild)(rows * n);
        map(&(mg_softmax_args){.rows = rows, .n = n, .x = x, .out = out, .precision = PRECISION}, 0, rows);
        FN(feed)(rows * n, out);
    }
}

static void FN(check_rows_grad)(void (*map)(const mg_softmax_grad_args *, size_t, size_t)) {
    EACH_SIZE(n) if (n && n < 1100) {
        const size_t rows = n < 40 ? 37 : 3;
        const size_t size = rows * n;
        real *g = FN(mild)(size), *y = n % 4 == 3 ? FN(wild)(size) : FN(mild)(size), *out = FN(mild)(size);
        map(&(mg_softmax_grad_args){.rows = rows, .n = n, .g = g, .y = y, .out = out, .precision = PRECISION}, 0, rows);
        FN(feed)(size, out);
    }
}

static void FN(check_softmax)(void) { FN(check_rows)(CALL(softmax, softmax)); }
static void FN(check_log_softmax)(void) { FN(check_rows)(CALL(softmax, log_softmax)); }
static void FN(check_softmax_grad)(void) { FN(check_rows_grad)(CALL(softmax, softmax_grad)); }
static void FN(check_log_softmax_grad)(void) { FN(check_rows_grad)(CALL(softmax, log_softmax_grad)); }

static void FN(check_cross_entropy)(void) {
    EACH_SIZE(n) if (n && n < 600) {
        const size_t rows = n < 40 ? 37 : 3, size = rows * n;
        real *x = n % 4 == 3 ? FN(wild)(size) : FN(warm)(size), *t = FN(mild)(size), *probs = FN(mild)(size);
        real *loss = FN(mild)(rows);
        mg_cross_entropy_args p = {.rows = rows, .n = n, .x = x, .label = fresh_indices(rows, n), .loss = loss,
                                   .probs = probs, .each = 1, .precision = PRECISION};
        CALL(softmax, cross_entropy)(&p, 0, rows, loss);
        FN(feed)(rows, loss), FN(feed)(size, probs);
        p.label = NULL, p.t = t;
        CALL(softmax, cross_entropy)(&p, 0, rows, loss);
        FN(feed)(rows, loss), FN(feed)(size, probs);
    }
}

static void FN(check_cross_entropy_grad)(void) {
    EACH_SIZE(n) if (n && n < 600) {
        const size_t rows = n < 40 ? 37 : 3, size = rows * n;
        real *probs = n % 4 == 3 ? FN(wild)(size) : FN(mild)(size), *t = FN(mild)(size), *out = FN(mild)(size);
        const int64_t *label = fresh_indices(rows, n);
        mg_cross_entropy_grad_args p = {.rows = rows, .n = n, .probs = probs, .label = label, .g = FN(mild)(1),
                                        .out = out, .divisor = (double)rows, .precision = PRECISION};
        CALL(softmax, cross_entropy_grad)(&p, 0, rows);
        FN(feed)(size, out);
        p.label = NULL, p.t = t, p.g = FN(mild)(rows), p.each = 1, p.divisor = 1;
        CALL(softmax, cross_entropy_grad)(&p, 0, rows);
        FN(feed)(size, out);
    }
}

static void FN(check_sum_losses)(void) {
    EACH_SIZE(n) {
        const double sum = CALL(softmax, sum_flat)(n, FN(warm)(n));
        mg_feed_f64(1, &sum);
    }
}

/* --- losses --- */

static void FN(check_loss)(mg_loss loss) {
    EACH_SIZE(n) {
        real *x = n % 4 == 3 ? FN(wild)(n) : FN(warm)(n), *t = FN(mild)(n), *each = FN(mild)(n);
        mg_loss_args p = {.n = n, .x = x, .t = t, .loss = each, .precision = PRECISION};
        double sum[2] = {loss(&p, 0, n)};
        p.each = 1;
        sum[1] = loss(&p, 0, n);
        mg_feed_f64(2, sum), FN(feed)(n, each);
    }
}

static void FN(check_loss_grad)(mg_loss_grad grad) {
    EACH_SIZE(n) {
        real *x = n % 4 == 3 ? FN(wild)(n) : FN(warm)(n), *t = FN(mild)(n), *out = FN(mild)(n);
        mg_loss_grad_args p = {.n = n, .x = x, .t = t, .g = FN(mild)(1), .out = out, .divisor = (double)n,
                               .precision = PRECISION};
        grad(&p, 0, n);
        FN(feed)(n, out);
        p.g = FN(mild)(n), p.each = 1, p.divisor = 1;
        grad(&p, 0, n);
        FN(feed)(n, out);
    }
}

static void FN(check_bce_with_logits)(void) { FN(check_loss)(CALL(losses, bce_with_logits)); }
static void FN(check_bce_with_logits_grad)(void) { FN(check_loss_grad)(CALL(losses, bce_with_logits_grad)); }
static void FN(check_mse)(void) { FN(check_loss)(CALL(losses, mse)); }
static void FN(check_mse_grad)(void) { FN(check_loss_grad)(CALL(losses, mse_grad)); }

/* --- penalty: with l1, with l2, with both, with neither --- */

static void FN(check_elastic_net)(void) {
    EACH_SIZE(n)
        for (int terms = 0; terms < 4; terms++) {
            const double l1 = terms & 1 ? 0.1 : 0, l2 = terms & 2 ? 0.3 : 0;
            real *w = n % 4 == 3 ? FN(wild)(n) : FN(mild)(n), *grad = FN(mild)(n);
            double sums[4] = {0};
            mg_elastic_net_args p = {.n = n, .w = w, .grad = grad, .l1 = l1, .l2 = l2, .precision = PRECISION};
            CALL(penalty, elastic_net)(&p, 0, n, sums);
            p.grad = NULL;
            CALL(penalty, elastic_net)(&p, 0, n, sums + 2);
            mg_feed_f64(4, sums), FN(feed)(n, grad);
        }
}

static void FN(check_elastic_net_grad)(void) {
    EACH_SIZE(n)
        for (int terms = 0; terms < 4; terms++) {
            real *out = FN(mild)(n);
            const mg_elastic_net_grad_args p = {
                .n = n, .w = FN(wild)(n), .l1 = terms & 1 ? 0.1 : 0, .l2 = terms & 2 ? 0.3 : 0, .scale = 0.7, .out = out,
                .precision = PRECISION};
            CALL(penalty, elastic_net_grad)(&p, 0, n);
            FN(feed)(n, out);
        }
}

static void FN(check_soft_threshold)(void) {
    EACH_SIZE(n)
        for (int terms = 0; terms < 4; terms++) {
            real *out = FN(mild)(n);
            const mg_soft_threshold_args p = {
                .n = n, .v = FN(wild)(n), .step = 2.5, .l1 = terms & 1 ? 0.1 : 0, .l2 = terms & 2 ? 0.3 : 0, .out = out,
                .precision = PRECISION};
            CALL(penalty, soft_threshold)(&p, 0, n);
            FN(feed)(n, out);
        }
}

/* --- descent: a few sweeps on a random matrix, with a coordinate without curvature now and then --- */

static void FN(check_coordinate_descent)(void) {
    for (size_t n = 0; n < 40; n++, release()) {
        real *gram = FN(mild)(n * n), *l1 = FN(mild)(n), *l2 = FN(mild)(n), *w = FN(mild)(n), *r = FN(mild)(n);
        double largest;
        size_t done;
        for (size_t i = 0; i < n; i++) gram[i * n + i] += (real)(n + 1) * (n % 4 != 3 || i % 5), l1[i] *= l1[i];
        const mg_coordinate_descent_args p = {
            .n = n, .sweeps = 1 + n % 7, .gram = gram, .l1 = l1, .l2 = l2, .w = w, .r = r, .done = &done,
            .largest = &largest, .tolerance = 0.25, .precision = PRECISION};
        CALL(descent, coordinate_descent)(&p);
        feed(done, 8), mg_feed_f64(1, &largest), FN(feed)(n, w), FN(feed)(n, r);
    }
}

static void FN(check_group_descent)(void) {
    for (size_t n = 0; n < 40; n++, release()) {
        real *gram = FN(mild)(n * n), *l1 = FN(mild)(n), *l2 = FN(mild)(n), *w = FN(mild)(n), *r = FN(mild)(n);
        real strength[10], curvature[10], scratch[80];
        int64_t first[11] = {0};
        double largest;
        size_t done;
        for (size_t i = 0; i < n; i++) gram[i * n + i] += (real)(n + 1), l1[i] *= l1[i], l2[i] *= l2[i];
        for (size_t g = 0; g < 10; g++) {
            first[g + 1] = (int64_t)(g == 9 || first[g] + (int64_t)g > (int64_t)n ? n : (size_t)first[g] + g);
            strength[g] = (real)g / 8, curvature[g] = g == 5 ? 0 : (real)(8 * n + 8);
        }
        const mg_group_descent_args p = {
            .n = n, .groups = 10, .sweeps = 1 + n % 7, .gram = gram, .l1 = l1, .l2 = l2, .strength = strength,
            .curvature = curvature, .first = first, .w = w, .r = r, .scratch = scratch, .done = &done,
            .largest = &largest, .tolerance = 0.25, .precision = PRECISION};
        CALL(descent, group_descent)(&p);
        feed(done, 8), mg_feed_f64(1, &largest), FN(feed)(n, w), FN(feed)(n, r);
    }
}

/* --- sparse: n columns of 0 to 8 entries, rows that rise --- */

static mg_sparse_args FN(sparse_matrix)(size_t n, size_t rows) {
    int64_t *first = fresh((n + 1) * sizeof *first, sizeof *first), *row = fresh(9 * n * sizeof *row, sizeof *row), entries = 0;
    for (size_t j = 0; j < n; j++) {
        first[j] = entries;
        int64_t at = (int64_t)(draw() % 3);
        for (uint64_t count = draw() % 9; count && at < (int64_t)rows; count--, at += 1 + (int64_t)(draw() % 5))
            row[entries++] = at;
    }
    first[n] = entries;
    return (mg_sparse_args){.rows = rows, .n = n, .first = first, .row = row, .x = FN(wild)((size_t)entries),
                            .precision = PRECISION};
}

static void FN(check_sparse_dots)(void) {
    for (size_t n = 0; n < 70; n += 3, release()) {
        mg_sparse_args p = FN(sparse_matrix)(n, 40);
        p.v = FN(wild)(40), p.out = FN(mild)(n);
        CALL(sparse, sparse_dots)(&p, n / 3, n - n / 3);
        FN(feed)(n, p.out);
    }
}

static void FN(check_sparse_sum)(void) {
    for (size_t n = 0; n < 70; n += 3, release()) {
        mg_sparse_args p = FN(sparse_matrix)(n, 40);
        real *v = FN(mild)(n);
        for (size_t j = 0; j < n; j += 4) v[j] = 0;
        p.v = v, p.out = FN(mild)(40);
        CALL(sparse, sparse_sum)(&p);
        FN(feed)(40, p.out);
    }
}

static void FN(check_sparse_gram)(void) {
    for (size_t n = 0; n < 40; n += 3, release()) {
        mg_sparse_args p = FN(sparse_matrix)(n, 40);
        real *scratch = FN(mild)(40);
        for (size_t i = 0; i < 40; i++) scratch[i] = 0;
        p.v = FN(mild)(40), p.out = FN(mild)(n * n);
        CALL(sparse, sparse_gram)(&p, 0, n, scratch);
        FN(feed)(n * n, p.out), FN(feed)(40, scratch);
    }
}

/* --- group_norms: k groups of n elements, as rows for odd n, else as columns --- */

#define EACH_COUNT(k) for (size_t i_ = 0, k; i_ < 3 && (k = (size_t[]){1, 3, 70}[i_], 1); i_++)

static mg_groups FN(groups)(size_t k, size_t n) {
    return n % 2 ? (mg_groups){.outer = k, .n = n, .inner = 1} : (mg_groups){.outer = 1, .n = n, .inner = k};
}

static void FN(check_group_norm)(void) {
    EACH_SIZE(n) EACH_COUNT(k) {
        double norm[70];
        const mg_group_norm_args p = {.groups = FN(groups)(k, n), .norm = norm, .precision = PRECISION,
                                      .x = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k)};
        CALL(group_norms, group_norm)(&p, 0, 0, k);
        mg_feed_f64(k, norm);
    }
}

static void FN(check_group_soft_threshold)(void) {
    EACH_SIZE(n) EACH_COUNT(k)
        for (int l1 = 0; l1 < 2; l1++) {
            real *v = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), *out = FN(mild)(n * k);
            const mg_group_soft_threshold_args p = {
                .groups = FN(groups)(k, n), .v = v, .step = FN(mild)(k), .out = out, .l1 = l1 ? 0.3 : 0,
                .strength = 2.5, .precision = PRECISION};
            CALL(group_norms, group_soft_threshold)(&p, 0, 0, k);
            FN(feed)(n * k, out);
        }
}

static void FN(check_group_limit)(void) {
    EACH_SIZE(n) EACH_COUNT(k)
        for (int unit = 0; unit < 2; unit++) {
            real *v = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), *out = FN(mild)(n * k);
            const mg_group_limit_args p = {.groups = FN(groups)(k, n), .v = v, .out = out, .low = unit,
                                           .high = unit ? 1 : 0.3, .precision = PRECISION};
            CALL(group_norms, group_limit)(&p, 0, 0, k);
            FN(feed)(n * k, out);
        }
}

static void FN(check_group_level)(void) {
    EACH_SIZE(n) EACH_COUNT(k) {
        real *w = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), *square = FN(mild)(n * k), *step = FN(mild)(k);
        for (size_t i = 0; i < n * k; i++) square[i] *= square[i];
        const mg_group_level_args p = {
            .groups = FN(groups)(k, n), .w = w, .before = FN(mild)(n * k), .square = square, .step = step,
            .metric = {0.1, 1.5, 1e-8, 3}, .precision = PRECISION};
        CALL(group_norms, group_level)(&p, 0, 0, k);
        FN(feed)(n * k, w), FN(feed)(k, step);
    }
}

/* --- update --- */

/* Every mix of penalty, proximal map and decay. */
static const double FN(rows)[][MG_COLUMNS] = {
    {0.01, 0, 0, 0, 0, 0, 1, 1},          {0.01, 0.1, 0, 0, 0, 0, 0.1, 0.001},   {0.01, 0, 0.2, 0, 0, 0, 0.19, 0.002},
    {0.01, 0.1, 0.2, 0, 0, 0.3, 0.1, 1},  {0.01, 0, 0, 0.5, 0, 0, 0.1, 0.001},   {0.01, 0, 0, 0, 0.4, 0.1, 0.1, 0.001},
    {0.01, 0, 0, 0.5, 0.4, 0.1, 0.1, 1},  {0.01, 0.1, 0.2, 0.5, 0, 0, 0.1, 0.1}, {0.01, 0, 0, 0, 0, 0.3, 0.5, 0.5},
};
enum { FN(n_rows) = sizeof FN(rows) / sizeof *FN(rows) };

/* The update of one parameter of n weights. */
static mg_update_args *FN(update_of)(size_t n, real *w, const double *row) {
    mg_update_args *p = hold(calloc(1, sizeof *p + sizeof *p->segment));
    p->scalars = row, p->n = 1;
    *p->segment = (mg_segment){.n = n, .w = w, .state = {w, w, w}, .gradient = MG_GIVEN, .precision = PRECISION};
    return p;
}

/* Two steps, so that states count; squares: the first of them is an average of squares. */
static void FN(check_update)(int rule, mg_update_settings settings, int states, int squares) {
    EACH_SIZE(n)
        for (int i = 0; i < FN(n_rows); i++, release()) {
            real *w = n % 8 == 7 ? FN(wild)(n) : FN(mild)(n), *m = FN(mild)(n), *v = FN(mild)(n);
            real *state[] = {squares ? v : m, squares ? m : v, w};
            double sums[2] = {0};
            for (size_t j = 0; j < n; j++) v[j] *= v[j];
            if (states > 2) memcpy(state[2] = FN(mild)(n), v, n * sizeof *v);
            mg_update_args *p = FN(update_of)(n, w, FN(rows)[i]);
            p->settings = settings;
            for (int k = 0; k < 3; k++) p->segment->state[k] = state[k];
            for (int step = 0; step < 2; step++) {
                p->segment->g = step ? FN(wild)(n) : FN(mild)(n);
                CALL(update, sums)(p, 0, 0, n, sums);
                CALL(update, update[rule])(p, 0, 0, n);
                mg_feed_f64(2, sums), FN(feed)(n, w), FN(feed)(n, m), FN(feed)(n, v);
                if (states > 2) FN(feed)(n, state[2]);
            }
        }
}

static void FN(check_sums)(void) {
    EACH_SIZE(n)
        for (int i = 0; i < FN(n_rows); i++) {
            double sums[2] = {0};
            CALL(update, sums)(FN(update_of)(n, FN(warm)(n), FN(rows)[i]), 0, 0, n, sums);
            mg_feed_f64(2, sums);
        }
}

static void FN(check_sgd)(void) {
    FN(check_update)(mg_rule_sgd, (mg_update_settings){.momentum = 0}, 2, 0);
    FN(check_update)(mg_rule_sgd, (mg_update_settings){.momentum = 0.9}, 2, 0);
    FN(check_update)(mg_rule_sgd, (mg_update_settings){.momentum = 0.9, .nesterov = 1}, 2, 0);
}

static void FN(check_adam)(void) {
    FN(check_update)(mg_rule_adam, (mg_update_settings){.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 2, 0);
}

static void FN(check_amsgrad)(void) {
    const mg_update_settings settings = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .amsgrad = 1};
    FN(check_update)(mg_rule_adam, settings, 3, 0);
}

static void FN(check_rmsprop)(void) {
    for (int centered = 0; centered < 2; centered++)
        for (int momentum = 0; momentum < 2; momentum++) {
            const mg_update_settings settings = {
                .beta2 = 0.99, .eps = 1e-8, .momentum = 0.9 * momentum, .centered = centered};
            FN(check_update)(mg_rule_rmsprop, settings, 3, 1);
        }
}

static void FN(check_adagrad)(void) {
    FN(check_update)(mg_rule_adagrad, (mg_update_settings){.eps = 1e-10}, 2, 1);
}

/* --- dropout and random --- */

static void FN(check_masked_scale)(void) {
    EACH_SIZE(n) {
        real *x = FN(wild)(n), *out = FN(mild)(n);
        const mg_masked_scale_args p = {
            .n = n, .x = x, .bits = fresh_bytes((n + 7) / 8), .out = out, .scale = 1.25, .precision = PRECISION};
        CALL(dropout, masked_scale)(&p, 0, n);
        FN(feed)(n, out);
    }
}

static void FN(check_dropout)(void) {
    static const uint64_t offsets[] = {0, 1, 15, 16, 127, 128, ((uint64_t)1 << 40) - 5};
    EACH_SIZE(n)
        for (int i = 0; i < 7; i++, release()) {
            real *out = FN(mild)(n);
            uint8_t *bits = fresh_bytes((n + 7) / 8);
            mg_dropout_args p = {.n = n, .bits = bits, .out = out, .stream = fresh_stream(offsets[i]), .scale = 1.25,
                                 .threshold = 65536 / 6 * (uint32_t)i, .precision = PRECISION};
            p.x = FN(wild)(n);
            CALL(dropout, dropout)(&p, 0, n);
            FN(feed)(n, out), feed_bytes((n + 7) / 8, bits);
        }
}

static void FN(check_random)(mg_fill fill) {
    EACH_SIZE(n) {
        real *out = FN(mild)(n);
        const mg_random_args p = {.n = n, .out = out, .stream = fresh_stream(n * 37 % 300), .a = 0.3, .b = 1.7,
                                  .precision = PRECISION};
        fill(&p, 0, n);
        FN(feed)(n, out);
    }
}

static void FN(check_uniform)(void) { FN(check_random)(CALL(random, uniform)); }
static void FN(check_normal)(void) { FN(check_random)(CALL(random, normal)); }
