# Flat sums split among threads: parts of 2^k chunks, each a subtree of the order that src_c/base/sums.h defines.
cdef extern from "base/sums.h" nogil:
    ctypedef struct mg_pairwise:
        size_t count, waiting
    void mg_pairwise_add(mg_pairwise *p, double s) noexcept nogil
    double mg_pairwise_total(const mg_pairwise *p) noexcept nogil

cdef enum:
    CHUNK = 1024                            # elements: mg_sum_chunk
    MAX_PARTS = 64


cdef inline Py_ssize_t part_size(Py_ssize_t n) noexcept nogil:
    """The least 2^k chunks, 16 at least, of which n elements make at most MAX_PARTS parts."""
    cdef Py_ssize_t size = 16 * CHUNK
    while size * MAX_PARTS < n:
        size *= 2
    return size


cdef inline double sum_parts(const double *part, Py_ssize_t parts) noexcept nogil:
    """The flat sum, from the sums of its parts."""
    cdef mg_pairwise p
    cdef Py_ssize_t i
    p.count = p.waiting = 0
    for i in range(parts):
        mg_pairwise_add(&p, part[i])
    return mg_pairwise_total(&p)
