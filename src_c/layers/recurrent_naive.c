/* The plain meaning of recurrent.c: one number at a time. Variant `naive`. */
#ifndef real
#include "layers/recurrent.h"
#include "math/exp_log_tanh_naive.h"
#define MG_SOURCE "layers/recurrent_naive.c"
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

#define NAIVE(name) MG_CAT(naive_##name##_f, real_bits)
#define AT(x, i) (((const real *)(x))[i])
#define TO(x, i) (((real *)(x))[i])
#define ROWS(first, n) for (size_t r = first; r < first + n; r++) for (size_t j = 0; j < p->width; j++)

static int FN(active)(const int64_t *lengths, size_t row, int64_t step) { return !lengths || step < lengths[row]; }

static void FN(rnn_gate)(const mg_gates_args *p, size_t first, size_t n) {
    ROWS(first, n) {
        const size_t i = r * p->width + j;
        const real a = AT(p->z, i) + AT(p->p, i);
        if (!FN(active)(p->lengths, r, p->step)) TO(p->out, i) = AT(p->h, i);
        else if (p->relu) TO(p->out, i) = a > 0 || isnan(a) ? a : 0;
        else TO(p->out, i) = NAIVE(tanh)(a);
    }
}

static void FN(lstm_gates)(const mg_gates_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    ROWS(first, n) {
        const size_t i = r * width + j, at = 4 * r * width + j;
        real gate[4] = {0}, c = AT(p->c, i), t = 0, h = AT(p->h, i);
        if (FN(active)(p->lengths, r, p->step)) {
            for (size_t k = 0; k < 4; k++) {
                const real a = AT(p->z, at + k * width) + AT(p->p, at + k * width);
                gate[k] = k == 2 ? NAIVE(tanh)(a) : NAIVE(sigmoid)(a);
            }
            c = REAL_FMA(gate[1], c, gate[0] * gate[2]);
            t = NAIVE(tanh)(c);
            h = gate[3] * t;
        }
        for (size_t k = 0; k < 4; k++) TO(p->gates, at + k * width) = gate[k];
        TO(p->new_c, i) = c, TO(p->tanh_c, i) = t, TO(p->out, i) = h;
    }
}

static void FN(gru_gates)(const mg_gates_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    ROWS(first, n) {
        const size_t i = r * width + j, at = 3 * r * width + j, to = 4 * r * width + j;
        real reset = 0, update = 0, new = 0, part = 0, h = AT(p->h, i);
        if (FN(active)(p->lengths, r, p->step)) {
            reset = NAIVE(sigmoid)(AT(p->z, at) + AT(p->p, at));
            update = NAIVE(sigmoid)(AT(p->z, at + width) + AT(p->p, at + width));
            part = AT(p->p, at + 2 * width);
            new = NAIVE(tanh)(REAL_FMA(reset, part, AT(p->z, at + 2 * width)));
            h = REAL_FMA(update, h - new, new);
        }
        TO(p->gates, to) = reset, TO(p->gates, to + width) = update;
        TO(p->gates, to + 2 * width) = new, TO(p->gates, to + 3 * width) = part;
        TO(p->out, i) = h;
    }
}

static void FN(rnn_gate_grad)(const mg_gates_grad_args *p, size_t first, size_t n) {
    ROWS(first, n) {
        const size_t i = r * p->width + j;
        const real d = AT(p->g, i) + AT(p->dh, i), y = AT(p->gates, i);
        const int active = FN(active)(p->lengths, r, p->step);
        TO(p->dh, i) = active ? 0 : d;
        if (!active) TO(p->dz, i) = 0;
        else if (p->relu) TO(p->dz, i) = y > 0 ? d : isnan(y) ? y : 0;
        else TO(p->dz, i) = d * (1 - y * y);
    }
}

static void FN(lstm_gates_grad)(const mg_gates_grad_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    ROWS(first, n) {
        const size_t at = r * width + j, to = 4 * r * width + j;
        const real d = AT(p->g, at) + AT(p->dh, at);
        if (!FN(active)(p->lengths, r, p->step)) {
            TO(p->dh, at) = d;
            for (size_t k = 0; k < 4; k++) TO(p->dz, to + k * width) = 0;
            continue;
        }
        const real i = AT(p->gates, to), f = AT(p->gates, to + width), g = AT(p->gates, to + 2 * width);
        const real o = AT(p->gates, to + 3 * width), t = AT(p->tanh_c, at);
        const real dc = REAL_FMA(d * o, 1 - t * t, AT(p->dc, at));
        TO(p->dz, to) = dc * g * (i * (1 - i));
        TO(p->dz, to + width) = dc * AT(p->before, at) * (f * (1 - f));
        TO(p->dz, to + 2 * width) = dc * i * (1 - g * g);
        TO(p->dz, to + 3 * width) = d * t * (o * (1 - o));
        TO(p->dh, at) = 0, TO(p->dc, at) = dc * f;
    }
}

static void FN(gru_gates_grad)(const mg_gates_grad_args *p, size_t first, size_t n) {
    const size_t width = p->width;
    ROWS(first, n) {
        const size_t at = r * width + j, to = 3 * r * width + j, from = 4 * r * width + j;
        const real d = AT(p->g, at) + AT(p->dh, at);
        real dr = 0, du = 0, dn = 0, dq = 0, dh = d;
        if (FN(active)(p->lengths, r, p->step)) {
            const real reset = AT(p->gates, from), update = AT(p->gates, from + width);
            const real new = AT(p->gates, from + 2 * width), part = AT(p->gates, from + 3 * width);
            dn = d * (1 - update) * (1 - new * new);
            dr = dn * part * (reset * (1 - reset));
            du = d * (AT(p->before, at) - new) * (update * (1 - update));
            dq = dn * reset;
            dh = d * update;
        }
        TO(p->dz, to) = TO(p->dp, to) = dr;
        TO(p->dz, to + width) = TO(p->dp, to + width) = du;
        TO(p->dz, to + 2 * width) = dn, TO(p->dp, to + 2 * width) = dq;
        TO(p->dh, at) = dh;
    }
}

static void FN(keep_steps)(const mg_keep_steps_args *p, size_t first, size_t n) {
    ROWS(first, n) {
        const size_t i = r * p->width + j;
        TO(p->out, i) = FN(active)(p->lengths, r % p->rows, (int64_t)(r / p->rows)) ? AT(p->x, i) : 0;
    }
}

#undef NAIVE
#undef AT
#undef TO
#undef ROWS

#endif
