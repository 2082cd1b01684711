# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Bags of rows of a table: checks, then bags, or columns of the gradient, shared among threads.

Arithmetic: src_c/layers/embedding_bag.c; meaning: reference/embedding_bag.py.
"""

from libc.stdint cimport int64_t, uint64_t
from numpy cimport (
    NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_indices, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call, kernel_of, know, least, pieces, record, share, threads_for

from minigrad.errors import DTypeError, ShapeError

cdef extern from "layers/embedding_bag.h" nogil:
    enum: MG_BAG_SUM, MG_BAG_MEAN, MG_BAG_MAX
    ctypedef struct mg_embedding_bag_args:
        size_t bags, n, entries, width
        const void *weight
        const void *g
        const void *scale
        const int64_t *index
        const int64_t *offsets
        void *out
        int64_t *largest
        int64_t skip
        int mode, precision
    ctypedef void (*mg_bags)(const mg_embedding_bag_args *p, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_embedding_bag_table:
        mg_bags embedding_bag[2]
        mg_bags embedding_bag_grad[2]
        mg_bags embedding_bag_dots[2]
    const mg_embedding_bag_table *const *mg_embedding_bag_tables

cdef enum:
    BLOCK = 16384                           # elements that a thread takes at once, in whole bags
    LINE = 16                               # columns: parts are multiples, so that no two threads write to one line
    OUTSIDE = 3                             # returned for an index outside of the table; nothing has been written


cdef bint inside(const mg_embedding_bag_args *p) noexcept nogil:
    """Whether every index is in [0, entries), and offsets rise from 0 to at most n. A replay has no other check."""
    cdef size_t i
    cdef int64_t before = 0
    cdef bint outside = False
    for i in range(p.n):
        outside |= <uint64_t>p.index[i] >= <uint64_t>p.entries      # a negative one is huge as an unsigned number
    if p.offsets != NULL and p.bags:
        outside |= p.offsets[0] != 0
        for i in range(p.bags):
            outside |= p.offsets[i] < before or p.offsets[i] > <int64_t>p.n
            before = p.offsets[i]
    return not outside


cdef struct bags_call:                      # what the parts share
    const mg_embedding_bag_args *p
    mg_bags body
    size_t count, size                      # bags or columns in all, and of a part


cdef void bags_block(const void *args, size_t i) noexcept nogil:
    c = <const bags_call *>args
    cdef size_t first = i * c.size
    c.body(c.p, first, least(c.size, c.count - first))


cdef inline int run_bags(const mg_embedding_bag_args *p, mg_bags body) noexcept nogil:
    cdef bags_call c
    cdef size_t work = (p.n + p.bags) * p.width, average = work // (p.bags + 1)
    if not inside(p):
        return OUTSIDE
    c.p, c.body, c.count = p, body, p.bags
    c.size = p.bags if threads_for(work) == 1 else 1 + BLOCK // (average + 1)
    if c.count:
        share(work, pieces(c.count, c.size), bags_block, &c)
    return 0


cdef int k_embedding_bag(const void *args) noexcept nogil:
    p = <const mg_embedding_bag_args *>args
    return run_bags(p, mg_embedding_bag_tables[runtime.variant].embedding_bag[p.precision])


cdef int k_embedding_bag_dots(const void *args) noexcept nogil:
    p = <const mg_embedding_bag_args *>args
    return run_bags(p, mg_embedding_bag_tables[runtime.variant].embedding_bag_dots[p.precision])


cdef int k_embedding_bag_grad(const void *args) noexcept nogil:
    """Threads share columns, never entries, so that the order of each sum does not depend on them."""
    p = <const mg_embedding_bag_args *>args
    cdef bags_call c
    cdef size_t work = (p.n + p.bags + p.entries) * p.width, threads = threads_for(work)
    if not inside(p):
        return OUTSIDE
    c.p, c.body, c.count = p, mg_embedding_bag_tables[runtime.variant].embedding_bag_grad[p.precision], p.width
    c.size = p.width if threads == 1 else pieces(p.width, threads * LINE) * LINE
    if c.count:
        share(work, pieces(c.count, c.size), bags_block, &c)
    return 0


# --- checks ---

cdef int check_bags(str kernel, mg_embedding_bag_args *p, ndarray index, ndarray offsets, Py_ssize_t bags) except -1:
    """index and offsets are flat int64 vectors; offsets has one number for each bag, or is None."""
    cdef ndarray a
    if PyArray_NDIM(index) != 1 or offsets is not None and PyArray_NDIM(offsets) != 1:
        raise ShapeError(f"{kernel}: index is {describe(index)}; need it and offsets to be vectors")
    check_indices(kernel, "index", index, p.entries)
    p.n, p.bags, p.index = PyArray_SIZE(index), bags, <const int64_t *>PyArray_DATA(index)
    if offsets is None:
        if bags != PyArray_SIZE(index):
            raise ShapeError(f"{kernel}: index is {describe(index)} for {bags} bags; need one for each, or offsets")
        return 0
    check_indices(kernel, "offset", offsets, p.n + 1)
    if PyArray_SIZE(offsets) != bags:
        raise ShapeError(f"{kernel}: offsets are {describe(offsets)}; need {bags}, one for each bag")
    p.offsets = <const int64_t *>PyArray_DATA(offsets)
    if not inside(p):
        raise ValueError(f"{kernel}: offsets {(<object>offsets).tolist()!r:.60}; need them to rise from 0")
    return 0


cdef int check_table(str kernel, str what, ndarray a, ndarray like, Py_ssize_t rows) except -1:
    """a is (rows, width), or (any, width) for rows -1, in the dtype and with the width of `like`, and flat."""
    if PyArray_TYPE(a) != PyArray_TYPE(like):
        raise DTypeError(f"{kernel}: arrays are {describe(a)} and {describe(like)}; need one dtype")
    if PyArray_NDIM(a) != 2 or PyArray_DIM(a, 1) != PyArray_DIM(like, 1) or 0 <= rows != PyArray_DIM(a, 0):
        raise ShapeError(f"{kernel}: {what} is {describe(a)}, beside {describe(like)}; they do not fit")
    check_flat(kernel, a)
    return 0


cdef int check_factors(str kernel, str what, ndarray scale, ndarray like, Py_ssize_t n) except -1:
    """scale is (n,) in the dtype of `like`."""
    if PyArray_TYPE(scale) != PyArray_TYPE(like):
        raise DTypeError(f"{kernel}: {what} is {describe(scale)}, beside {describe(like)}; need one dtype")
    if PyArray_NDIM(scale) != 1 or PyArray_SIZE(scale) != n:
        raise ShapeError(f"{kernel}: {what} is {describe(scale)}; need {n}, one for each index")
    check_flat(kernel, scale)
    return 0


cdef int check_largest(str kernel, ndarray largest, ndarray like) except -1:
    """largest is int64 in the shape of `like`."""
    if PyArray_TYPE(largest) != NPY_INT64:
        raise DTypeError(f"{kernel}: largest is {describe(largest)}; need int64")
    if (<object>largest).shape != (<object>like).shape:
        raise ShapeError(f"{kernel}: largest is {describe(largest)}; need the shape of {describe(like)}")
    return 0


cdef int begin(str kernel, mg_embedding_bag_args *p, ndarray table, int mode, ndarray scale, long long skip) except -1:
    """Check the arguments that all kernels have in common, and put them into p; `table` is (rows, width)."""
    p.precision = check_real(kernel, table)
    if PyArray_NDIM(table) != 2:
        raise ShapeError(f"{kernel}: an array is {describe(table)}; need (rows, width)")
    if not MG_BAG_SUM <= mode <= MG_BAG_MAX:
        raise ValueError(f"{kernel}: mode is {mode}; need 0, 1 or 2: a sum, a mean, a maximum")
    if scale is not None and mode != MG_BAG_SUM:
        raise ValueError(f"{kernel}: factors go with sums alone")
    check_flat(kernel, table)
    p.width, p.mode, p.skip = PyArray_DIM(table, 1), mode, skip
    p.scale = p.g = p.weight = NULL
    p.offsets, p.largest = NULL, NULL
    return 0


cdef int fill(
    str kernel, mg_embedding_bag_args *p, ndarray source, ndarray out, ndarray index, ndarray offsets, ndarray scale,
    int mode, long long skip, bint back
) except -1:
    """The checks of embedding_bag and, if `back`, of its gradient. `source` is read, `out` is written, and one of them
    is the table."""
    cdef ndarray table = out if back else source, bags = source if back else out
    begin(kernel, p, source, mode, scale, skip)
    check_table(kernel, "out", out, source, -1)
    check_out(kernel, out)
    if not (apart(source, out) and apart(index, out)):
        raise ValueError(f"{kernel}: out shares memory with the {'gradient' if back else 'weight'} or the index")
    p.entries = PyArray_DIM(table, 0)
    check_bags(kernel, p, index, offsets, PyArray_DIM(bags, 0))
    if scale is not None:
        check_factors(kernel, "scale", scale, source, p.n)
        p.scale = PyArray_DATA(scale)
    return 0


def embedding_bag(
    ndarray weight not None, ndarray index not None, ndarray out not None, *, int mode=0, ndarray offsets=None,
    ndarray scale=None, ndarray largest=None, long long skip=-1
):
    cdef mg_embedding_bag_args p
    record(&p, sizeof(p))
    fill("embedding_bag", &p, weight, out, index, offsets, scale, mode, skip, False)
    if mode == MG_BAG_MAX:
        if largest is None:
            raise TypeError("embedding_bag: a maximum needs an array for the rows it is from: largest")
        check_largest("embedding_bag", largest, out)
        check_out("embedding_bag", largest)
        p.largest = <int64_t *>PyArray_DATA(largest)
    p.weight, p.out = PyArray_DATA(weight), PyArray_DATA(out)
    call(k_embedding_bag, &p, (p.n + p.bags) * p.width)


def embedding_bag_grad(
    ndarray g not None, ndarray index not None, ndarray out not None, *, int mode=0, ndarray offsets=None,
    ndarray scale=None, ndarray largest=None, long long skip=-1
):
    cdef mg_embedding_bag_args p
    record(&p, sizeof(p))
    fill("embedding_bag_grad", &p, g, out, index, offsets, scale, mode, skip, True)
    if mode == MG_BAG_MAX:
        if largest is None:
            raise TypeError("embedding_bag_grad: the gradient of a maximum needs the rows it is from: largest")
        check_largest("embedding_bag_grad", largest, g)
        check_flat("embedding_bag_grad", largest)
        if PyArray_SIZE(largest) and (largest.min() < -1 or largest.max() >= <object>p.entries):
            raise IndexError(f"embedding_bag_grad: a row of largest is outside of -1 <= row < {p.entries}")
        p.largest = <int64_t *>PyArray_DATA(largest)
    p.g, p.out = PyArray_DATA(g), PyArray_DATA(out)
    call(k_embedding_bag_grad, &p, (p.n + p.bags + p.entries) * p.width)


def embedding_bag_dots(
    ndarray g not None, ndarray weight not None, ndarray index not None, ndarray out not None, *, ndarray offsets=None,
    long long skip=-1
):
    cdef mg_embedding_bag_args p
    record(&p, sizeof(p))
    begin("embedding_bag_dots", &p, weight, MG_BAG_SUM, None, skip)
    check_table("embedding_bag_dots", "g", g, weight, -1)
    p.entries = PyArray_DIM(weight, 0)
    check_bags("embedding_bag_dots", &p, index, offsets, PyArray_DIM(g, 0))
    check_factors("embedding_bag_dots", "out", out, weight, p.n)
    check_out("embedding_bag_dots", out)
    if not (apart(g, out) and apart(weight, out) and apart(index, out)):
        raise ValueError("embedding_bag_dots: out shares memory with an input")
    p.weight, p.g, p.out = PyArray_DATA(weight), PyArray_DATA(g), PyArray_DATA(out)
    call(k_embedding_bag_dots, &p, (p.n + p.bags) * p.width)


know("embedding_bag", k_embedding_bag)
know("embedding_bag_dots", k_embedding_bag_dots)
know("embedding_bag_grad", k_embedding_bag_grad)
