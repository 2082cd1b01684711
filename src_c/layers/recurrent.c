/* One step of a recurrent network after its matrix products, a row at a time. Equal to recurrent_naive.c, bit for
   bit. */
#ifndef real
#include "layers/recurrent.h"
#include "math/exp_log_tanh.h"
#define MG_SOURCE "layers/recurrent.c"
#include "base/mg_both.h"

const mg_recurrent_table MG_TABLE(recurrent) = {
    .rnn_gate = {mg_rnn_gate_f32, mg_rnn_gate_f64},
    .lstm_gates = {mg_lstm_gates_f32, mg_lstm_gates_f64},
    .gru_gates = {mg_gru_gates_f32, mg_gru_gates_f64},
    .rnn_gate_grad = {mg_rnn_gate_grad_f32, mg_rnn_gate_grad_f64},
    .lstm_gates_grad = {mg_lstm_gates_grad_f32, mg_lstm_gates_grad_f64},
    .gru_gates_grad = {mg_gru_gates_grad_f32, mg_gru_gates_grad_f64},
    .keep_steps = {mg_keep_steps_f32, mg_keep_steps_f64},
};

#else

/* Read and write n numbers, or a whole vector if `whole`. BY_VECTORS calls a body for each vector of a row; bodies are
   compiled twice, for whole vectors and for the end of a row. GET and SET access the numbers from column j on. */
INLINE vec FN(get)(const real *x, size_t n, const int whole) { return whole ? V(load)(x) : V(load_part)(x, n); }
INLINE void FN(set)(real *x, size_t n, const int whole, vec y) {
    if (whole) V(store)(x, y);
    else V(store_part)(x, n, y);
}
#define GET(x, j) FN(get)((x) + (j), n, whole)
#define SET(x, j, y) FN(set)((x) + (j), n, whole, y)
#define BY_VECTORS(body, ...) \
    do { \
        size_t j = 0; \
        for (; j + W <= p->width; j += W) body(__VA_ARGS__, j, W, 1); \
        if (j < p->width) body(__VA_ARGS__, j, p->width - j, 0); \
    } while (0)

INLINE int FN(active)(const int64_t *lengths, size_t row, int64_t step) { return !lengths || step < lengths[row]; }

INLINE void FN(fill)(size_t n, real *out) { memset(out, 0, n * sizeof *out); }
INLINE void FN(move)(size_t n, const real *x, real *out) { memcpy(out, x, n * sizeof *out); }

/* dh += g, for a row that keeps its state. */
INLINE void FN(add_to)(size_t width, const real *g, real *dh) {
    for (size_t j = 0; j < width; j++) dh[j] = g[j] + dh[j];
}

/* --- a plain network --- */

INLINE void FN(rnn_vector)(const int relu, const real *z, const real *s, real *out, size_t j, size_t n, const int whole) {
    const vec zero = {0}, a = GET(z, j) + GET(s, j);
    SET(out, j, relu ? V(select)(V(le)(a, zero), zero, a) : V(tanh)(a));
}

static void FN(rnn_gate)(const mg_gates_args *p, size_t first, size_t n) {
    for (size_t r = first; r < first + n; r++) {
        const size_t at = r * p->width;
        const real *z = (const real *)p->z + at, *s = (const real *)p->p + at;
        real *out = (real *)p->out + at;
        if (!FN(active)(p->lengths, r, p->step)) FN(move)(p->width, (const real *)p->h + at, out);
        else if (p->relu) BY_VECTORS(FN(rnn_vector), 1, z, s, out);
        else BY_VECTORS(FN(rnn_vector), 0, z, s, out);
    }
}

INLINE void FN(rnn_grad_vector)(const int relu, const real *g, const real *y, real *dh, real *dz, size_t j, size_t n,
                                const int whole) {
    const vec zero = {0}, d = GET(g, j) + GET(dh, j), b = GET(y, j);
    SET(dh, j, zero);
    SET(dz, j, relu ? V(select)(V(lt)(zero, b), d, V(select)(V(eq)(b, b), zero, b)) : d * (V(set1)(1) - b * b));
}

