/* Dropout: bits that say which elements are kept, and products with them. The arguments of the kernels, and the table
   of one variant. */
#ifndef MG_DROPOUT_H
#define MG_DROPOUT_H
#include <stddef.h>
#include "random/stream.h"

/* A group of 128 elements is 16 blocks of Philox. Element e takes 16 bits: block 16 (e div 128) + e mod 16, word
   ((e div 16) mod 8) div 2, its low half if e div 16 is even; it is kept if they are at least the threshold (<= 65536).
   Bit i of the bits is element offset + i; the bits behind the last one are 0. */
typedef struct {
    size_t n;
    uint8_t *bits;
    mg_stream stream;
    uint32_t threshold;
} mg_dropout_bits_args;

/* out = x scale where the bit is set, else +0 */
typedef struct {
    size_t n;
    const void *x;
    const uint8_t *bits;
    void *out;
    double scale;
    int precision;
} mg_masked_scale_args;

/* Both at once: the bits are drawn and used. */
typedef struct {
    size_t n;
    const void *x;
    uint8_t *bits;
    void *out;
    mg_stream stream;
    double scale;
    uint32_t threshold;
    int precision;
} mg_dropout_args;

/* n elements from `first` on; first is a multiple of 8. */
typedef struct {
    void (*dropout_bits)(const mg_dropout_bits_args *p, size_t first, size_t n);
    void (*masked_scale[2])(const mg_masked_scale_args *p, size_t first, size_t n);
    void (*dropout[2])(const mg_dropout_args *p, size_t first, size_t n);
} mg_dropout_table;

extern const mg_dropout_table *const mg_dropout_tables[];

#endif
