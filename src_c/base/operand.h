/* What an elementwise map reads: rows of an array of any strides, or one number. */
#ifndef MG_OPERAND_H
#define MG_OPERAND_H
#include <stddef.h>

/* Element (r, j) stands at p + r * row + j * col, in bytes. */
typedef struct {
    const char *p;
    ptrdiff_t row, col;
} mg_operand;

/* out[r][j] = op(a[r][j], b[r][j]), out contiguous (rows, n); an op of one operand does not read b. */
typedef void (*mg_mapper_f32)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, float *out);
typedef void (*mg_mapper_f64)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, double *out);

#endif
