# cython: language_level=3
# The check of indices in a replayed step. A replay calls no def, which would check them, so the kernel does.
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    OUTSIDE = 3                             # returned for an index outside of its range; nothing has been written


cdef inline bint inside(const int64_t *index, size_t n, size_t limit) noexcept nogil:
    """Whether all n are in [0, limit)."""
    cdef size_t i
    cdef bint outside = False
    for i in range(n):
        outside |= <uint64_t>index[i] >= <uint64_t>limit        # a negative one is huge as an unsigned number
    return not outside
