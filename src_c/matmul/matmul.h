/* Matrix products: the arguments of the kernels, and the table of one variant. */
#ifndef MG_MATMUL_H
#define MG_MATMUL_H
#include <stddef.h>

enum { MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID };

/* c (m,n) = activation(a (m,k) b (k,n) + bias), or c += a b. Strides count elements; a transposed operand has its
   strides swapped. The rows of c and bias are contiguous. Some rows or some columns of c are themselves a product. */
typedef struct {
    size_t m, n, k;
    const void *a, *b, *bias;               /* bias: n numbers or NULL */
    void *c;
    ptrdiff_t a_row, a_col, b_row, b_col, c_row;
    int activation, accumulate;
} mg_product;

/* An axis of a batch: its length, and how many elements apart the matrices a and b are along it; 0 if the same matrix
   is used all along the axis. */
typedef struct {
    size_t length;
    ptrdiff_t a, b;
} mg_batch_axis;

/* A product, or a batch of them. If n is 1, row i of a is multiplied by the vector at b + i * b_col; b_col is 0 if all
   rows are multiplied by the same vector. */
enum { MG_BATCH_AXES = 62 };
typedef struct {
    mg_product first;                       /* the product of the first matrices of the batch */
    int precision;
    int axes;                               /* of the batch; the matrices c follow one another in memory */
    mg_batch_axis axis[MG_BATCH_AXES];      /* the outermost first */
} mg_matmul_args;

/* By precision. matmul computes any n; matvec computes n = 1, with its own order of additions. matmul needs
   matmul_scratch(p) bytes, aligned to 64, that no other thread uses. */
typedef struct {
    size_t (*matmul_scratch[2])(const mg_product *p);
    void (*matmul[2])(const mg_product *p, void *scratch);
    void (*matvec[2])(const mg_product *p);
} mg_matmul_table;

extern const mg_matmul_table *const mg_matmul_tables[];

#endif
