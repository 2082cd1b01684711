/* Philox4x32-10, one block at a time: the plain meaning of philox.h. */
#ifndef MG_PHILOX_NAIVE_H
#define MG_PHILOX_NAIVE_H
#include "random/stream.h"

/* word = the four words of a block. */
static inline void mg_philox_block(mg_stream s, uint64_t block, uint32_t *word) {
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)s.number, (uint32_t)(s.number >> 32)};
    uint32_t k0 = (uint32_t)s.key, k1 = (uint32_t)(s.key >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = 0xD2511F53ull * c[0], p1 = 0xCD9E8D57ull * c[2];
        c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
        c[1] = (uint32_t)p1;
        c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[3] = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) word[i] = c[i];
}

#endif
