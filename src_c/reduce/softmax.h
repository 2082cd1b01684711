/* Softmax, its logarithm and cross-entropy by rows: the arguments of the kernels, and the table of one variant. */
#ifndef MG_SOFTMAX_H
#define MG_SOFTMAX_H
#include <stddef.h>
#include <stdint.h>

/* All arrays are (rows, n). */
typedef struct {
    size_t rows, n;
    const void *x;
    void *out;
    int precision;
} mg_softmax_args;

/* y is the result of the forward pass. */
typedef struct {
    size_t rows, n;
    const void *g, *y;
    void *out;
    int precision;
} mg_softmax_grad_args;

/* Targets are labels (rows) or, where label is NULL, probabilities t (rows, n). */
typedef struct {
    size_t rows, n;
    const void *x;
    const int64_t *label;
    const void *t;
    void *loss, *probs;                     /* loss: of each row if `each`, or their sum / divisor */
    double divisor;
    int each, precision;
} mg_cross_entropy_args;

typedef struct {
    size_t rows, n;
    const void *probs;
    const int64_t *label;
    const void *t;
    const void *g;                          /* of each row, or one number for all */
    void *out;
    double divisor;
    int each, precision;
} mg_cross_entropy_grad_args;

/* By precision; n rows from `first` on. cross_entropy writes the loss of each row to `loss`; sum_flat adds losses. */
typedef void (*mg_softmax_rows)(const mg_softmax_args *p, size_t first, size_t n);
typedef void (*mg_softmax_grad_rows)(const mg_softmax_grad_args *p, size_t first, size_t n);
typedef struct {
    mg_softmax_rows softmax[2], log_softmax[2];
    mg_softmax_grad_rows softmax_grad[2], log_softmax_grad[2];
    double (*sum_flat[2])(size_t n, const void *losses);
    void (*cross_entropy[2])(const mg_cross_entropy_args *p, size_t first, size_t n, void *loss);
    void (*cross_entropy_grad[2])(const mg_cross_entropy_grad_args *p, size_t first, size_t n);
} mg_softmax_table;

extern const mg_softmax_table *const mg_softmax_tables[];

#endif
