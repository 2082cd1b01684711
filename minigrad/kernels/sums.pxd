# Flat sums split among threads: parts of 2^k chunks, each a subtree of the order that src_c/sums.h defines.
cdef enum: MAX_PARTS = 64


cdef inline Py_ssize_t part_size(Py_ssize_t n) noexcept nogil:
    """The least 2^k chunks, 16 at least, of which n elements make at most MAX_PARTS parts."""
    cdef Py_ssize_t size = 16 * 1024
    while size * MAX_PARTS < n:
        size *= 2
    return size


cdef inline double pairwise(double *part, Py_ssize_t n) noexcept nogil:
    """The sum of n > 0 parts, neighbours first; one that is left over passes up. Overwrites them."""
    cdef Py_ssize_t i
    while n > 1:
        for i in range(n // 2):
            part[i] = part[2 * i] + part[2 * i + 1]
        if n % 2:
            part[n // 2] = part[n - 1]
        n = (n + 1) // 2
    return part[0]
