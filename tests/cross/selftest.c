/* The kernels without Python: runs every C table that this processor can run on fixed inputs and prints, one line per
   kernel, "variant family kernel hash". Equal hashes are equal bits: test_cross.py compares variants, compilers and
   processors. With the argument `threads`, two threads run everything at the same time, for ThreadSanitizer.

   Inputs come from an integer generator and exact conversions; a hash is FNV-1a over what a kernel wrote. Every array
   ends where its memory ends, and begins at changing alignments, so that AddressSanitizer sees one element too many.
   A statement draws at most once: C leaves the order of arguments, and of initializers, to the compiler. */
#define _POSIX_C_SOURCE 200112L
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather/gather.h"
#include "base/cpu.h"
#include "conv/conv.h"
#include "descent/descent.h"
#include "sparse/sparse.h"
#include "random/dropout.h"
#include "elementwise/elementary.h"
#include "elementwise/elementwise.h"
#include "penalty/group_norms.h"
#include "layers/embedding_bag.h"
#include "layers/recurrent.h"
#include "layers/standardize.h"
#include "losses/losses.h"
#include "matmul/matmul.h"
#include "penalty/penalty.h"
#include "pool/pool.h"
#include "random/random.h"
#include "reduce/reduce.h"
#include "reduce/scans.h"
#include "reduce/softmax.h"
#include "update/update.h"

/* What a kernel's check shares with the functions below: one of each per thread. */
static _Thread_local int variant, op;               /* op: of elementwise maps */
static _Thread_local uint64_t state, hash;
static _Thread_local void *held[32];
static _Thread_local size_t n_held;

