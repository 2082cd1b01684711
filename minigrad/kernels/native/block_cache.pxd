cdef void *take(size_t bytes) noexcept      # NULL where there is none
cdef void give(void *block, size_t bytes) noexcept
