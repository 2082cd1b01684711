# State that every kernel module reads: which CPU variant computes, with how many threads; and how threads share parts.
ctypedef void (*part_of)(const void *args, size_t i) noexcept nogil

cdef int variant
cdef int threads
cdef void share_among_threads(size_t work, size_t parts, part_of part, const void *args) noexcept nogil