/* 64 random bits: SplitMix64. */
static uint64_t draw(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void feed(uint64_t x, int bytes) {
    for (int i = 0; i < bytes; i++) hash = (hash ^ (x >> 8 * i & 255)) * 0x100000001b3;
}

static void *hold(void *p) {
    if (p == NULL || n_held == sizeof held / sizeof *held) abort();
    return held[n_held++] = p;
}

/* `bytes` bytes of memory until release(), a few items behind an aligned address. */
static void *fresh(size_t bytes, size_t item) {
    const size_t lead = n_held * 3 % 4 * item;
    return (char *)hold(malloc(lead + bytes + (lead + bytes == 0))) + lead;
}

static void *fresh_aligned(size_t bytes) {
    void *p = NULL;
    if (bytes && posix_memalign(&p, 64, bytes)) abort();
    return bytes ? hold(p) : NULL;
}

static void release(void) {
    while (n_held) free(held[--n_held]);
}

static int64_t *fresh_indices(size_t n, size_t below) {
    int64_t *index = fresh(n * sizeof *index, sizeof *index);
    for (size_t i = 0; i < n; i++) index[i] = (int64_t)(draw() % below);
    return index;
}

/* Somewhere in some stream. */
static mg_stream fresh_stream(uint64_t offset) {
    mg_stream s = {.offset = offset};
    s.key = draw();
    s.number = draw();
    return s;
}

static uint8_t *fresh_bytes(size_t n) {
    uint8_t *x = fresh(n, 1);
    for (size_t i = 0; i < n; i++) x[i] = (uint8_t)draw();
    return x;
}

static void feed_bytes(size_t n, const uint8_t *x) {
    for (size_t i = 0; i < n; i++) feed(x[i], 1);
}

static void feed_indices(size_t n, const int64_t *x) {
    for (size_t i = 0; i < n; i++) feed((uint64_t)x[i], 8);
}

/* Around the widths of vectors, the blocks of loops, the chunks of sums. */
static const size_t sizes[] = {0,  1,  2,  3,   7,   8,   9,   15,  16,  17,  31,   32,   33,  63,
                               64, 65, 127, 128, 129, 255, 256, 257, 511, 1023, 1024, 1025, 4099};
#define EACH_SIZE(n) for (size_t s_ = 0, n; s_ < sizeof sizes / sizeof *sizes && (n = sizes[s_], 1); s_++, release())
static const double specials[] = {0,     -0.0, INFINITY, -INFINITY, NAN,   1e-40,  -1e-40, 1e-310, 3e38, -3e38, 1,
                                  -1, 0.5,  1e-20,    1e-160,    88.7,  -103.9, 709.7,  -745.1, 9.1,  19.1};

#define MG_SOURCE "selftest_kernels.h"
#include "base/mg_both.h"

#define MG_SOURCE "selftest_planes.h"
#include "base/mg_both.h"
#define MG_SOURCE "selftest_layers.h"
#include "base/mg_both.h"
#define MG_SOURCE "selftest_recurrent.h"
#include "base/mg_both.h"

static void check_take(void) {
    static const size_t bytes[] = {1, 3, 4, 8, 12, 100};
    for (size_t b = 0; b < sizeof bytes / sizeof *bytes; b++, release())
        for (size_t n = 0; n < 40; n += 13) {
            uint8_t *x = fresh_bytes(7 * bytes[b]), *out = fresh_bytes(n * bytes[b]);
            const mg_rows_args p = {.outer = 1, .n = n, .few = 7, .size = 1, .bytes = bytes[b], .x = x,
                                    .index = fresh_indices(n, 7), .out = out};
            mg_gather_tables[variant]->take(&p, 0, 0, n);
            feed_bytes(n * bytes[b], out);
        }
}

/* Into rows and columns that lie apart, the latter in reverse. */
static void check_place(void) {
    static const size_t bytes[] = {1, 3, 4, 8, 12};
    for (size_t b = 0; b < sizeof bytes / sizeof *bytes; b++, release())
        for (size_t n = 1; n < 40; n += 13) {
            const ptrdiff_t item = (ptrdiff_t)bytes[b];
            uint8_t *x = fresh_bytes(3 * n * bytes[b]), *out = fresh_bytes((6 * n - 1) * bytes[b]);
            mg_gather_tables[variant]->place(3, n, bytes[b], (char *)x, (char *)out, 2 * (ptrdiff_t)n * item, item);
            mg_gather_tables[variant]->place(3, n, bytes[b], (char *)x, (char *)out + (6 * n - 2) * bytes[b],
                                      -2 * (ptrdiff_t)n * item, -2 * item);
            feed_bytes((6 * n - 1) * bytes[b], out);
        }
}

static void check_add_chunks(void) {
    EACH_SIZE(n) if (n && n < 40)
        for (size_t chunks = 1; chunks < 12; chunks += 5) {
            double *sums = mg_warm_f64(chunks * (n + 1));
            mg_standardize_tables[variant]->add_chunks(sums, chunks, n + 1, 0, n / 2);
            mg_standardize_tables[variant]->add_chunks(sums, chunks, n + 1, n / 2, n - n / 2);
            mg_feed_f64(n, sums);
        }
}

static void check_dropout_bits(void) {
    EACH_SIZE(n) {
        mg_dropout_bits_args p = {.n = n, .stream = fresh_stream(n * 37 % 300)};
        uint8_t *bits = p.bits = fresh_bytes((n + 7) / 8);
        p.threshold = (uint32_t)(draw() % 65537);
        mg_dropout_tables[variant]->dropout_bits(&p, 0, n);
        feed_bytes((n + 7) / 8, bits);
    }
}

static void check_random_bits(void) {
    EACH_SIZE(n) {
        uint64_t *out = fresh(n * sizeof *out, sizeof *out);
        const mg_random_args p = {.n = n, .out = out, .stream = fresh_stream(n * 37 % 300)};
        mg_random_tables[variant]->random_bits(&p, 0, n);
        feed_indices(n, (int64_t *)out);
    }
}

/* From the middle out to the last tails that `normal` can draw. */
static void check_normal_quantile(void) {
    EACH_SIZE(n) {
        double *q = mg_mild_f64(n), *out = mg_mild_f64(n);
        for (size_t i = 0; i < n; i++) {
            q[i] /= 4;
            for (uint64_t halvings = draw() % 50; i % 2 && halvings; halvings--) q[i] /= 2;
            if (i % 4 == 3) q[i] = (q[i] < 0 ? -0.5 : 0.5) - q[i] + (q[i] == 0);
            if (!(q[i] > -0.5 && q[i] < 0.5)) q[i] = 0x1p-54;
        }
        mg_random_tables[variant]->normal_quantile(n, q, out);
        mg_feed_f64(n, out);
    }
}

typedef struct {
    const char *family, *kernel;
    void (*check)(void);
    int op;
} kernel_check;

#define ONE(family, kernel) {#family, #kernel, check_##kernel, 0},
#define PAIR_BY(family, kernel, check)                                                                                 \
    {#family, #kernel "_f32", mg_check_##check##_f32, 0}, {#family, #kernel "_f64", mg_check_##check##_f64, 0},
#define PAIR(family, kernel) PAIR_BY(family, kernel, kernel)
#define MAP(op)                                                                                                        \
    {"elementwise", #op "_f32", mg_check_map_f32, mg_op_##op},                                                         \
    {"elementwise", #op "_f64", mg_check_map_f64, mg_op_##op},
#define ELEMENTARY(op)                                                                                                 \
    {"elementary", #op "_f32", mg_check_elementary_f32, mg_op_##op},                                           \
    {"elementary", #op "_f64", mg_check_elementary_f64, mg_op_##op},

static const kernel_check checks[] = {
    ONE(gather, take) ONE(gather, place) PAIR(gather, add_at)
    MG_UNARY(MAP) MG_BINARY(MAP) PAIR(elementwise, convert)
    MG_ELEMENTARY_1(ELEMENTARY) MG_ELEMENTARY_2(ELEMENTARY) PAIR(elementary, where)
    PAIR(matmul, matmul) PAIR(matmul, matvec) PAIR_BY(matmul, matvec_dots, dots)
    PAIR(conv, conv2d) PAIR(conv, conv2d_input) PAIR(conv, conv2d_weight)
    PAIR(pool, max_pool2d) PAIR(pool, pool_pick) PAIR(pool, pool_put) PAIR(pool, avg_pool2d)
    PAIR(pool, avg_pool2d_grad)
    PAIR(reduce, sum_flat) PAIR(reduce, sum_rows) PAIR(reduce, sum_columns)
    PAIR(reduce, max_rows) PAIR(reduce, max_columns) PAIR(reduce, min_rows) PAIR(reduce, min_columns)
    PAIR(reduce, max_grad) PAIR(scans, cumsum) PAIR(scans, prod) PAIR(scans, prod_grad) PAIR(scans, norm)
    PAIR(softmax, softmax) PAIR(softmax, softmax_grad) PAIR(softmax, log_softmax) PAIR(softmax, log_softmax_grad)
    PAIR(softmax, cross_entropy) PAIR(softmax, cross_entropy_grad) PAIR_BY(softmax, sum_flat, sum_losses)
    PAIR(standardize, standardize_rows) PAIR(standardize, standardize_channels) PAIR(standardize, column_sums)
    PAIR(standardize, column_moments) PAIR(standardize, standardize_places) PAIR(standardize, standardize_rows_grad)
    PAIR(standardize, row_sums) PAIR(standardize, standardize_channels_grad) PAIR(standardize, column_sums_grad)
    PAIR(standardize, column_slopes) PAIR(standardize, standardize_places_grad) PAIR(standardize, running_moments)
    ONE(standardize, add_chunks)
    PAIR(embedding_bag, embedding_bag) PAIR(embedding_bag, embedding_bag_grad)
    PAIR(embedding_bag, embedding_bag_dots)
    PAIR(recurrent, rnn_gate) PAIR(recurrent, lstm_gates) PAIR(recurrent, gru_gates) PAIR(recurrent, keep_steps)
    PAIR(recurrent, rnn_gate_grad) PAIR(recurrent, lstm_gates_grad) PAIR(recurrent, gru_gates_grad)
    PAIR(losses, bce_with_logits) PAIR(losses, bce_with_logits_grad) PAIR(losses, mse) PAIR(losses, mse_grad)
    PAIR(penalty, elastic_net) PAIR(penalty, elastic_net_grad) PAIR(penalty, soft_threshold)
    PAIR(descent, coordinate_descent)
    PAIR(descent, group_descent)
    PAIR(sparse, sparse_dots) PAIR(sparse, sparse_sum) PAIR(sparse, sparse_gram)
    PAIR(group_norms, group_norm) PAIR(group_norms, group_soft_threshold) PAIR(group_norms, group_limit)
    PAIR(group_norms, group_level)
    PAIR(update, sums) PAIR(update, sgd) PAIR(update, adam) PAIR(update, amsgrad) PAIR(update, rmsprop)
    PAIR(update, adagrad)
    ONE(dropout, dropout_bits) PAIR(dropout, masked_scale) PAIR(dropout, dropout)
    ONE(random, random_bits) ONE(random, normal_quantile) PAIR(random, uniform) PAIR(random, normal)
};
enum { n_checks = sizeof checks / sizeof *checks };

static uint64_t run(int v, const kernel_check *c) {
    variant = v, op = c->op, state = 20261120, hash = 0xcbf29ce484222325;
    c->check();
    release();
    return hash;
}

static void *run_all(void *total) {
    for (int v = 0; v < mg_variant_count(); v++)
        for (int i = 0; i < n_checks && mg_variant_supported(v); i++) *(uint64_t *)total += run(v, &checks[i]);
    return NULL;
}

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "threads") == 0) {
        uint64_t total[2] = {0};
        pthread_t thread[2];
        for (int i = 0; i < 2; i++)
            if (pthread_create(&thread[i], NULL, run_all, &total[i])) abort();
        for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
        return total[0] != total[1];
    }
    for (int v = 0; v < mg_variant_count(); v++)
        for (int i = 0; i < n_checks && mg_variant_supported(v); i++)
            printf("%s %s %s %016" PRIx64 "\n", mg_variant_names()[v], checks[i].family, checks[i].kernel,
                   run(v, &checks[i]));
    return 0;
}
