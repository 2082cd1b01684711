/* Functions computed along a row, one element after the other: the arguments, and the table of one variant. */
#ifndef MG_SCANS_H
#define MG_SCANS_H
#include <stddef.h>

/* x is (rows, n). out is x's shape for cumsum and prod_grad, (rows,) for prod and norm. */
typedef struct {
    size_t rows, n;
    const void *x;
    const void *g;                          /* of prod_grad: the gradient of each row */
    void *out;
    int reverse;                            /* of cumsum: from the last element down */
    int precision;
} mg_scan_args;

/* By precision; n rows from `first` on. */
typedef void (*mg_scan)(const mg_scan_args *p, size_t first, size_t n);
typedef struct {
    mg_scan cumsum[2], prod[2], prod_grad[2], norm[2];
} mg_scans_table;

extern const mg_scans_table *const mg_scans_tables[];

#endif
