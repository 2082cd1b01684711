# cython: language_level=3, cdivision=True
# Flat sums split among threads: parts of 2^k chunks, each a subtree of the order that src_c/base/sums.h defines.
from minigrad.kernels.native.launch cimport least, pieces, share, threads_for
from minigrad.kernels.native.runtime cimport part_of

cdef extern from "base/sums.h" nogil:
    ctypedef struct mg_pairwise:
        size_t count, waiting
    void mg_pairwise_add(mg_pairwise *p, double s) noexcept nogil
    double mg_pairwise_total(const mg_pairwise *p) noexcept nogil

cdef enum:
    CHUNK = 1024                            # elements: mg_sum_chunk
    MAX_PARTS = 64


cdef struct stretch:                        # the argument of the parts of sum_in_parts. Of the n elements from `first`
    const void *args                        # on, part i sums `size` (the last maybe fewer), from first + i * size on,
    size_t first, n, size
    double *sums                            # and writes their flat sum to sums[i]


cdef inline size_t part_size(size_t n) noexcept nogil:
    """Elements of a part: the fewest 2^k chunks, but at least 16, with which n elements are at most MAX_PARTS parts."""
    cdef size_t size = 16 * CHUNK
    while size * MAX_PARTS < n:
        size *= 2
    return size


cdef inline double sum_in_parts(size_t work, size_t first, size_t n, part_of part, const void *args) noexcept nogil:
    """The flat sum of n elements from `first` on: in one part, or in parts that threads share."""
    cdef double[MAX_PARTS] sums
    cdef mg_pairwise tree
    cdef stretch s
    cdef size_t i, count
    s.args, s.first, s.n, s.size, s.sums = args, first, n, n, sums
    if threads_for(work) == 1:
        part(&s, 0)
        return sums[0]
    s.size = part_size(n)
    count = pieces(n, s.size)
    share(work, count, part, &s)
    tree.count = tree.waiting = 0
    for i in range(count):
        mg_pairwise_add(&tree, sums[i])
    return mg_pairwise_total(&tree)
