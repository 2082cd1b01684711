/* One step of a recurrent network after its matrix products: the arguments of the kernels, and the table of one
   variant.

   The argument of the gates is z + p: z is computed from the inputs, p from the state before. Both are (rows, gates *
   width), gate after gate: i f g o (input, forget, cell, output) of an LSTM, r u n (reset, update, new) of a GRU, one
   gate of a plain network. A row is computed if lengths is NULL or step < lengths[row]; otherwise it keeps its state,
   and its gates are 0. */
#ifndef MG_RECURRENT_H
#define MG_RECURRENT_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t rows, width;
    const void *z, *p;
    const void *h, *c;                      /* the state before; c of an LSTM alone */
    void *gates;                            /* of an LSTM i f g o; of a GRU r u n and the part of n in p */
    void *new_c, *tanh_c;                   /* of an LSTM alone */
    void *out;                              /* the new h */
    const int64_t *lengths;
    int64_t step;
    int relu, precision;                    /* relu: in place of tanh in a plain network */
} mg_gates_args;

typedef struct {
    size_t rows, width;
    const void *g;                          /* the gradient of the new h, without that of later steps (dh) */
    const void *gates;                      /* of a plain network the new h */
    const void *before;                     /* c before of an LSTM, h before of a GRU */
    const void *tanh_c;
    void *dh;                               /* in: of the new h, from later steps; out: of h, without that through p */
    void *dc;                               /* in: of the new c; out: of c before */
    void *dz, *dp;                          /* dp: of a GRU alone; otherwise the gradient of p is dz */
    const int64_t *lengths;
    int64_t step;
    int relu, precision;
} mg_gates_grad_args;

typedef struct {                            /* out = x where step < lengths[row], else 0 */
    size_t steps, rows, width;
    const void *x;
    void *out;
    const int64_t *lengths;
    int precision;
} mg_keep_steps_args;

/* By precision; n rows from `first` on (of keep_steps n rows of all steps together). */
typedef void (*mg_gates)(const mg_gates_args *p, size_t first, size_t n);
typedef void (*mg_gates_grad)(const mg_gates_grad_args *p, size_t first, size_t n);
typedef struct {
    mg_gates rnn_gate[2], lstm_gates[2], gru_gates[2];
    mg_gates_grad rnn_gate_grad[2], lstm_gates_grad[2], gru_gates_grad[2];
    void (*keep_steps[2])(const mg_keep_steps_args *p, size_t first, size_t n);
} mg_recurrent_table;

extern const mg_recurrent_table *const mg_recurrent_tables[];

#endif
