# State that every kernel module reads: which CPU variant computes, and with how many threads.
cdef int variant
cdef int threads
cdef int threads_for(Py_ssize_t work) noexcept nogil
cdef bint releases_gil(Py_ssize_t work) noexcept nogil
