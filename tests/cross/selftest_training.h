/* Softmax, losses, penalties, updates, dropout and random numbers: the second half of selftest_kernels.h. */

/* --- softmax --- */

static void FN(check_rows)(void (*map)(size_t, size_t, const real *, real *)) {
    EACH_SIZE(n) if (n && n < 1100) {
        const size_t rows = n < 40 ? 37 : 3;
        real *x = n % 4 == 3 ? FN(wild)(rows * n) : FN(warm)(rows * n), *out = FN(mild)(rows * n);
        map(rows, n, x, out);
        FN(feed)(rows * n, out);
    }
}

static void FN(check_rows_grad)(void (*map)(size_t, size_t, const real *, const real *, real *)) {
    EACH_SIZE(n) if (n && n < 1100) {
        const size_t rows = n < 40 ? 37 : 3;
        const size_t size = rows * n;
        real *g = FN(mild)(size), *y = n % 4 == 3 ? FN(wild)(size) : FN(mild)(size), *out = FN(mild)(size);
        map(rows, n, g, y, out);
        FN(feed)(size, out);
    }
}

static void FN(check_softmax)(void) { FN(check_rows)(OLD(softmax, softmax)); }
static void FN(check_log_softmax)(void) { FN(check_rows)(OLD(softmax, log_softmax)); }
static void FN(check_softmax_grad)(void) { FN(check_rows_grad)(OLD(softmax, softmax_grad)); }
static void FN(check_log_softmax_grad)(void) { FN(check_rows_grad)(OLD(softmax, log_softmax_grad)); }

static void FN(check_cross_entropy)(void) {
    EACH_SIZE(n) if (n && n < 600) {
        const size_t rows = n < 40 ? 37 : 3, size = rows * n;
        real *x = n % 4 == 3 ? FN(wild)(size) : FN(warm)(size), *t = FN(mild)(size), *probs = FN(mild)(size);
        real *loss = FN(mild)(rows);
        OLD(softmax, cross_entropy)(rows, n, x, fresh_indices(rows, n), NULL, loss, probs);
        FN(feed)(rows, loss), FN(feed)(size, probs);
        OLD(softmax, cross_entropy)(rows, n, x, NULL, t, loss, probs);
        FN(feed)(rows, loss), FN(feed)(size, probs);
    }
}

static void FN(check_cross_entropy_grad)(void) {
    EACH_SIZE(n) if (n && n < 600) {
        const size_t rows = n < 40 ? 37 : 3, size = rows * n;
        real *probs = n % 4 == 3 ? FN(wild)(size) : FN(mild)(size), *t = FN(mild)(size), *out = FN(mild)(size);
        const int64_t *label = fresh_indices(rows, n);
        OLD(softmax, cross_entropy_grad)(rows, n, probs, label, NULL, FN(mild)(1), 0, (double)rows, out);
        FN(feed)(size, out);
        OLD(softmax, cross_entropy_grad)(rows, n, probs, NULL, t, FN(mild)(rows), 1, 1, out);
        FN(feed)(size, out);
    }
}

static void FN(check_sum_losses)(void) {
    EACH_SIZE(n) {
        const double sum = OLD(softmax, sum_flat)(n, FN(warm)(n));
        mg_feed_f64(1, &sum);
    }
}

/* --- losses --- */

static void FN(check_loss)(double (*loss)(size_t, const real *, const real *, real *)) {
    EACH_SIZE(n) {
        real *x = n % 4 == 3 ? FN(wild)(n) : FN(warm)(n), *t = FN(mild)(n), *each = FN(mild)(n);
        const double sum[2] = {loss(n, x, t, NULL), loss(n, x, t, each)};
        mg_feed_f64(2, sum), FN(feed)(n, each);
    }
}

typedef void (*FN(loss_grad))(size_t, const real *, const real *, const real *, size_t, double, real *);

static void FN(check_loss_grad)(FN(loss_grad) grad) {
    EACH_SIZE(n) {
        real *x = n % 4 == 3 ? FN(wild)(n) : FN(warm)(n), *t = FN(mild)(n), *out = FN(mild)(n);
        grad(n, x, t, FN(mild)(1), 0, (double)n, out);
        FN(feed)(n, out);
        grad(n, x, t, FN(mild)(n), 1, 1, out);
        FN(feed)(n, out);
    }
}

static void FN(check_bce_with_logits)(void) { FN(check_loss)(OLD(losses, bce_with_logits)); }
static void FN(check_bce_with_logits_grad)(void) { FN(check_loss_grad)(OLD(losses, bce_with_logits_grad)); }
static void FN(check_mse)(void) { FN(check_loss)(OLD(losses, mse)); }
static void FN(check_mse_grad)(void) { FN(check_loss_grad)(OLD(losses, mse_grad)); }

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
        for (size_t i = 0; i < n; i++) gram[i * n + i] += (real)(n + 1) * (n % 4 != 3 || i % 5), l1[i] *= l1[i];
        const size_t done = OLD(descent, coordinate_descent)(n, gram, l1, l2, w, r, 1 + n % 7, 0.25, &largest);
        feed(done, 8), mg_feed_f64(1, &largest), FN(feed)(n, w), FN(feed)(n, r);
    }
}

/* --- group_norms: k groups of n elements, as rows for odd n, else as columns --- */

#define EACH_COUNT(k) for (size_t i_ = 0, k; i_ < 3 && (k = (size_t[]){1, 3, 70}[i_], 1); i_++)

static mg_group_norms_layout FN(layout)(size_t k, size_t n) {
    return n % 2 ? (mg_group_norms_layout){k, n, 1, n} : (mg_group_norms_layout){k, n, k, 1};
}

