# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Gathers, sums at indices, and copies into strided arrays. Meaning: reference/gather.py."""

from libc.stdint cimport int64_t
from numpy cimport (
    PyArray_DATA, PyArray_DIM, PyArray_ISBEHAVED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_STRIDE,
    PyArray_TYPE, PyTypeNum_ISNUMBER, import_array, ndarray,
)

from minigrad.kernels.native cimport runtime, tape
from minigrad.kernels.native.checks cimport apart, check_flat, check_indices, check_out, check_real, describe
from minigrad.kernels.native.indices cimport OUTSIDE, inside
from minigrad.kernels.native.launch cimport call, know, least, pieces, record, share, threads_for

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":             # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

cdef extern from "gather/gather.h" nogil:
    ctypedef struct mg_rows_args:
        size_t outer, n, few, size, bytes
        const void *x
        const int64_t *index
        void *out
    ctypedef struct mg_place_axis:
        size_t length
        Py_ssize_t stride
    enum: MG_PLACE_AXES
    ctypedef struct mg_place_args:
        size_t bytes
        const void *x
        void *out
        int axes
        mg_place_axis axis[MG_PLACE_AXES]
    ctypedef struct mg_gather_table:
        void (*take)(const mg_rows_args *p, size_t slice, size_t first, size_t n) noexcept nogil
        void (*place)(
            size_t rows, size_t n, size_t bytes, const char *x, char *out, Py_ssize_t row, Py_ssize_t column
        ) noexcept nogil
        void (*add_at[2])(const mg_rows_args *p, size_t slice, size_t first, size_t n) noexcept nogil
    const mg_gather_table *const *mg_gather_tables

import_array()

cdef enum: BLOCK = 65536                    # bytes that one thread copies at a time
cdef enum: LINE = 16                        # elements: parts are multiples, so that no threads share a cache line


cdef inline int check_one_dtype(str kernel, ndarray x, ndarray out) except -1:
    """Items of x can be copied to out as bytes."""
    if not (PyArray_TYPE(x) == PyArray_TYPE(out) and (
        PyTypeNum_ISNUMBER(PyArray_TYPE(x)) or x.dtype == out.dtype and x.dtype.itemsize and not x.dtype.hasobject
    )):
        raise DTypeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need one dtype, and no Python objects")
    return 0


# --- take and add_at ---

cdef int fill(str kernel, mg_rows_args *p, ndarray x, ndarray index, ndarray out, bint gather, int axis) except -1:
    """Check the arguments and put them into p. A gather reads `few` rows and writes `many`; add_at adds many to few."""
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
    p.x, p.index, p.out = PyArray_DATA(x), <const int64_t *>PyArray_DATA(index), PyArray_DATA(out)
    return 0


