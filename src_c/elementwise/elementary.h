/* Functions of one number or two (operand.h), and where. Table of one variant. */
#ifndef MG_ELEMENTARY_H
#define MG_ELEMENTARY_H
#include <stdint.h>
#include "base/operand.h"

/* out = c ? a : b, all contiguous. */
typedef struct {
    size_t n;
    const uint8_t *c;
    const void *a, *b;                      /* if NULL, the number a_value or b_value for all elements */
    void *out;
    double a_value, b_value;
    int precision;
} mg_where_args;

typedef struct {
    mg_mapper map[2];
    void (*where[2])(const mg_where_args *p, size_t first, size_t n);
} mg_elementary_table;

extern const mg_elementary_table *const mg_elementary_tables[];

#endif