static void FN(rnn_gate_grad)(const mg_gates_grad_args *p, size_t first, size_t n) {
    for (size_t r = first; r < first + n; r++) {
        const size_t at = r * p->width;
        const real *g = (const real *)p->g + at, *y = (const real *)p->gates + at;
        real *dh = (real *)p->dh + at, *dz = (real *)p->dz + at;
        if (!FN(active)(p->lengths, r, p->step)) FN(add_to)(p->width, g, dh), FN(fill)(p->width, dz);
        else if (p->relu) BY_VECTORS(FN(rnn_grad_vector), 1, g, y, dh, dz);
        else BY_VECTORS(FN(rnn_grad_vector), 0, g, y, dh, dz);
    }
}

/* --- LSTM --- */

typedef struct { /* one row */
    const real *z, *s, *c;
    real *gates, *new_c, *tanh_c, *out;
    size_t width;
} FN(lstm_row);

INLINE void FN(lstm_vector)(const FN(lstm_row) *q, size_t j, size_t n, const int whole) {
    const size_t width = q->width;
    vec a[4];
    UNROLL for (int k = 0; k < 4; k++) a[k] = GET(q->z, k * width + j) + GET(q->s, k * width + j);
    const vec i = V(sigmoid)(a[0]), f = V(sigmoid)(a[1]), g = V(tanh)(a[2]), o = V(sigmoid)(a[3]);
    const vec c = V(fma)(f, GET(q->c, j), i * g), t = V(tanh)(c);
    SET(q->gates, j, i);
    SET(q->gates, width + j, f);
    SET(q->gates, 2 * width + j, g);
    SET(q->gates, 3 * width + j, o);
    SET(q->new_c, j, c);
    SET(q->tanh_c, j, t);
    SET(q->out, j, o * t);
}

static void FN(lstm_gates)(const mg_gates_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    for (size_t r = first; r < first + n; r++) {
        const size_t at = r * width;
        const FN(lstm_row) q = {(const real *)p->z + 4 * at, (const real *)p->p + 4 * at, (const real *)p->c + at,
                                (real *)p->gates + 4 * at, (real *)p->new_c + at, (real *)p->tanh_c + at,
                                (real *)p->out + at, width};
        if (FN(active)(p->lengths, r, p->step)) {
            BY_VECTORS(FN(lstm_vector), &q);
            continue;
        }
        FN(fill)(4 * width, q.gates);
        FN(fill)(width, q.tanh_c);
        FN(move)(width, q.c, q.new_c);
        FN(move)(width, (const real *)p->h + at, q.out);
    }
}

typedef struct {
    const real *g, *gates, *before, *tanh_c;
    real *dh, *dc, *dz, *dp;
    size_t width;
} FN(gates_grad_row);

INLINE void FN(lstm_grad_vector)(const FN(gates_grad_row) *q, size_t j, size_t n, const int whole) {
    const size_t width = q->width;
    const vec one = V(set1)(1), d = GET(q->g, j) + GET(q->dh, j), t = GET(q->tanh_c, j);
    const vec i = GET(q->gates, j), f = GET(q->gates, width + j), g = GET(q->gates, 2 * width + j);
    const vec o = GET(q->gates, 3 * width + j), dc = V(fma)(d * o, one - t * t, GET(q->dc, j));
    SET(q->dz, j, dc * g * (i * (one - i)));
    SET(q->dz, width + j, dc * GET(q->before, j) * (f * (one - f)));
    SET(q->dz, 2 * width + j, dc * i * (one - g * g));
    SET(q->dz, 3 * width + j, d * t * (o * (one - o)));
    SET(q->dh, j, (vec){0});
    SET(q->dc, j, dc * f);
}