static void FN(check_group_norm)(void) {
    EACH_SIZE(n) EACH_COUNT(k) {
        double norm[70];
        OLD(group_norms, group_norm)(FN(layout)(k, n), n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), norm);
        mg_feed_f64(k, norm);
    }
}

static void FN(check_group_soft_threshold)(void) {
    EACH_SIZE(n) EACH_COUNT(k)
        for (int l1 = 0; l1 < 2; l1++) {
            real *v = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), *out = FN(mild)(n * k);
            OLD(group_norms, group_soft_threshold)(FN(layout)(k, n), v, FN(mild)(k), l1 ? 0.3 : 0, 2.5, out);
            FN(feed)(n * k, out);
        }
}

static void FN(check_group_limit)(void) {
    EACH_SIZE(n) EACH_COUNT(k)
        for (int unit = 0; unit < 2; unit++) {
            real *v = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), *out = FN(mild)(n * k);
            OLD(group_norms, group_limit)(FN(layout)(k, n), v, unit, unit ? 1 : 0.3, out);
            FN(feed)(n * k, out);
        }
}

static void FN(check_group_level)(void) {
    EACH_SIZE(n) EACH_COUNT(k) {
        real *w = n % 4 == 3 ? FN(wild)(n * k) : FN(mild)(n * k), *square = FN(mild)(n * k), *step = FN(mild)(k);
        for (size_t i = 0; i < n * k; i++) square[i] *= square[i];
        OLD(group_norms, group_level)(FN(layout)(k, n), w, FN(mild)(n * k), square, &(mg_metric){0.1, 1.5, 1e-8, 3}, step);
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

/* Two steps, so that states count; squares: the first of them is an average of squares. */
static void FN(check_update)(MG_UPDATE((*update), real), mg_update_settings settings, int states, int squares) {
    EACH_SIZE(n)
        for (int i = 0; i < FN(n_rows); i++, release()) {
            real *w = n % 8 == 7 ? FN(wild)(n) : FN(mild)(n), *m = FN(mild)(n), *v = FN(mild)(n);
            real *state[] = {squares ? v : m, squares ? m : v, w};
            double sums[2] = {0};
            for (size_t j = 0; j < n; j++) v[j] *= v[j];
            if (states > 2) memcpy(state[2] = FN(mild)(n), v, n * sizeof *v);
            for (int step = 0; step < 2; step++) {
                const real *g = step ? FN(wild)(n) : FN(mild)(n);
                OLD(update, sums)(n, w, FN(rows)[i], sums);
                update(n, w, g, state, FN(rows)[i], &settings);
                mg_feed_f64(2, sums), FN(feed)(n, w), FN(feed)(n, m), FN(feed)(n, v);
                if (states > 2) FN(feed)(n, state[2]);
            }
        }
}

static void FN(check_sums)(void) {
    EACH_SIZE(n)
        for (int i = 0; i < FN(n_rows); i++) {
            double sums[2] = {0};
            OLD(update, sums)(n, FN(warm)(n), FN(rows)[i], sums);
            mg_feed_f64(2, sums);
        }
}

static void FN(check_sgd)(void) {
    FN(check_update)(OLD(update, sgd), (mg_update_settings){.momentum = 0}, 2, 0);
    FN(check_update)(OLD(update, sgd), (mg_update_settings){.momentum = 0.9}, 2, 0);
    FN(check_update)(OLD(update, sgd), (mg_update_settings){.momentum = 0.9, .nesterov = 1}, 2, 0);
}

static void FN(check_adam)(void) {
    FN(check_update)(OLD(update, adam), (mg_update_settings){.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 2, 0);
}

static void FN(check_amsgrad)(void) {
    const mg_update_settings settings = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .amsgrad = 1};
    FN(check_update)(OLD(update, adam), settings, 3, 0);
}

static void FN(check_rmsprop)(void) {
    for (int centered = 0; centered < 2; centered++)
        for (int momentum = 0; momentum < 2; momentum++) {
            const mg_update_settings settings = {
                .beta2 = 0.99, .eps = 1e-8, .momentum = 0.9 * momentum, .centered = centered};
            FN(check_update)(OLD(update, rmsprop), settings, 3, 1);
        }
}

static void FN(check_adagrad)(void) {
    FN(check_update)(OLD(update, adagrad), (mg_update_settings){.eps = 1e-10}, 2, 1);
}

/* --- dropout and random --- */

static void FN(check_masked_scale)(void) {
    EACH_SIZE(n) {
        real *x = FN(wild)(n), *out = FN(mild)(n);
        OLD(dropout, masked_scale)(n, x, fresh_bytes((n + 7) / 8), 1.25, out);
        FN(feed)(n, out);
    }
}

static void FN(check_dropout)(void) {
    static const uint64_t offsets[] = {0, 1, 15, 16, 127, 128, ((uint64_t)1 << 40) - 5};
    EACH_SIZE(n)
        for (int i = 0; i < 7; i++, release()) {
            real *out = FN(mild)(n);
            uint8_t *bits = fresh_bytes((n + 7) / 8);
            const mg_stream stream = fresh_stream(offsets[i]);
            OLD(dropout, dropout)(n, FN(wild)(n), bits, stream, 65536 / 6 * (uint32_t)i, 1.25, out);
            FN(feed)(n, out), feed_bytes((n + 7) / 8, bits);
        }
}

static void FN(check_random)(void (*fill)(size_t, real *, mg_stream, double, double)) {
    EACH_SIZE(n) {
        real *out = FN(mild)(n);
        fill(n, out, fresh_stream(n * 37 % 300), 0.3, 1.7);
        FN(feed)(n, out);
    }
}

static void FN(check_uniform)(void) { FN(check_random)(OLD(random, uniform)); }
static void FN(check_normal)(void) { FN(check_random)(OLD(random, normal)); }
