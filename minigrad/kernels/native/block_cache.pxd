cdef void *take(size_t bytes) noexcept      # NULL if there is no memory
cdef void give(void *block, size_t bytes) noexcept
