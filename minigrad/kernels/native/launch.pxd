# cython: language_level=3, cdivision=True
# What every kernel needs between its checks and its C body: releasing the GIL, sharing parts among threads, scratch
# memory, and sums of pieces in a fixed order.
#
# A kernel `name` is three functions in its family's .pyx, here in the order in which they stand there; a call runs them
# from the last to the first:
#
#     cdef void name_block(const void *args, size_t i) noexcept nogil    part i: calls a C body of the table for a range
#     cdef int k_name(const void *args) noexcept nogil                   all parts: share(work, parts, name_block, args)
#     def name(...)                                                      checks, fills the struct p, call(k_name, &p, work)
#
# The def's first line behind `cdef mg_name_args p` is `record(&p, sizeof(p))`: with it, a step that mg.compile records
# keeps the call and can replay it. Then four things must hold:
#   1. Every pointer in p points into an array that the def was given. If the def copies one of these arrays, a kernel
#      makes the copy, and the def passes it to tape.hold.
#   2. k_name reads nothing else that changes from step to step.
#   3. k_name returns 0, or a number that ends the run.
#   4. WRITES in reference/__init__.py lists the arguments that the kernel writes, unless that is `out` alone.
# A recording raises an error that names the kernel if the line is missing. At the end of the file
# `know("name", k_name)` gives the kernel the name that it has in a record.
#
# args is the kernel's struct of arguments. `work` is how much there is to compute, in elements that are read, added and
# written: a kernel that computes more for each element passes a larger number. Threads are used from THREAD_WORK on.
from libc.stdlib cimport free, malloc

from minigrad.kernels.native cimport runtime, tape
from minigrad.kernels.native.checks cimport FLOAT32

ctypedef int (*kernel_of)(const void *args) noexcept nogil

cdef enum:
    # From this work on, about 4 us, two threads are faster than one (docs/kernels.md). Less work is computed by a plain
    # loop that holds the GIL, because releasing it takes 0.036 us.
    THREAD_WORK = 65536
    WAVE = 512                              # pieces whose sums are on the stack at once: 8 KiB
    LINE = 64                               # bytes of a cache line
    NO_MEMORY = 1                           # returned by a kernel that gets no scratch memory; it has written nothing


cdef inline size_t least(size_t a, size_t b) noexcept nogil:
    return a if a < b else b


cdef inline size_t pieces(size_t n, size_t size) noexcept nogil:
    """How many pieces of `size` elements n elements make; the last may be shorter."""
    return (n + size - 1) // size


cdef inline size_t item_size(int precision) noexcept nogil:
    """Bytes of a number."""
    return <size_t>4 << precision


cdef inline void put(void *to, int precision, double x) noexcept nogil:
    """Write x, rounded to that precision, at `to`."""
    if precision == FLOAT32:
        (<float *>to)[0] = <float>x
    else:
        (<double *>to)[0] = x


cdef inline double rounded(double x, int precision) noexcept nogil:
    """x as a number of that precision."""
    return <float>x if precision == FLOAT32 else x


cdef inline void record(void *args, size_t size) noexcept:
    """In a recording: register the struct at args and clear its fields. Call it before any field is filled."""
    if tape.on:
        tape.expect(args, size, True)


cdef inline void record_filled(void *args, size_t size) noexcept:
    """The same as record, but the fields keep their values; the memory must have been cleared when it was made."""
    if tape.on:
        tape.expect(args, size, False)


cdef inline int call(kernel_of kernel, const void *args, size_t work) noexcept:
    """kernel(args), without the GIL if work is at least THREAD_WORK. No other function releases the GIL."""
    if tape.on:
        tape.note(<void *>kernel, args)
    if work < THREAD_WORK:
        return kernel(args)
    with nogil:
        return kernel(args)


cdef inline int call_in_memory(str name, kernel_of kernel, const void *args, size_t work) except -1:
    """The same as call, for a kernel that allocates scratch. Raises MemoryError if there is no memory for it."""
    if call(kernel, args, work) == NO_MEMORY:
        raise MemoryError(f"{name}: no memory for scratch")
    return 0


cdef inline int know(str name, kernel_of kernel) except -1:
    """Register the name of a kernel. Records store names, because addresses differ from process to process."""
    tape.know(name, <void *>kernel)
    return 0


cdef inline int threads_for(size_t work) noexcept nogil:
    """How many threads to use; 1 if the work is too small for more to be faster."""
    return runtime.threads if runtime.threads > 1 and work >= THREAD_WORK else 1


cdef inline void share(size_t work, size_t parts, runtime.part_of part, const void *args) noexcept nogil:
    """part(args, i) for every i below parts, in any order, by several threads if the work is large enough.

    If parts add to one sum, `parts` must depend on the sizes alone, so that the number of threads changes no bit. If
    each part writes its own outputs, `parts` may depend on the number of threads.
    """
    cdef size_t i
    if parts > 1 and threads_for(work) > 1:
        runtime.share_among_threads(work, parts, part, args)
    else:
        for i in range(parts):
            part(args, i)


cdef struct wave:                           # the argument of `part` in add_pieces: WAVE pieces or fewer, and their sums
    const void *args
    size_t first                            # part i is piece first + i
    double (*sums)[2]                       # and writes its two sums to sums[i]


cdef inline void add_pieces(
    size_t work, size_t count, runtime.part_of part, const void *args, double *total
) noexcept nogil:
    """total += the two sums of each of `count` pieces, always in the order of the pieces.

    WAVE pieces are computed at a time. `part` is given a wave in place of args.
    """
    cdef double[WAVE][2] sums
    cdef wave w
    cdef size_t i, n
    w.args, w.first, w.sums = args, 0, sums
    while w.first < count:
        n = least(WAVE, count - w.first)
        share(work, n, part, &w)
        for i in range(n):
            total[0] += sums[i][0]
            total[1] += sums[i][1]
        w.first += n


cdef struct scratch:                        # memory that a kernel allocates for a call: a piece for each part
    void *block                             # what malloc returned; NULL if there is no memory
    char *first                             # the first piece; each starts on a cache line
    size_t size                             # bytes of a piece


cdef inline bint take_scratch(scratch *s, size_t parts, size_t bytes) noexcept nogil:
    """Allocate `bytes` bytes for each part; False if there is no memory. To be called before anything is computed.

    Every piece starts on a cache line, because reading vectors that lie in two lines takes a fifth of the time of a
    matrix product.
    """
    s.block, s.first, s.size = NULL, NULL, (bytes + LINE - 1) // LINE * LINE
    if bytes:
        s.block = malloc(s.size * parts + LINE)
        s.first = <char *>s.block + (LINE - <size_t>s.block % LINE)
    return bytes == 0 or s.block != NULL


cdef inline void give_scratch(scratch *s) noexcept nogil:
    free(s.block)
