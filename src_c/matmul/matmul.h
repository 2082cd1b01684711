/* Matrix products. Table of one variant. */
#ifndef MG_MATMUL_H
#define MG_MATMUL_H
#include <stddef.h>

enum { MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID };

/* c (m,n) = activation(a (m,k) b (k,n) + bias), or c += a b. Strides count elements; a transposed operand is one with
   its strides swapped. The rows of c and bias are contiguous. A part of a product (some rows, some columns) is one. */
typedef struct {
    size_t m, n, k;
    const void *a, *b, *bias;               /* bias: n numbers or NULL */
    void *c;
    ptrdiff_t a_row, a_col, b_row, b_col, c_row;
    int activation, accumulate;
} mg_matmul_args;

/* matmul: any n. matvec: the same for n = 1, where the order of the sum differs; b_col is how far apart the vectors
   are that the rows of a meet, 0 where all meet one.
   Both need scratch(p) bytes, aligned to 64, that no other thread uses. */
typedef struct {
    size_t (*matmul_scratch_f32)(const mg_matmul_args *p);
    size_t (*matmul_scratch_f64)(const mg_matmul_args *p);
    void (*matmul_f32)(const mg_matmul_args *p, void *scratch);
    void (*matmul_f64)(const mg_matmul_args *p, void *scratch);
    void (*matvec_f32)(const mg_matmul_args *p);
    void (*matvec_f64)(const mg_matmul_args *p);
} mg_matmul_table;

extern const mg_matmul_table *const mg_matmul_tables[];

#endif
