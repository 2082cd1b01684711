/* Where random numbers come from: element offset + i of a stream, under a key. */
#ifndef MG_STREAM_H
#define MG_STREAM_H
#include <stdint.h>

typedef struct {
    uint64_t key, number, offset;
} mg_stream;

#endif
