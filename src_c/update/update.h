/* Optimizer updates of a table of parameters: what a call says, and the table of one variant. The formulas stand in
   reference/update.py. */
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
    double lr_decay;                        /* of adagrad, for the counters */
    int nesterov, amsgrad, centered, rule;
} mg_update_settings;

/* What a parameter's gradient of this step is: g, zeros, or nothing, which leaves the parameter as it is. */
enum { MG_GIVEN, MG_ZEROS, MG_LEAVE };

/* A parameter. state is, as far as the settings ask for it: sgd {momentum buffer}, adam {m, v, largest v}, rmsprop
   {v, m if centered, momentum buffer}, adagrad {v}. */
typedef struct {
    size_t n;
    void *w, *state[3];
    const void *g;                          /* of this step; read if it is MG_GIVEN */
    int gradient, precision;
} mg_segment;

typedef struct {
    const double *scalars;                  /* MG_COLUMNS for each segment */
    double *counters;                       /* two for each segment, which corrections follow from; or NULL */
    double *sums;                           /* Σ|w| and Σw² of each segment; NULL: not wanted */
    mg_update_settings settings;
    size_t n;
    mg_segment segment[];                   /* n of them */
} mg_update_args;

/* By precision; n elements, MG_PIECE at most, of one segment. sums = {Σ|w|, Σw²} of these: each where its row has such
   a term in the gradient, both where it has a proximal map; else 0. */
enum { MG_PIECE = 4096 };
typedef void (*mg_update)(const mg_update_args *p, size_t segment, size_t first, size_t n);
typedef struct {
    void (*sums[2])(const mg_update_args *p, size_t segment, size_t first, size_t n, double *sums);
    mg_update update[mg_rules][2];
} mg_update_table;

extern const mg_update_table *const mg_update_tables[];

#endif
