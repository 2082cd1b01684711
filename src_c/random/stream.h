/* Where random numbers come from: element offset + i of a stream, under a key. */
#ifndef MG_STREAM_H
#define MG_STREAM_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t key, number, offset;
} mg_stream;

/* The same stream, `first` elements further on. */
static inline mg_stream mg_stream_from(mg_stream s, size_t first) {
    s.offset += first;
    return s;
}

#endif