static void FN(lstm_gates_grad)(const mg_gates_grad_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    for (size_t r = first; r < first + n; r++) {
        const size_t at = r * width;
        const FN(gates_grad_row) q = {(const real *)p->g + at, (const real *)p->gates + 4 * at,
                                      (const real *)p->before + at, (const real *)p->tanh_c + at, (real *)p->dh + at,
                                      (real *)p->dc + at, (real *)p->dz + 4 * at, NULL, width};
        if (FN(active)(p->lengths, r, p->step)) BY_VECTORS(FN(lstm_grad_vector), &q);
        else FN(add_to)(width, q.g, q.dh), FN(fill)(4 * width, q.dz);
    }
}

/* --- GRU --- */

INLINE void FN(gru_vector)(size_t width, const real *z, const real *s, const real *h, real *gates, real *out, size_t j,
                           size_t n, const int whole) {
    const vec reset = V(sigmoid)(GET(z, j) + GET(s, j)), update = V(sigmoid)(GET(z, width + j) + GET(s, width + j));
    const vec part = GET(s, 2 * width + j), new = V(tanh)(V(fma)(reset, part, GET(z, 2 * width + j)));
    SET(gates, j, reset);
    SET(gates, width + j, update);
    SET(gates, 2 * width + j, new);
    SET(gates, 3 * width + j, part);
    SET(out, j, V(fma)(update, GET(h, j) - new, new));
}

static void FN(gru_gates)(const mg_gates_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    for (size_t r = first; r < first + n; r++) {
        const size_t at = r * width;
        const real *z = (const real *)p->z + 3 * at, *s = (const real *)p->p + 3 * at, *h = (const real *)p->h + at;
        real *gates = (real *)p->gates + 4 * at, *out = (real *)p->out + at;
        if (FN(active)(p->lengths, r, p->step)) BY_VECTORS(FN(gru_vector), width, z, s, h, gates, out);
        else FN(fill)(4 * width, gates), FN(move)(width, h, out);
    }
}

INLINE void FN(gru_grad_vector)(const FN(gates_grad_row) *q, size_t j, size_t n, const int whole) {
    const size_t width = q->width;
    const vec one = V(set1)(1), d = GET(q->g, j) + GET(q->dh, j), reset = GET(q->gates, j);
    const vec update = GET(q->gates, width + j), new = GET(q->gates, 2 * width + j), part = GET(q->gates, 3 * width + j);
    const vec dn = d * (one - update) * (one - new * new), dr = dn * part * (reset * (one - reset));
    const vec du = d * (GET(q->before, j) - new) * (update * (one - update));
    SET(q->dz, j, dr);
    SET(q->dp, j, dr);
    SET(q->dz, width + j, du);
    SET(q->dp, width + j, du);
    SET(q->dz, 2 * width + j, dn);
    SET(q->dp, 2 * width + j, dn * reset);
    SET(q->dh, j, d * update);
}

static void FN(gru_gates_grad)(const mg_gates_grad_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    for (size_t r = first; r < first + n; r++) {
        const size_t at = r * width;
        const FN(gates_grad_row) q = {(const real *)p->g + at, (const real *)p->gates + 4 * at,
                                      (const real *)p->before + at, NULL, (real *)p->dh + at, NULL,
                                      (real *)p->dz + 3 * at, (real *)p->dp + 3 * at, width};
        if (FN(active)(p->lengths, r, p->step)) BY_VECTORS(FN(gru_grad_vector), &q);
        else FN(add_to)(width, q.g, q.dh), FN(fill)(3 * width, q.dz), FN(fill)(3 * width, q.dp);
    }
}

/* --- zeros after the last step of each row --- */

static void FN(keep_steps)(const mg_keep_steps_args *p, size_t first, size_t n) {
    for (size_t r = first; r < first + n; r++) {
        real *out = (real *)p->out + r * p->width;
        if (FN(active)(p->lengths, r % p->rows, (int64_t)(r / p->rows))) {
            FN(move)(p->width, (const real *)p->x + r * p->width, out);
        } else FN(fill)(p->width, out);
    }
}

#undef GET
#undef SET
#undef BY_VECTORS

#endif
