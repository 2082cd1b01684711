/* Dropout of a block: bits that say which elements stay, and products with them. Table of one variant. */
#ifndef MG_DROPOUT_H
#define MG_DROPOUT_H
#include <stddef.h>
#include "random/stream.h"

/* A group of 128 elements is 16 blocks of Philox. Element e takes 16 bits: block 16 (e div 128) + e mod 16, word
   ((e div 16) mod 8) div 2, its low half if e div 16 is even; it stays if they are at least the threshold (<= 65536).
   Bit i of the bits is element offset + i; the bits behind the last one are 0. */
typedef struct {
    void (*dropout_bits)(size_t n, uint8_t *bits, mg_stream stream, uint32_t threshold);
    void (*masked_scale_f32)(size_t n, const float *x, const uint8_t *bits, double scale, float *out);
    void (*masked_scale_f64)(size_t n, const double *x, const uint8_t *bits, double scale, double *out);
    void (*dropout_f32)(size_t n, const float *x, uint8_t *bits, mg_stream stream, uint32_t threshold, double scale,
                        float *out);
    void (*dropout_f64)(size_t n, const double *x, uint8_t *bits, mg_stream stream, uint32_t threshold, double scale,
                        double *out);
} mg_dropout_table;

extern const mg_dropout_table *const mg_dropout_tables[];

#endif