cdef inline size_t rows_at_once(const mg_rows_args *p) noexcept nogil:
    return max(<size_t>1, BLOCK // (p.size * p.bytes))


cdef void take_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_rows_args *>args
    cdef size_t height = rows_at_once(p), blocks = pieces(p.n, height), first = i % blocks * height
    mg_gather_tables[runtime.variant].take(p, i // blocks, first, least(height, p.n - first))


cdef int k_take(const void *args) noexcept nogil:
    p = <const mg_rows_args *>args
    share(p.outer * p.n * p.size * p.bytes // 4, p.outer * pieces(p.n, rows_at_once(p)), take_block, p)
    return 0


cdef int k_take_checked(const void *args) noexcept nogil:
    """The kernel of a recorded step. It checks the indices, because a replay does not call the def that checks them."""
    p = <const mg_rows_args *>args
    return k_take(p) if inside(p.index, p.n, p.few) else OUTSIDE


def take(ndarray x not None, ndarray index not None, ndarray out not None, int axis=0):
    cdef mg_rows_args p
    record(&p, sizeof(p))
    fill("take", &p, x, index, out, True, axis)
    if PyArray_SIZE(out):
        call(k_take_checked if tape.on else k_take, &p, PyArray_SIZE(out) * p.bytes // 4)


cdef struct columns_call:                   # what the parts of add_at share
    const mg_rows_args *p
    size_t width, pieces                    # columns of a part, parts of a slice


cdef void add_columns(const void *args, size_t i) noexcept nogil:
    """Part i: all entries of index, in order, for some columns."""
    c = <const columns_call *>args
    cdef size_t first = i % c.pieces * c.width
    mg_gather_tables[runtime.variant].add_at[c.p.bytes == 8](
        c.p, i // c.pieces, first, least(c.width, c.p.size - first))


cdef int k_add_at(const void *args) noexcept nogil:
    """Threads share columns, never entries of index, so that the order of each sum does not depend on them."""
    p = <const mg_rows_args *>args
    cdef columns_call c
    cdef size_t work = p.outer * p.n * p.size, threads = threads_for(work)
    c.p, c.width = p, p.size
    if p.outer < threads:
        c.width = pieces(p.size, threads * LINE) * LINE
    c.pieces = pieces(p.size, c.width)
    share(work, p.outer * c.pieces, add_columns, &c)
    return 0


cdef int k_add_at_checked(const void *args) noexcept nogil:
    """The kernel of a recorded step, as k_take_checked."""
    p = <const mg_rows_args *>args
    return k_add_at(p) if inside(p.index, p.n, p.few) else OUTSIDE


def add_at(ndarray x not None, ndarray index not None, ndarray out not None, int axis=0):
    cdef mg_rows_args p
    record(&p, sizeof(p))
    check_real("add_at", x)
    fill("add_at", &p, x, index, out, False, axis)
    if PyArray_SIZE(x):
        call(k_add_at_checked if tape.on else k_add_at, &p, PyArray_SIZE(x))


# --- class_places: the flat index of the class of each row ---

cdef struct mg_class_places_args:
    size_t n, classes
    const int64_t *index
    int64_t *out


cdef int k_class_places(const void *args) noexcept nogil:
    p = <const mg_class_places_args *>args
    cdef size_t i
    if not inside(p.index, p.n, p.classes):
        return OUTSIDE
    for i in range(p.n):
        p.out[i] = i * p.classes + p.index[i]
    return 0


def class_places(ndarray index not None, ndarray out not None, Py_ssize_t classes):
    cdef mg_class_places_args p
    record(&p, sizeof(p))
    check_indices("class_places", "index", index, classes)
    if PyArray_NDIM(index) != 1 or not PyArray_SAMESHAPE(index, out):
        raise ShapeError(f"class_places: index is {describe(index)}, out {describe(out)}; need two vectors of one size")
    if PyArray_TYPE(out) != PyArray_TYPE(index):
        raise DTypeError(f"class_places: out is {describe(out)}; need int64")
    check_out("class_places", out)
    if not apart(index, out):
        raise ValueError("class_places: out shares memory with index")
    p.n, p.classes = PyArray_SIZE(index), classes
    p.index, p.out = <const int64_t *>PyArray_DATA(index), <int64_t *>PyArray_DATA(out)
    if p.n:
        call(k_class_places, &p, p.n)


# --- place ---

cdef struct place_units:                    # how the copy *p is divided: a unit is `height` rows of `width` items
    const mg_place_args *p
    size_t groups, pieces, height, width


cdef void place_unit(const void *args, size_t i) noexcept nogil:
    """Copy unit i, counted with pieces of a row running fastest, then groups of rows, then the outer axes."""
    u = <const place_units *>args
    p = u.p
    cdef size_t columns = p.axis[0].length, rows = p.axis[1].length
    cdef size_t column = i % u.pieces * u.width, row = i // u.pieces % u.groups * u.height
    cdef size_t outer = i // (u.pieces * u.groups)
    cdef const char *x = <const char *>p.x + ((outer * rows + row) * columns + column) * p.bytes
    cdef char *out = <char *>p.out + <Py_ssize_t>row * p.axis[1].stride + <Py_ssize_t>column * p.axis[0].stride
    cdef int axis
    for axis in range(2, p.axes):
        out += <Py_ssize_t>(outer % p.axis[axis].length) * p.axis[axis].stride
        outer //= p.axis[axis].length
    mg_gather_tables[runtime.variant].place(
        least(u.height, rows - row), least(u.width, columns - column), p.bytes, x, out, p.axis[1].stride,
        p.axis[0].stride)


cdef int k_place(const void *args) noexcept nogil:
    p = <const mg_place_args *>args
    cdef place_units u
    cdef size_t outer = 1, items = max(<size_t>1, BLOCK // p.bytes), columns = p.axis[0].length, rows = p.axis[1].length
    cdef int axis
    for axis in range(2, p.axes):
        outer *= p.axis[axis].length
    u.p, u.width = p, least(columns, items)
    u.height = least(rows, max(<size_t>1, items // u.width))
    u.pieces, u.groups = pieces(columns, u.width), pieces(rows, u.height)
    share(outer * rows * columns * p.bytes // 4, u.pieces * u.groups * outer, place_unit, &u)
    return 0


cdef int merge_axes(mg_place_args *p, ndarray out) except -1:
    """Fill the axes, the last one first; an axis that continues the one before it is merged with it."""
    cdef int axis, k = 0
    cdef Py_ssize_t length, step
    for axis in range(PyArray_NDIM(out) - 1, -1, -1):
        length, step = PyArray_DIM(out, axis), PyArray_STRIDE(out, axis)
        if length == 1:
            continue
        if step == 0:
            raise ValueError(f"place: out, {describe(out)}, is a broadcast array: its items stand for several")
        if k and step == p.axis[k - 1].stride * <Py_ssize_t>p.axis[k - 1].length:
            p.axis[k - 1].length *= length
            continue
        p.axis[k] = mg_place_axis(length, step)
        k += 1
    while k < 2:
        p.axis[k] = mg_place_axis(1, 0)
        k += 1
    p.axes = k
    return 0


def place(ndarray x not None, ndarray out not None):
    cdef mg_place_args p
    record(&p, sizeof(p))
    check_one_dtype("place", x, out)
    if not PyArray_SAMESHAPE(x, out):
        raise ShapeError(f"place: x is {describe(x)}, out is {describe(out)}; need one shape")
    check_flat("place", x)
    if not PyArray_ISBEHAVED(out):
        raise ValueError(f"place: out is {describe(out)}; need it aligned, native and writable")
    if not apart(out, x):
        raise ValueError("place: out shares memory with x")
    if PyArray_SIZE(out) == 0:
        return
    merge_axes(&p, out)
    p.bytes, p.x, p.out = PyArray_ITEMSIZE(out), PyArray_DATA(x), PyArray_DATA(out)
    call(k_place, &p, PyArray_SIZE(out) * p.bytes // 4)


know("take", k_take)
know("add_at", k_add_at)
know("take_checked", k_take_checked)
know("add_at_checked", k_add_at_checked)
know("class_places", k_class_places)
know("place", k_place)
