# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Gathers, sums at indices, and copies into strided arrays. Meaning: reference/gather.py."""

from cython.parallel cimport prange
from libc.stdint cimport int64_t
from numpy cimport (
    PyArray_DATA, PyArray_DIM, PyArray_ISBEHAVED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_STRIDE,
    PyArray_TYPE, PyTypeNum_ISNUMBER, import_array, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_gather_tables
from minigrad.kernels.native.checks cimport apart, check_flat, check_indices, check_out, check_real, describe

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":             # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

import_array()

cdef enum: BLOCK = 65536                    # bytes that one thread copies at a time
cdef enum: LINE = 16                        # elements: threads do not write into one cache line of a row
cdef enum: AXES = 64                        # as many as NumPy has


cdef inline int check_one_dtype(str kernel, ndarray x, ndarray out) except -1:
    """Items of x can be copied to out as bytes."""
    if not (PyArray_TYPE(x) == PyArray_TYPE(out) and (
            PyTypeNum_ISNUMBER(PyArray_TYPE(x)) or x.dtype == out.dtype and x.dtype.itemsize and not x.dtype.hasobject)):
        raise DTypeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need one dtype, and no Python objects")
    return 0


cdef struct rows_args:                      # of take and add_at
    Py_ssize_t outer, n, few                # products of the axes before; entries of index; rows that it can name
    Py_ssize_t size, bytes                  # elements of a row, bytes of an element
    const char *x
    const int64_t *index
    char *out


cdef int fill(str kernel, rows_args *p, ndarray x, ndarray index, ndarray out, bint gather, int axis) except -1:
    """Check and note the arguments. A gather reads few rows and writes many; sums go from many to few."""
    cdef ndarray few = x if gather else out, many = out if gather else x
    cdef int i, named = PyArray_NDIM(index), axes = PyArray_NDIM(few)
    cdef bint fits = 0 <= axis < axes and PyArray_NDIM(many) == named + axes - 1
    check_one_dtype(kernel, x, out)
    p.outer = p.size = 1
    if fits:
        for i in range(named):
            fits &= PyArray_DIM(many, axis + i) == PyArray_DIM(index, i)
        for i in range(axis):
            fits &= PyArray_DIM(many, i) == PyArray_DIM(few, i)
            p.outer *= PyArray_DIM(few, i)
        for i in range(axis + 1, axes):
            fits &= PyArray_DIM(many, named + i - 1) == PyArray_DIM(few, i)
            p.size *= PyArray_DIM(few, i)
    if not fits:
        raise ShapeError(f"{kernel}: x is {describe(x)}, index {describe(index)}, out {describe(out)}, axis {axis}; "
                         f"need {'out' if gather else 'x'} to be the other with index.shape in place of the axis")
    check_flat(kernel, x)
    check_out(kernel, out)
    if not (apart(x, out) and apart(index, out)):
        raise ValueError(f"{kernel}: out shares memory with x or index")
    check_indices(kernel, "row", index, PyArray_DIM(few, axis))
    p.n, p.few, p.bytes = PyArray_SIZE(index), PyArray_DIM(few, axis), PyArray_ITEMSIZE(few)
    p.x, p.index = <const char *>PyArray_DATA(x), <const int64_t *>PyArray_DATA(index)
    p.out = <char *>PyArray_DATA(out)
    return 0


cdef inline void take_block(const rows_args *p, Py_ssize_t height, Py_ssize_t blocks, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t row = p.size * p.bytes, outer = i // blocks, start = i % blocks * height
    mg_gather_tables[runtime.variant].take(min(height, p.n - start), row, p.x + outer * p.few * row, p.index + start,
                                    p.out + (outer * p.n + start) * row)


cdef int k_take(const rows_args *p) noexcept nogil:
    cdef Py_ssize_t i, height = max(1, BLOCK // (p.size * p.bytes)), blocks = (p.n + height - 1) // height
    cdef int threads = runtime.threads_for(p.outer * p.n * p.size * p.bytes // 4)
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(p.outer * blocks):
            take_block(p, height, blocks, i)
    else:
        for i in prange(p.outer * blocks, num_threads=threads, schedule="static"):
            take_block(p, height, blocks, i)
    return 0


def take(ndarray x not None, ndarray index not None, ndarray out not None, int axis=0):
    cdef rows_args p
    fill("take", &p, x, index, out, True, axis)
    if PyArray_SIZE(out) == 0:
        return
    if runtime.releases_gil(PyArray_SIZE(out) * p.bytes // 4):
        with nogil:
            k_take(&p)
    else:
        k_take(&p)


cdef inline void add_columns(const rows_args *p, Py_ssize_t width, Py_ssize_t pieces, Py_ssize_t i) noexcept nogil:
    """Piece i of the columns: all entries of index, in order."""
    cdef Py_ssize_t outer = i // pieces, start = i % pieces * width, n = min(width, p.size - start)
    cdef Py_ssize_t x = outer * p.n * p.size + start, out = outer * p.few * p.size + start
    if p.bytes == 4:
        mg_gather_tables[runtime.variant].add_at_f32(p.n, n, p.size, <const float *>p.x + x, p.index, <float *>p.out + out)
    else:
        mg_gather_tables[runtime.variant].add_at_f64(p.n, n, p.size, <const double *>p.x + x, p.index, <double *>p.out + out)


cdef int k_add_at(const rows_args *p) noexcept nogil:
    """Threads share columns, never entries of index: each sum keeps its order."""
    cdef Py_ssize_t i, width = p.size, pieces
    cdef int threads = runtime.threads_for(p.outer * p.n * p.size)
    if p.outer < threads:
        width = (p.size + threads * LINE - 1) // (threads * LINE) * LINE
    pieces = (p.size + width - 1) // width
    if threads == 1 or p.outer * pieces == 1:
        for i in range(p.outer * pieces):
            add_columns(p, width, pieces, i)
    else:
        for i in prange(p.outer * pieces, num_threads=threads, schedule="static"):
            add_columns(p, width, pieces, i)
    return 0


def add_at(ndarray x not None, ndarray index not None, ndarray out not None, int axis=0):
    cdef rows_args p
    check_real("add_at", x)
    fill("add_at", &p, x, index, out, False, axis)
    if PyArray_SIZE(x) == 0:
        return
    if runtime.releases_gil(PyArray_SIZE(x)):
        with nogil:
            k_add_at(&p)
    else:
        k_add_at(&p)


cdef struct place_args:                     # a unit is `height` rows of `width` items, about BLOCK bytes in all
    int axes                                # shape[0] is the innermost axis, shape[1] the rows; strides of out in bytes
    Py_ssize_t bytes, units, groups, pieces, height, width
    Py_ssize_t shape[AXES]
    Py_ssize_t stride[AXES]
    const char *x
    char *out


cdef inline void place_unit(const place_args *p, Py_ssize_t i) noexcept nogil:
    """Unit i, counted with pieces of a row running fastest, then groups of rows, then the outer axes."""
    cdef Py_ssize_t column = i % p.pieces * p.width, row = i // p.pieces % p.groups * p.height
    cdef Py_ssize_t outer = i // (p.pieces * p.groups), height = min(p.height, p.shape[1] - row)
    cdef const char *x = p.x + ((outer * p.shape[1] + row) * p.shape[0] + column) * p.bytes
    cdef char *out = p.out + row * p.stride[1] + column * p.stride[0]
    cdef int axis
    for axis in range(2, p.axes):
        out += outer % p.shape[axis] * p.stride[axis]
        outer //= p.shape[axis]
    mg_gather_tables[runtime.variant].place(height, min(p.width, p.shape[0] - column), p.bytes, x, out, p.stride[1],
                                     p.stride[0])


cdef int k_place(const place_args *p, int threads) noexcept nogil:
    cdef Py_ssize_t i
    if threads == 1 or p.units == 1:
        for i in range(p.units):
            place_unit(p, i)
    else:
        for i in prange(p.units, num_threads=threads, schedule="static"):
            place_unit(p, i)
    return 0


cdef int merge_axes(place_args *p, ndarray out) except -1:
    """Fill shape and stride, from the last axis; an axis that continues the one before it is merged with it."""
    cdef int axis, k = 0
    cdef Py_ssize_t length, step
    for axis in range(PyArray_NDIM(out) - 1, -1, -1):
        length, step = PyArray_DIM(out, axis), PyArray_STRIDE(out, axis)
        if length == 1:
            continue
        if step == 0:
            raise ValueError(f"place: out, {describe(out)}, is a broadcast array: its items stand for several")
        if k and step == p.stride[k - 1] * p.shape[k - 1]:
            p.shape[k - 1] *= length
            continue
        p.shape[k], p.stride[k] = length, step
        k += 1
    p.axes = k
    while k < 2:
        p.shape[k], p.stride[k] = 1, 0
        k += 1
    return 0


def place(ndarray x not None, ndarray out not None):
    cdef place_args p
    cdef Py_ssize_t size = PyArray_SIZE(out)
    check_one_dtype("place", x, out)
    if not PyArray_SAMESHAPE(x, out):
        raise ShapeError(f"place: x is {describe(x)}, out is {describe(out)}; need one shape")
    check_flat("place", x)
    if not PyArray_ISBEHAVED(out):
        raise ValueError(f"place: out is {describe(out)}; need it aligned, native and writable")
    if not apart(out, x):
        raise ValueError("place: out shares memory with x")
    if size == 0:
        return
    merge_axes(&p, out)
    p.bytes, p.x, p.out = PyArray_ITEMSIZE(out), <const char *>PyArray_DATA(x), <char *>PyArray_DATA(out)
    p.width = min(p.shape[0], max(1, BLOCK // p.bytes))
    p.height = min(p.shape[1], max(1, BLOCK // p.bytes // p.width))
    p.pieces = (p.shape[0] + p.width - 1) // p.width
    p.groups = (p.shape[1] + p.height - 1) // p.height
    p.units = p.pieces * p.groups * (size // (p.shape[0] * p.shape[1]))
    if runtime.releases_gil(size * p.bytes // 4):
        with nogil:
            k_place(&p, runtime.threads_for(size * p.bytes // 4))
    else:
        k_place(&p, 1)
