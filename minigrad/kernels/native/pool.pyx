# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Pools of planes and their gradients: checks, then planes, shared among threads.

Arithmetic: src_c/pool/pool.c; meaning: reference/pool.py.
"""

cimport cython
from libc.stdint cimport int64_t
from numpy cimport NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport (
    apart, check_dtype_of_indices, check_flat, check_indices, check_out, check_real, describe,
)
from minigrad.kernels.native.launch cimport (
    call, give_scratch, kernel_of, know, least, record, scratch, share, take_scratch, threads_for,
)

cdef extern from "pool/pool.h" nogil:
    ctypedef struct mg_pool_axis:
        size_t x, y, kernel, stride, padding, dilation
    ctypedef struct mg_pool_args:
        size_t planes
        mg_pool_axis axis[2]
        const void *from_ "from"
        void *to
        const int64_t *index
        int64_t *found
        size_t divisor
        int bordered, precision

ctypedef void (*pool_of)(const mg_pool_args *p, size_t first, size_t n, void *scratch) noexcept nogil

cdef extern from "pool/pool.h" nogil:
    ctypedef struct mg_pool_table:
        size_t (*pool_scratch)(const mg_pool_args *p) noexcept nogil
        int (*pool_outside)(const int64_t *index, size_t n, size_t size) noexcept nogil
        pool_of max_pool2d[2]
        pool_of pool_pick[2]
        pool_of pool_put[2]
        pool_of avg_pool2d[2]
        pool_of avg_pool2d_grad[2]
    const mg_pool_table *const *mg_pool_tables

cdef enum:
    NO_MEMORY = 1                           # returned by a kernel that gets no scratch memory; it has written nothing
    OUTSIDE = 3                             # returned for an index outside of its plane; nothing has been written
    LARGEST = 1 << 30                       # of a kernel, stride, padding, dilation: their products fit into 64 bits


cdef struct plan:                           # how the planes of a call are divided into parts
    const mg_pool_args *p
    pool_of pool
    size_t parts
    scratch memory


cdef inline size_t work_of(const mg_pool_args *p) noexcept nogil:
    """In elements that are read, computed on a little and written."""
    cdef size_t taps = max(p.axis[0].kernel, <size_t>1) * max(p.axis[1].kernel, <size_t>1)
    cdef size_t places = p.axis[0].y * p.axis[1].y
    return p.planes * (p.axis[0].x * p.axis[1].x + places * least(taps, p.axis[0].x * p.axis[1].x) // 2)


cdef void compute_part(const void *args, size_t i) noexcept nogil:
    s = <const plan *>args
    cdef size_t first = s.p.planes * i // s.parts
    s.pool(s.p, first, s.p.planes * (i + 1) // s.parts - first, s.memory.first + i * s.memory.size)



cdef int spread(const mg_pool_args *p, pool_of pool) noexcept nogil:
    cdef plan s
    cdef size_t work = work_of(p)
    s.p, s.pool = p, pool
    s.parts = least(threads_for(work), p.planes)
    if not take_scratch(&s.memory, s.parts, mg_pool_tables[runtime.variant].pool_scratch(p)):
        return NO_MEMORY
    share(work, s.parts, compute_part, &s)
    give_scratch(&s.memory)
    return 0


cdef int by_index(const mg_pool_args *p, pool_of pool) noexcept nogil:
    """Check the indices, then compute planes by them."""
    cdef size_t places = p.planes * p.axis[0].y * p.axis[1].y
    if mg_pool_tables[runtime.variant].pool_outside(p.index, places, p.axis[0].x * p.axis[1].x):
        return OUTSIDE
    return spread(p, pool)


cdef int k_max_pool2d(const void *args) noexcept nogil:
    p = <const mg_pool_args *>args
    return spread(p, mg_pool_tables[runtime.variant].max_pool2d[p.precision])


cdef int k_pool_pick(const void *args) noexcept nogil:
    p = <const mg_pool_args *>args
    return by_index(p, mg_pool_tables[runtime.variant].pool_pick[p.precision])


cdef int k_pool_put(const void *args) noexcept nogil:
    p = <const mg_pool_args *>args
    return by_index(p, mg_pool_tables[runtime.variant].pool_put[p.precision])


cdef int k_avg_pool2d(const void *args) noexcept nogil:
    p = <const mg_pool_args *>args
    return spread(p, mg_pool_tables[runtime.variant].avg_pool2d[p.precision])


cdef int k_avg_pool2d_grad(const void *args) noexcept nogil:
    p = <const mg_pool_args *>args
    return spread(p, mg_pool_tables[runtime.variant].avg_pool2d_grad[p.precision])


# --- checks ---

cdef int check_sizes(str kernel, const mg_pool_axis *a, bint adaptive) except -1:
    """Raise ValueError for sizes whose products may overflow, or for a window without a place in x."""
    cdef Py_ssize_t i, start, tap
    cdef bint lost = a.x == 0 and a.y > 0
    if a.x >= LARGEST or a.y >= LARGEST:
        raise ValueError(f"{kernel}: sizes {a.x} and {a.y}; need less than {LARGEST}")
    for i in range(0 if adaptive else <Py_ssize_t>a.y):
        start = i * <Py_ssize_t>a.stride - <Py_ssize_t>a.padding
        tap = 0 if start >= 0 else (-start + <Py_ssize_t>a.dilation - 1) // <Py_ssize_t>a.dilation
        lost |= tap >= <Py_ssize_t>a.kernel or start + tap * <Py_ssize_t>a.dilation >= <Py_ssize_t>a.x
    if lost:
        raise ValueError(
            f"{kernel}: a window sees nothing of {a.x} places; kernel {a.kernel}, stride {a.stride}, "
            f"padding {a.padding}, dilation {a.dilation}, {a.y} windows"
        )
    return 0


@cython.boundscheck(True)                   # because kernel, stride, padding, dilation may be tuples of one number
cdef int fill_axis(
    str name, mg_pool_axis *a, int d, object kernel, object stride, object padding, object dilation
) except -1:
    cdef Py_ssize_t k = kernel[d], s = stride[d], p = padding[d], e = dilation[d]
    if not (0 <= k < LARGEST and 1 <= s < LARGEST and 0 <= p < LARGEST and 1 <= e < LARGEST):
        raise ValueError(
            f"{name}: kernel {k}, stride {s}, padding {p}, dilation {e}; need at least 1, 1, 0, 1 and less than {LARGEST}"
        )
    a.kernel, a.stride, a.padding, a.dilation = k, s, p, e
    return 0


cdef int fill(str kernel, mg_pool_args *p, ndarray x, ndarray y, ndarray source, ndarray out) except -1:
    """Check the arrays of planes and put them into p. `source` is the one of x and y that is read; `out` is written."""
    if PyArray_NDIM(x) != 4 or PyArray_NDIM(y) != 4 or PyArray_TYPE(x) != PyArray_TYPE(y) or (
        PyArray_DIM(x, 0) != PyArray_DIM(y, 0) or PyArray_DIM(x, 1) != PyArray_DIM(y, 1)
    ):
        from minigrad.errors import ShapeError
        raise ShapeError(f"{kernel}: arrays are {describe(x)} and {describe(y)}; need (n, c, ., .) of one dtype")
    p.precision = check_real(kernel, out)
    check_flat(kernel, source)
    check_out(kernel, out)
    if not apart(source, out):
        raise ValueError(f"{kernel}: out shares memory with the input; pass a copy of one of them")
    p.planes = PyArray_DIM(x, 0) * PyArray_DIM(x, 1)
    for d in range(2):
        p.axis[d] = mg_pool_axis(PyArray_DIM(x, 2 + d), PyArray_DIM(y, 2 + d), 1, 1, 0, 1)
    p.from_, p.to, p.index, p.found = PyArray_DATA(source), PyArray_DATA(out), NULL, NULL
    p.divisor = p.bordered = 0
    return 0


cdef int launch_by_index(str kernel, kernel_of k, const mg_pool_args *p, ndarray index) except -1:
    cdef int code = call(k, p, work_of(p))
    if code == NO_MEMORY:
        raise MemoryError(f"{kernel}: no memory for the threads")
    if code == OUTSIDE:
        check_indices(kernel, "index", index, p.axis[0].x * p.axis[1].x)    # it raises the error
    return 0


cdef int launch(str kernel, int (*k)(const void *args) noexcept nogil, const mg_pool_args *p) except -1:
    if call(k, p, work_of(p)) == NO_MEMORY:
        raise MemoryError(f"{kernel}: no memory for a row")
    return 0


cdef int check_index(str kernel, mg_pool_args *p, ndarray index, ndarray y, ndarray out) except -1:
    """index is int64 with as many elements as y, and shares no memory with out. Its numbers are checked by the kernel."""
    if PyArray_SIZE(index) != PyArray_SIZE(y) or PyArray_NDIM(index) != 4:
        from minigrad.errors import ShapeError
        raise ShapeError(f"{kernel}: index is {describe(index)}, y {describe(y)}; need one shape")
    check_dtype_of_indices(kernel, "index", index)
    if not apart(index, out):
        raise ValueError(f"{kernel}: out shares memory with the index; pass a copy of one of them")
    p.index = <const int64_t *>PyArray_DATA(index)
    return 0


def max_pool2d(
    ndarray x not None, ndarray y not None, ndarray index not None, *, object kernel, object stride, object padding,
    object dilation,
):
    cdef mg_pool_args p
    record(&p, sizeof(p))
    fill("max_pool2d", &p, x, y, x, y)
    if PyArray_TYPE(index) != NPY_INT64 or PyArray_SIZE(index) != PyArray_SIZE(y):
        from minigrad.errors import ShapeError
        raise ShapeError(f"max_pool2d: index is {describe(index)}, y {describe(y)}; need int64 of y's shape")
    check_out("max_pool2d", index)
    if not apart(index, y) or not apart(x, index):
        raise ValueError("max_pool2d: the index shares memory with x or y; pass a copy")
    for d in range(2):
        fill_axis("max_pool2d", &p.axis[d], d, kernel, stride, padding, dilation)
        check_sizes("max_pool2d", &p.axis[d], False)
    if p.axis[0].x * p.axis[1].x >= <size_t>2 * LARGEST - 1:
        raise ValueError(f"max_pool2d: planes of {p.axis[0].x} x {p.axis[1].x}; their places are counted in 31 bits")
    p.found = <int64_t *>PyArray_DATA(index)
    if PyArray_SIZE(y):
        launch("max_pool2d", k_max_pool2d, &p)


def pool_pick(ndarray x not None, ndarray index not None, ndarray y not None):
    cdef mg_pool_args p
    record(&p, sizeof(p))
    fill("pool_pick", &p, x, y, x, y)
    check_index("pool_pick", &p, index, y, y)
    if PyArray_SIZE(y):
        launch_by_index("pool_pick", k_pool_pick, &p, index)


def pool_put(ndarray y not None, ndarray index not None, ndarray x not None):
    cdef mg_pool_args p
    record(&p, sizeof(p))
    fill("pool_put", &p, x, y, y, x)
    check_index("pool_put", &p, index, y, x)
    if PyArray_SIZE(x):
        launch_by_index("pool_put", k_pool_put, &p, index)


cdef int fill_average(
    str name, mg_pool_args *p, object kernel, object stride, object padding, bint count_include_pad, Py_ssize_t divisor
) except -1:
    """Check the arguments of the averages and put them into p. With kernel (0, 0), the windows divide x evenly."""
    cdef bint adaptive = False
    if divisor < 0:
        raise ValueError(f"{name}: divisor is {divisor}; need at least 1, or 0 for the count")
    for d in range(2):
        fill_axis(name, &p.axis[d], d, kernel, stride, padding, (1, 1))
        adaptive = p.axis[d].kernel == 0
        check_sizes(name, &p.axis[d], adaptive)
    if (p.axis[0].kernel == 0) != adaptive:
        raise ValueError(f"{name}: kernel is {kernel}; need both 0, for windows that share x evenly, or none")
    p.bordered, p.divisor = count_include_pad and not adaptive, divisor
    return 0


def avg_pool2d(
    ndarray x not None, ndarray y not None, *, object kernel, object stride, object padding,
    bint count_include_pad=True, Py_ssize_t divisor=0,
):
    cdef mg_pool_args p
    record(&p, sizeof(p))
    fill("avg_pool2d", &p, x, y, x, y)
    fill_average("avg_pool2d", &p, kernel, stride, padding, count_include_pad, divisor)
    if PyArray_SIZE(y):
        launch("avg_pool2d", k_avg_pool2d, &p)


def avg_pool2d_grad(
    ndarray y not None, ndarray x not None, *, object kernel, object stride, object padding,
    bint count_include_pad=True, Py_ssize_t divisor=0,
):
    cdef mg_pool_args p
    record(&p, sizeof(p))
    fill("avg_pool2d_grad", &p, x, y, y, x)
    fill_average("avg_pool2d_grad", &p, kernel, stride, padding, count_include_pad, divisor)
    if PyArray_SIZE(x):
        launch("avg_pool2d_grad", k_avg_pool2d_grad, &p)


know("max_pool2d", k_max_pool2d)
know("pool_pick", k_pool_pick)
know("pool_put", k_pool_put)
know("avg_pool2d", k_avg_pool2d)
know("avg_pool2d_grad", k_avg_pool2d_grad)
