/* Optimizer updates of a table of parameters: the arguments of the kernels, and the table of one variant. The formulas
   are in reference/update.py. */
#ifndef MG_UPDATE_H
#define MG_UPDATE_H
#include <stddef.h>

/* The columns of Segments.scalars (segments.py). */
enum { MG_LR, MG_L1, MG_L2, MG_PROX_L1, MG_PROX_L2, MG_DECAY, MG_CORRECTION1, MG_CORRECTION2, MG_COLUMNS };

#define MG_RULES(X) X(sgd) X(adam) X(rmsprop) X(adagrad)
#define MG_RULE(name) mg_rule_##name,
enum { MG_RULES(MG_RULE) mg_rules };

typedef struct {
    double momentum, beta1, beta2, eps;     /* beta2 is rmsprop's alpha */
    double lr_decay;                        /* of adagrad; correction1 is 1 + (number of the step - 1) lr_decay */
    int nesterov, amsgrad, centered, rule;
} mg_update_settings;

/* Which gradient a parameter has in this step: g, zeros, or none; a parameter without one does not change. */
enum { MG_GIVEN, MG_ZEROS, MG_LEAVE };

/* A parameter. state holds, as far as the settings use them: sgd {momentum buffer}, adam {m, v, largest v}, rmsprop
   {v, m if centered, momentum buffer}, adagrad {v}. */
typedef struct {
    size_t n;
    void *w, *state[3];
    const void *g;                          /* of this step; read if it is MG_GIVEN */
    int gradient, precision;
} mg_segment;

typedef struct {
    const double *scalars;                  /* MG_COLUMNS for each segment */
    double *counters;                       /* two for each segment, from which the corrections are computed; or NULL */
    double *sums;                           /* Σ|w| and Σw² of each segment; NULL: not wanted */
    mg_update_settings settings;
    size_t n;
    mg_segment segment[];                   /* n of them */
} mg_update_args;

/* By precision; each computes n <= MG_PIECE elements of one segment, from `first` on. sums = {Σ|w|, Σw²} of these:
   both if the segment has a proximal map, else Σ|w| if its l1 is not 0 and Σw² if its l2 is not 0. The other is 0. */
enum { MG_PIECE = 4096 };
typedef void (*mg_update)(const mg_update_args *p, size_t segment, size_t first, size_t n);
typedef struct {
    void (*sums[2])(const mg_update_args *p, size_t segment, size_t first, size_t n, double *sums);
    mg_update update[mg_rules][2];
} mg_update_table;

extern const mg_update_table *const mg_update_tables[];

#endif
