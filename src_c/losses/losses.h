/* Losses that act element by element: the arguments of the kernels, and the table of one variant. */
#ifndef MG_LOSSES_H
#define MG_LOSSES_H
#include <stddef.h>

typedef struct {
    size_t n;
    const void *x, *t;
    void *loss;                             /* of each element if `each`, or their sum / divisor */
    double divisor;
    int each, precision;
} mg_loss_args;

typedef struct {
    size_t n;
    const void *x, *t;
    const void *g;                          /* of each element, or one number for all */
    void *out;
    double divisor;
    int each, precision;
} mg_loss_grad_args;

/* By precision; n elements from `first` on. If `each`, a loss writes the losses of the elements and returns 0;
   otherwise it returns their flat sum. */
typedef double (*mg_loss)(const mg_loss_args *p, size_t first, size_t n);
typedef void (*mg_loss_grad)(const mg_loss_grad_args *p, size_t first, size_t n);
typedef struct {
    mg_loss bce_with_logits[2], mse[2];
    mg_loss_grad bce_with_logits_grad[2], mse_grad[2];
} mg_losses_table;

extern const mg_losses_table *const mg_losses_tables[];

#endif
