# cython: language_level=3, boundscheck=False, wraparound=False
"""Memory for arrays. Large blocks that are freed are kept for the next array of the same size, because a training step
frees its gradients and allocates as many again, and memory that is new to the process costs a page fault per 4 KiB,
which would take a fifth of the time of a step of 784-1024-1024-10.

At most as many bytes are kept as are in use, or 64 MiB if that is more. The caller holds the GIL, so there is no lock.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport uintptr_t
from libc.string cimport memmove

cdef extern from "Python.h":                # so that tracemalloc counts arrays, but not kept blocks
    int PyTraceMalloc_Track(unsigned int domain, uintptr_t block, size_t bytes)
    int PyTraceMalloc_Untrack(unsigned int domain, uintptr_t block)

cdef enum: LARGE = 65536                    # bytes from which a block is kept
cdef enum: MOST = 128                       # blocks
cdef size_t LEAST = 64 << 20                # bytes that may be kept whatever is in use


cdef struct Kept:
    void *block
    size_t bytes


cdef Kept[MOST + 1] kept                    # in the order in which they were freed
cdef int count = 0
cdef size_t kept_bytes = 0, used_bytes = 0  # of large blocks


cdef Kept remove(int i) noexcept:
    global count, kept_bytes
    cdef Kept found = kept[i]
    count -= 1
    kept_bytes -= found.bytes
    memmove(&kept[i], &kept[i + 1], (count - i) * sizeof(Kept))
    return found


cdef void *take(size_t bytes) noexcept:
    global used_bytes
    cdef void *block
    cdef int i
    if bytes < LARGE:
        return PyMem_RawMalloc(bytes)
    for i in range(count - 1, -1, -1):      # the block freed last is the most likely to be in a cache
        if kept[i].bytes == bytes:
            block = remove(i).block
            PyTraceMalloc_Track(0, <uintptr_t>block, bytes)
            break
    else:
        block = PyMem_RawMalloc(bytes)
        if block == NULL:
            keep_at_most(0)
            block = PyMem_RawMalloc(bytes)
    if block != NULL:
        used_bytes += bytes
    return block


cdef void give(void *block, size_t bytes) noexcept:
    global count, kept_bytes, used_bytes
    if bytes < LARGE or block == NULL:
        PyMem_RawFree(block)
        return
    PyTraceMalloc_Untrack(0, <uintptr_t>block)
    kept[count] = Kept(block, bytes)
    count += 1
    kept_bytes += bytes
    used_bytes -= bytes
    keep_at_most(max(used_bytes, LEAST))


cdef void keep_at_most(size_t bytes) noexcept:
    while count > MOST or kept_bytes > bytes:
        PyMem_RawFree(remove(0).block)


def held():
    """Bytes of large blocks that are in use, and of those that are kept."""
    return used_bytes, kept_bytes


def release():
    """Give all kept blocks back to the system."""
    keep_at_most(0)
