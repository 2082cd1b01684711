/* Elementwise maps and conversions (operand.h). Table of one variant. */
#ifndef MG_ELEMENTWISE_H
#define MG_ELEMENTWISE_H
#include "base/operand.h"

typedef struct {
    mg_mapper map[2];                       /* by out's precision */
} mg_elementwise_table;

extern const mg_elementwise_table *const mg_elementwise_tables[];

#endif
