/* Matrix products: what a call says, and the table of one variant. */
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
} mg_product;

/* An axis of a batch, and how many elements apart the matrices a and b are along it: 0 where one is repeated. */
typedef struct {
    size_t length;
    ptrdiff_t a, b;
} mg_batch_axis;

/* A product, or a batch of them. Where n is 1, b_col is how far apart the vectors are that the rows of a meet: 0 where
   there is one vector for all rows. */
enum { MG_BATCH_AXES = 62 };
typedef struct {
    mg_product first;                       /* the product of the first matrices of the batch */
    int precision;
    int axes;                               /* of the batch; those of c are contiguous */
    mg_batch_axis axis[MG_BATCH_AXES];      /* the outermost first */
} mg_matmul_args;

/* By precision. matmul: any n. matvec: n = 1, where the order of the sum differs. matmul needs matmul_scratch(p) bytes,
   aligned to 64, that no other thread uses. */
typedef struct {
    size_t (*matmul_scratch[2])(const mg_product *p);
    void (*matmul[2])(const mg_product *p, void *scratch);
    void (*matvec[2])(const mg_product *p);
} mg_matmul_table;

extern const mg_matmul_table *const mg_matmul_tables[];

#endif
