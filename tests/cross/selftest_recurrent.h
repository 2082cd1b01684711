/* What selftest.c does with the steps of recurrent networks, for the precision `real`. Included by mg_both.h, twice. */
#define PRECISION (real_bits == 64)
#define CALL(name) mg_recurrent_tables[variant]->name[PRECISION]
#define EACH_WIDTH(w) for (size_t s_ = 0, w; s_ < sizeof FN(state_widths) / sizeof *FN(state_widths) && (w = FN(state_widths)[s_], 1); s_++, release())
enum { FN(step_rows) = 5, FN(step) = 2 };

static const size_t FN(state_widths)[] = {1, 3, 8, 15, 17, 33, 130};

/* Two calls of one step: rows with lengths, some of which are over, or NULL. */
static const int64_t *FN(step_lengths)(size_t s) { return s % 2 ? fresh_indices(FN(step_rows), 5) : NULL; }

static mg_gates_args FN(some_gates)(size_t s, size_t width, size_t gates) {
    const size_t state = FN(step_rows) * width;
    mg_gates_args p = {.rows = FN(step_rows), .width = width, .step = FN(step), .relu = s % 3 == 1, .precision = PRECISION};
    p.z = s % 3 == 2 ? FN(wild)(gates * state) : FN(warm)(gates * state);
    p.p = FN(warm)(gates * state);
    p.h = FN(mild)(state);
    p.c = FN(mild)(state);
    p.gates = FN(mild)(4 * state);
    p.new_c = FN(mild)(state);
    p.tanh_c = FN(mild)(state);
    p.out = FN(mild)(state);
    p.lengths = FN(step_lengths)(s);
    return p;
}

static mg_gates_grad_args FN(some_slopes)(size_t s, size_t width, size_t gates) {
    const size_t state = FN(step_rows) * width;
    mg_gates_grad_args p = {.rows = FN(step_rows), .width = width, .step = FN(step), .relu = s % 3 == 1, .precision = PRECISION};
    p.g = FN(warm)(state);
    p.gates = FN(mild)(4 * state);
    p.before = FN(mild)(state);
    p.tanh_c = FN(mild)(state);
    p.dh = FN(mild)(state);
    p.dc = FN(mild)(state);
    p.dz = FN(mild)(gates * state);
    p.dp = FN(mild)(gates * state);
    p.lengths = FN(step_lengths)(s);
    return p;
}

#define STEP(kernel, gates, feeds)                                                                                     \
    static void FN(check_##kernel)(void) {                                                                             \
        EACH_WIDTH(width) {                                                                                            \
            const size_t state = FN(step_rows) * width;                                                                     \
            const mg_gates_args p = FN(some_gates)(s_, width, gates);                                                  \
            CALL(kernel)(&p, 0, 2);                                                                                    \
            CALL(kernel)(&p, 2, FN(step_rows) - 2);                                                                         \
            FN(feed)(state, p.out);                                                                                    \
            feeds;                                                                                                     \
        }                                                                                                              \
    }
STEP(rnn_gate, 1, (void)0)
STEP(lstm_gates, 4, (FN(feed)(4 * state, p.gates), FN(feed)(state, p.new_c), FN(feed)(state, p.tanh_c)))
STEP(gru_gates, 3, FN(feed)(4 * state, p.gates))
#undef STEP

#define SLOPES(kernel, gates, feeds)                                                                                   \
    static void FN(check_##kernel)(void) {                                                                             \
        EACH_WIDTH(width) {                                                                                            \
            const size_t state = FN(step_rows) * width;                                                                     \
            const mg_gates_grad_args p = FN(some_slopes)(s_, width, gates);                                            \
            CALL(kernel)(&p, 0, 2);                                                                                    \
            CALL(kernel)(&p, 2, FN(step_rows) - 2);                                                                         \
            FN(feed)(gates * state, p.dz), FN(feed)(state, p.dh);                                                      \
            feeds;                                                                                                     \
        }                                                                                                              \
    }
SLOPES(rnn_gate_grad, 1, (void)0)
SLOPES(lstm_gates_grad, 4, FN(feed)(state, p.dc))
SLOPES(gru_gates_grad, 3, FN(feed)(3 * state, p.dp))
#undef SLOPES

static void FN(check_keep_steps)(void) {
    EACH_WIDTH(width) {
        const size_t steps = 4, rows = steps * FN(step_rows);
        mg_keep_steps_args p = {.steps = steps, .rows = FN(step_rows), .width = width, .precision = PRECISION};
        p.x = FN(wild)(rows * width);
        p.out = FN(mild)(rows * width);
        p.lengths = fresh_indices(FN(step_rows), steps + 1);
        CALL(keep_steps)(&p, 0, 7);
        CALL(keep_steps)(&p, 7, rows - 7);
        FN(feed)(rows * width, p.out);
    }
}

#undef PRECISION
#undef CALL
#undef EACH_WIDTH
